"""The engine `casadi`: a peer, derivatives as symbolic graphs of scalars (SX), executed by CasADi's virtual machine.

Building a function and its derivative is preparation.  Functions are called through buffers, without conversion.
CasADi does not count ops.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from benchmarks.engines.base import Engine, Includes, listed
from benchmarks.functions.problem import Floats, Problem


class Casadi(Engine):
    """CasADi's SX functions."""

    name = package = "casadi"
    includes = Includes(*3 * ("CasADi SX, built before",))

    @classmethod
    def load(cls) -> None:
        """Import CasADi."""
        importlib.import_module("casadi")

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.casadi = casadi = importlib.import_module("casadi")
        self.inputs = casadi.SX.sym("x", problem.n_inputs)
        self.outputs = casadi.vertcat(*listed(problem.f(casadi, casadi.vertsplit(self.inputs))))
        self.calls: dict[str, _Call] = {}

    def prepare(self, mode: str, lanes: int = 1) -> None:
        """Build the function that the mode executes."""
        casadi, reverse = self.casadi, mode == "reverse"
        if mode in self.calls:
            return
        seed = casadi.SX.sym("seed", self.problem.n_outputs if reverse else self.problem.n_inputs)
        result = self.outputs
        if mode != "primal":
            result = casadi.jtimes(self.outputs, self.inputs, seed, reverse)
        function = casadi.Function("f", [self.inputs, seed], [casadi.densify(result)])
        self.calls[mode] = _Call(function, np.array(self.problem.x))

    def seed(self, values: Any) -> Floats:
        """A vector."""
        return np.array(values)

    def value(self) -> Floats:
        """The values, by the virtual machine."""
        return self.calls["primal"]()

    def push(self, tangent: Any) -> Floats:
        """One forward sweep."""
        self.calls["forward"].seed[:] = tangent
        return self.calls["forward"]()

    def pull(self, cotangent: Any) -> Floats:
        """One reverse sweep."""
        self.calls["reverse"].seed[:] = cotangent
        return self.calls["reverse"]()


class _Call:
    """A CasADi function of inputs and seed, bound to buffers; the seed is to be filled in before a call."""

    def __init__(self, function: Any, x: Floats) -> None:
        self.seed = np.zeros(function.numel_in(1))
        self.out = np.zeros(function.numel_out(0))
        self._kept = (function, x)
        self._buffer, self._trigger = function.buffer()
        self._buffer.set_arg(0, memoryview(x))  # type: ignore[arg-type]
        self._buffer.set_arg(1, memoryview(self.seed))  # type: ignore[arg-type]
        self._buffer.set_res(0, memoryview(self.out))  # type: ignore[arg-type]

    def __call__(self) -> Floats:
        self._trigger()
        return self.out.copy()
