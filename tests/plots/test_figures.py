"""Every figure draws from a run, its title is computed from the data, and what cannot be drawn is one clear line."""

import dataclasses
import importlib
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import plots
from benchmarks.findings.analysis import noise_floors, summarise
from benchmarks.findings.found import costs, findings
from benchmarks.findings.scaling import scaling
from benchmarks.findings.words import times
from benchmarks.runs.files import RecordError, read_run
from plots.__main__ import main
from plots.lines import NothingToDrawError, engines, everything, gradients, lines, short, summary
from plots.speedup import compared
from plots.style import INK, MODES, darker, quantity, style
from plots.time import not_run


@pytest.fixture(scope="module")
def run(run_path):
    return read_run(run_path)


def draw(name, run):
    with style():
        return importlib.import_module(f"plots.{name}").draw(run)


def title(figure):
    """A figure's finding, with its lines joined."""
    return figure.texts[0].get_text().replace("\n", " ").replace("\xa0", " ")


def changed(run, table, **columns):
    return dataclasses.replace(run, **{table: getattr(run, table).assign(**columns)})


DRAWN = tuple(name for name in plots.FIGURES if name != "workloads")
"""What the made-up run has data for; `test_workload_figures.py` draws the other."""


@pytest.mark.parametrize("name", DRAWN)
def test_direct_labels_keep_apart_and_inside(name, run):
    figure = draw(name, run)
    for text in figure.texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1
    for ax in figure.axes:
        boxes = [text.get_window_extent() for text in ax.texts if text.get_rotation() == 0 and text.get_text()]
        for k, box in enumerate(boxes):
            assert box.x1 <= figure.bbox.x1
            # a hair of overlap is what rounding of glyphs gives
            assert not any(
                min(box.x1, b.x1) - max(box.x0, b.x0) > 1 and min(box.y1, b.y1) - max(box.y0, b.y0) > 1
                for b in boxes[:k]
            )


def test_speedup_title_is_the_headline_cell(run):
    cells = compared(summary(run))
    chain = cells[(cells["graph"] == "chain") & (cells["engine"] == "ad")].iloc[-1]
    expected = f"At N = {chain['n']:,}, one reverse sweep beats {chain['n']:,} forward sweeps by "
    assert title(draw("speedup", run)).startswith(f"{expected}{chain['speedup']:,.0f}×; ")
    doubled = run.summary[["speedup", "speedup_low", "speedup_high"]] * 2
    again = title(draw("speedup", changed(run, "summary", **doubled)))
    assert again.startswith(f"{expected}{2 * chain['speedup']:,.0f}×; ")


def test_speedup_below_one_is_not_called_a_win(run):
    lost = changed(run, "summary", speedup=0.25, verdict="slower")
    assert "forward sweeps beats one reverse sweep by 4× on chain" in title(draw("speedup", lost))
    even = changed(run, "summary", verdict="no difference")
    assert "there is no difference" in title(draw("speedup", even))


def test_speedup_has_its_sides_marks_and_names_where_they_belong(run):
    undecided = run.summary["verdict"].where(run.summary["n_inputs"] != 4, "no difference")
    run = changed(run, "summary", verdict=undecided)
    cells = compared(summary(run))
    chain = cells[(cells["graph"] == "chain") & (cells["engine"] == "ad")]
    ax = draw("speedup", run).axes[0]
    texts = {text.get_text(): text for text in ax.texts}
    assert texts["reverse is faster ↑"].xyann[1] > 0 > texts["forward is faster ↓"].xyann[1]
    assert f"chain {times(chain.iloc[-1]['speedup'])}× (ad)" in texts
    marks = [line for line in ax.lines if line.get_marker() == "o" and line.get_color() == MODES["reverse"]]
    at = {
        face: {x for line in marks for x in line.get_xdata() if line.get_mfc() == face}
        for face in ("white", MODES["reverse"])
    }
    assert at["white"] == {4}
    assert at[MODES["reverse"]] == set(chain["n"]) - {4}


