"""The gate: no time without a checked derivative.

A cell's result is compared with an answer that does not come from the same code: the problem's own reference.  Then
forward is compared with reverse, through the adjoint identity `<cotangent, J tangent> = <J' cotangent, tangent>` or
entry by entry.  A problem without a reference is checked by a difference along one direction, of the function on plain
numbers, and every mode and engine against every other.  Nothing is timed here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from benchmarks.cells import Cell
from benchmarks.engines.base import TOLERANCE, cotangent, plain, tangent
from benchmarks.functions.problem import Floats, Problem, Size
from benchmarks.measuring.guard import WrongError
from benchmarks.options import DTYPE

DIFFERENCE_TOLERANCE = 1e-5
"""As `TOLERANCE`, for a central difference, which has about half of the digits."""
STEP = float(np.finfo(float).eps) ** (1.0 / 3.0)


class Accepted(NamedTuple):
    """A derivative that passed, and how closely it was held to be right."""

    quantity: str
    values: Floats
    tolerance: float


@dataclass
class Gate:
    """What has been accepted so far, for the comparison of modes and engines.

    Attributes:
        accepted: by problem, then by engine, mode and quantity.
    """

    accepted: dict[tuple[str, Size], dict[tuple[str, str, str], Accepted]] = field(default_factory=dict)

    def check(self, cell: Cell, result: Any, tolerance: float = TOLERANCE, *, independent: bool = True) -> float:
        """Check what executing a cell returned.

        Args:
            cell: the cell.
            result: numbers, in any nesting, in the order that `Prepared` describes.
            tolerance: the engine's.
            independent: whether the result is not the reference itself; it is held against a difference otherwise.

        Returns:
            The largest difference found, relative to the largest entry.

        Raises:
            WrongError: the result has the wrong size, is not finite, is all zero, or differs.
            NotImplementedError: the result is not in the dtype that was asked for.
        """
        problem, got = cell.exact, numbers(result)
        # In float64 what is not would have too few digits to pass.
        if cell.dtype != DTYPE and (found := dtypes(result)) != {cell.dtype}:
            raise NotImplementedError(f"came back in {' and '.join(sorted(found))}, not in {cell.dtype}")
        if cell.mode == "primal":
            f, (xp, x) = problem.f, plain(problem)
            return compare(got, numbers(f(xp, x)), tolerance)
        if problem.reference is None or not independent:
            error = _against_difference(cell, got, tolerance)
        else:
            expected, scale = _expected(cell, problem.reference())
            error = compare(got, expected, tolerance, scale)
        others = self.accepted.setdefault((cell.graph, cell.size), {})
        mine = Accepted(cell.quantity, got, tolerance)
        compared = [
            _between(cell, mine, other, who)
            for who, other in others.items()
            if (who[0] == cell.engine and who[1] != cell.mode)
            or (problem.reference is None and who[:2] != (cell.engine, cell.mode))
        ]
        others[cell.engine, cell.mode, cell.quantity] = mine
        if problem.reference is None:
            return max(compared, default=error)
        return max(error, *compared) if compared else error


def numbers(result: Any) -> Floats:
    """The numbers of a result as a flat array.

    Raises:
        WrongError: it holds something else, complex numbers and texts included.
    """
    try:
        raw = np.asarray(result)
        if raw.dtype.kind in "cSU":
            raise TypeError(f"they are {raw.dtype}")
        return raw.astype(np.float64, copy=False).reshape(-1)
    except (TypeError, ValueError) as problem:
        raise WrongError(f"not numbers: {problem}", math.nan) from None


def dtypes(result: Any) -> set[str]:
    """The dtypes in a result, which may be nested; of a number of Python's the name of its type."""
    if isinstance(result, list | tuple):
        return set().union(*map(dtypes, result))
    return {str(getattr(result, "dtype", type(result).__name__)).removeprefix("torch.")}


