"""What a run found, as data and in words: terminal, README and figures say the same sentences.

Each finding is a frozen dataclass of numbers, interval and verdict, with one method `sentence()`.  A number that the
noise hides is in no sentence.  `findings(run)` collects them, always in the order of the catalogue; `closing` makes the
last lines of a run of them, `benchmarks.page` the README.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.findings.analysis import noise_floor, noise_floors, noise_verdict, summarise
from benchmarks.findings.blocks import PRECEDENCE, is_twin
from benchmarks.findings.crossover import crossover, map_border
from benchmarks.findings.scaling import scaling

if TYPE_CHECKING:
    from benchmarks.runs.files import Run


BUSY = 0.5
"""From this load on, something else was running when a run began."""


@dataclass(frozen=True)
class Speedup:
    """One reverse gradient against one forward gradient of the same function, size and engine.

    `value` is forward seconds over reverse seconds, with its 95 % interval (NaN with one block); `verdict` is `faster`
    or `slower` (reverse), `no difference`, or "" where nothing can be said.  `lanes` is the tangents in one forward
    pass: 1 is the textbook's forward mode, more is what a good implementation does.  A run that is too noisy is not
    `trusted`: it says which mode is faster, where the interval does, and not by how much.
    """

    graph: str
    engine: str
    lanes: int
    n_inputs: int
    n_outputs: int
    value: float
    low: float
    high: float
    verdict: str
    trusted: bool = True

    @property
    def winner(self) -> str:
        """The faster mode, or what else can be said."""
        return {"faster": "reverse", "slower": "forward", "no difference": "even"}.get(self.verdict, "undecided")

    @property
    def size(self) -> str:
        """The size by which the family grows, as `N = 256`."""
        return f"M = {self.n_outputs:,}" if self.n_outputs > self.n_inputs else f"N = {self.n_inputs:,}"

    def brief(self) -> str:
        """A cell of a table: the ratio and the size; no ratio where noise hides it."""
        ratio = times(self.value) if self.value >= 1.0 else f"1/{times(1.0 / self.value)}"
        said = ratio if self.trusted and self.winner in ("reverse", "forward") else self.winner
        where = f"M {self.n_outputs:,}" if self.n_outputs > self.n_inputs else f"{self.n_inputs:,}"
        return f"{said} ({where})"

    def sentence(self) -> str:
        """Who is faster, and by how much."""
        tangents = "1 tangent" if self.lanes == 1 else f"{self.lanes} tangents"
        about = f"{self.graph} ({self.engine}, {tangents} a pass), {self.size}"
        if self.verdict == "no difference":
            return f"{about}: no difference between the modes."
        if self.verdict == "":
            return f"{about}: undecided; measure more blocks."
        if not self.trusted:
            return f"{about}: {self.winner} is faster; the run is too noisy to say by how much."
        winner, value, low, high = "reverse", self.value, self.low, self.high
        if self.verdict == "slower":
            winner, value, low, high = "forward", 1.0 / value, 1.0 / high, 1.0 / low
        return f"{about}: {winner} is {times(value)} times as fast, 95 % [{low:,.3g}, {high:,.3g}]."


@dataclass(frozen=True)
class Growth:
    """How the cost of one kind of gradient grows relative to the primal: an exponent against theory's."""

    graph: str
    engine: str
    mode: str
    lanes: int
    exponent: float
    low: float
    high: float
    theory: float
    verdict: str

    def apart(self, exponent: float) -> bool:
        """Whether the interval excludes an exponent."""
        return self.low > exponent or self.high < exponent

    def sentence(self) -> str:
        """Whether it grows as theory says."""
        tangents = "" if self.lanes == 1 else f", {self.lanes} tangents"
        about = f"{self.graph} ({self.engine}{tangents}), {self.mode}"
        if self.verdict == "inconclusive":
            return f"{about}: growth inconclusive; theory says N**{self.theory:g}."
        interval = f"N**{self.exponent:.2f}, 95 % [{self.low:.2f}, {self.high:.2f}]"
        return f"{about}: {interval}, which {self.verdict} with theory's N**{self.theory:g}."


