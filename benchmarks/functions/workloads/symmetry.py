"""The network that learns mirror symmetry: its error over all patterns, as a function of its weights.

D. Rumelhart, G. Hinton and R. Williams, "Learning representations by back-propagating errors" (Nature 323, 1986),
figure 1: six binary inputs, two hidden units, one output that should be 1 where the pattern is its own mirror image
and 0 elsewhere; every unit is y = 1 / (1 + exp(-x)), x the weighted sum of what comes in and a bias, and

    E = 1/2 sum over all 64 patterns of (y - d)**2.

8 h + 1 inputs for h hidden units, 1 output; the size is h, which is 2 in the paper.  Inputs are the weights of the
hidden units, shape (6, h), their biases, the weights of the output and its bias: uniform between -0.3 and 0.3, seeded.
`python -m benchmarks training` trains it.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem

BITS = 6
PAPER = 2
SEED = 1
"""The first of 0, 1, 2, ... from which two hidden units learn."""
PATTERNS = np.array(list(itertools.product((0.0, 1.0), repeat=BITS)))
SYMMETRIC = (PATTERNS[:, ::-1] == PATTERNS).all(axis=1).astype(np.float64)


def weights(h: int, seed: int = SEED) -> Floats:
    """Where learning starts: 8 h + 1 weights, uniform between -0.3 and 0.3."""
    return np.random.default_rng((seed, h)).uniform(-0.3, 0.3, (BITS + 2) * h + 1)


def outputs(xp: Any, x: Any, patterns: Any) -> Any:
    """The output of the network for patterns of shape (patterns, BITS)."""
    h = x.shape[0] // (BITS + 2)
    first = xp.reshape(x[: BITS * h], (BITS, h))
    hidden = 1.0 / (1.0 + xp.exp(-(patterns @ first + x[BITS * h : (BITS + 1) * h])))
    return 1.0 / (1.0 + xp.exp(-(hidden @ x[(BITS + 1) * h : -1] + x[-1])))


def f(xp: Any, x: Any, patterns: Any, wanted: Any) -> Any:
    """The error E."""
    return 0.5 * xp.sum(xp.square(outputs(xp, x, patterns) - wanted))


def backpropagation(x: Floats, patterns: Floats, wanted: Floats) -> Floats:
    """By hand, as in the paper's equations 4 to 7; shape of x."""
    h = len(x) // (BITS + 2)
    first, bias, second = x[: BITS * h].reshape(BITS, h), x[BITS * h : (BITS + 1) * h], x[(BITS + 1) * h : -1]
    hidden = 1.0 / (1.0 + np.exp(-(patterns @ first + bias)))
    y = 1.0 / (1.0 + np.exp(-(hidden @ second + x[-1])))
    d_out = (y - wanted) * y * (1.0 - y)
    d_hidden = np.outer(d_out, second) * hidden * (1.0 - hidden)
    return np.concatenate([(patterns.T @ d_hidden).ravel(), d_hidden.sum(axis=0), d_out @ hidden, [d_out.sum()]])


def at(h: int, seed: int = SEED) -> Problem:
    """The problem of h hidden units."""
    x, data = weights(h, seed), (PATTERNS, SYMMETRIC)
    return Problem("symmetry", h, f, x, len(x), 1, lambda: backpropagation(x, *data)[np.newaxis], data=data)


FAMILY = Family("symmetry", at, sizes=(2, 8), growing=(2, 8, 32, 128))
