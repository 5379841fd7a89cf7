"""The tables and closing lines that follow from a run's timings; all can be made again from `timings.csv`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.engines import engines
from benchmarks.findings import analysis, closing, crossover, found, peers, regret, scaling
from benchmarks.functions.catalogue import FAMILIES
from benchmarks.options import DTYPE
from benchmarks.runs.dictionary import OUTSIDE, TABLES
from benchmarks.runs.files import Run, read_environment, read_run, write_environment, write_table


def catalogue_order() -> tuple[str, ...]:
    """Families, then engines, as the harness lists them: the order of records and lines."""
    return (*FAMILIES, *engines())


def analyse(folder: Path) -> Run:
    """Compute and write the tables that follow from a run's timings, and its noise floor.

    Raises:
        RecordError: the run cannot be read.
    """
    timings, order = read_run(folder).timings, catalogue_order()
    floors = analysis.noise_floors(timings)
    floor = floors.overall
    summary = analysis.summarise(timings, floors, order)
    write_table(folder / "summary.csv", summary)
    growths, crossings = scaling.scaling(timings, order), crossover.crossover(timings, floor, order)
    write_table(folder / "scaling.csv", growths)
    write_table(folder / "crossover.csv", crossings)
    write_table(folder / "engines.csv", peers.engines(summary, growths, crossings, timings, order))
    problems = regret.problems(summary, timings)
    fitted = regret.fits(problems)
    write_table(folder / "regret.csv", regret.regret(problems, fitted, order))
    write_table(folder / "model.csv", regret.models(problems, fitted, order))
    noise = {"noise_floor": None if floor != floor else floor, "noise": analysis.noise_verdict(timings)}
    write_environment(folder, {**read_environment(folder), **noise})
    return read_run(folder)


def lines(run: Run) -> list[str]:
    """What was found, and where the files are."""
    mine = [name for name in TABLES if name not in OUTSIDE]
    files = ", ".join(name for name in mine if getattr(run, name.removesuffix(".csv")) is not None)
    dtypes = [dtype for dtype in run.timings["dtype"].unique() if dtype != DTYPE]
    computed = [f"Computed in {' and '.join(dtypes)}."] if dtypes else []
    said = closing.lines(found.findings(run, catalogue_order()))
    return [*said, *computed, f"{run.path}: {files}, environment.json"]


def failed(run: Run) -> bool:
    """Whether any derivative was wrong, any cell failed, or no cell at all could be measured."""
    status = run.timings["status"]
    return bool(status.isin(["wrong", "error"]).any() or (len(status) and not (status == "ok").any()))
