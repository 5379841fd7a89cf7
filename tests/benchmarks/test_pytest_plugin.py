"""`pytest --benchmark` from outside: whole runs in processes of their own, small ones, started side by side."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import pytest_plugin
from benchmarks.options import Selection
from benchmarks.plan import plan, shuffled
from benchmarks.runs.columns import IDENTITY
from benchmarks.runs.environment import clock, describe
from benchmarks.runs.files import read_run, read_table

ROOT = Path(__file__).resolve().parents[2]
QUICK = ("--engine=ad", "--no-plots", "--benchmark-max-time=0.0005")
# A budget of ten seconds leaves none for the memory pass, which has tests of its own.
SMALL = (*QUICK, "--family=chain,tree", "--size=1..4", "--budget=10")
LONG = (*QUICK, "--family=chain", "--size=1..64", "--blocks=20", "--budget=100")

BREAKER = """
import ad

right = ad.grad
ad.grad = lambda f: lambda x: [v * 1.001 for v in right(f)(x)]
"""


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start pytest in the repository."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a shell's background jobs: children would, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTEST_ADDOPTS": "", **environment}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status and output."""
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def wait_for_rows(results: Path, count: int) -> Path:
    """Wait until the one run in `results` has so many rows; returns its folder."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        for path in results.glob("*/timings.csv"):
            if path.read_bytes().count(b"\n") > count:
                return path.parent
        time.sleep(0.01)
    raise AssertionError("no rows appeared")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Exit status, output and folder of the runs that need nothing of each other, by name."""
    base = tmp_path_factory.mktemp("runs")
    (base / "breaker.py").write_text(BREAKER)
    together = f"--results={base / 'together'}"
    options = ("--benchmark-only", "--benchmark-columns=min,rounds", "--benchmark-min-rounds=4", "-k", "tree")
    options = (*options, f"--benchmark-json={base / 'all.json'}", "--benchmark-group-by=param:mode,param:n_inputs")
    options = (*options, "--benchmark-timer=time.process_time")
    arguments = {
        "plain": (*SMALL, "--blocks=2", together),
        "options": (*SMALL, "--blocks=2", together, *options),
        "wrong": (*SMALL, "--blocks=2", f"--results={base / 'wrong'}", "-p", "breaker"),
        "disabled": (
            *SMALL,
            "--blocks=1",
            f"--results={base / 'disabled'}",
            "--benchmark-disable",
            "-p",
            "no:terminal",
        ),
        "skipped": (*SMALL, "--blocks=1", f"--results={base / 'skipped'}", "--benchmark-skip"),
    }
    ended = {}
    names = list(arguments)
    for pair in (names[:2], names[2:4], names[4:]):
        processes = {name: start("--benchmark", *arguments[name], PYTHONPATH=str(base)) for name in pair}
        ended |= {name: end(process) for name, process in processes.items()}
    return base, ended


def test_a_run_measures_everything_and_says_what_it_found(outputs):
    base, ended = outputs
    status, output = ended["plain"]
    assert status == 0, output
    runs = [read_run(folder) for folder in (base / "together").iterdir()]
    (run,) = [run for run in runs if " -k " not in run.environment["command"]]
    cells = plan(Selection(families=("chain", "tree"), engines=("ad",), sizes=(1, 2, 4)))
    timings = run.timings[run.timings["twin"] == 0]
    assert set(timings["status"]) == {"ok"}
    assert len(timings) == 2 * len(cells)
    assert f"{run.path}: timings.csv, summary.csv, scaling.csv, crossover.csv, memory.csv" in output
    assert "Sweeps counted in" in output
    assert re.search(r"^chain .*\(4\)$", output, re.MULTILINE)
    assert len(run.summary) == len(cells)
    gradients = timings[timings["quantity"] == "gradient"]
    assert set(gradients[gradients["mode"] == "reverse"]["sweeps"]) == {1}
    assert (gradients["sweeps"] == gradients["n_inputs"])[gradients["mode"] == "forward"].all()


