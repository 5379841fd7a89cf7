"""Functions that are constant wherever they are smooth, or ask about shapes; and functions that are refused."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ad.active import FUNCTIONS, kind_of
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

# ---- refused --------------------------------------------------------------------------------------------------------

_TRANSFORMS = (
    *("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2"),
    *("fftn", "ifftn", "rfftn", "irfftn"),
)

_INSTEAD = {
    **{
        getattr(np.fft, name): "complex numbers are refused; multiply by the matrix of cosines and that of sines"
        for name in _TRANSFORMS
    },
    **dict.fromkeys((np.linalg.eig, np.linalg.eigvals), "eigenvalues may be complex; use np.linalg.eigh"),
    np.linalg.svd: "singular vectors have no derivative here; use np.linalg.svdvals, or np.linalg.eigh of x.T @ x",
    np.linalg.lstsq: "use np.linalg.pinv(a) @ b, or np.linalg.solve(a.T @ a, a.T @ b)",
    np.linalg.qr: "use np.linalg.cholesky of x.T @ x, whose transpose is r but for signs",
    np.copyto: "an array of numbers cannot take a derivative; use np.where or np.concatenate, ad.full for np.full",
    np.nan_to_num: "use np.where(np.isnan(x), 0.0, x)",
    np.append: "use np.concatenate",
    np.median: "use the middle of np.sort(x)",
}


def _refused(function: Any, instead: str) -> Any:
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)

    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{name}: has no derivative here; {instead}")

    return refuse


FUNCTIONS.update({function: _refused(function, instead) for function, instead in _INSTEAD.items()})


def _in_place(name: str, instead: str) -> Any:
    def refuse(self: Any, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{kind_of(self)}.{name}: an active array is not changed in place; {instead}")

    return refuse


Array.sort = _in_place("sort", "use np.sort(x)")  # type: ignore[attr-defined]
Array.fill = _in_place("fill", "use ad.full_like(x, value)")  # type: ignore[attr-defined]
Array.put = Array.partition = Array.resize = _in_place(  # type: ignore[attr-defined]
    "put, partition and resize", "use np.where, np.sort and np.reshape"
)
