"""What Ctrl-C and SIGTERM do to a run: it ends soon, keeps what it has, and says so once, however often they come.

Where the harness is at work (checking, timing, closing) they interrupt it at once.  Elsewhere something else is, which
an exception in the wrong place would break; it is asked to stop, and comes to the end of what it is doing.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


def listening(handle: Callable[[int, FrameType | None], None]) -> Callable[[], None]:
    """Have both signals handled, but for those that are ignored; returns what hands them back."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    wanted = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, handle) for each in wanted}

    def hand_back() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    return hand_back


class Interruptions:
    """The handler of both signals, from `listen` on; it raises `KeyboardInterrupt` until it knows whom to ask.

    Attributes:
        stop: asks whoever else is at work to stop.
    """

    def __init__(self) -> None:
        self.stop: Callable[[], None] | None = None
        self._at_once = False
        self._asked = self._again = False

    def listen(self) -> Callable[[], None]:
        """Handle the signals from now on; returns what hands them back."""
        return listening(self._handle)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Interrupt what is done in the block at once; before it begins, if the signals have come twice by then."""
        if self._again:
            raise KeyboardInterrupt
        self._at_once = True
        try:
            yield
        except KeyboardInterrupt:  # anew: pytest breaks on a traceback with an instruction that is on no line
            raise KeyboardInterrupt from None
        finally:
            self._at_once = False

    def _handle(self, *_: object) -> None:
        self._again = self._asked and not self._at_once
        self._asked = True
        if self._at_once or self.stop is None:
            self._at_once = False
            raise KeyboardInterrupt
        self.stop()
