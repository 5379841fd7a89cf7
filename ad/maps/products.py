"""Products of arrays: bilinear maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.arrays import shape_of, unbroadcast
from ad.linear import bilinear
from ad.maps.structure import swapaxes

Shape = tuple[int, ...]


def _summed(x: Any, shape: Shape) -> Any:
    return unbroadcast(x, shape_of(x), shape)


@bilinear(np.matmul)
def matmul(bar: Any, y: Any, shape: Shape) -> Any:
    """`x @ y`."""
    if len(shape_of(y)) == 1:
        return bar * y if len(shape) == 1 else bar[..., None] * y
    if len(shape) == 1:
        return _summed(matmul(y, bar[..., None])[..., 0], shape)
    return _summed(matmul(bar, swapaxes(y, -1, -2)), shape)


@matmul.right  # type: ignore[attr-defined, untyped-decorator]
def _(bar: Any, x: Any, shape: Shape) -> Any:
    if len(shape_of(x)) == 1:
        return bar * x if len(shape) == 1 else _summed(x[:, None] * bar[..., None, :], shape)
    if len(shape) == 1:
        return _summed(matmul(swapaxes(x, -1, -2), bar[..., None])[..., 0], shape)
    return _summed(matmul(swapaxes(x, -1, -2), bar), shape)


@matmul.lanes  # type: ignore[attr-defined, untyped-decorator]
def _(primals: list[Any], tangents: list[Any]) -> Any:
    (x, y), (tx, ty) = primals, tangents
    m, n = len(shape_of(x)), len(shape_of(y))
    if not 1 <= n <= 2 or not 1 <= m <= 2:
        return None
    left = 0.0 if tx is None else matmul(tx, y)
    if ty is None:
        return left
    return left + (matmul(ty, x) if m == 1 and n == 1 else matmul(ty, swapaxes(x, 0, 1)) if n == 1 else matmul(x, ty))
