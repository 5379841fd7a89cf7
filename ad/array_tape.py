"""Reverse mode on arrays: `ArrayVar`, and the sweep over a tape that holds arrays.

As `ad.tape` for numbers.  An ArrayVar is what a user's function works with; what the tape keeps of it is its node
(`ad.array_nodes`), so that a value lives only as long as the function or a partial needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.active import ZERO, Active, Rule
from ad.array_methods import Case, install
from ad.array_nodes import NODES, MapNode, Node, NumberNode, add, needs, node_of
from ad.arrays import Array, activity, dtype_of, full, prepared, shape_of
from ad.linear import Map
from ad.ndarrays import floating
from ad.ops import Op
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
    def op(self) -> str:
        """The op or map that made it."""
        return self.node.name

    @property
    def adjoint(self) -> Any:
        """After a reverse sweep, the derivative of the output with respect to this array: an array of its own."""
        node, dtype = self.node, dtype_of(self.primal)
        bar = node.adjoint
        if isinstance(bar, Active):
            return full(bar, node.shape)
        if bar is ZERO:
            return np.zeros(node.shape, dtype)[()]
        if node.own and bar.shape == node.shape and bar.dtype == dtype:
            return bar
        return np.array(np.broadcast_to(bar, node.shape), dtype)[()]

    @classmethod
    def lift(cls, nodes: Nodes, primal: Any) -> ArrayVar:
        """Declare one input."""
        nodes.arrays = True
        return _var(primal if isinstance(primal, Active) else kept(floating("primal", primal)), Node(), nodes)

    @classmethod
    def of_number(cls, x: Var) -> ArrayVar:
        """A Var of a number as an array without dimensions."""
        x.tape.arrays = True
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
        node.out = out = rule.value(*primals)
        for slot, x, a in zip(("xp", "yp"), primals, active, strict=False):
            setattr(node, slot, x if a else kept(x))
        return _recorded(out, node, ready[active.index(True)].tape)

    @classmethod
    def apply_map(cls, map: Map, level: int, operands: tuple[Any, ...], params: tuple[Any, ...]) -> ArrayVar:
        """One map on operands of which at least one is active at `level`."""
        active = activity(level, operands)
        ready = prepared(map.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        node = MapNode()
        node.map, node.active, node.params = map, active, params
        node.operands = [x.node if a else None for x, a in zip(ready, active, strict=True)]
        node.shapes = [shape_of(x) for x in primals]
        node.primals = [
            (x if a else kept(x)) if keep else None
            for x, a, keep in zip(primals, active, map.keeps(active), strict=True)
        ]
        return _recorded(map(primals, params), node, ready[active.index(True)].tape)

    @classmethod
    def sweep(cls, tape: Tape, seeds: list[tuple[Any, Any]], keep: bool) -> list[Any]:
        """One reverse sweep: the adjoints of the inputs.

        Args:
            tape: one that holds arrays.
            seeds: outputs with their cotangents.
            keep: whether the adjoints of all nodes are left in place.
        """
        with np.errstate(all="ignore"):
            for x in (*tape.inputs, *(tape.nodes if tape._adjoints_kept else ())):
                (x.node if isinstance(x, ArrayVar) else x).adjoint = ZERO
            tape._adjoints_kept = keep
            for output, cotangent in seeds:
                if isinstance(output, ArrayVar):
                    cotangent = cotangent if isinstance(cotangent, Active) else np.asarray(cotangent, output.dtype)
                    add(output.node, cotangent)
                else:
                    add(output, cotangent)
            for node in reversed(tape.nodes):
                bar = node.adjoint
                if bar is ZERO:
                    continue
                if not keep:
                    node.adjoint = ZERO
                node.pull(bar)
            return [x.adjoint for x in tape.inputs]

    def __repr__(self) -> str:
        return f"ArrayVar({self.primal!r}, op={self.op!r})"


Var.arrays = ArrayVar.arrays = ArrayVar


def kept(x: Any) -> Any:
    """A constant that a sweep will need, safe from its owner: a copy, unless it cannot be written to."""
    return x.copy() if isinstance(x, np.ndarray) and x.flags.writeable else x


def _var(primal: Any, node: Node, tape: Nodes) -> ArrayVar:
    var = ArrayVar()
    var.primal, var.node, var.tape = primal, node, tape
    node.adjoint, node.own, node.shape = ZERO, False, shape_of(primal)
    return var


def _recorded(primal: Any, node: Node, tape: Nodes) -> ArrayVar:
    var = _var(primal, node, tape)
    tape.append(node)  # type: ignore[arg-type]
    return var


def _emit(row: Op, case: Case) -> list[str]:
    """Reverse mode: a node that keeps what the partials need."""
    name = f"{row.name}_{case.name}"
    lines = [f"node = {name}()"]
    if len(case.active) == 2:
        lines = [f"node = {name}() if x.node is not y.node else {row.name}_twice()"]
    lines += ["node.adjoint = ZERO", "node.shape = out.shape"]
    lines += [f"node.{p} = {p}.node" for p in row.operands if p in case.active]
    for need in needs(row, case):
        if need == "out":
            lines.append("node.out = out")
        else:
            copied = need not in case.active and need not in case.numbers
            lines.append(f"node.{need}p = " + (f"kept({need}p)" if copied else f"{need}p"))
    first = "x" if "x" in case.active else "y"
    return [
        *lines,
        "var = Self()",
        "var.primal = out",
        "var.node = node",
        f"var.tape = tape = {first}.tape",
        "tape.append(node)",
        "return var",
    ]


install(ArrayVar, _emit, "y.tape is x.tape", {**NODES, "kept": kept})
