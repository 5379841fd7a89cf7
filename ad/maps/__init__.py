"""Functions of whole arrays, under NumPy's names: each is declared by its transpose, or composed of others (`ad.linear`).

One file per kind; importing this package declares them all.
"""

from ad.maps import constants, indexing, products, reductions, structure

__all__ = ["constants", "indexing", "products", "reductions", "structure"]
