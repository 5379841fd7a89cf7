"""Reading elements, and its transpose, which adds them up where they were read."""

from __future__ import annotations

import copy
import operator
from typing import Any

import numpy as np

from ad.arrays import Array, dtype_of, shape_of
from ad.linear import linear
from ad.loans import Loans

Shape = tuple[int, ...]


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


@linear(operator.getitem, _getitem)
def getitem(bar: Any, shape: Shape, index: Any) -> Any:
    """`x[index]`, with every index that NumPy has; what is read twice has two paths to it."""
    return scatter(bar, shape, index)


Array.__getitem__ = getitem  # type: ignore[method-assign]  # one call less


def _add_at(total: Any, bar: Any, fresh: bool, index: Any) -> None:
    if is_basic(index):
        if fresh:
            total[index] = bar
        else:
            total[index] += bar
    else:
        np.add.at(total, index, bar)


@getitem.lanes
def _(x: Any, index: Any) -> Any:
    return getitem(x, behind_lanes(index)) if is_plain(index) else None


getitem.into(_add_at)


def held(loans: Loans, *params: Any) -> tuple[Any, ...]:
    """Parameters whose last, an index or a mask, stays what it was, whatever is done to its arrays and lists."""
    *shape, index = params
    if type(index) in (slice, int):
        return params
    if type(index) is tuple:
        return (*shape, tuple(_unchanged(loans, part) for part in index))
    return (*shape, _unchanged(loans, index))


def _unchanged(loans: Loans, part: Any) -> Any:
    if isinstance(part, np.ndarray):
        return loans.take(part)
    return copy.deepcopy(part) if isinstance(part, list) else part


getitem.map.held = held


def _scatter(x: Any, to: Shape, index: Any) -> Any:
    total = np.zeros(to, dtype_of(x))
    _add_at(total, x, True, index)
    return total


@linear(_scatter)
def scatter(bar: Any, shape: Shape, to: Shape, index: Any) -> Any:
    """Zeros of shape `to`, to which the elements of `x` are added at `index`: the transpose of reading."""
    return getitem(bar, index)


scatter.map.held = held


@scatter.lanes
def _(x: Any, to: Shape, index: Any) -> Any:
    return scatter(x, (shape_of(x)[0], *to), behind_lanes(index)) if is_plain(index) else None


def behind_lanes(index: Any) -> Any:
    """An index that leaves a leading axis alone."""
    return (slice(None), *(index if isinstance(index, tuple) else (index,)))


def is_plain(index: Any) -> bool:
    """Whether the arrays and integers in an index are neighbours, so that the axes it reads stay where they are."""
    if is_basic(index):
        return True
    parts = index if isinstance(index, tuple) else (index,)
    places = [k for k, p in enumerate(parts) if not (p is None or p is Ellipsis or isinstance(p, slice))]
    return places[-1] - places[0] == len(places) - 1


def is_basic(index: Any) -> bool:
    """Whether an index is made of integers, slices, `...` and None alone, so that it reads no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(p is None or p is Ellipsis or isinstance(p, slice | np.integer) or type(p) is int for p in parts)
