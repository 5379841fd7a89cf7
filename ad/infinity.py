"""Infinite partials: the one rule that every executor follows, as a table.

A derivative is the sum, over all paths from input to output, of the product of the partials along the path.  That is
what both modes compute, each in its own order of multiplication and addition, and as long as all partials are finite
the order matters only for rounding.  With an infinite partial it would matter: IEEE arithmetic gives NaN in one order
and a number in another.  So the answer is read off the paths themselves:

    a path whose seed is zero                                   does not count
    an op's edge whose partial is 0 by its row (`sign`)         is no path
    a path with a NaN, or with a zero and an infinite partial   makes the derivative NaN
    infinite paths of both signs                                make it NaN
    infinite paths of one sign                                  make it that infinity
    finite paths only                                           add up to it

An op that takes one value twice (`x * x`) has one edge to it, with the sum of both partials.  NaN is what is said where
only a convention could answer: `sqrt(a*a + b*b)` has no derivative at (0, 0), and `cbrt(x**3)` has one at 0 that cannot
be found from the partials, 0 and infinity.  JAX and PyTorch answer most such cases with NaN, too.

A sweep of either mode can keep track of this as it goes along.  It does not need the paths themselves, only which of
six classes (positive, negative, zero, either infinity, NaN) the paths that reach a node belong to: a set of six bits.
Going along an edge maps the set (`TIMES`); where edges meet, sets are joined.  So forward and reverse find the same.
A sweep is first made in plain IEEE arithmetic, which turns any infinite or NaN partial on a path that counts into an
infinite or NaN derivative; only then is it made again with the paths followed (`Tape`, `Dual`, `ad.compiled`).

Derivatives of derivatives follow the same rule.  What an inner sweep multiplies by is a sum over paths, and which of
them it has summed depends on its mode; so where a sweep is made again, those inside it follow their paths as well, and
hand on, beside a sum of paths that an infinity would turn to NaN (`MIXED`), a zero that meets it.
"""

from __future__ import annotations

import math

POSITIVE, NEGATIVE, ZERO, PLUS_INFINITY, MINUS_INFINITY, UNKNOWN = (1 << k for k in range(6))
"""Classes of paths, by the product of their partials: finite, infinite, or NaN."""

NONE = 0
"""No path that counts: the derivative is zero, whatever the numbers say."""

INFINITE = PLUS_INFINITY | MINUS_INFINITY | UNKNOWN
"""The classes of paths that hold an infinite or NaN partial."""

_SIGNED = {
    POSITIVE: 1.0,
    NEGATIVE: -1.0,
    ZERO: 0.0,
    PLUS_INFINITY: math.inf,
    MINUS_INFINITY: -math.inf,
    UNKNOWN: math.nan,
}
_KINDS = tuple(_SIGNED.values())


def kind(partial: float) -> int:
    """The row of `TIMES` for a partial: 0 positive, 1 negative, 2 zero, 3 plus infinity, 4 minus infinity, 5 NaN."""
    if partial > 0.0:
        return 3 if partial == math.inf else 0
    if partial < 0.0:
        return 4 if partial == -math.inf else 1
    return 2 if partial == 0.0 else 5


def _times(partial: float, paths: int) -> int:
    """The classes of paths after one more edge: each class stands for a number, multiplied in IEEE arithmetic."""
    after = NONE
    for path, number in _SIGNED.items():
        if paths & path:
            after |= 1 << kind(partial * number)
    return after


TIMES = tuple(tuple(_times(partial, paths) for paths in range(64)) for partial in _KINDS)
"""`TIMES[kind(partial)][paths]`: the classes of a set of paths, each made longer by an edge with this partial."""

MIXED = tuple(TIMES[3][paths] not in (NONE, PLUS_INFINITY, MINUS_INFINITY) for paths in range(64))
"""`MIXED[paths]`: whether one more edge, with an infinite partial, would make NaN of a set of paths."""


def settled(paths: int, number: float) -> float:
    """The derivative that a set of paths adds up to.

    Args:
        paths: the classes of the paths.
        number: what plain arithmetic gives for their sum; used where all paths are finite.
    """
    if paths & INFINITE == NONE:
        return number if paths else 0.0
    if paths & INFINITE == PLUS_INFINITY:
        return math.inf
    return -math.inf if paths & INFINITE == MINUS_INFINITY else math.nan
