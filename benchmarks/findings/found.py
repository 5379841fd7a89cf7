"""From a run's tables to the findings that `told` puts into words, always in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmarks.findings.analysis import noise_floor, noise_floors, noise_verdict, summarise
from benchmarks.findings.blocks import PRECEDENCE, at_best, in_order, is_twin
from benchmarks.findings.crossover import crossover, map_border
from benchmarks.findings.scaling import scaling
from benchmarks.findings.told import Border, Cost, Crossover, Findings, Growth, Memory, Noise, Speedup, Status, Sweeps
from benchmarks.findings.tried import Rules, Tried
from benchmarks.findings.words import counted
from benchmarks.functions.maps import MAPS

if TYPE_CHECKING:
    from benchmarks.runs.files import Run


def findings(run: Run, order: Sequence[str] = ()) -> Findings:
    """Everything that a run says.

    Args:
        run: a finished or interrupted run; its `timings`, and its `memory` and `regret` where it has them.
        order: names of families and engines in the order of the catalogue; others follow by alphabet.
    """
    timings = run.timings
    floor, noise = noise_floors(timings), noise_of(run)
    summary = summarise(timings, floor, order)
    return Findings(
        speedups=speedups(summary, trusted=noise.seen is None),
        growths=tuple(
            Growth(
                graph=row["graph"], engine=row["engine"], mode=row["mode"], lanes=row["lanes"],
                exponent=row["exponent"], low=row["exponent_low"], high=row["exponent_high"],
                theory=row["theory"], verdict=row["verdict"],
            )
            for row in scaling(timings, order).to_dict("records")
        ),
        crossovers=crossovers(timings, floor.overall, order),
        costs=costs(summary),
        memories=() if run.memory is None else memories(run.memory),
        borders=borders(in_order(map_border(timings, floor.overall), order)),
        noise=noise,
        sweeps=_sweeps(timings),
        status=_status(timings),
        rules=Rules() if run.regret is None else rules(run.regret, trusted=noise.seen is None),
    )  # fmt: skip


def noise_of(run: Run) -> Noise:
    """What the twins and the blocks of a run show, and how busy the machine was when it began."""
    load, *_ = run.environment.get("load_average") or [0.0]
    cores = run.environment.get("usable_cores") or run.environment.get("logical_cores") or 0
    return Noise(noise_floor(run.timings), noise_verdict(run.timings), load=float(load), cores=int(cores))


def speedups(summary: pd.DataFrame, *, trusted: bool) -> tuple[Speedup, ...]:
    """Every comparison in the rows of `summary.csv`; `trusted` is whether the run may announce numbers."""
    rows = summary[summary["speedup"].notna()].to_dict("records")
    return tuple(speedup_of(row, trusted=trusted) for row in rows)


def crossovers(timings: pd.DataFrame, floor: float, order: Sequence[str] = ()) -> tuple[Crossover, ...]:
    """From which size on reverse wins, in each family and engine."""
    return tuple(
        Crossover(
            graph=row["graph"], engine=row["engine"], value=row["crossover"],
            low=row["crossover_low"], high=row["crossover_high"], note=row["note"],
        )
        for row in crossover(timings, floor, order).to_dict("records")
    )  # fmt: skip


def best_of_modes(run: Run, order: Sequence[str] = ()) -> tuple[tuple[Speedup, ...], tuple[Crossover, ...]]:
    """Each mode at its best, with as many lanes as are fastest in it: every comparison, and where reverse wins.

    `lanes` of a comparison is 1 there, whatever is carried.
    """
    floor, best = noise_floors(run.timings), at_best(run.timings)
    compared = speedups(summarise(best, floor, order), trusted=noise_of(run).seen is None)
    return compared, crossovers(best, floor.overall, order)


def speedup_of(row: Mapping[Any, Any], *, trusted: bool) -> Speedup:
    """The comparison in one row of `summary.csv`, that of a forward gradient."""
    return Speedup(
        graph=row["graph"], engine=row["engine"], lanes=row["lanes"],
        n_inputs=row["n_inputs"], n_outputs=row["n_outputs"],
        value=row["speedup"], low=row["speedup_low"], high=row["speedup_high"],
        verdict=row["verdict"], trusted=trusted,
    )  # fmt: skip


def single_sweeps(summary: pd.DataFrame) -> pd.DataFrame:
    """Single sweeps of one tangent that were measured together with the primal, the map left out.

    With one output the reverse gradient is one reverse sweep, and with one input the forward gradient one forward.
    """
    alone = ((summary["mode"] == "reverse") & (summary["n_outputs"] == 1)) | (
        (summary["mode"] == "forward") & (summary["n_inputs"] == 1)
    )
    single = summary[summary["quantity"].isin(["jvp", "vjp"]) | ((summary["quantity"] == "gradient") & alone)]
    single = single[(single["lanes"] == 1) & ~single["graph"].isin(MAPS) & single["primal_ratio"].notna()]
    return single.drop_duplicates(["graph", "size", "engine", "mode"])


def costs(summary: pd.DataFrame) -> tuple[Cost, ...]:
    """What one sweep costs in each engine and mode, over all families, each at its largest size."""
    cells = single_sweeps(summary).assign(n=lambda table: table[["n_inputs", "n_outputs"]].max(axis=1))
    last = cells.sort_values("n", kind="stable").groupby(["engine", "mode", "graph"], sort=False).tail(1)
    return tuple(
        Cost(engine, mode, families=len(ratios), low=float(ratios.min()), high=float(ratios.max()))
        for engine in dict.fromkeys(cells["engine"])
        for mode in ("forward", "reverse")
        if len(ratios := last.loc[(last["engine"] == engine) & (last["mode"] == mode), "primal_ratio"])
    )


def memories(memory: pd.DataFrame) -> tuple[Memory, ...]:
    """What a sweep of either mode takes in each family and engine, at the largest size measured in both."""
    measured = memory[(memory["status"] == "ok") & memory["peak_bytes"].notna() & memory["n_ops"].notna()]
    key = ["graph", "engine", "n_ops"]
    forward, reverse = (measured[measured["mode"] == mode] for mode in ("forward", "reverse"))
    both = forward.merge(reverse, on=key, suffixes=("", "_reverse"))
    last = both.sort_values("n_ops", kind="stable").groupby(["graph", "engine"], sort=False).tail(1)
    return tuple(
        Memory(
            graph=row["graph"], engine=row["engine"], n_ops=int(row["n_ops"]),
            forward=int(row["peak_bytes"]), reverse=int(row["peak_bytes_reverse"]),
        )
        for row in last.to_dict("records")
    )  # fmt: skip


def borders(places: pd.DataFrame) -> tuple[Border, ...]:
    """The borders among the places of `crossover.map_border` that lie between measured ones."""
    enclosed = places[places["border"].notna()].drop_duplicates(["engine", "n_outputs"])
    return tuple(Border(row["engine"], row["n_outputs"], row["border"]) for row in enclosed.to_dict("records"))


def rules(table: pd.DataFrame, *, trusted: bool) -> Rules:
    """Every rule in the rows of `regret.csv`; `trusted` is whether the run may announce numbers."""
    same = [field.name for field in fields(Tried) if field.name in table.columns]
    tried = [
        Tried(
            **{name: row[name] for name in same},
            where=f"{row['worst_graph']}, {counted(row['worst_inputs'], 'input')}, "
            f"{counted(row['worst_outputs'], 'output')}",
            trusted=trusted,
        )
        for row in table.to_dict("records")
    ]
    return Rules(tuple(tried))


def counted_sweeps(timings: pd.DataFrame) -> pd.DataFrame:
    """The full gradients whose sweeps were counted, one row for each, however many blocks and twins recorded it.

    `expected` is what theory expects: one sweep per input forward, one per output in reverse.  Of a gradient that was
    counted more than once a record that is not as expected is kept, if there is one.
    """
    rows = timings[(timings["quantity"] == "gradient") & (timings["status"] == "ok") & (timings["lanes"] == 1)]
    rows = rows[rows["mode"].isin(["forward", "reverse"]) & rows["sweeps"].notna()]
    rows = rows.assign(expected=rows["n_inputs"].where(rows["mode"] == "forward", rows["n_outputs"]))
    right = (rows["sweeps"] == rows["expected"]).sort_values(kind="stable")  # what is not as expected first
    return rows.loc[right.index].drop_duplicates(["graph", "size", "engine", "mode"]).sort_index()


def _sweeps(timings: pd.DataFrame) -> Sweeps:
    rows = counted_sweeps(timings)
    astray = rows[rows["sweeps"] != rows["expected"]]
    first = astray.iloc[0] if len(astray) else None
    named = "" if first is None else f"{first['graph']}, {first['mode']}: {first['sweeps']:.0f} sweeps"
    return Sweeps(len(rows), len(astray), named)


def _status(timings: pd.DataFrame) -> Status:
    rows = timings[~is_twin(timings)]
    counts = rows["status"].value_counts()
    without = [(status, int(counts[status])) for status in PRECEDENCE if status != "ok" and status in counts]
    return Status(len(rows), tuple(without))
