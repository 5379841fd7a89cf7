"""The engines `casadi` and `casadi-mx`: derivatives as symbolic graphs, executed by CasADi's virtual machine.

`casadi` has graphs of scalars (SX), `casadi-mx` graphs of matrices (MX), whose nodes are scalars here, since the
matrices of CasADi know no vectors and no broadcasting.  Functions of arrays get NumPy arrays of SX scalars, so that
every element is a node.  Building a function and its derivative is preparation.  Functions are called through buffers,
without conversion.  CasADi does not count ops.
"""

from __future__ import annotations

import functools
import importlib
import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from benchmarks.engines.base import Engine, Includes, Reach, Written, listed
from benchmarks.functions.problem import Floats, Problem


class Casadi(Engine):
    """CasADi's SX functions."""

    name = package = "casadi"
    styles: ClassVar[tuple[str, ...]] = ("scalars", "arrays")
    includes = Includes(*3 * ("CasADi SX, built before",))
    written = Written(
        "casadi.jtimes(f(x), x, seed), for each seed",
        "casadi.jtimes(f(x), x, seed, True), for each seed",
        "casadi.gradient(f(x), x)",
        "casadi",
    )
    symbols = "SX"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.casadi = casadi = importlib.import_module("casadi")
        self.symbol = getattr(casadi, self.symbols)
        self.inputs = self.symbol.sym("x", problem.n_inputs)
        inputs = casadi.vertsplit(self.inputs)
        self.outputs = casadi.vertcat(*(self._arrays if problem.style == "arrays" else self._scalars)(inputs))
        self.calls: dict[str, _Call] = {}

    @classmethod
    def load(cls) -> None:
        """Import CasADi."""
        importlib.import_module("casadi")

    def _scalars(self, inputs: list[Any]) -> list[Any]:
        return listed(self.problem.f(self.casadi, inputs))

    def _arrays(self, inputs: list[Any]) -> list[Any]:
        x = np.empty(len(inputs), dtype=object).view(Objects)
        x[:] = [Scalar(self.casadi, each) for each in inputs]
        try:
            outputs = np.ravel(np.asarray(self.problem.f(ObjectArrays(), x), dtype=object))
        except TypeError as problem:  # NumPy lacks it for objects
            raise NotImplementedError(f"casadi: {problem}") from None
        return [each.node if isinstance(each, Scalar) else each for each in outputs]

    def prepare(self, mode: str, lanes: int = 1) -> None:
        """Build the function that the mode executes."""
        casadi, reverse = self.casadi, mode == "reverse"
        seed = self.symbol.sym("seed", self.problem.n_outputs if reverse else self.problem.n_inputs)
        result = self.outputs
        if mode != "primal":
            result = casadi.jtimes(self.outputs, self.inputs, seed, reverse)
        function = casadi.Function("f", [self.inputs, seed], [casadi.densify(result)])
        self.calls[mode] = _Call(function, np.array(self.problem.x))

    def seed(self, values: Any) -> Floats:
        """A vector."""
        return np.array(values)

    def value(self) -> Floats:
        """The values, by the virtual machine."""
        return self.calls["primal"]()

    def push(self, tangent: Any) -> Floats:
        """One forward sweep."""
        self.calls["forward"].seed[:] = tangent
        return self.calls["forward"]()

    def pull(self, cotangent: Any) -> Floats:
        """One reverse sweep."""
        self.calls["reverse"].seed[:] = cotangent
        return self.calls["reverse"]()


class CasadiMX(Casadi):
    """CasADi's MX functions."""

    name = "casadi-mx"
    styles = ("scalars",)
    reach = Reach(single_ops=2**12, gradient_ops=2**16)
    includes = Includes(*3 * ("CasADi MX, built before",))
    symbols = "MX"


