"""Forward mode: dual numbers.

A `Dual` is a primal and a tangent; every op computes both, side by side, so one pass of a function over Duals is one
forward sweep and yields one directional derivative.  The ops are generated from the rows of `ad.ops`; this module says
only what forward mode does with the partials: multiply by the tangents and add.
"""

from __future__ import annotations

import itertools
from typing import Any

from ad.counting import Counts
from ad.ops import Op
from ad.rules import Active, Rule, fast_names, install, python, real

levels = itertools.count(1)
"""Numbers of derivatives; each sweep draws one, so derivatives of different sweeps are never confused."""


class Level:
    """What the Duals of one forward sweep have in common: the sweep's number and, if it is observed, its counts."""

    __slots__ = ("counts", "number")

    def __init__(self, number: int, counts: Counts | None = None) -> None:
        self.number = number
        self.counts = counts


_HANDMADE = Level(0)


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
    tag: Level

    def __init__(self, primal: float, tangent: float = 0.0) -> None:
        self.primal = real("primal", primal)
        self.tangent = real("tangent", tangent)
        self.tag = _HANDMADE

    @property
    def level(self) -> int:  # noqa: D102  # documented in Active
        return self.tag.number

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> Dual:  # noqa: D102
        active = [isinstance(x, Active) and x.level == level for x in operands]
        primals = [x.primal if a else x for x, a in zip(operands, active, strict=True)]
        out = rule.value(*primals)
        tangent: Any = 0.0
        for x, is_active, partial in zip(operands, active, rule.partials, strict=True):
            # A tangent of exactly zero adds nothing, even where the partial is infinite.
            if is_active and not (type(x.tangent) is float and x.tangent == 0.0):
                tangent = partial(*primals, out) * x.tangent + tangent
        tag: Level = operands[active.index(True)].tag
        if tag.counts is not None:
            tag.counts.ops += 1
        return lift([out], [tangent], tag)[0]

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


def lift(primals: list[Any], tangents: list[Any], tag: Level) -> list[Dual]:
    """Duals of the sweep that `tag` stands for."""
    cls: Any = _Dual if tag.counts is None else _CountedDual
    lifted = []
    for primal, tangent in zip(primals, tangents, strict=True):
        dual = cls()
        dual.primal = primal
        dual.tangent = tangent
        dual.tag = tag
        lifted.append(dual)
    return lifted


def _term(partial: str, tangent: str, rename: dict[str, str]) -> tuple[str, str]:
    """Sign and source of partial * tangent; a partial of 1 or -1 costs no multiplication."""
    if partial in ("1", "-1"):
        return ("-" if partial == "-1" else "+"), tangent
    source = python(partial, rename)
    return "+", f"{source if source.isidentifier() else f'({source})'} * {tangent}"


def _emit(row: Op, active: frozenset[str]) -> list[str]:
    """Forward mode: the sum of partial times tangent over the active operands."""
    terms = [
        _term(row.partial(p), f"{p}.tangent", fast_names())
        for p in row.operands
        if p in active and row.partial(p) != "0"
    ]
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


for _cls, _new, _mode in ((Dual, _Dual, _emit), (_Dual, _Dual, _emit), (_CountedDual, _CountedDual, _emit_counted)):
    install(_cls, _mode, "y.tag is x.tag", {"New": _new})
