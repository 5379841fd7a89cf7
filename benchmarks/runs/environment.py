"""The machine, the software and the settings as they were found when a run was made.

What cannot be read here (a governor inside a virtual machine, a commit outside a clone) is None, never a guess.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.runs.threads import VARIABLES

PROJECT = "forward-vs-reverse"
PACKAGES = (
    *("numpy", "scipy", "pandas", "matplotlib", "psutil", "rich", "pytest", "pytest-benchmark"),
    *("numba", "llvmlite"),
)
"""What the project itself stands on; the engines of a run add their own."""
FORCED = (
    *("OPENBLAS_CORETYPE", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY", "XLA_FLAGS"),
    *("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"),
)
"""Variables that keep a library from the kernels it would choose for the processor, or the C library from keeping the
memory of arrays (`ad.heap`)."""

ROOT = Path(__file__).resolve().parents[2]


def now() -> str:
    """This moment in UTC, to the second, as ISO 8601."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def project_version() -> str:
    """This project's version, installed or in a clone."""
    try:
        return importlib.metadata.version(PROJECT)
    except importlib.metadata.PackageNotFoundError:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


@functools.cache
def build() -> str:
    """The version of this project's own engines: with the commit, and `.dirty` where the tree was changed."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    dirty = ".dirty" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{project_version()}+g{commit}{dirty}" if commit else project_version()


def describe() -> dict[str, Any]:
    """All that `environment.json` says of machine, software, commit and clock.

    Returns:
        Plain values that JSON can hold; sizes in bytes, frequencies in MHz, the clock's resolution in seconds.
    """
    status = _git("status", "--porcelain", "--untracked-files=no")
    frequency = psutil.cpu_freq()
    return {
        "host": platform.node(),
        "cpu": _cpu(),
        "cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "cpu_mhz": frequency.current if frequency else None,
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "memory_bytes": psutil.virtual_memory().total,
        "memory_available_bytes": psutil.virtual_memory().available,
        "os": platform.platform(),
        "python": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "python_compiler": platform.python_compiler(),
        "version": project_version(),
        "versions": {name: version for name in PACKAGES if (version := _installed(name))},
        "threads": {name: os.environ.get(name) for name in VARIABLES},
        "forced": {name: value for name in FORCED if (value := os.environ.get(name))},
        "commit": _git("rev-parse", "HEAD"),
        "dirty": None if status is None else bool(status),
        "command": command_line(),
        "clock": clock(),
    }


def clock(name: str = "time.perf_counter") -> dict[str, Any]:
    """What `environment.json` says of a clock, which is given by module and name; of one of Python's, all is known."""
    module, _, function = name.rpartition(".")
    known = module == "time" and function in ("monotonic", "perf_counter", "process_time", "thread_time", "time")
    info = time.get_clock_info(function) if known else None  # type: ignore[arg-type]
    return {
        "name": name,
        "implementation": info.implementation if info else None,
        "resolution": info.resolution if info else None,
        "step": _step(getattr(importlib.import_module(module), function)),
    }


def command_line() -> str:
    """The command line as it was typed, without the folders that Python and scripts are in."""
    python, *arguments = sys.orig_argv or sys.argv
    if arguments[:1] == ["-m"]:
        return shlex.join(["python", *arguments])
    return shlex.join([Path(arguments[0]).name, *arguments[1:]] if arguments else [Path(python).name])


def _cpu() -> str | None:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _step(read: Callable[[], float]) -> float:
    """The smallest step that a clock was seen to make, in seconds."""
    steps = []
    for _ in range(100):
        start = end = read()
        while end == start:
            end = read()
        steps.append(end - start)
    return min(steps)
