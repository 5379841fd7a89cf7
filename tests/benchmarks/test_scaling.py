"""The exponents, on curves whose exponent is known: with constants, with overhead, with noise."""

import numpy as np
import pytest
from synthetic import family, frame, row

from benchmarks.findings.scaling import fit, scaling
from benchmarks.runs.columns import ScalingRecord, kinds

SIZES = [1, 3, 10, 30, 100, 300, 1000]
LONG = [1, 10, 100, 1000, 10_000, 100_000]


def curve(cost, sizes=SIZES, noise=0.02, floor=0.02, mode="reverse", **options):
    """The row of scaling.csv for a gradient that costs `cost(n)` primals."""
    table = scaling(frame(family(sizes, cost, cost, noise=noise, **options)), floor)
    return table[table["mode"] == mode].iloc[0]


def test_scaling_has_the_declared_columns_and_integers():
    table = scaling(frame(family(SIZES, lambda n: 3.0 * n, lambda n: 6.0)), 0.01)
    assert list(table.columns) == list(kinds(ScalingRecord))
    assert table[["points", "n_min", "n_max"]].to_numpy().tolist() == [[7, 1, 1000], [7, 1, 1000]]
    assert table["points"].dtype == table["n_min"].dtype == table["n_max"].dtype == np.int64


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("sizes", [SIZES, LONG], ids=["to 1,000", "to 100,000"])
@pytest.mark.parametrize(
    ("cost", "exponent"),
    [
        pytest.param(lambda n: 5.0, 0.0, id="a constant"),
        pytest.param(lambda n: n**0.5, 0.5, id="n**0.5"),
        pytest.param(lambda n: 2.0 * n, 1.0, id="n"),
        pytest.param(lambda n: n**2.0, 2.0, id="n**2"),
        pytest.param(lambda n: 3.0 + n**0.5, 0.5, id="n**0.5 and a constant"),
        pytest.param(lambda n: 10.0 + n, 1.0, id="n and a constant"),
        pytest.param(lambda n: 50.0 + 0.1 * n**2, 2.0, id="n**2 and a constant"),
        pytest.param(lambda n: 5.0 + 25.0 / n, 0.0, id="flat with overhead in the gradient"),
        pytest.param(lambda n: 5.0 / (1.0 + 10.0 / n), 0.0, id="flat with overhead in the primal"),
        pytest.param(lambda n: 2.0 * n / (1.0 + 10.0 / n), 1.0, id="n with overhead in the primal"),
    ],
)
def test_exponent_is_not_fooled_by_a_constant(cost, exponent, sizes, noise):
    found = curve(cost, sizes, noise)
    assert found["exponent"] == pytest.approx(exponent, abs=0.02 + 2.0 * noise)
    assert found["exponent_low"] - 0.01 <= exponent <= found["exponent_high"] + 0.01
    assert found["exponent_high"] - found["exponent_low"] < 0.05 + 4.0 * noise


def test_a_straight_line_would_have_been_fooled():
    n = np.array(SIZES, dtype=float)
    straight = np.polyfit(np.log(n), np.log(10.0 + n), 1)[0]
    assert straight < 0.75
    assert fit(n, np.log(10.0 + n)[np.newaxis]).exponent[0] == pytest.approx(1.0, abs=0.01)


def test_a_wiggle_is_no_evidence_of_overhead():
    n = np.array(SIZES, dtype=float)
    log_ratio = np.log(n) + 0.004 * np.array([1, -1, 0, 1, -1, 0, 1])
    assert fit(n, log_ratio[np.newaxis]).exponent[0] == pytest.approx(np.polyfit(np.log(n), log_ratio, 1)[0], abs=1e-12)


def test_interval_covers_the_exponent():
    covered = 0
    for seed in range(40):
        found = curve(lambda n: 10.0 + n, noise=0.05, seed=seed)
        covered += found["exponent_low"] <= 1.0 <= found["exponent_high"]
    assert covered >= 36


def test_theory_and_agreement():
    timings = frame(family(SIZES, lambda n: 3.0 * n + 4.0, lambda n: 6.0 + 9.0 / n, noise=0.02))
    table = scaling(timings, 0.02).set_index("mode")
    assert table["theory"].to_dict() == {"forward": 1.0, "reverse": 0.0}
    assert table["verdict"].to_dict() == {"forward": "agrees", "reverse": "agrees"}


