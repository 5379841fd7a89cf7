"""Which mode for a function of one's own: it is measured in both, by every engine that can run it, in seconds.

    from benchmarks import compare_modes
    print(compare_modes(f, x))

It is a run like any other, of one family, in a folder of its own; what is said of it comes from the same findings.
"""

from __future__ import annotations

import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from benchmarks.cells import Cell, work
from benchmarks.engines import chosen, engines
from benchmarks.engines.base import Engine
from benchmarks.findings import found, tables
from benchmarks.findings.recommendation import Option, Recommendation
from benchmarks.findings.words import duration
from benchmarks.functions import catalogue
from benchmarks.functions.own import FunctionError, Own, own, takes_namespace
from benchmarks.functions.rebound import modules
from benchmarks.measuring.guard import Failure, HangingError, guarded, time_limit
from benchmarks.measuring.open_run import OpenRun, open_run
from benchmarks.measuring.prepared import refusal
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.visits import admit, take, wait_for_what_was_cut_off, warm
from benchmarks.options import Selection, Settings
from benchmarks.runs.files import Run

BUDGET = 60.0
"""Seconds that all of it may take, of which most functions need a third."""
BLOCKS = 7
"""In that time; as many more as there is more."""
LOOK_SHARE = 0.2
"""Share of the time in which the function must have been called twice, to be looked at."""
STEPS = (-3, -2, -1, 0, 1)
"""Powers of four by which the sizes differ from the one asked for."""
BYTES_SECONDS = 2.0
"""What is longer than this is not executed once more to see its memory."""


def compare_modes(
    f: Callable[..., Any],
    x: Any,
    *,
    engines: Sequence[str] | None = None,
    budget: float = BUDGET,
    results: str | Path | None = None,
    progress: TextIO | None = None,
) -> Recommendation:
    """Measure the derivative of a function in both modes, and say which to use.

    Args:
        f: the function: `f(x)` in plain NumPy or `math`, or `f(xp, x)` in array-API names; it gives a number, an array
            or a list of numbers.
        x: where: an array or a list of numbers; or a whole number N, for N inputs between 0.5 and 1.5 -- then other
            sizes are measured, too, to see where the answer changes.
        engines: names of those to try; by default all that are installed and that people differentiate with.
        budget: seconds that it may take.
        results: the folder to keep the run in; by default nothing is kept.
        progress: where to say what is at work; by default nowhere.

    Raises:
        FunctionError: the function fails, prints, changes its inputs, gives something else than numbers, or has no
            derivative that the modes and differences of it agree on; the message is one line.
        ValueError: an engine is unknown.
    """
    return recommend(own(f, x), x if isinstance(x, int) else None, engines, budget, results, progress)


def recommend(
    function: Own,
    size: int | None,
    names: Sequence[str] | None = None,
    budget: float = BUDGET,
    results: str | Path | None = None,
    progress: TextIO | None = None,
) -> Recommendation:
    """As `compare_modes`, for a function with its inputs, at one of its sizes: None if it has only one."""
    at = size if function.fixed is None and size is not None else function.fixed or 1
    with registered(function), _quiet(progress) as file, _kept(results) as folder:
        _look(function, at, budget * LOOK_SHARE)  # refuses what cannot be measured, before anything else is done
        others = set() if function.fixed is not None else {max(1, round(at * 4.0**step)) for step in STEPS} - {at}
        possible = [n for n in others if guarded(partial(function.possible, (n,)), budget * LOOK_SHARE / 4) == (n,)]
        sizes = tuple(sorted({at, *possible}))
        able, refused = _able(names, function.name, at)
        selection = Selection((function.name,), able, quantities=("primal", "gradient"), sizes=sizes)
        blocks = round(BLOCKS * max(1.0, budget / BUDGET))
        settings = Settings(selection, budget=budget, blocks=blocks, most_blocks=blocks, time_limit=budget / 12)
        problem = catalogue.problem(function.name, at)
        asked = {"name": function.name, "size": str(at), "n_inputs": problem.n_inputs, "n_outputs": problem.n_outputs}
        run, reporter = open_run(settings, folder, details={"function": asked}), Reporter(file)
        try:
            warm(run, reporter)
            _admit(run, at, reporter)
            take(run, reporter)
            peaks, unread = _peaks(run, at), _unread(run, at)
        finally:
            run.timings.close()
            run.close()
            reporter.close()
        plain = set() if takes_namespace(function.f) else modules(function.f)
        answer = _recommendation(function.name, at, tables.analyse(run.folder), peaks, refused, plain, unread)
        return answer if results is not None else replace(answer, folder=None)


