"""The engines `finite-differences` and `forward-differences`: what people do without automatic differentiation.

They have no reverse mode, and about half of the digits: a step balances the error of truncation with that of rounding.
Steps are those of SciPy's `approx_derivative`: for input i, eps**(1/3) * max(1, |x_i|) for central differences, and
eps**(1/2) * sign(x_i) * max(1, |x_i|) for those to one side.  Along a tangent t it is so much over the length of
t_i / max(1, |x_i|), which is the same for one input, and lets many that move together not move too far.

Their tolerances follow from the steps.  With a step h, truncation costs h f''/2 to one side and h**2 f'''/6 for central
differences, and rounding up to eps |f| / h; the step makes both of the order eps**(1/2), or eps**(2/3), times what the
function's values and higher derivatives are beside its largest partial.  That much is allowed to be `LARGEST`; a kink
inside a step has no such bound, so central differences are `wrong` for `heston` with thousands of paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.engines.base import Engine, Includes, plain
from benchmarks.functions.problem import Floats, Problem

EPS = float(np.finfo(float).eps)
LARGEST = 2.0**16
"""The most that the default plan shows is 12,400 to one side (`fixed_work`, 4096) and 14,700 (`product`, 65536)."""


class FiniteDifferences(Engine):
    """Central differences, two evaluations each."""

    name = "finite-differences"
    styles = ("scalars", "arrays")
    modes = ("forward",)
    tolerance = LARGEST * EPS ** (2.0 / 3.0)
    includes = Includes(primal="plain Python or NumPy", forward="two evaluations a sweep")
    order = 2

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.xp, self.x = plain(problem)[0], np.array(problem.x)

    def seed(self, values: Sequence[float]) -> Any:
        """A step along the tangent, shape (N,), and its length in units of the tangent."""
        tangent = np.asarray(values)
        sign = 1.0 if self.order == 2 or tangent @ self.x >= 0.0 else -1.0
        size = float(np.linalg.norm(tangent / np.maximum(1.0, np.abs(self.x))))
        length = EPS ** (1.0 / (1.0 + self.order)) / size * sign
        return length * tangent, length

    def at(self, x: Floats) -> Floats:
        """The outputs at a point, shape (M,)."""
        outputs = self.problem.f(self.xp, x.tolist() if self.problem.style == "scalars" else x)
        return np.ravel(np.asarray(outputs, dtype=float))

    def push(self, tangent: Any) -> Any:
        """One central difference along a tangent."""
        step, length = tangent
        return (self.at(self.x + step) - self.at(self.x - step)) / (2.0 * length)


class ForwardDifferences(FiniteDifferences):
    """Differences to one side, one evaluation each and one for all of them."""

    name = "forward-differences"
    tolerance = LARGEST * EPS ** (1.0 / 2.0)
    includes = Includes(primal="plain Python or NumPy", forward="one evaluation a sweep, and one for all")
    order = 1

    def push(self, tangent: Any, here: Floats | None = None) -> Any:
        """One difference along a tangent, to the outputs at x, unless they are known."""
        step, length = tangent
        return (self.at(self.x + step) - (self.at(self.x) if here is None else here)) / length

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """The outputs at x are computed once."""
        here = self.at(self.x)
        return np.array([self.push(seed, here) for seed in self.units(self.problem.n_inputs)]).T
