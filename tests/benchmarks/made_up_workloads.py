"""A run of workloads that was never measured: the files of a run, with times that tests can state beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.functions.catalogue import problem
from benchmarks.functions.problem import text_of
from benchmarks.runs.columns import MemoryRecord, TimingRecord
from benchmarks.runs.files import write_environment, write_records

PRIMAL = 1e-4
KINDS = (("primal", "primal", 1), ("forward", "gradient", 1), ("forward", "gradient", 128), ("reverse", "gradient", 1))


def seconds(n: int, m: int, mode: str, lanes: int) -> float:
    """A sweep costs twice the function in forward mode and three times in reverse, many tangents a tenth each."""
    if mode == "primal":
        return PRIMAL
    return 2.0 * PRIMAL * n / (10.0 if lanes > 1 else 1.0) if mode == "forward" else 3.0 * PRIMAL * m


def write(folder: Path, sizes, engines=("ad",), noise: float = 0.002) -> Path:
    """Write a run of five blocks.

    Args:
        folder: a new one.
        sizes: by family, those measured.
        engines: each takes twice as long as the one before it.
        noise: standard deviation of the logarithm of the times.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    records, memory = [], []
    for rank, engine in enumerate(engines):
        for graph, wanted in sizes.items():
            for size in wanted:
                one = problem(graph, size)
                common = {"run": folder.name, "graph": graph, "size": text_of(size), "engine": engine}
                common["dtype"] = "float64"
                shape = {"n_inputs": one.n_inputs, "n_outputs": one.n_outputs}
                for mode, quantity, lanes in KINDS:
                    for block, twin in (
                        (block, twin) for block in range(1, 6) for twin in ((0, 1) if rank == 0 else (0,))
                    ):
                        t = (
                            2.0**rank
                            * seconds(one.n_inputs, one.n_outputs, mode, lanes)
                            * np.exp(noise * random.normal())
                        )
                        records.append(
                            TimingRecord(
                                **common, **shape, block=block, twin=twin, engine_version="0", mode=mode,
                                quantity=quantity, lanes=lanes, seconds_median=t, seconds_mean=t, seconds_min=t,
                                seconds_stddev=0.01 * t, rounds=3, iterations=1, max_error=0.0, status="ok",
                            )
                        )  # fmt: skip
                for mode, peak in (("forward", 5_000), ("reverse", 2_000_000)):
                    memory.append(
                        MemoryRecord(**common, n_inputs=one.n_inputs, mode=mode, peak_bytes=peak, status="ok")
                    )
    write_records(folder / "timings.csv", records)
    write_records(folder / "memory.csv", memory)
    write_environment(folder, {"run": folder.name})
    return folder