def _look(function: Own, size: int, seconds: float) -> None:
    """Look at the function at the size asked for, as `Own.at` does.

    Raises:
        FunctionError: it cannot be measured, or takes too long.
    """
    try:
        with time_limit(seconds):
            catalogue.problem(function.name, size)
    except FunctionError as problem:
        if not isinstance(problem.__cause__, HangingError):
            raise
        raise FunctionError(
            f"function: {function.name} takes more than {duration(seconds)} for two calls; "
            "give more time (--budget), or look at a smaller size"
        ) from None


@contextmanager
def registered(function: Own) -> Iterator[None]:
    """The catalogue with a function of the user's own in it.

    Raises:
        FunctionError: its name is one of the catalogue's.
    """
    try:
        catalogue.add(function.family())
    except ValueError as problem:
        raise FunctionError(f"function: {problem}; give yours another one") from None
    try:
        yield
    finally:
        del catalogue.FAMILIES[function.name]
        catalogue.problem.cache_clear()


def _able(names: Sequence[str] | None, function: str, size: int) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """The engines that may be able to run it, and why others cannot."""
    candidates = (
        chosen(names)
        if names is not None
        else [one for one in engines().values() if one.written.reverse and not one.optional]
    )
    able, refused = [], []
    for engine in candidates:
        cell = Cell(function, size, engine.name, engine.modes[0], "gradient")
        reason = guarded(partial(refusal, cell, engine), 10.0)
        if reason is None:
            able.append(engine.name)
        elif names is not None or "needs the package" not in str(reason):
            refused.append((engine.name, reason.note if isinstance(reason, Failure) else str(reason)))
    if not able:
        raise FunctionError(f"engines: none can run it: {'; '.join(f'{name}: {why}' for name, why in refused)}")
    return tuple(able), refused


def _admit(run: OpenRun, size: int, reporter: Reporter) -> None:
    """Let all cells pass the gate, those of the size asked for first; a mode that fails is not tried at other sizes."""
    order = sorted(run.engines, key=lambda name: "compiled" in run.engines[name].includes.primal)  # which may take long
    cells = sorted({each.cell for each in run.visits}, key=lambda cell: (cell.size != size, work(cell), cell))
    cells.sort(key=lambda cell: (cell.size != size, cell.size == size and order.index(cell.engine)))
    reporter.phase(f"Checking {len(cells)} cells")
    given_up: set[tuple[str, str]] = set()
    for i, cell in enumerate(cells):
        if given_up.isdisjoint({(cell.engine, "primal"), (cell.engine, cell.mode)}):
            reporter.at(i / len(cells), str(cell))
            record = admit(run, cell)
            if record is not None and record.status != "over_budget":
                given_up.add((cell.engine, cell.mode))
    wait_for_what_was_cut_off(run, reporter)


def _peaks(run: OpenRun, size: int) -> dict[tuple[str, str, int], int]:
    """The peak of what Python and NumPy allocate in one gradient, where an engine leaves all allocation to them."""
    peaks = {}
    for cell, ready in run.ready.items():
        if cell.size != size or cell.mode == "primal" or ready.seconds > BYTES_SECONDS:
            continue
        if not run.engines[cell.engine].allocates_in_python:
            continue
        tracemalloc.start()
        try:
            ready.run()
            peaks[cell.engine, cell.mode, cell.lanes] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    return peaks


def _unread(run: OpenRun, size: int) -> tuple[int, ...]:
    """The inputs, counted from 1, on which nothing depends: their partials are exactly 0 in all that was checked."""
    found = [
        ready.checked.reshape(-1, catalogue.problem(cell.graph, size).n_inputs).any(axis=0)
        for cell, ready in run.ready.items()
        if cell.size == size and cell.mode != "primal"
    ]
    return tuple(int(i) + 1 for i in np.flatnonzero(~np.any(found, axis=0))) if found else ()