def test_time_title_has_both_modes(run):
    cells = gradients(summary(run))
    cells = cells[(cells["graph"] == "chain") & (cells["engine"] == "ad") & (cells["n"] == 1024)]
    forward, reverse = (cells[cells["mode"] == mode]["seconds_median"].iloc[0] for mode in ("forward", "reverse"))
    said = f"takes {quantity(forward, 's')} in forward mode and {quantity(reverse, 's')} in reverse mode"
    figure = draw("time", run)
    assert said.replace("\xa0", " ") in title(figure)
    chain = next(ax for ax in figure.axes if ax.get_title("left") == "chain")
    value = next(line for line in chain.lines if line.get_color() == MODES["primal"])
    every = summary(run)
    primal = every[(every["graph"] == "chain") & (every["engine"] == "ad") & (every["quantity"] == "primal")]
    assert value.get_ydata().tolist() == primal["seconds_median"].tolist()


def test_the_title_of_modes_compares_each_at_its_best(run):
    asked = run.environment["function"]
    rows = run.timings
    reverse = rows[(rows["graph"] == asked["name"]) & (rows["mode"] == "reverse") & (rows["quantity"] == "gradient")]
    times = {name: reverse[name] / 1e6 for name in reverse.columns if re.fullmatch("seconds_m.*", name)}
    timings = pd.concat([rows, reverse.assign(lanes=128, **times)], ignore_index=True)
    batched = dataclasses.replace(run, timings=timings, summary=summarise(timings, noise_floors(timings)))
    assert "each mode at its best" in title(draw("modes", batched))
    said, again = (re.search(r"is ([\d,.]+) times", title(draw("modes", one))) for one in (run, batched))
    assert float(again[1].replace(",", "")) > 1e3 * float(said[1].replace(",", ""))


def test_modes_have_their_names_side_by_side_and_their_intervals_inside(run):
    bounds = {"seconds_low": run.summary["seconds_low"] / 5, "seconds_high": run.summary["seconds_high"] * 5}
    wide = changed(run, "summary", **bounds)
    dots, *_ = draw("modes", wide).axes
    forward, reverse = (text.get_window_extent() for text in dots.texts)
    assert 0 < reverse.x0 - forward.x1 < forward.width  # a legend, not the names of the two ends of the axis
    low, high = dots.get_xlim()
    drawn = [x for line in dots.lines for x in line.get_xdata()]
    assert low < min(drawn)
    assert max(drawn) < high
    beside = draw("modes", run).axes[-1]
    low, high = beside.get_ylim()
    for band in beside.collections:
        heights = band.get_paths()[0].vertices[:, 1]
        assert low < heights.min()
        assert heights.max() < high


def test_modes_have_the_colours_that_their_names_have(run):
    dots, *_ = draw("modes", run).axes
    names = {text.get_text()[2:]: text.get_color() for text in dots.texts}
    assert names == {mode: darker(MODES[mode]) for mode in ("forward", "reverse")}
    asked, rows = run.environment["function"], summary(run)
    rows = rows[(rows["graph"] == asked["name"]) & (rows["n_inputs"] == asked["n_inputs"])]
    rows = rows[rows["quantity"] == "gradient"]
    marks = {(float(line.get_xdata()[0]), line.get_marker()): line.get_color() for line in dots.lines}
    for row in rows.to_dict("records"):
        assert marks[row["seconds_median"], "P" if row["lanes"] > 1 else "o"] == MODES[row["mode"]]


def test_pictures_lie_in_the_clone_or_beside_a_run_that_is_kept_elsewhere(run_path, tmp_path, monkeypatch):
    run = tmp_path / "run"
    shutil.copytree(run_path, run)
    assert {path.parent for path in plots.draw_all(run, figures=["sweeps"])} == {run / "pictures"}
    monkeypatch.setattr(plots, "CLONE", tmp_path)
    monkeypatch.setattr(plots, "PICTURES", tmp_path / "plots")
    assert {path.parent for path in plots.draw_all(run, figures=["sweeps"])} == {tmp_path / "plots" / "run"}


