"""Blocks, budget, failures and resuming, with engines that misbehave; counted and looked at, never timed."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter

import pytest
from harness import begin, campaign_in, once, rows_of

from benchmarks.cells import Cell, Visit, plan, shuffled, twins
from benchmarks.engines import Counts, Prepared, load
from benchmarks.measuring import measure
from benchmarks.measuring.measure import HangingError, guarded, remaining, row_key, time_limit
from benchmarks.options import Selection, Settings
from benchmarks.runs.columns import AA
from benchmarks.runs.files import read_table, repair_timings

pytestmark = pytest.mark.usefixtures("small_heap")
CELLS = plan(Selection(families=("chain",), engines=("ad",), sizes=(1, 2, 4)))


@dataclasses.dataclass
class Misbehaving:
    """The engine `ad`, but for one cell, where it does something else."""

    where: Cell
    what: object
    name: str = "ad"

    def __post_init__(self):
        self.right = load(["ad"])["ad"]
        self.calls = Counter()

    def version(self):
        return self.right.version()

    def unsupported(self, cell):
        return "not here" if cell == self.where and self.what == "unsupported" else None

    def prepare(self, graph, x, cell):
        self.calls[cell] += 1
        prepared = self.right.prepare(graph, x, cell)
        return Prepared(self.what, lambda: Counts(1, None), "") if cell == self.where else prepared


def fail(problem):
    def raising():
        raise problem

    return raising


def hang():
    while True:
        pass


def test_every_block_visits_every_cell_once_and_twins_twice():
    visits = shuffled(CELLS, 4, seed=3)
    for block in range(1, 5):
        seen = Counter(v.cell for v in visits if v.block == block)
        assert seen == Counter(CELLS) + Counter(twins(CELLS))
    assert [v.block for v in visits] == sorted(v.block for v in visits)


def test_the_order_is_shuffled_anew_in_each_block_and_repeats_with_its_seed():
    orders = {tuple(v.cell for v in shuffled(CELLS, 4, seed=3) if v.block == block) for block in range(1, 5)}
    assert len(orders) == 4
    assert shuffled(CELLS, 4, seed=3) == shuffled(CELLS, 4, seed=3) != shuffled(CELLS, 4, seed=4)


def test_a_campaign_records_every_visit(tmp_path):
    rows = rows_of(campaign_in(tmp_path, CELLS, Settings(blocks=3)), tmp_path)
    assert set(rows["status"]) == {"ok"}
    copies = rows["note"].str.startswith(AA)
    assert copies.sum() == 3 * len(twins(CELLS))
    assert (rows[~copies].groupby("block").size() == len(CELLS)).all()
    gradients = rows[rows["quantity"] == "gradient"]
    forward = gradients["mode"] == "forward"
    assert (gradients[forward]["sweeps"] == gradients[forward]["n_inputs"]).all()
    assert (gradients[~forward]["sweeps"] == 1).all()
    assert (gradients[forward]["ops_executed"] == gradients[forward]["n_ops"] * gradients[forward]["n_inputs"]).all()
    assert (gradients[~forward]["ops_executed"] == 2 * gradients[~forward]["n_ops"]).all()


@pytest.mark.parametrize(
    ("what", "status", "note"),
    [
        (fail(ZeroDivisionError("by zero\nsecond line")), "error", "ZeroDivisionError: by zero"),
        (fail(MemoryError()), "out_of_memory", "ran out of memory"),
        (lambda: [0.0], "wrong", "gave 1 numbers, expected 4"),
        (hang, "error", "still running after 0.2 s"),
        ("unsupported", "unsupported", "not here"),
    ],
)
def test_a_cell_that_fails_gets_its_row_and_the_run_goes_on(tmp_path, what, status, note):
    where = Cell("chain", 4, "ad", "reverse", "gradient")
    engines = {"ad": Misbehaving(where, what)}
    campaign = campaign_in(tmp_path, CELLS, Settings(blocks=2, time_limit=0.2), engines=engines)
    rows = rows_of(campaign, tmp_path)
    (failed,) = rows[rows["status"] != "ok"].to_dict("records")
    assert (failed["status"], failed["note"], failed["block"]) == (status, note, 0)
    assert math.isnan(failed["seconds_median"])
    assert len({row_key(c) for c in CELLS}) == len(rows[["n_inputs", "mode", "quantity"]].drop_duplicates())
    assert bool(campaign.failures) == (status in ("wrong", "error"))


def test_a_cell_that_fails_later_keeps_what_it_had_and_is_not_visited_again(tmp_path):
    where = Cell("chain", 4, "ad", "reverse", "gradient")
    calls = []

    def stopwatch(run, seconds):
        if run is campaign.ready[where].prepared.run:
            calls.append(1)
            if len(calls) == 2:
                raise ValueError("late")
        return once(run, seconds)

    campaign = begin(tmp_path, CELLS, Settings(blocks=4))
    for cell in CELLS:
        measure.admit(campaign, cell)
    for visit in shuffled(CELLS, 4, 1):
        if where in campaign.ready:
            measure.visit(campaign, visit, stopwatch)
        else:
            assert visit.cell != where or measure.visit(campaign, visit, once) is None
    rows = rows_of(campaign, tmp_path)
    mine = rows[(rows["n_inputs"] == 4) & (rows["mode"] == "reverse")]
    assert sorted(mine["status"]) == ["error", "ok"]


def test_what_does_not_fit_the_budget_is_skipped_largest_first(tmp_path):
    cells = plan(Selection(families=("chain",), engines=("ad",), modes=("reverse",), sizes=(4, 16, 64, 256)))
    campaign = begin(tmp_path, cells, Settings(blocks=1))
    campaign.visit_cost = lambda seconds: 0.0 if len(campaign.ready) < 2 else 1e6  # two fit, and then nothing
    for cell in cells:
        measure.admit(campaign, cell)
    rows = rows_of(campaign, tmp_path)
    assert list(rows["n_inputs"]) == [64, 256]
    assert set(rows["status"]) == {"over_budget"}
    assert rows["seconds_min"].isna().all()
    assert rows["sweeps"].isna().all()


def test_blocks_that_no_longer_fit_lose_the_dearest_cells_first(tmp_path):
    campaign = begin(tmp_path, CELLS, Settings(blocks=2))
    for cell in CELLS:
        measure.admit(campaign, cell)
    dear = CELLS[3]
    campaign.ready[dear].cost = 1e6
    for visit in shuffled(CELLS, 2, 1):
        measure.visit(campaign, visit, once)
    rows = rows_of(campaign, tmp_path)
    (skipped,) = rows[rows["status"] != "ok"].to_dict("records")
    assert skipped["status"] == "over_budget"
    assert (skipped["n_inputs"], skipped["mode"], skipped["quantity"]) == (dear.n, dear.mode, dear.quantity)


def test_nothing_is_timed_after_the_deadline(tmp_path):
    campaign = begin(tmp_path, CELLS, Settings(blocks=1))
    for cell in CELLS:
        measure.admit(campaign, cell)
    campaign.deadline = time.monotonic() - 1.0
    for visit in shuffled(CELLS, 1, 1):
        measure.visit(campaign, visit, fail(AssertionError("timed")))
    assert set(rows_of(campaign, tmp_path)["status"]) == {"over_budget"}


def test_resuming_makes_exactly_the_visits_that_are_missing(tmp_path):
    visits = shuffled(CELLS, 3, 1)
    campaign = begin(tmp_path, CELLS, Settings(blocks=3))
    for cell in CELLS:
        measure.admit(campaign, cell)
    done = visits[: len(visits) // 2]
    for visit in done:
        measure.visit(campaign, visit, once)
    left = remaining(visits, rows_of(campaign, tmp_path), row_key)
    assert left == visits[len(done) :]


def test_resuming_tries_again_what_was_over_budget_and_nothing_that_failed(tmp_path):
    where = Cell("chain", 4, "ad", "reverse", "gradient")
    campaign = begin(tmp_path, CELLS, Settings(blocks=2), engines={"ad": Misbehaving(where, fail(ValueError("no")))})
    measure.admit(campaign, where)
    campaign.deadline = 0.0
    measure.admit(campaign, CELLS[0])
    campaign.timings.close()
    repair_timings(tmp_path)
    rows = read_table(tmp_path / "timings.csv")
    assert list(rows["status"]) == ["error"]
    visits = shuffled(CELLS, 2, 1)
    assert remaining(visits, rows, row_key) == [visit for visit in visits if visit.cell != where]


def test_every_kind_of_cell_has_its_own_key():
    cells = plan(Selection())
    assert len({row_key(cell) for cell in cells}) == len(cells)
    assert len({str(cell) for cell in cells}) == len(cells)


def test_a_time_limit_interrupts_code_that_catches_everything():
    def stubborn():
        caught = 0
        while caught < 2:
            try:
                hang()
            except HangingError:
                caught += 1
        return caught

    with time_limit(0.01):
        assert stubborn() == 2


def test_ctrl_c_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        guarded(fail(KeyboardInterrupt()), 1.0)


def test_visits_and_cells_say_what_they_are():
    assert str(Visit(2, Cell("map", 4, "ad", "forward", "gradient", m=8), copy=1)) == (
        "block 2: map 4x8 ad forward gradient (A/A copy)"
    )
