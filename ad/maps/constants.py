"""Functions that are constant wherever they are smooth, or ask about shapes: they work on primals."""

from __future__ import annotations

import numpy as np

from ad.active import FUNCTIONS
from ad.arrays import Array, on_primals

FUNCTIONS.update(
    {
        function: on_primals(function)
        for function in (
            *(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.result_type),
            *(np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero),
            *(np.searchsorted, np.digitize, np.all, np.any, np.isclose, np.allclose, np.array_equal, np.array_equiv),
            *(np.round, np.around, np.fix),
            *(np.iscomplexobj, np.isrealobj, np.isposinf, np.isneginf, np.array_repr, np.array_str),
        )
    }
)

for _name in ("argmax", "argmin", "argsort", "nonzero", "any", "all"):
    setattr(Array, _name, on_primals(getattr(np, _name)))
