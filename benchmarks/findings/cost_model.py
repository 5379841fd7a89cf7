"""Our own rule: what the Jacobian costs in either mode, from five numbers per engine that were fitted to measured times.

Everything is counted in ops of a forward sweep, so that the numbers say something, and so that those of one engine can
be tried on another:

    forward     passes * (call + ops), and with lanes tangents * ops for every tangent
    reverse     setup + record * ops + M * (sweep + back * ops)

`ops` are those of one evaluation; all of that is known before anything is differentiated.  The numbers are fitted to
the logarithm of forward over reverse, since that is what decides, and its scale is that of the time that can be lost.
They are drawn towards `PRIOR`, loosely, so that one that the functions at hand say nothing of stays what it is commonly
said to be.
"""

from __future__ import annotations

import math
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
        tangents: of an op for each tangent, where many are carried together; 0 where one is.
        lanes: tangents carried together.
    """

    call: float
    setup: float
    record: float
    sweep: float
    back: float
    tangents: float = 0.0
    lanes: int = 1

    def log_ratio(self, inputs: Floats, outputs: Floats, ops: Floats) -> Floats:
        """The logarithm of the time of the forward Jacobian over that of the reverse one, shape of the arguments."""
        numbers = np.log(np.maximum([*astuple(self)[:5], self.tangents], 1e-300))
        result: Floats = _log_ratio(numbers, _terms(inputs, outputs, ops, self.lanes), several=self.lanes > 1)[0]
        return result

    def choose(self, inputs: Floats, outputs: Floats, ops: Floats) -> NDArray[np.bool_]:
        """Whether forward mode is chosen, shape of the arguments."""
        chosen: NDArray[np.bool_] = self.log_ratio(inputs, outputs, ops) < 0.0
        return chosen


PRIOR = CostModel(call=5.0, setup=5.0, record=1.0, sweep=5.0, back=1.0, tangents=0.3)
"""A sweep costs about the same in either mode (Griewank and Walther 2008); an overhead is worth a few ops."""


def fit(problems: pd.DataFrame, weights: Floats, start: CostModel = PRIOR) -> CostModel:
    """Fit the numbers of one engine.

    Args:
        problems: the columns `n_inputs`, `n_outputs`, `ops`, `lanes` (one value in all rows) and `log_ratio`.
        weights: of the problems, shape (problems,); a weight of 0 leaves one out.  Their sum counts as so many
            independent measurements against the prior.
        start: where to start from.
    """
    used = weights > 0.0
    lanes = int(problems["lanes"].max()) if len(problems) else 1
    inputs, outputs, ops, measured = (
        problems.loc[used, name].to_numpy(np.float64) for name in ("n_inputs", "n_outputs", "ops", "log_ratio")
    )
    terms, root = _terms(inputs, outputs, ops, lanes), np.sqrt(weights[used])
    prior = _numbers(PRIOR, lanes)

    def residuals(numbers: Floats) -> Floats:
        predicted, _ = _log_ratio(numbers, terms, several=lanes > 1)
        return np.concatenate([root * _robust((predicted - measured) / NOISE)[0], (numbers - prior) / PRIOR_WIDTH])

    def slopes(numbers: Floats) -> Floats:
        predicted, slope = _log_ratio(numbers, terms, several=lanes > 1)
        factor = root * _robust((predicted - measured) / NOISE)[1] / NOISE
        return np.concatenate([factor[:, np.newaxis] * slope, np.eye(len(numbers)) / PRIOR_WIDTH])

    found = optimize.least_squares(residuals, _numbers(start, lanes), slopes, bounds=(prior - 12.0, prior + 12.0))
    return _model(found.x, lanes)


def mean(models: Sequence[CostModel], lanes: int) -> CostModel:
    """The geometric mean of the numbers of some engines: what is known of another engine, with lanes of its own.

    Args:
        models: at least one.
        lanes: of the other engine.
    """
    numbers = np.mean([_numbers(each, 2) for each in models], axis=0)
    return _model(numbers[: 6 if lanes > 1 else 5], lanes)


def _numbers(model: CostModel, lanes: int) -> Floats:
    """The logarithms of the numbers; that of `tangents` only where there are lanes, and the prior's where it is 0."""
    numbers = [math.log(value) for value in astuple(model)[:5]]
    return np.array([*numbers, math.log(model.tangents or PRIOR.tangents)] if lanes > 1 else numbers)


def _model(numbers: Floats, lanes: int) -> CostModel:
    return CostModel(*np.exp(numbers).tolist(), lanes=lanes)


def _terms(inputs: Floats, outputs: Floats, ops: Floats, lanes: int) -> tuple[Floats, ...]:
    passes = np.ceil(np.asarray(inputs, np.float64) / lanes)
    return passes, np.asarray(inputs, np.float64), np.asarray(outputs, np.float64), np.asarray(ops, np.float64)


def _log_ratio(numbers: Floats, terms: tuple[Floats, ...], *, several: bool) -> tuple[Floats, Floats]:
    """The logarithm of forward over reverse, and its derivatives in the numbers, which are logarithms themselves."""
    passes, inputs, outputs, ops = terms
    call, setup, record, sweep, back, *tangents = np.exp(numbers)
    carried = tangents[0] * inputs * ops if several else np.zeros_like(ops)
    forward = passes * (call + ops) + carried
    parts = [np.full_like(ops, setup), record * ops, outputs * sweep, outputs * back * ops]
    reverse = np.sum(parts, axis=0)
    slopes = [passes * call / forward, *(-part / reverse for part in parts)]
    return np.log(forward / reverse), np.stack([*slopes, *([carried / forward] if several else [])], axis=-1)


def _robust(misses: Floats) -> tuple[Floats, Floats]:
    """Residuals whose square grows as the miss and no longer as its square (soft L1), and their derivatives."""
    root = np.sqrt(1.0 + np.square(misses))
    size = np.sqrt(2.0 * (root - 1.0))
    slope = np.abs(misses) / np.maximum(root * size, 1e-12)
    return np.sign(misses) * size, np.where(size > 1e-9, slope, 1.0)
