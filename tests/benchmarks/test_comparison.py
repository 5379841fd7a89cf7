"""Run against run, where the truth is known."""

import re

import numpy as np
import pytest
from synthetic import family, row, run, twins

from benchmarks.findings.comparison import compare, differences, reasons_to_fail, slower_than


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


def many(factors, blocks=5, **changes):
    return [row(block, n, factor, **changes) for block in range(1, blocks + 1) for n, factor in enumerate(factors, 10)]


def test_the_gate_passes_what_did_not_change():
    a = run(many([1.0] * 10) + twins([1.02] * 9))
    assert reasons_to_fail(compare(a, a), 1.1) == []


@pytest.mark.parametrize(
    ("b", "floor", "reason"),
    [
        (many([1.0] * 9 + [1.5]), 1.02, "slower by more than 1.1: 1 cells, most chain 19 ad primal primal: 1.5"),
        (many([1.0] * 10, status="wrong"), 1.02, "no longer ok: 10 cells, first chain 10 .*: ok in a, wrong in b"),
        (many([1.0] * 10, status="error"), 1.02, "no longer ok: 10 cells"),
        (many([1.0] * 9), 1.02, "no longer ok: 1 cells, first chain 19 ad primal primal: only in a"),
        ([], 1.02, "nothing in common"),
        (many([1.0] * 10), None, "noise floor unknown"),
        (many([1.0] * 10), 1.2, "noise hides the limit: the floor is up to 20.0% in 11 cells"),
        (many([1.5] * 10, blocks=1), 1.02, "undecided: 10 cells"),
    ],
    ids=["slower", "wrong", "error", "missing", "empty", "no floor", "noisy", "one block"],
)
def test_the_gate_fails_closed(b, floor, reason):
    copies = twins([floor] * 9) if floor else []
    table = compare(run(many([1.0] * 10) + copies), run(b + copies if b else []))
    reasons = reasons_to_fail(table, 1.1)
    assert any(re.match(reason, each) for each in reasons), reasons


def test_what_all_cells_share_is_reported_and_their_scatter_widens_the_floor():
    a = run(many([1.0] * 10) + twins([1.02] * 9))
    shifted = compare(a, run(many([1.3] * 10) + twins([1.02] * 9)))
    assert shifted["common"].iloc[0] == pytest.approx(1.3)
    assert shifted["floor"].max() == pytest.approx(0.02)
    assert (shifted["verdict"] == "slower").sum() == 10  # a common shift is no excuse
    scattered = compare(a, run(many([0.9, 1.1] * 5) + twins([1.02] * 9)))
    assert scattered["floor"].min() > 0.2
    assert set(scattered["verdict"]) == {"no difference"}


def test_environments_that_differ_are_said():
    one = {"cpu": "x", "python": "3.11", "versions": {"numpy": "2.0"}}
    other = {"cpu": "y", "python": "3.11", "versions": {"numpy": "2.0", "numba": "1"}}
    assert differences(one, other) == ["cpu: x in a, y in b", "numba: none in a, 1 in b"]
    assert differences(one, one) == differences(one, {}) == []
    forced = one | {"forced": {"OPENBLAS_CORETYPE": "Haswell"}}
    assert differences(one, forced) == ["OPENBLAS_CORETYPE: none in a, Haswell in b"]
