"""float32 as an option: what computes in it, what says that it cannot, and records that say which it was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from harness import measured_in, records_of
from synthetic import family as made_up
from synthetic import run

from benchmarks import engines
from benchmarks.__main__ import main
from benchmarks.cells import Cell
from benchmarks.engines.base import TOLERANCE, Engine
from benchmarks.findings import tables
from benchmarks.findings.comparison import compare, differences, reasons_to_fail
from benchmarks.functions import catalogue
from benchmarks.measuring import memory
from benchmarks.measuring.gate import Gate
from benchmarks.measuring.guard import WrongError
from benchmarks.measuring.prepared import bind, prepare, refusal
from benchmarks.measuring.resuming import remaining, settings_of
from benchmarks.options import OptionError, Selection, Settings, arguments_of, settings_from
from benchmarks.plan import plan, shuffled
from benchmarks.runs.files import RecordError, read_table, write_environment

EPS = float(np.finfo(np.float32).eps)
BOTH = [name for name, engine in engines.engines().items() if "float32" in engine.dtypes and not engine.optional]
QUICK = ("least_squares", "logsumexp", "rosenbrock")
WIDENED = {("autograd", "logsumexp", "forward"), ("autograd", "logsumexp", "reverse")} | {
    ("torch-func", "least_squares", "forward")
}
"""Where an engine goes over to float64 on its own: HIPS/autograd where it divides by the number of largest entries
(HIPS/autograd#199), PyTorch where a forward rule multiplies by a number of Python's (pytorch/pytorch#90065)."""


def cell(graph="rosenbrock", size=16, engine="ad", mode="reverse", quantity="gradient", dtype="float32"):
    return Cell(graph, size, engine, mode, quantity, dtype=dtype)


def result(one):
    return prepare(one, bind(one, engines.engine(one.engine))).run()


ARRAYS = [one.name for one in catalogue.families(("workloads",)) if one.at(one.sizes[0]).style == "arrays"]


@pytest.mark.parametrize("name", ARRAYS)
def test_a_workload_stays_in_the_dtype_of_its_inputs(name):
    exact = catalogue.problem(name, catalogue.family(name).sizes[0])
    problem = catalogue.problem(name, exact.size, "float32")
    assert (exact.dtype, problem.dtype) == ("float64", "float32")
    assert np.asarray(problem.f(np, problem.x)).dtype == np.float32
    assert [each.dtype for each in problem.data if each.dtype.kind != "f"] == [
        each.dtype for each in exact.data if each.dtype.kind != "f"
    ]
    assert not problem.reference or problem.reference().dtype == np.float64


@pytest.mark.parametrize("name", BOTH)
def test_an_engine_computes_in_float32_or_says_that_it_does_not(name):
    engine = engines.engine(name)
    if reason := engines.absence(engine):
        pytest.skip(reason)
    asked = plan(Selection(engines=(name,), families=QUICK, dtype="float32"))
    smallest = [one for one in asked if one.size == min(catalogue.family(one.graph).growing)]
    gate, bound, widened = Gate(), {}, set()
    for one in smallest:
        assert refusal(one, engine) is None
        key = (one.graph, one.size)
        bound[key] = bound.get(key) or bind(one, engine)
        try:
            error = gate.check(one, prepare(one, bound[key]).run(), engine.tolerance_in("float32"))
        except NotImplementedError as problem:
            widened.add((name, one.graph, one.mode) if "came back in float64" in str(problem) else str(problem))
        else:
            assert error < 50 * EPS
    assert widened == {each for each in WIDENED if each[0] == name}


def test_the_gate_refuses_another_dtype_than_was_asked_for():
    right = np.asarray(result(cell()))
    assert right.dtype == np.float32
    assert 0.0 < Gate().check(cell(), right, Engine.tolerance_in("float32")) < 50 * EPS
    for other in (right.astype(np.float64), right.tolist(), [*right[:-1], float(right[-1])]):
        with pytest.raises(NotImplementedError, match=r"^came back in float.*, not in float32$"):
            Gate().check(cell(), other, Engine.tolerance_in("float32"))
    with pytest.raises(WrongError):
        Gate().check(cell(), right * np.float32(1.001), Engine.tolerance_in("float32"))
    Gate().check(
        cell(mode="primal", quantity="primal"), np.float32(result(cell(mode="primal", quantity="primal"))), EPS
    )


def test_the_tolerance_follows_from_the_digits_of_the_dtype():
    assert Engine.tolerance_in("float64") == TOLERANCE
    assert Engine.tolerance_in("float32") == pytest.approx(4096 * EPS)
    rough = engines.engine("forward-differences")
    digits = np.log(rough.tolerance) / np.log(np.finfo(np.float64).eps)
    assert np.log(rough.tolerance_in("float32")) / np.log(EPS) == pytest.approx(digits)


@pytest.mark.parametrize("name", [name for name, engine in engines.engines().items() if "float32" not in engine.dtypes])
def test_an_engine_of_float64_says_so(name):
    engine = engines.engine(name)
    if reason := engines.absence(engine):
        pytest.skip(reason)
    graph = "rosenbrock" if "arrays" in engine.styles else "chain"
    assert refusal(cell(graph, engine=name, mode=engine.modes[0]), engine) == f"{name} computes in float64 only"


def test_functions_of_scalars_are_in_float64():
    assert refusal(cell("chain"), engines.engine("ad")) == "functions of scalars are in float64 only"
    assert {one.problem.style for one in plan(Selection(dtype="float32"))} == {"arrays"}
    assert "chain" in {one.graph for one in plan(Selection(dtype="float32", engines=("ad",)))}  # it is said
    with pytest.raises(OptionError, match="no such cell in float32, which functions of arrays alone have"):
        plan(Selection(dtype="float32", families=("chain",)))


def test_a_run_in_float32_says_so_in_its_records(tmp_path):
    cells = plan(Selection(dtype="float32", families=("logsumexp",), sizes=(8,), engines=("ad", "finite-differences")))
    assert "float32" in str(cells[0])
    opened = measured_in(tmp_path, cells, Settings(blocks=2))
    records = records_of(opened, tmp_path)
    assert set(records["dtype"]) == {"float32"}
    assert set(records.loc[records["engine"] == "ad", "status"]) == {"ok"}
    said = {(row["engine"], row["mode"], row["note"]) for _, row in records[records["status"] != "ok"].iterrows()}
    assert ("finite-differences", "forward", "finite-differences computes in float64 only") in said
    assert set(records["status"]) == {"ok", "unsupported"}
    write_environment(tmp_path, {})
    found = tables.analyse(tmp_path)
    assert set(found.summary["dtype"]) == {"float32"}
    assert found.summary["speedup"].notna().any()
    assert "Computed in float32." in tables.lines(found)


def test_what_comes_back_in_another_dtype_is_not_timed(tmp_path):
    pytest.importorskip("autograd")
    cells = plan(Selection(dtype="float32", families=("logsumexp",), sizes=(8,), engines=("autograd",)))
    records = records_of(measured_in(tmp_path, cells, Settings(blocks=1)), tmp_path)
    said = {(row["mode"], row["note"]) for _, row in records[records["status"] == "unsupported"].iterrows()}
    assert ("reverse", "came back in float64, not in float32") in said


def test_what_was_measured_in_one_dtype_is_not_done_in_another(tmp_path):
    cells = plan(Selection(dtype="float32", families=("logsumexp",), sizes=(8,), engines=("ad",)))
    records = records_of(measured_in(tmp_path, cells, Settings(blocks=1)), tmp_path)
    assert remaining(shuffled(cells, 1, 1), records) == []
    exact = shuffled([dataclasses.replace(one, dtype="float64") for one in cells], 1, 1)
    assert remaining(exact, records) == exact


def test_records_from_before_there_was_a_choice_are_of_float64(tmp_path):
    cells = plan(Selection(families=("logsumexp",), sizes=(8,), engines=("ad",)))
    records = records_of(measured_in(tmp_path, cells, Settings(blocks=1)), tmp_path)
    path = tmp_path / "timings.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index("dtype")
    rows = [line.split(",", place + 1) for line in lines]  # a note may have commas, and comes later
    path.write_text("".join(",".join([*row[:place], *row[place + 1 :]]) + "\n" for row in rows), encoding="utf-8")
    assert "dtype" not in path.read_text(encoding="utf-8").splitlines()[0]
    assert read_table(path).equals(records)
    path.write_text(path.read_text(encoding="utf-8").replace(",lanes,", ",", 1), encoding="utf-8")
    with pytest.raises(RecordError, match="not a table of this project"):
        read_table(path)


def test_runs_of_two_dtypes_have_nothing_in_common():
    a, b = (run(made_up([1, 10], lambda n: 5.0 * n, lambda n: 5.0, dtype=dtype)) for dtype in ("float64", "float32"))
    table = compare(a, b)
    assert set(table["status"]) == {"only in a", "only in b"}
    assert any("nothing in common" in reason for reason in reasons_to_fail(table, 1.1))
    assert set(compare(b, b)["status"]) == {"ok"}
    before, after = {"python": "3"}, {"python": "3", "settings": {"selection": {"dtype": "float32"}}}
    assert differences(before, after) == ["dtype: float64 in a, float32 in b"]


def test_the_dtype_is_an_option_of_a_run_which_is_kept(tmp_path, capsys):
    settings = settings_from({"--dtype": "float32", "--family": "rosenbrock"}.get)
    assert settings.selection.dtype == "float32"
    given = dict(each.split("=", 1) for each in arguments_of(settings))
    assert settings_from(given.get) == settings
    assert "--dtype" not in " ".join(arguments_of(Settings()))
    write_environment(tmp_path, {"settings": dataclasses.asdict(settings)})
    assert settings_of(tmp_path) == settings
    assert main(["list", "--dtype=float16"]) == 2
    assert "--dtype: got 'float16', expected float64 or float32" in capsys.readouterr().err
    assert main(["list", "--dtype=float32", "--family=rosenbrock", "--engine=finite-differences"]) == 0
    assert "finite-differences computes in float64 only" in capsys.readouterr().out


def test_memory_is_measured_in_the_dtype_asked_for():
    assert {load.cell.dtype for load in memory.plan(Selection(families=("rosenbrock",), dtype="float32"))} == {
        "float32"
    }
    sizes = {}
    for dtype in ("float64", "float32"):
        (record,) = memory.measure([memory.Load(cell(quantity="vjp", size=2**16, dtype=dtype))], run="r", budget=60.0)
        assert (record.status, record.dtype) == ("ok", dtype)
        sizes[dtype] = record.tape_bytes
    assert sizes["float32"] == pytest.approx(sizes["float64"] / 2, rel=0.05)
