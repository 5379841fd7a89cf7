"""Reverse mode on arrays: nodes that keep what their partials need, and the sweep that computes partials as it goes.

A node does not hold partials but the operands and the output that they are computed from, each array once for all its
users, and none that no partial asks for; the sweep multiplies adjoint by partial in one generated function per op (`pull`).
What is pulled back along a broadcast operand is summed to the operand's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import RULES, ZERO, Active, Rule, all_finite
from ad.arrays import (
    FUNCTIONS,
    PARTIALS,
    Array,
    activity,
    dtype_of,
    floating,
    full,
    install,
    is_array,
    kept,
    prepared,
    scope,
    shape_of,
    unbroadcast,
)
from ad.counting import observed
from ad.ndarrays import renamed
from ad.ops import OPS, Op
from ad.scalars import build
from ad.tape import Nodes, Tape, Var


class Node:
    """One array op on a tape.

    Attributes:
        adjoint: the derivative of the output with respect to the op's value, in any shape that broadcasts to `shape`.
        own: whether nothing else refers to `adjoint`, so that it may be added to in place.
        rule: how it is pulled back.
        shape: the shape of its value.
        x, y: the nodes of its active operands.
        xp, yp, out: its operands and its value, as far as its partials need them.
        operands, call: of a map, all operands' nodes (None where passive), and the map applied.
    """

    __slots__ = ("adjoint", "call", "operands", "out", "own", "rule", "shape", "x", "xp", "y", "yp")
    adjoint: Any
    own: bool
    rule: Any
    shape: tuple[int, ...]
    x: Any
    y: Any
    xp: Any
    yp: Any
    out: Any
    operands: tuple[Any, ...]
    call: Any


class ArrayVar(Array, Var):
    """An array of a recorded computation; what the tape keeps of it is its node."""

    __slots__ = ("node",)
    node: Node

    @property
    def adjoint(self) -> Any:  # type: ignore[override]
        """After a reverse sweep, the derivative of the output with respect to this array."""
        return _whole(self)

    @property
    def op(self) -> str:  # type: ignore[override]
        """The op or map that made it."""
        return str(self.node.rule.name)

    @classmethod
    def lift(cls, nodes: Nodes, primals: list[Any]) -> list[Any]:
        """Declare inputs, of which some are arrays."""
        nodes.sweep = sweep
        lifted: list[Any] = []
        for primal in primals:
            if is_array(primal):
                var = _var(cls, nodes, primal if isinstance(primal, Active) else floating("primal", primal), INPUT)
                lifted.append(var)
            else:
                (number,) = Tape.lift(_Inputs(nodes), [primal])  # type: ignore[arg-type]
                lifted.append(number)
        return lifted

    @classmethod
    def of_number(cls, x: Var) -> ArrayVar:
        """A Var of a number as an array without dimensions."""
        x.tape.sweep = sweep
        var = _var(cls, x.tape, x.primal, NUMBER)
        var.node.x = x
        x.tape.append(var.node)  # type: ignore[arg-type]
        return var

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> ArrayVar:  # noqa: D102
        name = rule.row.name
        active = activity(level, operands)
        ready = prepared(name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        first = ready[active.index(True)]
        out = rule.value(*primals)
        var = _var(cls, first.tape, out, ELEMENTWISE[name, frozenset(p for p, a in zip("xy", active, strict=False) if a)])
        node = var.node
        for p, x, a, primal in zip("xy", ready, active, primals, strict=False):
            setattr(node, p, x.node if a else None)
            setattr(node, f"{p}p", primal if a else kept(primal))
        node.out = out
        if len(active) == 2 and active == [True, True] and node.x is node.y:
            node.rule = TWICE[name]
        _record(first.tape, node)
        return var

    @classmethod
    def apply_map(cls, call: Any, level: int, operands: tuple[Any, ...]) -> ArrayVar:
        """One map on operands of which at least one is active at `level`."""
        active = activity(level, operands)
        ready = prepared(call.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        first = ready[active.index(True)]
        var = _var(cls, first.tape, call(*primals), MAP)
        node = var.node
        node.call = call
        node.operands = tuple(x.node if a else None for x, a in zip(ready, active, strict=True))
        node.xp = call.keep(primals, active)
        _record(first.tape, node)
        return var

    def __repr__(self) -> str:
        return f"ArrayVar({self.primal!r}, op={self.op!r})"


Var.arrays = ArrayVar


class _Inputs:
    """A stand-in for a tape while inputs of several kinds are declared in order."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.inputs: list[Any] = []


