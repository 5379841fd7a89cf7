"""What is said of a run: all that was measured, in the catalogue's order, and nothing that noise hides."""

import numpy as np
import pytest
from synthetic import family, row, run, twins

from benchmarks.findings import closing
from benchmarks.findings.told import Crossover, Growth, Noise, Speedup, findings

ORDER = [
    "chain",
    "tree",
    "product",
    "layered",
    "hub",
    "fixed_work",
    "lattice",
    "dense",
    "broadcast",
    "ad",
    "ad-compiled",
]


def every_family():
    rows = [each for name in ORDER[:8] for each in family([1, 1000], lambda n: 3.0 * n, lambda n: 6.0, graph=name)]
    return rows + family([1, 100], lambda n: 3.0, lambda n: 6.0 * n, graph="broadcast", transposed=True)


def test_lines_say_what_was_found():
    lines = closing.lines(findings(run(every_family() + twins([1.02] * 7)), ORDER))
    assert lines[0] == "Sweeps counted in 252 full gradients: one per input forward, one per output in reverse."
    assert [line.split()[0] for line in lines[3:12]] == ORDER[:9]
    assert lines[3].split(maxsplit=1)[1] == "500 (1,000)"
    assert lines[11].split(maxsplit=1)[1] == "1/200 (M 100)"
    assert lines[-3] == "Growth with N: 0 of 18 curves agree with theory, 0 disagree, 18 inconclusive."
    assert lines[-2] == "Noise floor: identical cells differ by up to 2.0%; nothing smaller is called a difference."
    assert lines[-1] == "All 385 records were checked and measured; none was wrong."


def test_lines_do_not_depend_on_the_order_of_measuring():
    rows = every_family() + family([10], lambda n: 3.0 * n, lambda n: 6.0, engine="ad-compiled") + twins([1.02] * 7)
    shuffled = [rows[i] for i in np.random.default_rng(5).permutation(len(rows))]
    assert closing.lines(findings(run(rows), ORDER)) == closing.lines(findings(run(shuffled), ORDER))


def test_textbook_and_many_lanes_are_both_told():
    rows = family([64], lambda n: 300.0, lambda n: 6.0)
    rows += [{**each, "lanes": 128, "seconds_median": each["seconds_median"] / 10}
             for each in rows if each["mode"] == "forward"]  # fmt: skip
    lines = closing.lines(findings(run(rows + twins([1.02] * 7)), ORDER))
    assert lines[2].split(maxsplit=1) == ["ad,", "textbook  ad, 128 lanes"]
    assert lines[3].split() == ["chain", "50", "(64)", "5", "(64)"]


def test_noise_hides_numbers():
    lines = closing.lines(findings(run(family([10], lambda n: 30.0, lambda n: 6.0) + twins([9.0] * 7)), ORDER))
    assert lines[3].split(maxsplit=1)[1] == "even (10)"
    assert lines[-3].startswith("Too noisy to trust: identical cells differ by 800%")
    assert lines[-2].endswith("(--budget).")
    lines = closing.lines(findings(run(family([10], lambda n: 30.0, lambda n: 6.0, blocks=1)), ORDER))
    assert lines[3].split(maxsplit=1)[1] == "undecided (10)"
    assert lines[-2] == "Noise floor: not measured, so nothing is called a difference."


def test_lines_stay_short_however_much_there_is_to_say():
    rows = every_family() + family([10], lambda n: 3.0 * n, lambda n: 6.0, graph="one_more_of_them")
    for engine in ("ad-compiled", "xad", "casadi", "another", "yet another"):
        rows += family([1_000_000], lambda n: 3e3, lambda n: 3.0, blocks=3, noise=0.5, graph="hub", engine=engine)
    rows += twins([2.0] * 7)
    for status in ("unsupported", "error", "wrong", "out_of_memory", "over_budget"):
        rows += 1000 * [row(1, 7, 1.0, "reverse", status=status)]
    lines = closing.lines(findings(run(rows), ORDER))
    assert len(lines) <= 17
    assert max(map(len, lines)) < 110
    assert "... and 1 more family and 2 more engines; all of them are in summary.csv." in lines
    assert lines[-1].startswith("Records without a time: 1000 wrong, 1000 error, 1000 out_of_memory, 1000 over_budget")


def test_sweeps_are_checked():
    rows = family([10], lambda n: 30.0, lambda n: 6.0, blocks=1)
    rows[1]["sweeps"] = 9
    assert findings(run(rows)).sweeps.sentence() == (
        "Sweeps counted: 1 of 2 gradients are not as expected; first chain, forward: 9 sweeps."
    )


def test_nothing_measured():
    assert closing.lines(findings(run([]))) == ["Nothing was measured."]


@pytest.mark.parametrize(
    ("verdict", "value", "sentence"),
    [
        ("faster", 50.0, "reverse is 50 times as fast, 95 % [40, 60]."),
        ("no difference", 50.0, "no difference between the modes."),
        ("", 50.0, "undecided; measure more blocks."),
    ],
)
def test_speedup_sentence(verdict, value, sentence):
    told = Speedup("chain", "ad", 128, 64, 1, value, 40.0, 60.0, verdict).sentence()
    assert told == f"chain (ad, 128 tangents a pass), N = 64: {sentence}"


def test_forward_that_wins_is_told_the_other_way_round():
    told = Speedup("broadcast", "ad", 1, 1, 64, 0.05, 0.04, 0.1, "slower").sentence()
    assert told == "broadcast (ad, 1 tangent a pass), M = 64: forward is 20 times as fast, 95 % [10, 25]."


def test_a_crossover_is_told_in_whole_inputs():
    assert "reverse wins from 4 inputs on" in Crossover("chain", "ad", 3.1, 2.9, 3.3, "").sentence()
    bound = Crossover("chain", "ad", np.nan, np.nan, 1.0, "reverse wins from N = 1 to N = 64")
    assert bound.sentence() == "chain (ad): reverse wins from N = 1 to N = 64."


def test_growth_that_is_not_known_has_no_number():
    assert Growth("dense", "ad", "reverse", 1, 0.31, 0.24, 0.38, 0.0, "disagrees").sentence() == (
        "dense (ad), reverse: N**0.31, 95 % [0.24, 0.38], which disagrees with theory's N**0."
    )
    assert "0.31" not in Growth("dense", "ad", "reverse", 1, 0.31, -1.0, 1.0, 0.0, "inconclusive").sentence()


def test_a_noisy_machine_is_told_what_to_do():
    assert "--budget" in Noise(0.5, "Too noisy to trust: x.").sentence()
