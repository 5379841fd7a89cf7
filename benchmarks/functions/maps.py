"""Functions of N inputs and M outputs, for the question which mode wins where.

    y_j = sum over i of sin(w_ij * x_i),    w_ij = 0.5 + ((i + 2 * j) % 7) / 7

Every output depends on every input through ops of its own, so the Jacobian is dense, both modes execute the same ops
per sweep, and theory puts the border at N = M: N forward sweeps against M reverse sweeps.  The families of one output
are in `benchmarks.functions.graphs`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from benchmarks.functions.graph import Graph, Shape, around_one


def weight(i: int, j: int) -> float:
    """The weight of input i in output j."""
    return 0.5 + (i + 2 * j) % 7 / 7


@functools.cache
def grid(m: int) -> Graph:
    """The map with M = `m` outputs, as a graph whose size n is the number of inputs.

    Ops: N * M multiplications and sines, (N - 1) * M additions.  Depth: N + 1.
    """

    def f(xp: Any, x: Sequence[Any]) -> list[Any]:
        outputs = []
        for j in range(m):
            total = xp.sin(weight(0, j) * x[0])
            for i in range(1, len(x)):
                total = total + xp.sin(weight(i, j) * x[i])
            outputs.append(total)
        return outputs

    def gradient(x: Sequence[float]) -> list[float]:
        return [w * math.cos(w * x[i]) for j in range(m) for i in range(len(x)) for w in [weight(i, j)]]

    return Graph(
        name="map",
        f=f,
        shape=lambda n: Shape(inputs=n, outputs=m, ops=(3 * n - 1) * m, depth=n + 1, paths=m),
        make_inputs=around_one,
        gradient=gradient,
    )
