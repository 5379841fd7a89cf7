"""The command line: `python -m benchmarks run | rerun | list | show | compare | recommend | million | training`.

`run` is `pytest --benchmark` under another name, for long runs: the same files, and the same options but for those of
pytest and pytest-benchmark themselves.  Nothing is computed here; this module reads arguments, calls, and prints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.options import (
    RUNNING,
    SELECTION,
    OptionError,
    arguments_of,
    selection_from,
    settings_from,
    size_from,
)
from benchmarks.runs.threads import pin

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from benchmarks.functions.problem import Size
    from benchmarks.runs.files import Run

LISTED = 20
"""Up to how many cells that two runs do not have in common are listed one by one, of each kind."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 for a failure found, 2 for a wrong use."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    pin()
    from benchmarks.runs.files import RecordError

    try:
        status: int = options.command(options, given[1:])
    except (OptionError, RecordError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was measured is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Forward against reverse mode, measured.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="measure, write a new folder in results/, and draw", allow_abbrev=False)
    for name, settings in {**SELECTION, **RUNNING}.items():
        run.add_argument(name, **settings)
    run.set_defaults(command=_run)

    again = commands.add_parser("rerun", help="make a run again with the settings that its environment.json says")
    again.add_argument("again", metavar="RUN", help="folder or name")
    again.add_argument("--results", default="results", metavar="FOLDER", help=RUNNING["--results"]["help"])
    again.add_argument("--no-plots", action="store_true", help=RUNNING["--no-plots"]["help"])
    again.set_defaults(command=_rerun)

    listing = commands.add_parser("list", help="families, engines, and the cells that a selection gives")
    for name, settings in SELECTION.items():
        listing.add_argument(name, **settings)
    listing.set_defaults(command=_list)

    show = commands.add_parser("show", help="what a run found")
    show.add_argument("run", nargs="?", metavar="RUN", help="folder or name; default the newest")
    show.add_argument("--results", default="results", metavar="FOLDER", help=RUNNING["--results"]["help"])
    show.set_defaults(command=_show)

    compare = commands.add_parser("compare", help="which cells changed from one run to another")
    compare.add_argument("a", metavar="RUN_A", help="the run to compare with")
    compare.add_argument("b", metavar="RUN_B", help="the run in question")
    compare.add_argument(
        "--fail-above", metavar="RATIO", help="exit with 1 if a cell is slower by more than this ratio"
    )
    compare.add_argument("--results", default="results", metavar="FOLDER", help=RUNNING["--results"]["help"])
    compare.set_defaults(command=_compare)

    recommend = commands.add_parser("recommend", help="which mode for a function of your own, in seconds")
    recommend.add_argument("function", metavar="FILE.py:NAME", help="the function: f(x) or f(xp, x)")
    recommend.add_argument(
        "--inputs", metavar="N", help="this many inputs, between 0.5 and 1.5; needed unless --at gives them"
    )
    recommend.add_argument("--at", **SELECTION["--at"])
    recommend.add_argument("--engine", metavar="NAME,...", help="only these engines; default all that are installed")
    recommend.add_argument("--budget", metavar="SECONDS", default="60", help="bound on all of it; default 60")
    recommend.add_argument("--results", default="results", metavar="FOLDER", help=RUNNING["--results"]["help"])
    recommend.set_defaults(command=_recommend)

    million = commands.add_parser("million", help="the full gradient of a million inputs, by both modes, in full")
    million.add_argument("--family", default="chain", metavar="NAME", help="the function; default chain")
    million.add_argument("--size", metavar="N", help="inputs; default 1,000,000, or 100,000 with --lanes 1")
    million.add_argument("--lanes", type=int, default=256, metavar="COUNT", help="tangents per pass; default 256")
    million.add_argument("--threads", type=int, default=2, metavar="COUNT", help="passes at a time; default 2")
    million.add_argument("--results", default="results", metavar="FOLDER", help=RUNNING["--results"]["help"])
    million.set_defaults(command=_million)

    training = commands.add_parser("training", help="a network trained to the end, with gradients of either mode")
    training.add_argument("--seed", type=int, metavar="NUMBER", help="of the first weights; default one that learns")
    training.add_argument("--limit", type=int, metavar="COUNT", help="sweeps after which it is given up; default 5,000")
    training.add_argument("--starts", type=int, metavar="COUNT", help="other seeds that are tried; default 20")
    training.add_argument("--results", default="results", metavar="FOLDER", help=RUNNING["--results"]["help"])
    training.set_defaults(command=_training)
    return parser


