"""What the C library does with the memory of arrays that come and go.

A derivative makes and drops many arrays of one size.  glibc takes blocks of more than 128 KiB from the system and gives
them back when they are freed, as it does with what is free at the end of its heap; the next op then waits for its pages
once more, which takes longer than computing it.  It raises both limits by the largest such block that it has seen freed
(mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD): up to 32 MiB, and twice as much at the end of the heap.  So one
block of that size, which nobody touches, is freed at once, and up to 64 MiB that are free stay with the process.
`MALLOC_TRIM_THRESHOLD_` in the environment keeps it from that; other C libraries take no notice.
"""

from __future__ import annotations

import contextlib

import numpy as np

LARGEST = 32 * 2**20
"""Bytes of the largest block that glibc learns from (DEFAULT_MMAP_THRESHOLD_MAX in its malloc.c), what it adds
included."""


def keep_freed_memory() -> None:
    """Have the memory of arrays stay with the process between one op and the next."""
    with contextlib.suppress(MemoryError):
        np.empty(LARGEST - 2**16, np.uint8)
