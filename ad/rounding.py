"""Where a computation loses its digits: how far the rounding errors of all ops move the result.

Reverse mode gives the sensitivity of the result to *every* node.  An op's value v is rounded by about |v| eps, which
moves the result by |adjoint v| eps; the sum over all nodes is the first-order estimate of the error (Linnainmaa,
"Taylor expansion of the accumulated rounding error", BIT 16, 1976).  It says what is to be feared rather than what
happened: signs are not known, so errors that cancel are counted as if they did not.

    print(ad.rounding_error(f)(x))

What is taken for the rounding of one op: eps |v| for a row; nothing where a number is only chosen or moved; for sums
and products of arrays eps times what was added up, sum |x| or |A| @ |B|; for `solve` and its like, which work as if
their operands had been rounded, the rounding of these.  Inputs count as exact; what an error in them would do is their
condition number.
"""

from __future__ import annotations

import linecache
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ad.active import RULES, Active, primal_of
from ad.array_nodes import LinearNode, MapNode, Node, NumberNode
from ad.array_tape import ArrayVar, node_behind
from ad.arrays import dtype_of, full
from ad.counting import Counts, observed
from ad.linear import Bilinear, JointlyLinear
from ad.methods import install_slow
from ad.sweeps import record
from ad.tape import Nodes, Tape, collector_paused
from ad.trees import describe, flatten, unflatten

EXACT = frozenset(("neg", "abs", "sign", "maximum", "minimum", "relu"))
"""Ops that give one of their operands, or a sign, as it is."""

SHOWN = 5
"""Lines of a report."""

_NOT_THE_USERS = ("<ad ", *(os.path.dirname(file) + os.sep for file in (__file__, np.__file__)))
"""How the names of files begin whose lines are not the user's code."""


@dataclass(frozen=True)
class Loss:
    """What the ops of one kind on one line of the user's code contribute.

    Attributes:
        op: the op or map.
        file, line: where it was called.
        source: that line, or "" where there is none to be read.
        nodes: how often it was executed.
        error: the estimate of how far their rounding moves the result.
        amplified: by how much the relative rounding of the worst of them is multiplied on its way to the result.
    """

    op: str
    file: str
    line: int
    source: str
    nodes: int
    error: float
    amplified: float

    @property
    def place(self) -> str:
        """The file's name and the line's number."""
        return f"{os.path.basename(self.file)}:{self.line}"


@dataclass(frozen=True)
class RoundingError:
    """An estimate of the rounding error of a result, and where it comes from; `print` shows it.

    Attributes:
        value: the result.
        error: how far rounding moves it, in first order and at worst.
        losses: what contributes, the largest first.
        conditions: of each input, how many times a relative error in it is multiplied on its way to the result
            (|x df/dx / f|), in the shape of the arguments.
    """

    value: float
    error: float
    losses: tuple[Loss, ...]
    conditions: Any

    @property
    def relative(self) -> float:
        """The error relative to the value."""
        if self.error == 0.0:
            return 0.0
        return self.error / abs(self.value) if self.value else math.inf

    @property
    def digits(self) -> float:
        """How many decimal digits of the value can be relied on: 0 to 16."""
        return min(16.0, max(0.0, -math.log10(self.relative))) if self.relative else 16.0

    def __str__(self) -> str:
        lines = [
            f"value {self.value!r}, rounding error about {self.error:.1e}: {self.digits:.0f} digits can be relied on"
        ]
        for loss in self.losses[:SHOWN]:
            share = loss.error / self.error if 0.0 < self.error < math.inf else float(loss.error > 0.0)
            times = f" ({loss.nodes:,} times)" if loss.nodes > 1 else ""
            said = f"{share:6.1%}  {loss.error:.1e}  {loss.op}{times}, {loss.place}"
            lines.append(f"  {said}  {loss.source}".rstrip())
        if len(self.losses) > SHOWN:
            rest = math.fsum(loss.error for loss in self.losses[SHOWN:])
            lines.append(f"  and {rest:.1e} from {len(self.losses) - SHOWN} more")
        worst, _ = flatten("conditions", self.conditions)
        numbers = [float(np.max(x)) for x in worst if np.size(x)]
        if numbers:
            lines.append(f"an error in the inputs is multiplied by up to {max(numbers):.2g}")
        return "\n".join(lines)


def rounding_error(f: Callable[..., Any]) -> Callable[..., RoundingError]:
    """How far the rounding errors of all ops move the result of `f`: one recording and one reverse sweep.

    Args:
        f: a function with a single number as output, of numbers and arrays or trees of such (`ad.trees`).

    Returns:
        A function of the same arguments that gives a `RoundingError`.  Its `conditions` have the shape of the argument
        (a tuple of such, if there are several).

    Raises:
        TypeError: (from the returned function) the output is not a single number, or an input is not one.
    """

    def estimate(*args: Any, **kwargs: Any) -> RoundingError:
        leaves, shape = flatten("arguments", args)
        if any(isinstance(leaf, Active) for leaf in leaves):
            raise TypeError("rounding_error: got values of a derivative in progress, expected numbers and arrays")
        tape = Tape(lasting=False)
        seen = tape.nodes.counts = _Seen(observed())
        tape.nodes.__class__ = _WatchedNodes
        with collector_paused(), np.errstate(all="ignore"):
            _, outputs, out_shape = record(lambda *xs: f(*xs, **kwargs), shape, leaves, tape=tape)
        if out_shape is not None:
            raise TypeError(f"f: its output is a {describe(out_shape)}, expected a single number")
        (out,) = outputs
        value = float(primal_of(out))
        if tape.owns(out):
            tape.sweep(out)
        with np.errstate(all="ignore"):
            losses = _losses(tape, seen, value)
            conditions = [_condition(leaf, x.adjoint, value) for leaf, x in zip(leaves, tape.inputs, strict=True)]
        tree = unflatten(shape, conditions)
        error = math.fsum(loss.error for loss in losses)
        return RoundingError(value, error, losses, tree[0] if len(args) == 1 else tree)

    return estimate


