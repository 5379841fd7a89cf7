"""The Helmholtz energy of a mixed fluid in a unit volume, the classic of the AD literature (Griewank 1989).

    f(x) = T sum over i of x[i] log(x[i] / (1 - s))
           - x' A x / (sqrt(8) s) log((1 + (1 + sqrt(2)) s) / (1 + (1 - sqrt(2)) s)),    s = <b, x>

x are the amounts of N fluids, b their volumes, A their attraction, T the temperature times the gas constant: the
equation of state of (Peng and Robinson 1976). N inputs, 1 output; the size is N.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row

TEMPERATURE = 1.0
ROOT = math.sqrt(2.0)


def f(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """The energy."""
    s = xp.sum(b * x)
    mixing = xp.sum(x * xp.log(x / (1.0 - s)))
    attraction = xp.sum(x * (a @ x)) / (2.0 * ROOT * s) * xp.log((1.0 + (1.0 + ROOT) * s) / (1.0 + (1.0 - ROOT) * s))
    return TEMPERATURE * mixing - attraction


def at(n: int) -> Problem:
    """The problem of `n` fluids, which fill less than half of the volume."""
    random = np.random.default_rng(n)
    half = random.uniform(0.0, 1.0, (n, n))
    a, b = half + half.T, random.uniform(0.5, 1.0, n)
    x = random.uniform(0.25, 0.5, n) / n

    def jacobian() -> Floats:
        """By hand."""
        s, square = b @ x, x @ a @ x
        low, high = 1.0 + (1.0 - ROOT) * s, 1.0 + (1.0 + ROOT) * s
        log = math.log(high / low)
        mixing = np.log(x / (1.0 - s)) + 1.0 + b * x.sum() / (1.0 - s)
        in_s = ((1.0 + ROOT) / high - (1.0 - ROOT) / low) / s - log / s**2
        attraction = (2.0 * (a @ x) * log / s + b * square * in_s) / (2.0 * ROOT)
        return one_row(TEMPERATURE * mixing - attraction)

    return Problem("helmholtz", n, f, x, n, 1, jacobian, data=(a, b))


FAMILY = Family("helmholtz", at, sizes=(8, 64), growing=(1, 4, 16, 64, 256, 1024))
