"""Every snippet on the pages is run, and prints what the page says it prints."""

import doctest
import re
from pathlib import Path

import pytest

from benchmarks.experiments import million
from benchmarks.findings import tables
from benchmarks.runs.columns import MillionRecord, column_dictionary
from benchmarks.runs.files import read_run

ROOT = Path(__file__).parents[1]
PAGES = [p for p in (ROOT / "README.md", ROOT / "ad" / "README.md", ROOT / "CONTRIBUTING.md") if p.exists()]


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
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_readme_says_what_the_reference_run_found():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    *found, _ = tables.lines(read_run(ROOT / "results" / "reference"))
    for line in found:
        assert line in readme


def test_readme_says_what_the_million_found():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    for known in million.history(ROOT / "results" / "million").to_dict("records"):
        assert million.sentence(MillionRecord(**known)) in readme


def test_results_page_explains_every_column():
    assert (ROOT / "results" / "README.md").read_text(encoding="utf-8").endswith(column_dictionary())


def test_reference_run_was_made_by_committed_code_and_counts_sweeps():
    run = read_run(ROOT / "results" / "reference")
    assert run.environment["dirty"] is False
    gradients = run.timings[(run.timings["quantity"] == "gradient") & (run.timings["status"] == "ok")]
    expected = gradients["n_inputs"].where(gradients["mode"] == "forward", gradients["n_outputs"])
    assert len(gradients) > 0
    assert (gradients["sweeps"] == expected).all()
