"""The columns of the CSVs of experiments that have a folder of their own; declared as in `columns`."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.runs.columns import LANES, column


@dataclass(frozen=True, kw_only=True)
class MillionRecord:
    """One record of `results/million/million.csv`: one full gradient by N forward sweeps and by one reverse sweep."""

    graph: str = column("family of the function")
    n_inputs: int = column("N, the number of inputs")
    n_ops: int = column("ops in the graph, as recorded")
    lanes: int = column(LANES)
    threads: int = column("forward passes running at the same time; the reverse sweep runs on one")
    prepare_seconds: float = column("recording and freezing, not included in any other time")
    primal_seconds: float = column("one evaluation of the compiled function, median of 7")
    forward_sweeps: int = column("forward sweeps executed, as counted by the program")
    forward_ops: int = column("ops executed by them, as counted by the program")
    forward_seconds: float = column("wall-clock time of all forward sweeps")
    reverse_sweeps: int = column("reverse sweeps of one execution, as counted by the program")
    reverse_ops: int = column("ops executed by one reverse gradient, values included, as counted by the program")
    reverse_seconds: float = column("one reverse gradient, median of 7")
    ratio: float = column("forward_seconds divided by reverse_seconds")
    difference: float = column("largest difference between the two gradients, relative to the largest entry")
    max_error: float = column("largest difference of either from the closed form, relative to the largest entry")
    sessions: int = column("how many times it was started or resumed")
    status: str = column("`ok`, or `wrong` where the gradients differ; only `ok` records carry times and a ratio")
    finished: str = column("when, in UTC")
    cpu: str = column("processor")
    python: str = column("version of Python")
    numba: str = column("version of numba")
    commit: str = column("commit of the code, with `+` where the tree was changed")


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """One record of `results/training/training.csv`: one network trained with gradients of one kind.

    Networks of one width are trained side by side, step by step in turn; the one with two hidden units to the end, the
    wider ones for a few steps.
    """

    hidden: int = column("hidden units")
    n_inputs: int = column("N, the number of weights, which are the inputs of the error")
    mode: str = column("`forward` or `reverse`: how the gradients were made")
    lanes: int = column(LANES)
    seed: int = column("of the first weights")
    steps: int = column("updates of the weights, each after one sweep through all 64 patterns")
    learned: int = column("1 where in the end every output is within 0.1 of what is wanted, else 0")
    error: float = column("half the sum of squared differences of the outputs from what is wanted, in the end")
    sweeps: int = column("forward or reverse sweeps of one gradient, as counted")
    ops: int = column("ops executed in one gradient, recording included, as counted")
    seconds: float = column("all steps together: gradients and updates")
    step_seconds: float = column("one step: median over stretches of the training, seconds")
    step_seconds_low: float = column("lower end of its 95 % interval")
    step_seconds_high: float = column("upper end of its 95 % interval")
    ratio: float = column("its seconds of a step divided by those in reverse mode, formed in each stretch")
    ratio_low: float = column("lower end of its 95 % interval")
    ratio_high: float = column("upper end of its 95 % interval")
    difference: float = column("largest difference of the weights from reverse mode's after any step, relative")
    max_error: float = column("largest difference of any gradient from backpropagation by hand, relative")
    status: str = column("`ok`, or `wrong` where gradients or weights differ; only `ok` records carry times")
    finished: str = column("when, in UTC")
    cpu: str = column("processor")
    python: str = column("version of Python")
    numpy: str = column("version of NumPy")
    commit: str = column("commit of the code, with `+` where the tree was changed")


@dataclass(frozen=True, kw_only=True)
class LearningRecord:
    """One record of `results/training/learning.csv`: how the network does after so many sweeps through the patterns."""

    step: int = column("updates of the weights so far")
    error: float = column("half the sum of squared differences of the outputs from what is wanted")
    wrong: int = column("patterns, of 64, whose output is on the wrong side of one half")
    furthest: float = column("largest difference of an output from what is wanted")
    difference: float = column("of the weights trained by forward sweeps from those by reverse ones, relative")
    difference_lanes: float = column("the same, where a forward pass carries many tangents")


@dataclass(frozen=True, kw_only=True)
class StartRecord:
    """One record of `results/training/starts.csv`: what becomes of one start, with gradients by hand."""

    seed: int = column("of the first weights")
    steps: int = column("updates of the weights until it had learned, or was given up")
    learned: int = column("1 where every output came within 0.1 of what is wanted, else 0")
    error: float = column("half the sum of squared differences in the end")
    wrong: int = column("patterns, of 64, whose output is on the wrong side of one half in the end")