def _million(options: argparse.Namespace, _: Sequence[str]) -> int:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from benchmarks.experiments import million

    for name in ("lanes", "threads"):
        if getattr(options, name) < 1:
            raise OptionError(f"--{name}: got {getattr(options, name)}, expected a positive whole number")
    size = size_from("--size", options.size) if options.size else (100_000 if options.lanes == 1 else 1_000_000)
    plan = million.Plan(options.family, size, options.lanes, options.threads, Path(options.results) / "million")
    columns = (TextColumn("forward sweeps"), BarColumn(), MofNCompleteColumn(), TextColumn("in"), TimeElapsedColumn())
    bar = Progress(*columns, TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=True))
    task = bar.add_task("", total=size)

    def report(state: million.State, _: int) -> None:
        bar.start()  # not before: what is refused is refused in one line
        bar.update(task, completed=state.done)

    try:
        record = million.run(plan, report)
    except (ValueError, ImportError) as problem:
        raise OptionError(str(problem)) from None
    finally:
        if bar.live.is_started:
            bar.stop()
    print(million.sentence(record))
    return 0 if record.status == "ok" else 1


def _training(options: argparse.Namespace, _: Sequence[str]) -> int:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from benchmarks.experiments import training

    given = {name: value for name in ("seed", "limit", "starts") if (value := getattr(options, name)) is not None}
    for name, least in (("seed", 0), ("limit", 1), ("starts", 0)):
        if given.get(name, least) < least:
            raise OptionError(f"--{name}: got {given[name]}, expected a whole number from {least} on")
    folder = Path(options.results) / "training"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("in"))
    with Progress(*columns, TimeElapsedColumn()) as bar:
        task = bar.add_task("training")
        found, starts = training.run(
            training.Plan(folder, **given),
            lambda what, done, most: bar.update(task, description=what, completed=done, total=most),
        )
    for sentence in training.sentences(found, starts):
        print(sentence)
    print(f"{folder}: training.csv, learning.csv, starts.csv; `python -m plots --training {folder}` draws them")
    return 0 if all(record.status == "ok" for record in found) else 1


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    settings = settings_from(_value(options))  # a wrong option is reported before pytest starts
    if settings.apart and not options.only:
        from benchmarks.measuring.apart import one_by_one

        changed = bool(options.blocks or options.seed)
        return one_by_one(settings, Path(options.results), options.resume, changed=changed, draw=not options.no_plots)
    import pytest

    root = Path(__file__).resolve().parent.parent
    if not (root / "conftest.py").exists():
        raise OptionError("run: needs a clone of the repository, where conftest.py and pyproject.toml are")
    where = [
        f"--rootdir={root}",
        f"--config-file={root / 'pyproject.toml'}",
        str(root / "benchmarks" / "test_cells.py"),
    ]
    return int(pytest.main(["--benchmark", "--no-header", "-p", "no:cacheprovider", *where, *given]))


def _recommend(options: argparse.Namespace, _: Sequence[str]) -> int:
    from benchmarks.functions import own
    from benchmarks.recommend import recommend

    value = _value(options)
    settings = settings_from(lambda name: value(name) if name in ("--engine", "--budget") else None)
    size = size_from("--inputs", options.inputs) if options.inputs else None
    if options.at is None and size is None:
        raise OptionError("--inputs: got none, expected how many inputs the function has; or give them with --at")
    try:
        function = own.read(options.function, options.at, size)
        if size is not None and function.fixed not in (None, size):
            raise OptionError(f"--inputs: got {size}, but --at gives {function.fixed}; leave one of them out")
        engines = settings.selection.engines
        found = recommend(function, size, engines, settings.budget, options.results, sys.stderr)
    except ValueError as problem:
        raise OptionError(str(problem)) from None
    print(found)
    if found.folder is not None:
        print(_picture(found.folder))
    return 0


def _picture(folder: Path) -> str:
    """Draw what was recommended, by the command of the figures, which are above this room; where it is, in a line."""
    import subprocess

    there = str(folder.resolve())
    command = [sys.executable, "-m", "plots", there, "--figure", "modes", "--out", there]
    drawn = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parent.parent)
    lines = (drawn.stdout if drawn.returncode == 0 else drawn.stderr).strip().splitlines()
    said = lines[-1] if lines else "No picture was drawn."
    return str(folder / Path(said).name) if lines and drawn.returncode == 0 else said


def _rerun(options: argparse.Namespace, _: Sequence[str]) -> int:
    from benchmarks.findings.comparison import differences
    from benchmarks.measuring.resuming import settings_of
    from benchmarks.runs.files import find_run, read_environment

    results = Path(options.results)
    before = find_run(options.again, results)
    given = [*arguments_of(settings_of(before)), "--results", str(results)]
    given += ["--no-plots"] if options.no_plots else []
    status = _run(_parser().parse_args(["run", *given]), given)
    after = find_run(None, results)
    for difference in differences(read_environment(before), read_environment(after)):
        print(f"not the same: {difference} (a is {before.name}, b is {after.name})")
    return status


