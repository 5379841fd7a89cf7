"""Logistic regression (Cox 1958): the loss of a linear classifier on labels of 1 and -1, with a penalty on its weights.

    f(x) = mean over the points i of  log(1 + exp(-m[i]))  +  P |x|**2 / 2,    m[i] = y[i] <a[i], x>,    P = 0.01

N inputs, 1 output; the size is N, and there are 10 N points.  The logarithm is written so that no margin overflows:
log(1 + exp(-m)) = log1p(exp(-|m|)) + (|m| - m) / 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row

PENALTY = 0.01
POINTS = 10


def f(xp: Any, x: Any, a: Any, y: Any) -> Any:
    """The loss."""
    margin = y * (a @ x)
    far = xp.abs(margin)
    return xp.mean(xp.log1p(xp.exp(-far)) + 0.5 * (far - margin)) + 0.5 * PENALTY * xp.sum(x * x)


def at(n: int) -> Problem:
    """The problem of `n` weights; the labels follow a hidden classifier, but for every tenth."""
    random = np.random.default_rng(n)
    a = random.normal(size=(POINTS * n, n)) / np.sqrt(n)
    y = np.sign(a @ random.normal(size=n)) * np.where(random.random(POINTS * n) < 0.1, -1.0, 1.0)
    x = random.normal(size=n)

    def jacobian() -> Floats:
        """Closed form: each point pulls by the probability that it is given to the wrong label."""
        wrong = 1.0 / (1.0 + np.exp(y * (a @ x)))
        return one_row(PENALTY * x - (wrong * y) @ a / len(y))

    return Problem("logistic_regression", n, f, x, n, 1, jacobian, data=(a, y))


FAMILY = Family("logistic_regression", at, sizes=(8, 64), growing=(2, 8, 32, 128, 512))
