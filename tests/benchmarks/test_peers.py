"""Engines beside one another, on timings whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from synthetic import floor, frame, row, twins

from benchmarks.findings import peers
from benchmarks.findings.analysis import summarise
from benchmarks.findings.crossover import crossover
from benchmarks.findings.scaling import scaling
from benchmarks.findings.told import Noise
from benchmarks.runs.columns import EngineRecord, kinds

SECONDS = {"ad": (8.0, 2.0), "fast": (4.0, 1.0), "slow": (40.0, 20.0)}
"""Of a forward gradient of one input, and of a reverse gradient, by engine."""
PREPARED = {"ad": 0.0, "fast": 99.5, "slow": 0.0}


def timings(sizes=(2, 4, 8), graphs=("chain", "tree")):
    rows = []
    for graph in graphs:
        for engine, (forward, reverse) in SECONDS.items():
            for n in sizes if engine != "slow" else sizes[:2]:
                for block in range(1, 6):
                    for mode, quantity, seconds in (
                        ("primal", "primal", 0.5),
                        ("forward", "jvp", forward),
                        ("forward", "gradient", forward * n),
                        ("reverse", "gradient", reverse),
                    ):
                        cell = row(block, n, seconds, mode, quantity, graph=graph, engine=engine)
                        rows.append({**cell, "prepare_seconds": PREPARED[engine]})
    return frame(rows)


@pytest.fixture(scope="module")
def tables():
    table = timings()
    summary = summarise(table, floor(0.01))
    return summary, scaling(table), crossover(table, 0.01), table


def test_a_record_for_each_engine_with_the_declared_columns(tables):
    found = peers.engines(*tables)
    assert list(found.columns) == list(kinds(EngineRecord))
    by = found.set_index("engine")
    assert by.loc["ad", "functions"] == 2
    assert by.loc["ad", "reverse_cost"] == pytest.approx(4.0)  # 2 against the function's 0.5
    assert by.loc["ad", "forward_cost"] == pytest.approx(16.0)
    assert by.loc["fast", "call_seconds"] == pytest.approx(1.0)
    assert by.loc["fast", "to_the_best"] == pytest.approx(1.0)
    assert by.loc["ad", "to_the_best"] == pytest.approx(2.0)


def test_a_sweep_with_many_tangents_is_not_what_one_costs(tables):
    summary, *others = tables
    many = summary[summary["quantity"] == "jvp"].assign(lanes=128, primal_ratio=1000.0)
    found = peers.engines(pd.concat([summary, many]), *others)
    assert found["forward_cost"].tolist() == peers.engines(*tables)["forward_cost"].tolist()


def test_preparation_pays_from_where_the_gain_has_paid_for_it(tables):
    """It saves 1 second of 2 at every gradient, and took 99.5."""
    by = peers.engines(*tables).set_index("engine")
    assert by.loc["fast", "prepare_seconds"] == pytest.approx(99.5)
    assert by.loc["fast", "pays_from"] == 100.0
    assert by.loc["slow", "pays_from"] == float("inf")  # slower than another that prepares nothing
    assert by.loc["ad", "pays_from"] == 0.0  # the one that is faster prepares for longer than a gradient takes


def test_relative_to_the_fastest_is_a_geometric_mean(tables):
    summary, *others = tables
    mine = (summary["engine"] == "ad") & (summary["graph"] == "tree")
    slower = summary.assign(seconds_median=summary["seconds_median"].where(~mine, 4.0 * summary["seconds_median"]))
    by = peers.engines(slower, *others).set_index("engine")
    assert by.loc["ad", "to_the_best"] == pytest.approx(4.0)  # 2 on one function and 8 on the other


def test_functions_are_compared_where_nearly_all_engines_were(tables):
    summary = tables[0]
    chosen = peers.compared(summary)
    assert set(chosen["n_inputs"]) == {4}  # at 8 one of three is missing
    assert chosen.loc[chosen["engine"] == "slow", "relative"].tolist() == pytest.approx([20.0, 20.0])
    assert set(chosen["mode"]) == {"reverse"}
    fourth = summary[(summary["engine"] == "ad")].assign(engine="another")
    assert set(peers.compared(pd.concat([summary, fourth]))["n_inputs"]) == {8}  # there three of four are nearly all


def test_sentences_follow_from_the_tables(tables):
    summary, growths, crossings, table = tables
    found = peers.Peers(peers.engines(summary, growths, crossings, table), peers.compared(summary), Noise(0.01, None))
    assert "fast on 2, of 2 (as good as first counts, too); the very first is reverse mode in 2" in found.winners()
    assert "On 2 of 2 functions" in found.beaten()
    assert "where fast is 2 times as fast" in found.beaten()
    assert found.markdown().count("\n") == 4
    assert len(found.sentences()) == 3


def test_what_noise_hides_is_no_difference_between_engines(tables):
    summary, growths, crossings, table = tables
    table = peers.engines(summary, growths, crossings, table).replace({"prepare_worst": 99.5}, 123.4)
    floors = dict.fromkeys(table["engine"], 1.5)
    noisy = peers.Peers(table, peers.compared(summary), Noise(1.5, "identical cells differ by 150%"), floors)
    law, winners, beaten, caution = noisy.sentences()
    assert law == "The law in 3 engines: the run is too noisy to judge their 8 curves."
    assert "ad on 2, fast on 2, of 2 (as good" in winners  # 2 is below 2.5
    assert beaten.startswith("On none of 2 functions")
    assert "differed by up to 150% over all engines, so no ratio below 2.50 is called a difference" in caution
    assert "1.7 minutes" in noisy.markdown()  # 100 s: one digit of 123.4
    assert "of 2 |" not in noisy.markdown()  # no verdict
    unknown = peers.Peers(table, peers.compared(summary), Noise(float("nan"), None))
    assert unknown.sentences() == ["The noise floor was not measured, so engines are not compared."]


def test_one_noisy_engine_costs_the_others_nothing(tables):
    summary, growths, crossings, table = tables
    table = peers.engines(summary, growths, crossings, table)
    found = peers.Peers(table, peers.compared(summary), Noise(0.02, None), {"slow": 0.14})
    law, _, beaten, caution = found.sentences()
    assert law.startswith("The law in 2 engines: ")
    assert law.endswith(" Too noisy to judge: slow.")
    assert "where fast is 2 times" in beaten
    assert caution.endswith("where they differed by more than 10%: slow (14%).")
    lines = {line.split(" | ")[0].strip("| "): line for line in found.markdown().splitlines()}
    assert "of 2 |" in lines["fast"]
    assert "of 2 |" not in lines["slow"]


def test_an_engine_is_noisy_by_its_own_twins():
    quiet = [{**each, "engine": "quiet"} for each in twins([1.02] * 10)]
    loud = [{**each, "engine": "loud"} for each in twins([1.3] * 10)]
    alone = [row(1, 7, 1.0, engine="alone")]
    floors = peers.noisy_engines(frame(quiet + loud + alone))
    assert list(floors) == ["loud", "alone"]
    assert floors["loud"] == pytest.approx(0.3)
    assert np.isnan(floors["alone"])


def test_nobody_faster_is_said():
    engines, seconds = ["ad", "slow", "by-hand"], [1.0, 2.0, 0.5]
    rows = pd.DataFrame({"graph": ["chain"] * 3, "engine": engines, "seconds_median": seconds, "relative": seconds})
    assert peers.Peers(pd.DataFrame(), rows, Noise(0.01, None)).beaten().startswith("On none of 1 functions")
