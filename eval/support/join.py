#!/usr/bin/env python3
"""Fits the joining weights of the support check on what `measure_support` wrote, and says how they do on rows left out.

usage: eval/support/join.py MEASURED.jsonl [SIGNAL…]          (needs numpy)

SIGNAL: names of `support.signals` (by default those that the model of these rows has). Rows without evidence abstain always and take
no part in the fit. Prints the weights, the threshold that loses at most a tenth of the answerable, and both rates: on the rows
themselves and cross-validated (10 times 10 folds; weights and threshold are found without the fold that is judged).
"""
import json
import sys

import numpy as np

FOLDS = 10
REPEATS = 10
RIDGE = 0.02
FALSE_ABSTENTION = 0.10


def fit(signals, labels):
    """Weights and constant of a slightly shrunk logistic model; the shrinkage acts on standardised signals."""
    mean, spread = signals.mean(0), signals.std(0) + 1e-6
    design = np.column_stack([(signals - mean) / spread, np.ones(len(labels))])
    shrink = RIDGE * len(labels) * np.diag([1.0] * signals.shape[1] + [0.0])
    solution = np.zeros(design.shape[1])
    for _ in range(60):
        chance = 1 / (1 + np.exp(-design @ solution))
        hessian = design.T @ (design * (chance * (1 - chance))[:, None]) + shrink + 1e-9 * np.eye(len(solution))
        solution += np.linalg.solve(hessian, design.T @ (labels - chance) - shrink @ solution)
    weights = solution[:-1] / spread
    return weights, solution[-1] - weights @ mean


def threshold(values, labels, wanted):
    """The highest bound below which at most the wanted share of the answerable falls."""
    answerable = np.sort(values[labels == 1])
    place = int(wanted * len(answerable))
    return answerable[place] if place < len(answerable) else np.inf


def rates(abstained, labels):
    return abstained[labels == 0].mean(), abstained[labels == 1].mean()


def judge(signals, labels, seed):
    """Whether each row is abstained on by a model and a bound that were found without it."""
    folds = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    abstained = np.zeros(len(labels), dtype=bool)
    for fold in range(FOLDS):
        out = folds == fold
        weights, bias = fit(signals[~out], labels[~out])
        bound = threshold(signals[~out] @ weights + bias, labels[~out], FALSE_ABSTENTION)
        abstained[out] = signals[out] @ weights + bias < bound
    return abstained


def main():
    path, *names = sys.argv[1:]
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    known = [row for row in rows if row["support"]["signals"]]
    names = names or [name for name, value in known[0]["support"]["signals"].items() if value is not None]
    labels = np.array([float(row["answerable"]) for row in rows])
    has = np.array([row["support"]["signals"] is not None for row in rows])
    signals = np.array([[row["support"]["signals"][name] for name in names] for row in known])
    weights, bias = fit(signals, labels[has])
    values = np.full(len(rows), -np.inf)
    values[has] = signals @ weights + bias
    bound = threshold(values, labels, FALSE_ABSTENTION)
    print(f"{len(rows)} rows, {int(has.sum())} with signals; constant {bias:.3f}, " + ", ".join(f"{name} {weight:.3f}" for name, weight in zip(names, weights)))
    print(f"threshold {1 / (1 + np.exp(-bound)):.3f}: abstains on {rates(values < bound, labels)[0]:.1%} of the unanswerable and {rates(values < bound, labels)[1]:.1%} of the answerable")
    crossed = []
    for seed in range(REPEATS):
        abstained = ~has
        abstained[has] = judge(signals, labels[has], seed)
        crossed.append(rates(abstained, labels))
    print("cross-validated: {:.1%} and {:.1%}".format(*np.mean(crossed, 0)))


if __name__ == "__main__":
    main()
