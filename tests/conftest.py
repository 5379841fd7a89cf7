"""Every test: what needs the compiler says so where numba is not installed, after what it checked without it."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ad.compiled.compiler import CompilerMissingError


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """A test that comes to need numba, where it is missing, is skipped and not failed."""
    try:
        return (yield)
    except CompilerMissingError as problem:
        pytest.skip(str(problem))
