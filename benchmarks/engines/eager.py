"""The engine `ad`: this project's eager modes, dual numbers and a tape, on Python floats.

Its primal is the same function on plain Python floats, so a ratio to the primal is what a derivative costs its user.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ad
from benchmarks.cells import Cell
from benchmarks.engines import EAGER_NOTES, Counts, Prepared, cotangent, tangent
from benchmarks.functions.graph import Graph
from benchmarks.measuring.environment import project_version


@dataclass(frozen=True)
class Eager:
    """Forward and reverse mode in the interpreter."""

    name: str = "ad"

    def version(self) -> str:
        """This project's version."""
        return project_version()

    def unsupported(self, cell: Cell) -> str | None:
        """In one line why a cell is not possible; None if it is."""
        if (cell.mode, cell.quantity) not in EAGER_NOTES:
            return f"{self.name} has no {cell.quantity} in {cell.mode} mode"
        return None if cell.lanes == 1 else f"{self.name} carries one tangent at a time"

    def prepare(self, graph: Graph, x: list[float], cell: Cell) -> Prepared:
        """Bind the graph to this engine; nothing is recorded ahead."""
        run = _runs(graph, x, cell)[cell.mode, cell.quantity]

        def count() -> Counts:
            if cell.mode == "primal":
                return Counts(sweeps=0, ops=None)
            with ad.count() as counts:
                run()
            return Counts(sweeps=counts.sweeps, ops=counts.ops)

        def tape_bytes() -> int:
            tape = ad.Tape()
            out = graph.f(ad, tape.lift(x))
            tape.pull((y, 1.0) for y in (out if isinstance(out, list) else [out]))
            return tape.nbytes

        note = EAGER_NOTES[cell.mode, cell.quantity]
        return Prepared(run=run, count=count, note=note, tape_bytes=tape_bytes if cell.mode == "reverse" else None)


def _runs(graph: Graph, x: list[float], cell: Cell) -> dict[tuple[str, str], Callable[[], Any]]:
    def f(x: Any) -> Any:
        return graph.f(ad, x)

    direction = tangent(len(x)) if cell.quantity == "jvp" else []
    several = isinstance(graph.f(ad.FLOATS, x), list)
    seed: Any = cotangent(graph.n_outputs(cell.n))
    return {
        ("primal", "primal"): lambda: graph.f(ad.FLOATS, x),
        ("forward", "jvp"): lambda: ad.jvp(f, (x,), (direction,))[1],
        ("forward", "gradient"): lambda: ad.jacfwd(f)(x),
        ("reverse", "vjp"): lambda: ad.vjp(f, x)[1](seed if several else seed[0]),
        ("reverse", "gradient"): lambda: (ad.jacrev if several else ad.grad)(f)(x),
    }


def engine() -> Eager:
    """The engine."""
    return Eager()
