"""Passes over a program: the compiled sweeps called in order, and careful ones where a derivative is not finite.

Each function executes in a workspace, and returns the ops executed.  Those of a sweep that is made again, with the
paths followed (`ad.compiled.careful`), count again; it is still one sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ad.compiled.signatures import Floats
from ad.compiled.workspace import Workspace

_UNIT_VECTORS = np.empty(0)
_START = np.uint64(0)


def evaluate(work: Workspace, x: Floats) -> int:
    """The primal alone; the values are in `work.out`."""
    program = work.program
    ops: int = work.sweeps["values"](program.code, program.constants, x, work.slot, work.out)
    return ops


def push(work: Workspace, x: Floats, seed: Floats) -> int:
    """The primal and one tangent; the values are in `work.out`, their tangents in `work.tangent_out`."""
    program = work.program
    ops: int
    ops, finite = work.sweeps["forward"](
        program.code, program.constants, x, seed, work.slot, work.tangent, work.out, work.tangent_out
    )
    if not finite:
        _record(work, x)
        ops += _push_following_paths(work, seed)
    return ops


def push_one_by_one(work: Workspace, x: Floats, seeds: Floats | None, first: int, last: int, out: Floats) -> int:
    """Sweeps `first` to `last` that carry one tangent each, of the rows of `seeds` or of unit vectors.

    Writes the tangents, shape (M, last - first), to `out`, which is zero.
    """
    ops = 0
    for k, seed in enumerate(_directions(x.size, seeds, range(first, last))):
        ops += push(work, x, seed)
        out[:, k] = work.tangent_out
    return ops


def push_together(work: Workspace, x: Floats, seeds: Floats | None, first: int, last: int, out: Floats) -> int:
    """The same sweeps in one pass that carries all tangents."""
    program, lanes = work.program, last - first
    tangents = out if out.flags.c_contiguous else np.zeros(out.shape)
    ops: int = lanes * work.sweeps["forward_lanes"](
        program.code,
        program.constants,
        x,
        _UNIT_VECTORS if seeds is None else seeds.reshape(-1),
        first,
        lanes,
        work.slot,
        work.lanes(program.n_slots * lanes),
        work.stretch,
        work.out,
        tangents.reshape(-1),
    )
    if tangents is not out:
        out[:] = tangents
    finite = np.isfinite(tangents)
    if not finite.all():
        again = np.flatnonzero(~finite.all(axis=0))
        _record(work, x)
        for k, seed in zip(again, _directions(x.size, seeds, first + again), strict=True):
            ops += _push_following_paths(work, seed)
            out[:, k] = work.tangent_out
    return ops


def pull(work: Workspace, x: Floats, cotangent: Floats, gradient: Floats) -> int:
    """The primal and its adjoints, added to `gradient`, which is zero; the values are in `work.out`."""
    program = work.program
    ops: int
    ops, finite = work.sweeps["reverse"](
        program.code, program.constants, x, cotangent, work.slot, work.adjoint, work.stack, work.out, gradient
    )
    return ops if finite else ops + _pull_following_paths(work, cotangent, gradient)


def pull_one_by_one(work: Workspace, x: Floats, rows: Floats) -> int:
    """The adjoints of each output, added to the rows of `rows`, which are zero: one sweep each over one evaluation."""
    ops = _record(work, x)
    cotangent = np.zeros(len(rows))
    for k, row in enumerate(rows):
        cotangent[k] = 1.0
        more, finite = work.sweeps["pull"](work.program.code, work.stack, cotangent, work.adjoint, row)
        ops += more if finite else more + _pull_following_paths(work, cotangent, row)
        cotangent[k] = 0.0
    return ops


def _directions(n: int, seeds: Floats | None, sweeps: Iterable[int]) -> Iterator[Floats]:
    """The seeds of these sweeps: rows of `seeds`, or unit vectors, of which each lasts until the next."""
    unit = np.zeros(n)
    for k in sweeps:
        if seeds is not None:
            yield seeds[k]
        else:
            unit[k] = 1.0
            yield unit
            unit[k] = 0.0


def _record(work: Workspace, x: Floats) -> int:
    """The primal, with all its partials on `work.stack`."""
    program = work.program
    end = np.uint64(program.code.size)
    ops: int
    _, ops = work.sweeps["record"](
        program.code, _START, end, program.constants, _START, x, work.slot, work.stack, work.out
    )
    return ops


def _push_following_paths(work: Workspace, seed: Floats) -> int:
    """One tangent through the partials on `work.stack`; recording them is part of the sweep, and not counted apart."""
    paths = np.zeros(work.slot.size, np.uint8)
    ops: int = work.sweeps["push_following_paths"](
        work.program.code, work.stack, seed, work.tangent, paths, work.tangent_out
    )
    return ops


def _pull_following_paths(work: Workspace, cotangent: Floats, gradient: Floats) -> int:
    """The adjoints through the partials on `work.stack`, written to `gradient`."""
    paths, reached = np.zeros(work.slot.size, np.uint8), np.zeros(gradient.size, np.uint8)
    ops: int = work.sweeps["pull_following_paths"](
        work.program.code, work.stack, cotangent, work.adjoint, paths, gradient, reached
    )
    return ops
