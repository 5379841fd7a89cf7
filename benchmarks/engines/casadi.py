"""The engine `casadi`: a peer, derivatives as symbolic graphs of scalars (SX), executed by CasADi's virtual machine.

Building a function and its derivative is preparation.  Functions are called through buffers, without conversion.
CasADi does not count ops.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cells import Cell
from benchmarks.engines import Counts, Prepared, cotangent, tangent
from benchmarks.functions.graph import Graph

NOTES = {
    ("primal", "primal"): "CasADi SX, built before",
    ("forward", "jvp"): "one forward sweep of CasADi SX, built before",
    ("forward", "gradient"): "one forward sweep of CasADi SX per input, built before",
    ("reverse", "vjp"): "one reverse sweep of CasADi SX, built before",
    ("reverse", "gradient"): "one reverse sweep of CasADi SX per output, built before",
}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Casadi:
    """CasADi's SX functions."""

    name: str = "casadi"

    def version(self) -> str:
        """CasADi's version."""
        return importlib.metadata.version("casadi") if importlib.util.find_spec("casadi") else ""

    def unsupported(self, cell: Cell) -> str | None:
        """In one line why a cell is not possible, or what to install; None if it is."""
        if importlib.util.find_spec("casadi") is None:
            return "needs the package casadi: pip install casadi"
        if (cell.mode, cell.quantity) not in NOTES:
            return f"{self.name} has no {cell.quantity} in {cell.mode} mode"
        return None if cell.lanes == 1 else f"{self.name} carries one tangent at a time"

    def prepare(self, graph: Graph, x: list[float], cell: Cell) -> Prepared:
        """Build the function and the derivative that the cell executes."""
        casadi = importlib.import_module("casadi")
        n, m = len(x), graph.n_outputs(cell.n)
        inputs = casadi.SX.sym("x", n)
        outputs = graph.f(casadi, casadi.vertsplit(inputs))
        outputs = casadi.vertcat(*outputs) if isinstance(outputs, list) else outputs
        seed = casadi.SX.sym("seed", n if cell.mode == "forward" else m)
        reverse = cell.mode == "reverse"
        result = outputs if cell.mode == "primal" else casadi.jtimes(outputs, inputs, seed, reverse)
        call = _Call(casadi.Function("f", [inputs, seed], [casadi.densify(result)]), np.array(x))
        run = _run(call, cell, n, m)

        def count() -> Counts:
            before = call.done
            run()
            return Counts(sweeps=0 if cell.mode == "primal" else call.done - before, ops=None)

        return Prepared(run=run, count=count, note=NOTES[cell.mode, cell.quantity])


class _Call:
    """A CasADi function of inputs and seed, bound to buffers.

    Attributes:
        seed: to be filled in before a call.
        done: calls so far.
    """

    def __init__(self, function: Any, x: Floats) -> None:
        self.seed = np.zeros(function.numel_in(1))
        self.out = np.zeros(function.numel_out(0))
        self.done = 0
        self._kept = (function, x)
        self._buffer, self._trigger = function.buffer()
        self._buffer.set_arg(0, memoryview(x))  # type: ignore[arg-type]
        self._buffer.set_arg(1, memoryview(self.seed))  # type: ignore[arg-type]
        self._buffer.set_res(0, memoryview(self.out))  # type: ignore[arg-type]

    def __call__(self) -> Floats:
        self._trigger()
        self.done += 1
        return self.out.copy()


def _run(call: _Call, cell: Cell, n: int, m: int) -> Callable[[], Any]:
    if cell.quantity != "gradient":
        call.seed[:] = cotangent(m) if cell.mode == "reverse" else tangent(n)[: call.seed.size]
        return call
    size = n if cell.mode == "forward" else m

    def all_units() -> Floats:
        rows = []
        for i in range(size):
            call.seed[:] = 0.0
            call.seed[i] = 1.0
            rows.append(call())
        return np.array(rows).T if cell.mode == "forward" else np.array(rows)

    return all_units


def engine() -> Casadi:
    """The engine."""
    return Casadi()
