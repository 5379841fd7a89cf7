"""The loss of a classifier with two hidden layers on a batch, as a function of all its weights.

    z = tanh(tanh(X W1 + b1) W2 + b2) W3 + b3,    loss = mean over the batch of logsumexp(z_i) - z_i[class of i]

the cross-entropy of a softmax (J. Bridle, in Neurocomputing, 1990), which every step of training a classifier
differentiates.  `BATCH` seeded samples of `FEATURES` features in `CLASSES` classes; the hidden layers are h wide.
h**2 + 14 h + 4 inputs (W1, b1, W2, b2, W3, b3, by rows), 1 output; the size is h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem

FEATURES = 8
CLASSES = 4
BATCH = 32


def layers(xp: Any, x: Any, h: int) -> list[tuple[Any, Any]]:
    """The weights and biases of the three layers, from the vector of all."""
    parts, start = [], 0
    for below, above in ((FEATURES, h), (h, h), (h, CLASSES)):
        middle = start + below * above
        parts.append((xp.reshape(x[start:middle], (below, above)), x[middle : middle + above]))
        start = middle + above
    return parts


def at(h: int) -> Problem:
    """The problem of hidden layers h wide."""

    def f(xp: Any, x: Any, samples: Any, classes: Any) -> Any:
        """The loss, from samples of shape (BATCH, FEATURES) and their classes as unit vectors, (BATCH, CLASSES)."""
        (w1, b1), (w2, b2), (w3, b3) = layers(xp, x, h)
        z = xp.tanh(xp.tanh(samples @ w1 + b1) @ w2 + b2) @ w3 + b3
        top = xp.max(z, axis=1, keepdims=True)
        log_sum = xp.log(xp.sum(xp.exp(z - top), axis=1)) + top[:, 0]
        return xp.mean(log_sum - xp.sum(classes * z, axis=1))

    random = np.random.default_rng((1989, h))
    x = np.concatenate(
        [
            (random.standard_normal((1 + below) * above) / np.sqrt(1 + below))
            for below, above in ((FEATURES, h), (h, h), (h, CLASSES))
        ]
    )
    samples = random.standard_normal((BATCH, FEATURES))
    classes = np.eye(CLASSES)[random.integers(CLASSES, size=BATCH)]

    def jacobian() -> Floats:
        """By hand: backpropagation."""
        (w1, b1), (w2, b2), (w3, b3) = layers(np, x, h)
        v1 = np.tanh(samples @ w1 + b1)
        v2 = np.tanh(v1 @ w2 + b2)
        power = np.exp(v2 @ w3 + b3)
        d3 = (power / power.sum(axis=1, keepdims=True) - classes) / BATCH
        d2 = d3 @ w3.T * (1.0 - v2**2)
        d1 = d2 @ w2.T * (1.0 - v1**2)
        parts = [(below.T @ d, d.sum(axis=0)) for below, d in ((samples, d1), (v1, d2), (v2, d3))]
        return np.concatenate([part.ravel() for layer in parts for part in layer])[np.newaxis]

    return Problem("mlp", h, f, x, len(x), 1, jacobian, data=(samples, classes))


FAMILY = Family("mlp", at, sizes=(2, 8), growing=(2, 8, 32, 64))