def test_what_was_not_run_is_dashed_and_labelled(run):
    figure = draw("time", run)
    chain = next(ax for ax in figure.axes if ax.get_title("left") == "chain")
    dashed = [line for line in chain.lines if line.is_dashed()]
    assert len(dashed) == 1
    assert "not run" in [text.get_text() for text in chain.texts]
    # No solid line of forward mode goes beyond the last size that was measured.
    cells = gradients(summary(run))
    measured = cells[(cells["graph"] == "chain") & (cells["engine"] == "ad") & (cells["mode"] == "forward")]
    assert min(dashed[0].get_xdata()) == measured["n"].max()
    last = measured.iloc[-1]
    jvp = summary(run)
    jvp = jvp[(jvp["graph"] == "chain") & (jvp["engine"] == "ad") & (jvp["quantity"] == "jvp")].iloc[-1]
    assert max(dashed[0].get_ydata()) == jvp["seconds_median"] * jvp["n_inputs"]
    assert not_run(summary(run)[lambda table: table["n"] <= last["n"]], measured) is None


def test_only_measured_cells_of_every_engine(run):
    table = summary(run)
    assert engines(table) == ["ad", "ad-compiled", "xad"]
    assert set(table["status"]) == {"ok"}
    assert "over_budget" in set(everything(run)["status"])


def test_lanes_are_lines_of_their_own(run):
    cells = gradients(summary(run))
    chain = list(lines(cells[cells["graph"] == "chain"]))
    assert [(line.engine, line.mode, line.lanes, line.name) for line in chain] == [
        ("ad", "forward", 1, "forward"),
        ("ad", "reverse", 1, "reverse"),
        ("ad-compiled", "forward", 1, "compiled"),
        ("ad-compiled", "reverse", 1, "compiled"),
        ("ad-compiled", "forward", 64, "64 lanes"),
        ("xad", "forward", 1, "xad"),
        ("xad", "reverse", 1, "xad"),
    ]
    assert all(set(line.cells["lanes"]) == {line.lanes} for line in chain)
    assert set(compared(summary(run))["lanes"]) == {1, 64}


def test_a_line_has_its_modes_colour_its_band_and_its_name_at_its_end(run):
    cells = gradients(summary(run))
    ax = Figure().add_subplot()
    for line in lines(cells[cells["graph"] == "chain"]):
        label, last = line.draw(ax, "seconds_median"), line.cells.iloc[-1]
        assert (label.x, label.y, label.colour) == (last["n"], last["seconds_median"], MODES[line.mode])
        assert ax.lines[-1].get_color() == MODES[line.mode]
        heights = ax.collections[-1].get_paths()[0].vertices[:, 1]
        assert heights.min() == line.cells["seconds_low"].min()
        assert heights.max() == line.cells["seconds_high"].max()
    broadcast = cells[cells["graph"] == "broadcast"]
    assert (broadcast["n"] == broadcast["n_outputs"]).all()


def test_growth_has_a_panel_for_each_mode_with_theory_behind_it(run):
    table = scaling(run.timings).dropna(subset="exponent")
    figure = draw("growth", dataclasses.replace(run, scaling=table))
    for ax, mode in zip(figure.axes, ("forward", "reverse"), strict=True):
        assert ax.get_title("left").lower().startswith(mode)
        mine = table[table["mode"] == mode]
        marks = [line for line in ax.lines if line.get_marker() != "None"]
        assert {line.get_color() for line in marks} == {MODES[mode]}
        assert sorted(x for line in marks for x in line.get_xdata()) == sorted(mine["exponent"].clip(*ax.get_xlim()))
        assert sum(line.get_mfc() == MODES[mode] for line in marks) == (mine["verdict"] == "agrees").sum() > 0
        dotted = {float(line.get_xdata()[0]) for line in ax.lines if line.get_color() == INK}
        assert dotted == set(mine["theory"])


def test_sweeps_title_tells_when_counts_are_off(run):
    assert "up to 65,536 forward sweeps for a gradient that takes one reverse sweep" in title(draw("sweeps", run))
    off = changed(run, "timings", sweeps=run.timings["sweeps"].where(run.timings["mode"] != "reverse", 2))
    assert "not what theory says" in title(draw("sweeps", off))


