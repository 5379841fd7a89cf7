"""What a run found, as data and in words: terminal, README and figures say the same sentences.

Each finding is a frozen dataclass of numbers, interval and verdict, with one method `sentence()`.  A number that the
noise hides is in no sentence.  `found.findings(run)` collects them, in the order of the catalogue; `closing` makes the
last lines of a run of them, `benchmarks.page` the README.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from benchmarks.findings.tried import Rules
from benchmarks.findings.words import interval, of_peaks, times

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
    def times_as_fast(self) -> tuple[float, float, float]:
        """How many times as fast the faster mode is, with the interval."""
        if self.winner == "forward":
            return 1.0 / self.value, 1.0 / self.high, 1.0 / self.low
        return self.value, self.low, self.high

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
        return f"{self.graph} ({self.engine}, {tangents} a pass), {self.size}: {self.outcome()}."

    def outcome(self) -> str:
        """The same without saying of what."""
        if self.verdict == "no difference":
            return "no difference between the modes"
        if self.verdict == "":
            return "undecided; measure more blocks"
        if not self.trusted:
            return f"{self.winner} is faster; the run is too noisy to say by how much"
        value, low, high = self.times_as_fast
        return f"{self.winner} is {times(value)} times as fast, {interval(low, high)}"


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
        found = f"N**{self.exponent:.2f}, 95 % [{self.low:.2f}, {self.high:.2f}]"
        return f"{about}: {found}, which {self.verdict} with theory's N**{self.theory:g}."


@dataclass(frozen=True)
class Crossover:
    """From which size on reverse wins.

    Where one mode wins at every size measured, beyond noise, `value` is NaN and there is a bound alone: `high` if
    reverse does, `low` if forward does.
    """

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
        return f"{about}: reverse wins from {self.first} inputs on, {interval(self.low, self.high)}."

    @property
    def throughout(self) -> str:
        """The mode that wins at every size measured, beyond noise; "" if neither does."""
        if not math.isnan(self.value):
            return ""
        return "reverse" if not math.isnan(self.high) else "forward" if not math.isnan(self.low) else ""

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

    @property
    def even(self) -> float:
        """How many times as long as another something may take and count as fast; 1 where no floor was measured."""
        return 1.0 if math.isnan(self.floor) else 1.0 + self.floor

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
        checked = f"{self.checked:,} full gradients"
        if not self.astray:
            return f"Sweeps counted in {checked}: one per input forward, one per output in reverse."
        return f"Sweeps counted: {self.astray:,} of {checked} are not as expected; first {self.first}."


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

    @property
    def span(self) -> str:
        """How many times the function it costs, from the least to the most."""
        low, high = times(self.low), times(self.high)
        return high if low == high else f"{low} to {high}"

    def sentence(self) -> str:
        """How many times the function it costs, and where."""
        where = "in the one family measured" if self.families == 1 else f"over {self.families} families"
        return f"One {self.mode} sweep ({self.engine}) costs {self.span} times the function itself, {where}."


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
        return f"{self.graph} ({self.engine}), {self.n_ops:,} ops: {of_peaks(self.forward, self.reverse)}."


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
        rules: every rule for choosing the mode, tried in every engine, and in all together.
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
    rules: Rules

    def growth_sentence(self) -> str:
        """How many curves grow as theory says; the first that does not is named."""
        if not self.growths:
            return "Growth: no gradient was measured together with its primal at three sizes or more."
        if self.noise.seen:
            return f"Growth with N: the run is too noisy to judge its {len(self.growths)} curves."
        counts = Counter(each.verdict for each in self.growths)
        against = next((each for each in self.growths if each.verdict == "disagrees"), None)
        named = "" if against is None else f" ({against.graph}, {against.engine}, {against.mode})"
        named = named if counts["disagrees"] <= 1 else named.replace("(", "(first ")
        return (
            f"Growth with N: {counts['agrees']} of {len(self.growths)} curves agree with theory, "
            f"{counts['disagrees']} disagree{'s' if counts['disagrees'] == 1 else ''}{named}, "
            f"{counts['inconclusive']} inconclusive."
        )

    def border_sentence(self) -> str:
        """The border with the most outputs in the first engine, of which the figure of the map speaks, too."""
        if not self.borders:
            return "No border was enclosed."
        mine = [each for each in self.borders if each.engine == self.borders[0].engine]
        return max(mine, key=lambda each: each.n_outputs).sentence()

    def crossover_sentence(self) -> str:
        """In how many families which mode wins throughout, and from where on reverse does in the others."""
        crossing = [each.first for each in self.crossovers if each.value == each.value]
        reverse, forward = (sum(each.throughout == mode for each in self.crossovers) for mode in ("reverse", "forward"))
        others = len(self.crossovers) - len(crossing) - reverse - forward
        span = f"{min(crossing):,} inputs" if len(set(crossing)) == 1 else ""
        span = span or (f"{min(crossing):,} to {max(crossing):,} inputs" if crossing else "")
        parts = [
            f"in {len(crossing)} reverse wins from {span} on" if crossing else "",
            f"in {reverse} reverse wins at every size measured" if reverse else "",
            f"in {forward} forward wins at every size measured" if forward else "",
            f"in {others} neither does, beyond noise" if others else "",
        ]
        return f"Of {len(self.crossovers)} pairs of family and engine, {', '.join(filter(None, parts))}."
