"""The process of a run ends, whatever an engine leaves running in it: in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from test_crashes import package
from test_pytest_plugin import ROOT, end, start

from benchmarks.runs.at_work import left_behind
from benchmarks.runs.files import read_table

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

NEVER = """
import ctypes
lock = ctypes.create_string_buffer(64)
signals = ctypes.create_string_buffer(256)
def never(c):
    c.sigfillset(signals)
    c.pthread_sigmask(0, signals, None)
    c.sem_init(lock, 0, 0)
    c.sem_wait(lock)
"""
"""Native code that never returns, and lets no signal interrupt it: with the interpreter's lock (PyDLL) or without."""

WATCHED = (
    NEVER
    + """
import os, time
from benchmarks.measuring import ending
ending.PATIENCE, ending.LEAST, ending.GLANCE = 1.0, 0.0, 0.3
watch = ending.Watch(0.2, lambda what, seconds: (print(what, seconds > 0.2, flush=True), os._exit(7)))
with watch.over("a cell"):
    pass
time.sleep(1.0)
with watch.over("another cell"):
    never(ctypes.{library}(None))
"""
)

LEFT = """
import atexit, sys, threading, time
from benchmarks.measuring import ending, guard
{what}
print("all is written")
sys.exit(ending.leave(3))
"""
THREAD = "threading.Thread(target=time.sleep, args=(1000,)).start()"
CUT_OFF = """
def hang():
    while True: pass
guard.guarded(hang, 0.01)
atexit.register(time.sleep, 1000)
"""


def script(text):
    """Exit status, output and errors of a script."""
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_code_that_never_returns_ends_the_process():
    assert script(WATCHED.format(library="CDLL")) == (7, "another cell True\n", "")
    status, output, errors = script(WATCHED.format(library="PyDLL"))  # with the lock, so that no thread can say it
    assert (status, output) == (1, "")
    assert "Timeout" in errors
    assert "in never" in errors


@pytest.mark.parametrize("what", [THREAD, CUT_OFF], ids=["a thread", "what was cut off"])
def test_the_end_waits_for_nothing_that_is_left(what):
    assert script(LEFT.format(what=what)) == (3, "all is written\n", "")


def test_a_run_ends_though_an_engine_does_not(tmp_path):
    """Preparing that never returns ends the run, and says how to go on; a thread that is left delays nothing."""
    small = ("--family=chain", "--size=1..4", "--quantity=jvp", "--blocks=1", "--engine=crashing", "--no-plots")
    folders, processes = {}, {}
    for name, what in (
        ("never", f"exec({NEVER!r} + 'never(ctypes.CDLL(None))', {{}})"),
        ("thread", f"import threading, time; {THREAD}"),
    ):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        package(folders[name], what)
        options = (*small, "--budget=6", "--time-limit=0.5", f"--results={folders[name] / 'results'}")
        command = [sys.executable, "-m", "benchmarks", "run", *options]
        environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": str(folders[name])}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        if name == "never":
            processes[name] = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)
        else:
            processes[name] = start("--benchmark", *options, PYTHONPATH=str(folders[name]))
    status, output = end(processes["never"])
    assert status == 2, output
    assert "error: chain 4 crashing forward jvp: still running after" in output
    (folder,) = (folders["never"] / "results").iterdir()
    assert f"--resume={folder}` finishes it." in output.strip().splitlines()[-1]
    assert left_behind(folder)[:2] == ["chain", "4"]  # so that the next resume is careful with it
    status, output = end(processes["thread"])
    assert status == 0, output
    (folder,) = (folders["thread"] / "results").iterdir()
    assert set(read_table(folder / "timings.csv")["status"]) == {"ok"}