def test_sweeps_title_and_sentence_count_the_same_gradients(run):
    said = findings(run).sweeps
    assert said.sentence().startswith(f"Sweeps counted in {said.checked} full gradients")
    assert f"as theory says in all {said.checked} full gradients" in title(draw("sweeps", run))


def test_paths_are_counted(run):
    figure = draw("paths", run)
    assert f"24 stages of three edges make {3**24:,} paths" in title(figure)
    assert "120 ops forward and 240 in reverse" in title(figure)


def test_memory_title_and_floor(run):
    row = run.memory[(run.memory["graph"] == "chain") & (run.memory["mode"] == "reverse")].iloc[-1]
    said = quantity(row["peak_bytes"], "B").replace("\xa0", " ")
    assert f"{said} for chain at {row['n_ops']:,} ops" in title(draw("memory", run))
    tape = run.memory[(run.memory["graph"] == "chain") & (run.memory["engine"] == "ad")]["tape_bytes"].max()
    texts = {text.get_text(): text.get_color() for text in draw("memory", run).axes[0].texts}
    assert f"tape: {quantity(tape, 'B')}" in texts
    assert {mode: texts[mode] for mode in ("forward", "reverse")} == {
        mode: darker(MODES[mode]) for mode in ("forward", "reverse")
    }
    nothing = changed(run, "memory", peak_bytes=run.memory["peak_bytes"].where(run.memory["mode"] != "forward", 0))
    assert "drawn at 1\xa0kB" in draw("memory", nothing).texts[1].get_text().replace("\n", " ")


def test_cost_title_follows_the_ratios(run):
    same = changed(run, "summary", primal_ratio=3.0, primal_ratio_low=3.0, primal_ratio_high=3.0)
    said = "One forward sweep costs 3 times the function itself; one reverse sweep 3 times"
    assert title(draw("cost", same)) == said


def test_cost_title_speaks_of_the_families_left_out_too(run):
    more = many(run)
    ratio = more.summary["primal_ratio"].where(more.summary["graph"] != "workload_14", 500.0)
    every = changed(more, "summary", primal_ratio=ratio)
    (told,) = (each for each in costs(every.summary) if (each.engine, each.mode) == ("ad", "forward"))
    figure = draw("cost", every)
    assert "to 500" in told.span
    assert f"One forward sweep costs {told.span} times" in title(figure)
    assert f"in the title, all {told.families} families, each at its" in figure.texts[1].get_text().replace("\n", " ")


def test_checkpointing_title(run):
    rows = run.checkpointing
    kept = rows[rows["snapshots"].notna() & (rows["advances"] <= 3 * rows["steps"])].iloc[0]
    plain = rows[rows["snapshots"].isna()].iloc[0]
    said = title(draw("checkpointing", run))
    assert f"{kept['snapshots']} snapshots are enough for 1,000 steps" in said
    assert f"{plain['peak_bytes'] / kept['peak_bytes']:,.0f} times less memory" in said
    assert said.endswith("times the time")


def test_checkpointing_title_tells_no_time_that_noise_hides(noisy_path):
    said = title(draw("checkpointing", read_run(noisy_path)))
    assert said.endswith("times less memory than a tape of them all")


def test_sweeps_name_of_the_axis_stays_inside_beside_wide_ticks(run):
    figure = draw("sweeps", run)
    figure.axes[0].set_ylim(1.0, 1e5)
    figure.canvas.draw()
    assert "100k" in [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert figure.axes[0].yaxis.label.get_window_extent().x0 >= 0.0


def test_map_title_is_the_border(run):
    assert re.search(r"With \d+ outputs \(ad\) reverse mode wins from \d+ inputs? on; ", title(draw("map", run)))


def test_the_map_has_the_colour_of_the_mode_that_wins(run):
    ax = draw("map", run).axes[0]
    (mesh,) = (each for each in ax.collections if isinstance(each, QuadMesh))
    ratios = mesh.get_array().reshape(5, 5)  # by outputs, then inputs
    assert ratios[0, -1] > 0.0 > ratios[-1, 0]  # for 256 inputs and one output reverse wins
    strongest = [to_hex(mesh.cmap(end)).upper() for end in (0.0, 1.0)]
    assert strongest == [MODES["forward"], MODES["reverse"]]
    sides = {text.get_text(): (text.xy[0], text.get_color()) for text in ax.texts if "is faster" in text.get_text()}
    assert sides == {
        f"{mode} is faster": (side, darker(MODES[mode])) for side, mode in ((0.0, "forward"), (1.0, "reverse"))
    }
    at = {text.xy: text.get_text() for text in ax.texts}
    assert at[256, 1] == f"{times(10 ** ratios[0, -1])}×"
    assert at[1, 256] == f"{times(10 ** -ratios[-1, 0])}×"


def test_no_line_runs_over_a_text_of_the_map(run):
    ax = draw("map", run).axes[0]
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() != "N = M"]
    for line in ax.lines:
        x, y = ax.transData.transform(line.get_xydata()).T
        for along in np.linspace(0.0, len(x) - 1.0, 2000):
            point = np.interp(along, range(len(x)), x), np.interp(along, range(len(y)), y)
            assert not any(box.contains(*point) for box in boxes)


