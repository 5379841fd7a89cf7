"""What may fail is run with a guard: limits, key presses, reasons, and what goes on after it was cut off."""

from __future__ import annotations

import numpy as np
import pytest
from harness import computing, fail, hang

import ad
from benchmarks.measuring.guard import HangingError, guarded, settle, time_limit


def test_a_time_limit_interrupts_code_that_catches_everything():
    def stubborn():
        caught = 0
        while caught < 2:
            try:
                hang()
            except HangingError:
                caught += 1
        return caught

    with time_limit(0.01):
        assert stubborn() == 2


def test_what_rings_in_a_callback_of_python_is_not_shown(capsys):
    class Cycle:
        def __del__(self):
            hang()

    with time_limit(0.01):
        Cycle()
    assert "Exception ignored" not in capsys.readouterr().err


def test_the_reason_that_numpy_hides_is_told():
    def assign(x):
        y = np.zeros(2)
        y[0] = x[0]
        return np.sum(y)

    failure = guarded(lambda: ad.grad(assign)(np.ones(2)), 10.0)
    assert failure.status == "error"
    assert failure.note.startswith("TypeError: float(): got an ArrayVar, whose derivative would be lost")
    assert "np.where for an assignment" in failure.note


def test_ctrl_c_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        guarded(fail(KeyboardInterrupt()), 1.0)


def test_what_never_ends_is_not_waited_for_beyond_the_limit():
    guarded(hang, 0.01)
    thread = computing(0.8)
    assert not settle(0.1)
    assert settle(60.0)
    assert not thread.is_alive()