def _var(cls: type[ArrayVar], tape: Nodes, primal: Any, rule: Any) -> ArrayVar:
    var, node = cls(), Node()
    var.primal, var.tape, var.node = primal, tape, node
    node.adjoint, node.rule, node.shape = ZERO, rule, shape_of(primal)
    return var


def _record(tape: Nodes, node: Node) -> None:
    tape.append(node)  # type: ignore[arg-type]
    if tape.counts is not None:
        tape.counts.in_arrays += size_of(node) - 1


def size_of(node: Node) -> int:
    """How many numbers an op computed."""
    size = 1
    for n in node.shape:
        size *= n
    return size


def add_adjoint(node: Any, term: Any, own: bool = False) -> None:
    """Add what was pulled back to an operand's adjoint."""
    if type(node) is not Node:  # a Var of a number
        term = float(term) if isinstance(term, np.ndarray | np.generic) else term
        node.adjoint = term if node.adjoint is ZERO else node.adjoint + term
    elif node.adjoint is ZERO:
        node.adjoint, node.own = term, own
    else:
        node.adjoint, node.own = node.adjoint + term, True


# ---- rules ----------------------------------------------------------------------------------------------------------


class Elementwise:
    """How a row with given active operands is pulled back."""

    def __init__(self, row: Op, active: frozenset[str], pull: Callable[[Node, Any], None]) -> None:
        self.name, self.pull = row.name, pull
        self.partials = [(p, d) for p, d in zip(row.operands, PARTIALS[row.name], strict=True) if p in active and d]

    def follow(self, node: Node, bar: Any, mask: Any) -> list[tuple[Any, Any, Any]]:
        """The operands with what is pulled back to them from the elements in `mask`, and where it arrives."""
        primals = [getattr(node, name, None) for name in ("xp", "yp", "out")]
        edges = [(getattr(node, p), partial(*primals)) for p, partial in self.partials]
        if len(edges) == 2 and edges[0][0] is edges[1][0]:
            edges = [(edges[0][0], edges[0][1] + edges[1][1])]
        pulled = [(x, np.where(mask != 0, bar * partial, 0.0)) for x, partial in edges]
        return [
            (x, unbroadcast(term, node.shape, _shape(x)), unbroadcast(mask, node.shape, _shape(x))) for x, term in pulled
        ]


def _shape(node: Any) -> tuple[int, ...]:
    return node.shape if type(node) is Node else ()


class _Number:
    """A number that became an array without dimensions."""

    name = "asarray"

    def pull(self, node: Node, bar: Any) -> None:
        add_adjoint(node.x, bar if isinstance(bar, Active) else float(bar))

    def follow(self, node: Node, bar: Any, mask: Any) -> list[tuple[Any, Any, Any]]:
        return [(node.x, bar if isinstance(bar, Active) else float(bar), float(mask))]


class _Map:
    """A linear or bilinear map."""

    name = "map"

    def pull(self, node: Node, bar: Any) -> None:
        bar = full(bar, node.shape)
        for k, x in enumerate(node.operands):
            if x is not None:
                add_adjoint(x, node.call.transpose(k, bar, node.xp))

    def follow(self, node: Node, bar: Any, mask: Any) -> list[tuple[Any, Any, Any]]:
        ones = [np.ones(shape_of(x)) for x in node.xp]
        return [
            (x, node.call.transpose(k, full(bar, node.shape), node.xp), node.call.transpose(k, mask, ones))
            for k, x in enumerate(node.operands)
            if x is not None
        ]


class _Input:
    name = "input"


INPUT, NUMBER, MAP = _Input(), _Number(), _Map()


def _needs(row: Op, active: frozenset[str]) -> list[str]:
    """Of `x`, `y` and `out`, what the partials of the active operands are computed from."""
    used = set().union(*(row.partial(p).names for p in active))
    return [name for name in (*row.operands, "out") if name in used]


