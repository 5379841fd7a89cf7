"""Which mode `jacobian(mode="auto")` chooses, by counts of what was executed."""

import numpy as np
import pytest

import ad
from ad.choice import Costs


def of_numbers(outputs, calls):
    def f(x):
        calls.append(len(x))
        total = x[0]
        for value in x[1:]:
            total = total + ad.sin(value)
        return [total * (j + 1.0) for j in range(outputs)]

    return f


def of_arrays(inputs, outputs, calls):
    weights = np.linspace(0.5, 1.5, inputs * outputs).reshape(outputs, inputs)

    def f(x):
        calls.append(len(x))
        return ad.tanh(weights @ x)

    return f


@pytest.mark.parametrize(
    ("inputs", "outputs", "mode"),
    [
        (1, 1, "forward"), (1, 50, "forward"), (2, 1, "reverse"), (2, 8, "reverse"), (2, 16, "forward"),
        (4, 16, "reverse"), (4, 64, "forward"), (16, 64, "reverse"), (16, 1, "reverse"),
    ],
)  # fmt: skip
def test_the_mode_chosen_for_numbers(inputs, outputs, mode):
    calls = []
    f, x = of_numbers(outputs, calls), [0.5 + 0.1 * i for i in range(inputs)]
    with ad.count() as counts:
        got = ad.jacobian(f, mode="auto")(x)
    assert (counts.forward_sweeps, counts.reverse_sweeps) == ((inputs, 0) if mode == "forward" else (0, outputs))
    assert len(calls) == {"forward": inputs, "reverse": 1}[mode] + (inputs > 1)  # one more, to see the outputs
    np.testing.assert_allclose(got, ad.jacrev(f)(x), rtol=1e-14)


@pytest.mark.parametrize(
    ("inputs", "outputs", "mode"),
    [
        (1, 1, "reverse"), (1, 2, "forward"), (4, 1, "reverse"), (4, 4, "reverse"), (4, 8, "forward"),
        (64, 16, "reverse"), (64, 64, "forward"), (300, 1, "reverse"),
    ],
)  # fmt: skip
def test_the_mode_chosen_for_arrays(inputs, outputs, mode):
    f, x = of_arrays(inputs, outputs, []), np.linspace(0.5, 1.0, inputs)
    with ad.count() as counts:
        got = ad.jacobian(f, mode="auto")(x)
    swept = (counts.lanes + counts.forward_sweeps, counts.reverse_sweeps)
    assert swept == ((inputs, 0) if mode == "forward" else (0, outputs))
    np.testing.assert_allclose(got, ad.jacrev(f)(x), rtol=1e-13)


def test_trees_count_all_their_numbers():
    def f(tree):
        return {"out": ad.sum(tree["w"]) * tree["b"]}

    tree = {"w": np.ones((3, 2)), "b": 2.0}
    with ad.count() as counts:
        got = ad.jacobian(f, mode="auto")(tree)
    assert (counts.reverse_sweeps, counts.lanes) == (1, 0)
    assert got["out"]["b"] == 6.0


def test_a_border_between_the_costs():
    costs = Costs(start=1.0, column=0.5, record=2.0, row=0.25)
    assert costs.forward(3, 3)  # 2.5 against 2.75
    assert not costs.forward(3, 2)  # 2.5 against 2.5
    assert not costs.forward(4, 3)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda v: [1.0 / v[0], *v[1:]], [0.0, 1.0, 2.0]),
        (lambda v: [v[0] ** 2.0, *v[1:]], [1e200, 1.0, 2.0]),
        (lambda v: [v[0] ** 0.5, *v[1:]], [-1.0, 1.0, 2.0]),
        (lambda x: x**-1, np.arange(1, 5)),
        (lambda x: np.log(x), np.zeros(3)),
        (lambda x: [x.primal.size * x[0], x[1], x[2]], np.ones(3)),
    ],
)
def test_outputs_are_counted_where_plain_numbers_have_no_value(f, x):
    with np.errstate(all="raise"):
        got = ad.jacobian(f, mode="auto")(x)
        (pair, aux) = ad.jacobian(lambda x: (f(x), 7), mode="auto", has_aux=True)(x)
        want = ad.jacrev(f)(x)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(pair, want)
    assert aux == 7


@pytest.mark.parametrize(("f", "x"), [(lambda x: 1.0 / x, 0.0), (lambda x: x**-1, np.arange(1, 5))])
def test_linearize_has_the_value_of_the_other_transforms(f, x):
    value, f_jvp = ad.linearize(f, x)
    same, tangent = ad.jvp(f, (x,), (x,))
    np.testing.assert_array_equal(value, same)
    np.testing.assert_array_equal(f_jvp(x), tangent)
