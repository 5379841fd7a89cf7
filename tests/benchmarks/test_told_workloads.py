"""What is said of workloads: who wins, where that changes, what it costs; and the page made of it."""

import re

import made_up_workloads
import pytest

from benchmarks import page
from benchmarks.findings.words import duration
from benchmarks.findings.workloads import workloads
from benchmarks.functions.catalogue import families
from benchmarks.runs.files import read_run

SIZES = {
    "black_scholes": [(1, 256), (4, 64), (16, 16), (64, 4), (256, 1)],
    "heston": [16, 256],
    "symmetry": [2, 8, 32],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_up_workloads.write(tmp_path_factory.mktemp("results") / "made-up", SIZES, ("ad", "autograd"))


@pytest.fixture(scope="module")
def found(folder):
    return {(each.graph, each.engine): each for each in workloads(read_run(folder), ["ad", "autograd"])}


def test_each_workload_says_who_wins_and_by_how_much(found):
    assert list(found) == [(name, engine) for name in SIZES for engine in ("ad", "autograd")]
    told = found["symmetry", "ad"].sentences()
    assert re.fullmatch(
        r"At size 32 \(N = 257, M = 1\) in the engine ad: reverse is 171 times as fast, 95 % \[\d+, \d+\]\.", told[0]
    )
    assert told[1].startswith("Where a forward pass carries 128 tangents: reverse is 17 times as fast")
    assert told[2:] == [
        "Reverse wins at every size measured, 2 to 32.",
        "The whole derivative takes the time of the function 514 times in forward mode and 3 times in reverse mode.",
        "Memory at size 32: a reverse sweep takes 2 MB at its peak, a forward sweep 5 kB.",
    ]


def test_the_border_is_where_the_winner_changes(found):
    # 2 (2n + 1) against 3 m: forward at (1, 256) and (4, 64), reverse from (16, 16) on
    assert found["black_scholes", "ad"].border() == "As it grows: forward at 1x256 to 4x64, reverse at 16x16 to 256x1"
    assert found["heston", "ad"].border() == "Reverse wins at every size measured, 16 to 256"


def test_a_line_of_the_table_has_all_three_ways(found):
    engine, size, *times, outcome = found["symmetry", "autograd"].row()
    assert (engine, size) == ("autograd", "32")
    assert [re.sub(r"[\d.]+", "*", each) for each in times] == ["* ms", "* ms", "* µs"]
    assert outcome.startswith("reverse is 171 times as fast")
    assert (duration(0.0123), duration(2.0), duration(3e-10)) == ("12.3 ms", "2 s", "0.3 ns")


def test_noise_takes_the_numbers_away(tmp_path):
    run = read_run(made_up_workloads.write(tmp_path / "noisy", {"symmetry": [8]}, noise=0.4))
    (told,) = workloads(run)
    said = " ".join(told.sentences())
    assert "too noisy to say" in said or "undecided" in said or "no difference" in said
    assert "times as fast" not in said
    assert "takes the time of the function" not in said


def test_other_families_are_not_told_as_workloads():
    run = read_run(page.REFERENCE)
    names = {one.name for one in families(["workloads"])}
    assert {each.graph for each in workloads(run)} == set(run.timings["graph"]) & names


def test_the_page_has_every_workload_with_and_without_a_run(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(page, "GROWING", folder)
    said = page.workload_passages()["workloads"]
    for family in families(["workloads"]):
        assert f"## {family.name}\n" in said
    assert said.count("Not yet measured") == len(families(["workloads"])) - len(SIZES)
    assert "| autograd | 256x1 |" in said
    assert "N = 3 to 513, M = 1 to 256, at the sizes 1x256 to 256x1" in " ".join(said.split())
    monkeypatch.setattr(page, "GROWING", tmp_path / "none")
    monkeypatch.setattr(page, "TRAINING", tmp_path / "none")
    assert page.workload_passages()["training"].startswith("- Not yet run")
