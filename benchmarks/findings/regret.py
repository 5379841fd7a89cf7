"""How much time the rules of thumb lose, and our own: the regret of choosing a mode before anything is measured.

A problem is one function at one size in one engine, differentiated in full by both modes.  The regret of a choice is
the time of the chosen mode over that of the faster one: 1 where the choice is right, or where noise hides which mode is
faster.  Every rule is tried twice: against forward mode as in the textbook, with one tangent in a pass, and as a good
implementation has it, with as many as the engine carries (`lanes`).

Families weigh the same, however many sizes of them were measured.  Intervals come from a bootstrap over families, since
sizes of one function are no independent evidence, and say how the numbers would vary over other functions like these,
not over other machines.  Losses are skewed, for most families lose nothing and a few lose much: the upper end of a mean
is that of the bootstrap-t, at most what the worst family lost.  Where too few families lose for it, it is the exact
binomial bound on how many do, times the most that one lost; where none does, the mean has no upper end.  The other
ends are percentiles, expanded for few families (Hesterberg 2015, What Teachers Should Know About the Bootstrap).

Our own rule (`cost_model`) is scored on what it was not fitted to: `MODEL` knows the engine from its other families,
`TRANSFERRED` knows neither family nor engine, only other engines on other families.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmarks.findings import cost_model
from benchmarks.findings.blocks import COVERAGE, SHARED, Floats, in_order
from benchmarks.findings.rules import RULES
from benchmarks.findings.tried import ALL, LANES, MODEL, TEXTBOOK, TRANSFERRED
from benchmarks.runs.columns import ModelRecord, RegretRecord, kinds

Fits = dict[tuple[str, str], dict[str | None, cost_model.CostModel]]
"""By engine and kind of forward mode; then by the family that a model was fitted without, None for none."""

DRAWS = 1000
SEED = 20260
FAMILIES = 8
"""With fewer families than this there is no interval.  By simulation, intervals hold 93 to 99 % with 25 families, 87 to
99 % with 12, and 83 to 99 % with 8, where they are too narrow for rules that are rarely wrong."""

REGRET, MODELS = list(kinds(RegretRecord)), list(kinds(ModelRecord))


def problems(summary: pd.DataFrame, timings: pd.DataFrame) -> pd.DataFrame:
    """What there was to choose: one row per problem and kind of forward mode.

    Args:
        summary: rows of `summary.csv`.
        timings: rows of `timings.csv`, for the ops counted where no formula gives them.

    Returns:
        The columns of `SHARED`; `forward` (`TEXTBOOK`, or `LANES` for an engine that has them) and the `lanes` of its
        passes; `ops` of one evaluation; `log_ratio` of forward over reverse seconds, NaN where one is missing;
        `faster`, which is `forward`, `reverse` or, where noise hides it, ""; `missing`, the mode that was not measured,
        "" where both were.  A problem measured in neither mode has no row.
    """
    gradients = summary[summary["quantity"] == "gradient"]
    forward, reverse = gradients[gradients["mode"] == "forward"], gradients[gradients["mode"] == "reverse"]
    most = forward.groupby(SHARED)["lanes"].transform("max")
    several = forward.loc[most > 1, "engine"].unique()
    other = reverse[reverse["lanes"] == 1].set_index(SHARED)[["status", "n_ops"]]
    other = other.rename(columns={"status": "status_reverse", "n_ops": "n_ops_reverse"})
    found = []
    for kind, chosen in ((TEXTBOOK, forward["lanes"] == 1), (LANES, forward["lanes"] == most)):
        cells = forward[chosen].set_index(SHARED)[["lanes", "speedup", "verdict", "status", "n_ops"]]
        both = cells.join(other, how="outer").reset_index().assign(forward=kind)
        found.append(both if kind == TEXTBOOK else both[both["engine"].isin(several)])
    table = pd.concat(found, ignore_index=True)
    ok = {mode: table[name] == "ok" for mode, name in (("forward", "status"), ("reverse", "status_reverse"))}
    table["missing"] = np.select([~ok["forward"], ~ok["reverse"]], ["forward", "reverse"], "")
    table["log_ratio"] = np.log(table["speedup"].where(table["missing"] == ""))
    table["faster"] = table["verdict"].map({"faster": "reverse", "slower": "forward"}).fillna("")
    table["ops"] = _ops(table, timings)
    table["lanes"] = table["lanes"].fillna(1).astype("int64")
    kept = table[ok["forward"] | ok["reverse"]]
    return kept[[*SHARED, "forward", "lanes", "ops", "log_ratio", "faster", "missing"]].reset_index(drop=True)


def fits(table: pd.DataFrame) -> Fits:
    """The cost model of every engine and kind of forward mode: without each of the families, and under None with all.

    Args:
        table: from `problems`.
    """
    found: Fits = {}
    measured = table[table["missing"] == ""]
    for engine, forward in measured[["engine", "forward"]].drop_duplicates().itertuples(index=False):
        group = measured[(measured["engine"] == engine) & (measured["forward"] == forward)]
        weights = _weights(group) * len(group)
        whole = cost_model.fit(group, weights)
        found[engine, forward] = {None: whole} | {
            graph: cost_model.fit(group, np.where(group["graph"] == graph, 0.0, weights), whole)
            for graph in group["graph"].unique()
        }
    return found


def models(table: pd.DataFrame, fitted: Fits, order: Sequence[str] = ()) -> pd.DataFrame:
    """The cost model of every engine, fitted to all its families: the columns of `model.csv`.

    Args:
        table: from `problems`.
        fitted: from `fits`.
        order: as for `regret`.
    """
    rows = []
    for (engine, forward), without in fitted.items():
        mine = table[(table["engine"] == engine) & (table["forward"] == forward) & (table["missing"] == "")]
        rows.append(
            {"run": mine["run"].iloc[0], "engine": engine, "forward": forward, "problems": len(mine)}
            | {name: float(f"{number:.3g}") for name, number in dataclasses.asdict(without[None]).items()}
            | ({"tangents": np.nan} if forward == TEXTBOOK else {})
        )
    return in_order(pd.DataFrame(rows, columns=MODELS), order)


def choices(table: pd.DataFrame, fitted: Fits) -> pd.DataFrame:
    """Whether each rule chooses forward mode: one boolean column per rule, one row per problem.

    Args:
        table: from `problems`.
        fitted: from `fits`.
    """
    inputs, outputs, ops, lanes = (
        table[name].to_numpy(np.float64) for name in ("n_inputs", "n_outputs", "ops", "lanes")
    )
    chosen = {rule.name: rule.choose(inputs, outputs) for rule in RULES}
    own, others = np.zeros(len(table), bool), np.zeros(len(table), bool)
    groups = table.reset_index(drop=True).groupby(["engine", "forward", "graph"], sort=False).indices
    for key, rows in groups.items():
        engine, forward, graph = cast("tuple[str, str, str]", key)
        data = (inputs[rows], outputs[rows], ops[rows], lanes[rows])
        known = fitted.get((engine, forward), {None: cost_model.PRIOR})
        own[rows] = known.get(graph, known[None]).choose(*data)
        elsewhere = {key: each for key, each in fitted.items() if key[0] != engine}
        alike = [each for (_, kind), each in elsewhere.items() if kind == forward] or list(elsewhere.values())
        if alike:
            others[rows] = cost_model.mean([each.get(graph, each[None]) for each in alike]).choose(*data)
    several = len({engine for engine, _ in fitted}) > 1
    return pd.DataFrame({**chosen, MODEL: own, **({TRANSFERRED: others} if several else {})}, index=table.index)


def regret(table: pd.DataFrame, fitted: Fits, order: Sequence[str] = ()) -> pd.DataFrame:
    """Try every rule on everything that was measured: the columns of `regret.csv`.

    Args:
        table: from `problems`.
        fitted: from `fits`.
        order: names of engines in the order of the catalogue; others follow by alphabet, and `ALL` comes last.
    """
    chosen = choices(table, fitted)
    rows = []
    for forward in (TEXTBOOK, LANES):
        kind = table[table["forward"] == forward]
        engines = [*kind["engine"].unique()]
        for engine in [*engines, *([ALL] if len(engines) > 1 else [])]:
            group = kind if engine == ALL else kind[kind["engine"] == engine]
            if (group["missing"] == "").any():
                rows += [
                    {"engine": engine, "forward": forward, "run": group["run"].iloc[0]} | told
                    for told in score(group, chosen.loc[group.index])
                ]
    rank = {name: place for place, name in enumerate([*order, *sorted(set(table["engine"]) - set(order)), ALL])}
    result = pd.DataFrame(rows, columns=REGRET)
    return result.sort_values("engine", key=lambda names: names.map(rank), kind="stable", ignore_index=True)


def score(table: pd.DataFrame, chosen: pd.DataFrame) -> list[dict[str, object]]:
    """The regret of each rule over some problems.

    Args:
        table: rows of `problems`.
        chosen: whether each rule, a column, chooses forward mode; with the rows of `table`.
    """
    known = (table["missing"] == "").to_numpy()
    measured = table[known]
    graphs, family = np.unique(measured["graph"].to_numpy(str), return_inverse=True)
    weights = _weights(measured)
    lost = {str(rule): _lost(measured, chosen.loc[known, rule].to_numpy()) for rule in chosen.columns}

    def by_family(values: Floats) -> Floats:
        sums: Floats = np.bincount(family, weights * values, len(graphs)).astype(np.float64)
        return sums * len(graphs)

    rows: list[dict[str, object]] = []
    for rule, logs in lost.items():
        worst = measured.iloc[int(np.argmax(logs))]
        wrong = mean_interval(by_family((logs > 0.0).astype(np.float64)), most=1.0)
        against = np.exp(mean_interval(by_family(logs - lost[MODEL])) if MODEL in lost else np.full(3, np.nan))
        rows.append(
            {
                "rule": rule,
                "problems": len(measured),
                "families": len(graphs),
                **_named("wrong", wrong),
                **_named("median", np.exp(median_interval(logs, weights, family))),
                **_named("mean", np.exp(mean_interval(by_family(logs), most=np.nan))),
                **dict(zip(("against_model", "against_low", "against_high"), against.tolist(), strict=True)),
                "verdict": "" if rule == MODEL else _verdict(against),
                "worst": float(np.exp(logs.max())),
                "worst_graph": worst["graph"],
                "worst_inputs": int(worst["n_inputs"]),
                "worst_outputs": int(worst["n_outputs"]),
                "unmeasured": int((np.where(chosen[rule], "forward", "reverse") == table["missing"]).sum()),
            }
        )
    return rows


def mean_interval(values: Floats, most: float | None = None) -> Floats:
    """The mean of what families show, with its 95 % interval: three numbers.

    Args:
        values: one for each family, shape (families,).
        most: for values that are never negative, the most that a family could show (NaN: unknown); it bounds what is
            to be expected where no family showed anything.  None for differences, which may be negative.

    Returns:
        The ends are NaN with fewer than `FAMILIES` families.
    """
    count = len(values)
    middle = float(np.mean(values)) if count else np.nan
    if count < FAMILIES:
        return np.array([middle, np.nan, np.nan])
    drawn = values[np.random.default_rng(SEED).integers(count, size=(DRAWS, count))]
    means, spread = drawn.mean(axis=1), drawn.std(axis=1, ddof=1)
    low = float(np.quantile(means, _tail(count), method="inverted_cdf"))
    known = spread > 1e-12 * np.abs(values).max()  # a draw of equal values has no score: it lies infinitely far off
    score = np.where(known, (means - middle) / np.where(known, spread, 1.0), np.where(means < middle, -np.inf, 0.0))
    least = float(np.quantile(score, (1.0 - COVERAGE) / 2.0, method="inverted_cdf"))
    losing = int((values > 0.0).sum())
    if most is not None and (losing == 0 or np.isinf(least)):
        bound = float(stats.beta.ppf(0.5 + COVERAGE / 2.0, losing + 1, max(count - losing, 1e-9)))
        high = bound * (most if losing == 0 else float(values.max()))
    else:
        high = min(middle - least * float(values.std(ddof=1)), float(values.max()))
    return np.array([middle, low, high])


def median_interval(values: Floats, weights: Floats, family: NDArray[np.intp]) -> Floats:
    """The weighted median over problems, with the 95 % interval of a bootstrap over families: three numbers.

    Args:
        values: of the problems, shape (problems,).
        weights: of the problems; their sum is 1.
        family: the number of each problem's family, from 0.

    Returns:
        The ends are NaN with fewer than `FAMILIES` families.
    """
    order = np.argsort(values)
    ordered, weights, family = values[order], weights[order], family[order]

    def median(weights: Floats) -> Any:
        total = np.cumsum(weights, axis=-1)
        return ordered[np.minimum((total < (0.5 - 1e-12) * total[..., -1:]).sum(axis=-1), len(ordered) - 1)]

    count = int(family.max()) + 1 if len(family) else 0
    if count < FAMILIES:
        return np.array([float(median(weights)) if count else np.nan, np.nan, np.nan])
    times = np.random.default_rng(SEED).multinomial(count, np.full(count, 1.0 / count), size=DRAWS)
    drawn = median(times[:, family] * weights)
    low, high = np.quantile(drawn, [_tail(count), 1.0 - _tail(count)], method="inverted_cdf")
    return np.array([float(median(weights)), low, high])


def _tail(count: int) -> float:
    """The share of draws beyond either end of an interval of percentiles, less than 2.5 % where families are few."""
    tail: float = stats.norm.cdf(-np.sqrt(count / (count - 1)) * stats.t.ppf(0.5 + COVERAGE / 2.0, count - 1))
    return tail


def _lost(table: pd.DataFrame, forward: NDArray[np.bool_]) -> Floats:
    """The logarithm of the regret of choosing so, shape (problems,); 0 where noise hides which mode is faster."""
    wrong = (table["faster"] == np.where(forward, "reverse", "forward")).to_numpy()
    logs: Floats = np.where(wrong, np.abs(table["log_ratio"].to_numpy(np.float64)), 0.0)
    return logs


def _weights(table: pd.DataFrame) -> Floats:
    """Of each problem: families share alike, and within a family engines, and then sizes; their sum is 1."""
    size = table.groupby(["graph", "engine"])["graph"].transform("size").to_numpy(np.float64)
    engines = table.groupby("graph")["engine"].transform("nunique").to_numpy(np.float64)
    weights: Floats = 1.0 / (size * engines * max(1, table["graph"].nunique()))
    return weights


def _named(name: str, value: Floats) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), value.tolist(), strict=True))


def _verdict(compared: Floats) -> str:
    """What a rule is against the cost model, from the ratio of their mean regrets."""
    _, low, high = compared
    if np.isnan(low):
        return ""
    return "loses more" if low > 1.0 else "loses less" if high < 1.0 else "no difference"


def _ops(table: pd.DataFrame, timings: pd.DataFrame) -> pd.Series:
    """Ops of one evaluation: by formula; else as counted in one forward sweep; else inputs and outputs stand in."""
    function = [name for name in SHARED if name not in ("run", "engine")]
    one = timings[(timings["mode"] == "forward") & (timings["sweeps"] == 1) & timings["ops_executed"].notna()]
    counted = one.groupby(function)["ops_executed"].min().rename("counted")
    counts = table[function].join(counted, on=function)["counted"]
    known = table["n_ops"].fillna(table["n_ops_reverse"]).fillna(counts)
    return known.fillna(table["n_inputs"] + table["n_outputs"]).astype("float64")
