"""What is recommended for a function: measured in both modes, told in words, refused in one line."""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
import math
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import synthetic
from harness import once

import ad
import benchmarks
from benchmarks import recommend
from benchmarks.__main__ import _picture, main
from benchmarks.cells import Cell
from benchmarks.engines.base import Includes, Written
from benchmarks.findings.found import best_of_modes
from benchmarks.findings.recommendation import Option, Recommendation
from benchmarks.findings.told import Crossover, Noise, Speedup
from benchmarks.findings.words import duration, in_bytes, joined
from benchmarks.functions import catalogue, own
from benchmarks.functions.own import FunctionError
from benchmarks.functions.rebound import modules
from benchmarks.measuring.open_run import close_run, open_run
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.resuming import resumed_settings
from benchmarks.measuring.visits import measure
from benchmarks.options import OptionError, Settings, selection_from, settings_from
from benchmarks.plan import plan
from benchmarks.runs.files import read_run

MATRIX = np.random.default_rng(0).normal(size=(12, 5))


def squares(x):
    residual = MATRIX @ x - 1.0
    return np.sum(residual * residual)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def four():
    return np.ones(4)


def compare(f, x, tmp_path, **options):
    return benchmarks.compare_modes(f, x, engines=["ad"], budget=8.0, results=tmp_path, **options)


def test_a_function_of_one_size_is_measured_in_both_modes(tmp_path):
    found = compare(squares, np.ones(5), tmp_path)
    assert (found.function, found.n_inputs, found.n_outputs, found.crossovers) == ("squares", 5, 1, ())
    kinds = {(each.mode, each.lanes): each for each in found.options}
    assert set(kinds) == {("forward", 1), ("forward", 128), ("reverse", 1)}
    assert kinds["reverse", 1].write == "ad.grad(f)(x)"
    assert kinds["forward", 1].write == "ad.jacfwd(f)(x)"
    assert all(each.peak_bytes > 0 for each in found.options)
    assert found.options[0].seconds == min(each.seconds for each in found.options)
    assert found.difference < 1e-8
    timings = read_run(found.folder).timings
    forward = timings[(timings["mode"] == "forward") & (timings["status"] == "ok")]
    assert (forward["sweeps"] == 5).all()
    assert "squares" not in catalogue.FAMILIES  # it was known for this run alone


def test_what_is_written_is_a_call_that_works(tmp_path):
    found = compare(squares, np.ones(5), tmp_path)
    expected = 2.0 * MATRIX.T @ (MATRIX @ np.ones(5) - 1.0)
    for each in found.options:
        np.testing.assert_allclose(eval(each.write, {"ad": ad, "f": squares, "x": np.ones(5)}), expected, rtol=1e-12)


def swing(x):
    return math.sin(x[0]) * x[1]


def test_a_function_in_math_is_told_what_to_write_for_math(tmp_path):
    """The harness binds `ad` to the name while it measures: the call alone would fail."""
    found = compare(lambda x: swing(x) + 1.0, [1.0, 2.0], tmp_path)
    assert {each.write for each in found.options} == {
        f"{call}(f)(x), with ad for math" for call in ("ad.grad", "ad.jacfwd")
    }


def imports(x):
    from math import exp

    return exp(x[0])


@pytest.mark.parametrize(
    ("f", "found"),
    [
        (swing, {"math"}),
        (imports, {"math"}),
        (functools.partial(lambda k, x: k * swing(x), 2.0), {"math"}),
        (squares, {"numpy"}),
        (lambda x: np.sum(x) * swing(x), {"numpy", "math"}),
        (lambda x: x[0] * x[1], set()),
    ],
)
def test_the_modules_that_a_function_reaches(f, found):
    assert modules(f) == found


