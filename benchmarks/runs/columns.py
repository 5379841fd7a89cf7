"""The columns of a run's CSVs: one frozen dataclass per file, one field per column.

The writer, the reader's dtypes and the column dictionary in `results/README.md` all come from these fields, so that a
column is declared once.  Which file has which dataclass is said in `tables`; `files` reads and writes them.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "wrong", "over_budget", "out_of_memory", "unsupported", "error"]

STATUSES: dict[str, str] = {
    "ok": "measured; the only status whose records carry times",
    "wrong": "the derivative failed its check; `max_error` says by how much, and there is no time",
    "over_budget": "skipped, because it would not have fitted into the run's time budget",
    "out_of_memory": "ran out of memory",
    "unsupported": "this engine cannot do it here; `note` says why, or what to install",
    "error": "raised, or ran beyond the time limit of a cell; `note` says what happened",
}

IDENTITY = ("graph", "size", "n_inputs", "n_outputs", "engine", "mode", "quantity", "lanes", "dtype")
"""The columns that tell a cell from all others of a run."""


def column(doc: str, *, before: str | None = None, **default: Any) -> Any:
    """A dataclass field with the sentence that explains its column.

    Args:
        doc: the sentence.
        before: what records are taken to say that were written before there was such a column.
        default: of the field.
    """
    return dataclasses.field(metadata={"doc": doc, "before": before}, **default)


def kinds(record_type: type) -> dict[str, str]:
    """The columns of a table, in order, each with its annotation: `str`, `int`, `int | None` or `float`."""
    return {field.name: str(field.type) for field in dataclasses.fields(record_type)}


def before(record_type: type) -> dict[str, str]:
    """The columns that were not always there, each with what older records are taken to say."""
    said = {field.name: field.metadata["before"] for field in dataclasses.fields(record_type)}
    return {name: value for name, value in said.items() if value is not None}


LANES = "tangents carried together through one forward pass; 1 is the textbook's forward mode"
"""What the column `lanes` says where records of one tangent stand beside those of many."""


@dataclass(frozen=True, kw_only=True)
class TimingRecord:
    """One record of `timings.csv`: one cell in one block."""

    run: str = column("name of the run, which is the name of its folder")
    block: int = column("number of the block, from 1; 0 for what was decided before the first block")
    graph: str = column("family of the function; `map` and `trunk` are those with N inputs and M outputs")
    size: str = column("which of the family's problems: a number, or one for each way in which it grows, as `8x16`")
    n_inputs: int = column("N, the number of inputs")
    n_outputs: int = column("M, the number of outputs")
    n_ops: int | None = column("ops in the graph, from the family's formula; empty where there is none", default=None)
    depth: int | None = column(
        "ops on the longest path through the graph, from the family's formula; empty where there is none", default=None
    )
    engine: str = column("what executed it")
    engine_version: str = column("version of the engine; of the project's own, with the commit of the code")
    mode: str = column("`primal` (no derivative), `forward` or `reverse`")
    quantity: str = column(
        "`primal` (the value), `jvp` (one forward sweep), `vjp` (one reverse sweep), or `gradient` (every partial of "
        "every output: N forward sweeps or M reverse sweeps)"
    )
    lanes: int = column(LANES)
    dtype: str = column("what it was computed in: `float64` or `float32`", before="float64")
    twin: int = column("1 for the second of two identical cells, which measure the noise; 0 otherwise", default=0)
    prepare_seconds: float = column(
        "what was done once before and is in no other time: inputs converted, recorded, compiled; the cells of one "
        "problem and engine share it",
        default=math.nan,
    )
    sweeps: int | None = column("forward or reverse sweeps that the engine counted in one execution", default=None)
    ops_executed: int | None = column("ops that the engine counted in one execution, recording included", default=None)
    elements_executed: int | None = column(
        "numbers that these ops computed: one for each op on numbers, as many as it has elements for one on arrays",
        default=None,
    )
    seconds_min: float = column("shortest round, seconds per execution", default=math.nan)
    seconds_median: float = column("median over rounds, seconds per execution", default=math.nan)
    seconds_mean: float = column("mean over rounds, seconds per execution", default=math.nan)
    seconds_stddev: float = column("standard deviation over rounds, seconds; empty for one round", default=math.nan)
    rounds: int | None = column("rounds timed in this visit", default=None)
    iterations: int | None = column("executions per round; the clock is read before and after a round", default=None)
    max_error: float = column(
        "largest difference found by the cell's check, relative to the largest entry; empty where none was made",
        default=math.nan,
    )
    status: str = column("`" + "`, `".join(STATUSES) + "`: see below")
    note: str = column("what the number includes, or why there is none", default="")


@dataclass(frozen=True, kw_only=True)
class SummaryRecord:
    """One record of `summary.csv`: one cell over all blocks.

    Intervals are 95 % intervals of the median over blocks (one block: none), within one run: they do not hold what
    changes from run to run (memory layout, frequency, other load).  Ratios are formed inside a block.  The interval of
    a speedup is widened by the noise floor, by which identical cells differ, so that more of other runs fit in.
    """

    run: str = column("name of the run")
    graph: str = column("family of the function")
    size: str = column("which of the family's problems: a number, or one for each way in which it grows, as `8x16`")
    n_inputs: int = column("N, the number of inputs")
    n_outputs: int = column("M, the number of outputs")
    n_ops: int | None = column("ops in the graph; empty where no formula is known", default=None)
    engine: str = column("what executed it")
    mode: str = column("`primal`, `forward` or `reverse`")
    quantity: str = column("`primal`, `jvp`, `vjp` or `gradient`")
    lanes: int = column("tangents carried together through one forward pass")
    dtype: str = column("what it was computed in", before="float64")
    blocks: int = column("blocks in which the cell was timed")
    seconds_median: float = column("median over blocks of the block's median, seconds per execution")
    seconds_low: float = column("lower end of its 95 % interval")
    seconds_high: float = column("upper end of its 95 % interval")
    primal_ratio: float = column("seconds divided by the same engine's primal at the same size, formed inside a block")
    primal_ratio_low: float = column("lower end of its 95 % interval")
    primal_ratio_high: float = column("upper end of its 95 % interval")
    speedup: float = column(
        "forward gradient only: its seconds, with its lanes, divided by the reverse gradient's, formed inside a block"
    )
    speedup_low: float = column("lower end of its 95 % interval, widened by the noise floor")
    speedup_high: float = column("upper end of its 95 % interval, widened by the noise floor")
    verdict: str = column(
        "reverse against forward: `faster`, `slower`, or `no difference` where the interval reaches the noise floor"
    )
    status: str = column("as in `timings.csv`; `ok` if any block is, unless one was `wrong`")


@dataclass(frozen=True, kw_only=True)
class ScalingRecord:
    """One record of `scaling.csv`: how the cost relative to the primal grows with N (with M on `broadcast`)."""

    run: str = column("name of the run")
    graph: str = column("family of the function")
    engine: str = column("what executed it")
    mode: str = column("`forward` or `reverse`")
    quantity: str = column("the quantity fitted")
    lanes: int = column("tangents carried together through one forward pass")
    points: int = column("sizes that went into the fit")
    n_min: int = column("smallest size measured")
    n_max: int = column("largest size measured")
    exponent: float = column("fitted exponent p of N**p, apart from overheads of gradient and primal")
    exponent_low: float = column("lower end of its 95 % interval")
    exponent_high: float = column("upper end of its 95 % interval")
    theory: float = column("the exponent that theory gives")
    verdict: str = column(
        "`agrees` (the whole interval is within 0.1 of theory), `disagrees` (no part is, and the three largest sizes "
        "show it without a fit) or `inconclusive`"
    )


@dataclass(frozen=True, kw_only=True)
class CrossoverRecord:
    """One record of `crossover.csv`: from which N on one reverse sweep beats N forward sweeps."""

    run: str = column("name of the run")
    graph: str = column("family of the function")
    engine: str = column("what executed it")
    crossover: float = column("the N at which both cost the same; empty where the measured sizes do not enclose it")
    crossover_low: float = column("lower end of its 95 % interval; n_max where forward wins at every size")
    crossover_high: float = column("upper end of its 95 % interval; n_min where reverse wins at every size")
    n_min: int = column("smallest size measured in both modes")
    n_max: int = column("largest size measured in both modes")
    note: str = column("what is to be known about it")


@dataclass(frozen=True, kw_only=True)
class MemoryRecord:
    """One record of `memory.csv`: memory of one cell, measured in a pass of its own, never while timing."""

    run: str = column("name of the run")
    graph: str = column("family of the function")
    size: str = column("which of the family's problems: a number, or one for each way in which it grows, as `8x16`")
    n_inputs: int = column("N, the number of inputs")
    n_ops: int | None = column("ops in the graph; empty where no formula is known", default=None)
    engine: str = column("what executed it")
    mode: str = column("`primal`, `forward` or `reverse`")
    dtype: str = column("what it was computed in", before="float64")
    tape_bytes: int | None = column("bytes of the tape; empty where there is none", default=None)
    prepare_bytes: int | None = column(
        "peak of the process above its baseline while the cell was prepared (converted, recorded, compiled), bytes",
        default=None,
    )
    peak_bytes: int | None = column(
        "peak of the process above its baseline during the sweep, with what preparing left in place, bytes",
        default=None,
    )
    bytes_per_op: float = column("peak bytes divided by ops", default=math.nan)
    status: str = column("as in `timings.csv`")
    note: str = column("how it was measured, or why it was not", default="")


@dataclass(frozen=True, kw_only=True)
class CheckpointRecord:
    """One record of `checkpointing.csv`: the gradient of many steps with only so many states kept."""

    run: str = column("name of the run")
    steps: int = column("steps of the function")
    snapshots: int | None = column(
        "states kept at once, the first one included; empty for the plain reverse sweep, whose tape keeps all steps",
        default=None,
    )
    advances: int = column("steps computed without being recorded, as counted")
    advances_optimal: int = column("the fewest that are possible with so many snapshots (Griewank and Walther 2000)")
    seconds: float = column("median over rounds, seconds per gradient")
    seconds_low: float = column("lower end of its 95 % interval", default=math.nan)
    seconds_high: float = column("upper end of its 95 % interval", default=math.nan)
    peak_bytes: int = column("peak of what Python allocates, bytes, in a pass of its own")


@dataclass(frozen=True, kw_only=True)
class RegretRecord:
    """One record of `regret.csv`: one rule for choosing the mode, tried on all that an engine was measured on.

    The regret of a choice is the seconds of the mode chosen over those of the faster one; 1 where it is right, or where
    noise hides which is faster.  Families weigh the same, whatever the number of sizes; 95 % intervals are over
    families (empty with fewer than 8).  The cost model is scored on families that it was not fitted to; that of other
    engines on families and engines that it was not fitted to.
    """

    run: str = column("name of the run")
    engine: str = column("what executed it; `all` for all engines together")
    forward: str = column("`textbook` (one tangent a pass) or `lanes` (as many as the engine carries)")
    rule: str = column("the rule, for N inputs and M outputs; sources are in `benchmarks/findings/rules.py`")
    problems: int = column("functions at one size, in one engine, measured in both modes")
    families: int = column("families among them")
    wrong: float = column("share of choices of the slower mode, beyond noise")
    wrong_low: float = column("lower end of its 95 % interval")
    wrong_high: float = column("upper end of its 95 % interval")
    median: float = column("median regret")
    median_low: float = column("lower end of its 95 % interval")
    median_high: float = column("upper end of its 95 % interval")
    mean: float = column("mean regret, geometric")
    mean_low: float = column("lower end of its 95 % interval")
    mean_high: float = column("upper end of its 95 % interval; empty where nothing was lost in any family")
    against_model: float = column("mean regret divided by that of the cost model")
    against_low: float = column("lower end of its 95 % interval")
    against_high: float = column("upper end of its 95 % interval")
    verdict: str = column("against the cost model: `loses more`, `loses less` or `no difference`")
    worst: float = column("largest regret")
    worst_graph: str = column("family where that was")
    worst_inputs: int = column("its inputs")
    worst_outputs: int = column("its outputs")
    unmeasured: int = column(
        "problems, in no other column, where the rule chooses a mode that was not measured, mostly because it would "
        "have taken too long, while the other was: the rule loses more than is said"
    )


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """One record of `model.csv`: what the modes cost in an engine, in ops of a forward sweep, fitted to all families.

    Forward takes passes * (call + ops) + N * tangents * ops; reverse setup + record * ops + M * (sweep + back * ops),
    where ops are those of one evaluation, and a pass carries as many tangents as there are lanes.
    """

    run: str = column("name of the run")
    engine: str = column("what executed it")
    forward: str = column("`textbook` (one tangent a pass) or `lanes` (as many as the engine carries)")
    problems: int = column("functions at one size, measured in both modes, to which it was fitted")
    call: float = column("of a forward pass, whatever it computes")
    setup: float = column("of a reverse gradient, once")
    record: float = column("of recording an op")
    sweep: float = column("of a reverse sweep, whatever it sweeps")
    back: float = column("of an op in a reverse sweep")
    tangents: float = column("of an op for each tangent, in a pass of many; empty where there is none")


@dataclass(frozen=True, kw_only=True)
class EngineRecord:
    """One record of `engines.csv`: one engine, over all functions it was measured on.

    A sweep's cost is the median over families, each at its largest size.  What a call costs at least is the fastest
    gradient measured.  Preparation is that of gradients; it pays from so many of them on, against the fastest engine
    that prepares for less time than one gradient takes (`inf`: it does not, on most problems).
    """

    run: str = column("name of the run")
    engine: str = column("what executed it")
    functions: int = column("families and workloads with a gradient")
    forward_agrees: int = column("curves of forward gradients that grow as theory says")
    forward_disagrees: int = column("curves of forward gradients that do not")
    forward_curves: int = column("curves of forward gradients, those included that are inconclusive")
    reverse_agrees: int = column("curves of reverse gradients that grow as theory says")
    reverse_disagrees: int = column("curves of reverse gradients that do not")
    reverse_curves: int = column("curves of reverse gradients, those included that are inconclusive")
    forward_cost: float = column("one forward sweep relative to the function itself in the same engine")
    reverse_cost: float = column("one reverse sweep, recording included, relative to the function itself")
    reverse_wins_from: float = column("median over families of the size from which reverse wins, where it is enclosed")
    call_seconds: float = column("fastest gradient of any function: what a call costs at least, seconds")
    prepare_seconds: float = column("median preparation, seconds")
    prepare_worst: float = column("longest preparation, seconds")
    pays_from: float = column("gradients from which on preparation pays, median over problems; inf where it does not")
    to_the_best: float = column(
        "seconds of the faster mode relative to the fastest engine's, geometric mean over functions, each at the "
        "largest size that nearly all its engines reached"
    )
