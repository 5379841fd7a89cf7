"""The gate, tested by breaking an engine in every way that matters and seeing it caught."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from harness import campaign_in, rows_of

import ad
from benchmarks.cells import Cell, graph_of
from benchmarks.engines import load
from benchmarks.measuring import gate
from benchmarks.measuring.gate import Gate, WrongError
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
    graph = graph_of(cell)
    return load(["ad"])["ad"].prepare(graph, graph.inputs(cell.n), cell).run()


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


def test_a_wrong_primal_is_caught():
    cell = Cell("chain", 8, "ad", "primal", "primal")
    assert Gate().check(cell, result(cell)) == 0.0
    with pytest.raises(WrongError):
        Gate().check(cell, result(cell) * (1 + 1e-9))


@pytest.mark.parametrize(
    ("first", "second"), [(FORWARD, REVERSE), (REVERSE, FORWARD), (TREE, LEAF), (LEAF, TREE), (PULL, PUSH)]
)
def test_forward_is_compared_with_reverse(monkeypatch, first, second):
    """Each mode alone is within the tolerance of the reference; the two lie on either side of it."""
    monkeypatch.setattr(gate, "TOLERANCE", 1.5e-9)
    both = Gate()
    both.check(first, np.asarray(result(first)) * (1 + 1e-9))
    with pytest.raises(WrongError, match="forward and reverse disagree"):
        both.check(second, np.asarray(result(second)) * (1 - 1e-9))


def test_modes_of_another_problem_are_not_compared():
    both = Gate()
    both.check(REVERSE, result(REVERSE))
    other = dataclasses.replace(FORWARD, n=4)
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
def test_a_wrong_engine_gets_a_row_and_no_time(tmp_path, monkeypatch, wrong):
    """From a broken engine to the CSV: `wrong` rows with the error, and nothing else."""
    right = ad.grad
    monkeypatch.setattr(ad, "grad", lambda f: lambda x: wrong(right(f)(x)))
    campaign = campaign_in(tmp_path, [REVERSE, FORWARD], Settings(blocks=2))
    rows = rows_of(campaign, tmp_path)
    broken = rows[rows["mode"] == "reverse"]
    assert list(broken["status"]) == ["wrong"]
    assert broken["seconds_min"].isna().all()
    assert broken["rounds"].isna().all()
    assert not broken["max_error"].iloc[0] <= 1e-10
    assert set(rows[rows["mode"] == "forward"]["status"]) == {"ok"}
    assert [row.status for row in campaign.failures] == ["wrong"]


def test_a_broken_op_is_caught_in_both_modes(tmp_path, monkeypatch):
    """An op whose partial is wrong breaks both modes alike; only the independent reference can tell."""
    right = ad.sin
    monkeypatch.setattr(ad, "sin", lambda x: right(x) + 1e-6 * x)
    rows = rows_of(campaign_in(tmp_path, [REVERSE, FORWARD], Settings(blocks=1)), tmp_path)
    assert list(rows["status"]) == ["wrong", "wrong"]
