"""The experiments: what the million records was counted; costs are fitted so that they choose right."""

import numpy as np
import pandas as pd
import pytest

from ad.choice import Costs
from benchmarks.experiments import million, mode_choice
from benchmarks.runs.files import RecordError, lock_run


class Idle:
    """A program that executes nothing."""

    def forward_block(self, x, start, stop, lanes, threads):
        return np.ones(stop - start)


def test_sweeps_and_ops_are_those_that_were_counted(tmp_path):
    plan = million.Plan("chain", 5, lanes=2, threads=1, folder=tmp_path)
    state = million.forward_gradient(Idle(), np.ones(5), plan, lambda *_: None)
    assert (state.done, state.sweeps, state.ops) == (5, 0, 0)
    assert state.gradient.tolist() == [1.0] * 5


@pytest.mark.parametrize(("lanes", "true"), [(1.0, Costs(0.0, 1.0, 2.0, 0.25)), (1e12, Costs(1.0, 0.125, 0.5, 0.5))])
def test_fitted_costs_choose_as_the_true_ones(lanes, true):
    """Times that follow known costs, with noise; one function lies, and is left out."""
    rng, rows = np.random.default_rng(0), []
    for graph in ("honest", "liar"):
        for n in (1, 2, 3, 4, 8, 16, 64):
            for m in (1, 2, 4, 16, 64):
                ratio = (true.start + true.column * n) / (true.record + true.row * m)
                log_ratio = np.log(ratio) + rng.normal(0.0, 0.03)
                rows.append((graph, n, m, -log_ratio if graph == "liar" else log_ratio))
    table = pd.DataFrame(rows, columns=["graph", "n_inputs", "n_outputs", "log_ratio"])
    table = table.assign(ops=mode_choice.MANY_OPS, lanes=lanes)
    found = mode_choice.fitted(table, without="liar")
    honest = table[table["graph"] != "liar"]
    assert np.exp(mode_choice.lost(honest, found).max()) < 1.1
    assert np.exp(mode_choice.lost(honest, mode_choice.fitted(table, without="honest")).mean()) > 1.2


def half_done(folder):
    plan = million.Plan("chain", 5, lanes=2, threads=1, folder=folder)
    million.save(plan, million.State(np.ones(5), done=2, sweeps=2, ops=8, made_by=million.made_by()))
    return plan


def test_a_saved_state_is_taken_up_where_it_was_made(tmp_path):
    state = million.load(half_done(tmp_path))
    assert (state.done, state.sweeps, state.ops) == (2, 2, 8)


def test_a_saved_state_of_other_code_is_not_taken_up(tmp_path, monkeypatch):
    plan = half_done(tmp_path)
    monkeypatch.setattr(million.environment, "build", lambda: "another commit")
    assert million.load(plan).done == 0


@pytest.mark.parametrize("kept", [0, 10, 200, -30])
def test_a_saved_state_that_is_cut_short_is_begun_again(tmp_path, kept):
    plan = half_done(tmp_path)
    plan.state.write_bytes(plan.state.read_bytes()[:kept])
    state = million.load(plan)
    assert state.done == 0
    assert not state.gradient.any()


@pytest.mark.parametrize(
    ("lanes", "threads", "message"),
    [(8, 1, "--lanes: got 8, expected at most 5"), (2, 10_000, "--threads: got 10000, expected at most ")],
)
def test_lanes_and_threads_that_would_not_be_used_are_refused(tmp_path, lanes, threads, message):
    with pytest.raises(ValueError, match=message):
        million.run(million.Plan("chain", 5, lanes, threads, tmp_path), lambda *_: None)


def test_two_processes_do_not_work_on_the_same_folder(tmp_path):
    release = lock_run(tmp_path)
    with pytest.raises(RecordError, match="is being written by another process"):
        million.run(million.Plan("chain", 5, 2, 1, tmp_path), lambda *_: None)
    release()
