"""Every engine on every family: checked by the gate, and its counts by theory."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.cells import graph_of, plan, sweeps, work
from benchmarks.engines import ENGINES, cotangent, load, tangent
from benchmarks.measuring.gate import Gate
from benchmarks.options import Selection


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_passes_the_gate_on_every_family_and_counts_right(name):
    engine = load([name])[name]
    cells = plan(Selection(engines=(name,), sizes=(1, 2, 5)))
    if reason := engine.unsupported(cells[0]):
        pytest.skip(reason)
    assert engine.version()
    gate = Gate()
    for cell in cells:
        graph = graph_of(cell)
        prepared = engine.prepare(graph, graph.inputs(cell.n), cell)
        assert gate.check(cell, prepared.run()) <= 1e-10
        assert prepared.note
        counts = prepared.count()
        assert counts.sweeps == sweeps(cell), cell
        if counts.ops is not None and name == "ad":
            assert counts.ops == work(cell), cell
        assert gate.check(cell, prepared.run()) <= 1e-10  # a second run gives the same


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_says_what_it_cannot_do(name):
    engine = load([name])[name]
    cell = plan(Selection(families=("chain",), engines=(name,), sizes=(4,), modes=("reverse",)))[0]
    assert engine.unsupported(dataclasses.replace(cell, quantity="jvp"))
    assert engine.unsupported(dataclasses.replace(cell, lanes=4))


@pytest.mark.parametrize("name", ["xad", "casadi"])
def test_a_peer_that_is_not_installed_says_what_to_install(name, monkeypatch):
    engine = load([name])[name]
    cell = plan(Selection(families=("chain",), engines=(name,), sizes=(4,)))[0]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert engine.unsupported(cell) == f"needs the package {name}: pip install {name}"
    assert engine.version() == ""


def test_seeds_are_of_order_one_and_no_two_alike():
    for seed in (tangent(1000), cotangent(1000)):
        assert len(set(seed)) == 1000
        assert all(0.5 <= value <= 1.5 for value in seed)
