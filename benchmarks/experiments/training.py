"""Training with gradients of either mode, to the end: the network that learned mirror symmetry in 1986.

    python -m benchmarks training

The network and its error are the workload `symmetry`; the update is that of D. Rumelhart, G. Hinton and R. Williams
(Nature 323, 1986), equation 9, with the paper's values, after every sweep through all 64 patterns:

    change = -EPSILON dE/dw + ALPHA change,    w = w + change

Three learners start from the same weights and take every step in turn: one with the reverse gradient, one with forward
sweeps of one tangent each, one with forward sweeps that carry many.  Each goes its own way, so that a difference of
theirs would grow; every gradient is checked against backpropagation written by hand.  It has learned when every
output is within `CLOSE` of what is wanted.  Not every start leads there, which is told as well.

Three tables: `learning.csv` has the learning curve, `training.csv` the time of training, and of a step in wider
networks, `starts.csv` what becomes of other starts.  Each is written as soon as it is known, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import ad
from benchmarks.engines.ad_eager import Eager
from benchmarks.engines.base import TOLERANCE
from benchmarks.findings.blocks import Floats, median_interval
from benchmarks.findings.words import interval, times
from benchmarks.functions.problem import Problem
from benchmarks.functions.workloads import symmetry
from benchmarks.runs import environment
from benchmarks.runs.experiment_columns import LearningRecord, StartRecord, TrainingRecord
from benchmarks.runs.files import write_records
from benchmarks.stopwatch import collected, once

EPSILON = 0.1
ALPHA = 0.9
CLOSE = 0.1
LIMIT = 5000
"""Sweeps after which a start that has not learned is given up."""
WIDTHS = (4, 8, 16, 32, 64, 128)
STEPS = 10
"""Sweeps that a wider network is trained for, to time them."""
STARTS = 20
SWEEPS_OF_THE_PAPER = 1425
CHUNKS = 20
"""A step's time is the median over so many stretches of a training, each a mean over its steps."""

Report = Callable[[str, int, int], None]
"""Told what is being done, how many sweeps of it are done, and how many there are at most."""


@dataclass(frozen=True)
class Plan:
    """What to train.

    Attributes:
        folder: where the tables go.
        seed: of the first weights.
        limit: sweeps after which training is given up.
        widths: hidden units of the other networks that are timed.
        starts: seeds tried, from 0 on.
    """

    folder: Path
    seed: int = symmetry.SEED
    limit: int = LIMIT
    widths: Sequence[int] = WIDTHS
    starts: int = STARTS


@dataclass
class Learner:
    """A network that is being trained with gradients of one kind.

    Attributes:
        mode, lanes: of the gradients.
        gradient: of the error, in the weights.
        weights, change, slope: where it is, the last step, and the last gradient.
        sweeps, ops: of one gradient, as counted by the engine.
        seconds: of each step taken, gradient and update.
        max_error: largest difference of any gradient from the one by hand, relative to the largest entry.
        difference: largest difference of the weights from those of the first learner after any step, relative to the
            largest weight.
    """

    mode: str
    lanes: int
    gradient: Callable[[Floats], Floats]
    weights: Floats
    change: Floats
    slope: Floats
    sweeps: int
    ops: int
    seconds: list[float] = field(default_factory=list)
    max_error: float = 0.0
    difference: float = 0.0

    def step(self) -> None:
        """One gradient, one update."""
        self.slope = self.gradient(self.weights)
        self.weights, self.change = updated(self.weights, self.change, self.slope)

    def timed_step(self, by_hand: Callable[[Floats], Floats]) -> None:
        """One step, timed and checked."""
        expected = by_hand(self.weights)
        elapsed, _ = once(self.step)
        self.seconds.append(elapsed)
        self.max_error = max_of(self.max_error, np.max(np.abs(self.slope - expected)) / np.max(np.abs(expected)))


def max_of(a: float, b: float) -> float:
    """The larger of two; NaN where either is."""
    return float(np.maximum(a, b))


def updated(weights: Floats, change: Floats, slope: Floats) -> tuple[Floats, Floats]:
    """The next weights and change: equation 9 of the paper."""
    change = -EPSILON * slope + ALPHA * change
    return weights + change, change


