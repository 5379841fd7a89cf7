"""What a run found, as data and in words: terminal, README and figures say the same sentences.

Each finding is a frozen dataclass of numbers, interval and verdict, with one method `sentence()`.  A number that the
noise hides is in no sentence.  `findings(run)` collects them, always in the order of the catalogue.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.findings.analysis import noise_floors, noise_verdict, summarise
from benchmarks.findings.blocks import PRECEDENCE, is_twin
from benchmarks.findings.crossover import crossover
from benchmarks.findings.scaling import scaling

if TYPE_CHECKING:
    from benchmarks.runs.files import Run

FAMILY_LINES = 9
COLUMNS = 6
WIDTH = 109


@dataclass(frozen=True)
class Speedup:
    """One reverse gradient against one forward gradient of the same function, size and engine.

    `value` is forward seconds over reverse seconds, with its 95 % interval (NaN with one block); `verdict` is `faster`
    or `slower` (reverse), `no difference`, or "" where nothing can be said.  `lanes` is the tangents in one forward
    pass: 1 is the textbook's forward mode, more is what a good implementation does.
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

    @property
    def size(self) -> str:
        """The size by which the family grows, as `N = 256`."""
        return f"M = {self.n_outputs:,}" if self.n_outputs > self.n_inputs else f"N = {self.n_inputs:,}"

    def brief(self) -> str:
        """A cell of a table: the ratio and the size; no ratio where noise hides it."""
        ratio = times(self.value) if self.value >= 1.0 else f"1/{times(1.0 / self.value)}"
        said = {"no difference": "even", "": "undecided"}.get(self.verdict, ratio)
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
    """The noise floor (NaN: not measured), and what was seen where the machine was too noisy to trust."""

    floor: float
    seen: str | None

    def sentence(self) -> str:
        """What is not called a difference, and what to do on a noisy machine."""
        if self.seen:
            return f"{self.seen} Close other programs, or give more time for blocks (--budget)."
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
            return f"All {self.records} rows were checked and measured; none was wrong."
        return f"Rows without a time: {', '.join(f'{count} {status}' for status, count in self.counts)}."


@dataclass(frozen=True)
class Findings:
    """All that a run found.

    Attributes:
        speedups: at every size, one for each forward gradient that has its reverse.
        growths: one for each curve of full gradients.
        crossovers: one for each family and engine measured in both modes.
        noise, sweeps, status: of the whole run.
    """

    speedups: tuple[Speedup, ...]
    growths: tuple[Growth, ...]
    crossovers: tuple[Crossover, ...]
    noise: Noise
    sweeps: Sweeps
    status: Status

    def growth_sentence(self) -> str:
        """How many curves grow as theory says; the first that does not is named."""
        if not self.growths:
            return "Growth: no gradient was measured together with its primal."
        groups = {word: [each for each in self.growths if each.verdict == word] for word in ("agrees", "disagrees")}
        undecided = len(self.growths) - sum(map(len, groups.values()))
        against = groups["disagrees"]
        named = f" ({against[0].graph}, {against[0].engine}, {against[0].mode})" if len(against) == 1 else ""
        return (
            f"Growth with N: {len(groups['agrees'])} of {len(self.growths)} curves agree with theory, "
            f"{len(against)} disagree{'s' if len(against) == 1 else ''}{named}, {undecided} inconclusive."
        )

    def lines(self) -> list[str]:
        """For the terminal: at most 16 lines of fewer than 110 characters."""
        if not self.status.records:
            return ["Nothing was measured."]
        noise = textwrap.wrap(self.noise.sentence(), WIDTH)
        closing = [self.growth_sentence(), *noise, self.status.sentence()]
        return [line[:WIDTH] for line in (self.sweeps.sentence(), *speedup_table(self.speedups), *closing)]


def findings(run: Run, order: Sequence[str] = ()) -> Findings:
    """Everything that a run's timings say.

    Args:
        run: a finished or interrupted run; only its `timings` are read.
        order: names of families and engines in the order of the catalogue; others follow by alphabet.
    """
    timings = run.timings
    floor = noise_floors(timings)
    summary = summarise(timings, floor, order)
    return Findings(
        speedups=tuple(
            Speedup(
                row["graph"], row["engine"], row["lanes"], row["n_inputs"], row["n_outputs"], row["speedup"],
                row["speedup_low"], row["speedup_high"], row["verdict"],
            )
            for row in summary[summary["speedup"].notna()].to_dict("records")
        ),
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
        noise=Noise(floor.overall, noise_verdict(timings)),
        sweeps=_sweeps(timings),
        status=_status(timings),
    )  # fmt: skip


def speedup_table(speedups: Sequence[Speedup]) -> list[str]:
    """A small table: a line for each family, a column for each engine and number of tangents, at the largest size.

    Args:
        speedups: in the order of the catalogue.

    Returns:
        A title, a head and at most nine families; empty where nothing was compared.
    """
    compared = [each for each in speedups if each.graph != "map"]
    largest: dict[str, dict[tuple[str, int], Speedup]] = {}
    for each in sorted(compared, key=lambda each: max(each.n_inputs, each.n_outputs)):
        largest.setdefault(each.graph, {})[each.engine, each.lanes] = each
    families = list(dict.fromkeys(each.graph for each in compared))
    engines = list(dict.fromkeys(each.engine for each in compared))
    columns = sorted({(each.engine, each.lanes) for each in compared}, key=lambda key: (engines.index(key[0]), key[1]))
    columns = columns[:COLUMNS]
    if not columns:
        return []
    shown = families if len(families) <= FAMILY_LINES else families[: FAMILY_LINES - 1]
    head = ["", *(engine if lanes == 1 else f"{engine}, {lanes}" for engine, lanes in columns)]
    body = [[name, *(largest[name][key].brief() if key in largest[name] else "" for key in columns)] for name in shown]
    widths = [max(len(line[place]) for line in (head, *body)) for place in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
             for line in (head, *body)]  # fmt: skip
    title = "Reverse, times as fast as forward with 1 tangent a pass (textbook) or as many as named, at N in brackets:"
    hidden = len(families) - len(shown)
    return [title, *lines, *([f"... and {hidden} more; all of them are in summary.csv."] if hidden else [])]


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
