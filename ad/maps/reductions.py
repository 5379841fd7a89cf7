"""Functions that reduce axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ad.arrays import shape_of
from ad.linear import composed, linear
from ad.maps.structure import reshape

Shape = tuple[int, ...]


@linear(np.sum, np.add.reduce)
def sum(bar: Any, shape: Shape, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The sum over axes, by default over all."""
    return bar if keepdims or axis is None else reshape(bar, kept_shape(shape, axis))


@sum.lanes  # type: ignore[attr-defined, untyped-decorator]
def _(x: Any, axis: Any, keepdims: bool) -> Any:
    return sum(x, tuple(k + 1 for k in axes_of(len(shape_of(x)) - 1, axis)), keepdims=keepdims)


@composed(np.mean)
def mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The mean over axes, by default over all."""
    count = math.prod(shape_of(x)) // max(1, math.prod(kept_shape(shape_of(x), axis)))
    return sum(x, axis, keepdims=keepdims) / count


def axes_of(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes that `axis` names, each from 0 on."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(int(k) % max(ndim, 1) for k in (axis if isinstance(axis, tuple | list) else (axis,)))


def kept_shape(shape: Shape, axis: Any) -> Shape:
    """A shape with the reduced axes of length one."""
    axes = axes_of(len(shape), axis)
    return tuple(1 if k in axes else n for k, n in enumerate(shape))
