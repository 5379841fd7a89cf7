"""Products of arrays: bilinear maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ad.arrays import axes_of, shape_of, unbroadcast
from ad.linear import bilinear, composed
from ad.maps.reductions import sum
from ad.maps.structure import diagonal, moveaxis, ravel, reshape, swapaxes, transpose

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


@matmul.right
def _(bar: Any, x: Any, shape: Shape) -> Any:
    if len(shape_of(x)) == 1:
        return bar * x if len(shape) == 1 else _summed(x[:, None] * bar[..., None, :], shape)
    if len(shape) == 1:
        return _summed(matmul(swapaxes(x, -1, -2), bar[..., None])[..., 0], shape)
    return _summed(matmul(swapaxes(x, -1, -2), bar), shape)


@matmul.lanes
def _(primals: list[Any], tangents: list[Any]) -> Any:
    (x, y), (tx, ty) = primals, tangents
    m, n = len(shape_of(x)), len(shape_of(y))
    if not 1 <= n <= 2 or not 1 <= m <= 2:
        return None
    left = 0.0 if tx is None else matmul(tx, y)
    if ty is None:
        return left
    return left + (matmul(ty, x) if m == 1 and n == 1 else matmul(ty, swapaxes(x, 0, 1)) if n == 1 else matmul(x, ty))


@matmul.spelled
def _(x: Any, y: Any) -> Any:
    m, n = len(shape_of(x)), len(shape_of(y))
    x, y = x[None, :] if m == 1 else x, y[:, None] if n == 1 else y
    found = sum(x[..., :, :, None] * y[..., None, :, :], -2)
    found = found[..., 0] if n == 1 else found
    return found[..., 0] if m == 1 and n == 1 else found[..., 0, :] if m == 1 else found


# ---- written in matmul ----------------------------------------------------------------------------------------------


@composed(np.tensordot)
def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The products summed over pairs of axes: the last `axes` of `x` with the first of `y`, or two lists of axes.

    Raises:
        ValueError: the axes do not fit the shapes.
    """
    m, n = len(shape_of(x)), len(shape_of(y))
    if isinstance(axes, int | np.integer):
        over = (tuple(range(m - int(axes), m)), tuple(range(int(axes))))
    else:
        over = (axes_of(m, axes[0]), axes_of(n, axes[1]))
    summed = [
        tuple(shape_of(a)[k] for k in ks if 0 <= k < len(shape_of(a))) for a, ks in zip((x, y), over, strict=True)
    ]
    if summed[0] != summed[1] or len(summed[0]) != len(over[0]):
        raise ValueError(f"tensordot: axes: got {axes}, which do not fit shapes {shape_of(x)} and {shape_of(y)}")
    left = tuple(k for k in range(m) if k not in over[0])
    right = tuple(k for k in range(n) if k not in over[1])
    made = (*(shape_of(x)[k] for k in left), *(shape_of(y)[k] for k in right))
    inner, outer = math.prod(summed[0]), math.prod(made[: len(left)])
    flat = matmul(
        reshape(_ordered(x, (*left, *over[0])), (outer, inner)),
        reshape(_ordered(y, (*over[1], *right)), (inner, math.prod(made[len(left) :]))),
    )
    return reshape(flat, made)


def _ordered(x: Any, axes: Shape) -> Any:
    return x if axes == tuple(range(len(axes))) else transpose(x, axes)


@composed(np.dot)
def dot(x: Any, y: Any) -> Any:
    """`x @ y` up to two dimensions, else over the last axis of `x` and the last but one of `y`; a number multiplies."""
    m, n = len(shape_of(x)), len(shape_of(y))
    if not m or not n:
        return x * y
    return matmul(x, y) if n <= 2 and (m <= 2 or n == 1) else tensordot(x, y, (m - 1, max(n - 2, 0)))


@composed(np.inner)
def inner(x: Any, y: Any) -> Any:
    """The products summed over the last axes of both."""
    m, n = len(shape_of(x)), len(shape_of(y))
    return tensordot(x, y, (m - 1, n - 1)) if m and n else x * y


@composed(np.vdot)
def vdot(x: Any, y: Any) -> Any:
    """The products of all elements, summed."""
    return matmul(ravel(x), ravel(y))


@composed(np.vecdot, np.linalg.vecdot)
def vecdot(x: Any, y: Any, axis: int = -1) -> Any:
    """The products summed over one axis, which both have in the same length; the others broadcast."""
    shapes = [shape_of(x), shape_of(y)]
    if () in shapes or len({shape[axes_of(len(shape), axis)[0]] for shape in shapes}) != 1:
        raise ValueError(f"vecdot: got shapes {shapes[0]} and {shapes[1]}, expected axis {axis} to be of one length")
    if axis != -1:
        x, y = moveaxis(x, axis, -1), moveaxis(y, axis, -1)
    return sum(x * y, -1)


@composed(np.outer, np.linalg.outer)
def outer(x: Any, y: Any) -> Any:
    """The product of each element of `x` with each of `y`, shape (elements of x, elements of y)."""
    return reshape(x, (-1, 1)) * reshape(y, (1, -1))


@composed(np.kron)
def kron(x: Any, y: Any) -> Any:
    """Kronecker's product: blocks of `y`, each multiplied by an element of `x`."""
    ndim = max(len(shape_of(x)), len(shape_of(y)))
    p, q = ((*(1,) * (ndim - len(shape_of(a))), *shape_of(a)) for a in (x, y))
    blocks = reshape(x, tuple(n for k in p for n in (k, 1))) * reshape(y, tuple(n for k in q for n in (1, k)))
    return reshape(blocks, tuple(a * b for a, b in zip(p, q, strict=True)))


@composed(np.trace, np.linalg.trace)
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


@composed(np.cross, np.linalg.cross)
def cross(x: Any, y: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product of vectors of length three.

    Raises:
        ValueError: they are of another length.
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    if shape_of(x)[-1] != 3 or shape_of(y)[-1] != 3:
        raise ValueError(f"cross: got vectors of length {shape_of(x)[-1]} and {shape_of(y)[-1]}, expected 3")
    after, before = np.array([1, 2, 0]), np.array([2, 0, 1])
    return moveaxis(x[..., after] * y[..., before] - x[..., before] * y[..., after], -1, axisc)
