"""Pins the threads of numerical libraries to one; they read these variables once, when they are first imported.

A value that is already set stays, and is recorded in `environment.json` either way.
"""

from __future__ import annotations

import os

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NPROC",  # the size of XLA's pool of threads, which has no option of its own
    "NUMBA_NUM_THREADS",
)
PINNED = VARIABLES[:-1]  # numba's kernels are given their threads explicitly


def pin() -> None:
    """Pin; to be called before NumPy is imported."""
    for name in PINNED:
        os.environ.setdefault(name, "1")
