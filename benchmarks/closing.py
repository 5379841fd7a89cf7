"""What follows the last block: summary, scaling, crossover, memory, environment, figures, and the closing lines.

Everything here but memory, which has a pass of its own, can be made again from `timings.csv`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.experiments import checkpointing
from benchmarks.findings import analysis, crossover, scaling, told
from benchmarks.functions.graphs import FAMILIES
from benchmarks.measuring import memory
from benchmarks.measuring.environment import now
from benchmarks.options import Selection, Settings
from benchmarks.runs.files import Run, read_environment, read_run, write_environment, write_rows, write_table

ORDER = (*FAMILIES, *ENGINES)
"""The catalogue's order, in which records and lines come."""


def analyse(folder: Path) -> Run:
    """Compute and write the tables that follow from a run's timings, and its noise floor.

    Raises:
        RecordError: the run cannot be read.
    """
    timings = read_run(folder).timings
    floors = analysis.noise_floors(timings)
    floor = floors.overall
    write_table(folder / "summary.csv", analysis.summarise(timings, floors, ORDER))
    write_table(folder / "scaling.csv", scaling.scaling(timings, ORDER))
    write_table(folder / "crossover.csv", crossover.crossover(timings, floor, ORDER))
    noise = {"noise_floor": None if floor != floor else floor, "noise": analysis.noise_verdict(timings)}
    write_environment(folder, {**read_environment(folder), **noise})
    return read_run(folder)


def stamp(folder: Path, outcome: str) -> None:
    """Write into `environment.json` that the session is over, and how it ended."""
    environment = read_environment(folder)
    sessions: list[dict[str, Any]] = environment.get("sessions", [])
    if sessions:
        sessions[-1] |= {"finished": now(), "outcome": outcome}
    write_environment(folder, {**environment, "finished": now(), "sessions": sessions})


def memory_pass(folder: Path, settings: Settings, seconds: float, tell: Callable[[float, str], None]) -> None:
    """Measure memory and write `memory.csv`, unless it is there already.

    Args:
        folder: the run.
        settings: its settings; memory is measured for what was selected.
        seconds: that the pass may take.
        tell: is told the share done and what has been measured.
    """
    path = folder / "memory.csv"
    loads = memory.plan(settings.selection)
    if loads and not path.exists():
        rows = []
        for row in memory.measure(loads, run=folder.name, budget=seconds, time_limit=settings.time_limit):
            rows.append(row)
            tell(len(rows) / len(loads), f"{row.graph} {row.n_inputs} {row.engine} {row.mode}")
        write_rows(path, rows)


def has_checkpointing(settings: Settings) -> bool:
    """Whether a run measures the price of checkpointing: runs of the whole plan do."""
    return settings.selection == Selection()


def checkpointing_pass(folder: Path) -> None:
    """Measure the price of checkpointing and write `checkpointing.csv`, unless it is there already."""
    path = folder / "checkpointing.csv"
    if not path.exists():
        write_rows(path, list(checkpointing.measure(run=folder.name)))


def figures(folder: Path) -> list[str]:
    """Draw the figures of a run; returns one line that says where they are."""
    from plots import draw_all

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a plotting library deprecates must not cost a finished run
        drawn = list(draw_all(folder))
    return [f"{Path(drawn[0]).parent}: {len(drawn)} pictures"] if drawn else []


def lines(run: Run) -> list[str]:
    """What was found, and where the files are."""
    others = [
        name
        for name in ("summary", "scaling", "crossover", "memory", "checkpointing")
        if getattr(run, name) is not None
    ]
    files = ", ".join(f"{name}.csv" for name in ["timings", *others])
    return [*told.findings(run, ORDER).lines(), f"{run.path}: {files}, environment.json"]


def failed(run: Run) -> bool:
    """Whether any derivative was wrong, or any cell failed."""
    return bool(run.timings["status"].isin(["wrong", "error"]).any())