def test_an_engine_says_what_stands_for_a_module():
    of_both, of_math, of_none = Written(numpy="xnp"), Written(math="ad"), Written()
    assert [each.instead({"math", "numpy"}) for each in (of_both, of_math, of_none)] == [
        "xnp for numpy and math",
        "ad for math",
        "",
    ]
    assert [each.instead({"math"}) for each in (of_both, of_math)] == ["xnp for math", "ad for math"]
    assert of_math.instead({"numpy"}) == of_both.instead(set()) == ""


def test_a_function_with_sizes_is_measured_at_several(tmp_path):
    """Its name is that of a workload, which stays what it is; at one input it fails, and goes on with the others."""
    found = compare(lambda x: rosenbrock(x) / (x[1] * 0.0 + 1.0), 16, tmp_path)
    timings = read_run(found.folder).timings
    assert set(timings["size"]) == {"4", "16", "64"}
    assert len(found.crossovers) == 1
    assert found.n_inputs == 16
    assert [(each.engine, each.n_inputs) for each in found.speedups] == [("ad", 16)]


def test_a_name_of_the_catalogue_stays_the_catalogues(tmp_path):
    family = catalogue.FAMILIES["chain"]

    def chain(x):
        return np.sum(x * x)

    assert compare(chain, np.ones(3), tmp_path).function == "own-chain"
    assert catalogue.FAMILIES["chain"] is family


def engine(name, *, primal="", reverse="call", optional=False, allocates_in_python=True):
    return SimpleNamespace(
        name=name,
        modes=("reverse",),
        written=Written(reverse=reverse),
        optional=optional,
        includes=Includes(primal=primal),
        allocates_in_python=allocates_in_python,
    )


def test_engines_that_people_differentiate_with_are_tried_and_of_others_is_said_why_not(monkeypatch):
    each = [
        engine("able"),
        engine("absent"),
        engine("unable"),
        engine("odd", optional=True),
        engine("by hand", reverse=""),
    ]
    known = {one.name: one for one in each}
    reasons = {"absent": "needs the package absent: pip install absent", "unable": "has no sine"}
    monkeypatch.setattr(recommend, "engines", lambda: known)
    monkeypatch.setattr(recommend, "chosen", lambda names: [known[name] for name in names])
    monkeypatch.setattr(recommend, "refusal", lambda cell, engine: reasons.get(engine.name))
    assert recommend._able(None, "f", 4) == (("able",), [("unable", "has no sine")])
    assert recommend._able(["odd", "absent"], "f", 4) == (("odd",), [("absent", reasons["absent"])])
    with pytest.raises(FunctionError, match=r"^engines: none can run it: unable: has no sine$"):
        recommend._able(["unable"], "f", 4)


def test_the_size_asked_for_is_checked_first_and_a_mode_that_fails_is_given_up(monkeypatch):
    checked, fails = [], {("a", 4, "forward"): "wrong", ("b", 4, "reverse"): "over_budget", ("c", 4, "primal"): "error"}

    def admit(run, cell):
        checked.append((cell.engine, cell.size, cell.mode))
        return SimpleNamespace(status=fails[checked[-1]]) if checked[-1] in fails else None

    monkeypatch.setattr(recommend, "admit", admit)
    monkeypatch.setattr(recommend, "wait_for_what_was_cut_off", lambda run, reporter: None)
    cells = [
        Cell("rosenbrock", size, name, mode, "primal" if mode == "primal" else "gradient")
        for size in (2, 4, 8)
        for name in "abc"
        for mode in ("primal", "forward", "reverse")
    ]
    engines = {"a": engine("a", primal="compiled"), "b": engine("b"), "c": engine("c")}
    run = SimpleNamespace(engines=engines, visits=[SimpleNamespace(cell=cell) for cell in cells])
    recommend._admit(run, 4, Reporter(io.StringIO()))
    first = list(itertools.takewhile(lambda one: one[1] == 4, checked))
    assert len(first) == 7  # no more of "c", which could not compute the function
    assert [one[0] for one in first] == [*"bbb", "c", *"aaa"]  # last, what may take long to compile
    rest = [one for one in checked if one[1] != 4]
    assert {one[0] for one in rest} == {"a", "b"}
    assert {one[2] for one in rest if one[0] == "a"} == {"primal", "reverse"}
    assert {one[2] for one in rest if one[0] == "b"} == {"primal", "forward", "reverse"}


