"""Engines beside one another: a record for each, the fastest for each function, and three sentences of that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.findings.analysis import FLOOR_LIMIT, noise_floor
from benchmarks.findings.blocks import in_order
from benchmarks.findings.found import single_sweeps
from benchmarks.findings.told import Noise
from benchmarks.findings.words import counted, duration, rounded, times
from benchmarks.runs.columns import EngineRecord, kinds

MODES = ("forward", "reverse")
OURS = ("ad", "ad-compiled")
"""This project's engines."""
NEARLY = 0.7
"""A size is compared at where at least this share of the most engines of its family were measured."""
PROBLEM = ["graph", "size", "n_inputs", "n_outputs"]
"""The columns that tell a problem from others, whatever engine has it."""
COLUMNS = list(kinds(EngineRecord))


def best(summary: pd.DataFrame) -> pd.DataFrame:
    """The faster way to the whole derivative of each problem in each engine: rows of `summary.csv`, one for each."""
    rows = summary[(summary["quantity"] == "gradient") & (summary["status"] == "ok")]
    rows = rows.sort_values("seconds_median", kind="stable").drop_duplicates([*PROBLEM, "engine"])
    fastest = rows.groupby(PROBLEM)["seconds_median"].transform("min")
    return rows.assign(relative=rows["seconds_median"] / fastest)


def compared(summary: pd.DataFrame) -> pd.DataFrame:
    """As `best`, at one size of each family: the largest that nearly as many engines were measured at as at any."""
    rows = best(summary)
    rows = rows.assign(
        engines=rows.groupby(PROBLEM)["engine"].transform("nunique"), n=rows[["n_inputs", "n_outputs"]].max(axis=1)
    )
    most = rows.groupby("graph")["engines"].transform("max")
    chosen = rows[rows["engines"] >= NEARLY * most].sort_values("n", kind="stable")
    return rows.merge(chosen.drop_duplicates("graph", keep="last")[PROBLEM], on=PROBLEM)


def engines(
    summary: pd.DataFrame,
    scaling: pd.DataFrame,
    crossover: pd.DataFrame,
    timings: pd.DataFrame,
    order: Sequence[str] = (),
) -> pd.DataFrame:
    """One row for each engine: the columns of `engines.csv`.

    The tables are those of one run; `order` has the names of families and engines as the catalogue lists them.
    """
    everything, at_one_size = best(summary), compared(summary)
    rows = []
    for engine, mine in everything.groupby("engine", sort=False):
        row: dict[str, object] = {"run": mine["run"].iloc[0], "engine": engine, "functions": mine["graph"].nunique()}
        for mode in MODES:
            curves = scaling[(scaling["engine"] == engine) & (scaling["mode"] == mode)]
            verdicts = curves["verdict"].value_counts()
            row |= {f"{mode}_{name}": int(verdicts.get(name, 0)) for name in ("agrees", "disagrees")}
            row[f"{mode}_curves"] = len(curves)
            row[f"{mode}_cost"] = _cost(summary, str(engine), mode)
        row["reverse_wins_from"] = _median(crossover.loc[crossover["engine"] == engine, "crossover"])
        row["call_seconds"] = float(mine["seconds_median"].min())
        row |= _preparation(timings, str(engine), everything)
        relative = at_one_size.loc[at_one_size["engine"] == engine, "relative"]
        row["to_the_best"] = float(np.exp(np.log(relative).mean())) if len(relative) else math.nan
        rows.append(row)
    return in_order(pd.DataFrame(rows, columns=COLUMNS), order)


def _cost(summary: pd.DataFrame, engine: str, mode: str) -> float:
    """The median over families, each at its largest size, of one sweep relative to the function itself."""
    rows = single_sweeps(summary[(summary["engine"] == engine) & (summary["mode"] == mode)])
    rows = rows.assign(n=rows[["n_inputs", "n_outputs"]].max(axis=1))
    return _median(rows.sort_values("n", kind="stable").drop_duplicates("graph", keep="last")["primal_ratio"])


