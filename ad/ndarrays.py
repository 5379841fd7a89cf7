"""The op set on plain NumPy arrays: NumPy's function where it has one, else the row's text, which is NumPy already.

Nothing here knows of derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ad.ops import CONSTANTS, OPS, Op
from ad.scalars import build

DOUBLE = np.dtype(np.float64)

_NAMES = {"sub": "subtract", "mul": "multiply", "div": "divide", "neg": "negative"}

UFUNCS: dict[str, Any] = {
    name: ufunc for name in OPS if isinstance(ufunc := getattr(np, _NAMES.get(name, name), None), np.ufunc)
}
"""NumPy's function for each op that it has."""

SCIPY = {"erf": "erf", "expit": "sigmoid"}
"""The op behind each function of `scipy.special` that is one."""


def erf(x: Any) -> Any:
    """The error function, which NumPy has not."""
    from scipy import special  # here, so that `import ad` does not wait for SciPy

    return special.erf(x)


def power(x: Any, y: Any) -> Any:
    """`x ** y`, where the operator has short cuts, as for squares; `x` itself for an exponent of 1."""
    return x if isinstance(y, float | int | np.float32) and y == 1 else x**y


compiled: Callable[[], dict[str, Callable[[Any, Any], None]]] = dict
"""What there is of compiled functions of many numbers, `f(x, out)`, by op; `ad.compiled` puts its own here."""

MANY = 128
"""From how many numbers on these are faster than NumPy's."""


def _vectorised(name: str) -> Callable[[Any], Any]:
    """An op that NumPy computes number by number: compiled, where it can be, for arrays of many float64."""
    ufunc = UFUNCS[name]

    def function(x: Any) -> Any:
        if type(x) is np.ndarray and x.dtype is DOUBLE and x.size >= MANY and x.flags.aligned:
            quick = compiled().get(name)
            if quick is not None:
                out = np.empty(x.shape)
                quick(x.ravel(), out.reshape(-1))
                return out
        return ufunc(x)

    return function


VECTORISED = {name: _vectorised(name) for name in ("sin", "cos")}


def names(scope: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the expressions of rows refer to on arrays, under the names of `renamed()`.

    Args:
        scope: functions for the ops that NumPy has not; those on plain arrays if None.
    """
    others = ARRAYS if scope is None else scope
    found = {name: UFUNCS.get(name) or others.get(name) for name in {*OPS, *others}}
    found |= {"pow": power, "where": np.where, **VECTORISED}
    return CONSTANTS | {f"_{name}": function for name, function in found.items()}


def renamed() -> dict[str, str]:
    """The names in an expression on arrays: primals `xp`, `yp`, functions `_sin`, ..."""
    return {"x": "xp", "y": "yp", **{name: f"_{name}" for name in {*OPS, *ARRAYS}}}


def value_source(row: Op, numbers: frozenset[str] = frozenset()) -> str:
    """Source of an op's value on plain arrays `xp`, `yp`, of which some may be single numbers."""
    if row.name == "erf" or (row.name in UFUNCS and not row.value.arithmetic):
        return f"_{row.name}({', '.join(f'{p}p' for p in row.params)})"
    return row.value.numpy(renamed(), numbers)


ARRAYS: dict[str, Callable[..., Any]] = {**UFUNCS, **VECTORISED, "erf": erf, "where": np.where}
"""Each op's value on plain arrays."""

for _row in OPS.values():
    if _row.name not in ARRAYS:
        _params = ", ".join(f"{p}p" for p in _row.params)
        _source = f"def {_row.name}({_params}):\n    return {value_source(_row)}\n"
        ARRAYS[_row.name] = np.errstate(all="ignore")(build(_row.name, _source, names(), f"ARRAYS.{_row.name}"))

FLOATING = frozenset(map(np.dtype, (np.float64, np.float32)))
"""The types of numbers that can carry a derivative."""


def require_numbers(name: str, x: Any) -> None:
    """Refuse an array that does not hold real numbers.

    Raises:
        TypeError: its elements are complex, times, text or objects; the message names the argument.
    """
    if x.dtype.kind not in "fiub" or x.dtype.char == "g":
        raise TypeError(f"{name}: got an array of {x.dtype}, expected one of real numbers")


def plain(name: str, x: Any) -> Any:
    """An array of NumPy's own class, so that arithmetic on it is NumPy's.

    Raises:
        TypeError: it has masks, or is a matrix or of another class with arithmetic of its own; the message names the
            argument.
    """
    if type(x) is np.memmap:
        return x.view(np.ndarray)
    if type(x) is not np.ndarray:
        raise TypeError(f"{name}: got {type(x).__name__}, expected a plain NumPy array")
    return x


def beside_array(name: str, x: Any) -> Any:
    """A constant that stands beside an array: a list or tuple of numbers as an array, anything else as it is.

    Raises:
        TypeError: it is an array of another library, such as a Series; the message names the op.
    """
    if isinstance(x, list | tuple):
        return np.asarray(x)
    if hasattr(x, "__array__") and not isinstance(x, np.generic):
        raise TypeError(f"{name}: got {type(x).__name__}, expected a plain NumPy array, as np.asarray makes one of it")
    return x


def floating(name: str, x: Any) -> Any:
    """An array that can carry a derivative: float64 and float32 as they are, integers as float64, in native bytes.

    Raises:
        TypeError: it holds something else, or is of a class that NumPy would not treat as an array; the message names
            the argument.
    """
    if type(x) is np.ndarray and x.dtype is DOUBLE:
        return x
    x = plain(name, x)
    if x.dtype in FLOATING:
        return x
    if x.dtype.kind in "iu":
        return x.astype(np.float64)
    if (native := x.dtype.newbyteorder("=")) in FLOATING:
        return x.astype(native)
    raise TypeError(f"{name}: got an array of {x.dtype}, expected one of float64, float32 or integers")
