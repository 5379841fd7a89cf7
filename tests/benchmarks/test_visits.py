"""Blocks, failures and resuming, with engines that misbehave; counted and looked at, never timed."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import subprocess
import sys
import warnings
from collections import Counter

import pytest
from harness import CELLS, begin, computing, fail, hang, measured_in, misbehaving, once, records_of

import ad
from benchmarks.cells import Cell, Visit
from benchmarks.engines import engine
from benchmarks.engines.base import Counts, Engine
from benchmarks.findings.blocks import by_block
from benchmarks.functions import catalogue
from benchmarks.measuring import memory, resuming
from benchmarks.measuring import visits as measuring
from benchmarks.measuring.open_run import close_run, open_run
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.resuming import remaining, tried_apart
from benchmarks.options import Selection, Settings
from benchmarks.plan import plan, shuffled, twins
from benchmarks.runs.files import RecordError, read_run, read_table, repair_timings

pytestmark = pytest.mark.usefixtures("small_heap")


def test_every_block_visits_every_cell_once_and_twins_twice():
    visits = shuffled(CELLS, 4, seed=3)
    for block in range(1, 5):
        seen = Counter(v.cell for v in visits if v.block == block)
        assert seen == Counter(CELLS) + Counter(twins(CELLS))
    assert [v.block for v in visits] == sorted(v.block for v in visits)


def test_twins_are_many_enough_for_every_engine_mode_and_length():
    cells = plan(Selection())
    chosen = twins(cells)
    derivatives = [cell for cell in cells if cell.mode != "primal"]
    assert len(chosen) == len(derivatives) // 40 >= 20
    assert {(cell.engine, cell.mode) for cell in chosen} == {(cell.engine, cell.mode) for cell in derivatives}
    assert len(twins(CELLS)) == min(5, len(CELLS))


def test_the_order_is_shuffled_anew_in_each_block_and_repeats_with_its_seed():
    orders = {tuple(v.cell for v in shuffled(CELLS, 4, seed=3) if v.block == block) for block in range(1, 5)}
    assert len(orders) == 4
    assert shuffled(CELLS, 4, seed=3) == shuffled(CELLS, 4, seed=3) != shuffled(CELLS, 4, seed=4)


def test_a_run_records_every_visit(tmp_path):
    rows = records_of(measured_in(tmp_path, CELLS, Settings(blocks=3)), tmp_path)
    assert set(rows["status"]) == {"ok"}
    copies = rows["twin"] == 1
    assert copies.sum() == 3 * len(twins(CELLS))
    assert (rows[~copies].groupby("block").size() == len(CELLS)).all()
    gradients = rows[rows["quantity"] == "gradient"]
    forward = gradients["mode"] == "forward"
    assert (gradients[forward]["sweeps"] == gradients[forward]["n_inputs"]).all()
    assert (gradients[~forward]["sweeps"] == 1).all()
    assert (gradients[forward]["ops_executed"] == gradients[forward]["n_ops"] * gradients[forward]["n_inputs"]).all()
    assert (gradients[~forward]["ops_executed"] == 2 * gradients[~forward]["n_ops"]).all()
    assert (gradients["elements_executed"] == gradients["ops_executed"]).all()  # a function of numbers


@pytest.mark.parametrize(
    ("what", "status", "note"),
    [
        (fail(ZeroDivisionError("by zero\nsecond line")), "error", "ZeroDivisionError: by zero"),
        (fail(MemoryError()), "out_of_memory", "ran out of memory"),
        (lambda: [0.0], "wrong", "gave 1 numbers, expected 4"),
        (hang, "error", "still running after 0.2 s"),
        (fail(SystemExit(3)), "error", "SystemExit: 3"),
        (lambda: pytest.skip("not today"), "error", "Skipped: not today"),
        (fail(NotImplementedError("no rule for hypot")), "unsupported", "no rule for hypot"),
    ],
)
def test_a_cell_that_fails_gets_its_record_and_the_run_goes_on(tmp_path, what, status, note):
    engines = misbehaving(what)
    run = measured_in(tmp_path, CELLS, Settings(blocks=2, time_limit=0.2), engines=engines)
    rows = records_of(run, tmp_path)
    (failed,) = rows[rows["status"] != "ok"].to_dict("records")
    assert (failed["status"], failed["note"], failed["block"]) == (status, note, 0)
    assert math.isnan(failed["seconds_median"])
    assert len({cell.identity for cell in CELLS}) == len(rows[["n_inputs", "mode", "quantity"]].drop_duplicates())


def test_a_cell_that_fails_later_keeps_what_it_had_and_is_not_visited_again(tmp_path):
    where = Cell("chain", 4, "ad", "reverse", "gradient")
    calls = []

    def stopwatch(execute, seconds):
        if execute is run.ready[where].run:
            calls.append(1)
            if len(calls) == 2:
                raise ValueError("late")
        return once(execute, seconds)

    run = begin(tmp_path, CELLS, Settings(blocks=4))
    for cell in CELLS:
        measuring.admit(run, cell)
    for visit in shuffled(CELLS, 4, 1):
        if where in run.ready:
            measuring.visit(run, visit, stopwatch)
        else:
            assert visit.cell != where or measuring.visit(run, visit, once) is None
    rows = records_of(run, tmp_path)
    mine = rows[(rows["n_inputs"] == 4) & (rows["mode"] == "reverse")]
    assert sorted(mine["status"]) == ["error", "ok"]


def test_resuming_makes_exactly_the_visits_that_are_missing(tmp_path):
    visits = shuffled(CELLS, 3, 1)
    run = begin(tmp_path, CELLS, Settings(blocks=3))
    for cell in CELLS:
        measuring.admit(run, cell)
    done = visits[: len(visits) // 2]
    for visit in done:
        measuring.visit(run, visit, once)
    left = remaining(visits, records_of(run, tmp_path))
    assert left == visits[len(done) :]


@pytest.mark.parametrize(
    ("what", "again"),
    [
        (fail(ValueError("no")), True),
        (fail(NotImplementedError("no rule")), True),
        (fail(MemoryError()), False),
        (lambda: [0.0], False),
    ],
)
def test_resuming_tries_again_what_has_no_time_unless_it_was_wrong_or_too_large(tmp_path, what, again):
    where = Cell("chain", 4, "ad", "reverse", "gradient")
    run = begin(tmp_path, CELLS, Settings(blocks=2), engines=misbehaving(what))
    measuring.admit(run, where)
    run.deadline = 0.0
    measuring.admit(run, CELLS[0])
    run.timings.close()
    repair_timings(tmp_path, ("ad",))
    rows = read_table(tmp_path / "timings.csv")
    assert len(rows) == (not again)
    visits = shuffled(CELLS, 2, 1)
    assert remaining(visits, rows) == [visit for visit in visits if again or visit.cell != where]


@pytest.mark.parametrize("number", ["blocks", "seed", "most_blocks"])
def test_settings_that_no_run_has_are_refused(monkeypatch, number):
    begun = json.loads(json.dumps(dataclasses.asdict(Settings())))
    monkeypatch.setattr(resuming, "read_environment", lambda _: {"settings": begun})
    assert resuming.settings_of("run") == Settings()
    begun[number] = 0
    with pytest.raises(RecordError, match=r"the settings in environment\.json are not those of a run"):
        resuming.settings_of("run")


def test_a_cell_that_processes_died_with_is_tried_apart_once(monkeypatch):
    def apart(times, outcome, seconds=5.0):
        monkeypatch.setattr(memory, "execute", lambda *_: outcome())
        return tried_apart(CELLS[0], times, seconds, time_limit=5.0)

    assert apart(1, lambda: {"status": "ok"}) is None
    assert apart(1, lambda: {"status": "error", "note": "it died"}).note.endswith("ended with it; alone: it died")
    assert apart(2, fail(AssertionError("tried again"))).note.endswith("ended with it, 2 times")
    late = fail(subprocess.TimeoutExpired("python", 5.0))
    assert [apart(1, late, seconds).status for seconds in (5.0, 2.0)] == ["error", "over_budget"]


def test_every_kind_of_cell_has_its_own_key():
    cells = plan(Selection())
    assert len({cell.identity for cell in cells}) == len(cells)
    assert len({str(cell) for cell in cells}) == len(cells)


def test_visits_and_cells_say_what_they_are():
    assert str(Visit(2, Cell("map", (4, 8), "ad", "forward", "gradient"), twin=1)) == (
        "block 2: map 4x8 ad forward gradient (twin)"
    )


@pytest.mark.parametrize("where", ["missing", "version", "prepare", "__init__", "seed"])
@pytest.mark.parametrize("problem", [ValueError("no"), SystemExit(1), pytest.skip.Exception("no")], ids=repr)
def test_an_engine_that_raises_anywhere_costs_its_own_cells_and_nothing_else(tmp_path, where, problem):
    broken = misbehaving(
        None, **{where: classmethod(fail(problem)) if where in ("missing", "version") else fail(problem)}
    )
    engines = {"ad": broken["ad"], "finite-differences": engine("finite-differences")}
    cells = plan(Selection(families=("chain",), engines=tuple(engines), sizes=(2,)))
    records = records_of(measured_in(tmp_path, cells, Settings(blocks=1), engines=engines), tmp_path)
    others = records[(records["engine"] != "ad") & ~records["note"].str.contains("has no reverse mode")]
    assert set(others["status"]) == {"ok"}
    mine = records[(records["engine"] == "ad") & (records["quantity"] == "jvp")]
    assert list(mine["status"]) == ["error"]


def test_a_time_that_failed_keeps_nothing_that_was_measured(tmp_path):
    """A cell that passes the gate and fails in a block has no error of a check, no counts and no preparation."""
    run = begin(tmp_path, CELLS, Settings(blocks=1))
    for cell in CELLS:
        measuring.admit(run, cell)
    for visit in run.visits:
        measuring.visit(run, visit, fail(MemoryError()))
    records = records_of(run, tmp_path)
    assert set(records["status"]) == {"out_of_memory"}
    assert (
        records[["max_error", "sweeps", "ops_executed", "elements_executed", "prepare_seconds", "seconds_min"]]
        .isna()
        .all()
        .all()
    )


def test_a_run_is_opened_resumed_and_closed_from_any_process(tmp_path, capsys):
    settings = Settings(
        Selection(families=("chain",), engines=("ad",), sizes=(1, 4), modes=("reverse",)), budget=12.0, blocks=2
    )
    run, reporter = open_run(settings, tmp_path), Reporter(sys.stdout)
    half, run.visits[:] = run.visits[:], run.visits[: len(run.visits) // 2]
    measuring.measure(run, reporter)
    found, interrupted = close_run(run, reporter, interrupted=True)
    assert interrupted
    assert found.environment["sessions"][0]["outcome"] == "interrupted"
    again = open_run(settings, tmp_path, resume=run.folder)
    assert again.visits == half[len(half) // 2 :]
    measuring.measure(again, reporter)
    found, interrupted = close_run(again, reporter)
    assert not interrupted
    assert [len(read_run(run.folder).timings), set(found.timings["status"])] == [len(half), {"ok"}]
    assert found.memory is not None
    assert found.environment["versions"]["ad"]


def test_what_is_timed_is_what_was_checked(tmp_path):
    """An engine that is right until it is timed gets no time."""
    calls = []

    def gradient():
        calls.append(1)
        right = ad.grad(lambda v: catalogue.problem("chain", 4).f(ad, v))(catalogue.problem("chain", 4).x)
        return right if len(calls) < 5 else [1.01 * each for each in right]

    records = records_of(measured_in(tmp_path, CELLS, Settings(blocks=9), engines=misbehaving(gradient)), tmp_path)
    mine = records[(records["n_inputs"] == 4) & (records["mode"] == "reverse")]
    assert mine["status"].iloc[-1] == "wrong"
    assert mine["seconds_median"].isna().iloc[-1]
    assert mine["max_error"].iloc[-1] == pytest.approx(0.01, rel=1e-6)
    cells = by_block(records).cells
    assert set(cells["status"][(cells["n_inputs"] == 4) & (cells["mode"] == "reverse")]) == {"wrong"}


@pytest.mark.parametrize(("counted", "status"), [(4, "ok"), (None, "ok"), (3, "wrong"), (0, "wrong")])
def test_sweeps_other_than_those_asked_for_are_wrong(tmp_path, counted, status):
    def count(self, execute):
        execute()
        return Counts(counted, None)

    cell = Cell("chain", 4, "ad", "forward", "gradient")
    engines = {"ad": type("Counting", (engine("ad"),), {"count": count})}
    records = records_of(measured_in(tmp_path, [cell], Settings(blocks=1), engines=engines), tmp_path)
    assert set(records["status"]) == {status}
    assert status == "ok" or records["note"].tolist() == [f"counted {counted} sweeps, expected 4"]


def test_twins_are_prepared_on_their_own(tmp_path):
    """A twin's visits execute what was bound to an engine of its own."""
    run, timed = begin(tmp_path, CELLS, Settings(blocks=1)), {}
    for cell in CELLS:
        measuring.admit(run, cell)
    for visit in run.visits:
        measuring.visit(
            run, visit, lambda execute, seconds, v=visit: timed.update({v: execute}) or once(execute, seconds)
        )
    for cell in twins(CELLS):
        first, second = (engine_of(timed[Visit(1, cell, twin)]) for twin in (0, 1))
        assert type(first) is type(second)
        assert first is not second


