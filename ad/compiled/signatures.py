"""What compiled functions take and give: the annotations of their parameters, and the machine's types for them.

A compiled function's `def` line is its signature, and the only place where it is written.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[Any]  # instructions: words of 16 or 32 bits, see `ad.compiled.slots`
LongWords = NDArray[np.uint32]
Floats = NDArray[np.float64]
Nodes = NDArray[np.int32]
Bytes = NDArray[np.uint8]
Float = Any
Count = Any
Index = Any  # unsigned, since a negative index has a meaning, and asking for it costs time

_TYPES = {
    "Words": "uint{word}[::1]",
    "LongWords": "uint32[::1]",
    "Floats": "float64[::1]",
    "Nodes": "int32[::1]",
    "Bytes": "uint8[::1]",
    "Count": "int64",
    "Index": "uint64",
}


def signature(function: Callable[..., Any], word: int) -> str:
    """A function's signature for programs of `word`-bit words, as numba reads it."""
    parameters = inspect.signature(function).parameters.values()
    return f"({', '.join(_TYPES[p.annotation] for p in parameters)})".format(word=word)