def _list(options: argparse.Namespace, _: Sequence[str]) -> int:
    from rich.console import Console
    from rich.table import Table

    from benchmarks.engines import engine
    from benchmarks.measuring.guard import guarded
    from benchmarks.measuring.prepared import refusal
    from benchmarks.plan import plan

    cells = plan(selection_from(_value(options)))
    table = Table("family", "engine", "mode", "quantity", "cells", "sizes", box=None)
    groups = sorted({(cell.graph, cell.engine, cell.mode, cell.quantity) for cell in cells})
    for key in groups:
        chosen = [cell for cell in cells if (cell.graph, cell.engine, cell.mode, cell.quantity) == key]
        sizes = sorted({cell.size for cell in chosen}, key=lambda size: size if isinstance(size, tuple) else (size,))
        span = f"{_sized(sizes[0])} to {_sized(sizes[-1])}" if len(sizes) > 1 else _sized(sizes[0])
        reason = guarded(lambda: refusal(chosen[0], engine(chosen[0].engine)), 10.0)  # noqa: B023
        table.add_row(*key, str(len(chosen)), reason if isinstance(reason, str) else getattr(reason, "note", span))
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    console.print(f"{len(cells)} cells", highlight=False)
    return 0


def _sized(size: Size) -> str:
    return " x ".join(f"{n:,}" for n in (size if isinstance(size, tuple) else (size,)))


def _show(options: argparse.Namespace, _: Sequence[str]) -> int:
    from benchmarks.findings import tables
    from benchmarks.runs.files import find_run, read_run

    for line in tables.lines(read_run(find_run(options.run, Path(options.results)))):
        print(line)
    return 0


def _compare(options: argparse.Namespace, _: Sequence[str]) -> int:
    from rich.console import Console

    from benchmarks.findings import comparison
    from benchmarks.runs.files import find_run

    threshold = _ratio(options.fail_above)
    a, b = (_timings_of(find_run(name, Path(options.results))) for name in (options.a, options.b))
    cells = comparison.compare(a, b)
    apart = cells.loc[cells["status"] != "ok", "status"].value_counts()
    many = apart[apart > LISTED]
    told = cells[cells["verdict"].isin(["faster", "slower"]) | ~cells["status"].isin(["ok", *many.index])]
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    if len(told):
        console.print(_table_of_cells(told))
    for status, count in many.items():
        console.print(f"{count:,} cells {status}")
    measured, floor = cells[cells["status"] == "ok"], cells["floor"].max()
    counts = measured["verdict"].value_counts()
    console.print(
        f"{len(measured)} cells in both runs: {counts.get('faster', 0)} faster, {counts.get('slower', 0)} slower, "
        f"{counts.get('no difference', 0)} no difference, {counts.get('', 0)} undecided; "
        f"noise floor {f'{floor:.1%}' if floor == floor else 'unknown'}"
    )
    if len(measured):
        console.print(f"all cells together: b / a = {measured['common'].iloc[0]:.3g}")
    if not (a.environment and b.environment):
        console.print(
            "warning: without environment.json of both it is not known whether machine and versions are the same"
        )
    for difference in comparison.differences(a.environment, b.environment):
        console.print(f"warning: not the same in both runs: {difference}")
    if threshold is None:
        return 0
    reasons = comparison.reasons_to_fail(cells, threshold)
    for reason in reasons:
        console.print(f"failed: {reason}")
    if not reasons:
        console.print(f"passed: no cell is slower by more than a ratio of {threshold:g}")
    return 1 if reasons else 0


def _table_of_cells(cells: pd.DataFrame) -> Table:
    """Rows of a comparison for the terminal: the seconds of both runs and their ratio, or why there is none."""
    from rich.table import Table

    from benchmarks.findings.comparison import cell_name

    table = Table("cell", "seconds a", "seconds b", "b / a", "95 %", "verdict", box=None)
    for row in cells.to_dict("records"):
        numbers, said = ["", "", "", ""], row["status"]
        if row["status"] == "ok":
            interval = f"[{row['ratio_low']:.3g}, {row['ratio_high']:.3g}]"
            numbers = [*(f"{row[name]:.3g}" for name in ("seconds_a", "seconds_b", "ratio")), interval]
            said = row["verdict"]
        table.add_row(cell_name(row), *numbers, said)
    return table


def _timings_of(folder: Path) -> Run:
    """A run of which only the timings are read, and the environment if there is one."""
    from benchmarks.runs.files import Run, read_environment, read_table

    return Run(folder, read_table(folder / "timings.csv"), environment=read_environment(folder))


def _ratio(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        ratio = float(text)
    except ValueError:
        ratio = 0.0
    if not 1.0 <= ratio < float("inf"):
        raise OptionError(f"--fail-above: got {text!r}, expected a ratio of at least 1, such as 1.1 for 10 % slower")
    return ratio


def _value(options: argparse.Namespace) -> Callable[[str], str | None]:
    """The text given for an option, by the option's name."""
    return lambda name: getattr(options, name.removeprefix("--").replace("-", "_"))


if __name__ == "__main__":
    status = main()
    from benchmarks.measuring.ending import leave

    sys.exit(leave(status))
