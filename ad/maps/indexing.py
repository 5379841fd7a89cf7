"""Reading elements, and its transpose, which adds them up where they were read."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ad.active import Active, primal_of
from ad.arrays import dtype_of
from ad.linear import linear

Shape = tuple[int, ...]


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


@linear(operator.getitem, _getitem)
def getitem(bar: Any, shape: Shape, index: Any) -> Any:
    """`x[index]`, with every index that NumPy has; what is read twice has two paths to it."""
    return scatter(bar, shape, index)


def _scatter(x: Any, to: Shape, index: Any) -> Any:
    total = np.zeros(to, dtype_of(x))
    if is_basic(index):
        total[index] = x
    else:
        np.add.at(total, index, x)
    return total


@linear(_scatter)
def scatter(bar: Any, shape: Shape, to: Shape, index: Any) -> Any:
    """Zeros of shape `to`, to which the elements of `x` are added at `index`: the transpose of reading."""
    return getitem(bar, index)


def is_basic(index: Any) -> bool:
    """Whether an index is made of integers, slices, `...` and None alone, so that it reads no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(p is None or p is Ellipsis or isinstance(p, slice | np.integer) or type(p) is int for p in parts)


def plain_index(index: Any) -> Any:
    """An index with plain arrays in place of active ones, which have no derivative here."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    return primal_of(index) if isinstance(index, Active) else index
