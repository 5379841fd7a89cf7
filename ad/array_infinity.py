"""The rule for infinite partials (`ad.infinity`) on arrays: the classes of the paths to each element, in bytes.

It is used where a sweep in plain arithmetic came out infinite or NaN.  Both modes then carry, beside each tangent or
adjoint, its classes; at the end the classes say what the derivative is (`settled`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import Active, primal_of
from ad.arrays import MAPS, axes_of, kept_shape, shape_of
from ad.infinity import INFINITE, MINUS_INFINITY, NEGATIVE, NONE, PLUS_INFINITY, POSITIVE, TIMES, UNKNOWN
from ad.linear import Bilinear, JointlyLinear, Linear, Map
from ad.reductions import Reduction

Paths = Any
"""The classes of the paths to each element of an array: bytes, in its shape."""

_TIMES = np.array(TIMES, np.uint8)
_BITS = tuple(1 << k for k in range(6))


def _kinds(partial: Any) -> Paths:
    """The row of `TIMES` for each element."""
    x = np.asarray(primal_of(partial))
    conditions = [(x > 0) & (x < np.inf), (x < 0) & (x > -np.inf), x == 0, x == np.inf, x == -np.inf]
    return np.select(conditions, np.arange(5, dtype=np.uint8), np.uint8(5))


def along(partial: Any, paths: Paths) -> Paths:
    """The classes after one more edge."""
    return _TIMES[_kinds(partial), paths]


def seeded(seed: Any, shape: tuple[int, ...]) -> Paths:
    """The classes that a seed begins; none where it is zero."""
    whole = np.broadcast_to(np.asarray(primal_of(seed)), shape)
    return np.where(whole == 0, np.uint8(NONE), along(whole, np.full(shape, POSITIVE, np.uint8)))


def counted(number: Any, paths: Paths) -> Any:
    """A tangent or adjoint where a path counts, and 0 elsewhere."""
    return np.where(paths != NONE, number, 0.0)


def product(partial: Any, number: Any, paths: Paths) -> Any:
    """Partial times tangent or adjoint where a path counts; a plain zero takes what is finite to 0."""
    counts = paths != NONE
    if not isinstance(partial, Active):
        counts = counts & ((np.asarray(partial) != 0) | (paths & INFINITE != 0))
    return np.where(counts, partial * number, 0.0)


def usable(x: Any) -> Any:
    """An operand of a map of several: a plain one without what would reach elements that have no path from it."""
    return x if x is None or isinstance(x, Active) else np.where(np.isfinite(x), x, 0.0)


def settled(paths: Paths, number: Any) -> Any:
    """The derivative that the paths to each element add up to; an active value that is overruled becomes NaN."""
    kept = counted(number, paths)
    infinite = paths & INFINITE
    if not infinite.any():
        return kept
    ruled = np.select([infinite == PLUS_INFINITY, infinite == MINUS_INFINITY], [np.inf, -np.inf], default=np.nan)
    if not isinstance(number, Active):
        return np.where(infinite != 0, ruled, kept)
    plain = primal_of(number)
    overruled = (infinite != 0) & ~((ruled == plain) | (np.isnan(ruled) & np.isnan(plain)))
    return np.where(overruled, number * np.nan, kept)  # type: ignore[operator]


def fold(paths: Paths, shape: tuple[int, ...]) -> Paths:
    """The classes that reach an operand of a shape that was broadcast."""
    lead = paths.ndim - len(shape)
    axes = (*range(lead), *(k + lead for k, n in enumerate(shape) if n == 1 and paths.shape[k + lead] != 1))
    return np.bitwise_or.reduce(paths, axis=axes, keepdims=True).reshape(shape) if axes else paths


# ---- maps -----------------------------------------------------------------------------------------------------------


def push(
    map: Map, primals: list[Any], tangents: list[Any], paths: list[Paths | None], params: tuple[Any, ...], out: Any
) -> tuple[Any, Paths]:
    """The tangent of a map and the classes that reach it; `paths` has None for passive operands."""
    if isinstance(map, Reduction):
        partial, (tangent,), (reached,) = map.partial(primals[0], out, params), tangents, paths
        axis, keepdims = params
        term = MAPS["sum"](product(partial, tangent, reached), axis, keepdims=keepdims)
        axes = axes_of(len(shape_of(primals[0])), axis)
        return term, np.bitwise_or.reduce(along(partial, reached), axis=axes, keepdims=keepdims)
    classes = pushed(map, primals, paths, params, out)
    return map.push([usable(x) for x in primals], tangents, params, out), classes


def pull(
    map: Map,
    bar: Any,
    paths: Paths,
    active: list[bool],
    primals: list[Any],
    shapes: list[Any],
    params: tuple[Any, ...],
) -> tuple[list[Any], list[Paths | None]]:
    """What is pulled back to the operands of a map, and the classes of their paths."""
    if isinstance(map, Reduction):
        partial = map.partial(primals[0], primals[1], params)
        kept = np.broadcast_to(paths.reshape(kept_shape(shapes[0], params[0])), shapes[0])
        term = product(partial, map.kept(bar, shapes[0], params), kept)
        return [term], [along(partial, kept)]
    classes = pulled(map, paths, active, primals, shapes, params)
    return map.pull(bar, active, [usable(x) for x in primals], shapes, params), classes


def pushed(map: Map, primals: list[Any], paths: list[Paths | None], params: tuple[Any, ...], out: Any) -> Paths:
    """The classes that reach the value of a map; `paths` has None for passive operands."""
    shape = shape_of(out)
    if isinstance(map, Bilinear):
        (x, y), (px, py) = primals, paths
        total = np.zeros(shape, np.uint8)
        if px is not None:
            total |= _bilinear(lambda plane, other: map.value((plane, other), params), px, y, shape)
        if py is not None:
            total |= _bilinear(lambda plane, other: map.value((other, plane), params), py, x, shape)
        return total
    if isinstance(map, Linear | JointlyLinear):
        whole = [np.zeros(shape_of(x), np.uint8) if p is None else p for x, p in zip(primals, paths, strict=True)]
        return _planes(lambda bit: map.value([_plane(p, bit) for p in whole], params), whole, shape)
    return _dense([p for p in paths if p is not None], shape)


def pulled(
    map: Map, paths: Paths, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
) -> list[Paths | None]:
    """The classes that reach the operands of a map; None for passive ones."""
    found: list[Paths | None] = [None] * len(active)
    for k in (k for k, a in enumerate(active) if a):
        if isinstance(map, Bilinear):
            alone = [j == k for j in range(2)]

            def back(plane: Any, other: Any, k: int = k, alone: list[bool] = alone) -> Any:
                return map.pull(plane, alone, [other if j != k else None for j in range(2)], shapes, params)[k]

            found[k] = _bilinear(back, paths, primals[1 - k], shapes[k])
        elif isinstance(map, Linear | JointlyLinear):

            def back_alone(bit: int, k: int = k) -> Any:
                return map.pull(_plane(paths, bit), active, primals, shapes, params)[k]

            found[k] = _planes(back_alone, [paths], shapes[k])
        else:
            found[k] = _dense([paths], shapes[k])
    return found


def _plane(paths: Paths, bit: int) -> Any:
    return ((paths & bit) != 0).astype(float)


def _planes(linear: Callable[[int], Any], paths: list[Paths], shape: tuple[int, ...]) -> Paths:
    """Where a linear map with coefficients 0 and 1 takes each class."""
    total = np.zeros(shape, np.uint8)
    for bit in _BITS:
        if any((p & bit).any() for p in paths):
            total |= np.where(np.broadcast_to(linear(bit), shape) > 0, np.uint8(bit), np.uint8(0))
    return total


def _bilinear(map: Callable[[Any, Any], Any], paths: Paths, other: Any, shape: tuple[int, ...]) -> Paths:
    """Where a map that is bilinear with coefficients 0 and 1 takes each class, the partials being the other operand."""
    kinds = _kinds(other)
    total = np.zeros(shape, np.uint8)
    for bit in (bit for bit in _BITS if (paths & bit).any()):
        for kind in np.unique(kinds):
            reached = np.broadcast_to(map(_plane(paths, bit), (kinds == kind).astype(float)), shape) > 0
            total |= np.where(reached, _TIMES[kind, bit], np.uint8(0))
    return total


def _dense(paths: list[Paths], shape: tuple[int, ...]) -> Paths:
    """For a map of which nothing is known: every element of the result has a path from every element."""
    union = int(np.bitwise_or.reduce([np.bitwise_or.reduce(p, axis=None) for p in paths], initial=0))
    sign = POSITIVE | NEGATIVE if union else NONE
    return np.full(shape, UNKNOWN if union & INFINITE else sign, np.uint8)
