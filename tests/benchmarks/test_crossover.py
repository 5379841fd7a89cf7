"""Crossovers and the map's border, on speedups that are known."""

import numpy as np
import pytest
from synthetic import family, frame, row

from benchmarks.findings.crossover import crossover, last_crossing, map_border
from benchmarks.runs.columns import CrossoverRecord, kinds

SIZES = [1, 2, 5, 10, 20, 50, 100]


def crossing(forward, reverse, sizes=SIZES, floor=0.0, **options):
    table = crossover(frame(family(sizes, forward, reverse, **options)), floor)
    assert list(table.columns) == list(kinds(CrossoverRecord))
    assert len(table) == 1
    return table.iloc[0]


def test_crossover_is_interpolated_in_logarithms():
    # The speedup is n / 7, a straight line in logarithms, so interpolation is exact.
    found = crossing(lambda n: n, lambda n: 7.0)
    assert found["crossover"] == pytest.approx(7.0)
    assert (found["crossover_low"], found["crossover_high"]) == pytest.approx((7.0, 7.0))
    assert (found["n_min"], found["n_max"], found["note"]) == (1, 100, "")


def test_interval_covers_the_crossover():
    covered = 0
    for seed in range(60):
        found = crossing(lambda n: n, lambda n: 7.0, noise=0.05, blocks=9, seed=seed)
        assert 6.0 < found["crossover_low"] < found["crossover"] < found["crossover_high"] < 8.2
        covered += found["crossover_low"] <= 7.0 <= found["crossover_high"]
    assert covered >= 52


def test_the_noise_floor_widens_the_interval():
    found = crossing(lambda n: n, lambda n: 7.0, floor=0.10)
    assert found["crossover"] == pytest.approx(7.0)
    assert (found["crossover_low"], found["crossover_high"]) == pytest.approx((7.0 / 1.1, 7.0 * 1.1))


@pytest.mark.parametrize(
    ("forward", "floor", "note"),
    [
        (lambda n: 20.0 * n, 0.01, "reverse wins from N = 1 to N = 100"),
        (lambda n: 7.05 * n, 0.01, "forward never wins from N = 1 to N = 100"),
        (lambda n: 7.0, 0.01, "no difference from N = 1 to N = 100"),
        (lambda n: 6.95, 0.01, "no difference from N = 1 to N = 100"),
        (lambda n: 0.06 * n, 0.01, "forward wins from N = 1 to N = 100"),
        (lambda n: 0.0699 * n, 0.01, "reverse never wins from N = 1 to N = 100"),
        (lambda n: 70.0 / n, 0.01, "forward wins at N = 100, but not at every smaller size"),
    ],
)
def test_nothing_is_extrapolated(forward, floor, note):
    found = crossing(forward, lambda n: 7.0, floor=floor)
    assert np.isnan(found["crossover"])
    # Where one mode wins throughout, the edge of the sizes is a bound.
    assert found["crossover_high"] == 1.0 if note.startswith("reverse wins") else np.isnan(found["crossover_high"])
    assert found["crossover_low"] == 100.0 if note.startswith("forward wins from") else np.isnan(found["crossover_low"])
    assert found["note"] == note


def test_a_single_size_is_no_range():
    assert crossing(lambda n: 20.0 * n, lambda n: 7.0, sizes=(4,))["note"] == "reverse wins at N = 4"
    assert crossing(lambda n: 0.1, lambda n: 7.0, sizes=(4,))["note"] == "forward wins at N = 4"


def test_notes_are_plain_text():
    assert "np." not in crossing(lambda n: 20.0 * n, lambda n: 7.0)["note"]


def test_an_end_of_the_interval_outside_the_sizes_is_not_invented():
    found = crossing(lambda n: n, lambda n: 99.0, floor=0.05)
    assert found["crossover"] == pytest.approx(99.0)
    assert np.isnan(found["crossover_high"])
    assert found["note"] == "may lie above the largest measured N"
    found = crossing(lambda n: n, lambda n: 1.01, floor=0.05)
    assert np.isnan(found["crossover_low"])
    assert found["note"] == "may lie below the smallest measured N"


