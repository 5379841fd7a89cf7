"""The engine `ad`: this project's eager modes, dual numbers and a tape, in the interpreter.

Its primal is the same function on plain Python floats or in plain NumPy, so a ratio to the primal is what a derivative
costs its user.  On arrays a forward gradient can carry many tangents in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import ad
from ad.compiled import elementwise
from benchmarks.engines.base import Counts, Engine, Includes, Reach, Written, listed, plain
from benchmarks.functions.problem import Problem
from benchmarks.options import DTYPES


class Eager(Engine):
    """Forward and reverse mode in the interpreter; nothing is recorded ahead."""

    name = "ad"
    default = True
    styles = ("scalars", "arrays")
    dtypes = DTYPES
    lanes = 128
    lane_styles = ("arrays",)
    reach = Reach(between=True)
    includes = Includes(primal="plain Python or NumPy", reverse="recording included")
    written = Written("ad.jacfwd(f)(x)", "ad.jacrev(f)(x)", "ad.grad(f)(x)", math="ad")
    allocates_in_python = True

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.several = np.ndim(problem.f(*plain(problem))) > 0

    @classmethod
    def load(cls) -> None:
        """Import what arrays use of numba, where it is installed."""
        elementwise()

    def f(self, x: Any) -> Any:
        """The problem's function on numbers of this engine."""
        return self.problem.f(ad, x)

    def push(self, tangent: Any) -> Any:
        """One dual sweep."""
        return ad.jvp(self.f, (self.problem.x,), (tangent,))[1]

    def pull(self, cotangent: Any) -> Any:
        """One recording and one sweep."""
        return ad.vjp(self.f, self.problem.x)[1](cotangent if self.several else cotangent[0])

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """As a user would ask for it; in reverse, all outputs are swept from one recording."""
        if mode == "forward":
            return ad.jacfwd(self.f, lanes=lanes)(self.problem.x)
        return (ad.jacrev if self.several else ad.grad)(self.f)(self.problem.x)

    def count(self, execute: Callable[[], Any]) -> Counts:
        """As counted by the engine itself; a pass with many lanes is as many sweeps."""
        with ad.count() as counts:
            execute()
        return Counts(sweeps=counts.sweeps + counts.lanes, ops=counts.ops or None, elements=counts.elements or None)

    def tape_bytes(self) -> int:
        """Bytes of a tape that was recorded and swept."""
        tape = ad.Tape()
        if self.problem.style == "scalars":
            outputs = listed(self.f(tape.lift(self.problem.x)))
        else:
            outputs = [self.f(*tape.lift([self.problem.x]))]
        tape.pull((y, np.ones(np.shape(y)) if np.ndim(y) else 1.0) for y in outputs)
        return int(tape.nbytes)
