"""Sweeps of a function: run on Duals, once or again where an infinity comes out, or recorded and pulled back.

What `ad.transforms` is made of; leaves and shapes here, trees there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import ZERO, Active, all_finite, is_array, kind_of
from ad.counting import observed
from ad.dual import Tag, lift
from ad.jacobians import unit
from ad.lanes import LanesDual, unit_lanes
from ad.progress import begin, begun, following, paths_followed
from ad.tape import Tape, collector_paused
from ad.trees import Shape, flatten, unflatten

Function = Callable[..., Any]


# ---- forward --------------------------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def forward_sweep(
    f: Function, shape: Shape, primals: list[Any], tangents: list[Any]
) -> tuple[list[Any], list[Any], Shape]:
    """Run `f` on Duals: the primals, the tangents and the shape of its output.

    `f` is run once; where a derivative comes out infinite or NaN it is run again, with the classes of paths followed
    (`ad.infinity`) in it and in the derivatives inside it.
    """
    swept = _run(f, shape, primals, tangents)
    if not following() and not all_finite(swept[1]):
        with paths_followed():
            swept = _run(f, shape, primals, tangents)
    counts = observed()
    if counts is not None:
        counts.forward_sweeps += 1
    return swept


@np.errstate(all="ignore")
def evaluated(f: Function, shape: Shape, primals: list[Any]) -> tuple[list[Any], Shape]:
    """The value of `f` as a derivative has it, where 1 / 0 is infinite and an int is a float, and its shape."""
    values, _, out_shape = _run(f, shape, primals, list(map(zero, primals)))
    return values, out_shape


def _run(f: Function, shape: Shape, primals: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any], Shape]:
    tag = Tag(begin(), observed(), following())
    try:
        outputs, out_shape = flatten("output of f", f(*unflatten(shape, lift(primals, tangents, tag))))
        _require_no_leak(outputs, tag.number)
    finally:
        tag.finished = True
    values, derivatives = [], []
    for out in outputs:
        mine = getattr(out, "tag", None) is tag
        values.append(out.primal if mine else out.copy() if type(out) is np.ndarray else out)
        derivatives.append(out.derivative if mine else zero(out))
    return own(values, primals), own(derivatives, tangents), out_shape


def own(results: list[Any], given: list[Any]) -> list[Any]:
    """Results that are nobody else's: copies of arrays that are views, or among those given, or there twice."""
    places = [k for k, x in enumerate(results) if type(x) is np.ndarray]
    if places:
        seen = set(map(id, given))
        for k in places:
            x = results[k]
            if x.base is not None or id(x) in seen:
                results[k] = x.copy()
            seen.add(id(x))
    return results


def zero(out: Any) -> Any:
    """The derivative of an output that does not depend on the input."""
    if is_array(out):
        return np.zeros(out.shape, out.dtype)
    return np.float32(0.0) if isinstance(out, np.float32) else ZERO


def pass_with_lanes(
    f: Function, shape: Shape, primals: list[Any], start: int, stop: int
) -> tuple[list[list[Any]], Shape]:
    """One pass with the tangents of many unit seeds: for each, the tangents of the outputs; and the output's shape.

    A direction whose derivative comes out infinite or NaN is swept again on its own, as are all of them inside a
    derivative that is made again.
    """
    if following():
        swept = [forward_sweep(f, shape, primals, unit(primals, direction)) for direction in range(start, stop)]
        return [column for _, column, _ in swept], swept[0][2]
    counts = observed()
    tag = Tag(begin(), counts, lanes=stop - start)
    try:
        with np.errstate(all="ignore"):
            lifted = [LanesDual.lift(p, t, tag) for p, t in zip(primals, unit_lanes(primals, start, stop), strict=True)]
            outputs, out_shape = flatten("output of f", f(*unflatten(shape, lifted)))
            tangents = [out.derivative if getattr(out, "tag", None) is tag else None for out in outputs]
        _require_no_leak(outputs, tag.number)
    finally:
        tag.finished = True
    if counts is not None:
        counts.lane_passes += 1
        counts.lanes += stop - start
    columns = []
    for lane, direction in enumerate(range(start, stop)):
        column = [zero(out) if t is None else t[lane] for out, t in zip(outputs, tangents, strict=True)]
        with np.errstate(all="ignore"):
            whole = all_finite(column)
        if not whole:
            column = forward_sweep(f, shape, primals, unit(primals, direction))[1]
        columns.append(column)
    return columns, out_shape


# ---- reverse --------------------------------------------------------------------------------------------------------


def record(
    f: Function, shape: Shape, primals: list[Any], *, lasting: bool = False, tape: Tape | None = None
) -> tuple[Tape, list[Any], Shape]:
    """Run `f` once on Vars of a new tape, or of the one given: the tape, the leaves and the shape of its output.

    Whoever calls it has the collector paused, and NumPy's warnings off, as on floats there are none.
    """
    tape = Tape(lasting=lasting) if tape is None else tape
    variables, before = tape.lift(primals), begun()
    try:
        outputs, out_shape = flatten("output of f", f(*unflatten(shape, variables)))
        _require_no_leak(outputs, tape.nodes.level)
    finally:
        tape.close()
    if begun() > before and not following():
        kept = [x.primal for x in tape.inputs]

        @functools.cache
        def anew() -> tuple[Tape, list[Any], Shape]:
            with collector_paused():
                return record(f, shape, kept, lasting=lasting)

        def again(seeds: list[tuple[Any, Any]]) -> list[Any]:
            with paths_followed():
                tape, others, _ = anew()
                same = {id(out): other for out, other in zip(outputs, others, strict=True)}
                return tape.pull([(same[id(out)], cotangent) for out, cotangent in seeds], again=True)

        tape.again = again
    return tape, outputs, out_shape


def _require_no_leak(outputs: list[Any], level: int) -> None:
    """An output of a derivative begun later would be taken for a constant, and its own derivative lost."""
    for out in outputs:
        if isinstance(out, Active) and out.level > level:
            raise ValueError(
                f"output of f: got {kind_of(out)} of a derivative begun inside f, "
                "expected a number or a value of this derivative; take what leaves the inner one from its result"
            )