def test_run_without_summary_is_summarised_from_its_timings(run):
    interrupted = dataclasses.replace(run, summary=None)
    assert title(draw("speedup", interrupted)) == title(draw("speedup", run))


@pytest.mark.parametrize("name", [name for name in plots.FIGURES if name != "paths"])
def test_nothing_to_draw_is_said(name, run):
    bare = dataclasses.replace(
        run, timings=run.timings.iloc[:0], summary=run.summary.iloc[:0], memory=None, checkpointing=None, regret=None
    )
    with pytest.raises(NothingToDrawError, match="made-up"):
        draw(name, bare)


def test_sweeps_of_many_inputs_and_outputs_alone_have_no_panel(run):
    rows = run.timings[run.timings["graph"] == "map"].assign(graph="residuals")
    neither = dataclasses.replace(run, timings=rows[(rows["n_inputs"] > 1) & (rows["n_outputs"] > 1)])
    with pytest.raises(NothingToDrawError, match="one input or one output"):
        draw("sweeps", neither)


def test_a_figure_that_fails_costs_the_others_nothing(run_path, tmp_path, capsys, monkeypatch, request):
    monkeypatch.setattr("plots.sweeps.draw", lambda run: 1 / 0)
    assert main([str(run_path), "--out", str(tmp_path)]) == 2
    said = f"could not draw sweeps (ZeroDivisionError: division by zero); the other pictures are in {tmp_path}"
    assert capsys.readouterr().err == f"plots: {said}\n"
    assert {path.stem for path in tmp_path.iterdir()} == set(DRAWN) - {"sweeps"}
    monkeypatch.setattr("plots.PICTURES", tmp_path / "again")
    at_the_end_of_a_run = request.config.pluginmanager.get_plugin(str(request.config.rootpath / "conftest.py")).draw
    assert at_the_end_of_a_run(run_path)[0].startswith("error: could not draw sweeps")
    with pytest.raises(ZeroDivisionError):
        plots.draw_all(run_path, tmp_path, ("sweeps",))


def test_one_family_one_point(run):
    few = run.summary[(run.summary["graph"] == "tree") & (run.summary["n_inputs"] == 64)]
    rows = run.timings[(run.timings["graph"] == "tree") & (run.timings["n_inputs"] == 64)]
    small = dataclasses.replace(run, summary=few, timings=rows)
    for name in ("time", "speedup", "sweeps"):
        assert "64" in title(draw(name, small))
    assert title(draw("cost", small)).count(" to ") == 0


def test_rules_title_and_rows_are_those_of_the_table(run):
    table = run.regret[(run.regret["engine"] == "all") & (run.regret["forward"] == "textbook")]
    thumbs = table[~table["rule"].str.startswith("cost model")].sort_values("mean", kind="stable")
    best, worst = thumbs.iloc[0], thumbs.iloc[-1]
    figure = draw("rules", dataclasses.replace(run, regret=run.regret.assign(unmeasured=0)))
    assert f"({best['rule']}) takes {best['mean']:.3f} times" in title(figure)
    assert f"({worst['rule']}) {worst['mean']:.3g}" in title(figure)
    some = dataclasses.replace(run, regret=run.regret.assign(unmeasured=1))
    assert f"({best['rule']}) takes at least {best['mean']:.3f} times" in title(draw("rules", some))
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == [*thumbs["rule"], "our cost model", "the same, from other engines"]
    with pytest.raises(NothingToDrawError, match="no Jacobian"):
        draw("rules", dataclasses.replace(run, regret=None))


