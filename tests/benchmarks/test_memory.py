"""The memory pass and the price of checkpointing: bytes and counts, never seconds."""

import io
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

import ad
from benchmarks.cells import Cell
from benchmarks.experiments import checkpointing
from benchmarks.functions.catalogue import FAMILIES
from benchmarks.measuring import memory
from benchmarks.measuring.memory import Load, measure, plan
from benchmarks.measuring.open_run import _checkpointing_pass
from benchmarks.measuring.progress import Reporter
from benchmarks.options import Selection, Settings
from benchmarks.runs.columns import CheckpointRecord, MemoryRecord, kinds
from benchmarks.runs.files import read_table, write_table

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def rows():
    """Two sizes of a graph whose inputs stay while its ops grow, in both modes: 65,536 and 262,144 ops."""
    loads = [
        Load(Cell("fixed_work", 16, "ad", mode, quantity), steps)
        for steps in (2**14, 2**16)
        for mode, quantity in memory.SWEEPS.items()
    ]
    return {(row.mode, row.n_ops): row for row in measure(loads, run="r", budget=60.0)}


def test_every_load_is_measured(rows):
    assert list(rows) == [(mode, ops) for ops in (2**16, 2**18) for mode in ("forward", "reverse")]
    assert {(row.status, row.n_inputs, row.graph, row.engine, row.run) for row in rows.values()} == {
        ("ok", 16, "fixed_work", "ad", "r")
    }
    assert all(row.bytes_per_op == row.peak_bytes / row.n_ops for row in rows.values())


def test_reverse_grows_with_ops_and_forward_does_not(rows):
    small, large = (rows["reverse", ops].peak_bytes for ops in (2**16, 2**18))
    assert large / small == pytest.approx(4.0, rel=0.25)
    assert rows["forward", 2**18].peak_bytes < rows["forward", 2**16].peak_bytes + MEGABYTE
    assert rows["forward", 2**18].peak_bytes < large / 10


def test_an_op_on_the_tape_takes_at_most_400_bytes(rows):
    assert 50 < rows["reverse", 2**18].bytes_per_op <= 400


def test_the_peak_contains_the_tape(rows):
    for ops in (2**16, 2**18):
        row = rows["reverse", ops]
        assert row.tape_bytes == pytest.approx(row.peak_bytes, rel=0.4)
        assert rows["forward", ops].tape_bytes is None
    # A node has eight slots of eight bytes and a head; its numbers and its place in the list come on top.
    assert 80 < rows["reverse", 2**18].tape_bytes / 2**18 < 300


def test_the_peak_is_of_the_process_and_starts_at_the_baseline():
    script = (
        "import numpy as np; from benchmarks.measuring.memory import _peak, _restart_peak\n"
        "first = np.ones(24 * 2**20); del first; before = _restart_peak()\n"
        "second = np.ones(10 * 2**20); del second; print(_peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    if sys.platform != "linux":
        pytest.skip("only Linux lets a peak start anew")
    assert int(done.stdout) == pytest.approx(80 * MEGABYTE, abs=MEGABYTE)


def load(n=2**17, engine="ad", lanes=1):
    return Load(Cell("chain", n, engine, "reverse", "vjp", lanes=lanes))


def test_what_cannot_be_measured_says_why():
    def outcome(one, **limits):
        (row,) = measure([one], run="r", **limits)
        assert row.peak_bytes is None
        assert row.tape_bytes is None
        assert row.bytes_per_op != row.bytes_per_op
        return row.status, row.note

    assert outcome(load(), budget=1e-9)[0] == "over_budget"
    assert outcome(load(), budget=0.05)[0] == "over_budget"
    assert outcome(load(), time_limit=0.05) == ("error", "still running after 0.05 s")
    limited = outcome(load(), memory_limit=64 * MEGABYTE)
    assert limited == ("out_of_memory", "needs more than the 67,108,864 bytes allowed")
    assert outcome(load(lanes=2)) == ("unsupported", "ad carries one tangent at a time")
    status, note = outcome(load(engine="abacus"))
    assert status == "error"
    assert note.startswith("ValueError: engine: unknown 'abacus'; there are ad, ")


@pytest.mark.parametrize(("signal", "status"), [(9, "out_of_memory"), (11, "error")])
def test_a_process_that_is_killed_gets_its_record(monkeypatch, signal, status):
    monkeypatch.setattr(memory.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=-signal))
    (row,) = measure([load()], run="r")
    assert (row.status, row.note) == (status, f"its process was killed by signal {signal}")


