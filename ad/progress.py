"""Derivatives in progress: what this thread is about, as far as the ops have to know.

Whether the classes of paths are followed (`ad.infinity`), and how many derivatives were begun.
"""

from __future__ import annotations

import itertools
import threading


class _Progress(threading.local):
    follows = False
    begun = 0


_progress, _numbers = _Progress(), itertools.count(1)


def begin() -> int:
    """The number of a derivative that begins: it is larger than those of all before, in any thread."""
    _progress.begun += 1
    return next(_numbers)


def begun() -> int:
    """How many derivatives this thread has begun: more after a function than before it if it holds one."""
    return _progress.begun


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
