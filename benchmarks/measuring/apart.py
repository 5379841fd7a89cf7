"""One engine after another, each in a process of its own that takes up the run where the last one left it.

What one engine does to a process (gigabytes of compiled programs, threads, a heap in pieces) slows the others down.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring.resuming import resumed_settings
from benchmarks.options import Settings, arguments_of
from benchmarks.plan import plan
from benchmarks.runs.environment import command_line
from benchmarks.runs.files import find_run, read_environment, write_environment


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
    """
    before, end, worst = set(results.glob("*/")), time.monotonic() + settings.budget, 0
    folder = find_run(resume, results) if resume else None
    if folder:
        settings = resumed_settings(folder, settings, changed=changed)
    settings = replace(settings, most_blocks=settings.blocks)  # or the first would take all the time for more
    names = list(dict.fromkeys(cell.engine for cell in sorted(plan(settings.selection))))
    for number, name in enumerate(names, start=1):
        print(f"== {name}, {number} of {len(names)} engines", flush=True)
        limits = [f"--budget={max(end - time.monotonic(), 1.0):.0f}", f"--time-limit={settings.time_limit:g}"]
        given = [f"--resume={folder}", *limits] if folder else arguments_of(settings)
        given += [f"--only={name}", f"--results={results}"]
        given += [] if draw and number == len(names) else ["--no-plots"]
        status = subprocess.run([sys.executable, "-m", "benchmarks", "run", *given]).returncode
        worst = max(worst, status, key=abs)
        if folder is None:
            new = set(results.glob("*/")) - before
            if not new:
                return worst
            (folder,) = new
        write_environment(folder, {**read_environment(folder), "command": command_line()})
    return worst