def learners(problem: Problem) -> list[Learner]:
    """One of each kind, all at the problem's weights; the first is reverse mode."""

    def f(weights: Floats) -> Floats:
        error: Floats = problem.f(ad, weights)
        return error

    start = np.array(problem.x)
    many = min(Eager.lanes, problem.n_inputs)
    kinds = [("reverse", 1, ad.grad(f)), *(("forward", lanes, ad.jacfwd(f, lanes=lanes)) for lanes in (1, many))]
    found = []
    for mode, lanes, gradient in kinds:
        with ad.count() as counts:
            slope = gradient(start)
        learner = Learner(
            mode=mode,
            lanes=lanes,
            gradient=gradient,
            weights=start,
            change=0.0 * start,
            slope=slope,
            sweeps=counts.sweeps + counts.lanes,
            ops=counts.ops,
        )
        found.append(learner)
    return found


def seen(step: int, weights: Floats, differences: Sequence[float] = (0.0, 0.0)) -> LearningRecord:
    """How well the network does with these weights."""
    off = np.abs(symmetry.outputs(np, weights, symmetry.PATTERNS) - symmetry.SYMMETRIC)
    return LearningRecord(
        step=step,
        error=0.5 * float(np.sum(off**2)),
        wrong=int(np.sum(off >= 0.5)),
        furthest=float(np.max(off)),
        difference=differences[0],
        difference_lanes=differences[1],
    )


def by_hand(weights: Floats) -> Floats:
    """Backpropagation on all patterns."""
    return symmetry.backpropagation(weights, symmetry.PATTERNS, symmetry.SYMMETRIC)


def train(problem: Problem, steps: int, report: Report) -> tuple[list[Learner], list[LearningRecord]]:
    """Train all kinds of learners side by side until the first has learned, or for so many steps.

    Returns:
        The learners, and how the first one did before each step and after the last.
    """
    all_kinds = learners(problem)
    first, *others = all_kinds
    curve = [seen(0, first.weights)]
    while curve[-1].furthest > CLOSE and len(curve) <= steps:
        with collected():
            turn = len(curve) % len(all_kinds)
            for learner in (*all_kinds[turn:], *all_kinds[:turn]):
                learner.timed_step(by_hand)
        apart = [np.max(np.abs(other.weights - first.weights)) / np.max(np.abs(first.weights)) for other in others]
        for other, difference in zip(others, apart, strict=True):
            other.difference = max_of(other.difference, difference)
        curve.append(seen(len(curve), first.weights, [float(difference) for difference in apart]))
        report(f"training {problem.size} hidden units", len(curve) - 1, steps)
    return all_kinds, curve


def start(seed: int, limit: int) -> StartRecord:
    """What becomes of one start, with the gradient by hand."""
    weights = symmetry.weights(symmetry.PAPER, seed)
    change, steps = np.zeros_like(weights), 0
    state = seen(0, weights)
    while state.furthest > CLOSE and steps < limit:
        weights, change = updated(weights, change, by_hand(weights))
        steps += 1
        state = seen(steps, weights)
    return StartRecord(
        seed=seed, steps=steps, learned=int(state.furthest <= CLOSE), error=state.error, wrong=state.wrong
    )


def records(
    problem: Problem, seed: int, kinds: Sequence[Learner], curve: Sequence[LearningRecord]
) -> list[TrainingRecord]:
    """One record for each learner of one network; times only where all gradients were right."""
    machine = environment.describe()
    seconds = np.array([_stretches(each.seconds) for each in kinds])
    middle, low, high = median_interval(seconds)
    ratio, ratio_low, ratio_high = median_interval(seconds / seconds[0])
    good = all(max(each.max_error, each.difference) <= TOLERANCE for each in kinds)  # NaN fails
    nan = float("nan")
    return [
        TrainingRecord(
            hidden=int(problem.size),  # type: ignore[arg-type]
            n_inputs=problem.n_inputs,
            mode=each.mode,
            lanes=each.lanes,
            seed=seed,
            steps=len(each.seconds),
            learned=int(curve[-1].furthest <= CLOSE),
            error=curve[-1].error,
            sweeps=each.sweeps,
            ops=each.ops,
            seconds=sum(each.seconds) if good else nan,
            step_seconds=float(middle[k]) if good else nan,
            step_seconds_low=float(low[k]) if good else nan,
            step_seconds_high=float(high[k]) if good else nan,
            ratio=float(ratio[k]) if good else nan,
            ratio_low=float(ratio_low[k]) if good else nan,
            ratio_high=float(ratio_high[k]) if good else nan,
            difference=each.difference,
            max_error=each.max_error,
            status="ok" if good else "wrong",
            finished=environment.now(),
            cpu=machine["cpu"] or "",
            python=machine["python"],
            numpy=machine["versions"].get("numpy", ""),
            commit=(machine["commit"] or "") + ("+" if machine["dirty"] else ""),
        )
        for k, each in enumerate(kinds)
    ]


