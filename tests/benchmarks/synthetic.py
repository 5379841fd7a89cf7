"""Timings with a known truth: what the statistics are tested on.  Nothing here is measured."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.findings.analysis import CLASSES, Floor
from benchmarks.runs.columns import TimingRecord, kinds
from benchmarks.runs.files import DTYPES, Run


def floor(value):
    """The same noise floor for cells of any length."""
    return Floor(value, (value,) * (len(CLASSES) + 1))


def row(block=1, n=1, seconds=1.0, mode="primal", quantity=None, **changes):
    """One row of timings.csv as a dict; a cell that is not `ok` carries no time."""
    ok = changes.get("status", "ok") == "ok"
    fields = {
        "run": "synthetic",
        "block": block,
        "graph": "chain",
        "size": str(n),
        "n_inputs": n,
        "n_outputs": 1,
        "n_ops": 4 * n,
        "depth": 4 * n,
        "engine": "ad",
        "engine_version": "1",
        "mode": mode,
        "quantity": quantity or ("primal" if mode == "primal" else "gradient"),
        "lanes": 1,
        "dtype": "float64",
        "twin": 0,
        "prepare_seconds": 0.0,
        "sweeps": n if mode == "forward" else 1,
        "ops_executed": 4 * n,
        "elements_executed": 4 * n,
        "rounds": 5,
        "iterations": 1,
        "max_error": 0.0,
        "status": "ok",
        "note": "",
    } | changes
    times = dict.fromkeys(("seconds_min", "seconds_median", "seconds_mean"), seconds if ok else np.nan)
    return times | {"seconds_stddev": 0.01 * seconds if ok else np.nan} | fields


def frame(rows):
    """Rows as `read_run` would give them."""
    columns = kinds(TimingRecord)
    table = pd.DataFrame(rows, columns=list(columns))
    return table.astype({name: DTYPES[kind] for name, kind in columns.items()})


def family(sizes, forward, reverse, blocks=7, noise=0.0, seed=0, transposed=False, **fields):
    """Rows of one family whose gradients cost `forward(n)` and `reverse(n)` primals.

    Every visit has its own noise (standard deviation of the logarithm), and every block a speed of its own that differs
    up to threefold, which only a ratio formed inside the block takes away.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for block in range(1, blocks + 1):
        speed = rng.uniform(1.0, 3.0) if noise else 1.0
        for n in sizes:
            shape = {"size": str(n), "n_inputs": 1, "n_outputs": n} if transposed else {}
            for mode, cost in (("primal", 1.0), ("forward", forward(n)), ("reverse", reverse(n))):
                seconds = 1e-6 * n * cost * speed * np.exp(noise * rng.standard_normal())
                sweeps = {"primal": 0, "forward": 1 if transposed else n, "reverse": n if transposed else 1}[mode]
                rows.append(row(block, n, seconds, mode, sweeps=sweeps, **shape, **fields))
    return rows


def twins(ratios):
    """Pairs of identical cells, one pair per block, that differ by the given ratios."""
    rows = []
    for block, ratio in enumerate(ratios, start=1):
        rows += [row(block, 7, 1.0), row(block, 7, ratio, twin=1)]
    return rows


def run(rows):
    """A run of which only the timings are known."""
    return Run(Path("synthetic"), frame(rows))
