#!/usr/bin/env python3
"""Fits the confidence of extracted values to what was right, and says how well it holds on documents it was not fitted on.

usage: eval/confidence/fit.py SET_FOLDER=PREDICTIONS.jsonl [SET_FOLDER=PREDICTIONS.jsonl …] [--split dev] [--folds 5] [--selftest]
PREDICTIONS are the lines of `boxwood eval` or `eval/extract_set.py` over sets with flat schemas, which keep the signals. Each
field is a case: a value (kept, or written and dropped), or an absence. Two logistic models are fitted, one for each, with weights that are
never below zero, as `ConfidenceModel` promises; then the score below which a value that stands nowhere in the file is
dropped. Figures are of cross-validation with whole documents left out. Prints the constants for
`crates/boxwood-answer/src/extract/confidence.rs`. Standard library only.
"""
import argparse
import json
import math
import random
import re
import sys
from pathlib import Path

FLOOR, ODDS = -8.0, 8.0
VALUE = ("bias", "log_prob", "least_log_prob", "grounding", "presence", "agreement", "check")
ABSENCE = ("absence_bias", "absence_log_prob", "absence_presence")
# What stands in the program now: the figures of the fit are printed beside those of these.
NOW = {"bias": 0.36, "log_prob": 0.71, "least_log_prob": 1.45, "grounding": 1.46, "presence": 0.07, "agreement": 0.24, "check": 0.1,
       "absence_bias": 2.0, "absence_log_prob": 2.0, "absence_presence": 0.24, "ungrounded_below": 0.75}
HIGH, MEDIUM = 0.90, 0.70


# What is right: the same amount, or the same letters and digits. Capitals and marks are how a value is written, which the
# scorer of receipts counts as wrong; a confidence that learned it would say nothing about what was read.

AMOUNTS = ("net_total", "tax_total", "grand_total", "line_items", "total")


def written(value, field):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{float(value):.2f}"
    text = str(value)
    digits = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", "")) if field in AMOUNTS else []
    return f"{float(digits[-1]):.2f}" if digits else re.sub(r"[\W_]", "", text.casefold())


def is_right(value, gold, field):
    wanted = gold if isinstance(gold, list) else [gold]
    return any(option is not None and written(option, field) == written(value, field) for option in wanted)


# Cases: {document, kind: value or absence, x: features, right, ungrounded}

def clamp(value, low, high):
    return min(max(value, low), high)


def value_features(signals):
    measured = signals.get("log_prob") is not None
    return (1.0, clamp(signals["log_prob"], FLOOR, 0.0) if measured else 0.0,
            clamp(signals["least_log_prob"], FLOOR, 0.0) if measured else 0.0, clamp(signals["grounding"], 0.0, 1.0),
            clamp(signals.get("presence") or 0.0, -ODDS, ODDS), max(signals.get("agreement") or 0.0, FLOOR),
            clamp(signals.get("check") or 0.0, -ODDS, ODDS))


def absence_features(signals):
    return 1.0, max(signals["log_prob"], FLOOR), -clamp(signals.get("presence") or 0.0, -ODDS, ODDS)


def cases(folder, predictions, split):
    rows = {row["id"]: row for row in map(json.loads, (folder / f"{split}.jsonl").read_text().splitlines())}
    for line in predictions.read_text().splitlines():
        prediction = json.loads(line)
        row = rows[prediction["id"]]
        answer, detail = prediction.get("answer"), prediction.get("detail") or {}
        signals = prediction.get("signals") or detail.get("signals")
        if not isinstance(answer, dict) or not signals or "expected" not in row:
            continue
        for field in row.get("scored_fields") or list(row["expected"]):
            measured, gold = signals.get(field), row["expected"][field]
            if not isinstance(measured, dict):
                continue
            case = {"document": prediction["id"], "field": field, "has_gold": gold not in (None, "", [])}
            value = answer.get(field)
            kept = value if value not in (None, "") else measured.get("dropped")
            if kept is not None:
                yield case | {"kind": "value", "x": value_features(measured), "right": is_right(kept, gold, field),
                              "ungrounded": measured["grounding"] <= 0.0}
            elif measured.get("log_prob") is not None:
                yield case | {"kind": "absence", "x": absence_features(measured), "right": not case["has_gold"]}


