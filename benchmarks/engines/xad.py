"""The engine `xad`: a peer, C++ behind Python operators; one dual sweep or one recording and sweep at a time.

Its primal is the same function on plain Python floats, as for the engine `ad`.  XAD does not count ops.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.engines.base import Counts, Engine, Includes, Written, listed
from benchmarks.functions.problem import Problem

MODULES = ("xad.math", "xad.fwd_1st", "xad.adj_1st")


class Xad(Engine):
    """XAD's forward and adjoint mode of first order; nothing is recorded ahead."""

    name = package = "xad"
    includes = Includes(primal="plain Python floats", reverse="recording included")
    written = Written(
        "xad.fwd_1st.Real, one input at a time", "xad.adj_1st.Tape, one output at a time", numpy="xad.math"
    )

    @classmethod
    def load(cls) -> None:
        """Import XAD."""
        for name in MODULES:
            importlib.import_module(name)

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.functions, self.forward, self.adjoint = (importlib.import_module(name) for name in MODULES)
        self.sweeps = 0

    def push(self, tangent: Any) -> Any:
        """One dual sweep."""
        inputs = [self.forward.Real(value) for value in self.problem.x]
        for variable, seed in zip(inputs, tangent, strict=True):
            variable.setDerivative(seed)
        outputs = listed(self.problem.f(self.functions, inputs))
        self.sweeps += 1
        return [out.getDerivative() for out in outputs]

    def pull(self, cotangent: Any) -> Any:
        """One recording and one sweep."""
        return next(self._rows([cotangent]))

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """In reverse, all outputs are swept from one recording."""
        return list(self._rows(self.units(self.problem.n_outputs))) if mode == "reverse" else super().jacobian(mode)

    def _rows(self, cotangents: Any) -> Iterator[list[float]]:
        with self.adjoint.Tape() as tape:
            inputs = [self.adjoint.Real(value) for value in self.problem.x]
            tape.registerInputs(inputs)
            tape.newRecording()
            outputs = listed(self.problem.f(self.functions, inputs))
            tape.registerOutputs(outputs)
            for cotangent in cotangents:
                tape.clearDerivatives()
                for out, seed in zip(outputs, cotangent, strict=True):
                    out.setDerivative(seed)
                tape.computeAdjoints()
                self.sweeps += 1
                yield [variable.getDerivative() for variable in inputs]

    def count(self, execute: Callable[[], Any]) -> Counts:
        """Sweeps as they are counted where they happen."""
        before = self.sweeps
        execute()
        return Counts(sweeps=self.sweeps - before, ops=None)
