"""The page for authors of engines: its example is installed as a package, found, and judged."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from test_pytest_plugin import end, start

from benchmarks import engines
from benchmarks.runs.files import read_run

PAGE = Path(engines.__file__).with_name("README.md")


def test_the_example_is_found_and_the_wrong_engine_refused(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (written,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    project = tomllib.loads(written)["project"]
    ((group, points),) = project["entry-points"].items()
    info = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"[{group}]", *(f"{name} = {where}" for name, where in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
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