@dataclass(frozen=True)
class Crossover:
    """From which size on reverse wins; a bound in `low` or `high` alone where one mode wins at every size measured."""

    graph: str
    engine: str
    value: float
    low: float
    high: float
    note: str

    def sentence(self) -> str:
        """The first whole number of inputs from which reverse wins."""
        about = f"{self.graph} ({self.engine})"
        if math.isnan(self.value):
            return f"{about}: {self.note}."
        if math.isnan(self.low) or math.isnan(self.high):
            return f"{about}: where reverse starts to win is uncertain: {self.note}."
        return f"{about}: reverse wins from {self.first} inputs on, 95 % [{self.low:.3g}, {self.high:.3g}]."

    @property
    def first(self) -> int:
        """The first whole number of inputs from which reverse wins: 4 where the curves cross at 3.1."""
        return math.ceil(self.value)


@dataclass(frozen=True)
class Noise:
    """The noise floor (NaN: not measured), and what was seen where the machine was too noisy to trust.

    `load` is how many programs were running when the run began, and `cores` how many it could use; 0 if unknown.
    """

    floor: float
    seen: str | None
    load: float = 0.0
    cores: int = 0

    def sentence(self) -> str:
        """What is not called a difference, and what to do on a noisy machine."""
        if self.seen:
            busy = f" {self.load:.1f} programs ran on {self.cores} cores when it began." if self.load >= BUSY else ""
            return f"{self.seen}{busy} Close other programs, or give more time for blocks (--budget)."
        if math.isnan(self.floor):
            return "Noise floor: not measured, so nothing is called a difference."
        return f"Noise floor: identical cells differ by up to {self.floor:.1%}; nothing smaller is called a difference."


@dataclass(frozen=True)
class Sweeps:
    """Counted sweeps of full gradients: how many were checked, how many were astray, and the first of those."""

    checked: int
    astray: int
    first: str

    def sentence(self) -> str:
        """Whether there is one sweep per input forward, and one per output in reverse."""
        if not self.checked:
            return "Sweeps counted: none, since no full gradient was measured."
        if not self.astray:
            return f"Sweeps counted in {self.checked} full gradients: one per input forward, one per output in reverse."
        return f"Sweeps counted: {self.astray} of {self.checked} gradients are not as expected; first {self.first}."


@dataclass(frozen=True)
class Status:
    """How many records have no time, by status, wrong answers first; and how many records there are."""

    records: int
    counts: tuple[tuple[str, int], ...]

    def sentence(self) -> str:
        """Whether all was measured."""
        if not self.counts:
            return f"All {self.records} records were checked and measured; none was wrong."
        return f"Records without a time: {', '.join(f'{count} {status}' for status, count in self.counts)}."


@dataclass(frozen=True)
class Cost:
    """One sweep relative to the function itself: the least and the most of all families, each at its largest size."""

    engine: str
    mode: str
    families: int
    low: float
    high: float

    def sentence(self) -> str:
        """How many times the function it costs."""
        where = "in the one family measured" if self.families == 1 else f"over {self.families} families"
        span = f"{times(self.low)} to {times(self.high)}" if self.families > 1 else times(self.high)
        return f"One {self.mode} sweep ({self.engine}) costs {span} times the function itself, {where}."


@dataclass(frozen=True)
class Memory:
    """Bytes that one sweep of either mode takes at its peak, above a baseline with the inputs in place."""

    graph: str
    engine: str
    n_ops: int
    forward: int
    reverse: int

    def sentence(self) -> str:
        """What reverse mode takes, next to forward mode."""
        sizes = [
            f"{each / 1e6:,.3g} MB" if each > 1e3 else "too little to see" for each in (self.reverse, self.forward)
        ]
        return (
            f"{self.graph} ({self.engine}), {self.n_ops:,} ops: a reverse sweep takes {sizes[0]} at its peak, "
            f"a forward sweep {sizes[1]}."
        )


@dataclass(frozen=True)
class Border:
    """With so many outputs, both modes cost the same at `value` inputs; counting sweeps, at as many as outputs."""

    engine: str
    n_outputs: int
    value: float

    def sentence(self) -> str:
        """From how many inputs on reverse wins."""
        first = math.ceil(self.value)
        return (
            f"With {self.n_outputs:,} outputs ({self.engine}) reverse mode wins from {first:,} "
            f"input{'s' * (first > 1)} on; counting sweeps alone it would be {self.n_outputs:,}."
        )


