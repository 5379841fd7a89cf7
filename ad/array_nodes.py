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
from ad.array_infinity import Paths, pull
from ad.array_methods import BOTH, Case, X, Y, cases, partial_source, scope
from ad.arrays import dtype_of, full, unbroadcast
from ad.ndarrays import DOUBLE, renamed
from ad.ops import Op
from ad.scalars import build

UNIT = np.float64(1.0)
"""The seed of a gradient of a float64, known by its identity, so that nothing needs to be multiplied by it."""


def double(partial: Any) -> Any:
    """A partial times `UNIT`: an adjoint is float64 there, of whatever numbers the partial is computed."""
    kind = type(partial)
    if kind is np.ndarray:
        return partial if partial.dtype is DOUBLE else partial.astype(np.float64)
    return partial if kind is np.float64 or isinstance(partial, Active) else np.float64(partial)


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

    def held(self) -> list[Any]:
        """What the node refers to."""
        slots = [getattr(self, name, None) for cls in type(self).__mro__ for name in getattr(cls, "__slots__", ())]
        return [x for slot in slots for x in (slot if isinstance(slot, list) else [slot])]

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


class AnyMapNode(Node):
    """A map, and what it was given besides its operands."""

    __slots__ = ("map", "params")
    map: Any
    params: tuple[Any, ...]

    @property
    def name(self) -> str:  # type: ignore[override]
        """The map's name."""
        return str(self.map.name)


class LinearNode(AnyMapNode):
    """A linear map of one operand."""

    __slots__ = ("x",)
    x: Any

    def pull_classes(self, bar: Any, paths: Paths) -> tuple[list[Any], list[Paths | None]]:
        """What is pulled back to the operand, and the classes of its paths."""
        return pull(self.map, bar, paths, [True], [None], [self.x.shape], self.params)

    def pull(self, bar: Any) -> None:  # noqa: D102
        x, into = self.x, self.map.into
        if into is not None and not isinstance(bar, Active) and not isinstance(x.adjoint, Active):
            fresh = x.adjoint is ZERO
            if fresh:
                x.adjoint = np.zeros(x.shape, dtype_of(bar))
            elif not x.own or x.adjoint.shape != x.shape:
                x.adjoint = np.array(np.broadcast_to(x.adjoint, x.shape))
            x.own = True
            into(x.adjoint, bar, fresh, *self.params)
            return
        term = self.map.rule(full(bar, self.shape), x.shape, *self.params)
        add(x, term, own=self.own or (term is not bar and getattr(term, "base", bar) is None))


class MapNode(AnyMapNode):
    """A map: the nodes of its operands (None where passive), and what its rules need of them."""

    __slots__ = ("active", "operands", "primals", "shapes")
    operands: list[Any]
    active: list[bool]
    primals: list[Any]
    shapes: list[tuple[int, ...]]

    def pull_classes(self, bar: Any, paths: Paths) -> tuple[list[Any], list[Paths | None]]:
        """What is pulled back to the operands, and the classes of their paths."""
        return pull(self.map, bar, paths, self.active, self.primals, self.shapes, self.params)

    def pull(self, bar: Any) -> None:  # noqa: D102
        terms = self.map.pull(full(bar, self.shape), self.active, self.primals, self.shapes, self.params)
        for x, term in zip(self.operands, terms, strict=True):
            if x is not None:
                add(x, term)


def add(x: Any, term: Any, own: bool = False) -> None:
    """Add what was pulled back, in a shape that broadcasts to that of `x`, to an operand's adjoint.

    Args:
        x: the operand's node.
        term: what is added.
        own: whether nothing else refers to it.
    """
    if isinstance(x, Node):
        if x.adjoint is ZERO:
            x.adjoint, x.own = term, own and type(term) is np.ndarray and term.flags.writeable
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


def _terms(cases: list[tuple[str | None, str | None, str]], *, last: bool) -> str:
    """Source that makes `t`, adjoint times partial, and says whether nothing else refers to it.

    In the last use of an adjoint that is this node's own, its memory serves for the product.
    """
    (condition, number, rest), *others = cases
    source = _term(rest, last=last) if number is None else _scaled(number, rest, last=last)
    if condition is None:
        return source
    inner = "".join(f"    {line}\n" for line in source.splitlines())
    return f"    if {condition}:\n{inner}    else:\n" + "".join(
        f"    {line}\n" for line in _terms(others, last=last).splitlines()
    )


