"""Cells that end the process, and other ends that a run may meet: whole runs in processes of their own.

The engine that crashes comes from another package, found through its entry point.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import psutil
import pytest
from test_pytest_plugin import QUICK, ROOT, end, start, wait_for_rows

from benchmarks.measuring.apart import _begun
from benchmarks.measuring.interrupting import Interruptions
from benchmarks.measuring.resuming import settings_of
from benchmarks.options import Selection, Settings
from benchmarks.runs.files import RecordError, read_run, read_table, write_environment

ENGINE = """
import os
import signal

from benchmarks.engines.finite_differences import FiniteDifferences


class Crashing(FiniteDifferences):
    name = package = "crashing"

    def push(self, *tangents):
        if self.problem.n_inputs == 4:
            {what}
        return super().push(*tangents)
"""
SMALL = ("--no-plots", "--benchmark-max-time=0.0005", "--budget=30", "--time-limit=15")
NEW = ("--family=chain", "--engine=crashing", "--size=1..8", "--quantity=primal,gradient", "--blocks=1")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


def package(folder, what):
    """A package with an engine, as it would be installed."""
    info = folder / "crashing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[forward_vs_reverse.engines]\ncrashing = crashing:Crashing\n")
    (folder / "crashing.py").write_text(ENGINE.format(what=what))


def test_a_cell_that_ends_the_process_is_an_error_for_the_next_resume(tmp_path):
    package(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    results = tmp_path / "results"
    environment = {"PYTHONPATH": str(tmp_path)}
    end(start("--benchmark", *SMALL, *NEW, f"--results={results}", **environment))
    (folder,) = results.iterdir()
    assert json.loads((folder / ".at_work.json").read_text())[:2] == ["chain", "4"]
    status, output = end(start("--benchmark", *SMALL, f"--resume={folder}", **environment))
    assert status == 1, output
    assert not (folder / ".at_work.json").exists()
    cells = read_table(folder / "timings.csv").query("twin == 0 and mode != 'reverse'").set_index(["n_inputs", "mode"])
    assert cells["engine_version"].unique().tolist() == ["1.0"]
    failed = cells.loc[4, "forward"]
    assert failed["status"] == "error"
    assert failed["note"].startswith("the process that measured it ended with it; alone: its process ")
    assert cells.loc[8, "forward"]["status"] == "over_budget"
    others = cells[~cells.index.isin([(4, "forward"), (8, "forward")])]
    assert others["status"].tolist() == ["ok"] * 6


def start_apart(results, *arguments, **environment):
    """Start a run of engines apart, in a session of its own."""
    command = [sys.executable, "-m", "benchmarks", "run", "--apart", "--no-plots", f"--results={results}", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def test_an_engine_apart_that_ends_its_process_has_an_error_and_the_others_their_times(tmp_path):
    package(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    new = ("--family=chain", "--engine=crashing,ad", "--size=1..4", "--quantity=primal,gradient", "--blocks=1")
    limits = ("--budget=60", "--time-limit=15")
    status, output = end(start_apart(tmp_path / "results", *new, *limits, PYTHONPATH=str(tmp_path)))
    assert status != 0, output
    (folder,) = (tmp_path / "results").iterdir()
    assert not (folder / ".at_work.json").exists()
    assert settings_of(folder).budget == 60.0  # and not what was left for the last step
    cells = read_table(folder / "timings.csv").query("twin == 0")
    failed = cells[cells["status"] == "error"]
    assert list(zip(failed["engine"], failed["n_inputs"], failed["mode"], strict=True)) == [("crashing", 4, "forward")]
    assert set(cells.query("engine == 'ad'")["status"]) == {"ok"}


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_engines_apart_that_are_told_to_end_keep_what_they_have_and_leave_no_process(tmp_path, told):
    long = ("--engine=ad,finite-differences", "--family=chain", "--size=1..64", "--blocks=20", "--budget=100")
    process = start_apart(tmp_path, *long)
    folder = wait_for_rows(tmp_path, 60)
    (step,) = psutil.Process(process.pid).children()
    process.send_signal(told)
    status, output = end(process)
    assert status == 2, output
    assert f"`python -m benchmarks run --apart --resume={folder}` finishes it." in output
    assert "2 of 2 engines" not in output
    assert "Traceback" not in output
    assert not step.is_running()
    assert not (folder / ".at_work.json").exists()
    run = read_run(folder)
    assert run.summary is not None
    assert run.environment["sessions"][-1]["outcome"] == "interrupted"


def test_the_folder_of_engines_apart_is_not_that_of_another_run(tmp_path):
    settings = Settings(Selection(families=("chain",)), apart=True)
    others = {"alone": replace(settings, apart=False), "tree": Settings(Selection(families=("tree",)), apart=True)}
    for name, each in {"mine": settings, **others}.items():
        (tmp_path / name).mkdir()
        write_environment(tmp_path / name, {"settings": asdict(each)})
    (tmp_path / "empty").mkdir()
    new = set(tmp_path.iterdir())
    assert _begun(settings, new) == tmp_path / "mine"
    assert _begun(settings, new - {tmp_path / "mine"}) is None
    shutil.copytree(tmp_path / "mine", tmp_path / "mine again")
    with pytest.raises(RecordError, match="were begun at once"):
        _begun(settings, set(tmp_path.iterdir()))


def test_a_run_that_is_told_to_end_keeps_what_it_has(tmp_path):
    """By SIGTERM, or by keys that are pressed again while the first is being dealt with."""
    kinds = {"once": (signal.SIGTERM,), "twice": (signal.SIGINT, signal.SIGINT)}
    long = ("--family=chain", "--size=1..64", "--blocks=20")
    processes = {kind: start("--benchmark", *QUICK, *long, f"--results={tmp_path / kind}") for kind in kinds}
    for kind, signals in kinds.items():
        folder = wait_for_rows(tmp_path / kind, 60)
        for each in signals:
            processes[kind].send_signal(each)
            time.sleep(0.2)
        status, output = end(processes[kind])
        assert status == 2, output
        assert output.count(f"--resume={folder}` finishes it.") == 1
        assert "Traceback" not in output
        assert len(read_table(folder / "timings.csv")) >= 60
        if kind == "once":
            assert read_run(folder).environment["sessions"][-1]["outcome"] == "interrupted"


def test_keys_interrupt_the_harness_at_once_and_ask_others_to_stop():
    interruptions, asked = Interruptions(), []
    before = signal.getsignal(signal.SIGTERM)
    hand_back = interruptions.listen()
    try:
        with pytest.raises(KeyboardInterrupt):  # until it is known whom to ask
            signal.raise_signal(signal.SIGTERM)
        interruptions = Interruptions()
        interruptions.listen()
        interruptions.stop = lambda: asked.append(1)
        with pytest.raises(KeyboardInterrupt), interruptions.at_once():
            signal.raise_signal(signal.SIGTERM)
        with interruptions.at_once():
            pass
        signal.raise_signal(signal.SIGTERM)
        assert asked == [1]
        with pytest.raises(KeyboardInterrupt), interruptions.at_once():
            raise AssertionError("began, though the keys had been pressed twice")
    finally:
        hand_back()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_ignored():
    """As the keys are in a background job of a shell, which they are not meant for."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        hand_back = Interruptions().listen()
        during = signal.getsignal(signal.SIGINT)
        hand_back()
        assert during is signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interruption_anywhere_can_be_told():
    """An interpreter may have instructions that are on no line, and pytest cannot show one of those."""

    def nowhere():
        signal.raise_signal(signal.SIGINT)

    nowhere.__code__ = nowhere.__code__.replace(co_linetable=b"")
    interruptions = Interruptions()
    hand_back = interruptions.listen()
    try:
        with pytest.raises(KeyboardInterrupt) as caught, interruptions.at_once():
            nowhere()
    finally:
        hand_back()
    assert "KeyboardInterrupt" in str(caught.getrepr())


