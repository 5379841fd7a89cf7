"""The time of a run: what is left out of it, and what is measured in the time that is left."""

from __future__ import annotations

import math
import sys
import time

import pytest
from harness import CELLS, begin, fail, hang, measured_in, misbehaving, once, records_of

from benchmarks.cells import Cell, evaluation, work
from benchmarks.engines import engine
from benchmarks.measuring import preparing
from benchmarks.measuring import visits as measuring
from benchmarks.measuring.open_run import open_run
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.resuming import resumed_settings
from benchmarks.options import Selection, Settings
from benchmarks.plan import plan, shuffled
from benchmarks.runs.files import read_environment, read_table

pytestmark = pytest.mark.usefixtures("small_heap")


def test_what_does_not_fit_the_budget_is_skipped_largest_first(tmp_path):
    cells = plan(Selection(families=("chain",), engines=("ad",), modes=("reverse",), sizes=(4, 16, 64, 256)))
    run = begin(tmp_path, cells, Settings(blocks=1))
    run.visit_cost = lambda seconds: 0.0 if len(run.ready) < 2 else 1e6  # two fit, and then nothing
    for cell in cells:
        measuring.admit(run, cell)
    rows = records_of(run, tmp_path)
    assert list(rows["n_inputs"]) == [64, 256]
    assert set(rows["status"]) == {"over_budget"}
    assert rows["seconds_min"].isna().all()
    assert rows["sweeps"].isna().all()


def test_blocks_that_no_longer_fit_lose_the_dearest_cells_first(tmp_path):
    run = begin(tmp_path, CELLS, Settings(blocks=2))
    for cell in CELLS:
        measuring.admit(run, cell)
    dear = CELLS[3]
    run.ready[dear].cost = 1e6
    for visit in shuffled(CELLS, 2, 1):
        measuring.visit(run, visit, once)
    rows = records_of(run, tmp_path)
    (skipped,) = rows[rows["status"] != "ok"].to_dict("records")
    assert skipped["status"] == "over_budget"
    assert (skipped["n_inputs"], skipped["mode"], skipped["quantity"]) == (dear.size, dear.mode, dear.quantity)


def test_nothing_is_timed_after_the_deadline(tmp_path):
    run = begin(tmp_path, CELLS, Settings(blocks=1))
    for cell in CELLS:
        measuring.admit(run, cell)
    run.deadline = time.monotonic() - 1.0
    for visit in shuffled(CELLS, 1, 1):
        measuring.visit(run, visit, fail(AssertionError("timed")))
    records = records_of(run, tmp_path)
    assert set(records["status"]) == {"over_budget"}
    assert (
        records[["max_error", "sweeps", "ops_executed", "elements_executed", "prepare_seconds", "seconds_min"]]
        .isna()
        .all()
        .all()
    )


def test_the_larger_cells_of_a_kind_that_hangs_are_left_out(tmp_path):
    cells = plan(Selection(families=("chain",), engines=("ad",), modes=("reverse",), sizes=(2, 4, 8, 16)))
    run = measured_in(tmp_path, cells, Settings(blocks=1, time_limit=0.2), engines=misbehaving(hang))
    records = records_of(run, tmp_path).query("block == 0")
    assert records["n_inputs"].tolist() == [4, 8, 16]
    assert records["status"].tolist() == ["error", "over_budget", "over_budget"]
    assert records["note"].iloc[1] == "left out: chain 4 ad reverse gradient: still running after 0.2 s"


def test_what_would_not_end_within_the_run_is_over_budget(tmp_path):
    run = begin(tmp_path, CELLS, Settings(blocks=1, time_limit=60.0), engines=misbehaving(hang), seconds=1.0)
    for cell in sorted(CELLS, key=work):
        measuring.admit(run, cell)
    (record,) = records_of(run, tmp_path).query("mode == 'reverse' and n_inputs == 4").to_dict("records")
    assert record["status"] == "over_budget"


def test_the_time_that_is_left_goes_into_more_blocks_fixed_before_any_is_timed(tmp_path):
    settings = Settings(Selection(families=("chain",), engines=("ad",), sizes=(1, 4)), blocks=2, most_blocks=6)
    for seconds, blocks in ((1000.0, 6), (0.0, 2)):
        run = open_run(settings, tmp_path)
        run.deadline = time.monotonic() + 60.0
        for cell in {visit.cell for visit in run.visits}:
            measuring.admit(run, cell)
        for ready in run.ready.values():
            ready.cost = 1e-3
        run.deadline = time.monotonic() + seconds
        measuring.fix_blocks(run)
        assert run.blocks == blocks == read_environment(run.folder)["settings"]["blocks"]
        run.deadline = time.monotonic() + 60.0
        for visit in run.visits:
            measuring.visit(run, visit, once)
        run.timings.close()
        run.close()
        assert sorted(set(read_table(run.folder / "timings.csv")["block"])) == list(range(1, blocks + 1))
        assert resumed_settings(run.folder, Settings()).most_blocks == blocks


def test_compiling_is_not_charged_to_the_budget(tmp_path):
    def warm(cls, progress):
        time.sleep(0.3)
        progress(1.0)

    run = begin(
        tmp_path, CELLS, Settings(blocks=1), engines={"ad": type("Warm", (engine("ad"),), {"warm": classmethod(warm)})}
    )
    deadline = run.deadline
    measuring.warm(run, Reporter(sys.stdout))
    assert run.deadline >= deadline + 0.3
    assert run.deadline - run.started == pytest.approx(60.0, abs=0.01)


def test_a_machine_that_slows_down_loses_the_blocks_nobody_asked_for(tmp_path):
    settings = Settings(Selection(families=("chain",), engines=("ad",), sizes=(1, 4)), blocks=2, most_blocks=6)
    run = open_run(settings, tmp_path)
    for cell in {visit.cell for visit in run.visits}:
        measuring.admit(run, cell)
    for ready in run.ready.values():
        ready.cost = 1e-6
    measuring.fix_blocks(run)
    assert run.blocks == 6
    for visit in run.visits:
        if visit.block == 3:
            run.deadline = time.monotonic() - 1.0
        measuring.visit(run, visit, once)
    run.timings.close()
    run.close()
    records = read_table(run.folder / "timings.csv")
    assert set(records["status"]) == {"ok"}
    assert set(records["block"]) == {1, 2}


def test_growth_beyond_belief_is_not_extrapolated():
    cell = Cell("chain", 64, "ad", "reverse", "gradient")
    ops = evaluation(cell.problem)
    for later, exponent in ((100.0, 3.0), (1.5, math.log2(1.5)), (0.9, 0.5)):
        measured = [(ops // 8, 1.0), (ops // 4, later)]
        assert preparing._extrapolated(measured, cell) == pytest.approx(later * 4.0**exponent)
