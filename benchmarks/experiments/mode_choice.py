"""What `ad.jacobian(mode="auto")` should choose: both modes measured on many shapes, and its numbers fitted.

    python -m benchmarks.experiments.mode_choice

prints for functions of numbers, and of arrays, the lines that `ad/choice.py` holds, and what choosing by them costs
relative to knowing the answer: once by the numbers there, and once by numbers that were fitted without the function
that is chosen for.  Modes take turns in every round; a ratio is the median over rounds of ratios within a round.

Before anything is recorded the ops of a function are not known, so the numbers are those of `cost_model` in the limit
of many ops, where what a call costs on top does not matter.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.runs.threads import pin

pin()  # before NumPy is imported

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import ad  # noqa: E402
from ad.choice import ARRAYS, NUMBERS, Costs  # noqa: E402
from benchmarks.findings import cost_model  # noqa: E402
from benchmarks.functions import catalogue  # noqa: E402
from benchmarks.stopwatch import collected, once  # noqa: E402

SIDES = (1, 2, 4, 16, 64)
ROUNDS = 7
FACTORS = tuple(2.0 ** (k / 2.0) for k in range(-4, 5))
MANY_OPS = 1e12
LANES = 1e12
"""As many tangents as there are inputs."""

Case = tuple[str, Callable[[Any], Any], Any, int, int]
"""A function's name, the function, its inputs, N and M."""


def of_numbers() -> Iterator[Case]:
    """Functions of lists of numbers: one output, one input, and both in many."""
    sizes: dict[str, list[Any]] = {name: [1, 2, 3, 4, 16] for name in ("chain", "layered", "dense")}
    sizes |= {"broadcast": [2, 4, 16, 64], "map": [], "trunk": []}
    for name, chosen in sizes.items():
        for size in chosen or [(n, m) for n in SIDES for m in SIDES if n * m <= 256]:
            problem = catalogue.problem(name, catalogue.family(name).nearest(size))
            yield name, partial(problem.f, ad), problem.x, problem.n_inputs, problem.n_outputs


def of_arrays() -> Iterator[Case]:
    """Functions of vectors: a layer, a bottleneck, many ops on few numbers, few ops on many numbers, a gather."""
    rng = np.random.default_rng(0)
    for n in SIDES:
        for m in SIDES:
            x = rng.uniform(0.5, 1.5, n)
            yield "layer", partial(_layer, rng.normal(size=(m, n))), x, n, m
            yield "bottleneck", partial(_bottleneck, rng.normal(size=(8, n)), rng.normal(size=(m, 8))), x, n, m
            yield "gather", partial(_gather, np.arange(m) % n), x, n, m
            yield "deep", partial(_deep, rng.normal(size=(64, n)), rng.normal(size=(m, 64))), x, n, m
            if n * m <= 256:
                yield "data", partial(_sums, rng.normal(size=(20_000 // m, n)), m), x, n, m


def _layer(w: Any, x: Any) -> Any:
    return ad.tanh(w @ x)


def _bottleneck(u: Any, v: Any, x: Any) -> Any:
    return v @ ad.sin(u @ x)


def _gather(place: Any, x: Any) -> Any:
    return ad.sin(x[place]) * 2.0


def _deep(u: Any, v: Any, x: Any) -> Any:
    h = ad.tanh(u @ x)
    for _ in range(12):
        h = ad.sin(h) * 0.9 + 0.1
    return v @ h


def _sums(data: Any, m: int, x: Any) -> Any:
    """M sums over many numbers each."""
    h = np.linspace(0.5, 1.0, m)[:, np.newaxis] * (data @ x)
    return ad.sum(ad.log1p(ad.exp(h)), 1)


def measure(cases: Iterator[Case]) -> pd.DataFrame:
    """Forward over reverse for every case, as a table that `cost_model.fit` takes."""
    rows = []
    for name, f, x, n, m in cases:
        forward, reverse = ad.jacfwd(f), ad.jacrev(f)
        with collected():
            forward(x), reverse(x)
            ratios = [once(lambda: forward(x))[0] / once(lambda: reverse(x))[0] for _ in range(ROUNDS)]  # noqa: B023
        rows.append((name, n, m, float(np.log(statistics.median(ratios)))))
    return pd.DataFrame(rows, columns=["graph", "n_inputs", "n_outputs", "log_ratio"]).assign(ops=MANY_OPS)


def fitted(table: pd.DataFrame, *, without: str | None = None) -> Costs:
    """The numbers for some measured cases, those of one function left out: the cost model's, moved to the least regret.

    The model is fitted to all ratios, those far from the border included, where nothing is to be decided.  So its
    numbers are where a search starts that looks for the least regret; the nearest of the best are taken.
    """
    used = table[table["graph"] != without]
    share = 1.0 / used.groupby("graph")["graph"].transform("size").to_numpy(np.float64)
    model = cost_model.fit(used, share * len(used) / used["graph"].nunique())
    several = bool((table["lanes"] > 1).any())
    n, m, logs = (used[name].to_numpy(np.float64) for name in ("n_inputs", "n_outputs", "log_ratio"))

    def regret(factors: tuple[float, ...]) -> tuple[float, float]:
        costs = _scaled(model, several, factors)
        chosen = costs.start + costs.column * n < costs.record + costs.row * m
        loss = float(share @ np.maximum(np.where(chosen, logs, -logs), 0.0)) / used["graph"].nunique()
        return round(loss, 4), float(np.square(np.log(factors)).sum())

    return _scaled(model, several, min(itertools.product(FACTORS, FACTORS, FACTORS if several else (1.0,)), key=regret))


def _scaled(model: cost_model.CostModel, several: bool, factors: tuple[float, ...]) -> Costs:
    record, row, column = factors
    return Costs(float(several), column * model.tangents if several else 1.0, record * model.record, row * model.back)


def lost(table: pd.DataFrame, costs: Costs) -> np.ndarray[Any, Any]:
    """The logarithm of the regret of choosing by some numbers, shape (cases,)."""
    forward = np.array([costs.forward(n, m) for n, m in zip(table["n_inputs"], table["n_outputs"], strict=True)])
    return np.maximum(np.where(forward, table["log_ratio"], -table["log_ratio"]), 0.0)


def main() -> None:
    """Measure, fit, and say what choosing by the numbers costs."""
    for name, held, cases, lanes in (("NUMBERS", NUMBERS, of_numbers(), 1.0), ("ARRAYS", ARRAYS, of_arrays(), LANES)):
        table = measure(cases).assign(lanes=lanes)
        found = fitted(table)
        numbers = ", ".join(f"{field}={value:.2g}" for field, value in vars(found).items())
        print(f"{name} = Costs({numbers})")
        apart = np.concatenate(
            [lost(group, fitted(table, without=str(graph))) for graph, group in table.groupby("graph")]
        )
        shape = lost(table, Costs(0.0, 1.0, 0.0, 1.0))
        for about, logs in (
            ("by the numbers in ad/choice.py", lost(table, held)),
            ("by numbers fitted to the other functions", apart),
            ("forward if N < M", shape),
        ):
            print(
                f"  {about}: mean {np.exp(logs.mean()):.3f}, at worst {np.exp(logs.max()):.2f}, "
                f"more than 10 % lost in {(logs > np.log(1.1)).mean():.0%} of {len(logs)}"
            )


if __name__ == "__main__":
    main()
