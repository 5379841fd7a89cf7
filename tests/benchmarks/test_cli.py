"""`python -m benchmarks`: what it prints, and what it says to wrong arguments."""

from __future__ import annotations

import dataclasses
import re
import shutil

import numpy as np
import pytest
from harness import measured_in

from benchmarks.__main__ import main
from benchmarks.findings import tables
from benchmarks.functions.catalogue import families
from benchmarks.measuring.resuming import settings_of
from benchmarks.options import OptionError, Selection, Settings, arguments_of, settings_from, sizes_from
from benchmarks.plan import plan
from benchmarks.runs.files import read_run, read_table, write_environment, write_table
from benchmarks.stopwatch import Times

pytestmark = pytest.mark.usefixtures("small_heap")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two runs of made-up times: `slow` needs twice the time of `fast`, but for primals."""
    folder = tmp_path_factory.mktemp("results")
    cells = plan(Selection(families=("chain",), engines=("ad",), sizes=(1, 4)))
    for name, factor in (("fast", 1.0), ("slow", 2.0)):
        (folder / name).mkdir()

        def stopwatch(run, seconds, factor=factor):
            return Times(1e-3 * factor, 1e-3 * factor, 1e-3 * factor, 0.0, 3, 1), run()

        run = measured_in(folder / name, cells, Settings(blocks=5), stopwatch)
        run.timings.close()
        write_environment(folder / name, {"run": name})
        tables.analyse(folder / name)
    return folder


def test_comparing_finds_what_became_slower(results, capsys):
    arguments = ["compare", "fast", "slow", f"--results={results}"]
    assert main(arguments) == 0
    assert "7 slower" in capsys.readouterr().out
    assert main([*arguments, "--fail-above", "1.5"]) == 1
    assert "failed: slower by more than 1.5: 7 cells" in capsys.readouterr().out
    assert main([*arguments, "--fail-above", "2.5"]) == 0
    assert main(["compare", "slow", "fast", f"--results={results}", "--fail-above", "1.5"]) == 0
    assert "7 faster" in capsys.readouterr().out


def test_a_run_in_which_nothing_was_measured_has_failed(results):
    run = read_run(results / "fast")
    assert not tables.failed(run)
    assert tables.failed(dataclasses.replace(run, timings=run.timings.assign(status="over_budget")))
    assert not tables.failed(dataclasses.replace(run, timings=run.timings.iloc[:0]))  # with `--benchmark-disable`


def test_the_gate_needs_timings_alone_and_fails_where_there_is_nothing_to_compare(results, tmp_path, capsys):
    timings = read_table(results / "fast" / "timings.csv")
    spoilt = {
        "alone": timings,
        "wrong": timings.assign(status="wrong", seconds_median=np.nan),
        "empty": timings.iloc[:0],
        "no twins": timings[timings["twin"] == 0],
    }
    for name, table in spoilt.items():
        (tmp_path / name).mkdir()
        write_table(tmp_path / name / "timings.csv", table)
        status = main(["compare", str(results / "fast"), str(tmp_path / name), "--fail-above", "1.1"])
        said = capsys.readouterr().out
        assert status == (0 if name == "alone" else 1), name
        assert ("failed: " in said) == (name != "alone")


def test_comparing_tells_what_is_missing(results, tmp_path, capsys, monkeypatch):
    shutil.copytree(results / "fast", tmp_path / "less")
    timings = read_table(tmp_path / "less" / "timings.csv")
    write_table(tmp_path / "less" / "timings.csv", timings[timings["n_inputs"] == 4])
    assert main(["compare", str(results / "fast"), str(tmp_path / "less")]) == 0
    said = capsys.readouterr().out
    count = said.count("only in a")
    assert count > 1
    monkeypatch.setattr("benchmarks.__main__.LISTED", count - 1)
    assert main(["compare", str(results / "fast"), str(tmp_path / "less")]) == 0
    assert f"{count} cells only in a" in capsys.readouterr().out


def test_showing_a_run(results, capsys):
    assert main(["show", "slow", f"--results={results}"]) == 0
    output = capsys.readouterr().out
    assert "Sweeps counted in" in output
    assert "timings.csv, summary.csv, scaling.csv, crossover.csv" in output


def test_listing_what_there_is(capsys):
    assert main(["list"]) == 0
    everything = capsys.readouterr().out
    for word in ("chain", "broadcast", "map", "ad-compiled", "cells"):
        assert word in everything
    assert main(["list", "--family=tree", "--engine=ad", "--mode=reverse", "--size=2,8"]) == 0
    output = capsys.readouterr().out
    assert "tree" in output
    assert "chain" not in output
    assert "2 cells" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nothing"], "neither a folder nor a run"),
        (["compare", "nothing", "nothing"], "neither a folder nor a run"),
        (["list", "--family=chian"], "did you mean 'chain'"),
        (["list", "--engine=nothing"], "--engine: unknown 'nothing'"),
        (["list", "--size=0"], "expected positive numbers"),
        (["run", "--size=many"], "expected positive numbers"),
        (["run", "--budget=-1"], "--budget: got '-1', expected a positive number"),
        (["run", "--mode=backward"], "--mode: got 'backward', expected primal or forward or reverse"),
        (["run", "--quantity="], "--quantity: got ''"),
        (["list", "--family=broadcast", "--engine=ad", "--quantity=jvp"], "there is no such cell"),
        (["million", "--family=broadcast"], "--family: 'broadcast' has no gradient of one output"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.strip().splitlines()
    assert message in line
    assert captured.out == ""


@pytest.mark.parametrize("ratio", ["0.9", "much", "inf", "nan", "-2"])
def test_a_wrong_threshold_is_one_line(results, ratio, capsys):
    assert main(["compare", "fast", "slow", f"--results={results}", f"--fail-above={ratio}"]) == 2
    assert "expected a ratio of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "run,block\nx"])
def test_a_broken_run_is_one_line(results, tmp_path, content, capsys):
    shutil.copytree(results / "fast", tmp_path / "broken")
    (tmp_path / "broken" / "timings.csv").write_text(content)
    for command in (["show", str(tmp_path / "broken")], ["compare", str(tmp_path / "broken"), str(results / "fast")]):
        assert main(command) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "timings.csv" in line


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("64", (64,)), ("8,2**10, 8", (8, 1024)), ("1..8", (1, 2, 4, 8)), ("5..20", (8, 16)), ("3,4..4", (3, 4))],
)
def test_sizes(text, sizes):
    assert sizes_from(text) == sizes


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "1,,2", "8..", "5..7", "9..1", "2**99", "1e3", "10**10"])
def test_wrong_sizes(text):
    with pytest.raises(OptionError, match="--size"):
        sizes_from(text)


def test_settings_come_from_the_options():
    given = {"--budget": "7.5", "--blocks": "3", "--family": "chain,tree", "--size": "4"}
    settings = settings_from(given.get)
    assert (settings.budget, settings.blocks, settings.seed) == (7.5, 3, Settings.seed)
    assert settings.selection == Selection(families=("chain", "tree"), sizes=(4,))


def test_the_plan_keeps_to_the_selection():
    cells = plan(Selection(modes=("reverse",), quantities=("gradient",), engines=("ad",)))
    assert {(cell.engine, cell.mode, cell.quantity) for cell in cells} == {("ad", "reverse", "gradient")}
    assert {cell.graph for cell in cells} == {family.name for family in families()}


def test_gradients_of_many_sweeps_have_sizes_between_and_with_lanes_reach_further():
    cells = [cell for cell in plan(Selection(families=("chain",), engines=("ad-compiled",))) if cell.graph == "chain"]
    sizes = {
        (mode, lanes): {
            cell.size for cell in cells if (cell.mode, cell.quantity, cell.lanes) == (mode, "gradient", lanes)
        }
        for mode, lanes in (("forward", 1), ("forward", 128), ("reverse", 1))
    }
    assert sizes["forward", 1] == {2**k for k in range(11)}
    assert sizes["forward", 128] == {2**k for k in range(1, 13)}
    assert sizes["reverse", 1] == {4**k for k in range(8)} | {10**6}
    primals = {cell.size for cell in cells if cell.mode == "primal"}
    assert sizes["forward", 1] | sizes["forward", 128] | sizes["reverse", 1] == primals
    assert {cell.size for cell in cells if cell.quantity == "jvp"} == sizes["reverse", 1] - {1}


def test_a_run_is_made_again_from_its_environment(tmp_path, monkeypatch, capsys):
    asked = ["--family=chain", "--engine=ad", "--size=2,4", "--mode=reverse", "--seed=7", "--blocks=3", "--budget=9.5"]
    asked += ["--function=my.py:f", "--at=x.npy"]
    given = dict(each.split("=", 1) for each in asked)
    settings = settings_from(given.get)
    again = dict(each.split("=", 1) for each in arguments_of(settings))
    assert settings_from(again.get) == settings
    assert settings_from(dict(each.split("=", 1) for each in arguments_of(Settings())).get) == Settings()

    def made(name, cpu):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "timings.csv").touch()
        write_environment(folder, {"settings": dataclasses.asdict(settings), "cpu": cpu, "python": "3"})

    made("2026-01-01", "old")

    def run(options, arguments):
        assert settings_from(lambda name: getattr(options, name.removeprefix("--").replace("-", "_"))) == settings
        assert "--no-plots" in arguments
        made("2026-01-02", "new")
        return 0

    monkeypatch.setattr("benchmarks.__main__._run", run)
    assert main(["rerun", "2026-01-01", "--results", str(tmp_path), "--no-plots"]) == 0
    assert "not the same: cpu: old in a, new in b" in capsys.readouterr().out
    assert main(["rerun", "nothing", "--results", str(tmp_path)]) == 2


APART = ["--engine=finite-differences,ad", "--family=chain", "--size=4", "--quantity=primal,gradient", "--blocks=2"]


def test_engines_apart_make_one_run_in_a_process_each(tmp_path, capfd):
    assert main(["run", "--apart", *APART, "--no-plots", f"--results={tmp_path}"]) == 0
    said = capfd.readouterr().out
    assert "== finite-differences, 2 of 2 engines" in said
    checked = [int(count) for count in re.findall(r"Checking (\d+) cells", said)]
    assert len(checked) == 2
    assert sum(checked) == len(plan(settings_from(dict(each.split("=", 1) for each in APART).get).selection))
    (folder,) = tmp_path.iterdir()
    run = read_run(folder)
    untimed = run.timings[run.timings["status"] != "ok"]
    assert set(zip(untimed["engine"], untimed["mode"], untimed["status"], strict=True)) == {
        ("finite-differences", "reverse", "unsupported"),
    }
    measured = run.timings[run.timings["status"] == "ok"]
    assert {engine: set(blocks) for engine, blocks in measured.groupby("engine")["block"]} == {
        "ad": {1, 2},
        "finite-differences": {1, 2},
    }
    asked = [session["command"].rpartition("--only=")[2].split()[0] for session in run.environment["sessions"]]
    assert asked == ["ad", "finite-differences"]
    assert settings_of(folder).apart
    assert "--apart" in arguments_of(settings_of(folder))


def test_engines_apart_are_those_of_the_run(tmp_path, capfd):
    given = [*APART, f"--results={tmp_path}", "--only=torch"]
    assert main(["run", "--apart", *given]) != 0
    assert "--only: got 'torch', expected engines of the run: " in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
