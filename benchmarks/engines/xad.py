"""The engine `xad`: a peer, C++ behind Python operators; one dual sweep or one recording and sweep at a time.

Its primal is the same function on plain Python floats, as for the engine `ad`.  XAD does not count ops.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ad
from benchmarks.cells import Cell
from benchmarks.engines import EAGER_NOTES, Counts, Prepared, cotangent, tangent
from benchmarks.functions.graph import Graph


@dataclass
class Sweeps:
    """Sweeps executed; counted where they are asked for."""

    done: int = 0


@dataclass(frozen=True)
class Xad:
    """XAD's forward and adjoint mode of first order."""

    name: str = "xad"
    sweeps: Sweeps = field(default_factory=Sweeps)

    def version(self) -> str:
        """XAD's version."""
        return importlib.metadata.version("xad") if importlib.util.find_spec("xad") else ""

    def unsupported(self, cell: Cell) -> str | None:
        """In one line why a cell is not possible, or what to install; None if it is."""
        if importlib.util.find_spec("xad") is None:
            return "needs the package xad: pip install xad"
        if (cell.mode, cell.quantity) not in EAGER_NOTES:
            return f"{self.name} has no {cell.quantity} in {cell.mode} mode"
        return None if cell.lanes == 1 else f"{self.name} carries one tangent at a time"

    def prepare(self, graph: Graph, x: list[float], cell: Cell) -> Prepared:
        """Bind the graph to XAD; nothing is recorded ahead."""
        run = _runs(graph, x, cell, self.sweeps)[cell.mode, cell.quantity]

        def count() -> Counts:
            before = self.sweeps.done
            run()
            return Counts(sweeps=self.sweeps.done - before, ops=None)

        return Prepared(run=run, count=count, note=EAGER_NOTES[cell.mode, cell.quantity])


def _runs(graph: Graph, x: list[float], cell: Cell, sweeps: Sweeps) -> dict[tuple[str, str], Callable[[], Any]]:
    functions = importlib.import_module("xad.math")
    forward, adjoint = (importlib.import_module(f"xad.{name}") for name in ("fwd_1st", "adj_1st"))
    n, m = len(x), graph.n_outputs(cell.n)

    def pushed(direction: list[float]) -> list[float]:
        inputs = [forward.Real(value) for value in x]
        for variable, seed in zip(inputs, direction, strict=True):
            variable.setDerivative(seed)
        outputs = _listed(graph.f(functions, inputs))
        sweeps.done += 1
        return [out.getDerivative() for out in outputs]

    def pulled(seeds: list[list[float]]) -> list[list[float]]:
        with adjoint.Tape() as tape:
            inputs = [adjoint.Real(value) for value in x]
            tape.registerInputs(inputs)
            tape.newRecording()
            outputs = _listed(graph.f(functions, inputs))
            tape.registerOutputs(outputs)
            rows = []
            for cotangents in seeds:
                tape.clearDerivatives()
                for out, seed in zip(outputs, cotangents, strict=True):
                    out.setDerivative(seed)
                tape.computeAdjoints()
                sweeps.done += 1
                rows.append([variable.getDerivative() for variable in inputs])
        return rows

    def columns() -> list[tuple[float, ...]]:
        return list(zip(*(pushed(unit(n, i)) for i in range(n)), strict=True))

    return {
        ("primal", "primal"): lambda: graph.f(ad.FLOATS, x),
        ("forward", "jvp"): lambda: pushed(tangent(n)),
        ("forward", "gradient"): columns,
        ("reverse", "vjp"): lambda: pulled([cotangent(m)]),
        ("reverse", "gradient"): lambda: pulled([unit(m, j) for j in range(m)]),
    }


def unit(n: int, i: int) -> list[float]:
    """The i-th unit vector, shape (n,)."""
    vector = [0.0] * n
    vector[i] = 1.0
    return vector


def _listed(outputs: Any) -> list[Any]:
    return outputs if isinstance(outputs, list) else [outputs]


def engine() -> Xad:
    """The engine."""
    return Xad()
