"""Forward mode: dual numbers.

A `Dual` is a primal and a tangent; every op computes both, side by side, so one pass of a function over Duals is one
forward sweep and yields one directional derivative.  The ops are generated from the rows of `ad.ops`; this module says
only what forward mode does with the partials: multiply by the tangents and add.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ad.active import RULES, ZERO, Active, Rule, is_array, is_zero, passed_on, primal_of, settle
from ad.counting import Counts
from ad.expressions import Expression
from ad.infinity import NONE, POSITIVE, TIMES, kind
from ad.methods import fast_names, install, install_slow
from ad.ops import Op
from ad.scalars import real


class Tag:
    """What the Duals of one forward sweep have in common.

    Attributes:
        number: of the sweep.
        counts: what is being counted, if the sweep is observed.
        follows: whether the classes of paths are followed, as where a partial is infinite (`ad.infinity`).
        lanes: how many tangents each array carries (`ad.lanes`).
        finished: whether it is over.
    """

    __slots__ = ("counts", "finished", "follows", "lanes", "number")

    def __init__(self, number: int, counts: Counts | None = None, follows: bool = False, lanes: int = 1) -> None:
        self.lanes = lanes
        self.number = number
        self.counts = counts
        self.follows = follows
        self.finished = False


HANDMADE = Tag(0)


class Dual(Active):
    """A dual number: `Dual(primal, tangent)`.

    Attributes:
        primal: the value.
        tangent: its derivative in the direction of the sweep's seed.

    Example:
        >>> x = Dual(3.0, 1.0)
        >>> x * x + 2 * x
        Dual(15.0, 8.0)
    """

    __slots__ = ("primal", "tag", "tangent")
    primal: Any
    tangent: Any
    tag: Tag

    def __init__(self, primal: float, tangent: float = 0.0) -> None:
        self.primal = real("primal", primal)
        self.tangent = real("tangent", tangent)
        self.tag = HANDMADE

    @property
    def level(self) -> int:  # noqa: D102  # documented in Active
        return self.tag.number

    @property
    def finished(self) -> bool:  # noqa: D102  # documented in Active
        return self.tag.finished

    @property
    def derivative(self) -> Any:
        """The tangent at the end of a sweep."""
        return self.tangent

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> Dual:  # noqa: D102
        active = [isinstance(x, Active) and x.level == level for x in operands]
        tag: Tag = operands[active.index(True)].tag
        primals = [x.primal if a else x for x, a in zip(operands, active, strict=True)]
        dual: Dual = _class(tag)()
        dual.primal = out = rule.value(*primals)
        dual.tangent = ZERO
        dual.tag = tag
        dual._add(
            [
                (x, partial(*primals, out))
                for x, a, partial in zip(operands, active, rule.partials, strict=True)
                if a and partial is not None
            ]
        )
        if tag.counts is not None:
            tag.counts.ops += 1
        return dual

    def _add(self, edges: list[tuple[Dual, Any]]) -> None:
        """Add partial times tangent along each edge to this tangent."""
        for operand, partial in edges:
            self.tangent = self.tangent + partial * operand.tangent

    def __repr__(self) -> str:
        return f"Dual({self.primal!r}, {self.tangent!r})"


class _Dual(Dual):
    """What sweeps are made of: a Dual that is made without running any Python."""

    __slots__ = ()
    __init__ = object.__init__


class _CountedDual(Dual):
    """The Duals of an observed sweep: the same ops, each adding one to the sweep's counts."""

    __slots__ = ()
    __init__ = object.__init__


class _FollowedDual(Dual):
    """A Dual that knows the classes of the paths to its tangent; every op takes the slow road.

    Attributes:
        paths: the classes (`ad.infinity`).
    """

    __slots__ = ("paths",)
    __init__ = object.__init__
    paths: int

    @property
    def derivative(self) -> Any:  # documented in Dual
        return settle(self.paths, self.tangent)

    def _add(self, edges: list[tuple[Dual, Any]]) -> None:
        self.paths = NONE
        if len(edges) == 2 and edges[0][0] is edges[1][0]:
            edges = [(edges[0][0], edges[0][1] + edges[1][1])]
        for operand, partial in edges:
            reached: int = operand.paths  # type: ignore[attr-defined]
            self.paths |= TIMES[kind(primal_of(partial))][reached]
            term = passed_on(partial, operand.tangent, reached) if reached else None
            if term is not None:
                self.tangent = term if self.tangent is ZERO else self.tangent + term


def _class(tag: Tag) -> Any:
    if tag.follows:
        return _FollowedDual
    return _Dual if tag.counts is None else _CountedDual


def lift(primals: list[Any], tangents: list[Any], tag: Tag) -> list[Dual]:
    """Duals of the sweep that `tag` stands for."""
    cls = _class(tag)
    lifted = []
    for primal, tangent in zip(primals, tangents, strict=True):
        if type(primal) is not float and is_array(primal):
            lifted.append(Dual.arrays.lift(primal, tangent, tag))
            continue
        dual = cls()
        dual.primal = primal
        dual.tangent = tangent
        dual.tag = tag
        if tag.follows:
            dual.paths = NONE if is_zero(tangent) else TIMES[kind(primal_of(tangent))][POSITIVE]
            if not dual.paths:
                dual.tangent = ZERO
        lifted.append(dual)
    return lifted


def _term(partial: Expression, tangent: str) -> tuple[str, str]:
    """Sign and source of partial * tangent; a partial of 1 or -1 costs no multiplication."""
    if partial.fixed:
        return ("-" if partial.text == "-1" else "+"), tangent
    source = partial.python(fast_names())
    return "+", f"{source if source.isidentifier() else f'({source})'} * {tangent}"


def _emit(row: Op, active: frozenset[str]) -> list[str]:
    """Forward mode: the sum of partial times tangent over the active operands."""
    terms = [_term(row.partial(p), f"{p}.tangent") for p in row.operands if p in active and not row.partial(p).flat]
    total = "".join(f" {sign} {source}" for sign, source in terms).removeprefix(" + ").strip() or "0.0"
    return [
        "dual = New()",
        "dual.primal = out",
        f"dual.tangent = {total}",
        f"dual.tag = {'x' if 'x' in active else 'y'}.tag",
        "return dual",
    ]


def _emit_counted(row: Op, active: frozenset[str]) -> list[str]:
    *lines, last = _emit(row, active)
    return [*lines, "dual.tag.counts.ops += 1", last]


GENERATED = {Dual: (_Dual, _emit), _Dual: (_Dual, _emit), _CountedDual: (_CountedDual, _emit_counted)}
"""The classes whose methods are generated: for each, the class of the results, and what writes the methods."""


def generate(rules: Iterable[Rule]) -> None:
    """Write the methods of the given ops into the classes of this module."""
    rules = tuple(rules)
    for cls, (new, mode) in GENERATED.items():
        install(cls, mode, "y.tag is x.tag", {"New": new}, rules)


generate(RULES.values())
install_slow(_FollowedDual, RULES.values())
