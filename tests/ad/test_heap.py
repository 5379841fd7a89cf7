"""What freed arrays cost when they are made again: page faults, counted in a process of its own."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc")

PROGRAM = """
import resource
import numpy as np
import ad
from ad.heap import keep_freed_memory

def f(x):
    y = x * 2
    z = y + x
    return np.sum(y * z - x / 3 + z * x)

x = np.ones(1_500_000)
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    ad.jvp(f, (x,), (x,))
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(keep_freed_memory(), faults)
"""


def run(**environment):
    out = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "NUMPY_MADVISE_HUGEPAGE": "0", **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return out[0], int(out[1])


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)


def test_arrays_that_were_freed_are_made_again_without_waiting_for_pages():
    done, faults = run()
    assert done == "True"
    assert faults < 1_000  # one of these arrays is 2,930 pages, and there are a dozen


def test_what_the_environment_says_holds():
    for name, value in {
        "MALLOC_TRIM_THRESHOLD_": "131072",
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072",
    }.items():
        done, faults = run(**{name: value})
        assert done == "False"
        assert faults > 5_000, name
    assert run(GLIBC_TUNABLES="glibc.rtld.nns=4")[0] == "True"
