"""What `pytest --benchmark` collects: one item for each visit of a cell, timed by pytest-benchmark's fixture."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import pytest_plugin
from benchmarks.cells import Visit
from benchmarks.measuring import visits


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every visit of the run, in the order of its blocks."""
    all_visits = metafunc.config.stash[pytest_plugin.ASKED].visits
    metafunc.parametrize("visit", all_visits, ids=map(str, all_visits))


def test_cell(visit: Visit, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """Time one cell in one block; whatever happens becomes a record."""
    run = request.config.stash[pytest_plugin.RUN]
    pytest_plugin.describe(benchmark, run, visit)
    with pytest_plugin.writing(run), request.config.stash[pytest_plugin.INTERRUPTIONS].at_once():
        record = visits.visit(run, visit, pytest_plugin.stopwatch(benchmark, request.config))
    if record is None and benchmark.enabled:
        pytest.skip("given up in an earlier block")
    if record is not None and record.status in ("wrong", "error"):
        pytest.fail(f"{record.status}: {record.note}", pytrace=False)
    if record is not None and record.status != "ok":
        pytest.skip(f"{record.status}: {record.note}")