@dataclass(frozen=True)
class Findings:
    """All that a run found.

    Attributes:
        speedups: at every size, one for each forward gradient that has its reverse.
        growths: one for each curve of full gradients.
        crossovers: one for each family and engine measured in both modes.
        costs: one for each engine and mode.
        memories: one for each family and engine measured in both modes, at its largest size.
        borders: one for each engine and number of outputs on the map that encloses it.
        noise, sweeps, status: of the whole run.
    """

    speedups: tuple[Speedup, ...]
    growths: tuple[Growth, ...]
    crossovers: tuple[Crossover, ...]
    costs: tuple[Cost, ...]
    memories: tuple[Memory, ...]
    borders: tuple[Border, ...]
    noise: Noise
    sweeps: Sweeps
    status: Status

    def growth_sentence(self) -> str:
        """How many curves grow as theory says; the first that does not is named."""
        if not self.growths:
            return "Growth: no gradient was measured together with its primal."
        counts = Counter(each.verdict for each in self.growths)
        against = next((each for each in self.growths if each.verdict == "disagrees"), None)
        named = "" if against is None else f" ({against.graph}, {against.engine}, {against.mode})"
        named = named if counts["disagrees"] <= 1 else named.replace("(", "(first ")
        return (
            f"Growth with N: {counts['agrees']} of {len(self.growths)} curves agree with theory, "
            f"{counts['disagrees']} disagree{'s' if counts['disagrees'] == 1 else ''}{named}, "
            f"{counts['inconclusive']} inconclusive."
        )

    def crossover_sentence(self) -> str:
        """In how many families which mode wins throughout, and from where on reverse does in the others."""
        crossing = [each.first for each in self.crossovers if each.value == each.value]
        reverse = sum(each.note.startswith("reverse wins") for each in self.crossovers)
        forward = sum(each.note.startswith("forward wins from") for each in self.crossovers)
        others = len(self.crossovers) - len(crossing) - reverse - forward
        span = f"{min(crossing):,} inputs" if len(set(crossing)) == 1 else ""
        span = span or (f"{min(crossing):,} to {max(crossing):,} inputs" if crossing else "")
        parts = [
            f"in {len(crossing)} reverse wins from {span} on" if crossing else "",
            f"in {reverse} it wins at every size measured" if reverse else "",
            f"in {forward} forward does" if forward else "",
            f"in {others} it cannot be told" if others else "",
        ]
        return f"Of {len(self.crossovers)} pairs of family and engine, {', '.join(filter(None, parts))}."


def findings(run: Run, order: Sequence[str] = ()) -> Findings:
    """Everything that a run says.

    Args:
        run: a finished or interrupted run; its `timings`, and its `memory` where it has one.
        order: names of families and engines in the order of the catalogue; others follow by alphabet.
    """
    timings = run.timings
    floor, noise = noise_floors(timings), noise_of(run)
    summary = summarise(timings, floor, order)
    return Findings(
        speedups=speedups(summary, trusted=noise.seen is None),
        growths=tuple(
            Growth(
                row["graph"], row["engine"], row["mode"], row["lanes"], row["exponent"], row["exponent_low"],
                row["exponent_high"], row["theory"], row["verdict"],
            )
            for row in scaling(timings, order).to_dict("records")
        ),
        crossovers=tuple(
            Crossover(
                row["graph"], row["engine"], row["crossover"], row["crossover_low"], row["crossover_high"], row["note"]
            )
            for row in crossover(timings, floor.overall, order).to_dict("records")
        ),
        costs=costs(summary),
        memories=() if run.memory is None else memories(run.memory),
        borders=borders(map_border(timings, floor.overall)),
        noise=noise,
        sweeps=_sweeps(timings),
        status=_status(timings),
    )  # fmt: skip


def noise_of(run: Run) -> Noise:
    """What the twins and the blocks of a run show, and how busy the machine was when it began."""
    load, *_ = run.environment.get("load_average") or [0.0]
    cores = run.environment.get("usable_cores") or run.environment.get("logical_cores") or 0
    return Noise(noise_floor(run.timings), noise_verdict(run.timings), float(load), int(cores))


