"""The rules of thumb by which people choose forward or reverse mode, each with its source.

A rule sees what is known of a function before anything is differentiated: its inputs N and its outputs M.  How much
time each of them loses is measured in `regret`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Forward = Callable[[Any, Any], Any]
"""From N and M, numbers or arrays of them, to whether forward mode is chosen."""


@dataclass(frozen=True)
class Rule:
    """One rule of thumb.

    Attributes:
        name: the rule, as it is written in results.
        forward: whether it chooses forward mode, for N inputs and M outputs.
        source: who gives it, and where.
    """

    name: str
    forward: Forward
    source: str

    def choose(self, inputs: NDArray[Any], outputs: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether forward mode is chosen for each of some problems, shape (problems,)."""
        return np.broadcast_to(np.asarray(self.forward(inputs, outputs), dtype=bool), np.shape(inputs)).copy()


RULES = (
    Rule("reverse always", lambda n, m: False, "the default of deep-learning frameworks: backpropagation"),
    Rule(
        "forward always",
        lambda n, m: True,
        "the least that needs to be built, with dual numbers alone (ForwardDiff.jl)",
    ),
    Rule("forward if N < M", lambda n, m: n < m, "PyTorch, tutorial Jacobians, Hessians, hvp, vhp"),
    Rule(
        "forward if N <= M",
        lambda n, m: n <= m,
        "JAX, Autodiff Cookbook: tall, forward; wide, reverse; near square, forward; CppAD, ADFun::Jacobian",
    ),
    Rule(
        "forward if N <= 2 M",
        lambda n, m: n <= 2 * m,
        "CasADi, FunctionInternal::adWeight: a reverse sweep is taken to cost two forward ones",
    ),
    Rule(
        "forward if M > 1",
        lambda n, m: m > 1,
        "MATLAB, Automatic Differentiation Background: reverse for objectives, forward for equations",
    ),
    Rule("forward if N <= 20", lambda n, m: n <= 20, "PEtab.jl, Default options: the limit of small models"),
    Rule(
        "forward if N <= 100",
        lambda n, m: n <= 100,
        "SciMLSensitivity.jl, its default up to 100 states and parameters; about 100 on the forum of Julia",
    ),
    Rule(
        "forward if N < 100 or N <= 1.5 M",
        lambda n, m: (n < 100) | (n <= 1.5 * m),
        "handed on among users; no published source was found",
    ),
)
"""In the order of the records; N are inputs, M outputs."""
