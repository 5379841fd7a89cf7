"""Registers `pytest --benchmark`, which runs the benchmarks and only those; plain `pytest` runs the tests.

The one place that knows both the benchmarks and the plots.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from benchmarks.options import RUNNING, SELECTION
from benchmarks.runs import threads

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
        if any(Path(argument.partition("::")[0]).resolve() == BENCHMARKS / "test_cells.py" for argument in config.args):
            raise pytest.UsageError("benchmarks/test_cells.py: give --benchmark to measure")
        return
    threads.pin()
    from benchmarks import pytest_plugin  # here, after pinning: it imports NumPy

    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(BENCHMARKS)]
    elif not any(_holds_cells(argument) for argument in config.args):
        raise pytest.UsageError(f"--benchmark: runs the benchmarks and nothing else; leave out {' '.join(config.args)}")
    pytest_plugin.configure(config, draw)
    config.pluginmanager.register(pytest_plugin, "benchmarks.pytest_plugin")


def _holds_cells(argument: str) -> bool:
    """Whether a path given to pytest is, or is above or inside, the benchmarks."""
    path = Path(argument.partition("::")[0]).resolve()
    return path.is_relative_to(BENCHMARKS) or BENCHMARKS.is_relative_to(path)


def draw(folder: Path) -> list[str]:
    """Draw the figures of a run; one line says where they are, or which of them failed: the run is finished anyway."""
    from plots import DrawingError, draw_all

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a plotting library deprecates must not cost a finished run
        try:
            drawn = list(draw_all(folder))
        except DrawingError as problem:
            return [f"error: {problem}"]
    return [f"{Path(drawn[0]).parent}: {len(drawn)} pictures"] if drawn else []


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the benchmarks without the flag, and everything else with it."""
    if not collection_path.is_file():
        return None
    return True if collection_path.is_relative_to(BENCHMARKS) != config.getoption("--benchmark") else None
