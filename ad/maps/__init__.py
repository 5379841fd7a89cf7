"""Functions of whole arrays, by NumPy's names: each is declared by its transpose or composed of others (`ad.linear`).

One file per kind; importing this package declares them all.
"""

from ad.arrays import MAPS
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

DECLARED = MAPS
"""All of them, by their names in this package."""

__all__ = ["DECLARED", "linalg"]
