"""What a run says of how far it is, where there is no terminal."""

from __future__ import annotations

import io

import pytest

from benchmarks.measuring import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "left", "said"),
    [
        (20.0, 60.0, "Timing: 25%, about 1:00 min left, at a cell"),
        (30.0, 90.0, "Timing: 25%, about 1:30 min left, at a cell"),  # slower than thought: there is more left than was
        (50.0, 0.0, "Timing: 100%, about 0 s left, at a cell"),
    ],
)
def test_the_share_comes_from_the_time_that_was_spent_and_what_is_left(clock, seconds, left, said):
    file = io.StringIO()
    reporter = progress.Reporter(file)
    reporter.phase("Timing")
    clock[0] += seconds
    reporter.at(None, "a cell", left)
    assert file.getvalue().splitlines() == ["Timing ...", said]


def test_a_line_is_said_now_and_then(clock):
    file = io.StringIO()
    reporter = progress.Reporter(file)
    reporter.phase("Checking")
    for _ in range(25):
        clock[0] += 1.0
        reporter.at(0.5, "a cell")
    assert file.getvalue().splitlines() == ["Checking ...", *2 * ["Checking: 50%, at a cell"]]
