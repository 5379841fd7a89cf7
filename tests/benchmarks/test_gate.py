"""The gate, tested by breaking an engine in every way that matters and seeing it caught."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from harness import measured_in, records_of

import ad
from benchmarks.cells import Cell
from benchmarks.engines import engine
from benchmarks.engines.base import cotangent, tangent
from benchmarks.functions import catalogue
from benchmarks.functions.problem import Family, Problem
from benchmarks.measuring import gate
from benchmarks.measuring.gate import Gate
from benchmarks.measuring.guard import WrongError
from benchmarks.measuring.prepared import bind, prepare
from benchmarks.options import Settings

FORWARD = Cell("chain", 8, "ad", "forward", "gradient")
REVERSE = Cell("chain", 8, "ad", "reverse", "gradient")
JVP = Cell("chain", 8, "ad", "forward", "jvp")
TREE = Cell("tree", 8, "ad", "forward", "jvp")  # whose partials have one sign, so that nothing cancels
LEAF = Cell("tree", 8, "ad", "reverse", "gradient")
PULL = Cell("broadcast", 8, "ad", "reverse", "vjp")
PUSH = Cell("broadcast", 8, "ad", "forward", "gradient")


pytestmark = pytest.mark.usefixtures("small_heap")


def result(cell: Cell):
    return prepare(cell, bind(cell, engine(cell.engine))).run()


def scaled(r):
    return [v * (1.0 + 1e-9) for v in r]


def one_entry(r):
    return [*r[:3], r[3] * (1.0 + 1e-8), *r[4:]]


BREAKAGES = {
    "a relative error of 1e-9": scaled,
    "one entry": one_entry,
    "the sign": lambda r: [-v for v in r],
    "two entries swapped": lambda r: [r[1], r[0], *r[2:]],
    "a NaN": lambda r: [math.nan, *r[1:]],
    "an infinity": lambda r: [math.inf, *r[1:]],
    "all zero": lambda r: [0.0] * len(r),
    "one too few": lambda r: r[:-1],
    "one too many": lambda r: [*r, 0.0],
    "no numbers": lambda r: ["?"] * len(r),
    "texts of the numbers": lambda r: [str(v) for v in r],
    "complex numbers": lambda r: np.asarray(r) + 1j,
    "nothing": lambda r: None,
}


@pytest.mark.parametrize("cell", [FORWARD, REVERSE, JVP, PULL, PUSH], ids=str)
def test_right_results_pass(cell):
    assert Gate().check(cell, result(cell)) < 1e-13


@pytest.mark.parametrize("cell", [FORWARD, REVERSE], ids=str)
@pytest.mark.parametrize("breakage", BREAKAGES)
def test_every_breakage_is_caught(cell, breakage):
    with pytest.raises(WrongError):
        Gate().check(cell, BREAKAGES[breakage](result(cell)))


@pytest.mark.parametrize("cell", [JVP, PULL], ids=str)
@pytest.mark.parametrize("change", [lambda v: v * (1 + 1e-9), lambda v: 0.0 * v, lambda v: v + math.nan])
def test_products_are_checked_too(cell, change):
    with pytest.raises(WrongError):
        Gate().check(cell, change(np.asarray(result(cell))))


def test_the_error_is_reported():
    with pytest.raises(WrongError) as caught:
        Gate().check(REVERSE, scaled(result(REVERSE)))
    assert caught.value.max_error == pytest.approx(1e-9, rel=1e-3)
    assert "np." not in str(caught.value)  # plain numbers, for a CSV


def test_a_wrong_primal_is_caught():
    cell = Cell("chain", 8, "ad", "primal", "primal")
    assert Gate().check(cell, result(cell)) == 0.0
    with pytest.raises(WrongError):
        Gate().check(cell, result(cell) * (1 + 1e-9))


@pytest.mark.parametrize(
    ("first", "second"), [(FORWARD, REVERSE), (REVERSE, FORWARD), (TREE, LEAF), (LEAF, TREE), (PULL, PUSH)]
)
def test_forward_is_compared_with_reverse(first, second):
    """Each mode alone is within the tolerance of the reference; the two lie on either side of it."""
    both = Gate()
    both.check(first, np.asarray(result(first)) * (1 + 1e-9), 1.5e-9)
    with pytest.raises(WrongError, match="forward and reverse disagree"):
        both.check(second, np.asarray(result(second)) * (1 - 1e-9), 1.5e-9)


def test_modes_of_another_problem_are_not_compared():
    both = Gate()
    both.check(REVERSE, result(REVERSE))
    other = dataclasses.replace(FORWARD, size=4)
    both.check(other, result(other))


def test_an_identity_with_cancellation_is_judged_by_its_terms():
    cell = Cell("chain", 2**15, "ad", "reverse", "gradient")
    both = Gate()
    both.check(cell, result(cell))
    forward = dataclasses.replace(cell, mode="forward", quantity="jvp")
    assert both.check(forward, result(forward)) < 1e-11


def test_a_reference_that_is_zero_or_not_finite_shows_nothing():
    with pytest.raises(WrongError, match="zero"):
        gate.compare(np.zeros(3), np.zeros(3))
    with pytest.raises(WrongError, match="reference"):
        gate.compare(np.ones(2), np.array([1.0, math.nan]))


@pytest.mark.parametrize("wrong", [scaled, lambda r: [0.0] * len(r), lambda r: [math.nan] * len(r)])
def test_a_wrong_engine_gets_a_record_and_no_time(tmp_path, monkeypatch, wrong):
    """From a broken engine to the CSV: `wrong` records with the error, and nothing else."""
    right = ad.grad
    monkeypatch.setattr(ad, "grad", lambda f: lambda x: wrong(right(f)(x)))
    run = measured_in(tmp_path, [REVERSE, FORWARD], Settings(blocks=2))
    rows = records_of(run, tmp_path)
    broken = rows[rows["mode"] == "reverse"]
    assert list(broken["status"]) == ["wrong"]
    assert broken["seconds_min"].isna().all()
    assert broken["rounds"].isna().all()
    assert not broken["max_error"].iloc[0] <= 1e-10
    assert set(rows[rows["mode"] == "forward"]["status"]) == {"ok"}


def test_a_broken_op_is_caught_in_both_modes(tmp_path, monkeypatch):
    """An op whose partial is wrong breaks both modes alike; only the independent reference can tell."""
    right = ad.sin
    monkeypatch.setattr(ad, "sin", lambda x: right(x) + 1e-6 * x)
    rows = records_of(measured_in(tmp_path, [REVERSE, FORWARD], Settings(blocks=1)), tmp_path)
    assert list(rows["status"]) == ["wrong", "wrong"]


# ---------------------------------------------------------------------------------------------------------------------
# Sums with cancellation, and functions without a reference


@pytest.fixture
def mine():
    """A family of one's own, without a reference or a formula for its ops: f(a, b) = (a b, 1e6 (a - b))."""

    def at(n):
        return Problem("mine", n, lambda xp, x: [x[0] * x[1], 1e6 * (x[0] - x[1])], [0.7, 1.1], 2, 2)

    catalogue.add(Family("mine", at))
    yield lambda engine, mode, quantity: Cell("mine", 2, engine, mode, quantity)
    del catalogue.FAMILIES["mine"]
    catalogue.problem.cache_clear()


