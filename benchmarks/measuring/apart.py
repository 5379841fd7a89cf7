"""One engine after another, each in a process of its own that takes up the run where the last one left it.

What one engine does to a process (gigabytes of compiled programs, threads, a heap in pieces) slows the others down.
Ctrl-C and SIGTERM are passed on to the process at work, which keeps what it has, and are the last of the run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring.interrupting import listening
from benchmarks.measuring.resuming import resumed_settings, settings_of
from benchmarks.options import Settings, arguments_of
from benchmarks.plan import plan
from benchmarks.runs.at_work import left_behind
from benchmarks.runs.environment import command_line
from benchmarks.runs.files import RecordError, find_run, read_environment, write_environment

TRIES = 3
"""How often an engine's step is made where its process dies: what it died with is tried alone, and is its error."""


def one_by_one(settings: Settings, results: Path, resume: str | None, *, changed: bool, draw: bool) -> int:
    """Make a run, a step for each engine.

    Args:
        settings: how it is made; of a run to resume, the budget and time limit given now.
        results: the folder that runs are kept in.
        resume: the run to finish, or None for a new one.
        changed: whether blocks or seed were given anew, which a run to resume cannot take.
        draw: whether the last step draws.

    Returns:
        The exit status of the step that went worst.

    Raises:
        RecordError: it cannot be told which new folder is that of this run.
    """
    before, end, worst = set(results.glob("*/")), time.monotonic() + settings.budget, 0
    folder = find_run(resume, results) if resume else None
    if folder:
        settings = resumed_settings(folder, settings, changed=changed)
    settings = replace(settings, most_blocks=settings.blocks)  # or the first would take all the time for more
    names = list(dict.fromkeys(cell.engine for cell in sorted(plan(settings.selection))))
    step = _Step()
    hand_back = listening(step.pass_on)
    try:
        for number, name in enumerate(names, start=1):
            print(f"== {name}, {number} of {len(names)} engines", flush=True)
            for _ in range(TRIES):
                limits = [f"--budget={max(end - time.monotonic(), 1.0):.0f}", f"--time-limit={settings.time_limit:g}"]
                given = [f"--resume={folder}", *limits] if folder else arguments_of(settings)
                given += [f"--only={name}", f"--results={results}"]
                given += [] if draw and number == len(names) else ["--no-plots"]
                status = step.run([sys.executable, "-m", "benchmarks", "run", *given])
                folder = folder or _begun(settings, set(results.glob("*/")) - before)
                if folder is None:
                    return max(worst, status, key=abs)
                _keep_settings(folder, settings)
                if step.told_to_end or left_behind(folder) is None:
                    break
            worst = max(worst, status, key=abs)
            if step.told_to_end:
                print(f"Interrupted; `python -m benchmarks run --apart --resume={folder}` finishes it.")
                break
    finally:
        hand_back()
    return worst


class _Step:
    """The process at work for one engine, in a group of its own, so that each signal comes from here, and once.

    Attributes:
        told_to_end: whether this process was told to end, and has told that one.
    """

    def __init__(self) -> None:
        self.told_to_end = False
        self._process: subprocess.Popen[bytes] | None = None

    def pass_on(self, number: int, _: object) -> None:
        """Have the process at work get a signal that came."""
        self.told_to_end = True
        if self._process is not None:
            self._process.send_signal(number)

    def run(self, command: Sequence[str]) -> int:
        """The exit status of a command."""
        self._process = subprocess.Popen(command, process_group=0)
        return self._process.wait()


def _begun(settings: Settings, new: set[Path]) -> Path | None:
    """The folder of the run that the first step began among the new ones; None if it came to none."""
    mine = [folder for folder in sorted(new) if _selection_of(folder) == (settings.selection, True)]
    if len(mine) > 1:
        raise RecordError(f"run: {mine[0]} and {mine[1]} were begun at once; go on with --apart --resume=RUN")
    return mine[0] if mine else None


def _selection_of(folder: Path) -> object:
    try:
        begun = settings_of(folder)
    except RecordError:
        return None
    return begun.selection, begun.apart


def _keep_settings(folder: Path, settings: Settings) -> None:
    """What the run was asked for as a whole, not what was left for its last step."""
    environment = read_environment(folder)
    asked = environment["settings"] | {"budget": settings.budget, "time_limit": settings.time_limit}
    write_environment(folder, {**environment, "settings": asked, "command": command_line()})
