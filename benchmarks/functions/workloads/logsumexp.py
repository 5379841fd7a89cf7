"""The logarithm of a sum of exponentials, the normaliser of every softmax, shifted so that nothing overflows.

    f(x) = m + log(sum over i of exp(x[i] - m)),    m = max x[i]

N inputs, 1 output; the size is N. The shift and its accuracy: (Blanchard, Higham and Higham 2021), "Accurately
computing the log-sum-exp and softmax functions".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row


def f(xp: Any, x: Any) -> Any:
    """The logarithm of the sum."""
    shift = xp.max(x)
    return shift + xp.log(xp.sum(xp.exp(x - shift)))


def at(n: int) -> Problem:
    """The problem of `n` inputs."""
    x = np.random.default_rng(n).normal(size=n)

    def jacobian() -> Floats:
        """Closed form: the softmax."""
        weights = np.exp(x)
        return one_row(weights / weights.sum())

    return Problem("logsumexp", n, f, x, n, 1, jacobian)


FAMILY = Family("logsumexp", at, sizes=(16, 256), growing=(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536))
