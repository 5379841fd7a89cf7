"""The experiment behind the textbook's claim: the full gradient of a million inputs, by both modes, in full.

    python -m benchmarks million                 many lanes: many tangents carried together through one pass
    python -m benchmarks million --lanes 1       the textbook's version, one tangent at a time; N = 100,000

Every one of the N forward sweeps is executed: every op, for every tangent, whether or not it can be anything but zero.
The part of the gradient that is done is saved every few seconds, so that an interruption costs at most a minute, and
the same command goes on from there, on the same machine and with the same code.  At the end the two gradients are
compared with each other and with the family's closed form, and one record is added to `million.csv`.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ad
from benchmarks.engines.base import TOLERANCE
from benchmarks.findings.words import duration
from benchmarks.functions.catalogue import problem
from benchmarks.functions.problem import Problem
from benchmarks.runs import environment
from benchmarks.runs.experiment_columns import MillionRecord
from benchmarks.runs.files import lock_run, read_records, write_records
from benchmarks.stopwatch import median, once

Vector = NDArray[np.float64]

ROUNDS = 7
"""Executions that a median is taken over."""

SAVE_EVERY = 20.0
"""Seconds between savings."""


@dataclass(frozen=True)
class Plan:
    """What to compute.

    Attributes:
        graph: the family.
        n: the number of inputs.
        lanes: tangents carried together through one pass.
        threads: passes running at the same time.
        folder: where `million.csv` and the state of an unfinished computation are kept.
    """

    graph: str
    n: int
    lanes: int
    threads: int
    folder: Path

    @property
    def state(self) -> Path:
        """The file that an unfinished computation is saved in."""
        return self.folder / f"unfinished-{self.graph}-{self.n}-lanes{self.lanes}-threads{self.threads}.npz"


@dataclass
class State:
    """How far the forward gradient has come.

    Attributes:
        gradient: its entries, of which the first `done` are computed.
        done: entries computed.
        sweeps: forward sweeps executed, as counted by the program.
        ops: ops executed by those sweeps, as counted by the program.
        seconds: time spent in them.
        sessions: how many times the computation was started or resumed.
        made_by: the machine and the code that computed it: only there it is taken up again.
    """

    gradient: Vector
    done: int = 0
    sweeps: int = 0
    ops: int = 0
    seconds: float = 0.0
    sessions: int = 0
    made_by: str = ""


def made_by() -> str:
    """The machine, the software and the code at work, in one line."""
    machine = environment.describe()
    versions = [machine["versions"].get(name) for name in ("numpy", "numba")]
    return " | ".join(map(str, (machine["host"], machine["cpu"], machine["python"], *versions, environment.build())))


Report = Callable[[State, int], None]
"""Called after each batch with the state and the number of sweeps that there will be."""


def load(plan: Plan) -> State:
    """The saved state of a plan, or a new one; a file that is damaged, or of other code or machine, is not used."""
    here = made_by()
    names = ("done", "sweeps", "ops", "seconds", "sessions", "made_by")
    try:
        with plan.state.open("rb") as file, np.load(file) as saved:
            state = State(saved["gradient"], *(saved[name].item() for name in names))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return State(np.zeros(plan.n), made_by=here)
    fits = state.gradient.shape == (plan.n,) and state.made_by == here
    return state if fits else State(np.zeros(plan.n), made_by=here)


def save(plan: Plan, state: State) -> None:
    """Save a state, whole or not at all."""
    temporary = plan.state.with_suffix(".tmp.npz")
    np.savez(temporary, **dataclasses.asdict(state))
    temporary.replace(plan.state)


def forward_gradient(program: Any, x: Vector, plan: Plan, report: Report) -> State:
    """The whole gradient by N forward sweeps, from wherever an earlier attempt got to.

    Args:
        program: the compiled function.
        x: inputs, shape (N,).
        plan: lanes, threads and where to save.
        report: told how far it is, after each batch.
    """
    state = load(plan)
    state.sessions += 1
    # A batch is one pass of each thread, or as many as last about a second: short enough to save often and to show
    # progress, long enough for the bookkeeping not to matter.
    batch = plan.lanes * plan.threads
    saved = time.monotonic()
    while state.done < plan.n:
        stop = min(state.done + batch, plan.n)
        with ad.count() as counts:
            sweep = functools.partial(program.forward_block, x, state.done, stop)
            elapsed, part = once(lambda: sweep(lanes=plan.lanes, threads=plan.threads))  # noqa: B023
        state.gradient[state.done : stop] = part
        state.sweeps += counts.forward_sweeps
        state.ops += counts.ops
        state.seconds += elapsed
        state.done = stop
        if elapsed < 0.5:
            batch *= 2
        if time.monotonic() - saved > SAVE_EVERY or state.done == plan.n:
            save(plan, state)
            saved = time.monotonic()
        report(state, plan.n)
    return state


def difference(a: Vector, b: Vector) -> float:
    """The largest difference of two gradients, relative to the largest entry; NaN where either has one."""
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


def run(plan: Plan, report: Report) -> MillionRecord:
    """Compute, check and record; returns the record added to `million.csv`.

    Raises:
        ValueError: the family or the size does not exist, or there are more lanes or threads than would be used.
        RecordError: another process is at work in the plan's folder.
        ImportError: there is no compiler; the message says what to install.
    """
    graph = problem(plan.graph, plan.n)
    if graph.style != "scalars" or graph.n_outputs != 1 or graph.reference is None:
        raise ValueError(f"--family: {plan.graph!r} has no gradient of one output in scalars with a reference")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    passes = -(-plan.n // plan.lanes)
    if plan.lanes > plan.n:
        raise ValueError(f"--lanes: got {plan.lanes}, expected at most {plan.n}, the number of inputs")
    if plan.threads > min(cores, passes):
        most = f"{cores}, the cores there are" if cores <= passes else f"{passes}, the passes there are"
        raise ValueError(f"--threads: got {plan.threads}, expected at most {most}")
    plan.folder.mkdir(parents=True, exist_ok=True)
    release = lock_run(plan.folder)
    try:
        return _run(plan, graph, report)
    finally:
        release()


def _run(plan: Plan, graph: Problem, report: Report) -> MillionRecord:
    x = np.array(graph.x)
    prepared, program = once(lambda: ad.compile(lambda v: graph.f(ad, v), x))
    primal_seconds, _ = median(lambda: program(x), ROUNDS)
    reverse_seconds, reverse = median(lambda: program.gradient(x, mode="reverse"), ROUNDS)
    with ad.count() as counts:
        program.gradient(x, mode="reverse")
    state = forward_gradient(program, x, plan, report)
    assert graph.reference is not None  # as `run` has seen
    exact = graph.reference().ravel()

    between_modes = difference(state.gradient, reverse)
    error = max(difference(state.gradient, exact), difference(reverse, exact))
    good = max(between_modes, error) <= TOLERANCE and bool(np.any(reverse != 0.0))  # NaN fails
    machine = environment.describe()
    record = MillionRecord(
        graph=plan.graph,
        n_inputs=plan.n,
        n_ops=program.n_ops,
        lanes=plan.lanes,
        threads=plan.threads,
        prepare_seconds=prepared,
        primal_seconds=primal_seconds,
        forward_sweeps=state.sweeps,
        forward_ops=state.ops,
        forward_seconds=state.seconds if good else float("nan"),
        reverse_sweeps=counts.reverse_sweeps,
        reverse_ops=counts.ops,
        reverse_seconds=reverse_seconds if good else float("nan"),
        ratio=state.seconds / reverse_seconds if good else float("nan"),
        difference=between_modes,
        max_error=error,
        sessions=state.sessions,
        status="ok" if good else "wrong",
        finished=environment.now(),
        cpu=machine["cpu"] or "",
        python=machine["python"],
        numba=machine["versions"].get("numba", ""),
        commit=(machine["commit"] or "") + ("+" if machine["dirty"] else ""),
    )
    file = plan.folder / "million.csv"
    write_records(file, [*(read_records(file) if file.exists() else []), record])
    plan.state.unlink(missing_ok=True)
    return record


def sentence(record: MillionRecord) -> str:
    """What one record says, in one sentence."""
    r = record
    if r.status != "ok":
        return (
            f"The gradients are wrong: forward and reverse differ by {r.difference:.2g}, and from the closed form by "
            f"{r.max_error:.2g} (allowed {TOLERANCE:.0e}); no time is recorded."
        )
    many = "one tangent at a time" if r.lanes == 1 else f"{r.lanes} tangents at a time"
    threads, alone = (f" on {r.threads} threads", " on one thread") if r.threads > 1 else ("", "")
    return (
        f"{r.graph}, N = {r.n_inputs:,} inputs, {r.n_ops:,} ops: {r.forward_sweeps:,} forward sweeps ({many}{threads}) "
        f"took {duration(r.forward_seconds)}, one reverse sweep{alone} {duration(r.reverse_seconds)}: "
        f"{r.ratio:,.0f} times faster. The gradients agree to {r.difference:.1e}."
    )