def test_outputs_are_called_m():
    found = crossing(lambda n: 3.0, lambda n: 6.0 * n, graph="broadcast", transposed=True)
    assert found["note"] == "forward wins from M = 1 to M = 100"


def test_one_block_has_a_crossover_without_an_interval():
    found = crossing(lambda n: n, lambda n: 7.0, blocks=1)
    assert found["crossover"] == pytest.approx(7.0)
    assert np.isnan(found["crossover_low"])
    assert np.isnan(found["crossover_high"])
    assert found["note"] == "measured in a single block, so without an interval"


def test_lanes_do_not_mix_with_single_sweeps():
    rows = family(SIZES, lambda n: n, lambda n: 7.0)
    rows += [{**each, "lanes": 8, "seconds_median": 1e-9} for each in rows if each["mode"] == "forward"]
    table = crossover(frame(rows), 0.0)
    assert len(table) == 1
    assert table["crossover"].iloc[0] == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("speedups", "expected"),
    [
        ([0.5, 2.0, 2.0], np.sqrt(10.0)),
        ([0.5, 2.0, 0.5], np.inf),
        ([2.0, 0.5, 2.0], 10.0 * np.sqrt(10.0)),
        ([2.0, 2.0, 2.0], -np.inf),
        ([0.5, 1.0, 1.0], 10.0),
        ([0.5, np.nan, 2.0], np.nan),
    ],
)
def test_the_last_crossing_counts(speedups, expected):
    found = last_crossing(np.array([1.0, 10.0, 100.0]), np.log(speedups)[:, np.newaxis])
    np.testing.assert_allclose(found, [expected])


def test_what_varies_gives_the_letter():
    """A function with several outputs that grows by its inputs is told of in N."""
    table = frame(family(SIZES, lambda n: 20.0 * n, lambda n: 7.0))
    table["n_outputs"] = 3
    assert "from N = 1 to N = 100" in crossover(table, 0.01)["note"].iloc[0]


def test_a_piece_that_is_nearly_flat_below_the_level_does_not_overflow():
    log_speedup = np.array([[0.5], [-3.0], [-3.0 + 1e-12]])
    assert last_crossing(np.array([1.0, 10.0, 100.0]), log_speedup) == np.inf


def grid(counts, speedup, blocks=5):
    rows = []
    for block in range(1, blocks + 1):
        for n in counts:
            for m in counts:
                shape = {"graph": "map", "n_outputs": m}
                rows += [row(block, n, speedup(n, m), "forward", **shape), row(block, n, 1.0, "reverse", **shape)]
    return rows


def test_the_map_says_who_wins_and_where_the_border_runs():
    table = map_border(frame(grid([1, 4, 16], lambda n, m: 0.5 * n / m)), 0.05)
    place = table.set_index(["n_inputs", "n_outputs"])
    np.testing.assert_allclose(place["speedup"], [0.5 * n / m for n, m in place.index])
    assert place["winner"].loc[[(4, 1), (16, 4), (1, 1), (4, 16)]].tolist() == [
        "reverse",
        "reverse",
        "forward",
        "forward",
    ]
    # The border is N = 2 M; for M = 16 it lies beyond the grid.
    np.testing.assert_allclose(place["border"].loc[1], [2.0, 8.0, np.nan])
    np.testing.assert_allclose(place["border_theory"].loc[1], [1.0, 4.0, 16.0])


def test_the_map_knows_the_noise_floor():
    rows = grid([1, 4], lambda n, m: 1.03 * n / m)
    assert map_border(frame(rows), 0.05)["winner"].tolist() == ["no difference", "forward", "reverse", "no difference"]
    assert map_border(frame(rows), 0.01)["winner"].tolist() == ["reverse", "forward", "reverse", "reverse"]


def test_nothing_measured():
    assert crossover(frame([]), 0.0).empty
    assert map_border(frame([]), 0.0).empty
    assert crossover(frame(family(SIZES, lambda n: n, lambda n: 7.0, graph="map")), 0.0).empty
