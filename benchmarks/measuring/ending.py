"""That the process of a run ends, whatever an engine has left running in it.

    leave          at the end of the program, where something might keep it from ending
    Watch          during a run: native code that never returns, which no signal gets through to, ends the process

Both end it at once, so only a program of its own uses them: never a test, a notebook, or who else calls the harness.
"""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measuring.guard import was_cut_off

PATIENCE = 3.0
"""Times its limit after which a cell is not waited for any longer; slow native code often does return."""
LEAST = 5.0
"""Seconds that are waited for in any case."""
GLANCE = 5.0
"""Seconds between two looks of the watch, which disturbs what is timed for some microseconds."""


def leave(status: int) -> int:
    """End the process if something in it might not let it end; otherwise return the status to end it with.

    What was cut off at its limit may still run: a compiler and its threads cannot be stopped, and are waited for when
    an interpreter or a C++ library shuts down in order.  So would be a thread that an engine has started and left.
    All files are written by then, so that nothing is lost by leaving without that order.
    """
    left = [each for each in threading.enumerate() if each is not threading.current_thread() and not each.daemon]
    if was_cut_off() or left:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    return status


def owned(*programs: str) -> bool:
    """Whether this process is one of these programs, started as such: `pytest`, or `python -m pytest`."""
    started = Path(sys.argv[0] if sys.argv else "")
    name = started.parent.name if started.name == "__main__.py" else started.stem
    return name in programs


class Watch:
    """A thread that looks now and then whether a cell has been at work for far too long.

    Args:
        limit: seconds that a cell may take before a signal interrupts it.
        give_up: called in that thread with what is at work, and the seconds that it has been; it ends the process.
    """

    def __init__(self, limit: float, give_up: Callable[[object, float], None]) -> None:
        self._patience = PATIENCE * limit + LEAST
        self._give_up = give_up
        self._what: object = None
        self._started = math.inf
        self._closed = threading.Event()
        self._standard_error = os.dup(2)  # a copy, since pytest captures the file of that number
        threading.Thread(target=self._look, name="watch", daemon=True).start()

    @contextlib.contextmanager
    def over(self, what: object) -> Iterator[None]:
        """Watch what is done in the block."""
        self._what, self._started = what, time.monotonic()
        try:
            yield
        finally:
            self._started = math.inf

    def close(self) -> None:
        """Stop watching; once more does nothing."""
        self._closed.set()

    def _look(self) -> None:
        closed = False
        while not closed:
            seconds = time.monotonic() - self._started
            if seconds > self._patience:
                self._give_up(self._what, seconds)
            # Code that holds the interpreter's lock lets this thread sleep for good.  Then a timer of C ends the
            # process, with a traceback: each look winds it up again.
            faulthandler.dump_traceback_later(self._patience + 2 * GLANCE, exit=True, file=self._standard_error)
            closed = self._closed.wait(min(max(self._patience - seconds, 0.1), GLANCE))
        faulthandler.cancel_dump_traceback_later()
        os.close(self._standard_error)
