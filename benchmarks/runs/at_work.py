"""Which cell is at work, in a small file of the run's folder: a process that dies with a cell leaves its name behind.

A segmentation fault, `os._exit` or the system's out-of-memory killer end a process without a word.  The file is empty
between cells, and gone once the run is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

NAME = ".at_work.json"


class AtWork:
    """The file, open for writing; where it cannot be written, nothing is noted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError:
            self._file = -1

    @contextlib.contextmanager
    def on(self, what: Sequence[Any]) -> Iterator[None]:
        """Note, inside the block, what is being done: plain values that JSON can hold."""
        with contextlib.suppress(OSError):
            os.pwrite(self._file, json.dumps(what).encode(), 0)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Nothing is at work any more."""
        with contextlib.suppress(OSError):
            os.close(self._file)
            self._path.unlink(missing_ok=True)
        self._file = -1


def left_behind(folder: Path) -> list[Any] | None:
    """What was at work when the process that measured this run ended; None if nothing was."""
    try:
        what = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return what if isinstance(what, list) else None
