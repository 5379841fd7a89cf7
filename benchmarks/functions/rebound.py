"""A function written for NumPy or for `math`, run on the functions of another engine.

    g = rebound(f, jax.numpy)

A function finds NumPy, `math`, what was imported from them, and constant arrays by the names of its module, or imports
them itself.  What is returned is a copy of the function that finds the engine's instead.  The same is done with all
that belongs to its module and that it reaches: functions that it calls or closes over, and methods and attributes of
objects.  A bound method, an object that is called and a `functools.partial` are functions like others.  The module
itself and its objects are not touched.  Nothing here differentiates or measures.
"""

from __future__ import annotations

import builtins
import copy
import dis
import functools
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
        if ours is None and theirs is np.array and hasattr(self.xp, "stack"):
            return self._array
        if ours is None and callable(theirs) and not isinstance(theirs, type):
            raise NotImplementedError(f"has no {self.module.__name__}.{name}")
        return theirs if ours is None else ours

    def _array(self, values: Any) -> Any:
        """`np.array`, whose like in the array API, `asarray`, takes no lists of the engine's own numbers."""
        if isinstance(values, list | tuple):
            return self.xp.stack([self._array(each) for each in values])
        return self.xp.asarray(values)


SYNONYMS = {"fabs": "abs", "fsum": "sum"}
"""What `math` calls otherwise than NumPy."""


def uses(f: Callable[..., Any]) -> set[str]:
    """Which of `numpy` and `math` a function's module has names for, among those that the function mentions."""
    written = _written(f)
    names = getattr(written, "__globals__", {})
    code = getattr(written, "__code__", None)
    origins = {_origin(names[name]) for name in set(_names(code)) & names.keys()} | set(_names(code, ("IMPORT_NAME",)))
    return {"numpy", "math"} & {origin.partition(".")[0] for origin in origins}


def modules(f: Callable[..., Any]) -> set[str]:
    """Which of `numpy` and `math` `rebound` finds in all that a function reaches, imports inside functions included."""
    reached = _reached(f)
    codes = [each.__code__ for each in reached if isinstance(each, types.FunctionType)]
    imported = [name for code in codes for name in _names(code, ("IMPORT_NAME",))]
    return {"numpy", "math"} & {origin.partition(".")[0] for origin in [*map(_origin, reached), *imported]}


def constants(f: Callable[..., Any]) -> list[np.ndarray[Any, Any]]:
    """The arrays that a function finds: in its module, in what it closes over, in the objects and functions there."""
    return [each for each in _reached(f) if isinstance(each, np.ndarray)]


def _reached(f: Callable[..., Any]) -> list[Any]:
    """The function, and everything of its module that it reaches, each once."""
    found: dict[int, Any] = {}
    home = getattr(_written(f), "__globals__", {})

    def visit(value: Any) -> None:
        if id(value) in found:
            return
        found[id(value)] = value
        for part in _parts(value, home):
            visit(part)
        if isinstance(value, types.FunctionType) and value.__globals__ is home:
            for part in [home[name] for name in _names(value.__code__) if name in home]:
                visit(part)
            for cell in value.__closure__ or ():
                visit(cell.cell_contents)

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
    home = getattr(_written(f), "__globals__", {})
    bound: Callable[..., Any] = _Binding(xp, modules, arrays or {}).value(f, home)
    return bound


class _Binding:
    """One namespace that functions are being bound to, and what has been bound so far."""

    def __init__(self, xp: Any, modules: tuple[types.ModuleType, ...], arrays: dict[int, Any]) -> None:
        self.arrays = arrays
        self.namespaces = {module.__name__: Namespace(_part(xp, module), module) for module in modules}
        self.names: dict[int, dict[str, Any]] = {}
        self.bound: dict[int, Any] = {}
        self.builtins = {**vars(builtins), "__import__": self._imported}

    def _imported(self, name: str, *arguments: Any) -> Any:
        """What `import` gives inside a function."""
        module = builtins.__import__(name, *arguments)
        return self.namespaces.get(module.__name__, module)

    def value(self, value: Any, home: dict[str, Any]) -> Any:
        """What a name, a closure's cell or an attribute shall hold."""
        if id(value) in self.bound:
            return self.bound[id(value)]
        origin = _origin(value)
        if origin in self.namespaces:
            namespace = self.namespaces[origin]
            return namespace if isinstance(value, types.ModuleType) else getattr(namespace, value.__name__)
        if isinstance(value, types.FunctionType) and value.__globals__ is home:
            return _function(value, self)
        if isinstance(value, types.MethodType):
            return types.MethodType(self.value(value.__func__, home), self.value(value.__self__, home))
        if isinstance(value, functools.partial):
            arguments = (self.value(each, home) for each in value.args)
            named = {name: self.value(each, home) for name, each in value.keywords.items()}
            return functools.partial(self.value(value.func, home), *arguments, **named)
        if _is_class_of(value, home):
            return _class(value, home, self)
        if _is_class_of(type(value), home):
            return _object(value, home, self)
        return self.arrays.get(id(value), value)


