"""The memory that compiled sweeps work in, made when first needed and used again; and what was executed in it.

A workspace serves one execution at a time.  Threads that use one program at the same time borrow one each.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ad.compiled.freeze import Frozen
from ad.compiled.signatures import Floats
from ad.counting import Counts, observed

STRETCH = 256
"""Instructions whose partials are recorded before many tangents are pushed through them."""


class Workspace:
    """Memory for one execution of a program.

    Attributes:
        program: what is executed.
        sweeps: what executes it, by name.
        slot: values.
        out: outputs; those that are constant are in place.
        counts: what was executed here.
    """

    def __init__(self, program: Frozen, sweeps: dict[str, Any]) -> None:
        self.program = program
        self.sweeps = sweeps
        self.slot = np.zeros(program.n_slots)
        self.out = program.outputs.copy()
        self.counts = Counts()

    @cached_property
    def tangent(self) -> Floats:
        """The slots' tangents in a forward sweep of one lane."""
        return np.zeros(self.program.n_slots)

    @cached_property
    def tangent_out(self) -> Floats:
        """The outputs' tangents in a forward sweep of one lane; those of constant outputs stay zero."""
        return np.zeros(self.program.outputs.size)

    @cached_property
    def adjoint(self) -> Floats:
        """The slots' adjoints; a reverse sweep leaves them at zero, as it found them."""
        return np.zeros(self.program.n_slots)

    @cached_property
    def stack(self) -> Floats:
        """The partials of a whole program."""
        return np.empty(self.program.n_partials)

    @cached_property
    def stretch(self) -> Floats:
        """The partials of a stretch of instructions, at most two each."""
        return np.empty(2 * STRETCH)

    def lanes(self, size: int) -> Floats:
        """The slots' tangents in a forward sweep of many lanes, beginning where a vector register's load does."""
        memory = np.empty(size + 8)
        start = -memory.ctypes.data // 8 % 8
        return memory[start : start + size]


class Workspaces:
    """All workspaces of one program."""

    def __init__(self, program: Frozen, sweeps: dict[str, Any]) -> None:
        self._program = program
        self._sweeps = sweeps
        self._all: list[Workspace] = []
        self._free: list[Workspace] = []

    def borrow(self) -> Workspace:
        """A workspace that nobody else uses, until it is given back."""
        try:
            return self._free.pop()
        except IndexError:
            work = Workspace(self._program, self._sweeps)
            self._all.append(work)
            return work

    def give_back(self, work: Workspace, ops: int, forward: int = 0, reverse: int = 0) -> None:
        """Give a workspace back, and say what was executed in it."""
        work.counts.ops += ops
        work.counts.forward_sweeps += forward
        work.counts.reverse_sweeps += reverse
        self._free.append(work)

    @property
    def counts(self) -> Counts:
        """What has been executed so far."""
        total = Counts()
        for work in self._all:
            total.include(work.counts)
        return total


def observe(ops: int, forward: int = 0, reverse: int = 0) -> None:
    """Tell `ad.count()`, if this thread is being observed, what has been executed."""
    counts = observed()
    if counts is not None:
        counts.include(Counts(forward, reverse, ops))
