"""The gate: no time without a checked derivative.

A cell's result is compared with an answer that does not come from the same code: the graph's own gradient, derived by
hand.  Then forward is compared with reverse, through the adjoint identity `<cotangent, J tangent> = <J' cotangent,
tangent>` or entry by entry.  Nothing is timed here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ad
from benchmarks.cells import Cell, graph_of
from benchmarks.engines import cotangent, tangent

TOLERANCE = 1e-10
"""Largest relative difference allowed between a result and its reference."""

Floats = NDArray[np.float64]
Problem = tuple[str, int, int, str]


class WrongError(Exception):
    """A result that failed its check.

    Attributes:
        max_error: the largest relative difference seen; NaN or infinite where the result is no number at all.
    """

    def __init__(self, message: str, max_error: float) -> None:
        super().__init__(message)
        self.max_error = max_error


@dataclass
class Gate:
    """What has been accepted so far, for the comparison of modes.

    Attributes:
        accepted: by problem (graph, n, m, engine) and by `mode quantity`, what a derivative gave.
    """

    accepted: dict[Problem, dict[tuple[str, str], Floats]] = field(default_factory=dict)

    def check(self, cell: Cell, result: Any, reference: Floats | None = None) -> float:
        """Check what a cell's `run` returned.

        Args:
            cell: the cell.
            result: what `run` returned: numbers, in any nesting, in the order that `Prepared` describes.
            reference: the Jacobian, shape (M, N); computed from the graph's own gradient if not given.

        Returns:
            The largest difference found, relative to the largest entry.

        Raises:
            WrongError: the result has the wrong size, is not finite, is all zero, or differs.
        """
        graph = graph_of(cell)
        n, m = graph.n_inputs(cell.n), graph.n_outputs(cell.n)
        got = numbers(result)
        x = graph.inputs(cell.n)
        if cell.mode == "primal":
            expected, scale = numbers(graph.f(ad.FLOATS, x)), None
        else:
            jacobian = numbers(graph.gradient(x)).reshape(m, n) if reference is None else reference
            expected, scale = _expected(cell, jacobian)
        error = compare(got, expected, scale)
        if cell.mode != "primal":
            problem = (cell.graph, cell.n, cell.m, cell.engine)
            accepted = self.accepted.setdefault(problem, {})
            for (mode, quantity), other in accepted.items():
                if mode != cell.mode:
                    error = max(error, _between_modes(cell, got, quantity, other, (m, n)))
            accepted[cell.mode, cell.quantity] = got
        return error


def numbers(result: Any) -> Floats:
    """The numbers of a result as a flat array.

    Raises:
        WrongError: it holds something else.
    """
    try:
        return np.asarray(result, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as problem:
        raise WrongError(f"not numbers: {problem}", math.nan) from None


def compare(got: Floats, expected: Floats, scale: float | None = None) -> float:
    """The largest difference between two arrays, relative to `scale` (by default the largest expected entry).

    Raises:
        WrongError: the sizes differ, something is not finite, all is zero, or the difference is above `TOLERANCE`.
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
    if not error <= TOLERANCE:
        raise WrongError(f"entry {worst} is {got[worst]!r}, expected {expected[worst]!r}", error)
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


def _between_modes(cell: Cell, got: Floats, quantity: str, other: Floats, shape: Sequence[int]) -> float:
    """Forward against reverse: entry by entry where both are Jacobians, by the adjoint identity otherwise."""
    try:
        if cell.quantity == quantity == "gradient":
            return compare(got, other)
        (left, terms), (right, others) = _contracted(cell.quantity, got, shape), _contracted(quantity, other, shape)
        return compare(left, right, max(terms, others))
    except WrongError as problem:
        raise WrongError(f"forward and reverse disagree: {problem}", problem.max_error) from None


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
