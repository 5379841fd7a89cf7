"""Forward mode on arrays with many tangents in one pass: lanes, along a leading axis of each tangent.

The primals are computed once for all of them.  A partial is multiplied by all tangents at once; a linear map that has a
rule for lanes (`lanes` in its declaration) takes them at once, another map one after the other.  A pass with lanes is
not a forward sweep, and is counted apart (`ad.counting`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.active import RULES, ZERO, Rule
from ad.array_dual import ArrayDual
from ad.array_methods import PARTIALS, like
from ad.arrays import MAPS, activity, full, matched, prepared, scalar, shape_of
from ad.dual import Tag
from ad.linear import Linear, Map
from ad.methods import install_slow


class LanesDual(ArrayDual):
    """An array with many tangents.

    Attributes:
        tangent: of the shape `(lanes, *shape)`, or one with as many dimensions that broadcasts to it; or `ZERO`.
        tag: the pass, which says how many lanes there are.
    """

    __slots__ = ()
    __init__ = object.__init__

    @property
    def derivative(self) -> Any:  # noqa: D102  # documented in ArrayDual
        return full(scalar(self.tangent, self.primal), (self.tag.lanes, *self.shape))

    @classmethod
    def lift(cls, primal: Any, tangent: Any, tag: Tag) -> LanesDual:  # noqa: D102
        dual: LanesDual = cls()
        dual.primal, dual.tangent, dual.tag = scalar(primal), tangent, tag
        return dual

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> LanesDual:  # noqa: D102
        active = activity(level, operands)
        ready = prepared(rule.row.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        out = scalar(rule.value(*primals))
        primals = [matched(x, out) for x in primals]
        tangent: Any = ZERO
        for x, a, partial in zip(ready, active, PARTIALS[rule.row.name], strict=True):
            if a and partial is not None and x.tangent is not ZERO:
                aligned = _aligned(x.tangent, len(shape_of(out)))
                tangent = tangent + like(partial(primals[0], primals[-1], out), out) * aligned
        return _made(out, tangent, ready[active.index(True)].tag)

    @classmethod
    def apply_map(cls, map: Map, level: int, operands: tuple[Any, ...], params: tuple[Any, ...]) -> LanesDual:  # noqa: D102
        active = activity(level, operands)
        ready = prepared(map.name, operands, active)
        primals = [x.primal if a else x for x, a in zip(ready, active, strict=True)]
        tangents = [x.derivative if a else None for x, a in zip(ready, active, strict=True)]
        tag: Tag = ready[active.index(True)].tag
        out = map(primals, params)
        pushed = map.push_lanes(primals, tangents, params, out)
        if pushed is None:
            one_by_one = [
                map.push(primals, [None if t is None else t[k] for t in tangents], params, out)
                for k in range(tag.lanes)
            ]
            pushed = MAPS["stack"]([full(t, shape_of(out)) for t in one_by_one])
        return _made(out, pushed, tag)

    def apply_linear(self, map: Linear, params: tuple[Any, ...]) -> LanesDual:  # noqa: D102
        return self.apply_map(map, self.level, (self,), params)

    def __repr__(self) -> str:
        return f"LanesDual({self.primal!r}, {self.tag.lanes} tangents)"


LanesDual.arrays = LanesDual
install_slow(LanesDual, RULES.values())


def _made(primal: Any, tangent: Any, tag: Tag) -> LanesDual:
    if tag.counts is not None:
        tag.counts.add(primal)
    return LanesDual.lift(primal, tangent, tag)  # type: ignore[no-any-return]


def _aligned(tangent: Any, ndim: int) -> Any:
    """Tangents with their lanes before as many dimensions as a result has."""
    shape = shape_of(tangent)
    missing = ndim + 1 - len(shape)
    return MAPS["reshape"](tangent, (shape[0], *(1,) * missing, *shape[1:])) if missing else tangent


def unit_lanes(leaves: list[Any], start: int, stop: int) -> list[Any]:
    """The seeds of the directions from `start` to `stop`: for each leaf an array with a leading axis of lanes."""
    seeds, before = [], 0
    for leaf in leaves:
        shape = shape_of(leaf)
        size = int(np.prod(shape, dtype=int))
        seed = np.zeros((stop - start, size), getattr(leaf, "dtype", np.float64))
        lanes = np.arange(max(start, before), min(stop, before + size))
        seed[lanes - start, lanes - before] = 1.0
        seeds.append(seed.reshape(stop - start, *shape))
        before += size
    return seeds