def engine_of(execute):
    """The engine behind what is timed: a method of it, or a function around one."""
    held = [cell.cell_contents for cell in execute.__closure__ or ()]
    return next(each for each in (getattr(execute, "__self__", None), *held) if isinstance(each, Engine))


def test_a_warning_of_an_engine_is_no_error(tmp_path):
    def gradient():
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
        return ad.grad(lambda v: catalogue.problem("chain", 4).f(ad, v))(catalogue.problem("chain", 4).x)

    records = records_of(measured_in(tmp_path, CELLS, Settings(blocks=1), engines=misbehaving(gradient)), tmp_path)
    assert set(records["status"]) == {"ok"}


def test_an_engine_that_changes_its_inputs_spoils_no_other_one(tmp_path):
    def push(self, along):
        self.problem.x[0] = 7.0
        return engine("ad").push(self, along)

    engines = {name: engine(name) for name in ("ad", "finite-differences")}
    engines["ad"] = type("Mutating", (engine("ad"),), {"push": push})
    cells = plan(Selection(families=("chain",), engines=tuple(engines), modes=("forward",), sizes=(4,)))
    records = records_of(measured_in(tmp_path, cells, Settings(blocks=1), engines=engines), tmp_path)
    assert set(records[records["engine"] == "ad"]["status"]) == {"wrong"}
    assert set(records[records["engine"] != "ad"]["status"]) == {"ok"}


