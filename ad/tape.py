"""Reverse mode: a tape that records, and the sweep that reads it backwards.

A `Var` is one node of the recorded graph: its value, its operands, and the partial derivative along the edge to each of
them.  A `Tape` lists the nodes in the order they were computed, so that reading it backwards meets every node after all
its users; one such reverse sweep leaves in every node its adjoint, the derivative of the output with respect to it.
The ops are generated from the rows of `ad.ops`; this module says only what reverse mode does with the partials: keep
them until the sweep.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from ad.active import RULES, ZERO, Active, Rule, all_finite, is_array, is_zero, kind_of, passed_on, primal_of, settle
from ad.counting import Counts, observed
from ad.infinity import NONE, POSITIVE, TIMES, kind
from ad.loans import Loans
from ad.methods import fast_names, install
from ad.ops import Op
from ad.progress import begin, following
from ad.scalars import real


class Nodes(list[Any]):
    """The op nodes of one tape, in the order they were computed.

    Attributes:
        level: the number of the derivative they belong to.
        counts: what is being counted, if the tape is observed.
        has_arrays: whether there are arrays among the inputs and nodes.
        loans: the arrays it has from elsewhere.
        closed: whether the derivative has been recorded.
        array: makes an array of this tape.
    """

    __slots__ = ("counts", "has_arrays", "level", "loans")
    array: ClassVar[Any]
    level: int
    counts: Counts | None
    has_arrays: bool
    loans: Loans
    closed = False

    def __init__(self, level: int, counts: Counts | None = None, *, lasting: bool = True) -> None:
        self.level = level
        self.loans = Loans(lasting)
        self.counts = counts
        self.has_arrays = False


class _CountedNodes(Nodes):
    """The nodes of an observed tape: the same list, each append adding one to the counts."""

    __slots__ = ()

    def append(self, var: Var) -> None:  # documented in list
        super().append(var)
        self.counts.add(var)  # type: ignore[union-attr]


class _ClosedNodes(Nodes):
    """The nodes of a derivative that has been recorded: whatever is still computed with them comes too late."""

    __slots__ = ()
    closed = True

    def append(self, var: Any) -> None:  # documented in list
        op, kind = (var.op, "a Var") if isinstance(var, Var) else (var.name, "an ArrayVar")
        raise ValueError(
            f"{op}: got {kind} left over from a derivative that has ended, expected a number or a value of a "
            "derivative in progress"
        )


class Var(Active):
    """A node of a recorded graph.

    Attributes:
        op: the op that made it, by its name in `ad.ops.OPS`; `"input"` for an input.
        primal: its value.
        adjoint: after a reverse sweep, the derivative of the output with respect to this node.
        x, y: its operands: a Var where active, a number where passive, None where there is none.
        dx, dy: its partials with respect to `x` and `y`; None for an operand that is passive or absent.
        tape: the list of nodes it belongs to.
    """

    __slots__ = ("adjoint", "dx", "dy", "op", "primal", "tape", "x", "y")
    op: str
    primal: Any
    adjoint: Any
    x: Any
    dx: Any
    y: Any
    dy: Any
    tape: Nodes

    @property
    def level(self) -> int:  # noqa: D102  # documented in Active
        return self.tape.level

    @property
    def finished(self) -> bool:  # noqa: D102  # documented in Active
        return self.tape.closed

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> Var:  # noqa: D102
        active = [isinstance(x, Active) and x.level == level for x in operands]
        primals = [x.primal if a else x for x, a in zip(operands, active, strict=True)]
        var = cls()
        var.op = rule.row.name
        var.primal = out = rule.value(*primals)
        var.adjoint = ZERO
        partials = [p(*primals, out) if a and p else None for p, a in zip(rule.partials, active, strict=True)]
        var.x, var.dx = operands[0], partials[0]
        var.y, var.dy = (operands[1], partials[1]) if len(operands) == 2 else (None, None)
        var.tape = operands[active.index(True)].tape
        var.tape.append(var)
        return var

    def held(self) -> tuple[Any, ...]:
        """What the node refers to."""
        return self.primal, self.adjoint, self.x, self.dx, self.y, self.dy

    def pull(self, bar: Any) -> None:
        """Add what `bar`, the adjoint of this node, contributes to the adjoints of the operands."""
        if self.dx is not None:
            self.x.adjoint += bar * self.dx
        if self.dy is not None:
            self.y.adjoint += bar * self.dy

    def __repr__(self) -> str:
        return f"Var({self.primal!r}, op={self.op!r}, adjoint={self.adjoint!r})"


def _emit(row: Op, active: frozenset[str]) -> list[str]:
    """Reverse mode: a node that keeps its operands and partials."""
    lines = ["var = Self()", f"var.op = {row.name!r}", "var.primal = out", "var.adjoint = ZERO"]
    for p in ("x", "y"):
        lines.append(f"var.{p} = {p if p in row.operands else None}")
        stored = p in active and not row.partial(p).flat
        lines.append(f"var.d{p} = {row.partial(p).python(fast_names()) if stored else None}")
    return [*lines, f"var.tape = tape = {'x' if 'x' in active else 'y'}.tape", "tape.append(var)", "return var"]


def generate(rules: Iterable[Rule]) -> None:
    """Write the methods of the given ops into `Var`."""
    install(Var, _emit, "y.tape is x.tape", {"ZERO": ZERO}, rules)


generate(RULES.values())


class Tape:
    """A record of one computation, and the reverse sweep over it.

    Attributes:
        nodes: the op nodes in the order they were computed.
        inputs: the input nodes in the order they were declared.
        adjoints_left: whether the last sweep left adjoints in the nodes, as one that was interrupted does.
        again: makes the same recording and sweep, given its seeds, with the classes of paths followed in the other
            derivatives that were begun in it; None where none was.

    Args:
        lasting: whether it may outlive the call that it is made in (`ad.loans`).

    Example:
        >>> tape = Tape()
        >>> a, b = tape.input(2.0), tape.input(1.0)
        >>> c, d = a + b, b + 1
        >>> e = c * d
        >>> tape.sweep(e)
        >>> [node.adjoint for node in (a, b, c, d, e)]
        [2.0, 5.0, 2.0, 3.0, 1.0]
    """

    def __init__(self, *, lasting: bool = True) -> None:
        counts = observed()
        self.nodes = (Nodes if counts is None else _CountedNodes)(begin(), counts, lasting=lasting)
        self.inputs: list[Var] = []
        self.again: Callable[[list[tuple[Any, Any]]], list[Any]] | None = None
        self.adjoints_left = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the recording: from now on the tape can be swept, and an op on one of its values is an error."""
        self.nodes.__class__ = _ClosedNodes
        if self.nodes.loans.borrowed:
            self.nodes.loans.give_back()

    def input(self, primal: Any) -> Var:
        """Declare one input.

        Args:
            primal: its value; a real number (or, inside another derivative, one of that derivative's values).

        Raises:
            TypeError: `primal` is neither.
            ValueError: `primal` is a value of this tape or of a derivative begun after it.
        """
        if isinstance(primal, Active) and primal.level >= self.nodes.level:
            raise ValueError(
                f"primal: got {kind_of(primal)} of a derivative begun after this tape, "
                "expected a number or a value of an earlier one"
            )
        return self.lift([primal if is_array(primal) or isinstance(primal, Active) else real("primal", primal)])[0]

    def lift(self, primals: Iterable[Any]) -> list[Var]:
        """Declare many inputs at once; `primals` are floats, arrays, or values of an outer derivative."""
        nodes, lifted = self.nodes, []
        for primal in primals:
            if type(primal) is np.ndarray or (type(primal) is not float and is_array(primal)):
                lifted.append(Var.arrays.lift(nodes, primal))
                continue
            var = Var()
            var.op = "input"
            var.primal = primal
            var.adjoint = ZERO
            var.x = var.dx = var.y = var.dy = None
            var.tape = nodes
            lifted.append(var)
        self.inputs.extend(lifted)
        return lifted

    def owns(self, x: Any) -> bool:
        """Whether `x` is a node of this tape."""
        return getattr(x, "tape", None) is self.nodes

    def sweep(self, output: Var, cotangent: Any = 1.0) -> None:
        """One reverse sweep to look at: afterwards every node's `adjoint` is d output / d node times `cotangent`.

        Args:
            output: a node of this tape.
            cotangent: the seed.

        Raises:
            ValueError: `output` is not a node of this tape.
        """
        if not self.owns(output):
            raise ValueError(f"output: got {output!r}, expected a node of this tape")
        with self._lock:
            seeds = [] if is_zero(cotangent) else [(output, cotangent)]
            if self.nodes.has_arrays:
                with np.errstate(all="ignore"):
                    passes = Var.arrays.sweep(self, seeds, keep=True)[1]
            else:
                passes = 1
                self._thorough(seeds)
            if (counts := observed()) is not None:
                self._count(counts, passes)

    def pull(self, seeds: Iterable[tuple[Any, Any]], *, again: bool = False) -> list[Any]:
        """One reverse sweep from several outputs at once, each with its own cotangent.

        Nodes give their adjoints up as the sweep passes them.  A tape may be pulled on from several threads.  Where an
        adjoint comes out infinite or NaN and other derivatives were begun in the recording, it is recorded and swept
        once more, with the classes of paths followed in these, too.  NumPy's warnings are as the caller has them.

        Args:
            seeds: outputs with their cotangents; one that is no node of this tape is a constant, and adds nothing.
            again: whether it is part of a sweep that has been counted.

        Returns:
            The adjoints of the inputs.
        """
        with self._lock:
            nodes = self.nodes
            seeds = [(x, bar) for x, bar in seeds if getattr(x, "tape", None) is nodes and not is_zero(bar)]
            adjoints, passes = Var.arrays.sweep(self, seeds, keep=False) if nodes.has_arrays else self._pull(seeds)
            if (counts := observed()) is not None:
                self._count(counts, passes, 0 if again else 1)
        return adjoints if self.again is None or all_finite(adjoints) else self.again(seeds)

    def _pull(self, seeds: list[tuple[Var, Any]]) -> tuple[list[Any], int]:
        """The adjoints of the inputs, all numbers, and in how many passes they were found."""
        passes = 1
        if not following():
            self._seed(seeds)
            _sweep(self.nodes)
            self.adjoints_left = False
            adjoints = [var.adjoint for var in self.inputs]
            if all_finite(adjoints):
                return adjoints, 1
            passes = 2
        self._thorough(seeds)
        return [var.adjoint for var in self.inputs], passes

    def reset(self, inputs: Iterable[Any]) -> None:
        """Put all adjoints to zero before a sweep, which says in `adjoints_left` what it has left when it ends."""
        for node in inputs:
            node.adjoint = ZERO
        if self.adjoints_left:
            for node in self.nodes:
                node.adjoint = ZERO
        self.adjoints_left = True

    def _seed(self, seeds: list[tuple[Var, Any]]) -> None:
        """Put the cotangents in place, and every other adjoint to zero."""
        self.reset(self.inputs)
        for output, cotangent in seeds:
            output.adjoint = cotangent if output.adjoint is ZERO else output.adjoint + cotangent

    def _thorough(self, seeds: list[tuple[Var, Any]]) -> None:
        """A sweep with the classes of paths followed, that leaves every adjoint in place."""
        self._seed(seeds)
        _sweep_following_paths(self.nodes, self.inputs, seeds)

    def _count(self, counts: Counts, passes: int, sweeps: int = 1) -> None:
        """Tell who observes this thread (`ad.count`) of one sweep made in so many passes."""
        counts.reverse_sweeps += sweeps
        counts.ops += passes * len(self.nodes)
        if self.nodes.has_arrays:
            counts.beyond += passes * sum(getattr(node, "size", 1) - 1 for node in self.nodes)

    @property
    def nbytes(self) -> int:
        """Bytes held by the recorded graph: nodes, their numbers and arrays (each once), and the list itself."""
        held: dict[int, int] = {}
        total = sys.getsizeof(self.nodes) + sys.getsizeof(self.inputs)
        for var in (*self.inputs, *self.nodes):
            total += sys.getsizeof(var)
            for x in var.held():
                if isinstance(x, float):
                    held[id(x)] = sys.getsizeof(x)
                elif isinstance(x, np.ndarray):
                    owner = x.base if isinstance(x.base, np.ndarray) else x
                    held[id(owner)] = owner.nbytes
        return total + sum(held.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def __del__(self) -> None:
        # Nodes and their list refer to each other.  Emptying the list here frees a graph at once, last node first, and
        # leaves no work (and, on a chain of millions, no recursion) for the garbage collector.
        if hasattr(self, "nodes"):  # not where the tape was never made, as with a wrong argument
            self.nodes.clear()


def _sweep(nodes: Nodes, zero: float = ZERO) -> None:
    """Read a tape backwards, handing each node's adjoint, times the partial, on to its active operands."""
    for var in reversed(nodes):
        adjoint = var.adjoint
        if adjoint is zero:
            continue  # no path leads from here to an output that was seeded
        var.adjoint = zero
        partial = var.dx
        if partial is not None:
            var.x.adjoint += adjoint * partial
        partial = var.dy
        if partial is not None:
            var.y.adjoint += adjoint * partial


def _sweep_following_paths(nodes: Nodes, inputs: list[Var], seeds: list[tuple[Var, Any]]) -> None:
    """The same with the classes of paths followed, as where a partial is infinite (`ad.infinity`)."""
    paths: defaultdict[int, int] = defaultdict(lambda: NONE)
    for output, cotangent in seeds:
        paths[id(output)] |= TIMES[kind(primal_of(cotangent))][POSITIVE]
    for var in reversed(nodes):
        reached = paths[id(var)]
        if reached:
            for operand, partial in _edges(var):
                paths[id(operand)] |= TIMES[kind(primal_of(partial))][reached]
                term = passed_on(partial, var.adjoint, reached)
                if term is not None:
                    operand.adjoint = term if operand.adjoint is ZERO else operand.adjoint + term
    for var in (*nodes, *inputs):
        var.adjoint = settle(paths[id(var)], var.adjoint)


def _edges(var: Var) -> list[tuple[Var, Any]]:
    """A node's active operands with their partials; one edge, with the sum of both, where they are the same node."""
    edges = [(x, dx) for x, dx in ((var.x, var.dx), (var.y, var.dy)) if dx is not None]
    return [(var.x, var.dx + var.dy)] if len(edges) == 2 and var.x is var.y else edges


class _Pauses:
    """How many recordings have the collector paused, over all threads, and whether it ran before the first."""

    __slots__ = ("count", "lock", "was_enabled")

    def __init__(self) -> None:
        self.lock, self.count, self.was_enabled = threading.Lock(), 0, False


_pauses = _Pauses()


class collector_paused:  # noqa: N801  # named as contextlib.suppress is, and like it a class because that is faster
    """Pause Python's cyclic garbage collector (not reference counting); the last of all threads to leave restores it.

    A recording makes millions of objects and not one unreachable cycle, while the collector would walk over all of them
    again and again.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        with _pauses.lock:
            if _pauses.count == 0:
                _pauses.was_enabled = gc.isenabled()
                gc.disable()
            _pauses.count += 1

    def __exit__(self, *exception: object) -> None:
        with _pauses.lock:
            _pauses.count -= 1
            if _pauses.count == 0 and _pauses.was_enabled:
                gc.enable()
