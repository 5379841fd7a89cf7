"""Reverse mode on arrays: `ArrayVar`, and the sweep over a tape that holds arrays.

As `ad.tape` for numbers.  An ArrayVar is what a user's function works with; what the tape keeps of it is its node
(`ad.array_nodes`), so that a value lives only as long as the function or a partial needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ad.active import RULES, ZERO, Active, Rule, finite
from ad.array_infinity import Paths, along, counted, fold, product, seeded, settled
from ad.array_methods import PARTIALS, PLAIN, Case, install
from ad.array_nodes import NODES, UNIT, LinearNode, MapNode, Node, NumberNode, OpNode, add, needs, node_of
from ad.arrays import Array, activity, dtype_of, full, matched, prepared, scalar, shape_of, unbroadcast
from ad.linear import Linear, Map
from ad.ndarrays import DOUBLE, floating
from ad.ops import Op
from ad.progress import following
from ad.tape import Nodes, Tape, Var


class ArrayVar(Array):
    """An array of a recorded computation.

    Attributes:
        primal: its value.
        node: what the tape keeps of it.
        tape: the list of nodes it belongs to.
    """

    __slots__ = ("node", "primal", "tape")
    primal: Any
    node: Node
    tape: Nodes

    @property
    def level(self) -> int:  # noqa: D102  # documented in Active
        return self.tape.level

    @property
    def finished(self) -> bool:  # noqa: D102  # documented in Active
        return self.tape.closed

    @property
    def shape(self) -> tuple[int, ...]:  # noqa: D102  # documented in Array
        return self.node.shape

    @property
    def op(self) -> str:
        """The op or map that made it."""
        return self.node.name

    @property
    def adjoint(self) -> Any:
        """After a reverse sweep, the derivative of the output with respect to this array: an array of its own."""
        node, dtype = self.node, self.primal.dtype
        bar = node.adjoint
        if isinstance(bar, Active):
            return full(bar, node.shape)
        if bar is ZERO:
            return np.zeros(node.shape, dtype)[()]
        if node.own and bar.shape == node.shape and bar.dtype == dtype:
            return bar
        return np.array(np.broadcast_to(bar, node.shape), dtype)[()]

    def held(self) -> list[Any]:
        """What the array refers to, as far as the tape keeps it."""
        return self.node.held()

    @classmethod
    def lift(cls, nodes: Nodes, primal: Any) -> ArrayVar:
        """Declare one input."""
        nodes.has_arrays = True
        if not isinstance(primal, Active):
            primal = nodes.loans.take(primal if primal.dtype is DOUBLE else floating("primal", primal))
        return _var(primal, Node(), nodes)

    @classmethod
    def of_number(cls, x: Var) -> ArrayVar:
        """A Var of a number as an array without dimensions."""
        x.tape.has_arrays = True
        node = NumberNode()
        node.x = x
        return _recorded(x.primal, node, x.tape)

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> ArrayVar:  # noqa: D102
        active = activity(level, operands)
        ready = prepared(rule.row.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        numbers = [not isinstance(x, Active | np.ndarray) for x in primals]
        node = node_of(rule.row, active, numbers, [x.node if a else None for x, a in zip(ready, active, strict=True)])
        node.out = out = scalar(rule.value(*primals))
        tape: Nodes = ready[active.index(True)].tape
        for slot, x, a in zip(("xp", "yp"), primals, active, strict=False):
            same = matched(x, out)
            setattr(node, slot, same if a or same is not x else _kept(x, tape))
        return _recorded(out, node, tape)

    @classmethod
    def apply_map(cls, map: Map, level: int, operands: tuple[Any, ...], params: tuple[Any, ...]) -> ArrayVar:
        """One map on operands of which at least one is active at `level`."""
        active = activity(level, operands)
        ready = prepared(map.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        tape: Nodes = ready[active.index(True)].tape
        if map.held is not None:
            params = map.held(tape.loans, *params)
        node = MapNode()
        node.map, node.active, node.params = map, active, params
        node.operands = [x.node if a else None for x, a in zip(ready, active, strict=True)]
        node.shapes = [shape_of(x) for x in primals]
        node.primals = [
            (x if a else _kept(x, tape)) if keep else None
            for x, a, keep in zip(primals, active, map.keeps(active), strict=True)
        ]
        out = map(primals, params)
        if map.keeps_out:
            node.primals.append(out)
        return _recorded(out, node, tape)

    def apply_linear(self, map: Linear, params: tuple[Any, ...]) -> ArrayVar:  # noqa: D102
        primal, tape = self.primal, self.tape
        out = map.plain(primal, *params) if type(primal) in PLAIN else map((primal,), params)
        if map.held is not None:
            params = map.held(tape.loans, *params)
        node = LinearNode()
        node.map, node.x, node.params = map, self.node, params
        node.adjoint, node.shape = ZERO, getattr(out, "shape", ())
        var: ArrayVar = tape.array()
        var.primal, var.node, var.tape = out, node, tape
        tape.append(node)
        return var

    @classmethod
    def sweep(cls, tape: Tape, seeds: list[tuple[Any, Any]], keep: bool) -> tuple[list[Any], int]:
        """One reverse sweep: the adjoints of the inputs, and in how many passes they were found.

        Args:
            tape: one that holds arrays.
            seeds: outputs with their cotangents.
            keep: whether the adjoints of all nodes are left in place.
        """
        passes = 0
        if not following():
            tape.reset(map(node_behind, tape.inputs))
            for output, seed in seeds:
                add(node_behind(output), _cotangent(output, seed))
            _pull(tape.nodes, keep)
            tape.adjoints_left = keep
            adjoints = [x.adjoint for x in tape.inputs]
            if all(map(finite, adjoints)):
                return adjoints, 1
            passes = 1
        tape.reset(map(node_behind, tape.inputs))
        _pull_following_paths(tape, [(x, _cotangent(x, seed)) for x, seed in seeds], keep)
        tape.adjoints_left = keep
        return [x.adjoint for x in tape.inputs], passes + 1

    def __repr__(self) -> str:
        return f"ArrayVar({self.primal!r}, op={self.op!r})"


Var.arrays = ArrayVar.arrays = Nodes.array = ArrayVar


def _kept(x: Any, tape: Nodes) -> Any:
    """A constant that the sweep will need."""
    return tape.loans.take(x) if type(x) is np.ndarray else x


def _var(primal: Any, node: Node, tape: Nodes) -> ArrayVar:
    var: ArrayVar = tape.array()
    var.primal, var.node, var.tape = primal, node, tape
    node.adjoint, node.own, node.shape = ZERO, False, getattr(primal, "shape", ())
    return var


def _recorded(primal: Any, node: Node, tape: Nodes) -> ArrayVar:
    var = _var(primal, node, tape)
    tape.append(node)
    return var


def _emit(row: Op, case: Case) -> list[str]:
    """Reverse mode: a node that keeps what the partials need."""
    name = f"{row.name}_{case.name}"
    lines = [f"node = {name}()"]
    if len(case.active) == 2:
        lines = [f"node = {name}() if x.node is not y.node else {row.name}_twice()"]
    lines += ["node.adjoint = ZERO", "node.shape = out.shape", f"tape = {'x' if 'x' in case.active else 'y'}.tape"]
    lines += [f"node.{p} = {p}.node" for p in row.operands if p in case.active]
    for need in needs(row, case):
        if need == "out":
            lines.append("node.out = out")
        else:
            copied = need not in case.active and need not in case.numbers
            lines.append(f"node.{need}p = " + (f"tape.loans.take({need}p)" if copied else f"{need}p"))
    return [
        *lines,
        "var = Self()",
        "var.primal = out",
        "var.node = node",
        "var.tape = tape",
        "tape.append(node)",
        "return var",
    ]


def generate(rules: Iterable[Rule]) -> None:
    """Write the methods of the given ops, whose nodes there are, into `ArrayVar`."""
    install(ArrayVar, _emit, "y.tape is x.tape", NODES, rules)


generate(RULES.values())


# ---- sweeps ---------------------------------------------------------------------------------------------------------


def node_behind(x: Any) -> Any:
    """What the tape keeps of an array or a number."""
    return x.node if isinstance(x, ArrayVar) else x


def _cotangent(x: Any, seed: Any) -> Any:
    """A seed in the type of numbers of the output that it is for, as all adjoints behind it will be or finer."""
    if not isinstance(x, ArrayVar) or isinstance(seed, Active):
        return seed
    dtype = dtype_of(x.primal)
    return UNIT if type(seed) is float and seed == 1.0 and dtype is DOUBLE else np.asarray(seed, dtype)[()]


def _pull(nodes: Nodes, keep: bool) -> None:
    """Read a tape backwards in plain arithmetic; adjoints are given up on the way, unless they are to be kept."""
    for node in reversed(nodes):
        bar = node.adjoint
        if bar is ZERO:
            continue
        if not keep:
            node.adjoint = ZERO
        elif isinstance(node, Node):
            node.own = False
        node.pull(bar)


def _pull_following_paths(tape: Tape, seeds: list[tuple[Any, Any]], keep: bool) -> None:
    """The same with the classes of paths followed, as where a partial is infinite (`ad.array_infinity`)."""
    paths: dict[int, Paths] = {}

    def arrive(node: Any, term: Any, classes: Paths) -> None:
        shape = node.shape if isinstance(node, Node) else ()
        paths[id(node)] = paths.get(id(node), np.zeros(shape, np.uint8)) | classes
        add(node, counted(term, classes))

    for output, seed in seeds:
        arrive(node_behind(output), seed, seeded(seed, shape_of(output.primal)))
    for node in reversed(tape.nodes):
        reached = paths.get(id(node))
        if reached is None or not reached.any():
            continue
        bar = full(counted(node.adjoint, reached), reached.shape)
        for operand, term, classes in _edges(node, bar, reached):
            arrive(operand, term, classes)
        if not keep:
            node.adjoint = ZERO
    for x in (*(tape.nodes if keep else ()), *map(node_behind, tape.inputs)):
        reached = paths.get(id(x))
        if reached is not None:
            whole = settled(reached, full(x.adjoint, reached.shape))
            x.adjoint = whole if isinstance(x, Node) or isinstance(whole, Active) else float(whole)


def _edges(node: Any, bar: Any, reached: Paths) -> list[tuple[Any, Any, Paths]]:
    """A node's operands, each with what is pulled back to it and its classes; one edge for one operand used twice."""
    if isinstance(node, LinearNode | MapNode):
        terms, found = node.pull_classes(bar, reached)
        operands = [node.x] if isinstance(node, LinearNode) else node.operands
        return [edge for edge in zip(operands, terms, found, strict=True) if edge[0] is not None]
    if isinstance(node, NumberNode):
        return [(node.x, bar, reached)]
    if isinstance(node, OpNode):
        saved = [getattr(node, name, None) for name in ("xp", "yp", "out")]
        partials = zip(node.row.params, PARTIALS[node.row.name], strict=True)
        pairs = [(getattr(node, p), partial(*saved)) for p, partial in partials if partial and p in node.case.active]
    else:
        pairs = [(x, partial) for x, partial in ((node.x, node.dx), (node.y, node.dy)) if partial is not None]
    if len(pairs) == 2 and pairs[0][0] is pairs[1][0]:
        pairs = [(pairs[0][0], pairs[0][1] + pairs[1][1])]
    edges = []
    for x, partial in pairs:
        shape = x.shape if isinstance(x, Node) else ()
        classes, term = along(partial, reached), product(partial, bar, reached)
        edges.append((x, unbroadcast(counted(term, classes), reached.shape, shape), fold(classes, shape)))
    return edges
