"""What the C library does with the memory of arrays that come and go.

A derivative makes and drops many arrays of one size.  glibc takes blocks of more than 128 KiB from the system and gives
them back when they are freed, as it does with what is free at the end of its heap; the next op then waits for its pages
once more, which takes longer than computing it.  mallopt(3) tells it to keep more.  What the environment says
(`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`, `GLIBC_TUNABLES`) holds; other C libraries are left as they are.
"""

from __future__ import annotations

import ctypes
import os
import sys

KEPT = 2**30
"""How many bytes that are free at the end of the heap stay with the process (M_TRIM_THRESHOLD)."""

LARGEST = 2**25
"""Up to how many bytes a block is taken from the heap (M_MMAP_THRESHOLD), the most that mallopt(3) documents."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h


def keep_freed_memory() -> bool:
    """Have the memory of arrays stay with the process between one op and the next; whether that was done."""
    said = any(name in os.environ for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"))
    if sys.platform != "linux" or said or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    return bool(libc.mallopt(_TRIM_THRESHOLD, KEPT) and libc.mallopt(_MMAP_THRESHOLD, LARGEST))
