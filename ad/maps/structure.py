"""Functions that move elements about: shapes, axes, joining, choosing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ad.active import Active, functions, is_array, primal_of
from ad.arrays import axes_of, shape_of, unbroadcast
from ad.linear import composed, jointly_linear, linear
from ad.maps.indexing import getitem, held

Shape = tuple[int, ...]


@linear(np.reshape)
def reshape(bar: Any, shape: Shape, to: Any) -> Any:
    """`x` in another shape."""
    return reshape(bar, shape)


@reshape.lanes
def _(x: Any, to: Any) -> Any:
    return reshape(x, (shape_of(x)[0], *(to if isinstance(to, tuple | list) else (to,))))


@linear(np.broadcast_to)
def broadcast_to(bar: Any, shape: Shape, to: Any) -> Any:
    """`x` repeated to a shape."""
    return unbroadcast(bar, shape_of(bar), shape)


@broadcast_to.lanes
def _(x: Any, to: Any) -> Any:
    lanes, *shape = shape_of(x)
    to = to if isinstance(to, tuple | list) else (to,)
    return broadcast_to(reshape(x, (lanes, *(1,) * (len(to) - len(shape)), *shape)), (lanes, *to))


@linear(np.transpose)
def transpose(bar: Any, shape: Shape, axes: Any = None) -> Any:
    """`x` with its axes in another order, by default reversed."""
    return transpose(bar, None if axes is None else tuple(int(k) for k in np.argsort([a % len(shape) for a in axes])))


@transpose.lanes
def _(x: Any, axes: Any) -> Any:
    ndim = len(shape_of(x)) - 1
    return transpose(x, (0, *(a % ndim + 1 for a in (range(ndim - 1, -1, -1) if axes is None else axes))))


@composed(np.swapaxes)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """`x` with two axes exchanged."""
    axes = list(range(len(shape_of(x))))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, tuple(axes))


@composed(np.ravel)
def ravel(x: Any) -> Any:
    """`x` in one dimension."""
    return reshape(x, (-1,))


@composed(np.squeeze)
def squeeze(x: Any, axis: Any = None) -> Any:
    """`x` without axes of length one."""
    return reshape(x, np.squeeze(_outline(x), axis).shape)


@composed(np.expand_dims)
def expand_dims(x: Any, axis: Any) -> Any:
    """`x` with new axes of length one."""
    return reshape(x, np.expand_dims(_outline(x), axis).shape)


@composed(np.moveaxis)
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """`x` with some axes put elsewhere; the others keep their order."""
    ndim = len(shape_of(x))
    taken, put = axes_of(ndim, source), axes_of(ndim, destination)
    order = [k for k in range(ndim) if k not in taken]
    for to, axis in sorted(zip(put, taken, strict=True)):
        order.insert(to, axis)
    return transpose(x, tuple(order))


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """`x` with its last two axes exchanged."""
    return swapaxes(x, -1, -2)


@composed(np.flip)
def flip(x: Any, axis: Any = None) -> Any:
    """`x` read backwards along axes, by default along all."""
    axes = axes_of(len(shape_of(x)), axis)
    return getitem(x, tuple(slice(None, None, -1 if k in axes else None) for k in range(len(shape_of(x)))))


@composed(np.diagonal, np.linalg.diagonal)
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements on a diagonal of two axes, as the last axis."""
    ndim = len(shape_of(x))
    x = moveaxis(x, (axis1, axis2), (ndim - 2, ndim - 1))
    n, m = shape_of(x)[-2:]
    k = np.arange(max(0, min(n, m - offset) if offset >= 0 else min(n + offset, m)))
    return getitem(x, (..., k - min(offset, 0), k + max(offset, 0)))


@jointly_linear(np.concatenate)
def concatenate(bar: Any, shapes: list[Shape], active: list[bool], axis: Any = 0) -> list[Any]:
    """Arrays joined along an axis that they have."""
    if axis is None:
        return [
            reshape(part, shape) for part, shape in zip(_parts(bar, 0, map(math.prod, shapes)), shapes, strict=True)
        ]
    axis %= len(shapes[0])
    return _parts(bar, axis, (shape[axis] for shape in shapes))


@composed(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    """Arrays, or numbers, joined along a new axis."""
    arrays = list(arrays)
    return concatenate([expand_dims(x, axis) for x in arrays], axis) if arrays else np.stack(arrays, axis)


@jointly_linear(lambda arrays, c: np.where(c, *arrays))
def choose(bar: Any, shapes: list[Shape], active: list[bool], c: Any) -> list[Any]:
    """Of two arrays, the elements of the first where `c`, of the second elsewhere."""
    made = shape_of(bar)
    return [
        unbroadcast(where(c, bar, 0.0), made, shapes[0]) if active[0] else None,
        unbroadcast(where(c, 0.0, bar), made, shapes[1]) if active[1] else None,
    ]


choose.map.held = held
_number_where = functions["where"]


@composed(np.where)
def where(c: Any, x: Any = None, y: Any = None) -> Any:
    """`x` if `c` else `y`, elementwise: a choice, so the branch not taken cannot poison the one taken.

    Without `x` and `y`, the indices of the elements of `c` that are not zero.
    """
    c = primal_of(c)
    if x is None and y is None:
        return np.where(c)
    if isinstance(x, Active) or isinstance(y, Active):
        if shape_of(c) or shape_of(x) or shape_of(y) or is_array(x) or is_array(y):
            return choose((x, y), c)
        return _number_where(c, x, y)
    if isinstance(c, np.ndarray | np.generic) or isinstance(x, np.ndarray) or isinstance(y, np.ndarray):
        return np.where(c, x, y)
    return _number_where(c, x, y)


functions["where"] = where


def _outline(x: Any) -> Any:
    """A plain array of the shape of `x` that has no memory of its own."""
    return np.broadcast_to(0.0, shape_of(x))


def _parts(x: Any, axis: int, lengths: Any) -> list[Any]:
    """`x` cut along an axis into pieces of the given lengths."""
    parts, start = [], 0
    for length in lengths:
        parts.append(getitem(x, (slice(None),) * axis + (slice(start, start + length),)))
        start += length
    return parts
