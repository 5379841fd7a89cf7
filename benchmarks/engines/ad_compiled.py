"""The engine `ad-compiled`: this project's tapes, frozen and swept at machine speed.  Needs numba.

With one lane forward mode is the textbook's, one tangent per pass; with many it carries them together.  All on one
thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import ad
from benchmarks.engines.base import Counts, Engine, Includes, Reach, Written
from benchmarks.functions.problem import Problem


class Compiled(Engine):
    """Compiled sweeps of a program that was recorded and frozen before."""

    name = "ad-compiled"
    default = True
    lanes = 128
    reach = Reach(gradient_ops=2**22, far={"chain": 10**6}, between=True)
    includes = Includes(*3 * ("compiled, recorded before",))
    written = Written('ad.compile(f, x).jacobian(x, "forward")', 'ad.compile(f, x).jacobian(x, "reverse")', math="ad")

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.program = ad.compile(lambda v: problem.f(ad, v), problem.x)
        self.x = np.array(problem.x)

    @classmethod
    def missing(cls) -> str | None:
        """What to install where there is no compiler."""
        try:
            from ad.compiled import compiler

            compiler.require()
        except ImportError as problem:
            return str(problem)
        return None

    @classmethod
    def warm(cls, progress: Callable[[float], object]) -> None:
        """Compile the sweeps, or load them."""
        from ad.compiled import compiler

        compiler.warm(lambda done, total: progress(done / total))

    def seed(self, values: Any) -> Any:
        """A vector."""
        return np.array(values)

    def value(self) -> Any:
        """The values, compiled."""
        return self.program(self.x)

    def push(self, tangent: Any) -> Any:
        """One compiled forward sweep."""
        return self.program.jvp(self.x, tangent)[1]

    def pull(self, cotangent: Any) -> Any:
        """One compiled reverse sweep."""
        return self.program.vjp(self.x, cotangent)[1]

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """All sweeps in one call, several tangents carried together where asked for."""
        return self.program.jacobian(self.x, mode, lanes=lanes)

    def count(self, execute: Callable[[], Any]) -> Counts:
        """As counted by the program."""
        with ad.count() as counts:
            execute()
        return Counts(sweeps=counts.sweeps, ops=counts.ops or None, elements=counts.elements or None)
