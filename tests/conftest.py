"""Every test: the packages that the tests need are asked for in one line; and what needs the compiler says so.

Where numba is not installed, a test is skipped after what it checked without it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator

import pytest

from ad.compiled.compiler import CompilerMissingError

NEEDED = ("hypothesis", "jax", "mpmath")
"""Packages without which tests cannot be imported."""


def pytest_configure(config: pytest.Config) -> None:
    """Say what to install, instead of failing file by file; the benchmarks need none of it."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing and not config.getoption("--benchmark"):
        raise pytest.UsageError(f"the tests need {', '.join(missing)}: pip install -e '.[test]'")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """A test that comes to need numba, where it is missing, is skipped and not failed."""
    try:
        return (yield)
    except CompilerMissingError as problem:
        pytest.skip(str(problem))
