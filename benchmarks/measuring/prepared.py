"""From a cell and an engine to something that can be executed: quantities, seeds, notes and refusals, derived once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import stopwatch
from benchmarks.cells import Cell
from benchmarks.engines.base import Counts, Engine, cotangent, tangent
from benchmarks.measuring.guard import HangingError, PreparingError

QUANTITIES = {"primal": ("primal",), "forward": ("jvp", "gradient"), "reverse": ("vjp", "gradient")}
"""What there is to compute in each mode."""


@dataclass(frozen=True)
class Prepared:
    """A cell ready to be timed.

    Attributes:
        run: what is timed; it returns numbers, in any nesting, that read row by row are: for `primal` the M outputs;
            for `jvp` the M tangents along `tangent(N)`; for `vjp` the N adjoints of `cotangent(M)`; for `gradient` the
            M x N Jacobian.
        engine: bound to the cell's problem.
        note: what the time of `run` includes.
        seconds: that the preparation took, of the problem and of the mode.
    """

    run: Callable[[], Any]
    engine: Engine
    note: str
    seconds: float

    def count(self) -> Counts:
        """One execution of `run`, observed."""
        return self.engine.count(self.run)


@dataclass(frozen=True)
class Bound:
    """An engine bound to a problem, and what that took; the cells of a problem and engine share it.

    Attributes:
        engine: the engine.
        seconds: that binding took.
        prepared: seconds that preparing took, by mode and lanes; cells that share it all have it in their record.
    """

    engine: Engine
    seconds: float
    prepared: dict[tuple[str, int], float] = field(default_factory=dict)


def refusal(cell: Cell, engine: type[Engine]) -> str | None:
    """In one line why a cell is not possible, or what to install; None if it is possible."""
    if reason := engine.missing():
        return reason
    if cell.quantity not in QUANTITIES.get(cell.mode, ()):
        return f"there is no {cell.quantity} in {cell.mode} mode"
    if cell.mode != "primal" and cell.mode not in engine.modes:
        return f"{engine.name} has no {cell.mode} mode"
    if reason := engine.declined(cell.problem, cell.dtype):
        return reason
    if cell.lanes > 1 and (cell.quantity != "gradient" or engine.carried(cell.problem, cell.mode) == 1):
        modes = [mode for mode in engine.lane_modes if engine.carried(cell.problem, mode) > 1]
        several = f"several seeds in {' and '.join(modes)} gradients only"
        return f"{engine.name} carries {several if modes else 'one tangent at a time'}"
    return None


def note(cell: Cell, engine: type[Engine]) -> str:
    """What the time of a cell includes: its sweeps, then what the engine states."""
    swept = {
        ("primal", "primal"): "one evaluation",
        ("forward", "jvp"): "one forward sweep",
        ("forward", "gradient"): "one forward sweep per input",
        ("reverse", "vjp"): "one reverse sweep",
        ("reverse", "gradient"): "one reverse sweep per output",
    }[cell.mode, cell.quantity]
    seeds = "tangents" if cell.mode == "forward" else "cotangents"
    lanes = f"{cell.lanes} {seeds} a pass" if cell.lanes > 1 else ""
    return "; ".join(part for part in (swept, getattr(engine.includes, cell.mode), lanes) if part)


def bind(cell: Cell, engine: type[Engine]) -> Bound:
    """Bind an engine to a cell's problem: inputs are converted, and what is recorded or compiled once is.

    The inputs and data are copies, so that an engine that changes them spoils no other one's, nor what is expected.
    """
    engine.load()
    problem = cell.problem
    mine = replace(problem, x=copy.copy(problem.x), data=tuple(map(copy.copy, problem.data)))
    seconds, bound = stopwatch.once(lambda: engine(mine))
    return Bound(bound, seconds)


def prepare(cell: Cell, bound: Bound) -> Prepared:
    """Do what the cell's mode needs once, convert its seed, and say what is to be timed."""
    engine, problem = bound.engine, cell.problem
    key = (cell.mode, cell.lanes)
    if key not in bound.prepared:
        try:
            bound.prepared[key] = stopwatch.once(lambda: engine.prepare(*key))[0]
        except HangingError as hung:
            raise PreparingError(f"preparing: {hung}") from None

    def run() -> Callable[[], Any]:
        if cell.quantity == "primal":
            return engine.value
        if cell.quantity == "gradient":
            return lambda: engine.jacobian(cell.mode, cell.lanes)
        if cell.quantity == "jvp":
            along = engine.seed(tangent(problem.n_inputs))
            return lambda: engine.push(along)
        onto = engine.seed(cotangent(problem.n_outputs))
        return lambda: engine.pull(onto)

    return Prepared(run(), engine, note(cell, type(engine)), bound.seconds + bound.prepared[key])
