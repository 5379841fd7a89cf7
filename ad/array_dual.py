"""Forward mode on arrays: a primal and a tangent of the same shape, side by side.

As `ad.dual` for numbers: the methods are generated from the rows, and this module says only that a partial is
multiplied by the tangent.  A map is applied to the tangents as it is to the primals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ad.active import RULES, ZERO, Active, Rule, require_alive
from ad.array_infinity import Paths, along, counted, product, push, seeded, settled
from ad.array_methods import PARTIALS, PLAIN, Case, install, like, partial_source
from ad.arrays import Array, activity, dtype_of, full, matched, prepared, scalar, shape_of
from ad.dual import HANDMADE, Dual, Tag
from ad.linear import Linear, Map
from ad.methods import install_slow
from ad.ndarrays import floating
from ad.ops import Op


class ArrayDual(Array):
    """An array of dual numbers: `ArrayDual(primal, tangent)`.

    Attributes:
        primal: the values.
        tangent: their derivative in the direction of the sweep's seed, in a shape that broadcasts to that of the
            primal.

    Example:
        >>> x = ArrayDual(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        >>> np.sum(x * x)
        ArrayDual(5.0, 2.0)
    """

    __slots__ = ("primal", "tag", "tangent")
    primal: Any
    tangent: Any
    tag: Tag

    def __init__(self, primal: Any, tangent: Any = 0.0) -> None:
        self.primal = floating("primal", np.asarray(primal))
        self.tangent = np.asarray(tangent, self.primal.dtype)
        np.broadcast_to(self.tangent, self.primal.shape)
        self.tag = HANDMADE

    @property
    def level(self) -> int:  # noqa: D102  # documented in Active
        return self.tag.number

    @property
    def finished(self) -> bool:  # noqa: D102  # documented in Active
        return self.tag.finished

    @property
    def derivative(self) -> Any:
        """The tangent at the end of a sweep, whole, and in the type of numbers of the primal."""
        return self._whole(self.tangent)

    def _whole(self, tangent: Any) -> Any:
        if type(tangent) in PLAIN and tangent.shape == self.primal.shape and tangent.dtype is self.primal.dtype:
            return tangent
        tangent = full(tangent, self.shape)
        if isinstance(tangent, Active):
            return tangent
        return np.asarray(tangent, dtype_of(self.primal))[()]

    @classmethod
    def lift(cls, primal: Any, tangent: Any, tag: Tag) -> ArrayDual:
        """An array of the sweep that `tag` stands for."""
        if not isinstance(primal, Active):
            primal = floating("primal", primal)
        if not isinstance(tangent, Active) and getattr(tangent, "dtype", None) is not primal.dtype:
            tangent = np.asarray(tangent, dtype_of(primal))
        if tag.follows:
            paths = seeded(tangent, shape_of(primal))
            return _followed(primal, tangent, paths, tag)
        return _dual(primal, tangent, tag)

    @classmethod
    def of_number(cls, x: Dual) -> ArrayDual:
        """A Dual of a number as an array without dimensions."""
        if x.tag.follows:
            return _followed(x.primal, x.tangent, np.array(x.paths, np.uint8), x.tag)  # type: ignore[attr-defined]
        return _dual(x.primal, x.tangent, x.tag)

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> ArrayDual:  # noqa: D102
        active = activity(level, operands)
        ready = prepared(rule.row.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        out = scalar(rule.value(*primals))
        primals = [matched(x, out) for x in primals]
        tag: Tag = ready[active.index(True)].tag
        if tag.follows:
            return _followed_op(rule, ready, active, primals, out)
        tangent: Any = ZERO
        for x, a, partial in zip(ready, active, PARTIALS[rule.row.name], strict=True):
            if a and partial is not None:
                tangent = tangent + like(partial(primals[0], primals[-1], out), out) * x.tangent
        return _made(out, tangent, tag)

    @classmethod
    def apply_map(cls, map: Map, level: int, operands: tuple[Any, ...], params: tuple[Any, ...]) -> ArrayDual:
        """One map on operands of which at least one is active at `level`."""
        active = activity(level, operands)
        ready = prepared(map.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        tangents = [full(x.tangent, x.shape) if a else None for x, a in zip(ready, active, strict=True)]
        tag: Tag = ready[active.index(True)].tag
        out = map(primals, params)
        if not tag.follows:
            return _made(out, map.push(primals, tangents, params, out), tag)
        paths = [x.paths if a else None for x, a in zip(ready, active, strict=True)]
        tangent, reached = push(map, primals, tangents, paths, params, out)
        if tag.counts is not None:
            tag.counts.add(out)
        return _followed(out, tangent, reached, tag)

    def apply_linear(self, map: Linear, params: tuple[Any, ...]) -> ArrayDual:  # noqa: D102
        primal, tangent, tag = self.primal, self.tangent, self.tag
        if tag.finished:
            require_alive(map.name, [self])
        if tag.follows or type(primal) not in PLAIN:
            return self.apply_map(map, tag.number, (self,), params)
        out = map.plain(primal, *params)
        if tangent is ZERO:
            return _made(out, ZERO, tag)
        if type(tangent) not in PLAIN or tangent.shape != primal.shape:
            return _made(out, map((full(tangent, primal.shape),), params), tag)
        return _made(out, map.plain(tangent, *params), tag)

    def __repr__(self) -> str:
        return f"ArrayDual({self.primal!r}, {full(self.tangent, self.shape)!r})"


class _ArrayDual(ArrayDual):
    """What sweeps are made of: an ArrayDual that is made without running any Python."""

    __slots__ = ()
    __init__ = object.__init__


class _CountedArrayDual(ArrayDual):
    """The arrays of an observed sweep: the same ops, each counted."""

    __slots__ = ()
    __init__ = object.__init__


class _FollowedArrayDual(ArrayDual):
    """An array that knows the classes of the paths to each element of its tangent; every op takes the slow road.

    Attributes:
        paths: the classes (`ad.array_infinity`); the tangent is 0 where they are not all finite.
    """

    __slots__ = ("paths",)
    __init__ = object.__init__
    paths: Paths

    @property
    def derivative(self) -> Any:  # documented in ArrayDual
        return self._whole(settled(self.paths, full(self.tangent, self.shape)))


def _followed_op(rule: Rule, ready: list[Any], active: list[bool], primals: list[Any], out: Any) -> ArrayDual:
    """The result of an op, and the classes of its paths."""
    edges = [
        (x, partial(primals[0], primals[-1], out))
        for x, a, partial in zip(ready, active, PARTIALS[rule.row.name], strict=True)
        if a and partial is not None
    ]
    if len(edges) == 2 and edges[0][0] is edges[1][0]:
        edges = [(edges[0][0], edges[0][1] + edges[1][1])]
    shape = shape_of(out)
    tangent, paths = ZERO, np.zeros(shape, np.uint8)
    for x, partial in edges:
        paths = paths | along(partial, x.paths)
        tangent = tangent + product(partial, x.tangent, x.paths)
    tag: Tag = ready[active.index(True)].tag
    if tag.counts is not None:
        tag.counts.add(out)
    return _followed(out, tangent, np.broadcast_to(paths, shape), tag)


def _followed(primal: Any, tangent: Any, paths: Paths, tag: Tag) -> ArrayDual:
    dual: Any = _dual(primal, counted(tangent, paths), tag)
    dual.paths = paths
    return dual  # type: ignore[no-any-return]


Dual.arrays = ArrayDual.arrays = ArrayDual


def _dual(primal: Any, tangent: Any, tag: Tag) -> ArrayDual:
    cls = _FollowedArrayDual if tag.follows else _ArrayDual if tag.counts is None else _CountedArrayDual
    dual: ArrayDual = cls()
    dual.primal, dual.tangent, dual.tag = primal, tangent, tag
    return dual


def _made(primal: Any, tangent: Any, tag: Tag) -> ArrayDual:
    """The result of an op."""
    if tag.counts is not None:
        tag.counts.add(primal)
        return _dual(primal, tangent, tag)
    dual: ArrayDual = _ArrayDual()
    dual.primal, dual.tangent, dual.tag = primal, tangent, tag
    return dual


def _emit(row: Op, case: Case) -> list[str]:
    """Forward mode: the sum of partial times tangent over the active operands."""
    total, sources = "", []
    for p in row.operands:
        if p in case.active and not row.partial(p).flat:
            partial = row.partial(p)
            sources.append(source := partial_source(row, p, case))
            term = f"{p}.tangent" if partial.fixed else f"({source}) * {p}.tangent"
            if partial.chooses:
                term = f"like({term}, out)"
            total += f" {'-' if partial.text == '-1' else '+'} {term}"
    total = total.removeprefix(" + ").strip() or "ZERO"
    if len(sources) == 2 and not any(partial.chooses or partial.fixed for partial in row.partials):
        total = f"({sources[0]} + {sources[1]}) * x.tangent if x is y else {total}"  # one product less
    return [
        "dual = New()",
        "dual.primal = out",
        f"dual.tangent = {total}",
        f"dual.tag = {'x' if 'x' in case.active else 'y'}.tag",
        "return dual",
    ]


def _emit_counted(row: Op, case: Case) -> list[str]:
    *lines, last = _emit(row, case)
    return [*lines, "dual.tag.counts.add(out)", last]


GENERATED = {
    ArrayDual: (_ArrayDual, _emit),
    _ArrayDual: (_ArrayDual, _emit),
    _CountedArrayDual: (_CountedArrayDual, _emit_counted),
}
"""The classes whose methods are generated, as in `ad.dual`."""


def generate(rules: Iterable[Rule]) -> None:
    """Write the methods of the given ops into the classes of this module."""
    rules = tuple(rules)
    for cls, (new, mode) in GENERATED.items():
        install(cls, mode, "y.tag is x.tag", {"New": new}, rules)


generate(RULES.values())
install_slow(_FollowedArrayDual, RULES.values())
