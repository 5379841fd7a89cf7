"""Our own rule: what the Jacobian costs in either mode, from six numbers per engine that were fitted to measured times.

Everything is counted in ops of a forward sweep, so that the numbers say something, and so that those of one engine can
be tried on another:

    forward     passes * (call + ops); where a pass carries many tangents, N * tangents * ops more
    reverse     setup + record * ops + M * (sweep + back * ops)

`ops` are those of one evaluation, and there are N / lanes passes, rounded up; all of that is known before anything is
differentiated.  The numbers are fitted to the logarithm of forward over reverse time: its sign is the choice, and its
size what a wrong choice costs.  They are drawn towards `PRIOR`, loosely: a number that the functions at hand say
nothing about keeps the value that it commonly has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize

Floats = NDArray[np.float64]

PRIOR_WIDTH = 2.0
"""Standard deviation of the logarithm of each number before anything was measured: a factor of 7 either way."""

NOISE = 0.1
"""What a logarithm of a ratio is off by, roughly, that the model could explain; larger misses count less and less."""


@dataclass(frozen=True)
class CostModel:
    """What modes cost in one engine, in ops of a forward sweep.

    Attributes:
        call: of every forward pass, whatever it computes.
        setup: of a reverse gradient, once.
        record: of recording an op.
        sweep: of every reverse sweep, whatever it sweeps.
        back: of sweeping an op in reverse.
        tangents: of an op for each tangent, in passes that carry many.
    """

    call: float
    setup: float
    record: float
    sweep: float
    back: float
    tangents: float

    def log_ratio(self, inputs: Floats, outputs: Floats, ops: Floats, lanes: Floats) -> Floats:
        """The logarithm of the time of the forward Jacobian over that of the reverse one.

        Args:
            inputs: N, shape (problems,).
            outputs: M.
            ops: of one evaluation.
            lanes: tangents carried together in one forward pass.
        """
        return _log_ratio(_numbers(self), inputs, outputs, ops, lanes)[0]

    def choose(self, inputs: Floats, outputs: Floats, ops: Floats, lanes: Floats) -> NDArray[np.bool_]:
        """Whether forward mode is chosen, shape (problems,), from what `log_ratio` takes."""
        chosen: NDArray[np.bool_] = self.log_ratio(inputs, outputs, ops, lanes) < 0.0
        return chosen


PRIOR = CostModel(call=5.0, setup=5.0, record=1.0, sweep=5.0, back=1.0, tangents=0.3)
"""A sweep costs about the same in either mode (Griewank and Walther 2008); an overhead is worth a few ops."""


def fit(problems: pd.DataFrame, weights: Floats, start: CostModel = PRIOR) -> CostModel:
    """Fit the numbers of one engine.

    Args:
        problems: the columns `n_inputs`, `n_outputs`, `ops`, `lanes` and `log_ratio`, one row per problem.
        weights: of the problems, shape (problems,); a weight of 0 leaves one out.  Their sum counts as so many
            independent measurements against the prior.
        start: where to start from.
    """
    used = problems[weights > 0.0]
    *known, measured = (
        used[name].to_numpy(np.float64) for name in ("n_inputs", "n_outputs", "ops", "lanes", "log_ratio")
    )
    root, prior = np.sqrt(weights[weights > 0.0]), _numbers(PRIOR)

    def residuals(numbers: Floats) -> Floats:
        misses = (_log_ratio(numbers, *known)[0] - measured) / NOISE
        return np.concatenate([root * _robust(misses)[0], (numbers - prior) / PRIOR_WIDTH])

    def slopes(numbers: Floats) -> Floats:
        predicted, slope = _log_ratio(numbers, *known)
        factor = root * _robust((predicted - measured) / NOISE)[1] / NOISE
        return np.concatenate([factor[:, np.newaxis] * slope, np.eye(len(numbers)) / PRIOR_WIDTH])

    found = optimize.least_squares(residuals, _numbers(start), slopes, bounds=(prior - 12.0, prior + 12.0))
    return CostModel(*np.exp(found.x).tolist())


def mean(models: Sequence[CostModel]) -> CostModel:
    """The geometric mean of the numbers of some engines, at least one: what they say of another."""
    return CostModel(*np.exp(np.mean([_numbers(each) for each in models], axis=0)).tolist())


def _numbers(model: CostModel) -> Floats:
    """The logarithms of the numbers."""
    return np.log(astuple(model))


def _log_ratio(numbers: Floats, inputs: Floats, outputs: Floats, ops: Floats, lanes: Floats) -> tuple[Floats, Floats]:
    """The logarithm of forward over reverse, and its derivatives in the numbers, which are logarithms themselves."""
    call, setup, record, sweep, back, tangents = np.exp(numbers)
    passes = np.ceil(inputs / lanes)
    carried = np.where(lanes > 1.0, tangents * inputs * ops, 0.0)
    forward = passes * (call + ops) + carried
    parts = [np.full_like(ops, setup), record * ops, outputs * sweep, outputs * back * ops]
    reverse = np.sum(parts, axis=0)
    slopes = [passes * call / forward, *(-part / reverse for part in parts), carried / forward]
    return np.log(forward / reverse), np.stack(slopes, axis=-1)


def _robust(misses: Floats) -> tuple[Floats, Floats]:
    """Residuals whose square grows as a large miss itself, not as its square (soft L1), and their derivatives."""
    root = np.sqrt(1.0 + np.square(misses))
    size = np.sqrt(2.0 * (root - 1.0))
    slope = np.abs(misses) / np.maximum(root * size, 1e-12)
    return np.sign(misses) * size, np.where(size > 1e-9, slope, 1.0)
