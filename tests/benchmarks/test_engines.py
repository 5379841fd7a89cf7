"""Every engine on every family: checked by the gate, and its counts by theory; and engines of all kinds being found."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import operator
import sys
import time
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
from harness import begin
from scipy.optimize._numdiff import approx_derivative

from benchmarks import engines
from benchmarks.cells import Cell, evaluation, sweeps, work
from benchmarks.engines.base import Engine, cotangent, listed, tangent
from benchmarks.functions import catalogue
from benchmarks.functions.problem import Problem
from benchmarks.measuring import preparing, visits
from benchmarks.measuring.gate import Gate
from benchmarks.measuring.guard import WrongError
from benchmarks.measuring.prepared import Bound, bind, prepare, refusal
from benchmarks.options import OptionError, Selection, Settings
from benchmarks.plan import plan
from benchmarks.runs.environment import describe, project_version

NAMES = list(engines.engines())
COMPILED = ("casadi", "casadi-mx", "jax", "jax-eager")
"""Engines that take so long for each problem that they are tried at one size."""
SHORT = ("least_squares", "logsumexp", "rosenbrock")
"""Workloads for which those take little time."""
LACKING = {"autograd": "JVP of hypot", "complex-step": "is not analytic"}
"""What engines say of what they lack."""


def test_the_version_of_the_projects_own_engines_says_the_commit():
    commit = describe()["commit"]
    for name in ("ad", "ad-compiled"):
        version = engines.engine(name).version()
        assert version.startswith(project_version())
        assert commit is None or f"+g{commit[:12]}" in version


@pytest.mark.parametrize("name", [name for name in NAMES if not engines.engine(name).optional])
def test_an_engine_passes_the_gate_on_every_family_and_counts_right(name):
    engine = engines.engine(name)
    if reason := engines.absence(engine):
        pytest.skip(reason)
    sizes = (3,) if name in COMPILED else (1, 2, 5)
    synthetic = plan(Selection(engines=(name,), families=tuple(one.name for one in catalogue.SYNTHETIC), sizes=sizes))
    smallest = {family.name: family.sizes[0] for family in catalogue.families(("workloads",))}
    workloads = [cell for cell in plan(Selection(engines=(name,))) if smallest.get(cell.graph) == cell.size]
    cells = [*synthetic, *(cell for cell in workloads if name not in COMPILED or cell.graph in SHORT)]
    assert engine.version()
    gate, bound, lacking = Gate(), {}, {}
    for cell in cells:
        if refusal(cell, engine) or evaluation(cell.problem) > engine.reach.single_ops:
            continue
        key = (cell.graph, cell.size)
        try:
            bound[key] = bound.get(key) or bind(cell, engine)
            prepared = prepare(cell, bound[key])
            assert gate.check(cell, prepared.run(), engine.tolerance) <= engine.tolerance
        except NotImplementedError as problem:  # the engine lacks an op, and says so
            lacking[cell.graph] = str(problem)
            continue
        assert prepared.note
        assert prepared.seconds >= 0.0
        counts = prepared.count()
        assert counts.sweeps == (sweeps(cell) if name != "by-hand" else None), cell
        if name == "ad" and cell.mode != "primal" and cell.problem.ops is not None:
            assert counts.ops == work(cell), cell
        assert gate.check(cell, prepared.run(), engine.tolerance) <= engine.tolerance  # a second run gives the same
    assert all(name in LACKING and LACKING[name] in said for said in lacking.values()), lacking


class Slow(Engine):
    """An engine that takes long to prepare, and whose answers come from the reference."""

    name = "slow"
    lanes = 4
    lane_modes = ("forward", "reverse")
    modes = ("forward", "reverse")
    prepared: ClassVar[list] = []

    def prepare(self, mode, lanes=1):
        self.prepared.append((mode, lanes))

    def pushes(self, tangents):
        return np.asarray(tangents) @ self.problem.reference().T

    def pulls(self, cotangents):
        return np.asarray(cotangents) @ self.problem.reference()


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_many_lanes_go_through_the_passes_an_engine_gives(mode):
    cell = Cell("map", (6, 6), "slow", mode, "gradient", 4)
    bound = bind(cell, Slow)
    assert refusal(cell, Slow) is None
    one, two = prepare(cell, bound), prepare(cell, bound)
    assert Slow.prepared[-1] == (mode, 4)
    assert Slow.prepared.count((mode, 4)) == 1  # what is prepared once is in the record of all that need it
    assert one.seconds == two.seconds > 0.0
    assert Gate().check(cell, one.run()) == 0.0
    assert one.count().sweeps == 6
    assert "4 cotangents a pass" in one.note or mode == "forward"


@pytest.mark.parametrize("family", ["chain", "tree", "product", "hub"])
def test_a_gradient_by_hand_is_held_against_differences_of_the_function(family):
    pytest.importorskip("numba")
    cell = Cell(family, 7, "by-hand", "reverse", "gradient")
    engine = bind(cell, engines.engine("by-hand")).engine
    gradient = engine.jacobian("reverse")
    np.testing.assert_allclose(gradient, engine.problem.reference(), rtol=1e-13)
    assert Gate().check(cell, gradient, independent=False) < 1e-7
    with pytest.raises(WrongError):
        Gate().check(cell, gradient * 1.001, independent=False)


def opened(folder, engine, cells):
    return begin(folder, cells, Settings(), engines={engine.name: engine})


def test_compiling_is_predicted_so_that_it_cannot_eat_a_run(tmp_path):
    cells = [Cell("chain", size, "slow", "reverse", "gradient") for size in (4, 16, 64)]
    run = opened(tmp_path, Slow, cells)
    assert preparing.predicted(run, cells[0]) == 0.0
    for cell, seconds in zip(cells[:2], (0.5, 4.0), strict=True):
        run.bound[cell.graph, cell.size, cell.engine] = Bound(None, 0.0, {("reverse", 1): seconds})
    assert preparing.predicted(run, cells[1]) == 0.0  # it is done
    assert preparing.predicted(run, cells[2]) == pytest.approx(
        32.0
    )  # from 0.5 and 4 s: eight times at four times the size
    assert preparing.predicted(run, dataclasses.replace(cells[1], mode="forward")) == pytest.approx(16.0)
    assert "slow may prepare for" in preparing.refusal(run, cells[2])  # of the 60 s of this run
    run.bound["chain", 16, "slow"].prepared["reverse", 1] = 40.0
    record = visits.admit(run, cells[2])
    assert record.status == "over_budget"
    assert record.note == "preparing would take about 42.7 minutes, and a cell may take 60 s"


class Stuck(Slow):
    """An engine that does not end preparing."""

    name = "stuck"

    def prepare(self, mode, lanes=1):
        time.sleep(60.0)


def test_preparing_beyond_the_limit_is_over_budget(tmp_path):
    cell = Cell("chain", 4, "stuck", "reverse", "gradient")
    run = begin(tmp_path, [cell], Settings(time_limit=0.1), engines={"stuck": Stuck})
    record = visits.admit(run, cell)
    assert (record.status, record.note) == ("over_budget", "preparing: still running after 0.1 s")


def test_all_engines_are_those_that_are_installed_and_not_only_for_those_who_ask(monkeypatch):
    torch = engines.engine("torch-compile")
    assert torch.optional
    names = [engine.name for engine in engines.chosen(("all",))]
    assert {"ad", "finite-differences"} <= set(names) <= set(NAMES) - {"torch-compile"}
    assert all(engines.absence(engines.engine(name)) is None for name in names)
    monkeypatch.setattr(engines.engine("ad"), "missing", classmethod(lambda _: "broken"))
    assert "ad" not in [engine.name for engine in engines.chosen(("all",))]
    assert [engine.name for engine in engines.chosen(("xad", "ad"))] == ["ad", "xad"]


@pytest.mark.parametrize(("name", "function"), [("complex-step", "absolute"), ("complex-step", "maximum")])
def test_a_complex_step_refuses_what_is_not_analytic(name, function):
    problem = Problem("kink", 2, lambda xp, x: xp.sum(getattr(xp, function)(x, x[::-1])), np.array([1.0, 2.0]), 2, 1)
    engine = engines.engine(name)(problem)
    with pytest.raises(NotImplementedError, match=f"complex step: {function} is not analytic"):
        engine.push(engine.seed([1.0, 0.0]))


@pytest.mark.parametrize(("name", "method"), [("finite-differences", "3-point"), ("forward-differences", "2-point")])
def test_differences_take_the_steps_of_scipy(name, method):
    points = []
    x = np.array([-3.0, 0.0, 0.25, 400.0])

    def f(xp, x):
        points.append(np.array(x))
        return xp.sum(x * x)

    engine = engines.engine(name)(Problem("squares", 4, f, x, 4, 1))
    got = engine.jacobian("forward")
    mine = {tuple(point) for point in points}
    points.clear()
    expected = approx_derivative(lambda x: f(np, x), x, method=method)
    assert mine - {tuple(x)} == {tuple(point) for point in points} - {tuple(x)}
    np.testing.assert_allclose(got[0], expected, rtol=1e-8)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_casadi_keeps_both_branches_in_the_graph(compare):
    pytest.importorskip("casadi")

    def f(xp, x):
        return xp.sum(xp.where(compare(x, 0.5), xp.where(x[::-1] > x, x * x, 3.0 * x), xp.sin(x)))

    x = np.array([-1.0, 0.25, 0.75, 2.0])
    engine = bind(Cell("logsumexp", 8, "casadi", "reverse", "gradient"), engines.engine("casadi")).engine
    engine = type(engine)(Problem("branches", 4, f, x, 4, 1))
    for mode in ("primal", "forward", "reverse"):
        engine.prepare(mode)
    assert engine.value() == pytest.approx(f(np, x))
    expected = np.where(compare(x, 0.5), np.where(x[::-1] > x, 2.0 * x, 3.0), np.cos(x))
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(np.ravel(engine.jacobian(mode)), expected, rtol=1e-14)


@pytest.mark.parametrize("name", ["finite-differences", "forward-differences"])
def test_differences_stay_within_their_tolerance_where_many_inputs_move_together(name):
    """The product of so many inputs curves so much along a tangent of all of them that a step for one is too long."""
    cell, engine = Cell("product", 2**16, name, "forward", "jvp"), engines.engine(name)
    assert Gate().check(cell, prepare(cell, bind(cell, engine)).run(), engine.tolerance) < engine.tolerance / 4
    hand = dataclasses.replace(cell, engine="by-hand", mode="reverse", quantity="gradient")
    assert Gate().check(hand, cell.problem.reference(), independent=False) < 1e-6  # the gate's own difference


@pytest.mark.parametrize("name", NAMES)
def test_what_an_engine_cannot_do_is_refused(name):
    engine = engines.engine(name)
    cell = plan(Selection(families=("chain",), engines=(name,), sizes=(4,), modes=("forward",)))[0]
    assert refusal(dataclasses.replace(cell, quantity="vjp"), engine)
    assert refusal(dataclasses.replace(cell, quantity="jvp", lanes=4), engine)
    if "reverse" not in engine.modes:
        assert (
            refusal(dataclasses.replace(cell, mode="reverse", quantity="gradient"), engine)
            == f"{name} has no reverse mode"
        )


@pytest.mark.parametrize("name", ["xad", "casadi", "autograd", "jax"])
def test_a_peer_that_is_not_installed_says_what_to_install(name, monkeypatch):
    def missing(package):
        raise importlib.metadata.PackageNotFoundError(package)

    engine = engines.engine(name)
    cell = plan(Selection(families=("chain",), engines=(name,), sizes=(4,)))[0]
    monkeypatch.setattr("importlib.metadata.version", missing)
    assert refusal(cell, engine) == f"needs the package {name}: pip install {name}"
    assert engine.version() == ""


def test_seeds_are_of_order_one_and_no_two_alike():
    for seed in (tangent(1000), cotangent(1000)):
        assert len(set(seed)) == 1000
        assert all(0.5 <= value <= 1.5 for value in seed)


class Foreign(Engine):
    """An engine of another package, with one reverse sweep of its own: the closed form."""

    name = "foreign"
    modes = ("reverse",)

    def pull(self, cotangent):
        return np.asarray(cotangent) @ self.problem.reference()


@pytest.fixture
def fresh():
    engines.engines.cache_clear()
    yield
    engines.engines.cache_clear()


def test_an_engine_of_another_package_is_found_through_its_entry_point(monkeypatch, fresh):
    points = [
        importlib.metadata.EntryPoint("foreign", f"{__name__}:Foreign", engines.ENTRY_POINTS),
        importlib.metadata.EntryPoint("broken", "no_such_module", engines.ENTRY_POINTS),
    ]
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or ModuleType(__name__))
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    (cell,) = plan(Selection(families=("chain",), engines=("foreign",), sizes=(4,), modes=("reverse",)))
    prepared = prepare(cell, bind(cell, engines.engine("foreign")))
    assert Gate().check(cell, prepared.run()) == 0.0
    assert prepared.count().sweeps == 1
    assert prepared.note == "one reverse sweep per output"
    broken = Cell("chain", 4, "broken", "reverse", "gradient")
    assert "no_such_module" in refusal(broken, engines.engine("broken"))


def test_engines_of_the_default_plan_come_first():
    assert NAMES[:2] == ["ad", "ad-compiled"]
    assert NAMES[2:] == sorted(NAMES[2:])
    with pytest.raises(OptionError, match="--engine: unknown 'nothing'; there are ad, ad-compiled"):
        plan(Selection(engines=("nothing",)))


def test_one_output_and_many_are_both_a_list():
    assert (listed(1.0), listed([1.0, 2.0])) == ([1.0], [1.0, 2.0])