def test_an_input_is_unread_where_no_output_of_any_engine_depends_on_it(monkeypatch):
    monkeypatch.setattr(recommend.catalogue, "problem", lambda name, size: SimpleNamespace(n_inputs=3))
    checked = {
        Cell("f", 4, "a", "reverse", "gradient"): [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],  # two outputs, one after the other
        Cell("f", 4, "b", "reverse", "gradient"): [1.0, 0.0, 0.0, 0.0, 1e-300, 0.0],
        Cell("f", 4, "b", "primal", "primal"): [1.0, 1.0, 1.0],
        Cell("f", 8, "b", "reverse", "gradient"): [1.0, 1.0, 1.0],
    }
    run = SimpleNamespace(ready={cell: SimpleNamespace(checked=np.array(each)) for cell, each in checked.items()})
    assert recommend._unread(run, 4) == (3,)
    assert recommend._unread(run, 16) == ()


def test_the_peak_is_that_of_one_derivative_at_the_size_asked_for():
    def ready(size, seconds=0.1):
        return SimpleNamespace(run=lambda: len(bytearray(size * 100_000)), seconds=seconds)

    run = SimpleNamespace(
        engines={"a": engine("a"), "elsewhere": engine("elsewhere", allocates_in_python=False)},
        ready={
            Cell("f", 4, "a", "primal", "primal"): ready(4),
            Cell("f", 4, "a", "forward", "gradient", 64): ready(4, seconds=10.0),
            Cell("f", 4, "a", "reverse", "gradient"): ready(4),
            Cell("f", 4, "elsewhere", "reverse", "gradient"): ready(4),
            Cell("f", 16, "a", "reverse", "gradient"): ready(16),
        },
    )
    assert recommend._peaks(run, 4) == {("a", "reverse", 1): pytest.approx(400_000, rel=0.05)}


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (lambda x: np.sum(np.floor(x)), np.array([0.5, 1.5]), "flat"),
        (lambda x: np.sum(np.floor(x * 1e7) * 1e-7 * x), np.array([0.5, 1.5]), "no derivative"),
        (lambda x: float(x[0]) * x[1], np.ones(2), r"no engine could differentiate.*float\(\)"),
        (lambda x: int(x[0]) * x[1], np.ones(2), "seems to have no derivative here"),
        (lambda x: time.sleep(9.0) or x[0], np.ones(2), r"lambda takes more than 1\.6 s for two calls; give more time"),
        (lambda x: x[5], np.ones(2), "IndexError"),
        (squares, "text", "inputs: got str"),
    ],
)
def test_what_has_no_answer_says_why_in_a_line(f, x, message, tmp_path):
    with pytest.raises(FunctionError, match=message) as raised:
        compare(f, x, tmp_path)
    assert "\n" not in str(raised.value)


def test_nothing_is_kept_unless_a_folder_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = compare(squares, np.ones(5), None)
    assert found.folder is None
    assert "all records" not in str(found)
    assert not list(tmp_path.iterdir())


def test_an_unknown_engine_is_named(tmp_path):
    with pytest.raises(ValueError, match="engine: unknown 'jaxx'"):
        benchmarks.compare_modes(squares, np.ones(5), engines=["jaxx"], results=tmp_path)


def test_an_input_that_is_not_read_is_told(tmp_path):
    found = compare(lambda x: x[0] * x[2], np.ones(4), tmp_path)
    assert found.unread == (2, 4)
    assert "Nothing depends on inputs 2 and 4 of 4 here: the partials are exactly 0." in str(found)
    assert "Nothing depends" not in str(dataclasses.replace(found, unread=()))
    found = dataclasses.replace(found, n_inputs=12)
    alone, many = (dataclasses.replace(found, unread=these).unread_sentence() for these in ((4,), tuple(range(2, 12))))
    assert alone == "Nothing depends on input 4 of 12 here: the partials are exactly 0."
    assert many == "Nothing depends on inputs 2 to 11, 10 in all, of 12 here: the partials are exactly 0."


