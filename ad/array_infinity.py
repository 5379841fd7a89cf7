"""The rule for infinite partials (`ad.infinity`) on arrays: the classes of the paths to each element, in bytes.

It is used where a sweep in plain arithmetic came out infinite or NaN.  Both modes then carry, beside each tangent or
adjoint, its classes; at the end the classes say what the derivative is (`settled`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import ZERO, Active, primal_of
from ad.arrays import MAPS, axes_of, full, kept_shape, shape_of
from ad.infinity import INFINITE, MINUS_INFINITY, MIXED, NEGATIVE, NONE, PLUS_INFINITY, POSITIVE, TIMES, UNKNOWN
from ad.linear import Bilinear, JointlyLinear, Linear, Map
from ad.reductions import Reduction

Paths = Any
"""The classes of the paths to each element of an array: bytes, in its shape."""

_TIMES = np.array(TIMES, np.uint8)
_MIXED = np.array(MIXED)
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
    """Partial times tangent or adjoint where a path counts (`ad.active.passed_on`, element by element)."""
    counts = paths != NONE
    if not isinstance(partial, Active) and not isinstance(number, Active):
        counts = counts & ((np.asarray(partial) != 0) | (paths & INFINITE != 0))
    term = np.where(counts, partial * number, 0.0)
    mixed = _MIXED[paths]
    if isinstance(partial, Active) and mixed.any():
        term = term + np.where(mixed, partial * ZERO, 0.0)  # type: ignore[operator]
    return term


def usable(x: Any) -> Any:
    """An operand of a map of several: a plain one without what would reach elements that have no path from it."""
    return x if x is None or isinstance(x, Active) else np.where(np.isfinite(x), x, 0.0)


def settled(paths: Paths, number: Any) -> Any:
    """The derivative that the paths to each element add up to; an active value that is NaN or overruled becomes NaN."""
    kept = counted(number, paths)
    infinite = paths & INFINITE
    if not infinite.any():
        return kept
    ruled = np.select([infinite == PLUS_INFINITY, infinite == MINUS_INFINITY], [np.inf, -np.inf], default=np.nan)
    if not isinstance(number, Active):
        return np.where(infinite != 0, ruled, kept)
    overruled = (infinite != 0) & (ruled != primal_of(number))
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
    if not isinstance(map, Bilinear | Linear | JointlyLinear):
        total, found = ZERO, np.zeros(shape_of(out), np.uint8)
        lead = len(shape_of(primals[0])) - 2 if map.stacked else 0
        for k, reached in enumerate(paths):  # one operand at a time: a zero without a path is not multiplied
            if reached is not None and reached.any():
                alone = [t if j == k else None for j, t in enumerate(tangents)]
                term = full(map.push(primals, alone, params, out), shape_of(out))
                classes = _dense(reached, lead, term)
                total, found = total + settled(classes, term), found | classes
        return total, found
    classes = pushed(map, primals, paths, params, out)
    return settled(classes, map.push([usable(x) for x in primals], tangents, params, out)), classes


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
    if not isinstance(map, Bilinear | Linear | JointlyLinear):
        lead = len(shapes[0]) - 2 if map.stacked else 0
        terms = map.pull(bar, active, primals, shapes, params)
        terms = [full(term, shape) if a else None for term, shape, a in zip(terms, shapes, active, strict=True)]
        found = [_dense(paths, lead, term) if a else None for term, a in zip(terms, active, strict=True)]
        return [c if c is None else settled(c, t) for c, t in zip(found, terms, strict=True)], found
    classes = pulled(map, paths, active, primals, shapes, params)
    terms = map.pull(bar, active, [usable(x) for x in primals], shapes, params)
    return [
        term if reached is None else settled(reached, full(term, shape))
        for term, reached, shape in zip(terms, classes, shapes, strict=True)
    ], classes


def pushed(map: Map, primals: list[Any], paths: list[Paths | None], params: tuple[Any, ...], out: Any) -> Paths:
    """The classes that reach the value of a (bi)linear map; `paths` has None for passive operands."""
    shape = shape_of(out)
    if isinstance(map, Bilinear):
        (x, y), (px, py) = primals, paths
        total = np.zeros(shape, np.uint8)
        if px is not None:
            total |= _bilinear(lambda plane, other: map.value((plane, other), params), px, y, shape)
        if py is not None:
            total |= _bilinear(lambda plane, other: map.value((other, plane), params), py, x, shape)
        return total
    whole = [np.zeros(shape_of(x), np.uint8) if p is None else p for x, p in zip(primals, paths, strict=True)]
    return _planes(lambda bit: map.value([_plane(p, bit) for p in whole], params), whole, shape)


def pulled(
    map: Map, paths: Paths, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
) -> list[Paths | None]:
    """The classes that reach the operands of a (bi)linear map; None for passive ones."""
    found: list[Paths | None] = [None] * len(active)
    for k in (k for k, a in enumerate(active) if a):
        if isinstance(map, Bilinear):
            alone = [j == k for j in range(2)]

            def back(plane: Any, other: Any, k: int = k, alone: list[bool] = alone) -> Any:
                return map.pull(plane, alone, [other if j != k else None for j in range(2)], shapes, params)[k]

            found[k] = _bilinear(back, paths, primals[1 - k], shapes[k])
        else:

            def back_alone(bit: int, k: int = k) -> Any:
                return map.pull(_plane(paths, bit), active, primals, shapes, params)[k]

            found[k] = _planes(back_alone, [paths], shapes[k])
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


def _dense(paths: Paths, lead: int, number: Any) -> Paths:
    """For a map of which nothing is known but that its first axes are a stack: each element has a path from every one.

    Where an infinite one is among them, or infinity or NaN comes out, as of an infinite partial, all are unknown.

    Args:
        paths: the classes that arrive.
        lead: how many axes are those of a stack.
        number: what comes out.
    """
    union = np.bitwise_or.reduce(paths, axis=tuple(range(lead, paths.ndim)))
    strange = ~np.isfinite(primal_of(number))
    strange = strange.any(axis=tuple(range(lead, strange.ndim))) | (union & INFINITE != 0)
    classes = np.where(strange, np.uint8(UNKNOWN), np.uint8(POSITIVE | NEGATIVE)) * (union != NONE)
    return np.broadcast_to(classes[(..., *(None,) * (len(shape_of(number)) - lead))], shape_of(number))
