"""A run that was never measured: the files of `results/<run>/`, with times from a simple cost model and some noise.

Sizes, statuses and notes are those a real run has, among them cells over budget, twins, other engines, lanes and
the map; run this file to write one: `python -m tests.plots.conftest FOLDER`.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.findings import regret
from benchmarks.findings.analysis import noise_floor, noise_floors, summarise
from benchmarks.runs.columns import CheckpointRecord, MemoryRecord, TimingRecord
from benchmarks.runs.files import Timings, read_table, write_environment, write_records, write_table

BLOCKS = 5
OPS = {"chain": 4, "tree": 1, "product": 1, "layered": 3, "hub": 4, "fixed_work": 0, "lattice": 2, "dense": 2}
SLOWER = {"chain": 1.0, "tree": 1.3, "product": 1.1, "layered": 0.9, "hub": 1.15, "fixed_work": 1.0, "lattice": 1.2}
BUDGET = 5.0


def n_ops(graph: str, n: int) -> int:
    return {"fixed_work": 4096, "broadcast": n}.get(graph) or OPS[graph] * n


def seconds(engine: str, mode: str, quantity: str, ops: int, sweeps: int, lanes: int, factor: float) -> float:
    """The cost model: seconds per op and sweep, plus a constant."""
    per_op, constant = {"ad": (1e-7, 2e-6), "ad-compiled": (1.5e-9, 1e-6)}.get(engine, (4e-8, 1e-6))
    if mode == "primal":
        return constant + 0.4 * per_op * ops
    cost = 2.4 * ops * factor if mode == "reverse" and quantity != "jvp" else 1.2 * ops
    return constant + per_op * cost * max(1.0, sweeps / (lanes * 0.6 if lanes > 1 else 1))


def cells() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []

    def add(graph: str, n: int, m: int, ops: int, engine: str, mode: str, quantity: str, lanes: int = 1) -> None:
        gradient = quantity == "gradient"
        sweeps = 0 if mode == "primal" else (n if mode == "forward" else m) if gradient else 1
        wall = seconds(engine, mode, quantity, ops, sweeps, lanes, SLOWER.get(graph, 0.8))
        rows.append(
            {
                "graph": graph, "size": f"{n}x{m}" if graph == "map" else str(max(n, m)), "n_inputs": n, "n_outputs": m,
                "n_ops": ops, "engine": engine, "mode": mode, "quantity": quantity,
                "lanes": lanes, "dtype": "float64", "sweeps": sweeps, "seconds": wall,
                "ops_executed": ops * sweeps if mode == "forward" else ops * (1 + sweeps),
                "status": "over_budget" if wall > BUDGET else "ok",
            }
        )  # fmt: skip

    quantities = [("primal", "primal"), ("forward", "jvp"), ("reverse", "vjp")]
    gradients = [("forward", "gradient"), ("reverse", "gradient")]
    for graph in [*OPS, "broadcast"]:
        for engine, sizes in (("ad", range(2, 17, 2)), ("ad-compiled", range(4, 21, 4)), ("xad", range(4, 11, 2))):
            for power in sizes:
                size, transposed = 2**power, graph == "broadcast"
                n, m = (1, size) if transposed else (size, 1)
                for mode, quantity in quantities + gradients:
                    add(graph, n, m, n_ops(graph, size), engine, mode, quantity)
                if engine == "ad-compiled" and not transposed:
                    add(graph, n, m, n_ops(graph, size), engine, "forward", "gradient", lanes=64)
    for n in (1, 4, 16, 64, 256):
        for m in (1, 4, 16, 64, 256):
            for mode, quantity in gradients:
                add("map", n, m, 4096, "ad", mode, quantity)
    return rows


def write_timings(folder: Path, noise: float) -> None:
    random = np.random.default_rng(7)
    timings = Timings(folder)
    common = {
        "run": folder.name,
        "depth": 1,
        "engine_version": "0",
        "rounds": 5,
        "iterations": 1,
        "max_error": 1e-16,
        "prepare_seconds": 1e-4,
    }
    for cell in cells():
        wall = float(cell.pop("seconds"))  # type: ignore[arg-type]
        if cell["status"] != "ok":
            timings.append(
                TimingRecord(**{**common, **cell, "block": 0, "rounds": None, "sweeps": None, "note": "too long"})
            )
            continue
        twin = cell["graph"] == "chain" and cell["n_inputs"] == 1024 and cell["engine"] == "ad"
        for block in range(1, BLOCKS + 1):
            for copy in (0, 1) if twin and cell["mode"] == "reverse" else (0,):
                t = wall * math.exp(noise * random.standard_normal())
                times = {"seconds_min": t * 0.98, "seconds_median": t, "seconds_mean": t, "seconds_stddev": t * 0.01}
                timings.append(TimingRecord(**{**common, **cell, **times, "block": block, "twin": copy}))
    timings.close()


def write_memory(folder: Path) -> None:
    rows = []
    for graph in OPS:
        for power in range(10, 21, 2):
            ops = n_ops(graph, 2**power)
            for mode in ("forward", "reverse"):
                tape = 250 * ops if mode == "reverse" else None
                peak = 330 * ops + 9_000 if mode == "reverse" else 80_000
                row = MemoryRecord(
                    run=folder.name, graph=graph, size=str(2**power), n_inputs=2**power, n_ops=ops, engine="ad",
                    mode=mode, dtype="float64", tape_bytes=tape, peak_bytes=peak, bytes_per_op=peak / ops, status="ok",
                )  # fmt: skip
                rows.append(row)
    write_records(folder / "memory.csv", rows)


def optimal_advances(steps: int, snapshots: int) -> int:
    """Griewank and Walther's count of forward steps with `snapshots` checkpoints, the first at the start."""
    repetitions = 0
    while math.comb(snapshots + repetitions, snapshots) < steps:
        repetitions += 1
    return repetitions * steps - math.comb(snapshots + repetitions, repetitions - 1) if repetitions else 0


def write_checkpointing(folder: Path) -> None:
    rows = []
    for snapshots in (2, 3, 4, 6, 8, 16, 32, 64, 128, 999):
        advances = optimal_advances(1000, snapshots)
        rows.append(
            CheckpointRecord(
                run=folder.name,
                steps=1000,
                snapshots=snapshots,
                advances=advances,
                advances_optimal=advances,
                seconds=0.004 + 2e-6 * advances,
                seconds_low=0.0035 + 2e-6 * advances,
                seconds_high=0.0045 + 2e-6 * advances,
                peak_bytes=9000 + 1300 * snapshots,
            )
        )
    plain = CheckpointRecord(
        run=folder.name, steps=1000, advances=0, advances_optimal=0, seconds=0.003, peak_bytes=20_000_000
    )
    write_records(folder / "checkpointing.csv", [*rows, plain])


def write_run(folder: Path, noise: float = 0.015) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_timings(folder, noise)
    timings = read_table(folder / "timings.csv")
    summary = summarise(timings, noise_floors(timings))
    write_table(folder / "summary.csv", summary)
    problems = regret.problems(summary, timings)
    write_table(folder / "regret.csv", regret.regret(problems, regret.fits(problems)))
    write_memory(folder)
    write_checkpointing(folder)
    asked = {"name": "chain", "size": "256", "n_inputs": 256, "n_outputs": 1}
    write_environment(folder, {"noise_floor": noise_floor(timings), "function": asked})
    return folder


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("results") / "2026-01-02T030405Z-made-up")


@pytest.fixture(scope="session")
def noisy_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("noisy") / "2026-01-02T030405Z-noisy", noise=0.8)


if __name__ == "__main__":
    write_run(Path(sys.argv[1]))
