"""The summary, the noise floor and the verdict on it, on timings whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from synthetic import family, floor, frame, row, twins

from benchmarks.findings.analysis import noise_floor, noise_floors, noise_verdict, summarise
from benchmarks.findings.blocks import by_block, interval, median_interval, verdict
from benchmarks.runs.columns import SummaryRecord, kinds


def gradient(summary, mode="forward", **wanted):
    rows = summary[(summary["mode"] == mode) & (summary["quantity"] == "gradient")]
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1
    return rows.iloc[0]


# --- medians and intervals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", range(2, 13))
@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_interval_covers_the_true_median(blocks, noise):
    """95 % of 2,000 runs, or 92 % where the binomial law allows no other; three standard errors are 1.8 %."""
    values = np.exp(noise * np.random.default_rng(blocks).standard_normal((2000, blocks)))
    _, low, high = median_interval(values)
    assert np.mean((low <= 1.0) & (high >= 1.0)) > 0.92 - 0.01


def test_order_statistics_do_not_mind_what_the_noise_is_like():
    values = 1.0 + np.random.default_rng(1).exponential(size=(2000, 5))  # median 1 + log 2, far from symmetric
    _, low, high = median_interval(values)
    covered = (low <= 1.0 + np.log(2.0)) & (high >= 1.0 + np.log(2.0))
    assert covered.mean() == pytest.approx(1.0 - 2.0 / 2**5, abs=0.018)


def test_interval_is_the_same_every_time():
    values = np.random.default_rng(1).random((3, 9))
    np.testing.assert_array_equal(median_interval(values), median_interval(values))


def test_interval_of_one_block_is_unknown_and_of_equal_blocks_has_no_width():
    values = np.array([[2.0, np.nan, np.nan], [2.0, 2.0, 2.0], [np.nan, np.nan, np.nan]])
    middle, low, high = median_interval(values)
    np.testing.assert_array_equal(middle, [2.0, 2.0, np.nan])
    np.testing.assert_array_equal(low, [np.nan, 2.0, np.nan])
    np.testing.assert_array_equal(high, [np.nan, 2.0, np.nan])


def test_a_block_that_is_missing_does_not_change_the_interval():
    values = np.random.default_rng(2).random((1, 6))
    gap = np.insert(values, 3, np.nan, axis=1)
    np.testing.assert_array_equal(median_interval(values), median_interval(gap))


def test_interval_keeps_infinities():
    low, high = interval(np.array([[-np.inf] * 50 + [1.0] * 900 + [np.inf] * 50]))
    assert (low[0], high[0]) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("middle", "low", "high", "floor", "word"),
    [
        (2.0, 1.9, 2.1, 0.05, "up"),
        (0.5, 0.4, 0.6, 0.05, "down"),
        (1.2, 1.04, 1.4, 0.05, "no difference"),  # the interval reaches into the floor
        (0.8, 0.7, 0.96, 0.05, "no difference"),
        (1.2, 1.04, 1.4, 0.03, "up"),
        (1.02, np.nan, np.nan, 0.05, "no difference"),  # inside the floor, whatever the interval
        (2.0, np.nan, np.nan, 0.05, ""),  # outside, but no interval
        (2.0, 1.9, 2.1, np.nan, ""),  # no floor
        (np.nan, np.nan, np.nan, 0.05, ""),
    ],
)
def test_verdict(middle, low, high, floor, word):
    assert verdict(*np.array([[middle], [low], [high]]), floor, above="up", below="down") == [word]


# --- the summary -------------------------------------------------------------------------------------------------


def test_summary_has_the_declared_columns():
    summary = summarise(frame(family([1, 10], lambda n: 2.0 * n, lambda n: 5.0)), floor(0.01))
    assert list(summary.columns) == list(kinds(SummaryRecord))


def test_ratios_are_formed_inside_a_block():
    # Blocks differ threefold in speed; the noise inside a block is 1 %, and so are the intervals.
    timings = frame(family([100], lambda n: 3.0 * n, lambda n: 6.0, blocks=9, noise=0.01))
    summary = summarise(timings, floor(0.002))
    forward, reverse = gradient(summary), gradient(summary, "reverse")
    assert forward["seconds_high"] / forward["seconds_low"] > 1.3
    for cell, name, truth in ((forward, "speedup", 50.0), (reverse, "primal_ratio", 6.0)):
        assert cell[f"{name}_low"] <= truth <= cell[f"{name}_high"]
        assert cell[f"{name}_high"] / cell[f"{name}_low"] < 1.05
    assert forward["verdict"] == "faster"


def test_the_interval_of_a_speedup_is_widened_by_the_noise_floor():
    timings = frame(family([100], lambda n: 3.0 * n, lambda n: 6.0))
    wide, narrow = (gradient(summarise(timings, floor(value))) for value in (0.25, np.nan))
    assert [narrow[name] for name in ("speedup_low", "speedup", "speedup_high")] == pytest.approx([50.0] * 3)
    assert [wide[name] for name in ("speedup_low", "speedup", "speedup_high")] == pytest.approx([40.0, 50.0, 62.5])


def test_median_over_blocks():
    timings = frame([row(block, 1, seconds) for block, seconds in enumerate([1.0, 9.0, 2.0, 3.0, 2.5], start=1)])
    only = summarise(timings, floor(0.0)).iloc[0]
    assert (only["seconds_median"], only["seconds_low"], only["seconds_high"], only["blocks"]) == (2.5, 1.0, 9.0, 5)
    assert (only["primal_ratio"], only["primal_ratio_low"], only["primal_ratio_high"]) == (1.0, 1.0, 1.0)
    assert np.isnan(only["speedup"])
    assert only["verdict"] == ""


def test_a_speedup_stands_in_one_place_with_the_lanes_of_its_forward_side():
    rows = [
        row(1, 8, 16.0, "forward"),
        row(1, 8, 4.0, "forward", lanes=4),
        row(1, 8, 2.0, "reverse"),
        row(1, 8, 2.0, "reverse", quantity="vjp"),
        row(1, 8, 99.0, "forward", engine="other"),
    ]
    summary = summarise(frame(rows), floor(0.01))
    told = summary[summary["speedup"].notna()]
    assert told[["engine", "mode", "lanes", "speedup"]].to_numpy().tolist() == [
        ["ad", "forward", 1, 8.0],
        ["ad", "forward", 4, 2.0],
    ]


def test_records_come_in_the_order_of_the_catalogue_however_they_were_measured():
    rows = [row(1, n, graph=graph, engine=e) for graph in ("b", "a", "c") for e in ("ad", "aa") for n in (8, 1)]
    order = ["c", "b", "ad"]
    one, other = (summarise(frame(each), floor(0.01), order) for each in (rows, rows[::-1]))
    pd.testing.assert_frame_equal(one, other)
    assert one["graph"].unique().tolist() == ["c", "b", "a"]
    assert one[["engine", "n_inputs"]].head(4).to_numpy().tolist() == [["ad", 1], ["ad", 8], ["aa", 1], ["aa", 8]]


def test_verdict_knows_the_noise_floor():
    timings = frame(family([10], lambda n: 5.2, lambda n: 5.0, noise=0.002))
    assert gradient(summarise(timings, floor(0.01)))["verdict"] == "faster"
    assert gradient(summarise(timings, floor(0.10)))["verdict"] == "no difference"
    assert gradient(summarise(timings, floor(np.nan)))["verdict"] == ""


def test_one_block_has_numbers_but_no_intervals_and_no_verdict():
    forward = gradient(summarise(frame(family([10], lambda n: 50.0, lambda n: 5.0, blocks=1)), floor(0.01)))
    assert forward["speedup"] == pytest.approx(10.0)
    assert np.isnan(forward["speedup_low"])
    assert forward["verdict"] == ""


def test_twins_are_in_no_summary():
    rows = family([10], lambda n: 50.0, lambda n: 5.0)
    copies = [{**each, "seconds_median": 77.0, "twin": 1} for each in rows]
    pd.testing.assert_frame_equal(summarise(frame(rows), floor(0.01)), summarise(frame(rows + copies), floor(0.01)))


def test_only_ok_cells_carry_numbers():
    rows = [
        row(1, 1, 1.0, "reverse"),
        row(2, 1, 1.0, "reverse", status="wrong"),
        row(1, 2, 1.0, "reverse"),
        row(2, 2, 1.0, "reverse", status="over_budget"),
        row(0, 3, 1.0, "reverse", status="out_of_memory"),
    ]
    summary = summarise(frame(rows), floor(0.01))
    assert summary["status"].tolist() == ["wrong", "ok", "out_of_memory"]
    assert summary["blocks"].tolist() == [0, 1, 0]
    np.testing.assert_array_equal(summary["seconds_median"], [np.nan, 1.0, np.nan])


def test_unknown_status_is_refused():
    with pytest.raises(ValueError, match="status is 'fine', expected one of wrong, ok"):
        by_block(frame([row(status="fine")]))


def test_nothing_measured():
    empty = frame([])
    assert summarise(empty, floor(0.01)).empty
    assert np.isnan(noise_floor(empty))
    assert noise_verdict(empty) is None


# --- noise -------------------------------------------------------------------------------------------------------


def test_noise_floor_is_what_19_of_20_identical_pairs_stay_below():
    ratios = np.exp(0.02 * np.sqrt(2.0) * np.random.default_rng(3).standard_normal(4000))
    assert noise_floor(frame(twins(ratios))) == pytest.approx(np.expm1(1.96 * 0.02 * np.sqrt(2.0)), rel=0.05)


def test_one_outlier_does_not_make_the_floor():
    assert noise_floor(frame(twins([1.02] * 9 + [5.0]))) == pytest.approx(0.02)
    assert noise_floor(frame(twins([1.02] * 9 + [5.0, 5.0]))) > 1.0


def test_one_cell_whose_memory_lies_badly_does_not_make_the_floor():
    def cells(count, bad):
        """So many cells in five blocks: the bad ones differ in all of them, and three of the others in one."""
        ratios = [[1.3] * 5 if k < bad else [1.3 if bad <= k < bad + 3 else 1.02, *[1.02] * 4] for k in range(count)]
        return frame([{**each, "graph": f"g{k}"} for k, ratio in enumerate(ratios) for each in twins(ratio)])

    assert noise_floor(cells(24, 1)) == pytest.approx(0.02)
    assert noise_floor(cells(24, 3)) == pytest.approx(0.3)
    assert noise_floor(cells(8, 1)) > 0.2  # too few to set one aside
    assert noise_floor(cells(24, 0)) == pytest.approx(0.02)


def test_short_cells_have_a_floor_of_their_own():
    short = [{**each, "n_inputs": 1, "seconds_median": 1e-6 * each["seconds_median"]} for each in twins([1.2] * 10)]
    floors = noise_floors(frame(short + twins([1.02] * 200)))
    np.testing.assert_allclose(floors.at(np.array([1e-6, 1e-5 * 1.01, 1.0])), [0.2, floors.overall, 0.02], atol=1e-9)
    rows = family([10], lambda n: 5.5, lambda n: 5.0)  # 10 % apart, at 10 microseconds and above
    slow = [{**each, "seconds_median": 1e5 * each["seconds_median"]} for each in rows]
    quick = [{**each, "seconds_median": 1e-2 * each["seconds_median"]} for each in rows]
    assert gradient(summarise(frame(slow), floors))["verdict"] == "faster"
    assert gradient(summarise(frame(quick), floors))["verdict"] == "no difference"


def test_noise_floor_does_not_mind_which_twin_was_slower():
    assert noise_floor(frame(twins([1.25] * 5))) == pytest.approx(0.25)
    assert noise_floor(frame(twins([0.80] * 5))) == pytest.approx(0.25)


def test_noise_floor_needs_pairs():
    assert np.isnan(noise_floor(frame(family([10], lambda n: 50.0, lambda n: 5.0))))
    alone = [row(1, 10, 1.0), row(2, 10, 5.0, twin=1), row(2, 10, status="error")]
    assert np.isnan(noise_floor(frame(alone)))


def test_a_quiet_machine_is_trusted():
    assert noise_verdict(frame(twins([1.01, 0.99, 1.02]))) is None


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        (twins([1.3, 0.7, 1.4]), "identical cells differ by 43%"),
        ([row(1, 10, 1.0, seconds_stddev=0.3)], "stddev is 30% of the mean"),
        ([row(block, 10, float(block)) for block in (1, 2, 3)], "slowest/fastest block is 3.0"),
    ],
    ids=["twins", "stddev", "range"],
)
def test_a_noisy_machine_is_told_with_what_was_seen(rows, seen):
    rows = [{"seconds_stddev": each["seconds_stddev"]} | each for each in rows]
    said = noise_verdict(frame(rows))
    assert said.startswith("Too noisy to trust")
    assert seen in said


def test_spread_inside_a_single_round_says_nothing():
    assert noise_verdict(frame([row(1, 10, 1.0, seconds_stddev=np.nan, rounds=1)])) is None
