"""Functions of N inputs and M outputs, for the question which mode wins where.

    map     y_j = sum over i of sin(w_ij * x_i),    w_ij = 0.5 + ((i + 2 * j) % 7) / 7
    trunk   y_j = sum over k of w_kj * h_k,         h_k = sum over i of sin(w_ik * x_i)

On the map every output depends on every input through ops of its own, so the Jacobian is dense, both modes execute the
same ops per sweep, and theory puts the border at N = M: N forward sweeps against M reverse sweeps.  A reverse sweep
that visits only what its output depends on has an M-th of the work there.  On the trunk it has nearly all of it: what
is dear is shared by all outputs, and each of them costs a few ops more.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, around_one

SIDE = (1, 2, 4, 8, 16)
TRUNK_SIDE = (2, 8, 32)
WIDTH = 8


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


def trunk(size: tuple[int, int]) -> Problem:
    """The problem of size (N, M), with WIDTH values h_k between.

    Ops: WIDTH * (3 * N - 1) for the values between, (2 * WIDTH - 1) * M for the outputs.  Depth: N + WIDTH + 1, through
    h_0; WIDTH * M paths from x[0].
    """
    n, m = size
    x = around_one(n)

    def f(xp: Any, x: Sequence[Any]) -> list[Any]:
        between = grid((n, WIDTH)).f(xp, x)
        outputs = []
        for j in range(m):
            total = weight(0, j) * between[0]
            for k in range(1, WIDTH):
                total = total + weight(k, j) * between[k]
            outputs.append(total)
        return outputs

    def jacobian() -> Floats:
        """Closed form: the product of the two layers' Jacobians."""
        outer = weight(np.arange(WIDTH), np.arange(m)[:, np.newaxis])
        w = weight(np.arange(n), np.arange(WIDTH)[:, np.newaxis])
        partials: Floats = outer @ (w * np.cos(w * np.asarray(x)))
        return partials

    ops = WIDTH * (3 * n - 1) + (2 * WIDTH - 1) * m
    return Problem("trunk", size, f, x, n, m, jacobian, ops=ops, depth=n + WIDTH + 1, paths=WIDTH * m)


MAP = Family("map", grid, sizes=tuple(itertools.product(SIDE, SIDE)), axes=2)
TRUNK = Family("trunk", trunk, sizes=tuple(itertools.product(TRUNK_SIDE, TRUNK_SIDE)), axes=2)
MAPS = (MAP.name, TRUNK.name)
"""The families whose inputs and outputs vary apart, which are no curves."""
