"""Every snippet on the pages is run, and prints what the page says it prints."""

import doctest
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import page
from benchmarks.findings import tables
from benchmarks.runs.dictionary import column_dictionary
from benchmarks.runs.files import read_run, read_table

ROOT = Path(__file__).parents[1]
PLACES = ("README.md", "ad/README.md", "CONTRIBUTING.md", "benchmarks/engines/README.md")
PAGES = [*(ROOT / place for place in PLACES), page.WORKLOADS_PAGE]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_snippets_print_what_the_page_says(page):
    snippets = re.findall(r"```pycon\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(snippets), {}, page.name, str(page), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(
        verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    )
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_readme_says_what_was_found():
    text = page.README.read_text(encoding="utf-8")
    passages = page.passages()
    assert page.filled(text, passages) == text, "write it again with `python -m benchmarks.page`"
    assert set(re.findall(r"<!-- found: (\w+) -->", text)) == set(passages)


def test_the_page_of_the_workloads_says_what_was_found():
    text = page.WORKLOADS_PAGE.read_text(encoding="utf-8")
    passages = page.workload_passages()
    assert page.filled(text, passages) == text, "write it again with `python -m benchmarks.page`"
    assert set(re.findall(r"<!-- found: (\w+) -->", text)) == set(passages)


def test_readme_has_no_number_of_its_own():
    """What is measured stands between marks; elsewhere there is only the method's 95 %."""
    text = page.MARKED.sub("", page.README.read_text(encoding="utf-8"))
    text = re.sub(r"```.*?```|<details>.*?</details>", "", text, flags=re.DOTALL)
    units = r"times|×|ns|µs|ms|s|seconds|minutes|bytes|kB|MB|GB|of \d+"
    assert not re.findall(rf"\b\d[\d.,]*\s?(?:{units})\b", text)
    assert set(re.findall(r"\b\d[\d.,]* ?%", text)) <= {"95 %"}


def test_tables_of_the_reference_run_follow_from_its_timings(tmp_path):
    for name in ("timings.csv", "environment.json"):
        shutil.copy(page.REFERENCE / name, tmp_path / name)
    tables.analyse(tmp_path)
    for name in ("summary.csv", "scaling.csv", "crossover.csv", "regret.csv", "model.csv", "engines.csv"):
        found, committed = (read_table(folder / name) for folder in (tmp_path, page.REFERENCE))
        # Linear algebra rounds differently on another processor.
        pd.testing.assert_frame_equal(found, committed, check_exact=False, rtol=1e-9, atol=0.0, obj=name)


def test_results_page_explains_every_column():
    assert (ROOT / "results" / "README.md").read_text(encoding="utf-8").endswith(column_dictionary())


def test_reference_run_was_made_by_committed_code_and_counts_sweeps():
    run = read_run(ROOT / "results" / "reference")
    assert run.environment["dirty"] is False
    gradients = run.timings[(run.timings["quantity"] == "gradient") & (run.timings["status"] == "ok")]
    expected = gradients["n_inputs"].where(gradients["mode"] == "forward", gradients["n_outputs"])
    assert len(gradients) > 0
    assert (gradients["sweeps"] == expected).all()
