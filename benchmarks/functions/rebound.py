"""A function written for NumPy or for `math`, run on the functions of another engine.

    g = rebound(f, jax.numpy)

Where the names of a function's module mean NumPy, `math`, something imported from them, or an array, they are bound
anew in a copy of those names; so are they in the functions of the same module that it calls, and in those it closes
over.  The module itself is not touched.  Nothing here differentiates or measures.
"""

from __future__ import annotations

import dis
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

import ad

MODULES = (np, np.linalg, math)


class Namespace:
    """What an engine has of a module, under the module's names: its functions, and the module's constants.

    Attributes:
        xp: the engine's.
        module: NumPy, a part of it, or `math`.
    """

    def __init__(self, xp: Any, module: types.ModuleType) -> None:
        self.xp, self.module = xp, module

    def __getattr__(self, name: str) -> Any:
        theirs = getattr(self.module, name)
        ours = getattr(self.xp, SYNONYMS.get(name, name), None)
        if isinstance(theirs, types.ModuleType):
            return Namespace(ours, theirs) if ours is not None else theirs
        if ours is None and callable(theirs) and not isinstance(theirs, type):
            raise NotImplementedError(f"has no {self.module.__name__}.{name}")
        return theirs if ours is None else ours


SYNONYMS = {"fabs": "abs", "fsum": "sum"}
"""What `math` calls otherwise than NumPy."""


def uses(f: Callable[..., Any]) -> set[str]:
    """Which of `numpy` and `math` a function's module has names for, among those that the function mentions."""
    names = getattr(f, "__globals__", {})
    mentioned = set(_names(getattr(f, "__code__", None)))
    return {origin.partition(".")[0] for name in mentioned & names.keys() if (origin := _origin(names[name]))}


def constants(f: Callable[..., Any]) -> list[np.ndarray[Any, Any]]:
    """The arrays that a function finds in its module or closes over, those of the functions it calls there included."""
    found: dict[int, np.ndarray[Any, Any]] = {}
    seen: set[int] = set()

    def visit(f: Any) -> None:
        if not isinstance(f, types.FunctionType) or id(f) in seen:
            return
        seen.add(id(f))
        home = f.__globals__
        values = [home[name] for name in _names(f.__code__) if name in home]
        for value in [*values, *(cell.cell_contents for cell in f.__closure__ or ())]:
            if isinstance(value, np.ndarray):
                found[id(value)] = value
            elif isinstance(value, types.FunctionType) and value.__globals__ is home:
                visit(value)

    visit(f)
    return list(found.values())


def rebound(f: Callable[..., Any], xp: Any, arrays: dict[int, Any] | None = None) -> Callable[..., Any]:
    """A function on the functions of `xp` instead of NumPy's and `math`'s.

    Active values of `ad` go through NumPy as they are, and plain numbers through both: there only `math` is rebound, or
    nothing.  A callable that is not written in Python is returned as it is.

    Args:
        f: the function.
        xp: the namespace.
        arrays: what shall stand for the arrays among its `constants`, by their `id`; by default they themselves.
    """
    if xp is np or xp is ad.FLOATS:
        return f
    modules = (math,) if xp is ad else MODULES
    bound: Callable[..., Any] = _function(f, _Binding(xp, modules, arrays or {}))
    return bound


class _Binding:
    """One namespace that functions are being bound to, and what has been bound so far."""

    def __init__(self, xp: Any, modules: tuple[types.ModuleType, ...], arrays: dict[int, Any]) -> None:
        self.arrays = arrays
        self.namespaces = {module.__name__: Namespace(_part(xp, module), module) for module in modules}
        self.names: dict[int, dict[str, Any]] = {}
        self.functions: dict[int, Any] = {}

    def value(self, value: Any, home: dict[str, Any]) -> Any:
        """What a name or a closure's cell shall hold."""
        origin = _origin(value)
        if origin in self.namespaces:
            namespace = self.namespaces[origin]
            return namespace if isinstance(value, types.ModuleType) else getattr(namespace, value.__name__)
        if isinstance(value, types.FunctionType) and value.__globals__ is home:
            return _function(value, self)
        return self.arrays.get(id(value), value)


def _function(f: Any, binding: _Binding) -> Any:
    if not isinstance(f, types.FunctionType):
        return f
    if id(f) in binding.functions:
        return binding.functions[id(f)]
    home = f.__globals__
    names = binding.names.get(id(home))
    if names is None:
        names = binding.names[id(home)] = dict(home)
    cells = tuple(types.CellType() for _ in f.__closure__ or ())
    bound = types.FunctionType(f.__code__, names, f.__name__, f.__defaults__, cells)
    bound.__kwdefaults__ = f.__kwdefaults__
    binding.functions[id(f)] = bound
    for name in _names(f.__code__):
        if name in home:
            names[name] = binding.value(home[name], home)
    for cell, old in zip(cells, f.__closure__ or (), strict=True):
        cell.cell_contents = binding.value(old.cell_contents, home)
    return bound


def _names(code: Any) -> list[str]:
    """The global names that some code mentions, that of functions inside it included."""
    if code is None:
        return []
    mentioned = [step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    inner = [name for const in code.co_consts if isinstance(const, types.CodeType) for name in _names(const)]
    return [*dict.fromkeys(mentioned), *inner]


def _origin(value: Any) -> str:
    """The module that a value is, or a function comes from, if it is NumPy or `math`; else nothing."""
    if isinstance(value, types.ModuleType):
        return value.__name__ if value in MODULES else ""
    if isinstance(value, np.ufunc):
        return "numpy"
    module = str(getattr(value, "__module__", "") or "")
    if callable(value) and not isinstance(value, type) and module in {m.__name__ for m in MODULES}:
        return module
    return ""


def _part(xp: Any, module: types.ModuleType) -> Any:
    return getattr(xp, "linalg", None) if module is np.linalg else xp
