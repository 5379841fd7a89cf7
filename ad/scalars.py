"""The op set on plain Python floats: fast (`FLOATS`), and by IEEE-754 where `math` would raise (`ieee`).

Nothing here knows of derivatives.  `build`, which turns generated source into a function, serves all generated code.
"""

from __future__ import annotations

import linecache
import math
import numbers
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from ad.ops import CONSTANTS, OPS, RowError

FLOAT_ERRORS = (ValueError, OverflowError, ZeroDivisionError)
"""What `math` and `/` raise where IEEE-754 has an infinity or a NaN."""


def build(name: str, source: str, scope: dict[str, Any], title: str) -> Any:
    """Execute generated source and return what it defines as `name`; tracebacks show the source under its title."""
    filename = f"<ad {title}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), scope)
    return scope[name]


def _fast_values() -> dict[str, Callable[..., Any]]:
    """Each op's value on floats, as fast as Python can; raises where `math` raises."""
    scope: dict[str, Any] = dict(CONSTANTS)
    for row in OPS.values():
        if row.primitive:
            platform = abs if row.name == "abs" else getattr(math, row.name, None)
            if platform is None:
                raise RowError(f"op {row.name!r}: {row.value.text!r} is no formula, and `math` has no {row.name!r}")
            scope[row.name] = platform
    for row in OPS.values():
        if not row.primitive:
            source = f"def {row.name}({', '.join(row.params)}):\n    return {row.value.python()}\n"
            build(row.name, source, scope, f"FLOATS.{row.name}")
    return {name: scope[name] for name in OPS}


FAST = _fast_values()

FLOATS = SimpleNamespace(**FAST)
"""The op set on plain Python floats, at the speed of `math` (and raising where `math` raises)."""


def ieee(name: str) -> Callable[..., float]:
    """NumPy's answer for an op of the platform, or for `div`: the IEEE-754 one, at the points where `math` raises."""

    def value(*operands: float) -> float:
        ufunc = getattr(np, {"div": "divide"}.get(name, name))
        with np.errstate(all="ignore"):
            return float(ufunc(*map(np.float64, operands)))

    return value


def positive(name: str, value: Any) -> int:
    """A positive int, of Python or NumPy, as Python's.

    Raises:
        TypeError: `value` is not an int; the message names the argument.
        ValueError: it is less than 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: got {type(value).__name__}, expected a positive int")
    if value < 1:
        raise ValueError(f"{name}: got {value}, expected a positive int")
    return int(value)


def is_real(x: Any) -> bool:
    """Whether `x` is a real number, Python's or NumPy's; a bool counts as one, a time difference does not."""
    return isinstance(x, numbers.Real | np.bool) and not isinstance(x, np.timedelta64)


def real(name: str, x: Any) -> float:
    """A real number as a float.

    Raises:
        TypeError: `x` is not a real number; the message names the argument.
        OverflowError: `x` is an integer beyond the range of floats.
    """
    if not is_real(x):
        array = ", or a plain NumPy array, as np.asarray makes one of it" if hasattr(x, "__array__") else ""
        raise TypeError(f"{name}: got {type(x).__name__}, expected a real number{array}")
    try:
        return float(x)
    except OverflowError:
        raise OverflowError(f"{name}: got an {type(x).__name__} beyond the range of floats") from None