def _condition(x: Any, adjoint: Any, value: float) -> Any:
    """How many times a relative error in an input is multiplied; 0 where it has no influence."""
    moved = abs(np.multiply(x, adjoint))
    condition = np.where(moved == 0.0, 0.0, np.divide(moved, abs(value)))
    return condition if isinstance(x, np.ndarray) else float(condition)


# ---- recording ------------------------------------------------------------------------------------------------------


class _Seen(Counts):
    """What is noted of each node as it is recorded.

    Attributes:
        values: its value.
        places: file and line of the user's code.
        latest: the array being recorded.
    """

    def __init__(self, outer: Counts | None) -> None:
        super().__init__()
        self.outer = outer
        self.values: list[Any] = []
        self.places: list[tuple[str, int]] = []
        self.latest: Any = None

    def note(self, node: Any) -> None:
        """One node, in the middle of its op."""
        if self.outer is not None:
            self.outer.add(node)
        self.values.append(self.latest.primal if isinstance(node, Node) else node.primal)
        frame: Any = sys._getframe(2)
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
            frame = frame.f_back
        self.places.append((frame.f_code.co_filename, frame.f_lineno))


class _WatchedNodes(Nodes):
    """The nodes of a tape on which values and lines are noted."""

    __slots__ = ()
    counts: _Seen

    def append(self, node: Any) -> None:  # documented in list
        list.append(self, node)
        self.counts.note(node)

    def array(self) -> ArrayVar:  # documented in Nodes
        self.counts.latest = var = _WatchedArray()
        return var


class _WatchedArray(ArrayVar):
    """An array of such a tape: every op takes the slow road, where its value is at hand."""

    __slots__ = ()


_WatchedArray.arrays = _WatchedArray
install_slow(_WatchedArray, RULES.values())


# ---- the estimate ---------------------------------------------------------------------------------------------------


def _losses(tape: Tape, seen: _Seen, result: float) -> tuple[Loss, ...]:
    """All contributions, by op and line; the largest first."""
    values = {id(node_behind(x)): x.primal for x in tape.inputs}
    values |= {id(node): value for node, value in zip(tape.nodes, seen.values, strict=True)}
    found: dict[tuple[str, str, int], list[tuple[float, float]]] = {}
    for node, place in zip(tape.nodes, seen.places, strict=True):
        moved = np.nan_to_num(_moved(node, values), nan=math.inf, posinf=math.inf)
        if moved.any():
            unit = _eps(values[id(node)]) * abs(result)
            amplified = float(moved.max()) / unit if unit else math.inf
            found.setdefault((_name(node), *place), []).append((float(moved.sum()), amplified))
    losses = [
        Loss(
            op=op,
            file=file,
            line=line,
            source=linecache.getline(file, line).strip(),
            nodes=len(parts),
            error=math.fsum(e for e, _ in parts),
            amplified=max(parts)[1],
        )
        for (op, file, line), parts in found.items()
    ]
    return tuple(sorted(losses, key=lambda loss: -loss.error))


def _name(node: Any) -> str:
    return str(node.name if isinstance(node, Node) else node.op)


def _eps(value: Any) -> float:
    """The distance from 1 to the next number of the type."""
    return float(np.finfo(dtype_of(value)).eps)


def _moved(node: Any, values: dict[int, Any]) -> Any:
    """How far the rounding of each number that a node computed moves the result."""
    value, bar = values[id(node)], node.adjoint
    if _name(node) in EXACT or isinstance(node, NumberNode):
        return np.zeros(1)
    if isinstance(node, Node):
        bar = full(bar, node.shape)
    if isinstance(node, LinearNode):
        return _eps(value) * abs(bar) * _added(node.map, [values[id(node.x)]], node.params)
    if isinstance(node, MapNode):
        operands = [kept if x is None else values[id(x)] for x, kept in zip(node.operands, node.primals, strict=False)]
        if isinstance(node.map, Bilinear | JointlyLinear):
            return _eps(value) * abs(bar) * _added(node.map, operands, node.params)
        pulled = node.map.pull(bar, node.active, node.primals, node.shapes, node.params)
        terms = [
            np.multiply(bar, value),
            *(np.multiply(t, x) for t, x in zip(pulled, operands, strict=True) if t is not None),
        ]
        return _eps(value) * abs(np.concatenate([np.ravel(term) for term in terms]))
    return _eps(value) * abs(np.multiply(bar, value))


def _added(map: Any, operands: list[Any], params: tuple[Any, ...]) -> Any:
    """What a map adds up to each number, all of it taken as positive; 0 where it only moves one."""
    if isinstance(map, Bilinear):
        return map.value([abs(x) for x in operands], params)
    known = [0.0 if x is None else x for x in operands]
    terms = map.value([np.ones_like(x) for x in known], params)
    return np.where(terms > 1, map.value([abs(x) for x in known], params), 0.0)
