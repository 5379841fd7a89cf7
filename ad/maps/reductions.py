"""Functions that reduce axes, or run along one: each has NumPy's `axis` and `keepdims`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ad.active import METHODS, functions, primal_of
from ad.arrays import axes_of, dtype_of, kept_shape, reduced_axes, shape_of
from ad.linear import composed, linear
from ad.maps.indexing import getitem
from ad.maps.structure import concatenate, flip, ravel, reshape, transpose, where
from ad.reductions import reduction

Shape = tuple[int, ...]


@linear(np.sum, np.add.reduce)
def sum(bar: Any, shape: Shape, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The sum over axes, by default over all."""
    return bar if keepdims or axis is None else reshape(bar, kept_shape(shape, axis))


@sum.lanes
def _(x: Any, axis: Any, keepdims: bool) -> Any:
    return sum(x, tuple(k + 1 for k in reduced_axes(len(shape_of(x)) - 1, axis)), keepdims=keepdims)


@composed(np.mean)
def mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The mean over axes, by default over all."""
    return sum(x, axis, keepdims=keepdims) / _count(shape_of(x), axis)


@composed(np.average)
def average(x: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """The mean with weights, which are of the shape of `x`, or of that of its `axis`."""
    if weights is None:
        weights = np.ones(shape_of(x), dtype_of(x))
    elif shape_of(weights) != shape_of(x):
        axes = axes_of(len(shape_of(x)), axis)
        if shape_of(weights) != tuple(shape_of(x)[k] for k in axes):
            raise ValueError(f"average: got weights of shape {shape_of(weights)}, expected that of x or of its axes")
        order = sorted(range(len(axes)), key=axes.__getitem__)
        weights = reshape(
            transpose(weights, tuple(order)), tuple(n if k in axes else 1 for k, n in enumerate(shape_of(x)))
        )
    total = sum(weights * np.ones(shape_of(x), dtype_of(x)), axis, keepdims=keepdims)
    found = sum(x * weights, axis, keepdims=keepdims) / total
    return (found, total) if returned else found


# ---- the largest and the smallest -----------------------------------------------------------------------------------


def _shared(chosen: Any, axis: Any, dtype: Any) -> Any:
    """Ones where `chosen`, shared among ties."""
    shares = chosen.astype(dtype)
    return shares / np.maximum(shares.sum(reduced_axes(shares.ndim, axis), keepdims=True), 1)


@reduction(np.max)
def max(x: Any, out: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The largest over axes; what is tied shares the slope."""
    return _shared(np.asarray(primal_of(x) == primal_of(out)), axis, dtype_of(x))


