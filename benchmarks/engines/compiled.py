"""The engine `ad-compiled`: this project's tapes, frozen and swept at machine speed.  Needs numba.

A function is recorded and frozen once per size; that is preparation, and all cells of the size share it.  With one lane
forward mode is the textbook's, one tangent per pass; with many it carries them together.  All on one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import ad
from benchmarks.cells import Cell
from benchmarks.engines import Counts, Prepared, cotangent, tangent
from benchmarks.functions.graph import Graph
from benchmarks.measuring.environment import project_version

NOTES = {
    ("primal", "primal"): "compiled value, recorded before",
    ("forward", "jvp"): "one compiled forward sweep, recorded before",
    ("forward", "gradient"): "one compiled forward sweep per input, recorded before",
    ("reverse", "vjp"): "one compiled reverse sweep, recorded before",
    ("reverse", "gradient"): "one compiled reverse sweep per output, recorded before",
}


@dataclass(frozen=True)
class Compiled:
    """Compiled sweeps of recorded programs.

    Attributes:
        programs: by family, size and outputs; what has been recorded so far.
    """

    name: str = "ad-compiled"
    programs: dict[tuple[str, int, int], Any] = field(default_factory=dict)

    def version(self) -> str:
        """This project's version."""
        return project_version()

    def unsupported(self, cell: Cell) -> str | None:
        """In one line why a cell is not possible, or what to install; None if it is."""
        try:
            from ad.compiled import compiler

            compiler.require()
        except ImportError as problem:
            return str(problem)
        if (cell.mode, cell.quantity) not in NOTES:
            return f"{self.name} has no {cell.quantity} in {cell.mode} mode"
        if cell.lanes > 1 and (cell.mode, cell.quantity) != ("forward", "gradient"):
            return f"{self.name} carries several tangents in forward gradients only"
        return None

    def prepare(self, graph: Graph, x: list[float], cell: Cell) -> Prepared:
        """Record and freeze, unless another cell of this size has."""
        key = (cell.graph, cell.n, cell.m)
        if key not in self.programs:
            self.programs[key] = ad.compile(lambda v: graph.f(ad, v), x)
        run = _runs(self.programs[key], np.array(x), cell)[cell.mode, cell.quantity]

        def count() -> Counts:
            with ad.count() as counts:
                run()
            return Counts(sweeps=counts.sweeps, ops=counts.ops)

        note = NOTES[cell.mode, cell.quantity]
        return Prepared(run=run, count=count, note=f"{note}; {cell.lanes} tangents a pass" if cell.lanes > 1 else note)


def _runs(program: Any, x: Any, cell: Cell) -> dict[tuple[str, str], Callable[[], Any]]:
    direction = np.array(tangent(program.n_inputs))
    seed = np.array(cotangent(program.n_outputs))
    return {
        ("primal", "primal"): lambda: program(x),
        ("forward", "jvp"): lambda: program.jvp(x, direction)[1],
        ("forward", "gradient"): lambda: program.jacobian(x, "forward", lanes=cell.lanes),
        ("reverse", "vjp"): lambda: program.vjp(x, seed)[1],
        ("reverse", "gradient"): lambda: program.jacobian(x, "reverse"),
    }


def engine() -> Compiled:
    """The engine."""
    return Compiled()
