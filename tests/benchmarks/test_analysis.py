"""The summary, the noise floor and the closing lines, on timings whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from synthetic import family, frame, row, run, twins

from benchmarks.findings.analysis import closing_lines, noise_floor, noise_verdict, summarise
from benchmarks.findings.blocks import by_block, interval, median_interval, verdict
from benchmarks.runs.columns import SummaryRecord, kinds


def gradient(summary, mode="reverse", **wanted):
    rows = summary[(summary["mode"] == mode) & (summary["quantity"] == "gradient")]
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1
    return rows.iloc[0]


# --- medians and intervals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("blocks", "expected"), [(5, 0.94), (7, 0.875), (15, 0.965)])
def test_interval_covers_the_true_median_as_often_as_order_statistics_say(blocks, expected):
    values = np.exp(0.1 * np.random.default_rng(1).standard_normal((800, blocks)))
    _, low, high = median_interval(values)
    assert np.mean((low <= 1.0) & (high >= 1.0)) == pytest.approx(expected, abs=0.025)


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
    summary = summarise(frame(family([1, 10], lambda n: 2.0 * n, lambda n: 5.0)), 0.01)
    assert list(summary.columns) == list(kinds(SummaryRecord))


def test_ratios_are_formed_inside_a_block():
    # Blocks differ threefold in speed; the noise inside a block is 1 %, and so are the intervals.
    timings = frame(family([100], lambda n: 3.0 * n, lambda n: 6.0, blocks=9, noise=0.01))
    reverse = gradient(summarise(timings, 0.02))
    assert reverse["seconds_high"] / reverse["seconds_low"] > 1.3
    for name, truth in (("speedup", 50.0), ("primal_ratio", 6.0)):
        assert reverse[f"{name}_low"] <= truth <= reverse[f"{name}_high"]
        assert reverse[f"{name}_high"] / reverse[f"{name}_low"] < 1.05
    assert reverse["verdict"] == "faster"


def test_median_over_blocks():
    timings = frame([row(block, 1, seconds) for block, seconds in enumerate([1.0, 9.0, 2.0, 3.0, 2.5], start=1)])
    only = summarise(timings, 0.0).iloc[0]
    assert (only["seconds_median"], only["seconds_low"], only["seconds_high"], only["blocks"]) == (2.5, 1.0, 9.0, 5)
    assert (only["primal_ratio"], only["primal_ratio_low"], only["primal_ratio_high"]) == (1.0, 1.0, 1.0)
    assert np.isnan(only["speedup"])
    assert only["verdict"] == ""


def test_each_number_of_lanes_has_its_own_speedup_and_reverse_has_that_of_one_lane():
    rows = [
        row(1, 8, 16.0, "forward"),
        row(1, 8, 4.0, "forward", lanes=4),
        row(1, 8, 2.0, "reverse"),
        row(1, 8, 2.0, "reverse", quantity="vjp"),
        row(1, 8, 99.0, "forward", engine="other"),
    ]
    summary = summarise(frame(rows), 0.01)
    np.testing.assert_array_equal(summary["speedup"], [8.0, 2.0, 8.0, np.nan, np.nan])


def test_verdict_knows_the_noise_floor():
    timings = frame(family([10], lambda n: 5.2, lambda n: 5.0, noise=0.002))
    assert gradient(summarise(timings, 0.01))["verdict"] == "faster"
    assert gradient(summarise(timings, 0.10))["verdict"] == "no difference"
    assert gradient(summarise(timings, np.nan))["verdict"] == ""


def test_one_block_has_numbers_but_no_intervals_and_no_verdict():
    reverse = gradient(summarise(frame(family([10], lambda n: 50.0, lambda n: 5.0, blocks=1)), 0.01))
    assert reverse["speedup"] == pytest.approx(10.0)
    assert np.isnan(reverse["speedup_low"])
    assert reverse["verdict"] == ""


def test_twins_are_in_no_summary():
    rows = family([10], lambda n: 50.0, lambda n: 5.0)
    copies = [{**each, "seconds_median": 77.0, "twin": 1} for each in rows]
    pd.testing.assert_frame_equal(summarise(frame(rows), 0.01), summarise(frame(rows + copies), 0.01))


def test_only_ok_cells_carry_numbers():
    rows = [
        row(1, 1, 1.0, "reverse"),
        row(2, 1, 1.0, "reverse", status="wrong"),
        row(1, 2, 1.0, "reverse"),
        row(2, 2, 1.0, "reverse", status="over_budget"),
        row(0, 3, 1.0, "reverse", status="out_of_memory"),
    ]
    summary = summarise(frame(rows), 0.01)
    assert summary["status"].tolist() == ["wrong", "ok", "out_of_memory"]
    assert summary["blocks"].tolist() == [0, 1, 0]
    np.testing.assert_array_equal(summary["seconds_median"], [np.nan, 1.0, np.nan])


def test_unknown_status_is_refused():
    with pytest.raises(ValueError, match="status is 'fine', expected one of wrong, ok"):
        by_block(frame([row(status="fine")]))


def test_nothing_measured():
    empty = frame([])
    assert summarise(empty, 0.01).empty
    assert np.isnan(noise_floor(empty))
    assert noise_verdict(empty) is None
    assert closing_lines(run([])) == ["Nothing was measured."]


# --- noise -------------------------------------------------------------------------------------------------------


def test_noise_floor_is_what_19_of_20_identical_pairs_stay_below():
    ratios = np.exp(0.02 * np.sqrt(2.0) * np.random.default_rng(3).standard_normal(4000))
    assert noise_floor(frame(twins(ratios))) == pytest.approx(np.expm1(1.96 * 0.02 * np.sqrt(2.0)), rel=0.05)


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


# --- closing lines -----------------------------------------------------------------------------------------------


def every_family():
    names = ["chain", "tree", "product", "layered", "hub", "fixed_work", "lattice", "dense"]
    rows = [each for name in names for each in family([1, 1000], lambda n: 3.0 * n, lambda n: 6.0, graph=name)]
    return rows + family([1, 100], lambda n: 3.0, lambda n: 6.0 * n, graph="broadcast", transposed=True)


def test_closing_lines_say_what_was_found():
    lines = closing_lines(run(every_family() + twins([1.02] * 7)))
    assert lines[0] == "Sweeps counted in 252 full gradients: one per input forward, one per output in reverse."
    assert "chain (ad), N = 1,000: reverse 500 times as fast, 95 % [500, 500]." in lines
    assert "broadcast (ad), M = 100: forward 200 times as fast, 95 % [200, 200]." in lines
    assert lines[-2] == "Noise floor: identical cells differ by up to 2.0%; nothing smaller is called a difference."
    assert lines[-1] == "All 385 rows were checked and measured; none was wrong."


def test_closing_lines_stay_short_however_much_there_is_to_say():
    rows = family(
        [1_000_000], lambda n: 3.03, lambda n: 3.0, blocks=3, noise=0.5, graph="fixed_work", engine="ad-compiled"
    )
    rows += every_family() + family([10], lambda n: 3.0 * n, lambda n: 6.0, graph="one_more_of_them")
    rows += twins([2.0] * 7)
    for status in ("unsupported", "error", "wrong", "out_of_memory", "over_budget"):
        rows += 1000 * [row(1, 7, 1.0, "reverse", status=status)]
    lines = closing_lines(run(rows))
    assert len(lines) <= 12
    assert max(map(len, lines)) < 110
    assert "... and 2 more; all of them are in summary.csv." in lines
    assert any(line.startswith("Too noisy to trust: identical cells differ by 100%") for line in lines)
    assert lines[1].startswith("fixed_work (ad-compiled), N = 1,000,000: no difference (")
    assert lines[-1].startswith("Rows without a time: 1000 wrong, 1000 error, 1000 out_of_memory, 1000 over_budget")


def test_closing_lines_check_the_sweeps_in_the_rows():
    rows = family([10], lambda n: 30.0, lambda n: 6.0, blocks=1)
    rows[1]["sweeps"] = 9
    assert closing_lines(run(rows))[0] == (
        "Sweeps counted: 1 of 2 gradients are not as expected; first chain, forward: 9 sweeps."
    )


def test_closing_lines_without_intervals_or_difference():
    lines = closing_lines(run(family([10], lambda n: 30.0, lambda n: 6.0, blocks=1)))
    assert lines[1] == "chain (ad), N = 10: reverse 5 times as fast, one block, no interval."
    assert lines[2] == "Noise floor: not measured, so nothing is called a difference."
    lines = closing_lines(run(family([10], lambda n: 6.06, lambda n: 6.0) + twins([1.02] * 7)))
    assert lines[1] == "chain (ad), N = 10: no difference (reverse 1.01 times as fast, 95 % [1.01, 1.01])."


@pytest.mark.parametrize(("mode", "n", "sweeps"), [("reverse", 8, 3), ("forward", 8, 1), ("reverse", 8, 8)])
def test_sweeps_that_were_not_as_expected_are_told(mode, n, sweeps):
    lines = closing_lines(run([row(1, n, 1.0, mode, sweeps=sweeps), row(1, n, 1.0, "forward", sweeps=n, graph="tree")]))
    assert lines[0] == f"Sweeps counted: 1 of 2 gradients are not as expected; first chain, {mode}: {sweeps} sweeps."
