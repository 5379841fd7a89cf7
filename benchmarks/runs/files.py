"""The files of a run: written so that nothing measured is lost, read back with the right dtypes.

    run = read_run("results/reference")
    run.timings, run.summary, run.environment

One run is one folder.  `timings.csv` grows by one whole line per measurement, so that a run killed at any moment keeps
what it has; all other files are replaced as a whole.  The columns are declared in `benchmarks.runs.columns`; what the
numbers mean is computed in `benchmarks.findings.analysis`.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import socket
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

try:
    import fcntl
except ImportError:  # Windows: runs are not locked there
    fcntl = None  # type: ignore[assignment]

from benchmarks.runs.columns import STATUSES, TimingRecord, before, kinds
from benchmarks.runs.dictionary import OUTSIDE, TABLES

DTYPES = {"str": "str", "int": "int64", "int | None": "Int64", "float": "float64"}
"""Annotation of a column to pandas dtype; an integer that may be missing is pandas' nullable one."""


DERIVED = ("summary.csv", "scaling.csv", "crossover.csv", "regret.csv", "model.csv", "engines.csv")
"""The tables that follow from the timings."""

AGAIN = ("over_budget", "error", "unsupported")
"""What a resumed run tries again: another budget, another environment or another day may change it."""


class RecordError(ValueError):
    """A run, or one of its files, is missing or is not what it should be; the message is one line."""


@dataclass(frozen=True)
class Run:
    """One run, read back.

    Attributes:
        path: its folder; the folder's name is the run's name.
        timings: `timings.csv`, one record per cell and block.
        summary, scaling, crossover: what follows from the timings; None where the file is absent or damaged, since it
            can be made again.
        memory: `memory.csv`, or None where the file is absent.
        environment: `environment.json`, empty where the file is absent.
        checkpointing, regret, model, engines: the tables of these names, or None where the file is absent.
    """

    path: Path
    timings: pd.DataFrame
    summary: pd.DataFrame | None = None
    scaling: pd.DataFrame | None = None
    crossover: pd.DataFrame | None = None
    memory: pd.DataFrame | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    checkpointing: pd.DataFrame | None = None
    regret: pd.DataFrame | None = None
    model: pd.DataFrame | None = None
    engines: pd.DataFrame | None = None


def read_run(path: str | Path) -> Run:
    """Read a run's folder into DataFrames.

    Args:
        path: the folder, such as `results/reference`.

    Raises:
        RecordError: the folder or its `timings.csv` is missing, or a file is empty, cut short or not one of ours.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise RecordError(f"run: no folder {str(folder)!r}")
    timings = read_table(folder / "timings.csv")
    others = {
        name.removesuffix(".csv"): _other(folder / name) for name in TABLES if name not in ("timings.csv", *OUTSIDE)
    }
    return Run(path=folder, timings=timings, environment=read_environment(folder), **others)


def _other(path: Path) -> pd.DataFrame | None:
    """A table besides the timings, if it is there; one that follows from them is as good as absent if damaged."""
    if not path.exists():
        return None
    try:
        return read_table(path)
    except RecordError:
        if path.name in DERIVED:
            return None
        raise


def find_run(name: str | Path | None, results: Path) -> Path:
    """The folder of a run: a path, a name in `results`, or with None the newest run there.

    Raises:
        RecordError: there is none.
    """
    if name is not None:
        for folder in (Path(name), results / name):
            if folder.is_dir():
                return folder
        raise RecordError(f"run: {str(name)!r} is neither a folder nor a run in {str(results)!r}")
    runs = [file.parent for file in results.glob("*/timings.csv")]
    if not runs:
        raise RecordError(f"run: there is none in {str(results)!r}; make one with `pytest --benchmark`")
    # Runs are named by their time; the named ones (reference) are older than any run of one's own.
    return max(runs, key=lambda folder: (folder.name[:1].isdigit(), folder.name))


def create_run(results: Path) -> Path:
    """Create the folder of a new run, named by UTC time and host; runs started together get different ones."""
    results.mkdir(parents=True, exist_ok=True)
    host = "".join(c if c.isalnum() or c == "-" else "-" for c in socket.gethostname().split(".")[0]) or "host"
    name = f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{host}"
    for attempt in range(1, 1000):
        folder = results / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise RecordError(f"results: cannot create a new folder {name!r} in {str(results)!r}")


def read_table(path: Path) -> pd.DataFrame:
    """Read one CSV of a run; its name says which columns it must have.

    Raises:
        RecordError: it is missing, empty, cut short, or has other columns or values than it should.
    """
    columns = kinds(TABLES[path.name])
    lines = _lines(path)
    later = {name: value for name, value in before(TABLES[path.name]).items() if name not in lines[0]}
    there = {name: kind for name, kind in columns.items() if name not in later}
    if lines[0] != list(there):
        raise RecordError(f"{path}: not a table of this project: its columns are {_short(lines[0])}")
    values: dict[str, list[Any]] = {name: [later[name]] * (len(lines) - 1) if name in later else [] for name in columns}
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(there):
            raise RecordError(f"{path}: line {number} has {len(line)} values, expected {len(there)}")
        for (name, kind), text in zip(there.items(), line, strict=True):
            try:
                values[name].append(_parse(kind, text))
            except ValueError:
                raise RecordError(f"{path}: line {number}: {name} is {text!r}, expected {kind}") from None
            if name == "status" and text not in STATUSES:
                raise RecordError(f"{path}: line {number}: status is {text!r}, expected one of {', '.join(STATUSES)}")
    return pd.DataFrame({name: pd.Series(values[name], dtype=DTYPES[kind]) for name, kind in columns.items()})


def read_records(path: Path) -> list[Any]:
    """Read one CSV as records of its dataclass, which its name tells; see `read_table`."""
    kind = TABLES[path.name]
    rows = read_table(path).to_dict("records")
    return [kind(**{str(name): None if value is pd.NA else value for name, value in row.items()}) for row in rows]


def write_table(path: Path, records: pd.DataFrame) -> None:
    """Write one CSV of a run, whole or not at all; its name says which columns it must have.

    Raises:
        RecordError: `records` has other columns.
    """
    columns = kinds(TABLES[path.name])
    if list(records.columns) != list(columns):
        raise RecordError(f"{path}: columns are {_short(list(records.columns))}, expected {_short(list(columns))}")
    lines = [list(columns), *([record[name] for name in columns] for record in records.to_dict("records"))]
    _replace(path, "".join(map(_format, lines)))


def write_records(path: Path, records: Sequence[Any]) -> None:
    """Write one CSV of a run from records of its dataclass, whole or not at all."""
    columns = list(kinds(TABLES[path.name]))
    _replace(
        path, "".join(map(_format, [columns, *([getattr(record, name) for name in columns] for record in records)]))
    )


def read_environment(folder: Path) -> dict[str, Any]:
    """Read a run's `environment.json`; empty if there is none.

    Raises:
        RecordError: it is not a JSON object.
    """
    path = folder / "environment.json"
    if not path.exists():
        return {}
    try:
        environment = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise RecordError(f"{path}: not JSON: {problem}") from None
    if not isinstance(environment, dict):
        raise RecordError(f"{path}: holds a {type(environment).__name__}, expected an object")
    return environment


def write_environment(folder: Path, environment: dict[str, Any]) -> None:
    """Write a run's `environment.json`, whole or not at all."""
    _replace(folder / "environment.json", json.dumps(environment, indent=2, ensure_ascii=False) + "\n")


