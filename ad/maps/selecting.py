"""Functions that choose elements: by indices, by order, by bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.active import functions, primal_of
from ad.arrays import axes_of, shape_of
from ad.linear import composed
from ad.maps.indexing import getitem
from ad.maps.structure import broadcast_to, ravel

Shape = tuple[int, ...]


@composed(np.take)
def take(x: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    """The elements of `x` at indices along an axis, or of all elements in one dimension."""
    if axis is None:
        x, axis = ravel(x), 0
    axis = axes_of(len(shape_of(x)), axis)[0]
    indices = np.asarray(primal_of(indices))
    if mode != "raise":
        n = shape_of(x)[axis]
        indices = indices % n if mode == "wrap" else np.clip(indices, 0, n - 1)
    return getitem(x, (*(slice(None),) * axis, indices))


@composed(np.take_along_axis)
def take_along_axis(x: Any, indices: Any, axis: Any = -1) -> Any:
    """The elements of `x` at indices that run beside it along an axis, as those of `argsort`."""
    if axis is None:
        x, axis = ravel(x), 0
    shape, axis = shape_of(x), axes_of(len(shape_of(x)), axis)[0]
    indices = np.asarray(primal_of(indices))
    if indices.ndim != len(shape):
        raise ValueError(f"take_along_axis: indices: got {indices.ndim} dimensions, expected {len(shape)}")
    together = np.broadcast_shapes(indices.shape[:axis] + indices.shape[axis + 1 :], shape[:axis] + shape[axis + 1 :])
    whole = (*together[:axis], indices.shape[axis], *together[axis:])
    grid = np.ogrid[tuple(slice(n) for n in whole)]
    x = broadcast_to(x, (*together[:axis], shape[axis], *together[axis:]))
    return getitem(x, (*grid[:axis], indices, *grid[axis + 1 :]))


@composed(np.sort)
def sort(x: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None, descending: bool = False) -> Any:
    """The elements along an axis in order, which is a constant."""
    if axis is None:
        x, axis = ravel(x), 0
    plain = primal_of(x)
    order = np.argsort(-plain if descending else plain, axis, kind="stable")
    return take_along_axis(x, order, axis)


@composed(np.clip)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x` within bounds; at a bound it shares the slope, as `maximum` does."""
    if min is not None:
        x = functions["maximum"](x, min)
    return x if max is None else functions["minimum"](x, max)
