"""What is recommended for one function: which mode, by how much, where that would change, and what to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.findings.told import Crossover, Noise, Speedup
from benchmarks.findings.words import aligned, counted, duration, in_bytes, interval, joined, times, wrapped

FEW = 5
"""No more inputs than this are listed one by one."""


@dataclass(frozen=True)
class Option:
    """The whole derivative of the function, by one engine in one mode.

    Attributes:
        engine, mode, lanes: as in the records.
        seconds: of one full gradient or Jacobian, with its 95 % interval in `low` and `high`.
        prepare_seconds: spent once before the first.
        peak_bytes: the most that Python and NumPy hold during one; None where that is not known.
        write: the call that a user writes for it.
    """

    engine: str
    mode: str
    lanes: int
    seconds: float
    low: float
    high: float
    prepare_seconds: float
    peak_bytes: int | None
    write: str


@dataclass(frozen=True)
class Recommendation:
    """Which mode for one function.  `str()` says it in a few lines.

    Attributes:
        function: its name.
        n_inputs, n_outputs: N and M.
        options: everything measured at this size, the fastest first.
        speedups: forward over reverse by engine at this size, each mode at its best: with the lanes that are fastest.
        crossovers: by engine, from which size on reverse wins, each mode at its best; empty for a function of one size.
        refused: engines that could not run it, each with the reason.
        noise: of the machine.
        folder: where all records are; None where they were not kept.
        difference: the largest relative difference found by any check of a derivative.
        unread: the inputs, counted from 1, whose partials are all exactly 0 there.
    """

    function: str
    n_inputs: int
    n_outputs: int
    options: tuple[Option, ...]
    speedups: tuple[Speedup, ...]
    crossovers: tuple[Crossover, ...]
    refused: tuple[tuple[str, str], ...]
    noise: Noise
    folder: Path | None
    difference: float
    unread: tuple[int, ...] = ()

    @property
    def mode(self) -> str:
        """The mode of the fastest option."""
        return self.options[0].mode

    @property
    def compared(self) -> Speedup | None:
        """Both modes in the fastest engine that has both; None where no engine got through both."""
        by_engine = {each.engine: each for each in self.speedups}
        return next((by_engine[each.engine] for each in self.options if each.engine in by_engine), None)

    @property
    def decided(self) -> bool:
        """Whether there is an answer; on a machine too noisy to trust, to see no difference is none."""
        return self.compared is None or _told(self.compared) != "undecided"

    @property
    def borders(self) -> tuple[Crossover, ...]:
        """The crossovers of engines in which one mode wins here, and none where the answer is not one of the modes."""
        if self.compared is None or self.compared.winner not in ("forward", "reverse"):
            return ()
        won = {each.engine for each in self.speedups if each.winner in ("forward", "reverse")}
        return tuple(each for each in self.crossovers if each.engine in won)

    def sentence(self) -> str:
        """Which mode, in which engine, and by how much, each at its best."""
        best, mine = self.options[0], self.compared
        if mine is None:
            seconds = f"{duration(best.seconds)} in {best.engine}"
            return f"{best.mode.capitalize()} mode: {seconds}; no engine got through both modes, see below."
        where = (
            f"{mine.engine}, the fastest engine {'here' if mine.engine == best.engine else 'measured in both modes'}"
        )
        more = "close other programs, or give more time (--budget)"
        if mine.winner == "undecided":
            return f"Undecided: the intervals are too wide to say which mode is faster in {where}; {more}."
        if not self.decided:
            return f"Undecided: the machine is too noisy to tell the modes apart in {where}; {more}."
        if mine.winner == "even":
            return f"Either mode: no difference between them in {where}."
        value, low, high = mine.times_as_fast
        said = f"{times(value)} times as fast" if mine.trusted else f"{_two(low)} to {_two(high)} times as fast"
        certainty = f", {interval(low, high)}" if mine.trusted else ", as far as can be told on so noisy a machine"
        return f"{mine.winner.capitalize()} mode: {said} as {_other(mine.winner)} mode{certainty}, in {where}."

    def lines(self) -> list[str]:
        """The answer for a terminal: what to write, a table of engines, where the answer changes, memory."""
        said = [
            f"{self.function}: {counted(self.n_inputs, 'input')}, {counted(self.n_outputs, 'output')}.",
            self.sentence(),
            f"{'Write' if self.decided else 'Until that is decided, write'}: {self.options[0].write}",
            "",
            *self.table(),
            "",
        ]
        rest = [self.border_sentence()] if self.borders else []
        rest += [self.memory_sentence()] if any(each.peak_bytes is not None for each in self.options) else []
        rest += [self.refused_sentence()] if self.refused else []
        rest += [self.unread_sentence()] if self.unread else []
        rest.append(
            f"All derivatives agree with one another and with differences of the function, to {self.difference:.1g}."
        )
        rest.append(self.noise.sentence())
        said += wrapped(rest)
        return said if self.folder is None else [*said, f"{self.folder}: all records"]

    def table(self) -> list[str]:
        """A line for each engine: seconds in either mode, one at a time and many, and which wins, each at its best."""
        kinds = [("forward", False, "forward, 1 tangent"), ("forward", True, "many tangents")]
        if any(each.mode == "reverse" and each.lanes > 1 for each in self.options):
            kinds += [("reverse", False, "reverse, 1 cotangent"), ("reverse", True, "many cotangents")]
        else:
            kinds += [("reverse", False, "reverse")]
        rows = [("", *(name for *_, name in kinds), "faster", "write")]
        for engine in dict.fromkeys(each.engine for each in self.options):
            mine = [each for each in self.options if each.engine == engine]
            seconds = [
                _seconds([each for each in mine if each.mode == mode and (each.lanes > 1) == many])
                for mode, many, _ in kinds
            ]
            against = next((_told(each) for each in self.speedups if each.engine == engine), mine[0].mode)
            rows.append((engine, *seconds, against, mine[0].write))
        return aligned(rows)

    def border_sentence(self) -> str:
        """At which size the answer changes, engine by engine."""
        kinds: dict[str, list[str]] = {}
        for each in self.borders:
            told = f"reverse wins from {each.first:,} inputs on" if each.value == each.value else each.note
            kinds.setdefault(told, []).append(each.engine)
        return f"Where that changes: {'; '.join(f'{told} ({joined(names)})' for told, names in kinds.items())}."

    def refused_sentence(self) -> str:
        """What was not measured, by reason."""
        kinds: dict[str, list[str]] = {}
        for what, reason in self.refused:
            engine = what.partition(",")[0]
            kinds.setdefault(reason.removeprefix(f"{engine} ").rstrip("."), []).append(what.replace(", ", " in "))
        return f"Not measured: {'; '.join(f'{joined(names)}: {reason}' for reason, names in kinds.items())}."

    def unread_sentence(self) -> str:
        """On which inputs nothing depends, at the point where it was differentiated."""
        first, *_, last = self.unread * 2
        few = len(self.unread) <= FEW
        which = joined([str(each) for each in self.unread]) if few else f"{first} to {last}, {len(self.unread)} in all,"
        inputs = "input" if len(self.unread) == 1 else "inputs"
        return f"Nothing depends on {inputs} {which} of {self.n_inputs} here: the partials are exactly 0."

    def memory_sentence(self) -> str:
        """The peak of either mode, where it is known."""
        known: dict[str, list[str]] = {}
        for each in self.options:
            if each.peak_bytes is not None:
                carried = "tangents" if each.mode == "forward" else "cotangents"
                together = "" if each.lanes == 1 else f" ({each.lanes} {carried})"
                known.setdefault(each.engine, []).append(f"{each.mode}{together} {in_bytes(each.peak_bytes)}")
        said = [f"in {engine} {', '.join(modes)}" for engine, modes in known.items()]
        return f"Memory at the peak, as far as Python and NumPy allocate it: {'; '.join(said)}."

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _seconds(options: Sequence[Option]) -> str:
    return duration(options[0].seconds) if options else "-"


def _two(value: float) -> str:
    """Two digits, without an exponent."""
    return f"{float(f'{value:.2g}'):,g}"


def _told(compared: Speedup) -> str:
    """The faster mode, `even`, or `undecided`."""
    return "undecided" if compared.winner == "even" and not compared.trusted else compared.winner


def _other(mode: str) -> str:
    return "reverse" if mode == "forward" else "forward"