def _preparation(timings: pd.DataFrame, engine: str, everything: pd.DataFrame) -> dict[str, float]:
    """Seconds of preparation, and from how many gradients on it pays: the median over problems.

    Against the fastest engine that prepares for less than one gradient of its own; infinite counts where it never pays.
    """
    prepared = timings[(timings["status"] == "ok") & (timings["quantity"] == "gradient")]
    cost = prepared.groupby([*PROBLEM, "engine", "mode", "lanes"])["prepare_seconds"].first().reset_index()
    known = everything.merge(cost, on=[*PROBLEM, "engine", "mode", "lanes"])
    mine = known[known["engine"] == engine]
    eager = known[(known["prepare_seconds"] < known["seconds_median"]) & (known["engine"] != engine)]
    rival = eager.groupby(PROBLEM)["seconds_median"].min().rename("rival").reset_index()
    both = mine.merge(rival, on=PROBLEM)
    gain = both["rival"] - both["seconds_median"]
    calls = np.where(gain > 0.0, np.ceil(both["prepare_seconds"] / gain.where(gain > 0.0, 1.0)), np.inf)
    return {
        "prepare_seconds": _median(mine["prepare_seconds"]),
        "prepare_worst": float(mine["prepare_seconds"].max()) if len(mine) else math.nan,
        "pays_from": float(np.median(calls)) if len(calls) else math.nan,
    }


def _median(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) else math.nan


def noisy_engines(timings: pd.DataFrame) -> dict[str, float]:
    """The noise floors of the engines that are too noisy to trust, or have none: nothing else of the run suffers."""
    floors = {str(engine): noise_floor(mine) for engine, mine in timings.groupby("engine", sort=False)}
    return {engine: floor for engine, floor in floors.items() if not floor <= FLOOR_LIMIT}


def leaders(fastest: pd.DataFrame, even: float) -> str:
    """On how many functions each engine takes no more than `even` times as long as the fastest, most first."""
    counts = fastest.loc[fastest["relative"] <= even, "engine"].value_counts()
    ordered = sorted(counts.items(), key=lambda each: (-each[1], str(each[0])))
    return ", ".join(f"{engine} on {count}" for engine, count in ordered)


