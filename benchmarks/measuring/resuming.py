"""Taking up a run that was interrupted: what it was begun with, what is left to do, and which cells to be careful with.

What is measured, or was wrong, is not done again; whatever else ended without a time is tried again.  A cell that a
process died with (a segmentation fault, `os._exit`, the system's out-of-memory killer) is first tried in a process of
its own.  If it dies there too, or had killed the run before, that is its error, and the run goes on without it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from benchmarks.cells import Cell, Visit
from benchmarks.measuring import memory
from benchmarks.measuring.guard import Failure
from benchmarks.options import OptionError, Selection, Settings
from benchmarks.runs.at_work import left_behind
from benchmarks.runs.columns import IDENTITY
from benchmarks.runs.files import RecordError, read_environment

SAME = ("cpu", "python", "version", "commit", "threads")
SAME_VERSIONS = ("numpy", "numba")
"""What a resumed run must share with its beginning; otherwise its blocks could not be compared."""

ONE = ("function", "at", "dtype")
"""What a selection names one of."""

DIED = "the process that measured it ended with it"
DIED_WITH_ANOTHER = "a process ended with another cell of the same engine and problem"


def resumed_settings(folder: Path, settings: Settings, *, changed: bool = False) -> Settings:
    """The settings that a run was begun with, and the budget and time limit given now.

    Args:
        folder: the run.
        settings: those given now.
        changed: whether blocks or seed were given anew, which cannot be.

    Raises:
        OptionError: more than a budget and a time limit was given.
        RecordError: the run does not say how it was begun.
    """
    begun = settings_of(folder)
    if changed or settings.selection != Selection():
        raise OptionError(
            "--resume: the run keeps its own selection, blocks and seed; give only a budget or time limit"
        )
    return replace(begun, budget=settings.budget, time_limit=settings.time_limit)


def settings_of(folder: Path) -> Settings:
    """The settings that a run was begun with.

    Raises:
        RecordError: the run does not say how it was begun.
    """
    begun = read_environment(folder).get("settings")
    if not isinstance(begun, dict):
        raise RecordError(f"{folder}: environment.json has no settings, so it cannot be made again or resumed")
    try:
        selected = {name: _given(name, value) for name, value in begun["selection"].items()}
        blocks, seed = begun["blocks"], begun["seed"]
        most: Any = begun.get("most_blocks", blocks)
        if not all(type(number) is int and number > 0 for number in (blocks, seed, most)):
            raise TypeError
        budget, time_limit = (float(begun[name]) for name in ("budget", "time_limit"))
        return Settings(
            selection=Selection(**selected),
            budget=budget,
            blocks=blocks,
            most_blocks=most,
            seed=seed,
            time_limit=time_limit,
            apart=bool(begun.get("apart", False)),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RecordError(f"{folder}: the settings in environment.json are not those of a run") from None


def _given(name: str, value: Any) -> Any:
    """What a selection says of one name, as it was given."""
    if value is None or (name in ONE and isinstance(value, str)):
        return value
    kind = int if name == "sizes" else str
    if name in ONE or not isinstance(value, list) or not all(type(each) is kind for each in value):
        raise TypeError
    return tuple(value)


def require_same(folder: Path, begun: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
    """Refuse to mix what cannot be compared.

    Raises:
        RecordError: the machine, Python, a package or the code is not what the run was begun with.
    """
    then, now = ({name: one.get(name) for name in SAME} for one in (begun, environment))
    for one, whole in ((then, begun), (now, environment)):
        versions = whole.get("versions")
        one |= {name: versions.get(name) for name in SAME_VERSIONS} if isinstance(versions, dict) else {}
    for name in now:
        if then.get(name) != now[name]:
            raise RecordError(f"{folder}: was begun with {name} {then.get(name)!r}, not {now[name]!r}")


def remaining(visits: Sequence[Visit], timings: pd.DataFrame) -> list[Visit]:
    """The visits of a resumed run that still have to be made: what is measured or decided is not done again.

    Args:
        visits: all visits of the run.
        timings: its records so far, without those to be tried again.
    """
    keys = list(timings[list(IDENTITY)].itertuples(index=False, name=None))
    done = set(zip(timings["block"], keys, timings["twin"], strict=True))
    given_up = {key for key, status in zip(keys, timings["status"], strict=True) if status != "ok"}
    return [
        visit
        for visit, key in ((visit, visit.cell.identity) for visit in visits)
        if key not in given_up and (visit.block, key, visit.twin) not in done
    ]


def suspects(folder: Path, cells: Sequence[Cell]) -> dict[Cell, int]:
    """The cells that processes died with, and how many did.

    Args:
        folder: the run.
        cells: all cells of the run.
    """
    last, earlier = left_behind(folder), read_environment(folder).get("died_with", [])
    counts = {cell: earlier.count(str(cell)) + (last == list(cell.identity)) for cell in cells}
    return {cell: count for cell, count in counts.items() if count}


def tried_apart(cell: Cell, times: int, seconds: float, time_limit: float) -> Failure | None:
    """Execute a cell that a process died with in a process of its own.

    Args:
        cell: the cell.
        times: how many processes died with it, or 0 for another cell of its problem; after two there is no more trying.
        seconds: it may take.
        time_limit: of a cell; with fewer seconds than that, taking longer is no error.

    Returns:
        How it failed; None if it did not.
    """
    if times > 1:
        return Failure("error", f"{DIED}, {times} times", hung=True)
    died = DIED if times else DIED_WITH_ANOTHER
    try:
        found = memory.execute(memory.Load(cell), seconds, psutil.virtual_memory().available)
    except subprocess.TimeoutExpired:
        status = "error" if seconds >= time_limit else "over_budget"
        return Failure(status, f"{died}; alone it was still running after {seconds:.3g} s", hung=True)
    return None if found["status"] == "ok" else Failure("error", f"{died}; alone: {found['note']}", hung=True)