@reduction(np.min)
def min(x: Any, out: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The smallest over axes; what is tied shares the slope."""
    return _shared(np.asarray(primal_of(x) == primal_of(out)), axis, dtype_of(x))


@composed(np.ptp)
def ptp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The largest less the smallest."""
    return max(x, axis, keepdims=keepdims) - min(x, axis, keepdims=keepdims)


# ---- products -------------------------------------------------------------------------------------------------------


@composed(np.prod)
def prod(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The product over axes: halves are multiplied by one another, so nothing is divided by and zeros do no harm."""
    shape, axes = shape_of(x), reduced_axes(len(shape_of(x)), axis)
    x = _in_front(x, axes)
    if not shape_of(x)[0]:
        x = np.ones((1, *shape_of(x)[1:]), dtype_of(x))
    while (n := shape_of(x)[0]) > 1:
        pairs = x[: n // 2] * x[n // 2 : n // 2 * 2]
        x = concatenate([pairs, x[n // 2 * 2 :]]) if n % 2 else pairs
    return reshape(x, kept_shape(shape, axis) if keepdims else tuple(n for k, n in enumerate(shape) if k not in axes))


@composed(np.cumprod, np.cumulative_prod)
def cumprod(x: Any, axis: Any = None) -> Any:
    """The products of all first elements along an axis: distances double, so nothing is divided by."""
    x, axis = _along(x, axis)
    before, reach = (slice(None),) * axis, 1
    while reach < shape_of(x)[axis]:
        later = getitem(x, (*before, slice(reach, None))) * getitem(x, (*before, slice(None, -reach)))
        x, reach = concatenate([getitem(x, (*before, slice(None, reach))), later], axis), 2 * reach
    return x


def _in_front(x: Any, axes: tuple[int, ...]) -> Any:
    """The given axes as one, which is the first; the others behind it."""
    shape = shape_of(x)
    rest = [k for k in range(len(shape)) if k not in axes]
    return reshape(transpose(x, (*axes, *rest)), (math.prod(shape[k] for k in axes), *(shape[k] for k in rest)))


def _along(x: Any, axis: Any) -> tuple[Any, int]:
    """An array and the axis to run along: all elements, in one dimension, where there is none."""
    return (ravel(x), 0) if axis is None else (x, axes_of(len(shape_of(x)), axis)[0])


# ---- sums along an axis ---------------------------------------------------------------------------------------------


@linear(np.cumsum)
def cumsum(bar: Any, shape: Shape, axis: Any = None) -> Any:
    """The sums of all first elements along an axis."""
    at = 0 if axis is None else axis
    back = flip(cumsum(flip(bar, at), at), at)
    return reshape(back, shape) if axis is None else back


@cumsum.lanes
def _(x: Any, axis: Any) -> Any:
    if axis is None:
        return cumsum(reshape(x, (shape_of(x)[0], -1)), 1)
    return cumsum(x, axes_of(len(shape_of(x)) - 1, axis)[0] + 1)


@composed(np.diff)
def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along an axis, `n` times."""
    axis = axes_of(len(shape_of(x)), axis)[0]
    ends = [
        None if e is None else e if shape_of(e) else np.ones(_one(shape_of(x), axis), dtype_of(x)) * e
        for e in (prepend, append)
    ]
    if any(e is not None for e in ends):
        x = concatenate([part for part in (ends[0], x, ends[1]) if part is not None], axis)
    before = (slice(None),) * axis
    for _ in range(n):
        x = getitem(x, (*before, slice(1, None))) - getitem(x, (*before, slice(None, -1)))
    return x


def _one(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], 1, *shape[axis + 1 :])


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral by the trapezoidal rule."""
    axis = axes_of(len(shape_of(y)), axis)[0]
    before = (slice(None),) * axis
    if x is not None:
        dx = diff(x) if len(shape_of(x)) == 1 else diff(x, axis=axis)
        if len(shape_of(x)) == 1:
            dx = reshape(dx, (-1, *(1,) * (len(shape_of(y)) - axis - 1)))
    pairs = getitem(y, (*before, slice(1, None))) + getitem(y, (*before, slice(None, -1)))
    return sum(dx * pairs / 2, axis)


# ---- moments and norms ----------------------------------------------------------------------------------------------


@composed(np.var)
def var(x: Any, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False, correction: Any = None) -> Any:
    """The variance over axes; the sum of squares is divided by the count less `ddof` (or `correction`)."""
    less = ddof if correction is None else correction
    centred = x - mean(x, axis, keepdims=True)
    return sum(functions["square"](centred), axis, keepdims=keepdims) / _freedom(shape_of(x), axis, less)


@composed(np.std)
def std(x: Any, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False, correction: Any = None) -> Any:
    """The root of the variance: a length, so its slope is 0 where all are equal, as that of `hypot` at 0."""
    less = ddof if correction is None else correction
    freedom = _freedom(shape_of(x), axis, less)
    return length(x - mean(x, axis, keepdims=True), axis, keepdims=keepdims) / math.sqrt(freedom)


def _count(shape: Shape, axis: Any) -> int:
    return math.prod(shape[k] for k in axes_of(len(shape), axis))


def _freedom(shape: Shape, axis: Any, less: Any) -> Any:
    return np.maximum(_count(shape, axis) - less, 0).item()


def _length(x: Any, axis: Any, keepdims: bool = False) -> Any:
    """The root of a sum of squares, which neither overflows nor vanishes where the root does not."""
    axes = reduced_axes(np.ndim(x), axis)
    tiny, huge = np.sqrt(np.finfo(x.dtype).tiny) * 1e3, np.sqrt(np.finfo(x.dtype).max) * 1e-3
    largest = np.max(np.abs(x), axis=axes, keepdims=True, initial=0.0)
    usual = ((largest > tiny) | (largest == 0)) & (largest < huge)
    scale = np.where(usual | ~np.isfinite(largest), largest.dtype.type(1), largest)
    found = np.sqrt(np.sum(np.square(x / scale), axis=axes, keepdims=True)) * scale
    return found if keepdims else found.squeeze(axes)[()]


@reduction(_length)
def length(x: Any, out: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The Euclidean length over axes; at 0 its slope is 0, as that of `hypot`."""
    zero = primal_of(out) == 0
    return where(zero, 0.0, x / where(zero, 1.0, out))


def _logsumexp(x: Any, axis: Any, keepdims: bool = False) -> Any:
    axes = reduced_axes(np.ndim(x), axis)
    with np.errstate(all="ignore"):
        largest = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
        shift = np.where(np.isfinite(largest), largest, largest.dtype.type(0))
        found = np.log(np.sum(np.exp(x - shift), axis=axes, keepdims=True)) + shift
    return found if keepdims else found.squeeze(axes)[()]


@reduction(_logsumexp)
def logsumexp(x: Any, out: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The logarithm of the sum of exponentials; equal infinities share the slope, as those of `logaddexp`."""
    infinite = np.asarray((primal_of(x) == primal_of(out)) & np.isinf(primal_of(out)))
    partial = functions["exp"](x - out)
    return where(infinite, _shared(infinite, axis, dtype_of(x)), partial) if infinite.any() else partial


# ---- methods of ufuncs ----------------------------------------------------------------------------------------------


def _by_ufunc(function: Any) -> Any:
    def along(x: Any, axis: Any = 0, **options: Any) -> Any:
        return function(x, axis, **options)

    return along


for _ufunc, _method, _function in (
    (np.add, "reduce", sum),
    (np.multiply, "reduce", prod),
    (np.maximum, "reduce", max),
    (np.minimum, "reduce", min),
    (np.logaddexp, "reduce", logsumexp),
    (np.add, "accumulate", cumsum),
    (np.multiply, "accumulate", cumprod),
):
    METHODS[_ufunc, _method] = _by_ufunc(_function)