def _recommendation(
    name: str,
    size: int,
    run: Run,
    peaks: dict[tuple[str, str, int], int],
    refused: list[tuple[str, str]],
    plain: set[str],
    unread: tuple[int, ...],
) -> Recommendation:
    here = run.timings[run.timings["size"] == str(size)]
    _refuse(name, here)
    compared, crossovers = found.best_of_modes(run, tables.catalogue_order())
    cells = run.summary[(run.summary["size"] == str(size)) & (run.summary["quantity"] == "gradient")]  # type: ignore[index]
    cells = cells[cells["status"] == "ok"]
    n, m = int(here["n_inputs"].iloc[0]), int(here["n_outputs"].iloc[0])
    prepared = here[here["prepare_seconds"].notna()].groupby(["engine", "mode", "lanes"])["prepare_seconds"].first()
    fastest_first = cells.sort_values("seconds_median", kind="stable").to_dict("records")
    options = tuple(
        Option(
            engine=engine,
            mode=mode,
            lanes=lanes,
            seconds=row["seconds_median"],
            low=row["seconds_low"],
            high=row["seconds_high"],
            prepare_seconds=float(prepared.get((engine, mode, lanes), float("nan"))),
            peak_bytes=peaks.get((engine, mode, lanes)),
            write=_written(engines()[engine], mode, m, plain),
        )
        for row in fastest_first
        for engine, mode, lanes in [(row["engine"], row["mode"], int(row["lanes"]))]
    )
    speedups = tuple(each for each in compared if (each.n_inputs, each.n_outputs) == (n, m))
    sizes = run.timings["size"].nunique()
    errors = run.timings.loc[run.timings["status"] == "ok", "max_error"]
    return Recommendation(
        function=name,
        n_inputs=n,
        n_outputs=m,
        options=options,
        speedups=speedups,
        crossovers=crossovers if sizes > 1 else (),
        refused=tuple((_not_measured(here, cells) | dict(refused)).items()),
        noise=found.noise_of(run),
        folder=run.path,
        difference=float(errors.max()),
        unread=unread,
    )


def _not_measured(here: pd.DataFrame, cells: pd.DataFrame) -> dict[str, str]:
    """The first reason of each engine that is not among the cells measured, and of each mode that others lack."""
    able, measured = set(cells["engine"]), set(zip(cells["engine"], cells["mode"], strict=True))
    told: dict[str, str] = {}
    for row in here[here["status"] != "ok"].to_dict("records"):
        engine, mode = row["engine"], row["mode"]
        alone = engine not in able
        if alone or (mode != "primal" and (engine, mode) not in measured):
            reason = f"{row['status'].replace('_', ' ')}, {row['note'].removeprefix(engine + ': ')}"
            told.setdefault(engine if alone else f"{engine}, {mode} mode", reason)
    return told


def _written(engine: type[Engine], mode: str, n_outputs: int, plain: set[str]) -> str:
    """What to write; a function in plain NumPy or `math`, which was bound to the engine, has to be written for it."""
    call, instead = engine.written.call(mode, n_outputs), engine.written.instead(plain)
    return f"{call}, with {instead}" if instead else call


def _refuse(name: str, here: pd.DataFrame) -> None:
    """Say why there is no answer, where nothing could be measured at the size asked for.

    Raises:
        FunctionError: no gradient was measured.
    """
    gradients = here[here["quantity"] == "gradient"]
    if (gradients["status"] == "ok").any():
        return
    wrong = gradients[gradients["status"] == "wrong"]
    if len(wrong):
        raise FunctionError(
            f"function: {name} seems to have no derivative here, or to be flat: in {wrong['mode'].iloc[0]} mode of "
            f"{wrong['engine'].iloc[0]}, checked by differences, {wrong['note'].iloc[0]}"
        )
    failed = here[here["status"] != "ok"]
    reasons = dict(zip(failed["engine"], failed["note"], strict=True))
    raise FunctionError(
        f"function: no engine could differentiate {name}: {'; '.join(f'{who}: {why}' for who, why in reasons.items())}"
    )


@contextmanager
def _kept(results: str | Path | None) -> Iterator[Path]:
    """The folder to measure into; one that is removed in the end where none is given."""
    if results is not None:
        yield Path(results)
        return
    with tempfile.TemporaryDirectory(prefix="forward-vs-reverse-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _quiet(progress: TextIO | None) -> Iterator[TextIO]:
    if progress is not None:
        yield progress
        return
    with Path("/dev/null" if sys.platform != "win32" else "nul").open("w") as nowhere:
        yield nowhere
