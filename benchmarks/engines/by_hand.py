"""The engine `by-hand`: gradients that people derived and wrote down, the limit that any tool is to be seen against.

For some families of scalars they are loops, compiled by numba before; elsewhere it is the problem's own reference, in
NumPy.  Neither is a mode of differentiation: a gradient by hand stands in the column of reverse mode, whose recurrence
it is where there is one output.  It is held against differences of the function, being the reference of the others.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.engines.base import Counts, Engine, Includes, Reach
from benchmarks.functions.problem import Floats, Problem


def chain(x: Floats, gradient: Floats) -> None:
    """With acc = sin(acc) x[i] + x[i]**2, then back; the accumulators wait in `gradient`."""
    acc = x[0]
    for i in range(len(x)):
        gradient[i] = acc
        acc = math.sin(acc) * x[i] + x[i] * x[i]
    after = 1.0
    for i in range(len(x) - 1, -1, -1):
        before = gradient[i]
        gradient[i] = after * (math.sin(before) + 2.0 * x[i])
        after *= math.cos(before) * x[i]
    gradient[0] += after


def product(x: Floats, gradient: Floats) -> None:
    """The product of the inputs before each, times that of those after."""
    acc = 1.0
    for i in range(len(x)):
        gradient[i] = acc
        acc *= x[i]
    acc = 1.0
    for i in range(len(x) - 1, -1, -1):
        gradient[i] *= acc
        acc *= x[i]


def tree(x: Floats, gradient: Floats) -> None:
    """By closed form, x / |x|."""
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i]
    factor = 1.0 / math.sqrt(total)
    for i in range(len(x)):
        gradient[i] = x[i] * factor


def hub(x: Floats, gradient: Floats) -> None:
    """By closed form, m cos(x m) + mean of x cos(x m), with the mean m."""
    mean = 0.0
    for i in range(len(x)):
        mean += x[i]
    mean /= len(x)
    through = 0.0
    for i in range(len(x)):
        gradient[i] = math.cos(x[i] * mean)
        through += x[i] * gradient[i]
    through /= len(x)
    for i in range(len(x)):
        gradient[i] = mean * gradient[i] + through


LOOPS: dict[str, Callable[[Floats, Floats], None]] = {"chain": chain, "product": product, "tree": tree, "hub": hub}
"""The families whose gradient is compiled."""


@functools.cache
def compiled(family: str) -> Callable[[Floats, Floats], None] | None:
    """The compiled gradient of a family; None where there is none."""
    if family not in LOOPS:
        return None
    loop: Callable[[Floats, Floats], None] = importlib.import_module("numba").njit(LOOPS[family])
    loop(np.ones(2), np.ones(2))
    return loop


class ByHand(Engine):
    """A gradient derived by hand."""

    name = "by-hand"
    package = "numba"
    styles = ("scalars", "arrays")
    modes = ("reverse",)
    reach = Reach(gradient_ops=2**22)
    independent = False
    includes = Includes(primal="plain Python or NumPy", reverse="derived by hand, no AD")

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        if problem.reference is None:
            raise NotImplementedError("by-hand: nobody has derived it")
        self.x, self.loop = np.array(problem.x), compiled(problem.family)

    def seed(self, values: Sequence[float]) -> Any:
        """A vector."""
        return np.asarray(values)

    def pull(self, cotangent: Any) -> Any:
        """The gradient, or the cotangent times the Jacobian."""
        return cotangent @ self.jacobian("reverse")

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """By the loop that was compiled, or the reference."""
        if self.loop is None:
            return self.problem.reference()  # type: ignore[misc]
        gradient = np.empty_like(self.x)
        self.loop(self.x, gradient)
        return gradient[np.newaxis]

    def count(self, execute: Callable[[], Any]) -> Counts:
        """Nothing is swept."""
        execute()
        return Counts(sweeps=None, ops=None)