class Timings:
    """`timings.csv` of an open run, open for appending.

    A record is handed to the system in one write, so a killed process leaves whole lines.  Opening a file that does end
    in part of a line (a full disk, a power cut) drops that part.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "timings.csv"
        if path.exists():
            whole, mark, _ = path.read_bytes().rpartition(b"\n")
            os.truncate(path, len(whole + mark))
        new = not path.exists() or path.stat().st_size == 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._synced = time.monotonic()
        if new:
            os.write(self._file, _format(list(kinds(TimingRecord))).encode())

    def append(self, record: TimingRecord) -> None:
        """Add one record.

        Raises:
            OSError: it could not be written.
        """
        line = _format([getattr(record, name) for name in kinds(TimingRecord)]).encode()
        while line:
            line = line[os.write(self._file, line) :]
        # The system keeps what was written even if this process dies; syncing guards against a power cut, and costs
        # too much to be done for every record.
        if time.monotonic() - self._synced > 1.0:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def close(self) -> None:
        """Sync and close the file."""
        os.fsync(self._file)
        os.close(self._file)


def repair_timings(folder: Path, engines: Collection[str]) -> None:
    """Make an interrupted run's `timings.csv` whole, without a last line cut short, and open where `AGAIN` says so.

    Args:
        folder: the run.
        engines: those that are measured now; what is said of others stays.

    Raises:
        RecordError: it is not a table of this project.
    """
    Timings(folder).close()
    path = folder / "timings.csv"
    timings = read_table(path)
    write_table(path, timings[~(timings["status"].isin(AGAIN) & timings["engine"].isin(engines))])


def lock_run(folder: Path) -> Callable[[], None]:
    """Take a run for this process alone, until it calls what is returned, or dies.

    Raises:
        RecordError: another process is writing this run.
    """
    if fcntl is None:
        return lambda: None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RecordError(f"run: {str(folder)!r} is being written by another process") from None
    return lambda: os.close(handle)


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecordError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise RecordError(f"{path}: cannot be read: {problem}") from None
    if not text.strip():
        raise RecordError(f"{path}: empty")
    if not text.endswith("\n"):
        raise RecordError(f"{path}: cut short: the last line has no end (`--resume` repairs and finishes a run)")
    try:
        return list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as problem:
        raise RecordError(f"{path}: not a CSV: {problem}") from None


def _parse(kind: str, text: str) -> Any:
    if kind == "str":
        return text
    if kind == "float":
        return float(text) if text else math.nan
    if kind == "int | None" and not text:
        return pd.NA
    return int(text)


def _format(values: Sequence[Any]) -> str:
    """One line of CSV; floats so that they read back to the same bits, missing values empty, notes on one line."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_text(value) for value in values])
    return line.getvalue()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if value is None or value is pd.NA or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:  # a full disk must not be kept full
        temporary.unlink(missing_ok=True)
        raise


def _short(names: Sequence[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= 80 else text[:77] + "..."
