"""A function of the user's own, made a family: called once, looked at, and refused where it cannot be measured.

It is written as `f(x)`, in NumPy or in `math`, or as `f(xp, x)`.  `x` is an array, or a list of floats where the
function is written in `math`.  It has no reference: the gate checks it by differences, and modes and engines against
one another.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import io
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ad
from benchmarks.functions import catalogue
from benchmarks.functions.problem import Family, Problem, Size, around_one
from benchmarks.functions.rebound import constants, rebound, uses

SIZES = (4, 16, 64, 256, 1024)
"""Numbers of inputs in a run that names no size, of a function that has all of them."""


class FunctionError(ValueError):
    """A function, or what its inputs are made of, cannot be measured; the message is one line."""


@dataclass(frozen=True)
class Own:
    """A function of the user's own, and where it is differentiated.

    Attributes:
        name: what it is called in results.
        f: as the user wrote it.
        inputs: makes its inputs, an array or a list of floats, from a size.
        fixed: the only size it has; None where there are others.
    """

    name: str
    f: Callable[..., Any]
    inputs: Callable[[int], Any]
    fixed: int | None = None

    def family(self, sizes: tuple[int, ...] = ()) -> Family:
        """The family; `sizes` are those of a run that names none."""

        def snap(size: Any) -> Size:
            return size if self.fixed is None else self.fixed

        return Family(self.name, self.at, snap, sizes=sizes if self.fixed is None else (self.fixed,))

    def possible(self, sizes: Iterable[int]) -> tuple[int, ...]:
        """Those of some sizes that the function can have: matrices in it, say, may fit only one.

        A size is none of the function's either where the last input makes no difference, so that more are only ignored.
        """
        return tuple(size for size in sizes if self._has(size))

    def _has(self, size: int) -> bool:
        try:
            problem = self.at(size)
            moved = [*problem.x[:-1], problem.x[-1] + 0.125]
            xp, inputs = (np, np.array(moved)) if problem.style == "arrays" else (ad.FLOATS, moved)
            with np.errstate(all="ignore"):
                here, beside = (np.asarray(problem.f(xp, x), dtype=float) for x in (problem.x, inputs))
        except KeyboardInterrupt:
            raise
        except BaseException:  # beside the inputs it need not be defined, but that is no reason to go on with it
            return False
        return here.shape == beside.shape and not np.array_equal(here, beside)

    def at(self, size: Any) -> Problem:
        """The problem of one size.

        Raises:
            FunctionError: the function fails there, or gives, prints or changes what it should not.
        """
        x = _made(self.inputs, size)
        plain = functools.partial(self.f, np) if takes_namespace(self.f) else self.f
        m = _outputs(self.name, plain, x)
        data = () if takes_namespace(self.f) else tuple(constants(self.f))
        if isinstance(x, list):
            return Problem(self.name, size, _of_scalars(self.f, data), x, len(x), m, data=data)
        f = _of_arrays(self.f, data, np.shape(x))
        return Problem(self.name, size, f, x.reshape(-1), x.size, m, data=data)


def own(f: Callable[..., Any], inputs: Any, name: str | None = None, *, maker: Callable[..., Any] | None = None) -> Own:
    """A function with its inputs.

    Args:
        f: the function, `f(x)` or `f(xp, x)`.
        inputs: an array or a list of numbers; or a whole number, for that many inputs between 0.5 and 1.5.
        name: what to call it; by default as it is called.
        maker: makes the inputs, from a size or from nothing; `inputs` is then the size, or None.

    Raises:
        FunctionError: `f` takes something else, or `inputs` are not numbers.
    """
    if not callable(f):
        raise FunctionError(f"function: got {type(f).__name__}, expected a function f(x) or f(xp, x)")
    if name is None:
        written = getattr(f, "func", f)  # of a `functools.partial`
        name = str(getattr(written, "__name__", type(written).__name__)).strip("<>")
    name = f"own-{name}" if name in catalogue.FAMILIES else name
    if maker is not None:
        sized = inputs is not None and any(
            p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in inspect.signature(maker).parameters.values()
        )
        if sized:
            return Own(name, f, maker)
        return own(f, _made(maker), name)
    if isinstance(inputs, int) and not isinstance(inputs, bool):
        listed = uses(f) == {"math"}
        return Own(name, f, lambda n: around_one(n) if listed else np.array(around_one(n)))
    x = _inputs(inputs)
    return Own(name, f, lambda _: x, max(1, int(np.size(x))))


def load(where: str) -> Callable[..., Any]:
    """The function that `FILE.py:FUNCTION` names, or the method that `FILE.py:OBJECT.METHOD` does.

    Raises:
        FunctionError: there is no such file or function, or importing the file fails.
    """
    path, colon, name = where.rpartition(":")
    file = Path(path)
    names = name.split(".")
    if not colon or not all(each.isidentifier() for each in names):
        raise FunctionError(f"function: got {where!r}, expected FILE.py:FUNCTION")
    if not file.is_file():
        raise FunctionError(f"function: there is no file {path!r}")
    spec = importlib.util.spec_from_file_location(f"own_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise FunctionError(f"function: {path!r} is no file of Python, expected FILE.py:FUNCTION")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    before = sys.path[:]
    sys.path.insert(0, str(file.resolve().parent))  # as for a script, so that it can import its neighbours
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        raise FunctionError(f"function: importing {path!r} raised {_said(problem)}{_line(problem, path)}") from problem
    finally:
        sys.path[:] = before
    try:
        f = functools.reduce(getattr, names, module)
    except AttributeError:
        f = None
    if not callable(f):
        own = (key for key, value in vars(module).items() if getattr(value, "__module__", "") == spec.name)
        there = ", ".join(own) or "none"
        raise FunctionError(f"function: {path!r} has no function {name!r}; there are {there}")
    if isinstance(f, type):
        raise FunctionError(f"function: {name} is a class; name an object of it, or a method of one: OBJECT.METHOD")
    return f


def read(where: str, at: str | None = None, size: int | None = None) -> Own:
    """A function in a file, with its inputs.

    Args:
        where: `FILE.py:FUNCTION`.
        at: a file `.npy` with the inputs; or the function that makes them, in the same file or as `FILE.py:FUNCTION`,
            from a size or from nothing; by default any number of inputs between 0.5 and 1.5.
        size: of the function, if it has sizes.

    Raises:
        FunctionError: a file or a function is missing, or is not what it should be.
    """
    f, name = load(where), where.rpartition(":")[2].rpartition(".")[2]
    if at is None:
        return own(f, size or SIZES[0], name)
    if at.endswith(".npy"):
        try:
            x = np.load(at, allow_pickle=False)
        except (OSError, ValueError) as problem:
            raise FunctionError(f"inputs: {at!r} cannot be read: {_said(problem)}") from None
        return own(f, x, name)
    try:
        maker = load(at if ":" in at else f"{where.rpartition(':')[0]}:{at}")
    except FunctionError as problem:
        why = "" if "expected FILE.py" in str(problem) else str(problem).removeprefix("function") + "; "
        raise FunctionError(f"at{why or f': got {at!r}, '}expected FILE.npy, or what makes the inputs") from None
    return own(f, size or SIZES[0], name, maker=maker)


def known(where: str, at: str | None = None) -> Family:
    """The family of a function in a file, which the catalogue then knows, and the processes that measure memory.

    Raises:
        FunctionError: as `read`.
    """
    for name, given in _KNOWN.items():
        if given == (where, at):
            return catalogue.FAMILIES[name]
    function = read(where, at)
    family = function.family(function.possible(SIZES) if function.fixed is None else ())
    if not family.sizes:
        family = function.family(SIZES)  # its error says what happens at the first of them, unless a size is named
    catalogue.add(family)
    _KNOWN[family.name] = where, at
    return family


def origin(name: str) -> tuple[str, str | None] | None:
    """What `known` was given for a family, so that another process can be told; None for any other family."""
    return _KNOWN.get(name)


_KNOWN: dict[str, tuple[str, str | None]] = {}


# ---- how it is called -----------------------------------------------------------------------------------------------


def takes_namespace(f: Callable[..., Any]) -> bool:
    """Whether a function is written as `f(xp, x)`, rather than as `f(x)`.

    Raises:
        FunctionError: it is neither.
    """
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # written in C, say
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in positional if p.default is p.empty]
    if len(needed) <= 1 and len(positional) >= 1:
        return False
    if len(needed) == 2 and needed[0] == "xp":
        return True
    if needed[:1] == ["self"]:
        name = getattr(f, "__name__", "METHOD")
        raise FunctionError(f"function: {name} takes self; name the method of an object: OBJECT.{name}")
    needed += [f"*{p.name}" for p in parameters if p.kind is p.VAR_POSITIONAL]
    raise FunctionError(
        f"function: takes ({', '.join(needed)}), expected f(x) or f(xp, x); put several inputs into one array"
    )


def _on(f: Callable[..., Any], arrays: Sequence[Any]) -> Callable[..., Callable[[Any], Any]]:
    """From a namespace, and what stands there for the function's `constants`, to the function of x alone.

    It is bound once for each.
    """
    bound: dict[tuple[int, ...], tuple[Any, Callable[[Any], Any]]] = {}

    def on(xp: Any, data: tuple[Any, ...]) -> Callable[[Any], Any]:
        key = (id(xp), *map(id, data))
        if key not in bound:
            if takes_namespace(f):
                call: Callable[[Any], Any] = functools.partial(f, xp)
            else:
                call = rebound(f, xp, {id(old): new for old, new in zip(arrays, data, strict=True)})
            bound[key] = (xp, data), call  # which keeps what the key is made of
        return bound[key][1]

    return on


def _of_scalars(f: Callable[..., Any], arrays: Sequence[Any]) -> Callable[..., Any]:
    on = _on(f, arrays)

    def of_scalars(xp: Any, x: Any, *data: Any) -> Any:
        out = on(xp, data)(x)
        return list(out) if isinstance(out, tuple) else out

    return of_scalars


def _of_arrays(f: Callable[..., Any], arrays: Sequence[Any], shape: tuple[int, ...]) -> Callable[..., Any]:
    on = _on(f, arrays)

    def of_arrays(xp: Any, x: Any, *data: Any) -> Any:
        out = on(xp, data)(x if len(shape) == 1 else xp.reshape(x, shape))
        if isinstance(out, list | tuple):
            out = xp.stack([each if hasattr(each, "shape") else xp.asarray(each) for each in out])
        return xp.reshape(out, (-1,)) if getattr(out, "ndim", 0) > 1 else out

    return of_arrays


# ---- what is looked at ----------------------------------------------------------------------------------------------


def _inputs(x: Any) -> Any:
    """Inputs as a family has them: a list of floats, or an array of float64.

    Raises:
        FunctionError: they are something else.
    """
    array = np.asarray(x)
    if array.dtype.kind not in "fiu" or not array.size:
        raise FunctionError(f"inputs: got {type(x).__name__} of {array.dtype}, expected an array of numbers, not empty")
    array = np.array(array, dtype=np.float64)
    if not np.isfinite(array).all():
        raise FunctionError("inputs: not all are finite")
    if isinstance(x, list | tuple) and array.ndim == 1:
        return array.tolist()
    return array if array.ndim else array.reshape(1)


def _made(maker: Callable[..., Any], *size: int) -> Any:
    """Inputs from the function that makes them.

    Raises:
        FunctionError: it raises, or gives something else than numbers.
    """
    try:
        return _inputs(maker(*size))
    except (FunctionError, KeyboardInterrupt):
        raise
    except BaseException as problem:
        raise FunctionError(f"inputs: what makes them raised {_said(problem)}") from problem


def _outputs(name: str, f: Callable[[Any], Any], x: Any) -> int:
    """How many numbers the function gives, after looking at two calls of it.

    Raises:
        FunctionError: see the module's text.
    """
    before, printed, given = np.array(x), io.StringIO(), []
    for _ in range(2):
        try:
            with contextlib.redirect_stdout(printed), np.errstate(all="ignore"):
                out = f(x)
        except (FunctionError, KeyboardInterrupt):
            raise
        except BaseException as problem:  # SystemExit, too, is no way to give a value
            raise FunctionError(
                f"function: {name} raised {_said(problem)}{_line(problem)} at inputs of shape {np.shape(x)}"
            ) from problem
        given.append(_numbers(name, out))
    if not np.array_equal(before, np.array(x)):
        raise FunctionError(f"function: {name} changes its inputs, expected one that leaves x as it is; work on a copy")
    if text := printed.getvalue():
        raise FunctionError(f"function: {name} prints {text.splitlines()[0]!r}, which would be timed, too; take it out")
    if given[0].shape != given[1].shape or not np.array_equal(given[0], given[1], equal_nan=True):
        raise FunctionError(
            f"function: {name} gives different results at the same inputs; fix the seed of what is random"
        )
    if not np.isfinite(given[0]).all():
        raise FunctionError(f"function: {name} gives {given[0][~np.isfinite(given[0])][0]}, expected finite numbers")
    if not given[0].any():
        raise FunctionError(f"function: {name} gives nothing but zeros, which shows nothing; choose other inputs")
    return int(given[0].size)


def _numbers(name: str, out: Any) -> Any:
    """What a function gave, as a vector."""
    if inspect.iscoroutine(out):
        out.close()  # or Python warns that nobody waited for it
    try:
        array = np.asarray(out)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fiu" or not array.size:
        what = type(out).__name__ + (f" of {array.dtype}" if isinstance(out, np.ndarray) else "")
        what += " that is empty" if array.dtype.kind in "fiu" else ""
        raise FunctionError(f"function: {name} gives {what}, expected a real number, or an array or list of such")
    return array.astype(np.float64).reshape(-1)


def _said(problem: BaseException) -> str:
    first_line, *_ = str(problem).strip().split("\n", 1)
    return f"{type(problem).__name__}: {first_line}"[:160]


def _line(problem: BaseException, path: str | None = None) -> str:
    """Where it was raised: the last line reached of a file, by default of the one that has the user's function."""
    frames = traceback.extract_tb(problem.__traceback__)[1:]  # the first is the call of it
    file = path or (frames[0].filename if frames else "")
    lines = [frame.lineno for frame in frames if Path(frame.filename) == Path(file)]
    return f" ({Path(file).name}, line {lines[-1]})" if lines else ""
