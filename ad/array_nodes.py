"""Nodes of array ops on a tape: what each keeps, and how an adjoint is pulled back through it.

A node does not hold partials but the operands and the output that they are computed from, and none that no partial asks
for; the adjoint is multiplied by the partial as it is pulled back.  There is one class of nodes for each op and
activity of its operands, generated from the rows.  What is pulled back along a broadcast operand is summed to the
operand's shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import RULES, ZERO, Active
from ad.array_methods import BOTH, Case, X, Y, cases, like, partial_source, scope
from ad.arrays import full, unbroadcast
from ad.ops import Op
from ad.scalars import build


class Node:
    """One array op on a tape.

    Attributes:
        name: the op's or map's name.
        adjoint: the derivative of the output with respect to the op's value, in any shape that broadcasts to `shape`.
        own: whether nothing else refers to `adjoint`, so that it may be added to in place.
        shape: the shape of the value.
    """

    __slots__ = ("adjoint", "own", "shape")
    name = "input"
    adjoint: Any
    own: bool
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers the op computed."""
        return math.prod(self.shape)

    def pull(self, bar: Any) -> None:
        """Add what `bar`, the adjoint of this node, contributes to the adjoints of the operands."""


class NumberNode(Node):
    """A number that became an array without dimensions; `x` is its Var."""

    __slots__ = ("x",)
    name = "asarray"
    x: Any

    def pull(self, bar: Any) -> None:  # noqa: D102
        add(self.x, bar)


class OpNode(Node):
    """An op of a row: the nodes of its active operands, and what its partials need."""

    __slots__ = ("out", "x", "xp", "y", "yp")
    row: Op
    case: Case
    x: Any
    y: Any
    xp: Any
    yp: Any
    out: Any


class MapNode(Node):
    """A map: the nodes of its operands (None where passive), and the map applied."""

    __slots__ = ("active", "map", "operands", "params", "primals", "shapes")
    map: Any
    operands: list[Any]
    active: list[bool]
    primals: list[Any]
    shapes: list[tuple[int, ...]]
    params: tuple[Any, ...]

    @property
    def name(self) -> str:  # type: ignore[override]
        """The map's name."""
        return str(self.map.name)

    def pull(self, bar: Any) -> None:  # noqa: D102
        terms = self.map.pull(full(bar, self.shape), self.active, self.primals, self.shapes, self.params)
        for x, term in zip(self.operands, terms, strict=True):
            if x is not None:
                add(x, term)


def add(x: Any, term: Any) -> None:
    """Add what was pulled back, in a shape that broadcasts to that of `x`, to an operand's adjoint."""
    if isinstance(x, Node):
        if x.adjoint is ZERO:
            x.adjoint, x.own = term, False
        else:
            x.adjoint = x.adjoint + term
            x.own = type(x.adjoint) is np.ndarray
    else:  # the Var of a number
        term = term if isinstance(term, Active) else float(term)
        x.adjoint = term if x.adjoint is ZERO else x.adjoint + term


# ---- generated from the rows ----------------------------------------------------------------------------------------


def needs(row: Op, case: Case) -> list[str]:
    """Of `x`, `y` and `out`, what the partials of the active operands are computed from."""
    used = set().union(*(row.partial(p).names for p in case.active))
    return [name for name in (*row.operands, "out") if name in used]


def _product(partial: str) -> str:
    """Source of adjoint times partial; a quotient of 1 divides."""
    if partial in ("1", "-1"):
        return "bar" if partial == "1" else "-bar"
    rest = partial.removeprefix("1 / ")
    if rest != partial and (rest.isidentifier() or (rest[0] == "(" and rest.find(")") == len(rest) - 1)):
        return f"bar / {rest}"
    return f"bar * ({partial})"


_ADD = """
    t = {term}
    if {p}.shape != node.shape: t = unbroadcast(t, node.shape, {p}.shape)
    a = {p}.adjoint
    if a is ZERO:
        {p}.adjoint = t
        {p}.own = {fresh}type(t) is ndarray
    elif {p}.own and type(t) is ndarray and a.shape == {p}.shape:
        a += t
        {p}.adjoint = a
    else:
        {p}.adjoint = a = a + t
        {p}.own = type(a) is ndarray
"""


def _pull(row: Op, case: Case, twice: bool) -> Callable[[Any, Any], None]:
    """The function that pulls an adjoint back through one op; `twice`: both operands are one node."""
    operands = [p for p in row.operands if p in case.active and not row.partial(p).flat]
    load = [f"    {p} = node.{p}" for p in operands]
    load += [f"    {n} = node.{n}" for n in (n if n == "out" else f"{n}p" for n in needs(row, case))]
    partials = {p: partial_source(row, p, case) for p in operands}
    if twice and partials:
        partials = {"x": " + ".join(f"({partial})" for partial in partials.values())}
    source = "def pull(node, bar):\n" + "\n".join(load or ["    pass"])
    for p, partial in partials.items():
        term = _product(partial)
        if any(row.partial(q).chooses for q in operands):
            term = f"like({term}, bar)"
        source += _ADD.format(term=term, p=p, fresh="False and " if term == "bar" else "")
    title = f"pull {row.name} {case.name}{' twice' if twice else ''}"
    return build("pull", source, {**scope(), "unbroadcast": unbroadcast, "like": like}, title)  # type: ignore[no-any-return]


def _node_class(row: Op, case: Case, name: str, twice: bool = False) -> type[OpNode]:
    body = {"__slots__": (), "name": row.name, "row": row, "case": case, "pull": _pull(row, case, twice)}
    return type(name, (OpNode,), body)


NODES: dict[str, type[OpNode]] = {}
"""The classes of nodes, as `mul_x_y`, `pow_x_number`; `mul_twice` where both operands are one node."""

for _row in (rule.row for rule in RULES.values()):
    for _case in cases(_row):
        _name = f"{_row.name}_{_case.name}"
        NODES[_name] = _node_class(_row, _case, _name)
    if len(_row.params) == 2:
        _name = f"{_row.name}_twice"
        NODES[_name] = _node_class(_row, BOTH, _name, twice=True)


def node_of(row: Op, active: list[bool], numbers: list[bool], operands: list[Any]) -> OpNode:
    """A new node for an op, with the nodes of its active operands."""
    letters = dict(zip(row.params, active, strict=True))
    constant = frozenset(p for p, number in zip(row.params, numbers, strict=True) if number and not letters[p])
    case = Case(frozenset(p for p, a in letters.items() if a), constant)
    twice = case.active == X | Y and operands[0] is operands[1]
    node = NODES[f"{row.name}_twice" if twice else f"{row.name}_{case.name}"]()
    for p, x in zip(row.params, operands, strict=True):
        if p in case.active:
            setattr(node, p, x)
    return node
