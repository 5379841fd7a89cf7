"""Registers `pytest --benchmark`, which runs the benchmarks and only those; plain `pytest` runs the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measuring import threads
from benchmarks.options import RUNNING, SELECTION

BENCHMARKS = Path(__file__).resolve().parent / "benchmarks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The flag, and the options that `python -m benchmarks run` has too."""
    group = parser.getgroup("benchmark of forward and reverse mode")
    group.addoption("--benchmark", action="store_true", help="run the benchmarks, and only those")
    for name, arguments in {**SELECTION, **RUNNING}.items():
        group.addoption(name, **arguments)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """With the flag, hand over to the harness."""
    if not config.getoption("--benchmark"):
        return
    threads.pin()
    from benchmarks import pytest_plugin  # here, after pinning: it imports NumPy

    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(BENCHMARKS)]
    pytest_plugin.configure(config)
    config.pluginmanager.register(pytest_plugin, "benchmarks.pytest_plugin")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the benchmarks without the flag, and everything else with it."""
    if not collection_path.is_file():
        return None
    return True if collection_path.is_relative_to(BENCHMARKS) != config.getoption("--benchmark") else None
