"""The tables and closing lines that follow from a run's timings; all can be made again from `timings.csv`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.findings import analysis, crossover, scaling
from benchmarks.runs.files import Run, read_environment, read_run, write_environment, write_table


def analyse(folder: Path) -> Run:
    """Compute and write the tables that follow from a run's timings, and its noise floor.

    Raises:
        RecordError: the run cannot be read.
    """
    timings = read_run(folder).timings
    floor = analysis.noise_floor(timings)
    write_table(folder / "summary.csv", analysis.summarise(timings, floor))
    write_table(folder / "scaling.csv", scaling.scaling(timings, floor))
    write_table(folder / "crossover.csv", crossover.crossover(timings, floor))
    noise = {"noise_floor": None if floor != floor else floor, "noise": analysis.noise_verdict(timings)}
    write_environment(folder, {**read_environment(folder), **noise})
    return read_run(folder)


def lines(run: Run) -> list[str]:
    """What was found, and where the files are."""
    others = [
        name
        for name in ("summary", "scaling", "crossover", "memory", "checkpointing")
        if getattr(run, name) is not None
    ]
    files = ", ".join(f"{name}.csv" for name in ["timings", *others])
    return [*analysis.closing_lines(run), f"{run.path}: {files}, environment.json"]


def failed(run: Run) -> bool:
    """Whether any derivative was wrong, or any cell failed."""
    return bool(run.timings["status"].isin(["wrong", "error"]).any())