# ---- in words -------------------------------------------------------------------------------------------------------


def told(speedup: Speedup | None, mode: str = "reverse", noise: str | None = None) -> Recommendation:
    options = tuple(
        Option("ad", each, 1, seconds, seconds, seconds, 0.0, None, f"ad.{each}(f)(x)")
        for each, seconds in sorted({"forward": 2e-3, "reverse": 1e-3}.items(), key=lambda item: item[0] != mode)
    )
    options = options[:1] if speedup is None else options
    speedups = () if speedup is None else (speedup,)
    return Recommendation(
        function="f",
        n_inputs=9,
        n_outputs=1,
        options=options,
        speedups=speedups,
        crossovers=(),
        refused=(),
        noise=Noise(0.03, noise),
        folder=Path("run"),
        difference=1e-15,
    )


def speedup(value: float, verdict: str, trusted: bool = True) -> Speedup:
    return Speedup("f", "ad", 1, 9, 1, value, value / 1.1, value * 1.1, verdict, trusted)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (told(speedup(20.0, "faster")), "Reverse mode: 20 times as fast as forward mode, 95 % [18.2, 22]"),
        (told(speedup(0.25, "slower"), "forward"), "Forward mode: 4 times as fast as reverse mode, 95 % [3.64, 4.4]"),
        (told(speedup(1.0, "no difference")), "Either mode"),
        (
            told(speedup(1.2, "no difference", trusted=False)),
            "Undecided: the machine is too noisy to tell the modes apart",
        ),
        (
            told(speedup(1.2, "")),
            "Undecided: the intervals are too wide to say which mode is faster in ad, the fastest",
        ),
        (told(speedup(2000.0, "faster", trusted=False)), "Reverse mode: 1,800 to 2,200 times as fast"),
        (
            told(speedup(20.0, "faster", trusted=False)),
            "Reverse mode: 18 to 22 times as fast as forward mode, as far as can be told",
        ),
        (told(None), "Reverse mode: 1 ms in ad; no engine got through both modes"),
    ],
)
def test_the_answer_says_no_more_than_was_measured(found, sentence):
    assert sentence in found.sentence()
    assert found.sentence() in str(found)


def test_the_fastest_engine_is_named_where_it_was_not_measured_in_both_modes():
    found = told(speedup(20.0, "faster"))
    assert found.sentence().endswith("in ad, the fastest engine here.")
    alone = dataclasses.replace(found.options[0], engine="xad")
    among = dataclasses.replace(found, options=(alone, *found.options))
    assert among.sentence().endswith("in ad, the fastest engine measured in both modes.")


def test_each_mode_is_compared_at_its_best():
    """As an engine is used that carries many cotangents in a pass, too: 20 times, not the 800 of one at a time."""
    seconds = {("forward", 1): 20e-6, ("forward", 128): 15e-6, ("reverse", 1): 12e-3, ("reverse", 128): 300e-6}
    rows = [
        synthetic.row(block, size, each, mode, lanes=lanes, n_outputs=500, twin=twin)
        for block in range(1, 8)
        for twin in (0, 1)
        for size in (3, 6)
        for (mode, lanes), each in seconds.items()
    ]
    failed = synthetic.row(1, 3, mode="reverse", lanes=256, n_outputs=500, status="error")
    compared, crossovers = best_of_modes(synthetic.run([*rows, failed]))
    assert [each.value for each in compared] == pytest.approx([0.05, 0.05])
    assert [each.winner for each in compared] == ["forward", "forward"]
    assert [each.engine for each in crossovers] == ["ad"]
    options = [
        Option("ad", mode, lanes, each, each, each, 0.0, None, f"ad.{mode}(f)(x)")
        for (mode, lanes), each in sorted(seconds.items(), key=lambda item: item[1])
    ]
    found = dataclasses.replace(told(compared[0], "forward"), options=tuple(options))
    assert found.sentence().startswith("Forward mode: 20 times as fast as reverse mode")
    assert [" ".join(line.split()) for line in found.table()] == [
        "forward, 1 tangent many tangents reverse, 1 cotangent many cotangents faster write",
        "ad 20 µs 15 µs 12 ms 300 µs forward ad.forward(f)(x)",
    ]


