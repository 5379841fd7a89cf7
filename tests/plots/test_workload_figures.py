"""The figure of the workloads: every workload in a panel, along what tells its sizes apart; a picture of each."""

import made_up_workloads
import pytest

from benchmarks.runs.files import read_run
from plots import draw_all
from plots.lines import NothingToDrawError, summary
from plots.style import style
from plots.workloads import draw, each, growing

SIZES = {"black_scholes": [(1, 16), (4, 4), (16, 1)], "heston": [16, 64, 256], "symmetry": [2, 8]}
EIGHT = ("ad", "autograd", "casadi", "finite-differences", "jax", "torch", "torch-func", "xad")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(made_up_workloads.write(tmp_path_factory.mktemp("results") / "made-up", SIZES))


def test_every_workload_has_a_panel_along_what_grows(run):
    with style():
        figure = draw(run)
    assert [(ax.get_title(loc="left"), ax.get_xlabel()) for ax in figure.axes] == [
        ("black_scholes", "N (M 16 to 1)"),
        ("heston", "size"),
        ("symmetry", "N"),
    ]
    assert "Workloads (ad, textbook): reverse wins in" in " ".join(figure.texts[0].get_text().split())
    cells = summary(run)
    assert growing(cells[cells["graph"] == "heston"])["n"].unique().tolist() == [16, 64, 256]


def test_those_that_grow_have_a_picture_of_their_own(run, tmp_path):
    assert [name for name, _ in each(run)] == ["black_scholes", "heston"]
    written = draw_all(run.path, tmp_path, ("workloads",))
    assert {path.relative_to(tmp_path).as_posix() for path in written if path.suffix == ".png"} == {
        "workloads.png",
        "workloads/black_scholes.png",
        "workloads/heston.png",
    }


def test_a_noisy_picture_still_says_which_workload_it_shows(tmp_path):
    run = read_run(made_up_workloads.write(tmp_path / "noisy", {"heston": [16, 64, 256]}, noise=0.8))
    with style():
        ((_, figure),) = each(run)
    assert figure.texts[0].get_text().startswith("Too noisy to trust")
    assert figure.texts[1].get_text().startswith("heston. Seconds")


def test_eight_engines_are_all_named(tmp_path):
    run = read_run(made_up_workloads.write(tmp_path / "eight", {"heston": [16, 64, 256]}, EIGHT))
    with style():
        ((_, figure),) = each(run)
        texts = {text.get_text() for text in figure.axes[0].texts}
        assert len(texts) == 1 + 3 * len(EIGHT)
        assert "Thin lines: " in " ".join(draw(run).texts[1].get_text().split())


def test_a_run_without_workloads_has_nothing_to_draw(run_path):
    with pytest.raises(NothingToDrawError, match="no derivative of a workload was measured"):
        draw(read_run(run_path))
