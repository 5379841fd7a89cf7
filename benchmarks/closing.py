"""What follows the last block: summary, scaling, crossover, memory, environment, figures, and the closing lines.

Everything here can be made again from `timings.csv`; nothing is measured but memory, in a pass of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import analysis, crossover, scaling
from benchmarks.record import Run, read_environment, read_run, write_environment, write_table


def analyse(folder: Path) -> Run:
    """Compute and write the tables that follow from a run's timings, and its noise floor.

    Raises:
        RecordError: the run cannot be read.
    """
    timings = read_run(folder).timings
    floor = analysis.noise_floor(timings)
    summary = analysis.summarise(timings, floor)
    write_table(folder / "summary.csv", summary)
    write_table(folder / "scaling.csv", scaling.scaling(timings, floor))
    write_table(folder / "crossover.csv", crossover.crossover(timings, floor))
    note(folder, {"noise_floor": None if floor != floor else floor, "noise": analysis.noise_verdict(timings)})
    return read_run(folder)


def note(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add facts to a run's `environment.json`."""
    write_environment(folder, {**read_environment(folder), **facts})


def lines(run: Run) -> list[str]:
    """What was found, and where the files are."""
    others = [name for name in ("summary", "scaling", "crossover", "memory") if getattr(run, name) is not None]
    files = ", ".join(f"{name}.csv" for name in ["timings", *others])
    return [*analysis.closing_lines(run), f"{run.path}: {files}, environment.json"]