@pytest.mark.parametrize(
    ("compared", "write", "border"),
    [
        (speedup(20.0, "faster"), "Write: ", True),
        (speedup(1.0, "no difference"), "Write: ", False),
        (speedup(1.2, "no difference", trusted=False), "Until that is decided, write: ", False),
        (speedup(1.2, ""), "Until that is decided, write: ", False),
    ],
)
def test_where_nothing_is_decided_nothing_is_said_to_change(compared, write, border):
    crossover = Crossover("f", "ad", 7.5, 7.0, 8.0, "")
    found = dataclasses.replace(told(compared), crossovers=(crossover,))
    lines = found.lines()
    assert lines[2] == f"{write}ad.reverse(f)(x)"
    assert ("Where that changes: reverse wins from 8 inputs on (ad)." in lines) is border
    assert ("Where that changes" in str(found)) is border
    assert ("undecided" in str(found.table())) is ("Undecided" in found.sentence())


def test_an_engine_whose_modes_are_even_has_no_border():
    found = dataclasses.replace(
        told(speedup(20.0, "faster")),
        speedups=(speedup(20.0, "faster"), dataclasses.replace(speedup(1.0, "no difference"), engine="xad")),
        crossovers=tuple(Crossover("f", engine, 7.5, 7.0, 8.0, "") for engine in ("ad", "xad")),
    )
    assert [each.engine for each in found.borders] == ["ad"]