def test_theory_is_the_other_way_round_where_a_family_grows_by_its_outputs():
    rows = family(SIZES, lambda n: 3.0, lambda n: 6.0 * n, noise=0.02, graph="broadcast", transposed=True)
    table = scaling(frame(rows), 0.02).set_index("mode")
    assert table["theory"].to_dict() == {"forward": 0.0, "reverse": 1.0}
    assert table["verdict"].to_dict() == {"forward": "agrees", "reverse": "agrees"}
    assert table["n_max"].to_dict() == {"forward": 1000, "reverse": 1000}


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_growth_that_theory_does_not_allow_disagrees(exponent):
    assert curve(lambda n: 5.0 * n**exponent)["verdict"] == "disagrees"


def test_a_slow_rise_of_the_memory_system_agrees_with_theory():
    assert curve(lambda n: 5.0 if n < 300 else 6.0)["verdict"] == "agrees"


def test_a_constant_that_outlasts_the_sizes_is_inconclusive():
    found = curve(lambda n: 1000.0 + n, mode="forward")
    assert found["theory"] == 1.0
    assert found["exponent"] < 0.5
    assert found["verdict"] == "inconclusive"


def test_a_curve_that_bends_away_at_its_end_is_inconclusive():
    found = curve(lambda n: 5.0 if n < 100_000 else 11.0, LONG)
    assert abs(found["exponent"]) < 0.1
    assert found["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("sizes", "options"),
    [([100], {}), ([100, 1000], {}), ([1, 10, 100], {}), ([4, 6, 8, 10], {}), (SIZES, {"blocks": 1})],
    ids=["one size", "two sizes", "three sizes", "less than a decade", "one block"],
)
def test_too_little_is_inconclusive(sizes, options):
    found = curve(lambda n: 5.0, sizes, **options)
    assert found["verdict"] == "inconclusive"
    assert found["points"] == len(sizes)


@pytest.mark.parametrize("seed", range(6))
def test_noise_too_large_is_inconclusive(seed):
    found = curve(lambda n: 5.0, [1, 3, 10, 30], noise=1.5, blocks=4, seed=seed)
    assert found["exponent_high"] - found["exponent_low"] > 1.0
    assert found["verdict"] == "inconclusive"


def test_the_noise_floor_widens_what_agrees():
    assert curve(lambda n: 5.0 * n**0.2, floor=0.02)["verdict"] == "disagrees"
    assert curve(lambda n: 5.0 * n**0.2, floor=1.0)["verdict"] == "agrees"


def test_each_curve_is_fitted_on_its_own():
    rows = family(SIZES, lambda n: 3.0 * n, lambda n: 6.0, graph="chain")
    rows += family(SIZES, lambda n: 3.0 * n, lambda n: 6.0 * n, graph="tree")
    rows += family(SIZES, lambda n: 3.0 * n, lambda n: 6.0 * n, graph="chain", engine="other")
    rows += [
        {**each, "lanes": 4} for each in family(SIZES, lambda n: n**0.5, lambda n: 0.0) if each["mode"] == "forward"
    ]
    rows += family([1, 2], lambda n: 3.0, lambda n: 6.0, graph="map")
    table = scaling(frame(rows), 0.01).set_index(["graph", "engine", "mode", "lanes"])["exponent"]
    assert {key: round(value, 2) for key, value in table.items()} == {
        ("chain", "ad", "forward", 1): 1.0,
        ("chain", "ad", "reverse", 1): 0.0,
        ("tree", "ad", "forward", 1): 1.0,
        ("tree", "ad", "reverse", 1): 1.0,
        ("chain", "other", "forward", 1): 1.0,
        ("chain", "other", "reverse", 1): 1.0,
        ("chain", "ad", "forward", 4): 0.5,
    }


def test_sizes_seen_once_are_left_out_where_others_were_repeated():
    rows = family(SIZES, lambda n: 3.0 * n, lambda n: 6.0)
    rows += family([10_000], lambda n: 3.0 * n, lambda n: 60.0, blocks=1)
    rows += [row(0, 100_000, mode=mode, status="over_budget") for mode in ("primal", "forward", "reverse")]
    reverse = scaling(frame(rows), 0.01).set_index("mode").loc["reverse"]
    assert (reverse["n_max"], reverse["points"], reverse["verdict"]) == (1000, 7, "agrees")


def test_nothing_measured():
    assert scaling(frame([]), 0.01).empty
    assert scaling(frame([row(0, 10, mode="forward", status="over_budget")]), 0.01).empty
