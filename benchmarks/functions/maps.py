"""Functions of N inputs and M outputs, for the question which mode wins where.

    y_j = sum over i of sin(w_ij * x_i),    w_ij = 0.5 + ((i + 2 * j) % 7) / 7

Every output depends on every input through ops of its own, so the Jacobian is dense, both modes execute the same ops
per sweep, and theory puts the border at N = M: N forward sweeps against M reverse sweeps.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, around_one

SIDE = (1, 2, 4, 8, 16)


def weight(i: Any, j: Any) -> Any:
    """The weight of input i in output j."""
    return 0.5 + (i + 2 * j) % 7 / 7


def grid(size: tuple[int, int]) -> Problem:
    """The problem of size (N, M).

    Ops: N * M multiplications and sines, (N - 1) * M additions.  Depth: N + 1; M paths from x[0].
    """
    n, m = size
    x = around_one(n)

    def f(xp: Any, x: Sequence[Any]) -> list[Any]:
        outputs = []
        for j in range(m):
            total = xp.sin(weight(0, j) * x[0])
            for i in range(1, n):
                total = total + xp.sin(weight(i, j) * x[i])
            outputs.append(total)
        return outputs

    def jacobian() -> Floats:
        """Closed form: w_ij cos(w_ij x_i)."""
        w = weight(np.arange(n), np.arange(m)[:, np.newaxis])
        partials: Floats = w * np.cos(w * np.asarray(x))
        return partials

    return Problem("map", size, f, x, n, m, jacobian, ops=(3 * n - 1) * m, depth=n + 1, paths=m)


MAP = Family("map", grid, sizes=tuple(itertools.product(SIDE, SIDE)), axes=2)
