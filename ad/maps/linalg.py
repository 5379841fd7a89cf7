"""The namespace `ad.linalg`: what NumPy and the array API have under `linalg`."""

from ad.maps.einsum import multi_dot
from ad.maps.matrices import cholesky, det, inv, matrix_power, pinv, slogdet, solve
from ad.maps.products import cross, matmul, outer, tensordot, trace, vecdot
from ad.maps.spectra import eigh, eigvalsh, norm, svdvals
from ad.maps.structure import diagonal, matrix_transpose

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_power",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "slogdet",
    "solve",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
]
