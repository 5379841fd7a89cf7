"""Counting sweeps and executed ops as they happen.

    with ad.count() as counts:
        ad.grad(f)(x)
    counts.reverse_sweeps, counts.ops

Unobserved code pays nothing: forward sweeps choose a class of dual numbers that counts only inside `count()`, and a
tape knows its length anyway.  Each thread counts for itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class Counts:
    """What has been executed inside one `count()` block.

    Attributes:
        forward_sweeps: passes that each gave one directional derivative.
        lane_passes: forward passes that each gave many directional derivatives, which are not counted as sweeps.
        lanes: the directional derivatives that these gave.
        reverse_sweeps: passes over a tape that each gave the gradient of one output, or of one combination of outputs.
        ops: ops executed: each op evaluated on a Dual, recorded on a tape, or visited by a reverse sweep counts one;
            those of a sweep that is made again because of an infinity (`ad.infinity`) count again.
        beyond: numbers that ops on arrays computed, beyond the first of each op.
        advances: steps that a checkpointed function computed without recording them (`ad.checkpoint`).
    """

    forward_sweeps: int = 0
    reverse_sweeps: int = 0
    ops: int = 0
    advances: int = 0
    beyond: int = 0
    lane_passes: int = 0
    lanes: int = 0

    @property
    def elements(self) -> int:
        """Numbers computed by all ops: one for each op on numbers, as many as it has elements for one on arrays."""
        return self.ops + self.beyond

    def add(self, out: Any) -> None:
        """One op, with its value or its node."""
        self.ops += 1
        self.beyond += getattr(out, "size", 1) - 1

    def include(self, other: Counts) -> None:
        """Add everything that another block counted."""
        for field in fields(Counts):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def sweeps(self) -> int:
        """Sweeps of both modes together; passes with many tangents (`lane_passes`) are none."""
        return self.forward_sweeps + self.reverse_sweeps


class _Observer(threading.local):
    counts: Counts | None = None


_observer = _Observer()


def observed() -> Counts | None:
    """The counts being taken in this thread, or None: the one question that unobserved code asks, once a sweep."""
    return _observer.counts


@contextmanager
def count() -> Iterator[Counts]:
    """Count sweeps and ops of this thread inside a `with` block; blocks nest, and the outer sees the inner's counts."""
    outer, inner = _observer.counts, Counts()
    _observer.counts = inner
    try:
        yield inner
    finally:
        _observer.counts = outer
        if outer is not None:
            outer.include(inner)
