"""Engines: what executes a graph.  One file per engine; a new engine is one file and one line in `ENGINES`.

An engine turns a cell into a callable to time and a callable that counts.  It does no timing and no checking.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from benchmarks.cells import Cell
    from benchmarks.functions.graph import Graph


@dataclass(frozen=True)
class Counts:
    """What an engine counted in one execution.

    Attributes:
        sweeps: forward or reverse sweeps.
        ops: ops executed, recording included; None where the engine cannot know.
    """

    sweeps: int
    ops: int | None


@dataclass(frozen=True)
class Prepared:
    """A cell ready to be timed.

    Attributes:
        run: what is timed.  It returns numbers, in any nesting, that read row by row are: for `primal` the M outputs;
            for `jvp` the M tangents along `tangent(N)`; for `vjp` the N adjoints of `cotangent(M)`; for `gradient` the
            M x N Jacobian.
        count: one execution of the same, observed.
        note: what the time of `run` includes.
        tape_bytes: records and sweeps what `run` does and gives the bytes of the tape that this takes; None where there
            is no tape, or where the engine cannot tell.
    """

    run: Callable[[], Any]
    count: Callable[[], Counts]
    note: str
    tape_bytes: Callable[[], int] | None = None


class Engine(Protocol):
    """What the harness knows of an engine."""

    name: str

    def version(self) -> str:
        """Its version; empty if it is not installed."""

    def unsupported(self, cell: Cell) -> str | None:
        """In one line why this cell is not possible here, or what to install; None if it is."""

    def prepare(self, graph: Graph, x: list[float], cell: Cell) -> Prepared:
        """Do what is done once: convert data, record, compile."""


ENGINES = {
    "ad": "benchmarks.engines.eager",
    "ad-compiled": "benchmarks.engines.compiled",
    "xad": "benchmarks.engines.xad",
    "casadi": "benchmarks.engines.casadi",
}
"""Name to module; each module has a function `engine()`."""


def load(names: Sequence[str]) -> dict[str, Engine]:
    """The engines of these names, in this order."""
    return {name: importlib.import_module(ENGINES[name]).engine() for name in names}


def tangent(n: int) -> list[float]:
    """The direction of every `jvp` cell, shape (N,): values from 0.5 to 1.5 that follow no pattern of the graphs."""
    return [0.5 + i * 0.6180339887498949 % 1.0 for i in range(n)]


def cotangent(m: int) -> list[float]:
    """The seed of every `vjp` cell, shape (M,)."""
    return [0.5 + (j + 1) * 0.7548776662466927 % 1.0 for j in range(m)]


EAGER_NOTES = {
    ("primal", "primal"): "plain Python floats",
    ("forward", "jvp"): "one forward sweep",
    ("forward", "gradient"): "one forward sweep per input",
    ("reverse", "vjp"): "recording and one reverse sweep",
    ("reverse", "gradient"): "recording and one reverse sweep per output",
}
"""What the time of a quantity includes, in an engine that records anew for every reverse sweep."""