def _scaled(number: str, rest: str, *, last: bool) -> str:
    """For a partial with a factor that is a single number: by which the adjoint, often a number too, is multiplied."""
    source = f"    if bar is UNIT: t, fresh = double({number} * ({rest})), True\n"
    if last:
        source += f"    elif node.own and bar.shape == node.shape and type(rest := {rest}) is ndarray:\n"
        source += f"        t, fresh = multiply(multiply(bar, {number}, bar), rest, bar), True\n"
    return source + f"    else: t, fresh = bar * {number} * ({rest}), True\n"


def _term(partial: str, *, last: bool) -> str:
    if partial == "1":
        return f"    t, fresh = bar, {'node.own' if last else 'False'}\n"
    in_place = "node.own and bar.shape == node.shape" if last else ""
    if partial == "-1":
        return f"    t, fresh = {f'negative(bar, bar) if {in_place} else ' if last else ''}-bar, True\n"
    rest = partial.removeprefix("1 / ")
    if rest != partial and (rest.isidentifier() or (rest[0] == "(" and rest.find(")") == len(rest) - 1)):
        return f"    t, fresh = bar / {rest}, True\n"
    if "where" in partial:
        return f"    t, fresh = like(bar * ({partial}), bar), True\n"
    source = f"    if bar is UNIT: t, fresh = double({partial}), {not partial.isidentifier()}\n"
    if last and partial.isidentifier():
        plain = f"not isinstance({partial}, Active)"
        source += f"    elif {in_place} and {plain}: t, fresh = multiply(bar, {partial}, bar), True\n"
    return source + f"    else: t, fresh = bar * ({partial}), True\n"


ALONE = [(None, None, "1")]
"""The cases of a partial that is 1."""

_ADD = """
    if {p}.shape != node.shape: t, fresh = unbroadcast(t, node.shape, {p}.shape), False
    a = {p}.adjoint
    if a is ZERO:
        {p}.adjoint = t
        {p}.own = fresh and type(t) is ndarray
    elif {p}.own and type(t) is ndarray and a.shape == {p}.shape:
        a += t
    else:
        {p}.adjoint = a = a + t
        {p}.own = type(a) is ndarray
"""


def _pull(row: Op, case: Case, twice: bool) -> Callable[[Any, Any], None]:
    """The function that pulls an adjoint back through one op; `twice`: both operands are one node."""
    operands = [p for p in row.operands if p in case.active and not row.partial(p).flat]
    operands.sort(key=lambda p: row.partial(p).text == "1")  # last, what may have the adjoint itself
    load = [f"    {p} = node.{p}\n" for p in operands]
    load += [f"    {n} = node.{n}\n" for n in (n if n == "out" else f"{n}p" for n in needs(row, case))]
    partials = {p: row.partial(p).numpy_cases(renamed(), case.numbers) for p in operands}
    if twice and partials:
        total = " + ".join(f"({partial_source(row, p, case)})" for p in row.operands)
        partials = {"x": [(None, *(("2", "xp") if row.name == "mul" else (None, total)))]}
    source = "".join(["def pull(node, bar):\n", *(load or ["    pass\n"])])
    for k, (p, partial) in enumerate(partials.items(), 1):
        last = (
            k == len(partials) and ALONE not in [*partials.values()][: k - 1]
        )  # else an operand has the adjoint itself
        source += _terms(partial, last=last) + _ADD.format(p=p)
    title = f"pull {row.name} {case.name}{' twice' if twice else ''}"
    names = {"unbroadcast": unbroadcast, "negative": np.negative, "multiply": np.multiply, "Active": Active}
    names |= {"UNIT": UNIT, "double": double}
    return build("pull", source, scope() | names, title)  # type: ignore[no-any-return]


def _node_class(row: Op, case: Case, name: str, twice: bool = False) -> type[OpNode]:
    body = {"__slots__": (), "name": row.name, "row": row, "case": case, "pull": _pull(row, case, twice)}
    return type(name, (OpNode,), body)


NODES: dict[str, type[OpNode]] = {}
"""The classes of nodes, as `mul_x_y`, `pow_x_number`; `mul_twice` where both operands are one node."""


def node_classes(row: Op) -> dict[str, type[OpNode]]:
    """The classes of one op's nodes."""
    found = {name: _node_class(row, case, name) for case in cases(row) for name in [f"{row.name}_{case.name}"]}
    if len(row.params) == 2:
        found[f"{row.name}_twice"] = _node_class(row, BOTH, f"{row.name}_twice", twice=True)
    return found


for _rule in RULES.values():
    NODES |= node_classes(_rule.row)


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
