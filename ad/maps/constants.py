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
            *(np.round, np.around, np.fix, np.isin, np.lexsort),
            *(np.iscomplexobj, np.isrealobj, np.isposinf, np.isneginf, np.array_repr, np.array_str),
        )
    }
)

for _name in ("argmax", "argmin", "argsort", "nonzero", "any", "all", "round"):
    setattr(Array, _name, on_primals(getattr(np, _name)))

FUNCTIONS[np.copy] = FUNCTIONS[np.real] = lambda x, *_, **__: x  # an active array is not changed in place

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
    **dict.fromkeys((np.append, np.insert), "use np.concatenate"),
    np.delete: "use an index of what is to stay",
    np.resize: "use np.tile and a slice",
    np.median: "use the middle of np.sort(x)",
    **dict.fromkeys((np.percentile, np.quantile), "use np.sort(x) at an index, or between two"),
    **dict.fromkeys((np.nansum, np.nanmean, np.nanprod), "use np.where(np.isnan(x), 0.0, x), and the sum of that"),
    **dict.fromkeys((np.nanmax, np.nanmin), "use np.max or np.min of np.where(np.isnan(x), value, x)"),
    **dict.fromkeys((np.piecewise, np.select, np.choose), "use np.where, nested"),
    **dict.fromkeys((np.apply_along_axis, np.apply_over_axes), "use np.stack([f(row) for row in x])"),
    **dict.fromkeys((np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal), "use np.where"),
    **dict.fromkeys((np.save, np.savetxt, np.savez), "save x.primal"),
    np.linspace: "use start + np.linspace(0, 1, n) * (stop - start)",
    np.interp: "use np.searchsorted for the interval, and np.where",
    np.convolve: "use a sum of products of slices, or of np.roll",
    np.block: "use np.concatenate",
}


def _refused(function: Any, instead: str) -> Any:
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)

    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{name}: has no derivative here; {instead}")

    return refuse


FUNCTIONS.update({function: _refused(function, instead) for function, instead in _INSTEAD.items()})


def _in_place(name: str, instead: str) -> Any:
    def refuse(self: Any, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"{name}: got {kind_of(self)}, which is not changed in place; {instead}")

    return refuse


Array.sort = _in_place("sort", "use np.sort(x)")  # type: ignore[attr-defined]
Array.fill = _in_place("fill", "use ad.full_like(x, value)")  # type: ignore[attr-defined]
Array.put = Array.partition = Array.resize = _in_place(  # type: ignore[attr-defined]
    "put, partition and resize", "use np.where, np.sort and np.reshape"
)