def _product(partial: str) -> str:
    """Source of adjoint times partial; a quotient of 1 divides."""
    if partial in ("1", "-1"):
        return "bar" if partial == "1" else "-bar"
    return f"bar / {partial.removeprefix('1 / ')}" if _is_reciprocal(partial) else f"bar * ({partial})"


def _is_reciprocal(partial: str) -> bool:
    rest = partial.removeprefix("1 / ")
    return rest != partial and (rest.isidentifier() or (rest[0] == "(" and rest.find(")") == len(rest) - 1))


_ADD = """
    t = {term}
    if {p}.shape != node.shape: t = unbroadcast(t, node.shape, {p}.shape)
    a = {p}.adjoint
    if a is ZERO:
        {p}.adjoint = t
        {p}.own = {own}
    elif {p}.own and a.shape == {p}.shape and type(t) is ndarray:
        a += t
        {p}.adjoint = a
    else:
        {p}.adjoint = a + t
        {p}.own = True
"""


def _pull_source(row: Op, active: frozenset[str], twice: bool) -> str:
    """The function that pulls an adjoint back through one op; `twice`: both operands are one node."""
    operands = [p for p in row.operands if p in active and not row.partial(p).flat]
    load = [f"    {p} = node.{p}" for p in operands]
    load += [f"    {n} = node.{n}" for n in (f"{n}p" if n != "out" else n for n in _needs(row, active))]
    partials = {p: row.partial(p).numpy(renamed()) for p in operands}
    if twice:
        partials = {"x": " + ".join(f"({partial})" for partial in partials.values())}
    source = "def pull(node, bar):\n" + "\n".join(load or ["    pass"])
    for p, partial in partials.items():
        term = _product(partial)
        if "where" in partial or "*" in partial or " " in partial:
            term = f"like({term}, bar)" if row.partial(p).chooses else term
        source += _ADD.format(term=term, p=p, own=term != "bar")
    return source


def _elementwise(row: Op, active: frozenset[str], twice: bool = False) -> Elementwise:
    title = f"pull {row.name} {'twice' if twice else ' '.join(sorted(active))}"
    return Elementwise(row, active, build("pull", _pull_source(row, active, twice), scope(), title))


_ROWS = [rule.row for rule in RULES.values()]
_SETS = (frozenset("x"), frozenset("y"), frozenset("xy"))
ELEMENTWISE = {(row.name, active): _elementwise(row, active) for row in _ROWS for active in _SETS if active <= {*row.params}}
TWICE = {row.name: _elementwise(row, frozenset("xy"), twice=True) for row in _ROWS if len(row.params) == 2}


def _emit(row: Op, active: frozenset[str], numbers: frozenset[str]) -> list[str]:
    """Reverse mode: a node that keeps what the partials need."""
    first = "x" if "x" in active else "y"
    key = "_".join(sorted(active))
    lines = ["node = Node()", f"node.rule = {row.name}_{key}", "node.adjoint = ZERO", "node.shape = out.shape"]
    lines += [f"node.{p} = {p}.node" for p in row.operands if p in active]
    for name in _needs(row, active):
        if name == "out" or name in active:
            name = name if name == "out" else f"{name}p"
            lines.append(f"node.{name} = {name}")
        else:
            lines.append(f"node.{name}p = {name}p" if name in numbers else f"node.{name}p = kept({name}p)")
    if len(active) == 2:
        lines.append(f"if node.x is node.y: node.rule = {row.name}_twice")
    return [
        *lines,
        "var = Self()",
        "var.primal = out",
        "var.node = node",
        f"var.tape = tape = {first}.tape",
        "tape.append(node)",
        "if tape.counts is not None: tape.counts.in_arrays += out.size - 1",
        "return var",
    ]


_RULE_NAMES = {f"{name}_{'_'.join(sorted(active))}": rule for (name, active), rule in ELEMENTWISE.items()}
_RULE_NAMES |= {f"{name}_twice": rule for name, rule in TWICE.items()}
install(ArrayVar, _emit, "y.tape is x.tape", {"Node": Node, **_RULE_NAMES})


# ---- sweeps ---------------------------------------------------------------------------------------------------------


