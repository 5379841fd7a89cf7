"""The memory pass: bytes of tape, and peak bytes of the process, of each mode at growing sizes.  Nothing is timed here.

    for record in measure(plan(selection), run="my run"): ...

Each load is executed once, in a new Python process of its own.  There the engine first does the same at the family's
smallest size, so that whatever it imports or compiles is in place; the inputs are made, garbage is collected, and the
resident memory of the process is read: the baseline.  Then the engine prepares the load (`prepare_bytes`: the peak of
recording, compiling or converting, where there is any), what that has set free is handed back to the system, and the
sweep runs (`peak_bytes`: its peak, with all that preparing it left in place).  So `peak_bytes` counts everything: the
tape, the inputs lifted for the mode, the seed, the result, and whatever NumPy, compiled code or a C++ engine allocates.
What cannot be seen is what fits into the holes that importing left in the heap; a tape, whose bytes are known, sets the
least that the peak can have been.

Peaks come from /proc on Linux and from `getrusage` elsewhere (there a peak below that of the imports cannot be seen).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks.cells import Cell, evaluation
from benchmarks.engines import chosen, engines
from benchmarks.engines import engine as engine_named
from benchmarks.findings.words import duration
from benchmarks.functions import catalogue, own
from benchmarks.functions.folds import fixed_work
from benchmarks.functions.problem import Family, Problem, Size, text_of
from benchmarks.measuring.prepared import Bound, prepare, refusal
from benchmarks.options import Selection
from benchmarks.plan import chosen_families
from benchmarks.runs.columns import MemoryRecord
from benchmarks.runs.files import AGAIN, RecordError, read_records

Key = tuple[str, str, int | None, str, str, str]

SWEEPS = {"forward": "jvp", "reverse": "vjp"}
"""What is executed in each mode: one sweep.  A gradient of many sweeps holds no more: it does one after another."""

GROWTH = ("chain", "fixed_work")
"""The families followed over sizes: one whose inputs grow with its ops, one whose inputs stay while its ops grow."""
OPS = tuple(2**k for k in range(14, 21, 2))
ONE_SIZE_OPS = 2**17
FIXED_INPUTS = 16

PROCESSES = 2
"""Loads at work at once; nothing is timed, and the memory of one process does not depend on another's."""


@dataclass(frozen=True)
class Load:
    """One thing to measure.

    Attributes:
        cell: family, size, engine, mode and quantity.
        steps: of `fixed_work`, to grow its ops while its inputs stay; 0 for the family as it is.
    """

    cell: Cell
    steps: int = 0

    @property
    def problem(self) -> Problem:
        """What is differentiated."""
        return fixed_work(self.steps).at(self.cell.size) if self.steps else self.cell.problem

    def smallest(self) -> Load:
        """The same at the smallest size of its family."""
        family = catalogue.families([self.cell.graph])[0]
        size = family.sizes[0] if family.sizes else family.sizes_from([1])[0]
        return Load(replace(self.cell, size=size), min(self.steps, 1))


def plan(selection: Selection) -> list[Load]:
    """The loads selected, smallest first; sizes that are given replace the default ones in every family."""
    loads = {
        Load(Cell(family.name, size, engine.name, mode, quantity, dtype=selection.dtype), steps)
        for family in chosen_families(selection)
        for size, steps in _sizes(family, selection)
        for engine in chosen(selection.engines)
        for mode, quantity in SWEEPS.items()
        if not engine.declined(catalogue.problem(family.name, size, selection.dtype), selection.dtype)
        and mode in engine.modes
        and (selection.modes is None or mode in selection.modes)
        and (selection.quantities is None or quantity in selection.quantities)
    }
    return sorted(loads, key=lambda one: (evaluation(one.problem), one.cell))


def measure(
    loads: Sequence[Load], *, run: str, budget: float = 20.0, time_limit: float = 60.0, memory_limit: int | None = None
) -> Iterator[MemoryRecord]:
    """Measure loads; every load gets its record, in the order given, as soon as it is done.

    Args:
        loads: what to measure, smallest first.
        run: name of the run, for the records.
        budget: seconds for all; the loads that do not fit get `over_budget` records.
        time_limit: seconds for one load; beyond it is an `error` record.
        memory_limit: bytes that one load may allocate; beyond it is an `out_of_memory` record.  By default what the
            machine has to spare, so that no load makes it swap.
    """
    deadline = time.monotonic() + budget
    limit = memory_limit or psutil.virtual_memory().available // PROCESSES

    def outcome(one: Load) -> dict[str, Any]:
        left = deadline - time.monotonic()
        if left <= 0.0:
            return {"status": "over_budget", "note": f"the {budget:g} s of the memory pass were used up"}
        engine = engines().get(one.cell.engine)
        if engine and (reason := engine.missing()):  # a process would take a second to find that out
            return {"status": "unsupported", "note": reason}
        try:
            return execute(one, min(left, time_limit), limit)
        except subprocess.TimeoutExpired:
            if left < time_limit:
                return {"status": "over_budget", "note": f"would not end in the {duration(left)} that were left"}
            return {"status": "error", "note": f"still running after {time_limit:g} s"}

    with ThreadPoolExecutor(PROCESSES) as pool:
        for one, found in zip(loads, pool.map(outcome, loads), strict=True):
            yield _record(run, one, found)


