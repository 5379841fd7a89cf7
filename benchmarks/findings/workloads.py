"""What a run says of each workload: which mode wins and by how much, where that changes, and what a gradient costs.

`workloads(run)` gathers, `Workload` tells: a few sentences on one workload in one engine, and a line of a table.
`benchmarks.page` makes the page of the workloads of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmarks.findings.analysis import noise_floors, summarise
from benchmarks.findings.found import noise_of, speedup_of
from benchmarks.findings.told import Speedup
from benchmarks.findings.words import duration, of_peaks, times
from benchmarks.functions.catalogue import WORKLOADS, families

if TYPE_CHECKING:
    from benchmarks.runs.files import Run


@dataclass(frozen=True)
class Gradient:
    """A full gradient in one mode: its seconds and what they are relative to the function itself, with the interval."""

    mode: str
    lanes: int
    seconds: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Peak:
    """Bytes at the peak of one sweep in each mode, at the largest size at which both were measured."""

    size: str
    forward: int
    reverse: int

    def sentence(self) -> str:
        """What reverse mode takes, next to forward mode."""
        return f"Memory at size {self.size}: {of_peaks(self.forward, self.reverse)}."


@dataclass(frozen=True)
class Workload:
    """One workload in one engine.

    Attributes:
        graph, engine: which.
        compared: by increasing size, each size with what the modes' comparison there says, one tangent a pass.
        many: the comparison at the largest size, with many tangents a pass; None where none are carried.
        gradients: at the largest size at which both modes were measured.
        peak: None where memory was not measured.
        trusted: whether the run may announce numbers.
    """

    graph: str
    engine: str
    compared: tuple[tuple[str, Speedup], ...]
    many: tuple[str, Speedup] | None
    gradients: tuple[Gradient, ...]
    peak: Peak | None
    trusted: bool

    @property
    def largest(self) -> tuple[str, Speedup]:
        """The comparison at the largest size."""
        return self.compared[-1]

    def sentences(self) -> list[str]:
        """Who wins and by how much; where that changes; what a gradient costs; memory."""
        size, told = self.largest
        where = f"At size {size} (N = {told.n_inputs:,}, M = {told.n_outputs:,}) in the engine {self.engine}"
        said = [f"{where}: {told.outcome()}."]
        if self.many:
            at, many = self.many
            also = "" if at == size else f", at size {at}"
            said.append(f"Where a forward pass carries {many.lanes} tangents{also}: {many.outcome()}.")
        said.append(f"{self.border()}.")
        ratios = [f"{times(each.ratio)} times in {each.mode} mode" for each in self.gradients if each.lanes == 1]
        if ratios and self.trusted:
            said.append(f"The whole derivative takes the time of the function {' and '.join(ratios)}.")
        return [*said, *([self.peak.sentence()] if self.peak else [])]

    def border(self) -> str:
        """Where, as the sizes grow, one mode takes over from the other."""
        groups = [
            (winner, [size for size, _ in group])
            for winner, group in itertools.groupby(self.compared, key=lambda each: each[1].winner)
        ]
        if len(groups) == 1:
            winner, sizes = groups[0]
            every = (
                f"at every size measured, {_span(sizes)}" if len(sizes) > 1 else f"at the one size measured, {sizes[0]}"
            )
            named = {"even": "The modes are even", "undecided": "It cannot be told which mode wins"}
            return f"{named.get(winner, f'{winner.capitalize()} wins')} {every}"
        return "As it grows: " + ", ".join(f"{winner} at {_span(sizes)}" for winner, sizes in groups)

    def row(self) -> list[str]:
        """A line of a table: engine, size, seconds of the gradient by mode, and the comparisons."""
        size, told = self.largest
        seconds = {(each.mode, each.lanes > 1): duration(each.seconds) for each in self.gradients}
        kinds = (("forward", False), ("forward", True), ("reverse", False))
        return [self.engine, size, *(seconds.get(kind, "") for kind in kinds), told.outcome()]


def workloads(run: Run, order: Sequence[str] = ()) -> list[Workload]:
    """What a run says of each workload and engine that it measured in both modes.

    Args:
        run: a finished or interrupted run.
        order: names of families and engines in the order of the catalogue; others follow by alphabet.
    """
    names = {family.name for family in families([WORKLOADS])}
    timings = run.timings[run.timings["graph"].isin(names)]
    if timings.empty:
        return []
    table = summarise(timings, noise_floors(run.timings), order)
    trusted = noise_of(run).seen is None
    gradients = table[(table["quantity"] == "gradient") & (table["status"] == "ok")]
    found = []
    for (graph, engine), group in gradients.groupby(["graph", "engine"], sort=False):
        both = group[group["speedup"].notna()]
        textbook, many = both[both["lanes"] == 1], both[both["lanes"] > 1]
        if textbook.empty:
            continue
        last = group[group["size"] == textbook["size"].iloc[-1]]
        told = [(row["size"], speedup_of(row, trusted=trusted)) for row in many.tail(1).to_dict("records")]
        found.append(
            Workload(
                graph=str(graph),
                engine=str(engine),
                compared=tuple((row["size"], speedup_of(row, trusted=trusted)) for row in textbook.to_dict("records")),
                many=told[0] if told else None,
                gradients=tuple(_gradient(row) for row in last.to_dict("records")),
                peak=None if run.memory is None else _peak(run.memory, str(graph), str(engine)),
                trusted=trusted,
            )
        )
    return found


def _gradient(row: dict[Any, Any]) -> Gradient:
    return Gradient(
        mode=row["mode"], lanes=row["lanes"], seconds=row["seconds_median"],
        ratio=row["primal_ratio"], low=row["primal_ratio_low"], high=row["primal_ratio_high"],
    )  # fmt: skip


def _peak(memory: pd.DataFrame, graph: str, engine: str) -> Peak | None:
    """The last size in the file, which is in the order of work, at which a sweep of both modes was measured."""
    mine = memory[(memory["graph"] == graph) & (memory["engine"] == engine) & (memory["status"] == "ok")]
    peaks = {(row["size"], row["mode"]): row["peak_bytes"] for row in mine.to_dict("records")}
    sizes = [size for size in dict.fromkeys(mine["size"]) if {(size, "forward"), (size, "reverse")} <= peaks.keys()]
    sizes = [size for size in sizes if not pd.isna(peaks[size, "forward"]) and not pd.isna(peaks[size, "reverse"])]
    return Peak(sizes[-1], int(peaks[sizes[-1], "forward"]), int(peaks[sizes[-1], "reverse"])) if sizes else None


def _span(sizes: Sequence[str]) -> str:
    return sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
