"""Run against run, where the truth is known."""

import numpy as np
import pytest
from synthetic import family, row, run, twins

from benchmarks.findings.comparison import compare, slower_than


def changed(factor, noise=0.01, blocks=9, seed=0, floor=1.02):
    """One cell with a noise of its own and a quiet machine, before and after a change by `factor`."""
    rng = np.random.default_rng(seed)
    before = [row(block, 50, np.exp(noise * rng.standard_normal())) for block in range(1, blocks + 1)]
    after = [row(block, 50, factor * np.exp(noise * rng.standard_normal())) for block in range(1, blocks + 1)]
    table = compare(run(before + twins([floor] * 5)), run(after + twins([1.01] * 5)))
    return table[table["n_inputs"] == 50].iloc[0]


@pytest.mark.parametrize(("factor", "word"), [(1.3, "slower"), (0.7, "faster"), (1.0, "no difference")])
def test_change_is_found(factor, word):
    cell = changed(factor)
    assert cell["verdict"] == word
    assert cell["ratio_low"] < cell["ratio"] < cell["ratio_high"]
    assert cell["ratio"] == pytest.approx(factor, rel=0.02)
    assert cell["seconds_b"] / cell["seconds_a"] == cell["ratio"]
    assert cell["floor"] == pytest.approx(0.02)
    assert cell["status"] == "ok"


def test_interval_covers_the_change():
    covered = 0
    for seed in range(40):
        cell = changed(1.3, noise=0.05, seed=seed)
        covered += cell["ratio_low"] <= 1.3 <= cell["ratio_high"]
    assert covered >= 35


def test_the_larger_noise_floor_decides():
    assert changed(1.3, floor=1.5)["verdict"] == "no difference"
    assert changed(1.3, floor=1.5)["floor"] == pytest.approx(0.5)


def test_without_blocks_or_floor_nothing_is_said():
    single = changed(1.3, blocks=1)
    assert single["verdict"] == ""
    assert np.isnan(single["ratio_low"])
    rows = family([10], lambda n: 50.0, lambda n: 5.0)
    assert compare(run(rows), run(rows))["verdict"].tolist() == ["", "", ""]


def test_a_run_against_itself():
    rows = family([1, 10], lambda n: 5.0 * n, lambda n: 5.0, noise=0.05) + twins([1.05] * 7)
    table = compare(run(rows), run(rows))
    assert set(table["ratio"]) == {1.0}
    assert set(table["verdict"]) == {"no difference"}
    # Two runs share no blocks: their resampling is independent, so the interval has a width.
    assert (table["ratio_low"] < 1.0).sum() >= 6


def test_cells_that_do_not_match_are_listed():
    a = [row(1, 1), row(1, 2), row(1, 3), row(1, 4, status="error"), row(1, 5, status="wrong")]
    b = [row(1, 6), row(1, 4), row(1, 3, status="wrong"), row(1, 1), row(1, 7, status="unsupported")]
    table = compare(run(a), run(b))
    assert dict(zip(table["n_inputs"], table["status"], strict=True)) == {
        1: "ok",
        2: "only in a",
        3: "ok in a, wrong in b",
        4: "error in a, ok in b",
        5: "only in a, wrong",
        6: "only in b",
        7: "only in b, unsupported",
    }
    assert table["ratio"].notna().tolist() == [True] + 6 * [False]
    assert table["verdict"].tolist() == 7 * [""]


def test_runs_without_a_cell():
    table = compare(run([]), run([row()]))
    assert table["status"].tolist() == ["only in b"]
    assert compare(run([]), run([])).empty


def test_the_gate_lists_what_became_slower_than_the_threshold():
    before, after = [], []
    for block in range(1, 6):
        for n, factor in ((10, 1.02), (20, 1.2), (30, 2.0), (40, 0.5), (50, 1.4)):
            before.append(row(block, n, 1.0))
            after.append(row(block, n, factor))
    table = compare(run(before + twins([1.03] * 5)), run(after + twins([1.03] * 5)))
    assert slower_than(table, 1.3)["n_inputs"].tolist() == [30, 50]
    assert slower_than(table, 1.0)["n_inputs"].tolist() == [30, 50, 20]
    assert slower_than(table, 2.5).empty


@pytest.mark.parametrize("threshold", [0.1, -1.0, np.nan, np.inf])
def test_a_threshold_is_a_ratio(threshold):
    with pytest.raises(ValueError, match=r"threshold: got .*, expected a ratio of at least 1"):
        slower_than(compare(run([row()]), run([row()])), threshold)