def test_what_keeps_a_library_from_its_own_kernels_is_recorded(monkeypatch):
    monkeypatch.setenv("MKL_CBWR", "AVX2")
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    forced = describe()["forced"]
    assert forced["MKL_CBWR"] == "AVX2"
    assert "XLA_FLAGS" not in forced


def test_of_a_clock_is_recorded_what_python_says_and_its_smallest_step(monkeypatch):
    readings = iter([0.0, 0.0, 1.0, *(1.0 + 0.25 * (k // 3) for k in range(1, 1000))])  # one long step, then short ones
    monkeypatch.setitem(sys.modules, "another", SimpleNamespace(time=lambda: next(readings)))
    assert clock("another.time") == {"name": "another.time", "implementation": None, "resolution": None, "step": 0.25}
    told, found = time.get_clock_info("process_time"), clock("time.process_time")
    assert (found["implementation"], found["resolution"]) == (told.implementation, told.resolution)


def test_the_environment_is_recorded(outputs):
    base, _ = outputs
    for folder in (base / "together").iterdir():
        environment = read_run(folder).environment
        for key in ("cpu", "cores", "memory_bytes", "os", "python", "commit", "dirty", "started", "finished", "host"):
            assert key in environment, key
        assert environment["run"] == folder.name
        assert environment["finished"] >= environment["started"]
        assert environment["settings"]["seed"] == 1
        assert environment["clock"]["resolution"] > 0
        assert environment["clock"]["name"] == environment["pytest_benchmark"]["timer"]
        assert environment["threads"]["OMP_NUM_THREADS"] == "1" or os.environ.get("OMP_NUM_THREADS")
        assert environment["forced"].get("OPENBLAS_CORETYPE") == os.environ.get("OPENBLAS_CORETYPE")
        assert environment["versions"]["numpy"]
        assert environment["noise_floor"] >= 0
        assert environment["command"].startswith("python -m pytest")
        assert environment["sessions"][0]["outcome"] == "finished"


def test_two_runs_started_at_once_do_not_harm_each_other(outputs):
    base, ended = outputs
    assert [ended[name][0] for name in ("plain", "options")] == [0, 0], ended
    folders = sorted((base / "together").iterdir())
    assert len(folders) == 2
    assert [set(read_table(folder / "timings.csv")["run"]) for folder in folders] == [{f.name} for f in folders]


def test_the_options_of_pytest_benchmark_keep_working(outputs):
    base, ended = outputs
    _, output = ended["options"]
    assert "Name (time in" in output  # its table, which is asked for by an option of its own
    saved = json.loads((base / "all.json").read_text())
    assert saved["benchmarks"]
    assert all("tree" in one["name"] and one["stats"]["rounds"] >= 4 for one in saved["benchmarks"])
    assert "Name (time in" not in ended["plain"][1]
    assert "benchmark 'mode=forward n_inputs=4'" in output
    for one in saved["benchmarks"]:
        cell = one["extra_info"]
        assert set(IDENTITY) < set(cell)
        assert one["params"] == {"visit": one["param"]} | {name: cell[name] for name in ("block", "twin", *IDENTITY)}
        assert one["name"].startswith(f"test_cell[block {cell['block']}: tree {cell['n_inputs']} ad {cell['mode']}")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("histogram", "x", "--benchmark-histogram: needs the package pygal: pip install 'pytest-benchmark[histogram]'"),
        ("storage", "elasticsearch+http://x", "--benchmark-storage: needs the package elasticsearch: pip install"),
        ("json", Path("/nowhere/x.json"), "--benchmark-json: got '/nowhere/x.json', expected a file in a folder"),
        ("timer", "time.time_ns", "--benchmark-timer: got 'time.time_ns', expected a clock that counts seconds"),
        ("timer", "time.process_time", None),
        ("json", Path("x.json"), None),
        ("processes", 2, "--benchmark: cells are measured one at a time; leave out -n"),
    ],
)
def test_what_could_not_be_done_at_the_end_is_said_at_the_beginning(monkeypatch, option, value, message):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    usual = {"histogram": None, "storage": "file://x", "json": None, "timer": "time.perf_counter"}
    options = {f"benchmark_{name}": each for name, each in {**usual, option: value}.items()}
    options["numprocesses"] = value if option == "processes" else None  # of pytest-xdist, where it is installed
    said = pytest_plugin.unusable(SimpleNamespace(option=SimpleNamespace(**options)))
    assert said is message or said.startswith(message)


def test_a_wrong_derivative_ends_the_run_with_a_failure(outputs):
    base, ended = outputs
    status, output = ended["wrong"]
    assert status == 1, output
    (folder,) = (base / "wrong").iterdir()
    timings = read_run(folder).timings
    wrong = timings[timings["status"] == "wrong"]
    assert set(wrong["mode"]) == {"reverse"}
    assert wrong["seconds_median"].isna().all()
    assert (wrong["max_error"] > 1e-4).all()
    assert set(timings[timings["mode"] == "forward"]["status"]) == {"ok"}
    assert "wrong: chain 4 ad reverse gradient: entry" in output


def test_disabled_or_skipped_benchmarks_record_no_time(outputs):
    base, ended = outputs
    assert ended["disabled"][0] == 0, ended["disabled"][1]
    assert ended["skipped"][0] == 0, ended["skipped"][1]
    for folder in (base / "disabled").iterdir():
        assert read_table(folder / "timings.csv").empty
    assert not (base / "skipped").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupted_and_killed_runs_lose_nothing_and_are_finished_by_resuming(tmp_path):
    results = f"--results={tmp_path}"
    process = start("--benchmark", *LONG, results)
    folder = wait_for_rows(tmp_path, 60)
    process.send_signal(signal.SIGINT)
    status, output = end(process)
    assert status == 2, output
    assert f"--resume={folder}" in output
    interrupted = (folder / "timings.csv").read_bytes()
    assert read_run(folder).summary is not None
    assert read_run(folder).environment["sessions"][-1]["outcome"] == "interrupted"

    process = start("--benchmark", f"--resume={folder}", "--no-plots", "--benchmark-max-time=0.0005")
    wait_for_rows(tmp_path, interrupted.count(b"\n") + 60)
    process.kill()
    end(process)
    killed = (folder / "timings.csv").read_bytes()
    assert killed.startswith(interrupted)
    (folder / "timings.csv").write_bytes(killed + killed.splitlines()[-1][:50])  # as a full disk would leave it

    again = ("--no-plots", "--benchmark-max-time=0.0005", "--budget=40")
    status, output = end(start("--benchmark", f"--resume={folder.name}", results, *again))
    assert status == 0, output
    assert (folder / "timings.csv").read_bytes().startswith(killed)
    run = read_run(folder)
    assert set(run.timings["status"]) == {"ok"}
    visits = shuffled(plan(Selection(families=("chain",), engines=("ad",), sizes=tuple(2**k for k in range(7)))), 20, 1)
    keys = run.timings[list(IDENTITY)].itertuples(index=False, name=None)
    made = list(zip(run.timings["block"], keys, run.timings["twin"], strict=True))
    assert made == [(visit.block, visit.cell.identity, visit.twin) for visit in visits]
    assert len(run.environment["sessions"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--family=chian"], "did you mean 'chain'"),
        (["--resume=nothing"], "neither a folder nor a run"),
    ],
)
def test_wrong_options_are_one_line(arguments, message):
    status, output = end(start("--benchmark", *arguments))
    assert status == 4
    (line,) = output.strip().splitlines()
    assert message in line


def test_each_flag_collects_its_own():
    with_flag = start("--benchmark", "--collect-only", "-q", "--family=chain", "--size=1", "--blocks=1")
    without = start("--collect-only", "-q")
    named = start("--collect-only", "-q", "benchmarks")
    status, output = end(with_flag)
    assert status == 0
    assert all(line.startswith("benchmarks/test_cells.py") for line in output.splitlines() if "::" in line)
    status, output = end(without)
    assert status == 0
    assert all(line.startswith("tests/") for line in output.splitlines() if "::" in line)
    status, output = end(named)
    assert "no tests collected" in output