# The fit: ridge logistic regression by projected gradient steps; all weights but the constant stay at or above zero.

def logistic(logit):
    return 1.0 / (1.0 + math.exp(-clamp(logit, -40.0, 40.0)))


def score(weights, x):
    return logistic(sum(weight * part for weight, part in zip(weights, x)))


def fitted(chosen, ridge, steps=3000):
    size = len(chosen[0]["x"])
    # One scale for each feature, so that one step width fits all.
    scale = [max(1e-3, math.sqrt(sum(case["x"][i] ** 2 for case in chosen) / len(chosen))) for i in range(size)]
    points = [([part / width for part, width in zip(case["x"], scale)], float(case["right"])) for case in chosen]
    weights, previous = [0.0] * size, [0.0] * size
    for step in range(1, steps + 1):
        momentum = (step - 1) / (step + 2)
        ahead = [w + momentum * (w - p) for w, p in zip(weights, previous)]
        gradient = [ridge * w if i else 0.0 for i, w in enumerate(ahead)]
        for x, right in points:
            error = (score(ahead, x) - right) / len(points)
            for i, part in enumerate(x):
                gradient[i] += error * part
        previous, weights = weights, [a - 4.0 / size * g for a, g in zip(ahead, gradient)]
        weights = [w if i == 0 else max(0.0, w) for i, w in enumerate(weights)]
    return [w / width for w, width in zip(weights, scale)]


def folds(chosen, count):
    documents = sorted({case["document"] for case in chosen})
    random.Random(7).shuffle(documents)
    place = {document: index % count for index, document in enumerate(documents)}
    for fold in range(count):
        yield ([case for case in chosen if place[case["document"]] != fold],
               [case for case in chosen if place[case["document"]] == fold])


def cross_validated(chosen, ridge, count):
    """(score, case) of every case, by weights that never saw its document."""
    scored = []
    for train, test in folds(chosen, count):
        if train and test:
            weights = fitted(train, ridge, steps=800)
            scored += [(score(weights, case["x"]), case) for case in test]
    return scored


def loss(scored):
    return -sum(math.log(max(1e-6, p if case["right"] else 1 - p)) for p, case in scored) / max(1, len(scored))


# What is told.

def calibration_error(scored, groups=10):
    """Mean distance of what was said and what was right, over groups of equal size."""
    ordered = sorted(scored, key=lambda one: one[0])
    size = max(1, math.ceil(len(ordered) / groups))
    parts = [ordered[start:start + size] for start in range(0, len(ordered), size)]
    return sum(abs(sum(p for p, _ in part) - sum(case["right"] for _, case in part)) for part in parts) / max(1, len(ordered))


def area(scored):
    """Chance that a right case has the higher score of a right and a wrong one."""
    right, wrong = ([p for p, case in scored if case["right"] == which] for which in (True, False))
    if not right or not wrong:
        return float("nan")
    return sum((a > b) + 0.5 * (a == b) for a in right for b in wrong) / (len(right) * len(wrong))


def report(name, scored):
    levels = []
    for level, low, high in (("HIGH", HIGH, 1.1), ("MEDIUM", MEDIUM, HIGH), ("LOW", 0.0, MEDIUM)):
        inside = [case["right"] for p, case in scored if low <= p < high]
        levels.append(f"{level} {sum(inside)}/{len(inside)}" + (f" ({100 * sum(inside) / len(inside):.0f} %)" if inside else ""))
    print(f"  {name:22} error {calibration_error(scored):.3f}  area {area(scored):.3f}  loss {loss(scored):.3f}  right: "
          + ", ".join(levels))