def test_an_engine_that_hangs_everywhere_leaves_time_to_the_others(tmp_path):
    hanging = type("Hanging", (engine("ad"),), {"prepare": lambda self, mode, lanes=1: hang()})
    engines = {"ad": hanging, "finite-differences": engine("finite-differences")}
    cells = plan(Selection(families=("chain",), engines=tuple(engines), sizes=(2, 4)))
    run = measured_in(tmp_path, cells, Settings(blocks=1), engines=engines, seconds=2.0)
    records = records_of(run, tmp_path)
    mine = records["engine"] == "ad"
    assert set(records[mine]["status"]) == {"over_budget"}
    notes = records[mine]["note"].drop_duplicates().tolist()
    assert any(note.startswith("did not end in") for note in notes)
    assert any(note.startswith("left out: ad did not end in") for note in notes)
    assert set(records[~mine & (records["mode"] != "reverse")]["status"]) == {"ok"}


def test_nothing_is_timed_beside_what_was_cut_off_and_still_computes(tmp_path):
    left, beside = [], []

    def prepare(self, mode, lanes=1):
        left.append(computing(1.0))
        hang()

    def stopwatch(execute, seconds):
        beside.append(any(thread.is_alive() for thread in left))
        return once(execute, seconds)

    engines = {"ad": type("Leaving", (engine("ad"),), {"prepare": prepare})}
    engines["finite-differences"] = engine("finite-differences")
    cells = plan(Selection(families=("chain",), engines=tuple(engines), modes=("primal", "forward"), sizes=(2,)))
    run = begin(tmp_path, cells, Settings(blocks=1, time_limit=0.2), engines=engines)
    measuring.measure(run, Reporter(io.StringIO()), stopwatch)
    for thread in left:
        thread.join()
    assert left
    assert beside
    assert not any(beside)


def test_all_cells_of_a_problem_that_a_process_died_with_are_tried_apart_first(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(measuring, "tried_apart", lambda cell, times, *_: tried.append((cell, times)))
    run = begin(tmp_path, CELLS, Settings(blocks=1))
    died = Cell("chain", 4, "ad", "reverse", "gradient")
    run.suspects = {died: 1}
    for cell in CELLS:
        measuring.admit(run, cell)
    assert dict(tried) == {cell: int(cell == died) for cell in CELLS if cell.size == 4}
