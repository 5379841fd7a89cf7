"""Where a run is: a live bar on a terminal, a line now and then elsewhere.

It draws only between cells, on the thread that measures; a thread of its own would disturb what is being timed.
"""

from __future__ import annotations

import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

QUIET_SECONDS = 10.0
"""Seconds between lines where there is no terminal."""
REFRESH_SECONDS = 0.2


class Reporter:
    """Reports the phases of a run.

    Args:
        file: where to write; a terminal gets a bar, anything else plain lines.
    """

    def __init__(self, file: TextIO) -> None:
        self._console = Console(file=file, highlight=False)
        self._live = self._console.is_terminal
        self._phase = ""
        self._began = self._drawn = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[left]}  {task.fields[work]}"),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=1.0, left="", work="")

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self._phase = name
        if self._live:
            self._bar.update(self._task, description=name, completed=0.0, left="", work="")
            self._bar.start()
            self._bar.refresh()
        else:
            self._console.print(f"{name} ...")
        self._began = self._drawn = time.monotonic()

    def at(self, share: float | None, work: str, seconds_left: float | None = None) -> None:
        """Say what is at work.

        Args:
            share: how much of the phase is done, 0 to 1; None where the time since it began and what is left say it,
                which holds also where a machine that got slower has more left than was expected of all of it.
            work: what is at work now.
            seconds_left: of the phase, if known.
        """
        now = time.monotonic()
        if now - self._drawn < (REFRESH_SECONDS if self._live else QUIET_SECONDS):
            return
        self._drawn = now
        if share is None:
            spent = now - self._began
            share = spent / max(spent + (seconds_left or 0.0), 1e-9)
        left = "" if seconds_left is None else f"about {_clock(seconds_left)} left"
        if self._live:
            self._bar.update(self._task, completed=share, left=left, work=work)
            self._bar.refresh()
        else:
            self._console.print(f"{self._phase}: {share:.0%}{', ' if left else ''}{left}, at {work}", soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._live:
            self._bar.stop()

    def say(self, line: str) -> None:
        """Print one line that stays."""
        self._console.print(line, soft_wrap=True, markup=False)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
