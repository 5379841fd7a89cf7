"""The experiments: what the million records was counted; costs are fitted so that they choose right."""

import numpy as np
import pandas as pd
import pytest

from ad.choice import Costs
from benchmarks.experiments import million, mode_choice


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
