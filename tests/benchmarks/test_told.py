"""What is said of a run: all that was measured, in the catalogue's order, and nothing that noise hides."""

import numpy as np
import pandas as pd
import pytest
from synthetic import family, floor, frame, row, run, twins

from benchmarks.findings import closing
from benchmarks.findings.analysis import summarise
from benchmarks.findings.found import costs, findings, memories
from benchmarks.findings.told import Border, Cost, Crossover, Growth, Memory, Noise, Speedup

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
    rows = [each for name in ORDER[:8] for each in family([1, 9, 1000], lambda n: 3.0 * n, lambda n: 6.0, graph=name)]
    return rows + family([1, 9, 100], lambda n: 3.0, lambda n: 6.0 * n, graph="broadcast", transposed=True)


def test_lines_say_what_was_found():
    lines = closing.lines(findings(run(every_family() + twins([1.02] * 7)), ORDER))
    assert lines[0] == "Sweeps counted in 54 full gradients: one per input forward, one per output in reverse."
    assert [line.split()[0] for line in lines[3:12]] == ORDER[:9]
    assert lines[3].split(maxsplit=1)[1] == "500 (1,000)"
    assert lines[11].split(maxsplit=1)[1] == "1/200 (M 100)"
    assert lines[-3] == "Growth with N: 0 of 18 curves agree with theory, 0 disagree, 18 inconclusive."
    assert lines[-2] == "Noise floor: identical cells differ by up to 2.0%; nothing smaller is called a difference."
    assert lines[-1] == "All 574 records were checked and measured; none was wrong."


def test_workloads_are_told_in_a_sentence_beside_synthetic_families_and_in_the_table_alone():
    rows = [
        each for name in ("gmm", "kmeans") for each in family([5, 50], lambda n: 3.0 * n, lambda n: 6.0, graph=name)
    ]
    rows += family([100], lambda n: 3.0, lambda n: 6.0 * n, graph="residuals", transposed=True)
    for each in rows:
        each["seconds_median"] *= 2 if (each["graph"], each["mode"]) == ("gmm", "forward") else 1
    lines = closing.lines(findings(run(rows + twins([1.02] * 7)), ORDER))
    assert [line.split()[0] for line in lines[3:6]] == ["gmm", "kmeans", "residuals"]
    lines = closing.lines(findings(run(rows + every_family() + twins([1.02] * 7)), ORDER))
    assert [line.split()[0] for line in lines[3:12]] == ORDER[:9]
    assert lines[12] == (
        "Workloads (ad, textbook): reverse wins in 2 of 3, by 25 (kmeans) to 50 (gmm); forward in residuals."
    )
    assert all(len(line) < 110 for line in lines)


def test_workloads_alone_have_a_line_each_however_many():
    names = [f"w{number:02}" for number in range(12)]
    rows = [each for name in names for each in family([5], lambda n: 3.0 * n, lambda n: 6.0, graph=name)]
    rows += family([4], lambda n: 3.0 * n, lambda n: 6.0, graph="map")  # which has a figure of its own
    lines = closing.lines(findings(run(rows + twins([1.02] * 7)), ORDER))
    assert [line.split()[0] for line in lines[3:15]] == names
    assert lines[15].startswith("Growth")


def test_a_noisy_run_says_in_how_many_workloads_and_not_by_how_much():
    told = [Speedup("gmm", "ad", 1, 9, 1, 50.0, 40.0, 60.0, "faster", trusted=False)]
    assert closing.workload_sentences(told) == ["Workloads (ad, textbook): reverse wins in 1 of 1."]


def test_the_largest_size_is_that_of_inputs_or_outputs():
    small, large = (Speedup("broadcast", "ad", 1, 1, m, 0.1, 0.1, 0.1, "slower") for m in (4, 64))
    assert closing.at_largest([large, small]) == {("broadcast", ("ad", 1)): large}


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


def test_textbook_and_many_lanes_are_compared_at_the_same_size_where_lanes_reach_further():
    rows = family([64, 256], lambda n: 300.0, lambda n: 6.0)
    many = [{**each, "lanes": 128} for each in rows if each["mode"] == "forward"]
    rows = [each for each in rows if each["mode"] != "forward" or each["n_inputs"] == 64]
    lines = closing.lines(findings(run(rows + many + twins([1.02] * 7)), ORDER))
    assert lines[3].split() == ["chain", "50", "(64)", "50", "(64)"]


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
    assert len(lines) <= 20
    assert max(map(len, lines)) < 110
    assert "... and 2 more engines; all of them are in summary.csv." in lines
    assert lines[-1].startswith("Records without a time: 1000 wrong, 1000 error, 1000 out_of_memory, 1000 over_budget")


def test_sweeps_are_checked():
    for astray, mode in ((1, "forward"), (2, "reverse")):
        rows = family([10], lambda n: 30.0, lambda n: 6.0, blocks=1)
        rows[astray]["sweeps"] = 9
        assert findings(run(rows)).sweeps.sentence() == (
            f"Sweeps counted: 1 of 2 full gradients are not as expected; first chain, {mode}: 9 sweeps."
        )


