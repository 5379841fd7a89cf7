"""Rosenbrock's valley in N variables, the classic test of optimisers (Rosenbrock 1960; this form: De Jong 1975).

    f(x) = sum over i = 1 ... N-1 of  100 (x[i+1] - x[i]**2)**2 + (1 - x[i])**2

N inputs, 1 output; the size is N.  `scipy.optimize.rosen` is the same function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row


def f(xp: Any, x: Any) -> Any:
    """The height of the valley."""
    head = x[:-1]
    return xp.sum(100.0 * (x[1:] - head**2) ** 2 + (1.0 - head) ** 2)


def at(n: int) -> Problem:
    """The problem of `n` variables, at a point beside the floor of the valley."""
    x = np.random.default_rng(n).uniform(0.5, 1.5, n)

    def jacobian() -> Floats:
        """By hand."""
        head, off = x[:-1], x[1:] - x[:-1] ** 2
        gradient = np.zeros(n)
        gradient[1:] += 200.0 * off
        gradient[:-1] -= 400.0 * head * off + 2.0 * (1.0 - head)
        return one_row(gradient)

    return Problem("rosenbrock", n, f, x, n, 1, jacobian)


FAMILY = Family(
    "rosenbrock",
    at,
    snap=lambda n: max(n, 2),
    sizes=(16, 256),
    growing=(2, 4, 16, 64, 256, 1024, 4096, 16384, 65536),
)