def _class(old: type, home: dict[str, Any], binding: _Binding) -> type:
    """A class beneath another, with the methods of that bound anew; what it inherits is bound in classes beside it.

    `super()` in a method goes on behind the class that the method was written in, and so meets those.
    """
    beside = [binding.value(base, home) for base in old.__bases__ if _is_class_of(base, home)]
    new = binding.bound[id(old)] = type(old.__name__, (old, *beside), {"__slots__": (), "__module__": old.__module__})
    for name, held in vars(old).items():
        if isinstance(held, staticmethod | classmethod):
            setattr(new, name, type(held)(binding.value(held.__func__, home)))
        elif isinstance(held, property):
            setattr(new, name, property(binding.value(held.fget, home), held.fset, held.fdel))
        elif isinstance(held, types.FunctionType | np.ndarray):
            setattr(new, name, binding.value(held, home))
    return new


def _object(old: Any, home: dict[str, Any], binding: _Binding) -> Any:
    """A copy of an object, of the class bound anew, with its attributes bound anew.

    Raises:
        NotImplementedError: it cannot be copied, or its copy cannot get another class.
    """
    try:
        new = binding.bound[id(old)] = copy.copy(old)
        object.__setattr__(new, "__class__", binding.value(type(old), home))
        for name, held in _attributes(old).items():
            object.__setattr__(new, name, binding.value(held, home))
    except (AttributeError, TypeError) as problem:
        raise NotImplementedError(f"cannot be given a copy of a {type(old).__name__}: {problem}") from problem
    return new


def _function(f: types.FunctionType, binding: _Binding) -> types.FunctionType:
    home = f.__globals__
    names = binding.names.get(id(home))
    if names is None:
        names = binding.names[id(home)] = {**home, "__builtins__": binding.builtins}
    cells = tuple(types.CellType() for _ in f.__closure__ or ())
    bound = types.FunctionType(f.__code__, names, f.__name__, f.__defaults__, cells)
    bound.__kwdefaults__ = f.__kwdefaults__
    binding.bound[id(f)] = bound
    for name in _names(f.__code__):
        if name in home:
            names[name] = binding.value(home[name], home)
    for name, cell, old in zip(f.__code__.co_freevars, cells, f.__closure__ or (), strict=True):
        held = old.cell_contents
        cell.cell_contents = held if name == "__class__" else binding.value(held, home)  # which `super()` starts from
    return bound


def _written(f: Any) -> Any:
    """The function in Python that is behind a callable: of a partial, a bound method, an object that is called."""
    while isinstance(f, functools.partial):
        f = f.func
    if isinstance(f, types.FunctionType | types.MethodType | types.BuiltinFunctionType | np.ufunc | type):
        return f  # a bound method has the names of its function
    return getattr(type(f), "__call__", f)  # noqa: B004 -- the method of its class, which is what is called


def _parts(value: Any, home: dict[str, Any]) -> list[Any]:
    """What may be bound anew inside something that is no function: arguments, attributes, methods."""
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [value.fget]
    if _is_class_of(value, home):
        return [*vars(value).values(), *value.__bases__]
    return [*_attributes(value).values(), type(value)] if _is_class_of(type(value), home) else []


def _attributes(value: Any) -> dict[str, Any]:
    """An object's own attributes, those in slots included."""
    slots = [name for each in type(value).__mro__ for name in _listed(vars(each).get("__slots__", ()))]
    return {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots if hasattr(value, name)}}


def _listed(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else [name for name in slots if name not in ("__dict__", "__weakref__")]


def _is_class_of(value: Any, home: dict[str, Any]) -> bool:
    """Whether something is a plain class that was written in a module."""
    return type(value) is type and value.__module__ == home.get("__name__")


def _names(code: Any, steps: tuple[str, ...] = ("LOAD_GLOBAL", "LOAD_NAME")) -> list[str]:
    """The global names that some code mentions, or imports, that of functions inside it included."""
    if code is None:
        return []
    mentioned = [step.argval for step in dis.get_instructions(code) if step.opname in steps]
    inner = [name for const in code.co_consts if isinstance(const, types.CodeType) for name in _names(const, steps)]
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
    if module is not np.linalg:
        return xp
    try:
        return getattr(xp, "linalg", None)
    except NotImplementedError:  # which says so: what is not there is missed where it is used
        return None