def f1(scored, below):
    """F1 of the kept values when those that stand nowhere are dropped below a score."""
    true = false = missed = 0
    for p, case in scored:
        kept = not (case["ungrounded"] and p < below)
        true += kept and case["right"]
        false += kept and not case["right"]
        missed += case["has_gold"] and not (kept and case["right"])
    return 2 * true / max(1, 2 * true + false + missed)


def fit(chosen, names, count):
    print(f"{len(chosen)} cases of {len({case['document'] for case in chosen})} documents, "
          f"{sum(case['right'] for case in chosen)} right")
    best = min((0.001, 0.003, 0.01, 0.03, 0.1), key=lambda ridge: loss(cross_validated(chosen, ridge, count)))
    now = [NOW[name] for name in names]
    report("weights of now", [(score(now, case["x"]), case) for case in chosen])
    scored = cross_validated(chosen, best, count)
    report(f"fitted (ridge {best})", scored)
    return dict(zip(names, fitted(chosen, best))), scored


def selftest():
    """Cases drawn by known weights: the fit must come near them and be calibrated."""
    chance, truth = random.Random(3), (0.5, 1.5, 0.2, 2.0, 0.3, 0.4, 0.0)
    drawn = []
    for number in range(500):
        x = (1.0, -chance.expovariate(2), -chance.expovariate(1), float(chance.random() < 0.7), chance.gauss(0, 3),
             -chance.expovariate(1), 0.0)
        drawn.append({"document": number // 5, "x": x, "right": chance.random() < score(truth, x)})
    found = fitted(drawn, 0.0001)
    assert all(abs(a - b) < 0.8 for a, b in zip(found, truth)), found
    scored = cross_validated(drawn, 0.001, 5)
    assert len(scored) == len(drawn) and calibration_error(scored) < 0.08, calibration_error(scored)
    assert abs(f1([(0.9, {"ungrounded": False, "right": True, "has_gold": True}),
                   (0.2, {"ungrounded": True, "right": False, "has_gold": False})], 0.5) - 1.0) < 1e-9
    print("selftest passed")


def main():
    if "--selftest" in sys.argv:
        return selftest()
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("runs", nargs="+", help="SET_FOLDER=PREDICTIONS.jsonl")
    arguments.add_argument("--split", default="dev")
    arguments.add_argument("--folds", type=int, default=5)
    chosen = arguments.parse_args()
    every = []
    for run in chosen.runs:
        folder, predictions = run.split("=", 1)
        every += cases(Path(folder), Path(predictions), chosen.split)
    constants = {}
    values = [case for case in every if case["kind"] == "value"]
    print("values:")
    if len(values) < 50:
        raise SystemExit(f"only {len(values)} values: too few to fit anything")
    constants, scored = fit(values, VALUE, chosen.folds)
    if any(case["ungrounded"] for case in values):
        steps = [step / 20 for step in range(21)]
        best = max(steps, key=lambda below: (f1(scored, below), below))
        print(f"  values that stand nowhere: {sum(case['ungrounded'] for case in values)}, right "
              f"{sum(case['right'] for case in values if case['ungrounded'])}; F1 {f1(scored, 0.0):.3f} with all kept, "
              f"{f1(scored, best):.3f} dropped below {best}, {f1(scored, 1.1):.3f} with none kept")
        constants["ungrounded_below"] = best
    absences = [case for case in every if case["kind"] == "absence"]
    print("absences:")
    if len({case["right"] for case in absences}) == 2 and len(absences) >= 20:
        constants |= fit(absences, ABSENCE, chosen.folds)[0]
    else:
        print(f"  {len(absences)} cases, {sum(case['right'] for case in absences)} right: not fitted")
    print("\nfor confidence.rs:")
    for name, value in constants.items():
        print(f"    {name}: {value:.3f},")


if __name__ == "__main__":
    main()