def key(one: Load, run: str) -> Key:
    """What tells the record of a load from all others of a run."""
    return _key(_record(run, one, {"status": "ok"}))


def _key(record: MemoryRecord) -> Key:
    return record.graph, record.size, record.n_ops, record.engine, record.mode, record.dtype


def known(path: Path) -> dict[Key, MemoryRecord]:
    """What an earlier session has measured, by `key`; a file that is not there, or damaged, knows nothing."""
    try:
        records = read_records(path)
    except RecordError:
        return {}
    return {_key(record): record for record in records if record.status not in AGAIN}


def _record(run: str, one: Load, outcome: dict[str, Any]) -> MemoryRecord:
    problem = one.problem
    if "peak_bytes" in outcome and problem.ops:
        outcome["bytes_per_op"] = outcome["peak_bytes"] / problem.ops
    return MemoryRecord(
        run=run,
        graph=one.cell.graph,
        size=text_of(one.cell.size),
        n_inputs=problem.n_inputs,
        n_ops=problem.ops,
        engine=one.cell.engine,
        mode=one.cell.mode,
        dtype=one.cell.dtype,
        **outcome,
    )


def _sizes(family: Family, selection: Selection) -> Iterator[tuple[Size, int]]:
    """The sizes of a family, each with the steps of `fixed_work`.

    A family with sizes of its own has small ones, in which nothing can be seen, unless it is asked to grow.
    """
    if selection.sizes is not None:
        yield from ((size, 0) for size in family.sizes_from(selection.sizes))
    elif family.growing:
        yield from ((size, 0) for size in family.growing if selection.families is not None)
    elif family.name == "fixed_work":
        yield from ((FIXED_INPUTS, ops // 4) for ops in OPS)
    elif not family.sizes:
        yield from ((_size_of(family, ops), 0) for ops in (OPS if family.name in GROWTH else (ONE_SIZE_OPS,)))


def _size_of(family: Family, ops: int) -> Size:
    """The largest size, of those among powers of two, with no more than so many ops (or about, if it is rounded)."""
    n = 2
    while (catalogue.problem(family.name, family.nearest(2 * n)).ops or ops + 1) <= ops:
        n *= 2
    return family.nearest(n)


# ---- the process that executes one load -----------------------------------------------------------------------------


def execute(one: Load, seconds: float, memory_limit: int) -> dict[str, Any]:
    """Execute one load in a process of its own: the part of its record that was measured.

    Raises:
        TimeoutExpired: it took longer than so many seconds, and was killed.
    """
    root = str(Path(__file__).parents[2])
    child = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.measuring.memory",
            json.dumps([asdict(one), own.origin(one.cell.graph), memory_limit]),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([root, *sys.path])},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    if child.returncode < 0:  # the system kills what takes its last memory
        status = "out_of_memory" if child.returncode == -signal.SIGKILL else "error"
        return {"status": status, "note": f"its process was killed by signal {-child.returncode}"}
    if child.returncode:
        last = (child.stderr.strip() or f"exit status {child.returncode}").splitlines()[-1]
        if last.startswith("MemoryError"):
            return {"status": "out_of_memory", "note": f"needs more than the {memory_limit:,} bytes allowed"}
        return {"status": "error", "note": last[:200]}
    try:
        outcome: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"status": "error", "note": "its process ended without a result"}
    return outcome


def _observe(one: Load, memory_limit: int) -> dict[str, Any]:
    """Execute one load in this process, which is used for nothing else: the part of its record that is measured."""
    engine, problem = engine_named(one.cell.engine), one.problem
    reason = refusal(one.cell, engine)
    if reason is not None:
        return {"status": "unsupported", "note": reason}
    engine.load()
    resource.setrlimit(resource.RLIMIT_DATA, (memory_limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    small = one.smallest()
    prepare(small.cell, Bound(engine(small.problem), 0.0)).run()
    _hand_back()
    baseline = _restart_peak()
    prepared = prepare(one.cell, Bound(engine(problem), 0.0))
    preparing = _peak()
    _hand_back()
    _restart_peak()
    result = prepared.run()
    sweeping = _peak()
    del result
    tape = prepared.engine.tape_bytes() if one.cell.mode == "reverse" else None
    return {
        "status": "ok",
        "note": f"{prepared.note}; peak of the resident memory above a baseline with engine and inputs in place",
        "prepare_bytes": max(preparing - baseline, 0),
        "peak_bytes": max(sweeping - baseline, tape or 0, 0),
        "tape_bytes": tape,
    }


def _hand_back() -> None:
    """Collect garbage, and give what is free back to the system where the C library can do that."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _restart_peak() -> int:
    """Let the process's peak start anew where the system can, and return it, in bytes."""
    clear_refs = Path("/proc/self/clear_refs")
    if clear_refs.exists():
        clear_refs.write_text("5")
    return _peak()


def _peak() -> int:
    """The peak of this process's resident memory, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main() -> None:
    fields, function, memory_limit = json.loads(sys.argv[1])
    if function is not None:
        own.known(*function)
    cell = Cell(**fields["cell"])
    cell = replace(cell, size=tuple(cell.size)) if isinstance(cell.size, list) else cell  # JSON has no tuples
    one = Load(cell, fields["steps"])
    print(json.dumps(_observe(one, memory_limit)))


if __name__ == "__main__":
    _main()