def test_a_key_press_during_the_statistics_is_one_line(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time\nfrom benchmarks.findings import tables\ntables.analyse = lambda folder: time.sleep(30)\n"
    )
    small = ("--family=chain", "--size=1", "--blocks=1", "--quantity=primal", f"--results={tmp_path / 'results'}")
    process = start("--benchmark", *QUICK, *small, "-p", "slow", PYTHONPATH=str(tmp_path))
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Computing statistics"):
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    process.stdout.close()
    output = "".join(lines)
    assert process.returncode == 2, output
    assert "Traceback" not in output
    assert "finishes it" in output


def test_a_record_that_cannot_be_written_ends_the_run_in_one_line(tmp_path):
    (tmp_path / "full.py").write_text(
        "import errno\nfrom benchmarks.runs.files import Timings\n"
        "def append(*_):\n    raise OSError(errno.ENOSPC, 'No space left on device')\nTimings.append = append\n"
    )
    small = ("--family=chain", "--size=1..4", "--blocks=2", f"--results={tmp_path / 'results'}")
    status, output = end(start("--benchmark", *QUICK, *small, "-p", "full", PYTHONPATH=str(tmp_path)))
    assert status == 3, output
    assert "Traceback" not in output
    assert output.count("cannot be written: [Errno 28] No space left on device") == 1


@pytest.mark.parametrize("arguments", [["benchmarks/test_cells.py"], ["tests", "--benchmark", "--family=chain"]])
def test_what_is_asked_for_in_the_wrong_way_is_said_in_a_line(arguments):
    status, output = end(start(*arguments, "-q"))
    assert status == 4, output
    assert "Traceback" not in output
    assert len(output.strip().splitlines()) <= 3
    assert "--benchmark" in output
