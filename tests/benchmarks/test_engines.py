"""Every engine on every family: checked by the gate, and its counts by theory; and engines of all kinds being found."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import sys
from types import ModuleType

import numpy as np
import pytest

from benchmarks import engines
from benchmarks.cells import Cell, evaluation, sweeps, work
from benchmarks.engines.base import Engine, cotangent, listed, tangent
from benchmarks.functions import catalogue
from benchmarks.measuring.gate import Gate
from benchmarks.measuring.prepared import bind, prepare, refusal
from benchmarks.options import OptionError, Selection
from benchmarks.plan import plan
from benchmarks.runs.environment import describe, project_version

NAMES = list(engines.engines())


def test_the_version_of_the_projects_own_engines_says_the_commit():
    commit = describe()["commit"]
    for name in ("ad", "ad-compiled"):
        version = engines.engine(name).version()
        assert version.startswith(project_version())
        assert commit is None or f"+g{commit[:12]}" in version


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_passes_the_gate_on_every_family_and_counts_right(name):
    engine = engines.engine(name)
    families = tuple(family.name for family in catalogue.SYNTHETIC)
    cells = plan(Selection(engines=(name,), families=families, sizes=(1, 2, 5)))
    if reason := refusal(cells[0], engine):
        pytest.skip(reason)
    assert engine.version()
    gate = Gate()
    for cell in (cell for cell in cells if evaluation(cell.problem) <= engine.reach.single_ops):
        try:
            prepared = prepare(cell, bind(cell, engine))
            assert gate.check(cell, prepared.run(), engine.tolerance) <= engine.tolerance
        except NotImplementedError:  # the engine lacks an op, and says so
            assert name == "autograd"
            assert cell.graph == "tree"
            continue
        assert prepared.note
        assert prepared.seconds >= 0.0
        counts = prepared.count()
        assert counts.sweeps == sweeps(cell), cell
        if name == "ad" and cell.mode != "primal":
            assert counts.ops == work(cell), cell
        assert gate.check(cell, prepared.run(), engine.tolerance) <= engine.tolerance  # a second run gives the same


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


@pytest.mark.parametrize("name", ["xad", "casadi", "autograd"])
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