def speedups(summary: pd.DataFrame, *, trusted: bool) -> tuple[Speedup, ...]:
    """Every comparison in the rows of `summary.csv`; `trusted` is whether the run may announce numbers."""
    return tuple(
        Speedup(
            row["graph"], row["engine"], row["lanes"], row["n_inputs"], row["n_outputs"], row["speedup"],
            row["speedup_low"], row["speedup_high"], row["verdict"], trusted,
        )
        for row in summary[summary["speedup"].notna()].to_dict("records")
    )  # fmt: skip


def single_sweeps(summary: pd.DataFrame) -> pd.DataFrame:
    """Single sweeps of one tangent that were measured together with the primal, the map left out.

    With one output the reverse gradient is one reverse sweep, and with one input the forward gradient one forward.
    """
    alone = ((summary["mode"] == "reverse") & (summary["n_outputs"] == 1)) | (
        (summary["mode"] == "forward") & (summary["n_inputs"] == 1)
    )
    single = summary[summary["quantity"].isin(["jvp", "vjp"]) | ((summary["quantity"] == "gradient") & alone)]
    single = single[(single["lanes"] == 1) & (single["graph"] != "map") & single["primal_ratio"].notna()]
    return single.drop_duplicates(["graph", "n_inputs", "n_outputs", "engine", "mode"])


def costs(summary: pd.DataFrame) -> tuple[Cost, ...]:
    """What one sweep costs in each engine and mode, over all families, each at its largest size."""
    cells = single_sweeps(summary).assign(size=lambda table: table[["n_inputs", "n_outputs"]].max(axis=1))
    last = cells.sort_values("size", kind="stable").groupby(["engine", "mode", "graph"], sort=False).tail(1)
    return tuple(
        Cost(engine, mode, len(group), float(group["primal_ratio"].min()), float(group["primal_ratio"].max()))
        for engine in dict.fromkeys(cells["engine"])
        for mode in ("forward", "reverse")
        if len(group := last[(last["engine"] == engine) & (last["mode"] == mode)])
    )


def memories(memory: pd.DataFrame) -> tuple[Memory, ...]:
    """What a sweep of either mode takes in each family and engine, at the largest size measured in both."""
    measured = memory[(memory["status"] == "ok") & memory["peak_bytes"].notna() & memory["n_ops"].notna()]
    key = ["graph", "engine", "n_ops"]
    forward, reverse = (measured[measured["mode"] == mode] for mode in ("forward", "reverse"))
    both = forward.merge(reverse, on=key, suffixes=("", "_reverse"))
    last = both.sort_values("n_ops", kind="stable").groupby(["graph", "engine"], sort=False).tail(1)
    return tuple(
        Memory(row["graph"], row["engine"], int(row["n_ops"]), int(row["peak_bytes"]), int(row["peak_bytes_reverse"]))
        for row in last.to_dict("records")
    )


def borders(places: pd.DataFrame) -> tuple[Border, ...]:
    """The borders among the places of `crossover.map_border` that lie between measured ones."""
    enclosed = places[places["border"].notna()].drop_duplicates(["engine", "n_outputs"])
    return tuple(Border(row["engine"], row["n_outputs"], row["border"]) for row in enclosed.to_dict("records"))


def times(ratio: float) -> str:
    """A ratio of at least 1: two digits below ten, whole numbers above, with a comma for thousands."""
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.2g}"


def _sweeps(timings: pd.DataFrame) -> Sweeps:
    rows = timings[(timings["quantity"] == "gradient") & (timings["status"] == "ok") & (timings["lanes"] == 1)]
    rows = rows[rows["mode"].isin(["forward", "reverse"]) & rows["sweeps"].notna()]
    expected = rows["n_inputs"].where(rows["mode"] == "forward", rows["n_outputs"])
    astray = rows[rows["sweeps"] != expected]
    first = astray.iloc[0] if len(astray) else None
    named = "" if first is None else f"{first['graph']}, {first['mode']}: {first['sweeps']:.0f} sweeps"
    return Sweeps(len(rows), len(astray), named)


def _status(timings: pd.DataFrame) -> Status:
    rows = timings[~is_twin(timings)]
    counts = rows["status"].value_counts()
    without = [(status, int(counts[status])) for status in PRECEDENCE if status != "ok" and status in counts]
    return Status(len(rows), tuple(without))