def test_for_an_engine_that_is_not_installed_no_process_is_started(monkeypatch):
    monkeypatch.setattr(memory, "engines", lambda: {"ad": SimpleNamespace(missing=lambda: "needs the package ad")})
    monkeypatch.setattr(memory, "execute", None)
    (record,) = measure([load()], run="test")
    assert (record.status, record.note) == ("unsupported", "needs the package ad")


def test_the_default_plan_visits_every_family_in_both_modes():
    loads = plan(Selection())
    assert {(one.cell.graph, one.cell.mode) for one in loads} == {
        (name, mode) for name in FAMILIES if not FAMILIES[name].sizes for mode in ("forward", "reverse")
    }
    assert [one.problem.ops for one in loads] == sorted(one.problem.ops for one in loads)
    growing = {(one.cell.size, one.problem.ops) for one in loads if one.cell.graph == "fixed_work"}
    assert growing == {(16, ops) for ops in memory.OPS}


def test_a_selection_is_kept_to():
    loads = plan(Selection(families=("lattice",), engines=("ad",), modes=("reverse",), sizes=(8, 9, 100)))
    assert [(one.cell.graph, one.cell.size, one.cell.mode) for one in loads] == [
        ("lattice", 7, "reverse"),
        ("lattice", 10, "reverse"),
        ("lattice", 100, "reverse"),
    ]


def test_memory_rows_can_be_written_and_read(rows, tmp_path):
    columns = list(kinds(MemoryRecord))
    table = pd.DataFrame([vars(row) for row in rows.values()], columns=columns, dtype=object)
    write_table(tmp_path / "memory.csv", table)
    read = read_table(tmp_path / "memory.csv")
    assert read["peak_bytes"].tolist() == [row.peak_bytes for row in rows.values()]
    assert read["tape_bytes"].isna().tolist() == [True, False, True, False]


@pytest.fixture(scope="module")
def trade_off():
    return list(checkpointing.measure(run="r", steps=24, snapshots=[1, 3, 24]))


def test_the_steps_computed_again_are_as_few_as_can_be(trade_off):
    assert [row.snapshots for row in trade_off] == [1, 3, 24, None]
    assert [row.advances for row in trade_off] == [24 * 23 // 2, ad.optimal_advances(24, 3), 23, 0]
    assert all(row.advances == row.advances_optimal for row in trade_off)


def test_fewer_snapshots_take_less_memory(trade_off):
    peaks = [row.peak_bytes for row in trade_off]
    assert peaks == sorted(peaks)
    # 24 states of 40 numbers against one; a plain tape of 24 steps against one step's.
    assert 23 * 40 * 8 < peaks[2] - peaks[0] < 24 * 40 * 64
    assert peaks[3] > 5 * peaks[2]


def test_a_wrong_gradient_is_not_timed(monkeypatch):
    monkeypatch.setattr(checkpointing, "energy", lambda state, forcing: 0.5 * sum(x * x for x in state[1:]))
    with pytest.raises(checkpointing.WrongError, match="differs by"):
        list(checkpointing.measure(run="r", steps=4, snapshots=[2]))


def test_a_wrong_gradient_costs_a_run_its_price_of_checkpointing_and_nothing_else(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpointing, "energy", lambda state, forcing: 0.5 * sum(x * x for x in state[1:]))
    run = SimpleNamespace(folder=tmp_path, name="r", settings=Settings())
    said = io.StringIO()
    _checkpointing_pass(run, Reporter(said))
    assert "error: checkpointing: WrongError: checkpointing: the gradient" in " ".join(said.getvalue().split())
    assert not (tmp_path / "checkpointing.csv").exists()


def test_checkpoint_rows_can_be_written_and_read(trade_off, tmp_path):
    table = pd.DataFrame([vars(row) for row in trade_off], columns=list(kinds(CheckpointRecord)), dtype=object)
    write_table(tmp_path / "checkpointing.csv", table)
    read = read_table(tmp_path / "checkpointing.csv")
    assert read["snapshots"].isna().tolist() == [False, False, False, True]
    assert read["seconds"].tolist() == [row.seconds for row in trade_off]
