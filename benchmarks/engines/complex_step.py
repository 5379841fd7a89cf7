"""The engine `complex-step`: f(x + i h t).imag / h, a derivative to all digits by one evaluation in complex numbers.

There is no difference whose digits could cancel, so the step can be tiny (Squire and Trapp 1998); but every function on
the way has to be analytic and to be there for complex numbers.
"""

from __future__ import annotations

import cmath
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.engines.base import Engine, Includes
from benchmarks.functions.problem import Problem

STEP = 1e-100
"""So small that its square adds nothing, and far from the smallest number."""
REFUSED = (
    *("abs", "absolute", "fabs", "sign", "hypot", "maximum", "minimum", "fmax", "fmin", "max", "min", "amax", "amin"),
    *("floor", "ceil", "round", "arctan2", "atan2", "sort", "argsort", "argmax", "argmin", "clip", "conj", "real"),
    *("erf", "logaddexp", "cbrt", "float64", "vdot", "vecdot", "norm", "cholesky", "qr", "svd", "eigh", "slogdet"),
)
"""What NumPy has and is not analytic, or not there for complex numbers."""


def refused(name: str) -> Any:
    """A function that only says that it cannot be used."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"complex step: {name} is not analytic, or not there for complex numbers")

    return refuse


class Analytic:
    """A namespace of functions without those that a complex step would get wrong in silence."""

    def __init__(self, functions: Any) -> None:
        self.functions = functions

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.functions, name, None)
        given = refused(name) if found is None or (name in REFUSED and self.functions is not SCALARS) else found
        setattr(self, name, Analytic(given) if name == "linalg" else given)  # looked up once
        return getattr(self, name)


SCALARS = SimpleNamespace(
    **{name: getattr(cmath, name) for name in dir(cmath) if name[0] != "_"},
    hypot=lambda a, b: cmath.sqrt(a * a + b * b),
    square=lambda a: a * a,
)


class ComplexStep(Engine):
    """One evaluation in complex numbers for each tangent."""

    name = "complex-step"
    styles = ("scalars", "arrays")
    modes = ("forward",)
    includes = Includes(primal="plain Python or NumPy", forward="one evaluation in complex numbers a sweep")

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.xp = Analytic(SCALARS if problem.style == "scalars" else np)
        self.x = np.array(problem.x)

    def seed(self, values: Any) -> Any:
        """A step along the imaginary axis."""
        return STEP * 1j * np.asarray(values)

    def push(self, tangent: Any) -> Any:
        """One evaluation."""
        moved = self.x + tangent
        try:
            outputs = self.problem.f(self.xp, moved.tolist() if self.problem.style == "scalars" else moved)
        except TypeError as problem:  # complex numbers have no order
            raise NotImplementedError(f"complex step: {problem}") from None
        return np.ravel(np.asarray(outputs, dtype=complex)).imag / STEP
