"""The engine `finite-differences`: what people do without automatic differentiation, one central difference per input.

It has no reverse mode, and about half of the digits: the step balances the error of truncation, h**2, with that of
rounding, eps / h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.engines.base import Engine, Includes, plain
from benchmarks.functions.problem import Problem

STEP = float(np.finfo(float).eps) ** (1.0 / 3.0)


class FiniteDifferences(Engine):
    """Central differences, two evaluations each."""

    name = "finite-differences"
    styles = ("scalars", "arrays")
    modes = ("forward",)
    tolerance = 1e-5
    includes = Includes(primal="plain Python", forward="two evaluations a sweep")

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.xp, self.x = plain(problem)[0], np.array(problem.x)

    def push(self, tangent: Any) -> Any:
        """One central difference along a tangent."""
        step = STEP * np.asarray(tangent)
        above, below = self.x + step, self.x - step
        if self.problem.style == "scalars":
            above, below = above.tolist(), below.tolist()
        f = self.problem.f
        return np.ravel(np.subtract(f(self.xp, above), f(self.xp, below))) / (2.0 * STEP)
