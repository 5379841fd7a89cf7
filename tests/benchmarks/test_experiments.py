"""The experiments: what the million records was counted, not computed."""

import numpy as np

from benchmarks.experiments import million


class Idle:
    """A program that executes nothing."""

    def forward_block(self, x, start, stop, lanes, threads):
        return np.ones(stop - start)


def test_sweeps_and_ops_are_those_that_were_counted(tmp_path):
    plan = million.Plan("chain", 5, lanes=2, threads=1, folder=tmp_path)
    state = million.forward_gradient(Idle(), np.ones(5), plan, lambda *_: None)
    assert (state.done, state.sweeps, state.ops) == (5, 0, 0)
    assert state.gradient.tolist() == [1.0] * 5
