"""Fixtures of the harness's tests."""

import gc

import pytest


@pytest.fixture(scope="module")
def small_heap():
    """Hide what lives now from the garbage collector, which measuring calls at every visit."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