# ---- in words -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Peers:
    """What a run with engines of others says.

    Attributes:
        table: `engines.csv`.
        fastest: `compared`.
        noise: of the run; what is smaller than its floor is not called a difference between engines.
        noisy: the floors of `noisy_engines`.
    """

    table: pd.DataFrame
    fastest: pd.DataFrame
    noise: Noise
    noisy: Mapping[str, float] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The law over all engines; who is fastest; where engines of others are faster than ours; what noise leaves."""
        if math.isnan(self.noise.floor):
            return ["The noise floor was not measured, so engines are not compared."]
        told = [self.law(), self.winners(), self.beaten()]
        return [*told, self.caution()] if self.noisy else told

    def caution(self) -> str:
        """What noise leaves of the comparison."""
        shown = [
            f"{engine} ({'not known' if math.isnan(floor) else f'{floor:.0%}'})" for engine, floor in self.noisy.items()
        ]
        return (
            f"Identical cells differed by up to {self.noise.floor:.0%} over all engines, so no ratio below "
            f"{self.noise.even:.2f} is called a difference; times and ratios are given in one digit where they "
            f"differed by more than {FLOOR_LIMIT:.0%}: {', '.join(shown)}."
        )

    def law(self) -> str:
        """Whether cost grows as theory says, in how many curves of how many engines."""
        judged = self.table[~self.table["engine"].isin(list(self.noisy))]
        if judged.empty:
            curves = int(self.table["forward_curves"].sum() + self.table["reverse_curves"].sum())
            return f"The law in {len(self.table)} engines: the run is too noisy to judge their {curves} curves."
        said = []
        for mode, growth in (("forward", "with N"), ("reverse", "not at all")):
            counts = {name: int(judged[f"{mode}_{name}"].sum()) for name in ("agrees", "disagrees", "curves")}
            said.append(
                f"{mode} mode's cost grows {growth} relative to the function in {counts['agrees']} of "
                f"{counts['curves']} curves, and otherwise in {counts['disagrees']}"
            )
        against = [row["engine"] for row in judged.to_dict("records") if _against(row)]
        named = f" (disagreeing: {', '.join(against)})" if against else ""
        left_out = f" Too noisy to judge: {', '.join(self.noisy)}." if self.noisy else ""
        return f"The law in {len(judged)} engines: {'; '.join(said)}{named}; the rest is inconclusive.{left_out}"

    def winners(self) -> str:
        """How often each engine gives the whole derivative first, or as good as first, and the modes of the first."""
        first = self.fastest[self.fastest["relative"] == 1.0]
        modes = first["mode"].value_counts()
        reverse, forward = (int(modes.get(mode, 0)) for mode in ("reverse", "forward"))
        return (
            f"Fastest but for noise, each function at the largest size that nearly all its engines reached: "
            f"{leaders(self.fastest, self.noise.even)}, of {len(first)} (as good as first counts, too); the very "
            f"first is reverse mode in {reverse}, forward in {forward}."
        )

    def beaten(self) -> str:
        """On which functions an engine of somebody else is faster than ours, and by how much at the most."""
        ours = self.fastest[self.fastest["engine"].isin(OURS)].groupby("graph")["seconds_median"].min()
        others = self.fastest[~self.fastest["engine"].isin([*OURS, "by-hand"])]
        peers = others.sort_values("seconds_median", kind="stable").drop_duplicates("graph").set_index("graph")
        both = peers.join(ours.rename("ours"), how="inner")
        ratio = (both["ours"] / both["seconds_median"]).sort_values(ascending=False)
        faster = ratio[ratio > self.noise.even]
        if faster.empty:
            return (
                f"On none of {len(both)} functions is an engine of others faster than ours, gradients by hand left out."
            )
        name, largest = str(faster.index[0]), float(faster.iloc[0])
        most = times(rounded(largest) if {both["engine"][name], *OURS} & set(self.noisy) else largest)
        who = ", ".join(f"{graph} ({engine})" for graph, engine in both.loc[faster.index, "engine"].items())
        return (
            f"On {len(faster)} of {len(both)} functions an engine of others is faster than both of ours (gradients by "
            f"hand left out), the most on {name}, where {both['engine'][name]} is {most} times as fast: {who}."
        )

    def markdown(self) -> str:
        """The table, for a page; a noisy engine's row in one digit, and without verdicts on growth."""
        head = (
            "| engine | functions | agrees: forward | reverse | a forward sweep costs | a reverse sweep | "
            "reverse wins from | one call | preparation, median (worst) | pays from | relative to the fastest |"
        )
        lines = [head, "|---" * 11 + "|"]
        for row in self.table.to_dict("records"):
            noisy = row["engine"] in self.noisy
            exact = {
                name: rounded(value) if noisy and isinstance(value, float) else value for name, value in row.items()
            }
            cells = [
                row["engine"], f"{row['functions']}",
                *("" if noisy else f"{row[f'{mode}_agrees']} of {row[f'{mode}_curves']}" for mode in MODES),
                *(_plain(exact[f"{mode}_cost"], "× the function") for mode in MODES),
                _inputs(exact["reverse_wins_from"]), _seconds(exact["call_seconds"]),
                f"{_seconds(exact['prepare_seconds'])} ({_seconds(exact['prepare_worst'])})",
                _calls(exact["pays_from"]), _plain(exact["to_the_best"], "×"),
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)


def _plain(value: float, unit: str) -> str:
    return "" if math.isnan(value) else f"{value:,.2g}{unit}" if value < 100 else f"{value:,.0f}{unit}"


def _inputs(value: float) -> str:
    return _plain(value, " input" if value == 1.0 else " inputs")


def _seconds(value: float) -> str:
    return "" if math.isnan(value) else duration(value)


def _calls(value: float) -> str:
    if math.isinf(value):
        return "never"
    return "" if math.isnan(value) else counted(round(value), "call")


def _against(row: Any) -> bool:
    return bool(row["forward_disagrees"]) or bool(row["reverse_disagrees"])
