"""Functions of whole arrays, by NumPy's names.

Each is declared by a transpose (`ad.linear`), a partial (`ad.reductions`) or a tangent (`ad.differential`), or is
composed of others.  One file per kind; importing this package declares them all, in `ad.arrays.MAPS`.
"""

from ad.maps import (  # noqa: F401
    arranging,
    constants,
    einsum,
    indexing,
    linalg,
    matrices,
    products,
    reductions,
    selecting,
    spectra,
    structure,
)

__all__ = ["linalg"]
