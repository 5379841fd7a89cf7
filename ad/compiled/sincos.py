"""Sine and cosine for the compiled sweeps and for arrays: no branches, and one reduction for both.

A sweep needs the sine and the cosine of the same number, one as value and one as partial.  The platform's functions
choose among ranges by branches that no processor predicts on changing arguments; here both come from one straight line
of arithmetic, which the compiler shares between the two.  The argument is reduced to |r| <= pi/4 with pi/2 in three
parts (Cody and Waite 1980), and the polynomials are those of fdlibm (`k_sin.c`, `k_cos.c`, Sun Microsystems 1993).
Below `LIMIT` the error is below one unit in the last place, near the zeros too; above, the platform's functions answer.

The functions are compiled together with the sweeps: `ad.compiled.kernels` copies this module's source.  On arrays,
where NumPy's own go number by number, the straight line goes through many numbers at once.
"""

from __future__ import annotations

import math

from ad.compiled.signatures import Floats

LIMIT = 1024.0
"""Up to here the first two products of the reduction are exact."""

TWO_OVER_PI = 0.6366197723675814
ROUND = 6755399441055744.0  # 1.5 * 2**52: adding and subtracting it rounds to an integer
PIO2_A = 1.57079632673412561417e00  # the first 33 bits of pi/2
PIO2_B = 6.07710050630396597660e-11  # the next 33
PIO2_C = 2.02226624879595063154e-21  # the next 53


def sin(x: float) -> float:
    """The sine of a float."""
    return _near(x, 0) if abs(x) < LIMIT else math.sin(x)


def cos(x: float) -> float:
    """The cosine of a float."""
    return _near(x, 1) if abs(x) < LIMIT else math.cos(x)


def sines(x: Floats, out: Floats) -> None:
    """The sine of each number of `x`."""
    _each(x, out, 0)


def cosines(x: Floats, out: Floats) -> None:
    """The cosine of each number of `x`."""
    _each(x, out, 1)


def _each(x: Floats, out: Floats, quarters: int) -> None:
    """sin(x + quarters * pi/2) of each number of `x`: without branches, and what lies beyond `LIMIT` once more."""
    beyond = 0
    for i in range(x.size):
        out[i] = _near(x[i], quarters)
        beyond |= not abs(x[i]) < LIMIT
    if beyond:
        for i in range(x.size):
            if not abs(x[i]) < LIMIT:
                out[i] = math.cos(x[i]) if quarters else math.sin(x[i])


def _near(x: float, quarters: int) -> float:
    """sin(x + quarters * pi/2) for |x| < LIMIT, and nothing in particular elsewhere; a quarter turn makes cosines."""
    k = (x * TWO_OVER_PI + ROUND) - ROUND
    head, rest = x - k * PIO2_A, k * PIO2_B
    r = head - rest
    tail = (rest - (head - r)) + k * PIO2_C  # what r was rounded by, too
    quadrant = int(k) + quarters
    s, c = _sine(r, tail), _cosine(r, tail)
    value = c if quadrant & 1 else s
    return -value if quadrant & 2 else value


def _sine(r: float, tail: float) -> float:
    """sin(r - tail) for |r| <= pi/4 and a tail below an ulp or so."""
    z = r * r
    w = z * z
    p = (-1.66666666666666324348e-01 + z * 8.33333333332248946124e-03) + w * (
        (-1.98412698298579493134e-04 + z * 2.75573137070700676789e-06)
        + w * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
    )
    return r - (tail - (r * z) * p)  # in this order, the sine of -0.0 is -0.0


def _cosine(r: float, tail: float) -> float:
    """cos(r - tail) for |r| <= pi/4 and a tail below an ulp or so."""
    z = r * r
    w = z * z
    p = (4.16666666666666019037e-02 + z * -1.38888888888741095749e-03) + w * (
        (2.48015872894767294178e-05 + z * -2.75573143513906633035e-07)
        + w * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
    )
    half = 0.5 * z
    one = 1.0 - half
    return one + (((1.0 - one) - half) + (w * p + r * tail))