def test_a_gradient_counted_in_many_blocks_is_one_and_astray_where_any_of_them_is():
    rows = family([10], lambda n: 30.0, lambda n: 6.0, blocks=5)
    last = max(k for k, each in enumerate(rows) if (each["mode"], each["quantity"]) == ("reverse", "gradient"))
    rows[last]["sweeps"] = 9
    assert findings(run(rows)).sweeps.sentence() == (
        "Sweeps counted: 1 of 2 full gradients are not as expected; first chain, reverse: 9 sweeps."
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


def test_intervals_have_no_exponents():
    told = Speedup("mlp", "ad", 1, 2432, 1, 1358.0, 1140.0, 1610.0, "faster").outcome()
    assert told == "reverse is 1,358 times as fast, 95 % [1,140, 1,610]"
    assert Crossover("chain", "ad", 1100.0, 999.7, 2100.0, "").sentence().endswith("95 % [1,000, 2,100].")


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


def test_a_busy_machine_is_told():
    assert "3.2 programs ran on 2 cores when it began" in Noise(0.5, "Too noisy to trust: x.", 3.2, 2).sentence()
    assert "ran on" not in Noise(0.5, "Too noisy to trust: x.", 0.1, 2).sentence()


def test_a_noisy_run_says_who_is_faster_and_not_by_how_much():
    told = Speedup("chain", "ad", 1, 64, 1, 50.0, 40.0, 60.0, "faster", trusted=False)
    assert told.brief() == "reverse (64)"
    assert told.sentence().endswith("reverse is faster; the run is too noisy to say by how much.")


def test_the_cost_of_a_sweep_is_that_of_each_family_at_its_largest_size():
    rows = family([1, 10], lambda n: 3.0 * n, lambda n: 90.0 / n, graph="chain")
    rows += family([1, 100], lambda n: 3.0 * n, lambda n: 500.0 / n, graph="tree")
    told = findings(run(rows), ORDER).costs
    assert [each.sentence() for each in told if each.mode == "reverse"] == [
        "One reverse sweep (ad) costs 5 to 9 times the function itself, over 2 families."
    ]
    one = Cost("ad", "forward", 1, 3.0, 3.0).sentence()
    assert one == "One forward sweep (ad) costs 3 times the function itself, in the one family measured."
    assert costs(summarise(frame([]), floor(0.0))) == ()


def test_memory_is_told_at_the_largest_size_of_both_modes():
    table = pd.DataFrame(
        [("chain", "ad", mode, ops, 300 * ops if mode == "reverse" else 0, "ok")
         for mode, largest in (("forward", 10_000), ("reverse", 1_000_000)) for ops in (100, 10_000, largest)],
        columns=["graph", "engine", "mode", "n_ops", "peak_bytes", "status"],
    ).drop_duplicates()  # fmt: skip
    assert memories(table) == (Memory("chain", "ad", 10_000, 0, 3_000_000),)
    assert memories(table)[0].sentence() == (
        "chain (ad), 10,000 ops: a reverse sweep takes 3 MB at its peak, a forward sweep too little to see."
    )


def test_a_border_is_told_in_whole_inputs():
    told = Border("ad", 16, 3.1).sentence()
    assert told == "With 16 outputs (ad) reverse mode wins from 4 inputs on; counting sweeps alone it would be 16."


def test_the_border_told_is_that_of_the_first_engine_with_the_most_outputs():
    rows = [
        row(block, n, {"forward": 3.0 * n, "reverse": 6.0 * m}[mode], mode, graph="map", engine=engine, n_outputs=m,
            size=f"{n}x{m}", sweeps={"forward": n, "reverse": m}[mode])
        for block in range(1, 8) for engine in ("ad-compiled", "ad") for m in (2, 8) for n in (1, 64)
        for mode in ("forward", "reverse")
    ]  # fmt: skip
    told = findings(run(rows + twins([1.02] * 7)), ORDER)
    assert [(each.engine, each.n_outputs) for each in told.borders] == [
        ("ad", 2), ("ad", 8), ("ad-compiled", 2), ("ad-compiled", 8),
    ]  # fmt: skip
    assert told.border_sentence().startswith("With 8 outputs (ad) ")


def test_crossovers_are_counted_by_what_happens():
    rows = family([1, 4, 16], lambda n: 3.0 * n, lambda n: 6.0, graph="chain")
    rows += family([1, 4, 16], lambda n: 30.0 * n, lambda n: 6.0, graph="tree")
    rows += family([1, 4, 16], lambda n: 3.0, lambda n: 6.0 * n, graph="broadcast", transposed=True)
    rows += family([9], lambda n: 3.0, lambda n: 6.0 * n, graph="residuals", transposed=True)
    rows += family([1, 4, 16], lambda n: 6.06 * n, lambda n: 6.0, graph="layered")
    told = findings(run(rows + twins([1.02] * 7)), ORDER)
    notes = {each.graph: each.note for each in told.crossovers}
    assert notes["residuals"] == "forward wins at M = 9"
    assert notes["layered"] == "forward never wins from N = 1 to N = 16"
    assert told.crossover_sentence() == (
        "Of 5 pairs of family and engine, in 1 reverse wins from 2 inputs on, in 1 reverse wins at every size "
        "measured, in 2 forward wins at every size measured, in 1 neither does, beyond noise."
    )
