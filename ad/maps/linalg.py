"""Linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.arrays import shape_of, unbroadcast
from ad.differential import differential
from ad.maps.einsum import multi_dot
from ad.maps.products import cross, matmul, outer, tensordot, trace, vecdot
from ad.maps.structure import diagonal, matrix_transpose, swapaxes

__all__ = [
    "cross",
    "diagonal",
    "inv",
    "matmul",
    "matrix_transpose",
    "multi_dot",
    "outer",
    "solve",
    "tensordot",
    "trace",
    "vecdot",
]


@differential(np.linalg.solve, operands="a, b")
def solve(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The `x` with `a @ x = b`."""
    return solve(xs[0], ts[1] - matmul(ts[0], out))


@solve.pull  # type: ignore[attr-defined, untyped-decorator]
def _(bar: Any, out: Any, xs: list[Any]) -> list[Any]:
    a, b = xs
    back = solve(swapaxes(a, -1, -2), bar)
    outer = back[..., :, None] * out[..., None, :] if len(shape_of(b)) == 1 else matmul(back, swapaxes(out, -1, -2))
    return [unbroadcast(x, shape_of(x), shape_of(y)) for x, y in ((-outer, a), (back, b))]


@differential(np.linalg.inv)
def inv(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The inverse of a matrix, or of a stack of such."""
    return -matmul(matmul(out, ts[0]), out)
