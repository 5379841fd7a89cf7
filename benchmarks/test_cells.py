"""What `pytest --benchmark` collects: one item for each visit of a cell, timed by pytest-benchmark's fixture."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import pytest_plugin
from benchmarks.cells import Visit
from benchmarks.measuring import measure


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every visit of the run, in the order of its blocks."""
    visits = metafunc.config.stash[pytest_plugin.STATE].visits
    metafunc.parametrize("visit", visits, ids=map(str, visits))


def test_cell(visit: Visit, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """Time one cell in one block; whatever happens becomes a row."""
    campaign = request.config.stash[pytest_plugin.STATE].campaign
    assert campaign is not None
    row = measure.visit(campaign, visit, pytest_plugin.stopwatch(benchmark, request.config))
    if row is None and benchmark.enabled:
        pytest.skip("given up in an earlier block")
    if row is not None and row.status in ("wrong", "error"):
        pytest.fail(f"{row.status}: {row.note}", pytrace=False)
    if row is not None and row.status != "ok":
        pytest.skip(f"{row.status}: {row.note}")
