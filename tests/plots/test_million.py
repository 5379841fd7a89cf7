"""The figure of the million: its numbers are those of the file, and a failed row is not drawn."""

import dataclasses
from pathlib import Path

import pytest

import plots
from benchmarks.experiments import million
from benchmarks.runs.experiment_columns import MillionRecord
from benchmarks.runs.files import RecordError, read_records, write_records
from plots.lines import NothingToDrawError
from plots.million import draw


def small(tmp_path: Path) -> MillionRecord:
    pytest.importorskip("numba")
    plan = million.Plan("chain", 50, 8, 1, tmp_path)
    return million.run(plan, lambda state, total: None)


def texts(figure):
    return " ".join(text.get_text() for text in [*figure.texts, *figure.axes[0].texts])


def test_the_figure_states_what_was_measured(tmp_path):
    row = small(tmp_path)
    assert (row.status, row.forward_sweeps, row.reverse_sweeps) == ("ok", 50, 1)
    assert (row.forward_ops, row.reverse_ops) == (50 * 200, 2 * 200)
    said = " ".join(texts(draw(tmp_path)).split())
    assert "50 inputs: all 50 forward sweeps executed" in said
    assert f"{row.ratio:,.0f} times faster" in said
    assert [path.suffix for path in plots.draw_million(tmp_path, tmp_path)] == [".svg", ".png"]


def test_an_interrupted_gradient_goes_on_where_it_was(tmp_path):
    plan = million.Plan("chain", 50, 4, 1, tmp_path)
    pytest.importorskip("numba")

    def interrupt(state, total):
        million.save(plan, state)
        if state.done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        million.run(plan, interrupt)
    done = million.load(plan).done
    assert 20 <= done < 50
    row = million.run(plan, lambda state, total: None)
    assert (row.sessions, row.forward_sweeps, row.status) == (2, 50, "ok")
    assert not plan.state.exists()


def test_a_wrong_gradient_is_recorded_without_a_time_and_not_drawn(tmp_path):
    good = small(tmp_path)
    plan = million.Plan("chain", 50, 8, 1, tmp_path)
    state = million.load(plan)
    state.gradient[:] = 1.0
    state.done = 40
    million.save(plan, state)
    row = million.run(plan, lambda state, total: None)
    assert row.status == "wrong"
    assert row.ratio != row.ratio
    assert good.ratio == read_records(tmp_path / "million.csv")[0].ratio
    write_records(tmp_path / "million.csv", [dataclasses.replace(good, status="wrong")])
    with pytest.raises(NothingToDrawError, match="no row with times"):
        draw(tmp_path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(RecordError, match="no such file"):
        draw(tmp_path)
