"""The rest of the array API: names of constants and of functions without derivatives, and second names of those with.

With these `ad` is a namespace `xp` for functions written as `f(xp, x)`.  What makes arrays makes constants; only
`asarray` may be given active numbers, and stacks them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.active import FUNCTIONS, UFUNCS, Active, functions
from ad.arrays import MAPS, dtype_of, shape_of


def asarray(obj: Any, dtype: Any = None, *, copy: Any = None) -> Any:
    """An array: plain data as `np.asarray` makes it; an active array as it is; lists with active numbers are stacked.

    Raises:
        TypeError: an active array is of another type of numbers than `dtype`.
    """
    if isinstance(obj, Active):
        return astype(obj, dtype_of(obj) if dtype is None else dtype)
    if isinstance(obj, list | tuple) and _has_active(obj):
        return astype(MAPS["stack"]([asarray(x) for x in obj]), dtype or np.float64)
    return np.asarray(obj, dtype, copy=copy)


def _has_active(items: Any) -> bool:
    return any(isinstance(x, Active) or (isinstance(x, list | tuple) and _has_active(x)) for x in items)


def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    """An array in another type of numbers; an active one only in its own.

    Raises:
        TypeError: an active array would have to be converted.
    """
    if not isinstance(x, Active):
        return np.asarray(x).astype(dtype, copy=copy)
    if np.dtype(dtype) != dtype_of(x):
        raise TypeError(f"astype: dtype: got {np.dtype(dtype)}, expected {dtype_of(x)}, the active array's own")
    return x


def full(shape: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    """An array with one number everywhere, which may be active."""
    if isinstance(fill_value, Active):
        return MAPS["broadcast_to"](astype(fill_value, dtype or dtype_of(fill_value)), shape)
    return np.full(shape, fill_value, dtype)


def full_like(x: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    """An array of the shape of `x` with one number everywhere, which may be active."""
    if isinstance(fill_value, Active):
        return full(shape_of(x), fill_value, dtype=dtype)
    return np.full(shape_of(x), fill_value, dtype or dtype_of(x))


FUNCTIONS[np.full_like] = full_like

PLAIN = {
    name: getattr(np, name)
    for name in (
        *("arange", "empty", "eye", "identity", "linspace", "ones", "tri", "zeros"),
        *("broadcast_shapes", "can_cast", "finfo", "iinfo", "isdtype"),
    )
}
"""What has nothing to do with active values."""

CONSTANTS = {name: getattr(np, name) for name in ("e", "inf", "nan", "newaxis", "pi")}
TYPES = {
    name: getattr(np, name)
    for name in ("bool", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
}

FLAT = {
    name: (UFUNCS | FUNCTIONS)[getattr(np, name)]
    for name in (
        *("all", "any", "argmax", "argmin", "argsort", "count_nonzero", "nonzero", "searchsorted", "result_type"),
        *("ceil", "floor", "round", "trunc", "equal", "not_equal", "greater", "greater_equal", "less", "less_equal"),
        *("isfinite", "isinf", "isnan", "signbit", "logical_and", "logical_not", "logical_or", "logical_xor"),
        *("empty_like", "ones_like", "zeros_like", "array_equal", "allclose", "isclose"),
    )
}
"""Functions whose values are constants wherever they are smooth."""

SECOND = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "negative": "neg",
    "power": "pow",
    "arctan2": "atan2",
    **{f"arc{name}": f"a{name}" for name in ("cos", "sin", "tan", "cosh", "sinh", "tanh")},
    "concat": "concatenate",
    "permute_dims": "transpose",
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "cumulative_sum": "cumsum",
    "cumulative_prod": "cumprod",
}
"""Second names of ops and maps: the standard's, or NumPy's."""

for _function, _name in ((np.amax, "max"), (np.amin, "min"), (np.cumulative_sum, "cumsum")):
    FUNCTIONS[_function] = MAPS[_name]

STANDARD: dict[str, Any] = {
    "asarray": asarray,
    "array": asarray,
    "astype": astype,
    "positive": lambda x: x if isinstance(x, Active) else np.positive(x),
    "full": full,
    "full_like": full_like,
    **PLAIN,
    **CONSTANTS,
    **TYPES,
    **FLAT,
    **{name: (functions | MAPS)[of] for name, of in SECOND.items()},
}
"""All of them, by their names in this package."""