def test_rules_ticks_keep_apart_and_inside(run):
    most = dataclasses.replace(run, regret=run.regret.assign(worst=999.0))
    figure = draw("rules", most)
    figure.canvas.draw()
    left, right = ([label.get_window_extent() for label in ax.get_xticklabels()] for ax in figure.axes)
    assert right[0].x0 - left[-1].x1 > 8
    assert right[-1].x1 < figure.bbox.x1 - 8


@pytest.mark.parametrize("name", ["speedup", "growth", "time", "cost", "map", "rules"])
def test_noise_is_told_instead_of_a_number_it_hides(name, noisy_path):
    noisy = read_run(noisy_path)
    said = title(draw(name, noisy))
    assert said.startswith("Too noisy to trust: identical cells differ by ")
    assert said.endswith("or give more time for blocks (--budget).")
    texts = [text.get_text() for ax in draw(name, noisy).axes for text in ax.texts]
    assert not any("×" in text for text in texts)


def test_growth_of_one_family_is_not_squeezed_by_the_title(noisy_path):
    noisy = read_run(noisy_path)
    figure = draw("growth", dataclasses.replace(noisy, timings=noisy.timings[noisy.timings["graph"] == "chain"]))
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["chain"]
    assert figure.axes[0].get_window_extent().height / figure.dpi > 0.36


def test_the_map_has_no_colour_where_noise_hides_the_winner(run, noisy_path):
    def hidden(figure):
        (mesh,) = (each for each in figure.axes[0].collections if isinstance(each, QuadMesh))
        return int((mesh.get_array() == 0.0).sum())

    even = [text for text in draw("map", read_run(noisy_path)).axes[0].texts if text.get_text() in ("even", "?")]
    assert hidden(draw("map", read_run(noisy_path))) == len(even) > 0
    assert hidden(draw("map", run)) < len(even)


def many(run):
    """The run with ten engines and two dozen families."""
    tables = {}
    for table in ("timings", "summary", "memory"):
        own = getattr(run, table)
        tables[table] = pd.concat(
            [own]
            + [own[own["engine"] == "ad"].assign(engine=f"peer_{k}") for k in range(7)]
            + [own[own["graph"] == "chain"].assign(graph=f"workload_{k}") for k in range(15)]
        )
    return dataclasses.replace(run, **tables)


@pytest.mark.parametrize("name", ["speedup", "growth", "time", "cost", "map", "memory"])
def test_what_cannot_be_read_is_left_out_and_said(name, run):
    figure = draw(name, many(run))
    detail = figure.texts[1].get_text().replace("\n", " ")
    assert "Left out" in detail
    assert "peer_6" in detail
    assert ("families from workload" in detail) == (name in ("growth", "time", "cost"))
    assert len(figure.axes) <= 12
    for text in (*figure.texts, *(text for ax in figure.axes for text in ax.texts)):
        assert text.get_window_extent().x1 <= figure.bbox.x1


def test_growth_title_counts_the_verdicts(run):
    table = scaling(run.timings)
    agree = (table["verdict"] == "agrees").sum()
    assert f"agrees with theory in {agree} of {len(table)} curves" in title(draw("growth", run))
    bent = changed(dataclasses.replace(run, scaling=table), "scaling", verdict="disagrees")
    assert f"in 0 of {len(table)} curves, disagrees in {len(table)} (" in title(draw("growth", bent))


def test_growth_title_names_three_curves_that_disagree(run):
    table = scaling(run.timings)
    for many, said in ((2, "disagrees in 2 ({}, {})"), (5, "disagrees in 5 ({}, {}, {}, 2 more)")):
        verdicts = ["disagrees"] * many + ["agrees"] * (len(table) - many)
        names = [f"{row['graph']} {short(row['engine'])} {row['mode']}" for row in table.to_dict("records")]
        bent = dataclasses.replace(run, scaling=table.assign(verdict=verdicts))
        assert said.format(*names) in title(draw("growth", bent))


