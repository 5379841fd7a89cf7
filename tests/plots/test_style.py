"""The shared look: labels that keep apart, numbers as a reader says them, the same bytes for the same figure."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plots.style import (
    FORWARD,
    REVERSE,
    Label,
    canvas,
    label_ends,
    log_axis,
    panels,
    quantity,
    save,
    spread,
    style,
    tick,
)

positions = st.lists(st.floats(-50, 150), min_size=1, max_size=12)


@given(positions, st.floats(0.1, 20))
def test_labels_keep_apart_in_order_and_inside(wanted, gap):
    placed = spread(wanted, gap, 0.0, 100.0)
    room = min(gap, 100.0 / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    for below, above in itertools.pairwise(order):
        assert placed[above] - placed[below] >= room * (1 - 1e-9) - 1e-9
    assert all(-1e-9 <= y <= 100 + 1e-9 for y in placed)


def test_labels_with_room_stay_where_they_are():
    assert spread([10.0, 90.0, 50.0], 5.0, 0.0, 100.0) == [10.0, 90.0, 50.0]
    assert spread([], 5.0, 0.0, 100.0) == []


def test_labels_that_meet_share_the_way():
    assert spread([50.0, 50.0], 10.0, 0.0, 100.0) == [45.0, 55.0]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1024, "", "1,024"),
        (0.00123, "s", "1.2\xa0ms"),
        (90.0, "s", "1.5\xa0min"),
        (2.5e6, "B", "2.5\xa0MB"),
        (312.4, "×", "312×"),
        (0.25, "", "0.25"),
    ],
)
def test_quantity(value, unit, said):
    assert quantity(value, unit) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(1e4, "", "10k"), (1e-5, "s", "10\xa0µs"), (1e3, "s", "1k\xa0s"), (1e12, "", "$10^{12}$"), (0.01, "×", "1/100")],
)
def test_tick(value, unit, said):
    assert tick(value, unit) == said


def drawn():
    with style():
        room = canvas("A finding of many words " * 6, "how to read it " * 12, 4.0)
        (ax,) = panels(room, ["one"])
        ax.plot([1, 1000], [1, 10], color=FORWARD)
        log_axis(ax, "x")
        log_axis(ax, "y", "s")
        label_ends(ax, [Label(1000, 10, "up", FORWARD), Label(1000, 9.9, "also up", REVERSE)])
    return room.figure


@pytest.mark.parametrize(("low", "high"), [(1, 3), (15, 900), (2e-3, 0.15), (1, 1e6)])
def test_a_logarithmic_axis_has_two_ticks_or_more(low, high):
    with style():
        (ax,) = panels(canvas("found", "how", 2.0), ["one"])
        ax.plot([1, 2], [low, high])
        log_axis(ax, "y", ticks=3)
        inside = [tick for tick in ax.get_yticks() if ax.get_ylim()[0] <= tick <= ax.get_ylim()[1]]
    assert len(inside) >= 2


def test_header_stays_inside_the_figure():
    figure = drawn()
    for text in figure.texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1


def test_direct_labels_do_not_overlap():
    first, second = (text.get_window_extent() for text in drawn().axes[0].texts)
    assert not first.overlaps(second)


def test_same_figure_same_bytes(tmp_path):
    for folder in ("a", "b"):
        save(drawn(), tmp_path / folder, "figure")
    for name in ("figure.svg", "figure.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
