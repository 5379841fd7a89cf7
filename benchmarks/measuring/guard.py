"""Running what may fail: whatever a cell does, it costs that cell and nothing else.

Limits: hanging is noticed by a signal, so only in the main thread of a POSIX system, and only once the interpreter gets
control back: native code that never returns cannot be interrupted; `ending` has the answer to that.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_CUT_OFF = threading.Event()
LOOK = 0.1
"""Seconds for which the process is watched to see whether it computes."""
IDLE = 0.1
"""Share of one processor that an idle process may use."""
HIDING = "setting an array element with a sequence"
"""What NumPy says of whatever an element raised that was to be made a number; the reason is the cause."""


class WrongError(Exception):
    """A result that failed its check.

    Attributes:
        max_error: the largest relative difference seen; NaN or infinite where the result is no number at all.
    """

    def __init__(self, message: str, max_error: float) -> None:
        super().__init__(message)
        self.max_error = max_error


class HangingError(Exception):
    """A cell ran beyond its time limit."""


class PreparingError(Exception):
    """Preparing a cell took all of its time."""


@dataclass(frozen=True)
class Failure:
    """Why a cell has no time; `hung` is whether it was still running at its limit."""

    status: str
    note: str
    max_error: float = float("nan")
    hung: bool = False


def guarded(action: Callable[[], Any], limit: float) -> Any:
    """Run something that may fail; a key press (Ctrl-C) alone goes through.  A warning is no failure, and not shown.

    Args:
        action: what to run.
        limit: seconds it may take.

    Returns:
        What it returned, or the `Failure` that it ended in.
    """
    try:
        with warnings.catch_warnings(), time_limit(limit):
            warnings.simplefilter("ignore")
            return action()
    except KeyboardInterrupt:
        raise
    except WrongError as problem:
        return Failure("wrong", str(problem), problem.max_error)
    except MemoryError:
        return Failure("out_of_memory", "ran out of memory")
    except PreparingError as problem:
        return Failure("over_budget", str(problem), hung=True)
    except HangingError as problem:
        return Failure("error", str(problem), hung=True)
    except NotImplementedError as problem:  # how an engine says that it lacks a function or a rule
        return Failure("unsupported", _first_line(problem))
    except BaseException as problem:  # SystemExit and pytest's skip are no Exception, and must not end the run either
        shown = problem.__cause__ if str(problem).startswith(HIDING) and problem.__cause__ else problem
        return Failure("error", f"{type(shown).__name__}: {_first_line(shown)}"[:200])


def _first_line(problem: BaseException) -> str:
    return str(problem).strip().partition("\n")[0][:200]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `HangingError` in the block once it has run for so many seconds; see the module's text for the limits."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        _CUT_OFF.set()
        raise HangingError(f"still running after {seconds:.3g} s")

    unraisable = sys.unraisablehook

    def ignore(raised: Any) -> None:  # it rang in a callback, of the garbage collector, say, which Python goes on after
        if not isinstance(raised.exc_value, HangingError):
            unraisable(raised)

    sys.unraisablehook = ignore
    before = signal.signal(signal.SIGALRM, ring)
    # Rings again every second, for code that catches everything.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = unraisable


def was_cut_off() -> bool:
    """Whether anything in this process has been interrupted at its limit; threads of its own may go on for good."""
    return _CUT_OFF.is_set()


def settle(seconds: float) -> bool:
    """Wait until what was cut off computes no more: whatever is timed beside it is slower, and noisy.

    A compiler at work in a thread of its own, say, goes on when the cell that asked for it is given up.

    Args:
        seconds: how long to wait at most.

    Returns:
        Whether this process is idle but for the caller, or nothing was cut off.
    """
    until = time.monotonic() + seconds
    while was_cut_off():
        used, start = time.process_time(), time.monotonic()
        time.sleep(LOOK)
        if time.process_time() - used < IDLE * (time.monotonic() - start):
            return True
        if time.monotonic() >= until:
            return False
    return True