def test_names_are_listed_as_in_a_sentence():
    assert [joined(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_units_fit():
    assert [duration(s) for s in (2.0, 3.25e-3, 4.5e-6, 7e-9)] == ["2 s", "3.25 ms", "4.5 µs", "7 ns"]
    assert [duration(s) for s in (96.0, 0.99996, 9.9996e-4, 0.0)] == ["1.6 minutes", "1 s", "1 ms", "0 s"]
    assert [in_bytes(n) for n in (12, 3400, 5_600_000, 7_800_000_000)] == ["12 bytes", "3.4 kB", "5.6 MB", "7.8 GB"]


# ---- the command ----------------------------------------------------------------------------------------------------

FILE = """
import numpy as np

def f(x):
    return np.sum(np.sin(x) * x)

def make(n):
    return np.linspace(0.0, 1.0, n)

def five(x):
    return np.ones((2, 5)) @ x

def prints(x):
    print("hello")
    return x[0]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    np.save(tmp_path / "x.npy", np.linspace(0.1, 1.0, 4))
    return path


@pytest.mark.parametrize("inputs", [["--inputs", "4"], ["--at", "x.npy"], ["--at", "make", "--inputs", "4"]])
def test_the_command_answers_and_draws(file, inputs, capsys, monkeypatch):
    monkeypatch.chdir(file.parent)
    picture = file.parent / "drawn"
    monkeypatch.setattr("benchmarks.__main__._picture", lambda folder: str(picture))
    options = ["--engine", "ad", "--budget", "8", "--results", "kept"]
    assert main(["recommend", f"{file}:f", *inputs, *options]) == 0
    said = capsys.readouterr().out
    assert said.startswith("f: 4 inputs, 1 output.")
    assert said.rstrip().endswith(str(picture))
    assert list((file.parent / "kept").glob("*/timings.csv"))


def test_the_picture_lies_beside_the_records(tmp_path, monkeypatch):
    """Also where the folder is named from a place that is not the clone; what is printed is where it is."""
    monkeypatch.chdir(tmp_path)
    commands = []

    def drawn(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, f"{command[-1]}/modes.svg\n{command[-1]}/modes.png\n", "")

    monkeypatch.setattr(subprocess, "run", drawn)
    assert _picture(Path("results/mine")) == str(Path("results/mine/modes.png"))
    assert commands[0][-2:] == ["--out", str(tmp_path / "results" / "mine")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["f"], "--inputs"),
        (["f", "--at", "none.npy"], "cannot be read"),
        (["f", "--at", "nothing"], "has no function 'nothing'"),
        (["prints", "--inputs", "3"], "prints 'hello'"),
        (["g", "--inputs", "3"], "has no function 'g'"),
        (["f", "--inputs", "three"], "--inputs: got 'three', expected one positive number"),
        (["f", "--inputs", "3,4"], "--inputs: got '3,4', expected one positive number"),
        (["f", "--inputs", "3", "--at", f"{__file__}:four"], "--inputs: got 3, but --at gives 4"),
    ],
)
def test_the_command_says_what_is_wrong(file, arguments, message, capsys):
    name, *options = arguments
    assert main(["recommend", f"{file}:{name}", "--engine=ad", f"--results={file.parent}", *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1


@pytest.fixture
def known_for_a_while(monkeypatch):
    """The catalogue as it is, once the test is over."""
    before = dict(catalogue.FAMILIES)
    monkeypatch.setattr(own, "_KNOWN", {})
    yield
    for name in catalogue.FAMILIES.keys() - before.keys():
        del catalogue.FAMILIES[name]
    catalogue.problem.cache_clear()


@pytest.mark.usefixtures("known_for_a_while")
def test_a_function_is_known_once_for_each_way_to_make_its_inputs(file):
    where = f"{file}:f"
    assert [own.known(where, at).name for at in (None, "make", None, "make")] == ["f", "own-f", "f", "own-f"]
    assert own.origin("own-f") == (where, "make")
    assert own.known(f"{file}:five").sizes == own.SIZES  # it has none of them, and a run says why


@pytest.mark.usefixtures("known_for_a_while")
@pytest.mark.parametrize("size", [{}, {"--size": "3"}], ids=["no size", "a size"])
def test_a_run_of_a_function_that_cannot_be_measured_ends_in_a_line(file, size):
    with pytest.raises(OptionError, match=r"^--function: prints prints 'hello', which would be timed"):
        plan(selection_from({"--function": f"{file}:prints", **size}.get))


@pytest.mark.usefixtures("known_for_a_while")
def test_a_run_of_a_function_of_one_size_says_how_to_give_it(file):
    hint = "; if it is made for another number of inputs, say so: --size=N"
    with pytest.raises(OptionError, match=rf"^--function: five raised ValueError.*{hint}$"):
        plan(selection_from({"--function": f"{file}:five"}.get))
    with pytest.raises(OptionError, match=r"at inputs of shape \(3,\)$"):
        plan(selection_from({"--function": f"{file}:five", "--size": "3"}.get))
    assert {cell.size for cell in plan(selection_from({"--function": f"{file}:five", "--size": "5"}.get))} == {5}


@pytest.mark.usefixtures("known_for_a_while")
def test_a_function_goes_through_the_whole_harness(file, tmp_path):
    given = {"--function": f"{file}:f", "--size": "4,16", "--engine": "ad", "--budget": "90", "--blocks": "2"}
    run = open_run(settings_from(given.get), tmp_path / "results")
    reporter = Reporter(io.StringIO())
    measure(run, reporter, once)
    found, _ = close_run(run, reporter)
    assert set(found.timings["graph"]) == {"f"}
    assert set(found.timings["size"]) == {"4", "16"}
    assert set(found.timings["status"]) == {"ok"}
    assert found.memory is not None  # measured in processes of their own, which read the file again
    assert set(found.memory["status"]) == {"ok"}
    assert resumed_settings(found.path, Settings()).selection.function == f"{file}:f"
