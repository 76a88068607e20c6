#!/usr/bin/env python3
"""Learns a read-out for the support check from the states that `read_states` wrote.

usage: eval/support/train.py MODEL_NAME LAYER OUT.json STATES.jsonl…      (needs numpy; one state a line, see read_states.rs)

Ridge regression on standardised states; the passages of one row (the original and its contrast) stay in one fold. The scale is
such that the value is about ln(P/(1-P)) on the folds that were left out. Prints the area under the curve of the model's own
"Yes" against "No" and of the read-out, both cross-validated.
"""
import json
import math
import sys
import zlib

import numpy as np

FOLDS = 5
RIDGE = 30.0


def fit(states, labels):
    """Weights and constant for raw states."""
    mean, spread = states.mean(0), states.std(0) + 1e-6
    scaled = (states - mean) / spread
    width = scaled.shape[1]
    targets = 2.0 * labels - 1.0
    kernel = scaled @ scaled.T / width
    duals = np.linalg.solve(kernel + RIDGE * np.eye(len(labels)), targets - targets.mean())
    weights = scaled.T @ duals / width / spread
    return weights, targets.mean() - weights @ mean


def area(labels, values):
    """Area under the curve: the chance that an answerable question has the higher value."""
    order = values.argsort().argsort() + 1
    positive = labels.sum()
    return (order[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(labels) - positive))


def logistic_scale(labels, values):
    """Slope and constant that make the values log-odds (Newton's method)."""
    design = np.stack([values, np.ones_like(values)], 1)
    solution = np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ solution))
        hessian = design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-9 * np.eye(2)
        solution += np.linalg.solve(hessian, design.T @ (labels - chance))
    return solution


def main():
    model, layer, out, *files = sys.argv[1:]
    rows = [json.loads(line) for name in files for line in open(name, encoding="utf-8")]
    states = np.array([row["state"] for row in rows], dtype=np.float64)
    labels = np.array([float(row["ok"]) for row in rows])
    folds = np.array([zlib.crc32(row["group"].encode()) % FOLDS for row in rows])
    values = np.zeros(len(rows))
    for fold in range(FOLDS):
        left_out = folds == fold
        weights, bias = fit(states[~left_out], labels[~left_out])
        values[left_out] = states[left_out] @ weights + bias
    odds = np.array([row["odds"] for row in rows])
    print(f"{len(rows)} questions; area under the curve: Yes against No {area(labels, odds):.3f}, read-out {area(labels, values):.3f}")
    slope, constant = logistic_scale(labels, values)
    weights, bias = fit(states, labels)
    number = lambda value: float(f"{value:.5g}")
    read_out = {"model": model, "layer": int(layer), "bias": number(slope * bias + constant),
                "weights": [number(slope * weight) for weight in weights]}
    assert all(math.isfinite(weight) for weight in read_out["weights"])
    with open(out, "w", encoding="utf-8") as file:
        json.dump(read_out, file)
        file.write("\n")


if __name__ == "__main__":
    main()