def test_growth_beyond_the_axis_is_an_arrow_at_its_edge(run):
    table = scaling(run.timings)
    table.loc[table.index[0], ["exponent", "exponent_low", "exponent_high"]] = (-1.3, -1.5, -1.1)
    figure = draw("growth", dataclasses.replace(run, scaling=table))
    arrows = [line for ax in figure.axes for line in ax.lines if line.get_marker() == "<"]
    assert [line.get_xdata()[0] for line in arrows] == [figure.axes[0].get_xlim()[0]]
    assert "-1.3" in [text.get_text() for ax in figure.axes for text in ax.texts]
    assert "Arrows: beyond the axis." in figure.texts[1].get_text().replace("\n", " ")


def test_preparation_tells_engines_of_one_colour_apart_and_labels_its_lines(run):
    tables = {
        table: pd.concat([own[own["engine"] == "ad"].assign(engine=f"peer_{k:02}") for k in range(14)])
        for table, own in (("timings", run.timings), ("summary", run.summary))
    }
    (ax,) = draw("preparation", dataclasses.replace(run, **tables)).axes
    looks = [(line.get_color(), line.get_markerfacecolor()) for line in ax.lines if line.get_linestyle() == "None"]
    assert len(set(looks)) == len(looks) == 14
    assert all(text.get_bbox_patch() is not None for text in ax.texts)


# ---- the command line


def test_command_line_draws_one_figure(run_path, tmp_path, capsys):
    assert main([str(run_path), "--figure", "sweeps", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"sweeps.svg", "sweeps.png"}
    assert capsys.readouterr().out.split() == [str(tmp_path / "sweeps.svg"), str(tmp_path / "sweeps.png")]


def test_command_line_draws_all_figures_and_says_what_it_left_out(run_path, tmp_path, capsys):
    folder = tmp_path / "2026-01-01T000000Z-small"
    shutil.copytree(run_path, folder)
    (folder / "memory.csv").unlink()
    assert main([str(folder), "--out", str(tmp_path / "out")]) == 0
    left_out = [line for line in capsys.readouterr().err.splitlines() if "workloads" not in line]
    assert left_out == ["plots: left out memory: this run has no data for it"]
    drawn = set(DRAWN) - {"memory"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{n}.{kind}" for n in drawn for kind in ("svg", "png")
    }


@pytest.mark.parametrize(
    ("spoil", "arguments", "said"),
    [
        (None, ["no-such-run"], "'no-such-run' is neither a folder nor a run"),
        (None, ["{run}", "--figure", "pie"], "figure: unknown 'pie', expected one of speedup, growth, time"),
        ("", ["{run}"], "timings.csv: empty"),
        ("cut", ["{run}"], "timings.csv: cut short"),
        ("a,b\n1,2\n", ["{run}"], "timings.csv: not a table of this project"),
        ("gone", ["{run}"], "timings.csv: no such file"),
        ("no memory", ["{run}", "--figure", "memory"], "no memory.csv"),
    ],
)
def test_errors_are_one_line_and_exit_two(spoil, arguments, said, run_path, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(run_path, folder)
    table = folder / "timings.csv"
    if spoil == "gone":
        (folder / "timings.csv").unlink()
    elif spoil == "no memory":
        (folder / "memory.csv").unlink()
    elif spoil is not None:
        table.write_text(table.read_text()[:-20] if spoil == "cut" else spoil)
    out = tmp_path / "out"
    assert main([argument.format(run=folder) for argument in arguments] + ["--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("plots: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_read_errors_are_the_readers(tmp_path):
    with pytest.raises(RecordError):
        plots.draw_all(tmp_path / "nowhere", tmp_path)


def test_summary_of_other_engines_only(run):
    other = changed(run, "summary", engine="xad")
    assert engines(summary(other)) == ["xad"]
    assert "reverse sweep beats" in title(draw("speedup", other))
    unknown = changed(run, "summary", engine="abacus")
    assert engines(summary(unknown)) == ["abacus"]