@pytest.mark.parametrize(("mode", "quantity", "shape"), [("forward", "jvp", (1, 2)), ("reverse", "vjp", (2, 1))])
def test_a_product_with_cancellation_is_judged_by_the_size_of_its_terms(mode, quantity, shape):
    """|J| |v|, not |J v|: the product is a small difference of large terms."""
    seed = tangent(2) if quantity == "jvp" else cotangent(2)
    terms = np.array([1e6, -1e6 * seed[0] / seed[1]])
    m, n = shape
    problem = Problem("cancelling", 2, lambda xp, x: [x[0]] * m, [1.0] * n, n, m, lambda: terms.reshape(shape))
    catalogue.add(Family("cancelling", lambda n: problem))
    cell = Cell("cancelling", 2, "ad", mode, quantity)
    try:
        assert abs(terms @ seed) < 1e-9
        assert Gate().check(cell, [1e-6]) == pytest.approx(1e-6 / (abs(terms) @ seed), rel=1e-3, abs=0.0)
        with pytest.raises(WrongError):
            Gate().check(cell, [1e-3])
    finally:
        del catalogue.FAMILIES["cancelling"]
        catalogue.problem.cache_clear()


@pytest.mark.parametrize("quantity", ["jvp", "gradient"])
def test_without_a_reference_a_difference_of_values_is_the_first_check(mine, quantity):
    cell = mine("ad", "forward", quantity)
    right = np.asarray(result(cell))
    assert Gate().check(cell, right) < 1e-8
    for wrong in (right * 1.001, right[:1], right * math.nan, np.zeros_like(right)):
        with pytest.raises(WrongError):
            Gate().check(cell, wrong)


def test_without_a_reference_modes_and_engines_are_compared_with_one_another(mine):
    forward, reverse = mine("ad", "forward", "gradient"), mine("ad", "reverse", "gradient")
    both = Gate()
    right = np.asarray(result(forward))
    both.check(forward, right)
    assert both.check(reverse, result(reverse)) < 1e-15
    with pytest.raises(WrongError, match="forward and reverse disagree"):
        both.check(reverse, right * (1 + 1e-8))
    with pytest.raises(WrongError, match=r"casadi and ad in (forward|reverse) mode disagree"):
        both.check(mine("casadi", "reverse", "gradient"), right * (1 + 1e-8))
    other = mine("finite-differences", "forward", "gradient")
    assert 0.0 < both.check(other, right * (1 + 1e-8), 1e-5) < 1e-7  # it claims fewer digits
    turned = Gate()
    turned.check(other, right * (1 + 1e-8), 1e-5)
    assert 0.0 < turned.check(forward, right) < 1e-7  # nor does it ask for more where it comes first


def test_a_function_of_ones_own_is_measured_like_any_other(mine, tmp_path):
    from benchmarks.options import Selection
    from benchmarks.plan import plan

    cells = plan(Selection(families=("mine",), engines=("ad", "finite-differences"), sizes=(2,)))
    records = records_of(measured_in(tmp_path, cells, Settings(blocks=1)), tmp_path)
    refused = records["status"] == "unsupported"
    assert set(records[refused]["note"]) == {"finite-differences has no reverse mode"}
    assert set(records[~refused]["status"]) == {"ok"}
    assert records["n_ops"].isna().all()
    assert set(records["engine"]) == {"ad", "finite-differences"}
