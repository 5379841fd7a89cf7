"""The files of a run: what is written reads back to the same bits, what is broken is refused in one line."""

from __future__ import annotations

import dataclasses
import math
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.runs.columns import STATUSES, Status, TimingRecord, kinds
from benchmarks.runs.dictionary import TABLES
from benchmarks.runs.files import (
    DTYPES,
    RecordError,
    Timings,
    create_run,
    find_run,
    lock_run,
    read_environment,
    read_run,
    read_table,
    repair_timings,
    write_environment,
    write_table,
)

ROOT = Path(__file__).resolve().parents[2]
DESIGN = (
    "run, block, graph, size, n_inputs, n_outputs, n_ops, depth, engine, engine_version, mode, quantity, lanes, "
    "dtype, twin, "
    "prepare_seconds, sweeps, "
    "ops_executed, elements_executed, seconds_min, seconds_median, seconds_mean, seconds_stddev, rounds, iterations, "
    "max_error, status, "
    "note"
)


def row(**changes) -> TimingRecord:
    values = {
        "run": "r",
        "block": 1,
        "graph": "chain",
        "size": "8",
        "n_inputs": 8,
        "n_outputs": 1,
        "n_ops": 32,
        "depth": 24,
        "engine": "ad",
        "engine_version": "0",
        "mode": "reverse",
        "quantity": "gradient",
        "lanes": 1,
        "dtype": "float64",
        "sweeps": 1,
        "ops_executed": 64,
        "elements_executed": 64,
        "seconds_min": 0.1 + 0.2,
        "seconds_median": 1e-300,
        "rounds": 3,
        "iterations": 7,
        "max_error": 5e-324,
        "status": "ok",
        "note": "one",
    }
    return TimingRecord(**{**values, **changes})


def written(folder: Path, *some: TimingRecord) -> Path:
    timings = Timings(folder)
    for one in some:
        timings.append(one)
    timings.close()
    return folder / "timings.csv"


def test_the_columns_are_those_of_the_design():
    assert list(kinds(TimingRecord)) == DESIGN.split(", ")


def test_rows_read_back_to_the_same_bits(tmp_path):
    some = [row(), row(sweeps=None, rounds=None, max_error=math.nan, note=""), row(seconds_min=math.inf, n_ops=10**12)]
    table = read_table(written(tmp_path, *some))
    for one, back in zip(some, table.to_dict("records"), strict=True):
        for name, kind in kinds(TimingRecord).items():
            value = getattr(one, name)
            if value is None:
                assert pd.isna(back[name])
            elif kind == "float":
                assert float(back[name]).hex() == float(value).hex()
            else:
                assert back[name] == value


def test_dtypes_do_not_depend_on_the_values(tmp_path):
    for some in ([], [row()], [row(sweeps=None, note="", seconds_min=math.nan)]):
        folder = tmp_path / str(len(os.listdir(tmp_path)))
        folder.mkdir()
        table = read_table(written(folder, *some))
        assert [str(t) for t in table.dtypes] == [
            str(pd.Series(dtype=DTYPES[k]).dtype) for k in kinds(TimingRecord).values()
        ]


@pytest.mark.parametrize("note", ['a "quoted", note', "two\nlines", "tab\tand   spaces", "Σ × é", "-", "nan", "None"])
def test_notes_stay_on_their_line(tmp_path, note):
    path = written(tmp_path, row(note=note), row())
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3
    assert read_table(path)["note"][0] == " ".join(note.split())


@pytest.mark.parametrize("name", TABLES)
def test_every_table_survives_writing_and_reading(tmp_path, name):
    frame = pd.DataFrame(
        {
            column: pd.Series({"str": ["x, y", ""], "float": [0.1, math.nan]}.get(kind, [3, 4]), dtype=DTYPES[kind])
            for column, kind in kinds(TABLES[name]).items()
        }
    )
    if "status" in frame:
        frame["status"] = pd.Series(["ok", "wrong"], dtype=DTYPES["str"])
    write_table(tmp_path / name, frame)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), frame)
    with pytest.raises(RecordError, match="expected"):
        write_table(tmp_path / name, frame.iloc[:, :-1])


BROKEN = {
    "missing": (None, "no such file"),
    "empty": ("", "empty"),
    "blank": ("\n\n", "empty"),
    "foreign": ("a,b\n1,2\n", "not a table of this project"),
    "binary": (b"\xff\xfe\x00", "cannot be read"),
    "cut in the last line": (lambda text: text[:-9], "cut short"),
    "a value too few": (lambda text: text.replace(",one\n", "\n"), "line 2 has 27 values, expected 28"),
    "a word for a number": (lambda text: text.replace(",8,1,32", ",eight,1,32"), "line 2: n_inputs is 'eight'"),
    "an unfinished quote": (lambda text: text.replace(",one\n", ',"one\n'), "not a CSV|line 2"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_csv_is_refused_in_one_line(tmp_path, how):
    content, message = BROKEN[how]
    path = written(tmp_path, row())
    if content is None:
        path.unlink()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content(path.read_text()) if callable(content) else content)
    with pytest.raises(RecordError, match=message) as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)
    assert "timings.csv" in str(caught.value)