def _stretches(seconds: Sequence[float]) -> list[float]:
    """Seconds of a step in each stretch of a training."""
    return [float(np.mean(stretch)) for stretch in np.array_split(seconds, min(CHUNKS, len(seconds)))]


def run(plan: Plan, report: Report = lambda *_: None) -> tuple[list[TrainingRecord], list[StartRecord]]:
    """Train, time, try the starts; write the three tables as they are finished."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    paper = symmetry.at(symmetry.PAPER, plan.seed)
    kinds, curve = train(paper, plan.limit, report)
    write_records(plan.folder / "learning.csv", curve)
    found = records(paper, plan.seed, kinds, curve)
    write_records(plan.folder / "training.csv", found)
    for width in plan.widths:
        wider = symmetry.at(width, plan.seed)
        found += records(wider, plan.seed, *train(wider, STEPS, report))
        write_records(plan.folder / "training.csv", found)
    starts = []
    for seed in range(plan.starts):
        starts.append(start(seed, plan.limit))
        report("other starts", seed + 1, plan.starts)
    write_records(plan.folder / "starts.csv", starts)
    return found, starts


# ---- in words -------------------------------------------------------------------------------------------------------


def sentences(found: Sequence[TrainingRecord], starts: Sequence[StartRecord]) -> list[str]:
    """What was found, a sentence for each thing."""
    paper = [each for each in found if each.hidden == symmetry.PAPER]
    wrong = [each for each in found if each.status != "ok"]
    if wrong:
        worst = wrong[0]
        return [
            f"The gradients of {worst.hidden} hidden units are wrong: off by {worst.max_error:.2g} from those by hand, "
            f"weights apart by {worst.difference:.2g} (allowed {TOLERANCE:.0e}); no time is recorded."
        ]
    said = [_trained(paper), *([_wider(found)] if len(found) > len(paper) else [])]
    if starts:
        learned = [each for each in starts if each.learned]
        left = [each.error for each in starts if not each.learned]
        told = f"Of the starts with seeds 0 to {len(starts) - 1}, {len(learned)} learn"
        if learned:
            told += f", after {min(each.steps for each in learned):,} to {max(each.steps for each in learned):,} sweeps"
        if left:
            most = max(each.steps for each in starts)
            errors = " to ".join(dict.fromkeys(f"{each:.3g}" for each in (min(left), max(left))))
            told += f"; the other {len(left)} have an error of {errors} left after {most:,}"
        said.append(f"{told}.")
    return said


def _trained(paper: Sequence[TrainingRecord]) -> str:
    reverse, *forward = paper
    learned = f"has not learned after {reverse.steps:,} sweeps through the patterns: error {reverse.error:.3g}"
    if reverse.learned:
        learned = f"learns mirror symmetry in {reverse.steps:,} sweeps through the patterns"
        learned += f" ({SWEEPS_OF_THE_PAPER:,} in the paper, from other weights)"
    kinds = " and ".join(
        f"{each.seconds:.3g} s with forward sweeps, {_many(each.lanes)}, {_ratio(each)}" for each in forward
    )
    return (
        f"From seed {reverse.seed} the network of {reverse.hidden} hidden units, {reverse.n_inputs} weights, "
        f"{learned}. "
        f"Training takes {reverse.seconds:.3g} s with reverse gradients, {kinds}. "
        f"After every step the weights are the same to {max(each.difference for each in forward):.1e}."
    )


def _wider(found: Sequence[TrainingRecord]) -> str:
    widest = [each for each in found if each.hidden == max(each.hidden for each in found)]
    reverse, *forward = widest
    kinds = " and ".join(f"{_ratio(each)} with forward sweeps, {_many(each.lanes)}" for each in forward)
    return (
        f"With {reverse.hidden} hidden units, {reverse.n_inputs:,} weights, a step takes "
        f"{reverse.step_seconds * 1e3:.3g} ms with the reverse gradient, {kinds}."
    )


def _many(lanes: int) -> str:
    return "one tangent at a time" if lanes == 1 else f"{lanes} at a time"


def _ratio(each: TrainingRecord) -> str:
    return f"{times(each.ratio)} times as long, {interval(each.ratio_low, each.ratio_high)}"
