"""The training: the same weights in both modes, what was counted, checked and written, and what is told of it."""

import dataclasses

import numpy as np
import pytest

import plots
from benchmarks.__main__ import main
from benchmarks.experiments import training
from benchmarks.functions.workloads import symmetry
from benchmarks.runs.files import RecordError, read_table
from plots.lines import NothingToDrawError

PLAN = training.Plan


def small(folder, **changes):
    return PLAN(folder, **{"limit": 12, "widths": (3,), "starts": 3, **changes})


def test_both_modes_are_trained_side_by_side_and_written(tmp_path):
    found, starts = training.run(small(tmp_path))
    assert [(each.hidden, each.mode, each.lanes) for each in found] == [
        *((2, *kind) for kind in (("reverse", 1), ("forward", 1), ("forward", 17))),
        *((3, *kind) for kind in (("reverse", 1), ("forward", 1), ("forward", 25))),
    ]
    assert [each.sweeps for each in found] == [1, 17, 17, 1, 25, 25]  # counted
    assert [each.steps for each in found] == [12] * 3 + [training.STEPS] * 3
    assert {each.status for each in found} == {"ok"}
    assert all(each.difference < 1e-13 and each.max_error < 1e-13 for each in found)
    assert all(each.ratio_low <= each.ratio <= each.ratio_high for each in found)
    curve = read_table(tmp_path / "learning.csv")
    assert curve["step"].tolist() == list(range(13))
    expected = [training.start(symmetry.SEED, k).error for k in range(13)]  # by hand
    np.testing.assert_allclose(curve["error"], expected, rtol=1e-12)
    assert len(read_table(tmp_path / "training.csv")) == 6
    assert read_table(tmp_path / "starts.csv")["seed"].tolist() == [0, 1, 2]
    told = " ".join(training.sentences(found, starts))
    assert "has not learned after 12 sweeps" in told
    assert "With 3 hidden units, 25 weights" in told
    assert "0 learn; the other 3 have an error" in told


def test_it_ends_where_it_has_learned(monkeypatch):
    weights = symmetry.weights(symmetry.PAPER)
    change = np.zeros_like(weights)
    for _ in range(1340):
        weights, change = training.updated(weights, change, training.by_hand(weights))
    monkeypatch.setattr(symmetry, "weights", lambda h, seed: weights)
    kinds, curve = training.train(symmetry.at(symmetry.PAPER, 0), 100, lambda *_: None)
    assert curve[-1].furthest <= training.CLOSE < curve[-2].furthest
    assert len(kinds[0].seconds) == len(curve) - 1 < 100
    assert curve[-1].wrong == 0
    records = training.records(symmetry.at(symmetry.PAPER, 0), 0, kinds, curve)
    assert "learns mirror symmetry in" in training.sentences(records, [])[0]


@pytest.mark.parametrize("spoilt", ["gradient", "nan"])
def test_a_wrong_gradient_is_recorded_without_a_time(tmp_path, monkeypatch, capsys, spoilt):
    right = training.ad.grad

    def wrong(f):
        return lambda w: right(f)(w) * (1.0 + 1e-6 if spoilt == "gradient" else np.nan)

    monkeypatch.setattr(training.ad, "grad", wrong)
    found, starts = training.run(small(tmp_path, widths=(), starts=0))
    assert {each.status for each in found} == {"wrong"}
    assert all(np.isnan([each.seconds, each.step_seconds, each.ratio]).all() for each in found)
    assert "are wrong" in training.sentences(found, starts)[0]
    with pytest.raises(NothingToDrawError, match="has no record with times"):
        plots.draw_training(tmp_path, tmp_path)
    arguments = ["training", "--limit=2", "--starts=0", f"--results={tmp_path}"]
    monkeypatch.setattr(training, "Plan", lambda folder, **given: PLAN(folder, **given, widths=()))
    assert main(arguments) == 1
    assert "are wrong" in capsys.readouterr().out


def test_what_was_finished_before_an_interruption_is_kept(tmp_path):
    def interrupt(what, done, most):
        if what == "training 3 hidden units":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.run(small(tmp_path), interrupt)
    assert len(read_table(tmp_path / "learning.csv")) == 13
    assert set(read_table(tmp_path / "training.csv")["hidden"]) == {2}
    assert not (tmp_path / "starts.csv").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--seed=-1", "--seed: got -1, expected a whole number from 0 on"),
        ("--limit=0", "--limit: got 0, expected a whole number from 1 on"),
        ("--starts=-3", "--starts: got -3, expected a whole number from 0 on"),
    ],
)
def test_mistakes_are_one_line(option, message, capsys):
    assert main(["training", option]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_the_figure_says_what_the_tables_say(tmp_path):
    found, _ = training.run(small(tmp_path, starts=0))
    assert [path.suffix for path in plots.draw_training(tmp_path, tmp_path / "pictures")] == [".svg", ".png"]
    from plots.training import draw

    said = " ".join(" ".join(text.get_text() for text in draw(tmp_path).texts).split())
    assert "Mirror symmetry, not learned in 12 sweeps" in said
    assert f"takes {training.times(found[1].ratio)} times as long" in said
    with pytest.raises(RecordError, match="no such file"):
        draw(tmp_path / "pictures")


def test_updates_follow_the_paper():
    weights, change = training.updated(np.array([1.0]), np.array([0.5]), np.array([2.0]))
    assert (weights[0], change[0]) == pytest.approx((1.0 - 0.1 * 2.0 + 0.9 * 0.5, -0.1 * 2.0 + 0.9 * 0.5))
    assert dataclasses.fields(training.Plan)[1].default == symmetry.SEED