def test_a_missing_run_is_refused(tmp_path):
    with pytest.raises(RecordError, match="no folder"):
        read_run(tmp_path / "nothing")
    with pytest.raises(RecordError, match="there is none"):
        find_run(None, tmp_path)
    with pytest.raises(RecordError, match="neither"):
        find_run("nothing", tmp_path)


def test_the_newest_run_is_found_and_named_ones_by_name(tmp_path):
    for name in ("2026-01-02T000000Z-a", "2026-01-01T000000Z-b", "reference"):
        (tmp_path / name).mkdir()
        written(tmp_path / name)
    assert find_run(None, tmp_path).name == "2026-01-02T000000Z-a"
    assert find_run("reference", tmp_path) == tmp_path / "reference"
    assert find_run(str(tmp_path / "reference"), tmp_path) == tmp_path / "reference"


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_cut_short_is_dropped_when_the_run_is_taken_up(tmp_path, cut):
    path = written(tmp_path, row(), row(block=2))
    path.write_bytes(path.read_bytes()[:-cut])
    repair_timings(tmp_path, ("ad",))
    assert list(read_table(path)["block"]) == [1]
    written(tmp_path, row(block=2))
    assert list(read_table(path)["block"]) == [1, 2]


def test_repairing_opens_what_was_over_budget(tmp_path):
    undone = [row(block=0, status=status) for status in ("over_budget", "error", "unsupported", "wrong")]
    path = written(tmp_path, row(), *undone)
    repair_timings(tmp_path, ("ad",))
    assert list(read_table(path)["status"]) == ["ok", "wrong"]


def test_repairing_leaves_what_is_said_of_engines_that_are_not_measured_now(tmp_path):
    path = written(tmp_path, *(row(block=0, status="unsupported", engine=engine) for engine in ("ad", "xad")))
    repair_timings(tmp_path, ("ad",))
    assert list(read_table(path)["engine"]) == ["xad"]


def test_repairing_refuses_what_is_not_ours(tmp_path):
    (tmp_path / "timings.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RecordError):
        repair_timings(tmp_path, ("ad",))
    assert (tmp_path / "timings.csv").read_text() == "a,b\n1,2\n"


def _write_forever(folder: Path) -> None:
    timings = Timings(folder)
    block = 0
    while True:
        block += 1
        timings.append(row(block=block, note="n" * (block % 700)))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_9_loses_no_finished_row(tmp_path):
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        writer = multiprocessing.get_context("spawn").Process(target=_write_forever, args=(folder,))
        writer.start()
        path = folder / "timings.csv"
        deadline = time.monotonic() + 30.0
        while time.monotonic() < deadline and (not path.exists() or path.stat().st_size < 20_000 * (attempt + 1)):
            time.sleep(0.002)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        blocks = list(read_table(path)["block"])
        assert len(blocks) > 10
        assert blocks == list(range(1, len(blocks) + 1))


def test_runs_started_together_get_folders_of_their_own(tmp_path):
    folders = [create_run(tmp_path) for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(folder.is_dir() for folder in folders)


def test_a_run_is_written_by_one_process_at_a_time(tmp_path):
    release = lock_run(tmp_path)
    with pytest.raises(RecordError, match="another process"):
        lock_run(tmp_path)
    release()
    lock_run(tmp_path)()


def test_the_environment_is_replaced_as_a_whole(tmp_path):
    write_environment(tmp_path, {"a": 1})
    write_environment(tmp_path, {"b": "é"})
    assert read_environment(tmp_path) == {"b": "é"}
    assert os.listdir(tmp_path) == ["environment.json"]
    for broken, message in (("{", "not JSON"), ("[]", "expected an object")):
        (tmp_path / "environment.json").write_text(broken)
        with pytest.raises(RecordError, match=message):
            read_environment(tmp_path)


def test_every_column_has_a_sentence():
    for row_type in TABLES.values():
        for field in dataclasses.fields(row_type):
            assert field.metadata.get("doc"), field.name


def test_every_status_is_explained():
    assert set(STATUSES) == set(Status.__args__)


def test_an_unknown_status_is_named(tmp_path):
    path = written(tmp_path, row())
    path.write_text(path.read_text().replace(",ok,", ",fine,"))
    with pytest.raises(RecordError, match=r"line 2: status is 'fine', expected one of ok, wrong"):
        read_table(path)


@pytest.mark.parametrize("damaged", ["", "a,b\n", "run,graph\n1"])
def test_a_damaged_table_that_follows_from_the_timings_is_as_good_as_absent(tmp_path, damaged):
    written(tmp_path, row())
    for name in ("summary.csv", "scaling.csv", "crossover.csv"):
        (tmp_path / name).write_text(damaged)
    run = read_run(tmp_path)
    assert [run.summary, run.scaling, run.crossover] == [None] * 3
    (tmp_path / "memory.csv").write_text(damaged)
    with pytest.raises(RecordError):
        read_run(tmp_path)


def test_a_full_disk_keeps_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    write_environment(tmp_path, {"run": "before"})

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_environment(tmp_path, {"run": "after"})
    assert [path.name for path in tmp_path.iterdir()] == ["environment.json"]
    assert read_environment(tmp_path) == {"run": "before"}