def compare(got: Floats, expected: Floats, tolerance: float = TOLERANCE, scale: float | None = None) -> float:
    """The largest difference between two arrays, relative to `scale` (by default the largest expected entry).

    Raises:
        WrongError: the sizes differ, something is not finite, all is zero, or the difference is above `tolerance`.
    """
    if got.shape != expected.shape:
        raise WrongError(f"gave {got.size} numbers, expected {expected.size}", math.inf)
    broken = np.flatnonzero(~np.isfinite(got))
    if broken.size:
        raise WrongError(f"entry {broken[0]} is {got[broken[0]]}", math.nan)
    if not np.isfinite(expected).all():
        raise WrongError("the reference is not finite, so there is nothing to check against", math.nan)
    if not got.any():
        raise WrongError("all entries are zero, which shows nothing", 1.0 if expected.any() else 0.0)
    largest = float(np.max(np.abs(expected))) if scale is None else scale
    difference = np.abs(got - expected)
    worst = int(np.argmax(difference))
    error = float(difference[worst]) / largest if largest > 0.0 else math.inf
    if not error <= tolerance:
        raise WrongError(f"entry {worst} is {float(got[worst])!r}, expected {float(expected[worst])!r}", error)
    return error


def _expected(cell: Cell, jacobian: Floats) -> tuple[Floats, float | None]:
    """What a derivative cell should give, and the size of the terms it adds up: a sum is as exact as its terms."""
    m, n = jacobian.shape
    if cell.quantity == "gradient":
        return jacobian.reshape(-1), None
    if cell.quantity == "jvp":
        v = np.asarray(tangent(n))
        return jacobian @ v, float(np.max(np.abs(jacobian) @ v))
    w = np.asarray(cotangent(m))
    return w @ jacobian, float(np.max(w @ np.abs(jacobian)))


def _between(cell: Cell, mine: Accepted, other: Accepted, who: tuple[str, str, str]) -> float:
    """Two modes or engines: entry by entry where both gave the same quantity, by the adjoint identity otherwise."""
    tolerance = max(mine.tolerance, other.tolerance)
    try:
        if mine.quantity == other.quantity:
            return compare(mine.values, other.values, tolerance)
        shape = (cell.problem.n_outputs, cell.problem.n_inputs)
        left, terms = _contracted(mine.quantity, mine.values, shape)
        right, others = _contracted(other.quantity, other.values, shape)
        return compare(left, right, tolerance, max(terms, others))
    except WrongError as problem:
        pair = "forward and reverse" if who[0] == cell.engine else f"{cell.engine} and {who[0]} in {who[1]} mode"
        raise WrongError(f"{pair} disagree: {problem}", problem.max_error) from None


def _contracted(quantity: str, a: Floats, shape: Sequence[int]) -> tuple[Floats, float]:
    """`<cotangent, J tangent>` from whichever product of J is at hand, shape (1,), and the size of its terms."""
    m, n = shape
    v, w = np.asarray(tangent(n)), np.asarray(cotangent(m))
    if quantity == "jvp":
        terms = w * a
    elif quantity == "vjp":
        terms = a * v
    else:
        terms = w[:, np.newaxis] * a.reshape(m, n) * v
    return np.asarray([terms.sum()], dtype=np.float64), float(np.abs(terms).sum())


def _against_difference(cell: Cell, got: Floats, tolerance: float) -> float:
    """`<cotangent, J tangent>` against a central difference of the function on plain numbers."""
    problem = cell.exact
    n, m = problem.n_inputs, problem.n_outputs
    size = {"jvp": m, "vjp": n}.get(cell.quantity, n * m)
    if got.size != size:
        raise WrongError(f"gave {got.size} numbers, expected {size}", math.inf)
    if not np.isfinite(got).all():
        raise WrongError("not all entries are finite", math.nan)
    contracted, terms = _contracted(cell.quantity, got, (m, n))
    # The more inputs move together, the less each may move, as in the engine of central differences.
    step = STEP / float(np.linalg.norm(tangent(n) / np.maximum(1.0, np.abs(problem.x))))
    below, above = (_moved(problem, sign * step) for sign in (-1.0, 1.0))
    expected = np.asarray([np.asarray(cotangent(m)) @ (above - below) / (2.0 * step)])
    return compare(contracted, expected, max(DIFFERENCE_TOLERANCE, tolerance if cell.dtype != DTYPE else 0.0), terms)


def _moved(problem: Problem, step: float) -> Floats:
    """The outputs a step away along the tangent, on plain numbers."""
    moved = np.asarray(problem.x) + step * np.asarray(tangent(problem.n_inputs))
    return numbers(problem.f(plain(problem)[0], moved if problem.style == "arrays" else moved.tolist()))
