"""Arguments of compiled programs as float64 arrays, or a one-line error that names the argument."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ad.compiled.signatures import Floats

_FLOAT64 = np.dtype(np.float64)


def numbers(name: str, value: ArrayLike) -> Floats:
    """A contiguous, aligned and writeable array of float64: `value` itself if it is one, else a copy.

    Raises:
        TypeError: `value` is not (an array of) real numbers.
    """
    if type(value) is np.ndarray and value.dtype is _FLOAT64 and value.flags.carray:
        return value
    try:
        array = np.asarray(value)
    except ValueError:
        raise TypeError(f"{name}: got lists of different lengths, expected real numbers") from None
    if array.dtype.kind not in "fiu" and array.size:
        raise TypeError(f"{name}: got {array.dtype}, expected real numbers")
    return np.array(array, dtype=np.float64, order="C")


def vector(name: str, value: ArrayLike, size: int) -> Floats:
    """An array of shape `(size,)`; see `numbers`.

    Raises:
        TypeError: `value` is not real numbers.
        ValueError: it has another shape.
    """
    array = numbers(name, value)
    if array.shape != (size,):
        raise ValueError(f"{name}: got shape {array.shape}, expected ({size},)")
    return array