def sweep(tape: Tape, seeds: list[tuple[Any, Any]], keep: bool) -> list[Any]:
    """One reverse sweep over a tape with arrays: the adjoints of its inputs.

    It is made in plain IEEE arithmetic.  Where an adjoint comes out infinite or NaN, it is made again with a record of the
    elements that a seed reaches, so that an element that none reaches is exactly zero, whatever its partials.
    """
    with np.errstate(all="ignore"):
        _seed(tape, seeds)
        _pull(tape.nodes, keep)
        passes, adjoints = 1, [_whole(var) for var in tape.inputs]
        if not all_finite(adjoints):
            _seed(tape, seeds)
            _pull_reached(tape.nodes, seeds)
            passes, adjoints = 2, [_whole(var) for var in tape.inputs]
    counts = observed()
    if counts is not None:
        counts.reverse_sweeps += 1
        counts.ops += passes * len(tape.nodes)
        counts.in_arrays += passes * sum(size_of(node) - 1 for node in tape.nodes if type(node) is Node)
    return adjoints


def _seed(tape: Tape, seeds: list[tuple[Any, Any]]) -> None:
    for var in tape.inputs:
        (var.node if isinstance(var, ArrayVar) else var).adjoint = ZERO
    for node in tape.nodes:
        node.adjoint = ZERO
    for output, cotangent in seeds:
        add_adjoint(*_seeded(output, cotangent))


def _seeded(output: Any, cotangent: Any) -> tuple[Any, Any]:
    """The node of an output with its cotangent, in the output's type of numbers."""
    if not isinstance(output, ArrayVar):
        return output, cotangent
    if not isinstance(cotangent, Active):
        cotangent = np.asarray(cotangent, dtype=dtype_of(output.primal))
    return output.node, cotangent


def _pull(nodes: Nodes, keep: bool) -> None:
    """Read a tape backwards; adjoints are freed on the way unless they are to be kept."""
    for node in reversed(nodes):
        bar = node.adjoint
        if bar is ZERO:
            continue
        if type(node) is Node:
            node.rule.pull(node, bar)
            if not keep:
                node.adjoint = ZERO
        else:
            if node.dx is not None:
                node.x.adjoint += bar * node.dx
            if node.dy is not None:
                node.y.adjoint += bar * node.dy


def _pull_reached(nodes: Nodes, seeds: list[tuple[Any, Any]]) -> None:
    """The same for the elements that a seed reaches."""
    reached: dict[int, Any] = {}
    for output, cotangent in seeds:
        node, cotangent = _seeded(output, cotangent)
        mask = np.ones(_shape(node)) * (np.asarray(primal_of_any(cotangent)) != 0)
        reached[id(node)] = reached.get(id(node), 0.0) + mask
    for node in reversed(nodes):
        mask, bar = reached.get(id(node)), node.adjoint
        if mask is None or not np.any(mask):
            continue
        if type(node) is Node:
            edges = node.rule.follow(node, bar, mask)
        else:
            both = [(x, dx) for x, dx in ((node.x, node.dx), (node.y, node.dy)) if dx is not None]
            if len(both) == 2 and node.x is node.y:
                both = [(node.x, node.dx + node.dy)]
            edges = [(x, bar * partial, mask) for x, partial in both]
        for x, term, arrived in edges:
            add_adjoint(x, term)
            reached[id(x)] = np.minimum(reached.get(id(x), 0.0) + abs(arrived), 1.0)


def primal_of_any(x: Any) -> Any:
    """The plain number or array in a value of any order."""
    while isinstance(x, Active):
        x = x.primal
    return x


def _whole(var: Any) -> Any:
    """The adjoint of an input as the caller gets it: in its shape and type of numbers, an array of its own."""
    if not isinstance(var, ArrayVar):
        return var.adjoint
    node, dtype = var.node, dtype_of(var.primal)
    bar = node.adjoint
    if isinstance(bar, Active):
        return full(bar, node.shape)
    if bar is ZERO:
        return np.zeros(node.shape, dtype)
    if node.own and type(bar) is np.ndarray and bar.shape == node.shape and bar.dtype == dtype:
        return bar
    return np.array(np.broadcast_to(bar, node.shape), dtype=dtype)


__all__ = ["FUNCTIONS", "OPS", "ArrayVar", "Node"]
