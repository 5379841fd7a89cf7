"""Derivatives in progress: what this thread is about, as far as the ops have to know.

Whether the classes of paths are followed (`ad.infinity`), and whether a derivative was begun inside another.
"""

from __future__ import annotations

import threading
from typing import Any, Self

import numpy as np


class _Progress(threading.local):
    follows = False
    holds_another = False


_progress = _Progress()


def following() -> bool:
    """Whether this thread is making a derivative again with the classes of paths followed (`ad.infinity`)."""
    return _progress.follows


class paths_followed:  # noqa: N801  # named as contextlib.suppress is, and like it a class because that is faster
    """Around a derivative that is made again, so that those inside it follow their paths as well."""

    __slots__ = ("_before",)
    _before: bool

    def __enter__(self) -> None:
        self._before, _progress.follows = _progress.follows, True

    def __exit__(self, *exception: object) -> None:
        _progress.follows = self._before


class in_progress:  # noqa: N801
    """Around the function that is being differentiated: NumPy's warnings are off, as on floats there are none.

    Attributes:
        holds_another: (afterwards) whether another derivative was begun in it.
    """

    __slots__ = ("_warnings", "holds_another")
    _warnings: np.errstate
    holds_another: bool

    def __enter__(self) -> Self:
        _progress.holds_another = False
        self._warnings = np.errstate(all="ignore")
        self._warnings.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.holds_another, _progress.holds_another = _progress.holds_another, True
        self._warnings.__exit__(*exception)