class _Call:
    """A CasADi function of inputs and seed, bound to buffers; the seed is to be filled in before a call."""

    def __init__(self, function: Any, x: Floats) -> None:
        self.seed = np.zeros(function.numel_in(1))
        self.out = np.zeros(function.numel_out(0))
        self._kept = (function, x)
        self._buffer, self._trigger = function.buffer()
        self._buffer.set_arg(0, x.data)
        self._buffer.set_arg(1, self.seed.data)
        self._buffer.set_res(0, self.out.data)

    def __call__(self) -> Floats:
        self._trigger()
        return self.out.copy()


# ---- functions of arrays --------------------------------------------------------------------------------------------


class Scalar:
    """A node as an element of a NumPy array of objects, of which CasADi's own types would make matrices of theirs."""

    def __init__(self, casadi: Any, node: Any) -> None:
        self.casadi, self.node = casadi, node

    def __neg__(self) -> Scalar:
        return Scalar(self.casadi, -self.node)

    def __abs__(self) -> Scalar:
        return self.of("fabs")

    def __bool__(self) -> bool:
        raise NotImplementedError("casadi: a condition is not known while the graph is built")

    def of(self, function: str, *others: Any) -> Scalar:
        """A function of CasADi, of this node and others."""
        nodes = (each.node if isinstance(each, Scalar) else each for each in others)
        return Scalar(self.casadi, getattr(self.casadi, function)(self.node, *nodes))


def _binary(name: str) -> Callable[[Scalar, Any], Any]:
    compute = getattr(operator, name, None) or (lambda a, b: getattr(operator, name[1:])(b, a))

    def method(self: Scalar, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # it takes its elements one by one
        return Scalar(self.casadi, compute(self.node, other.node if isinstance(other, Scalar) else float(other)))

    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Scalar, f"__{_name}__", _binary(_name))
    setattr(Scalar, f"__r{_name}__", _binary(f"r{_name}"))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Scalar, f"__{_name}__", _binary(_name))
for _name in ("exp", "log", "expm1", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "erf", "arctan"):
    setattr(Scalar, _name, functools.partialmethod(Scalar.of, {"arctan": "atan"}.get(_name, _name)))


class Objects(np.ndarray):
    """An array of `Scalar` whose comparisons stay nodes, where NumPy would ask each for its truth."""


def _comparison(name: str) -> Callable[[Objects, Any], Any]:
    compare = getattr(np, {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}[name])
    return lambda self, other: compare(self, other, dtype=object)


for _name in ("lt", "le", "gt", "ge"):
    setattr(Objects, f"__{_name}__", _comparison(_name))


def _chosen(condition: Any, a: Any, b: Any) -> Any:
    """One element of `where`."""
    if not isinstance(condition, Scalar):
        return a if condition else b
    return condition.of("if_else", a, b)


def _extreme(name: str) -> Any:
    """The ufunc of CasADi's `fmax` or `fmin` for objects and numbers."""
    numbers = getattr(np, name)

    def choose(a: Any, b: Any) -> Any:
        if isinstance(a, Scalar):
            return a.of(name, b)
        return b.of(name, a) if isinstance(b, Scalar) else numbers(a, b)

    return np.frompyfunc(choose, 2, 1)


class ObjectArrays:
    """NumPy's functions for arrays of `Scalar`; what would ask for a condition is given here, or refused by them."""

    maximum = _extreme("fmax")
    minimum = _extreme("fmin")
    where = np.frompyfunc(_chosen, 3, 1)

    def __getattr__(self, name: str) -> Any:
        if name == "linalg":
            raise NotImplementedError("casadi: NumPy has no linear algebra of objects")
        return getattr(np, name)

    def max(self, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The largest, along an axis or of all."""
        return self._reduced(self.maximum, a, axis, keepdims)

    def min(self, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The smallest, along an axis or of all."""
        return self._reduced(self.minimum, a, axis, keepdims)

    def _reduced(self, pair: Any, a: Any, axis: Any, keepdims: bool) -> Any:
        flat = np.ravel(a) if axis is None else a
        found = pair.reduce(flat, axis=0 if axis is None else axis, keepdims=axis is not None and keepdims)
        return np.reshape(found, (1,) * np.ndim(a)) if keepdims and axis is None else found
