"""Forward mode: dual numbers.

A `Dual` is a primal and a tangent; every op computes both, side by side, so one pass of a function over Duals is one
forward sweep and yields one directional derivative.  The ops are generated from the rows of `ad.ops`; this module says
only what forward mode does with the partials: multiply by the tangents and add.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from ad.counting import Counts
from ad.methods import divides, fast_names, install, install_slow
from ad.ops import Op
from ad.rules import RULES, Active, Rule, finite, is_zero, python, real

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
            # A tangent or a partial of exactly zero adds nothing, even where the other one is infinite.
            if is_active and not is_zero(x.tangent):
                slope = partial(*primals, out)
                if not is_zero(slope):
                    tangent = slope * x.tangent + tangent
        tag: Level = operands[active.index(True)].tag
        if tag.counts is not None:
            tag.counts.ops += 1
        dual: Dual = (_class(tag) if finite(out) and finite(tangent) else _InfiniteDual)()
        dual.primal = out
        dual.tangent = tangent
        dual.tag = tag
        return dual

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


class _InfiniteDual(Dual):
    """A Dual with an infinity in it: every op takes the slow road, where zero times infinity is zero."""

    __slots__ = ()
    __init__ = object.__init__


def _class(tag: Level) -> Any:
    return _Dual if tag.counts is None else _CountedDual


def lift(primals: list[Any], tangents: list[Any], tag: Level) -> list[Dual]:
    """Duals of the sweep that `tag` stands for."""
    cls = _class(tag)
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
    check = []
    if divides(row, active):  # the slow road knows what zero times infinity is
        check = [f"tangent = {total}", "if tangent != tangent:", "    raise ValueError"]
        total = "tangent"
    return [
        *check,
        "dual = New()",
        "dual.primal = out",
        f"dual.tangent = {total}",
        f"dual.tag = {'x' if 'x' in active else 'y'}.tag",
        "return dual",
    ]


def _emit_counted(row: Op, active: frozenset[str]) -> list[str]:
    *lines, last = _emit(row, active)
    return [*lines, "dual.tag.counts.ops += 1", last]


def generate(rules: Iterable[Rule]) -> None:
    """Write the methods of the given ops into the classes of this module."""
    rules = tuple(rules)
    for cls, new, mode in ((Dual, _Dual, _emit), (_Dual, _Dual, _emit), (_CountedDual, _CountedDual, _emit_counted)):
        install(cls, mode, "y.tag is x.tag", {"New": new}, rules)
    install_slow(_InfiniteDual, rules)


generate(RULES.values())
