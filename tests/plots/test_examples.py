"""The worked examples' pictures: their numbers are those of the sweeps, and their edges those of the graph."""

import pytest

import plots
from plots import digits
from plots.examples import EXAMPLES, Example, draw, sweep
from plots.style import style


def words(name):
    with style():
        figure = draw(name)
    return [text.get_text() for holder in (figure, *figure.axes) for text in holder.texts]


def test_product_shows_every_node_and_both_sweeps():
    said = words("product")
    assert "One forward sweep gives ∂e/∂b = 5; one reverse sweep gives ∂e/∂a = 2 and ∂e/∂b = 5" in " ".join(said)
    assert "2·1 + 3·1 = 5" in said  # the tangent at e, as the sum of what its operands bring
    assert "1·2 + 1·3 = 5" in said  # the adjoint at b, as the sum over its users


@pytest.mark.parametrize(
    ("name", "value", "derivative"),
    [("product", 6.0, 5.0), ("chain_rule", 21.0, -12.0), ("sum_rule", 12.0, 7.0), ("nine_paths", 90.0, 90.0)],
)
def test_both_sweeps_agree_with_the_value_by_hand(name, value, derivative):
    swept = sweep(EXAMPLES[name])
    assert swept.primals[swept.output] == value
    assert swept.tangents[swept.output] == derivative
    assert swept.adjoints[swept.seed] == derivative


def test_nine_paths_have_three_edges_a_stage_by_letter():
    swept = sweep(EXAMPLES["nine_paths"])
    assert [(e.source, e.target, e.letter, e.partial) for e in swept.edges] == [
        ("X", "Y", "α", 1.0), ("X", "Y", "β", 2.0), ("X", "Y", "γ", 3.0),
        ("Y", "Z", "δ", 4.0), ("Y", "Z", "ε", 5.0), ("Y", "Z", "ζ", 6.0),
    ]  # fmt: skip
    assert "9 paths, but 2 sums: (α + β + γ)(δ + ε + ζ) = 90" in words("nine_paths")


def test_numbers_are_read_from_the_tape():
    other = Example({"a": 3.0, "b": 4.0}, EXAMPLES["product"].f, "a", EXAMPLES["product"].finding)
    swept = sweep(other)
    assert swept.primals == {"a": 3.0, "b": 4.0, "c": 7.0, "d": 5.0, "e": 35.0}
    assert swept.adjoints == {"a": 5.0, "b": 12.0, "c": 5.0, "d": 7.0, "e": 1.0}
    assert swept.tangents == {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0, "e": 5.0}


def test_draw_examples_writes_both_formats(tmp_path):
    written = plots.draw_examples(tmp_path)
    assert {path.name for path in written} == {
        f"{name}.{kind}" for name in (*EXAMPLES, "digits") for kind in ("svg", "png")
    }
    assert all(path.stat().st_size > 1000 for path in written)


def test_unknown_example():
    with pytest.raises(ValueError, match="example: unknown 'quotient', expected one of product"):
        draw("quotient")


def test_digits_are_lost_where_the_picture_says():
    found = {one.computation.name: one for one in map(digits.report, digits.computations())}
    for one in found.values():
        assert one.made <= one.estimate == pytest.approx(sum(error for _, error in one.lines))
        assert (one.estimate < 1e-14) == one.computation.kept
    (first, worst), *_ = sorted(found["root of a quadratic"].lines, key=lambda line: -line[1])
    assert first in ("d = b * b - 4 * a * c", "s = ad.sqrt(d)")
    assert worst == pytest.approx(1.1e-4, rel=0.1)
    with style():
        said = " ".join(text.get_text() for text in digits.draw().texts)
    assert "keep 5, 10 and 2 of 16 digits" in said.replace("\n", " ")
