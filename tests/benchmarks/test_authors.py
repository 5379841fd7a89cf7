"""The page for authors of engines: its example is installed as a package, found, and judged."""

from __future__ import annotations

import re
from pathlib import Path

from test_pytest_plugin import end, start

from benchmarks import engines
from benchmarks.runs.files import read_run

PAGE = Path(engines.__file__).with_name("README.md")


def test_the_example_is_found_and_the_wrong_engine_refused(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (points,) = re.findall(r'```toml\n\[project\.entry-points\."(.*?)"\]\n(.*?)```', text, flags=re.DOTALL)
    info = tmp_path / "patient-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: patient\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text(f"[{points[0]}]\n{points[1].replace(chr(34), '')}")
    (tmp_path / "patient.py").write_text(code)
    what = ("--engine=ad,patient,zeros", "--family=chain,broadcast", "--size=4", "--blocks=1", "--budget=60")
    status, output = end(
        start("--benchmark", *what, "--no-plots", f"--results={tmp_path / 'r'}", PYTHONPATH=str(tmp_path))
    )
    assert status == 1, output
    (folder,) = (tmp_path / "r").iterdir()
    timings = read_run(folder).timings
    derivatives = timings[timings["mode"] != "primal"]
    of = {name: set(rows["status"]) for name, rows in derivatives.groupby("engine")}
    assert of == {"ad": {"ok"}, "patient": {"ok"}, "zeros": {"wrong"}}
    assert set(timings.loc[timings["engine"] != "ad", "engine_version"]) == {"2.5"}
    told = derivatives.loc[derivatives["engine"] == "patient", "note"]
    assert told.str.contains("the function computed twice").all()
    assert derivatives.loc[derivatives["engine"] == "zeros", "seconds_median"].isna().all()
