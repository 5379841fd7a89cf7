"""Arrays: every row against the road of numbers, which other tests check; NumPy's protocols; shapes, types, errors."""

import itertools
import math
import operator

import numpy as np
import pytest

import ad
from ad.active import RULES
from ad.array_dual import ArrayDual
from ad.array_tape import ArrayVar
from ad.ops import OPS

NAMES = [name for name in OPS if name != "where"]
SHAPES = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3, 1), (1, 2)),
    ((2, 1), ()),
    ((1,), (4,)),
    ((0,), (0,)),
    ((0, 3), (3,)),
]


def sample(row, p, shape, rng):
    intervals = row.domain[p]
    lows, highs = np.array(intervals).T[:, rng.integers(len(intervals), size=shape)]
    return np.asarray(rng.uniform(lows, highs))


def numbers_of(name, shapes, weights):
    """The same weighted sum over elements, on lists of numbers."""
    function = getattr(ad, name)
    places = [np.broadcast_to(np.arange(np.prod(s, dtype=int)).reshape(s), weights.shape).ravel() for s in shapes]

    def total(*lists):
        out = 0.0
        for w, *ks in zip(weights.ravel().tolist(), *places, strict=True):
            out = out + w * function(*(xs[k] for xs, k in zip(lists, ks, strict=True)))
        return out

    return total


def close(got, expected, tolerance=1e-12):
    got, expected = np.ravel(got), np.ravel(expected)
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def cases_of_rows():
    for name in NAMES:
        if len(OPS[name].params) == 1:
            yield from ((name, (s,)) for s in ((), (3,), (2, 3), (0,)))
        else:
            yield from ((name, pair) for pair in SHAPES)


@pytest.mark.parametrize(("name", "shapes"), list(cases_of_rows()))
def test_every_row_agrees_with_the_road_of_numbers_in_both_modes_at_orders_one_and_two(name, shapes):
    rng = np.random.default_rng(7)
    row, function = OPS[name], getattr(ad, name)
    xs = [sample(row, p, s, rng) for p, s in zip(row.operands, shapes, strict=True)]
    ts = [np.asarray(rng.normal(size=s)) for s in shapes]
    weights = np.asarray(rng.normal(size=np.broadcast_shapes(*shapes)))
    on_numbers = numbers_of(name, shapes, weights)
    lists, directions = [[x.ravel().tolist() for x in values] for values in (xs, ts)]
    argnums = tuple(range(len(xs)))

    def on_arrays(*arrays):
        return np.sum(weights * function(*arrays))

    value, expected = ad.value_and_grad(on_numbers, argnums)(*lists)
    got_value, got = ad.value_and_grad(on_arrays, argnums)(*xs)
    close(got_value, value)
    for g, e, x in zip(got, expected, xs, strict=True):
        assert np.shape(g) == x.shape
        close(g, e)
    close(ad.jvp(on_arrays, xs, ts)[1], ad.jvp(on_numbers, lists, directions)[1])
    _, second = ad.jvp(ad.grad(on_numbers, argnums), lists, directions)
    for mixture in ("forward over reverse", "reverse over reverse", "reverse over forward"):
        if mixture == "forward over reverse":
            products = ad.jvp(ad.grad(on_arrays, argnums), xs, ts)[1]
        elif mixture == "reverse over reverse":
            products = ad.vjp(ad.grad(on_arrays, argnums), *xs)[1](tuple(ts))
        else:
            products = ad.grad(lambda *a: ad.jvp(on_arrays, a, ts)[1], argnums)(*xs)
        for g, e, x in zip(products, second, xs, strict=True):
            assert np.shape(g) == x.shape
            close(g, e, 1e-11)


@pytest.mark.parametrize("name", [name for name in NAMES if len(OPS[name].params) == 2])
@pytest.mark.parametrize(
    "constant", [np.array([[0.5], [0.75]]), 0.75, np.float64(0.5), np.array(0.5), np.array([1, 2, 1])]
)
def test_constants_may_stand_on_either_side(name, constant):
    x = np.array([0.3, 0.6, 0.9])
    function, tangent = getattr(ad, name), np.array([1.0, -2.0, 0.5])
    elements = np.broadcast_arrays(x, constant, tangent)
    for flip in (lambda f: f, lambda f: lambda a, b: f(b, a)):
        op = flip(function)
        slopes = np.vectorize(lambda a, c, op=op: ad.grad(lambda v: op(v, float(c)))(a), otypes=[float])(*elements[:2])
        out, pushed = ad.jvp(lambda v, op=op: op(v, constant), (x,), (tangent,))
        close(pushed, slopes * elements[2])
        gradient = ad.grad(lambda v, op=op: np.sum(op(v, constant)))(x)
        close(gradient, slopes.reshape(-1, 3).sum(axis=0))
        assert type(out) is np.ndarray


OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)


@pytest.mark.parametrize("op", OPERATORS)
def test_operators_mix_numbers_and_arrays_of_either_mode_and_level(op):
    x, a = np.array([1.5, 2.0]), 1.25
    for left, right in itertools.permutations((lambda x, a: x, lambda x, a: a)):

        def f(x, a, left=left, right=right):
            return np.sum(np.sin(op(left(x, a), right(x, a))))

        forward, backward = ad.jacfwd(f, (0, 1))(x, a), ad.jacrev(f, (0, 1))(x, a)
        for p, q in zip(forward, backward, strict=True):
            close(p, q)
        step = 1e-6
        close(forward[1], (f(x, a + step) - f(x, a - step)) / (2 * step), 1e-7)
        nested = ad.grad(lambda a, f=f: np.sum(ad.grad(f)(x, a)))(a)
        close(nested, np.sum(ad.jacfwd(ad.grad(f, 1), 0)(x, a)))
        assert isinstance(nested, float)


def test_an_op_on_a_mixture_of_levels_is_differentiated_in_each():
    x = np.array([1.0, 2.0])
    mixed = ad.grad(lambda x: np.sum(x * ad.grad(lambda y: np.sum(x * y * y))(x)))(x)
    close(mixed, 6 * x * x)  # d/dx of x * 2 x x


def test_both_operands_may_be_one_array():
    x = np.array([0.5, 2.0])
    close(ad.grad(lambda x: np.sum(x * x + x / x + x**x))(x), 2 * x + x**x * (np.log(x) + 1))
    close(ad.hessian(lambda x: np.sum(x * x))(x), 2 * np.eye(2))


def test_float32_stays_float32():
    x = np.linspace(0.1, 0.9, 5, dtype=np.float32)
    for name in NAMES:
        if name == "acosh" or len(OPS[name].params) == 2:
            continue
        function = getattr(ad, name)
        out, tangent = ad.jvp(function, (x,), (np.ones_like(x),))
        (pulled,) = ad.vjp(function, x)[1](np.ones_like(x))
        assert (out.dtype, tangent.dtype, pulled.dtype) == (np.float32,) * 3, name
    for name in ("maximum", "pow", "hypot", "logaddexp", "where"):
        function = getattr(ad, name) if name != "where" else lambda x, y: np.where(x > 0.5, x, y)
        for y in (x[::-1].copy(), 0.5):
            gradient = ad.grad(lambda x, f=function, y=y: np.sum(f(x, y) * 2 + np.pi))(x)
            assert gradient.dtype == np.float32, name


def test_value_and_derivative_of_an_output_are_arrays_of_their_own():
    x, t = np.ones(3), np.ones(3)
    out, tangent = ad.jvp(lambda x: x + 0.0, (x,), (t,))
    tangent[0] = out[0] = 5.0
    gradient = ad.grad(lambda x: np.sum(x))(x)
    gradient[0] = 7.0
    assert x.tolist() == t.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("times", [1, 5_000], ids=["small", "large"])
def test_arrays_changed_after_recording_do_not_change_the_derivative(times):
    x, c = np.tile([1.0, 2.0], times), np.tile([3.0, 4.0], times)
    _, pullback = ad.vjp(lambda x: np.sin(x) * c, x)
    x[:] = c[:] = 0.0
    close(pullback(np.ones(2 * times))[0], np.tile(np.cos([1.0, 2.0]) * [3.0, 4.0], times))


def test_inputs_may_be_strided_read_only_or_of_integers():
    grid = np.arange(12.0).reshape(3, 4)
    strided = grid.T[::2]
    close(ad.grad(lambda x: np.sum(x**3))(strided), 3 * strided**2)
    strided.flags.writeable = False
    close(ad.grad(lambda x: np.sum(x**3))(strided), 3 * strided**2)
    assert ad.grad(lambda x: np.sum(x * x))(np.array([1, 2])).tolist() == [2.0, 4.0]


def test_trees_of_arrays_give_jacobians_in_shape_out_then_in():
    tree = {"w": np.ones((2, 3)), "b": [1.0, np.zeros(2)]}

    def f(tree):
        return (tree["w"] @ np.array([1.0, 2.0, 3.0]) * tree["b"][0] + tree["b"][1], tree["b"][0])

    for jacobian in (ad.jacfwd(f)(tree), ad.jacrev(f)(tree)):
        assert jacobian[0]["w"].shape == (2, 2, 3)
        assert jacobian[0]["b"][0].shape == (2,)
        assert jacobian[0]["b"][1].tolist() == [[1.0, 0.0], [0.0, 1.0]]
        assert jacobian[1]["b"][0] == 1.0
        assert jacobian[1]["w"].shape == (2, 3)


def test_counts_are_of_nodes_and_of_the_numbers_they_computed():
    x = np.ones(10)
    with ad.count() as counts:
        ad.jvp(lambda x: np.sum(np.sin(x) * x), (x,), (x,))
    assert (counts.forward_sweeps, counts.ops, counts.elements) == (1, 3, 21)
    with ad.count() as counts:
        ad.grad(lambda x: np.sum(np.sin(x) * x))(x)
    assert (counts.reverse_sweeps, counts.ops, counts.elements) == (1, 6, 42)


def assign(x):
    out = np.zeros(2)
    out[0] = x[0]
    return out


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (assign, np.ones(2), "np.stack"),
        (lambda x: float(x[0]), np.ones(2), "float"),
        (lambda x: np.array([x[0], x[1]]), np.ones(2), "stack"),
        (lambda x: np.asarray(x), np.ones(2), "stack"),
        (lambda x: x.item(), np.array(1.0), "primal"),
        (lambda x: np.linalg.qr(x), np.ones((2, 2)), "np.linalg.qr"),
        (lambda x: np.spacing(x), np.ones(2), "np.spacing"),
        (lambda x: np.multiply.outer(x, x), np.ones(2), "outer"),
        (lambda x: np.sin(x, out=np.zeros(2)), np.ones(2), "out="),
        (lambda x: operator.iadd(np.zeros(2), x), np.ones(2), "write y = y + x"),
        (lambda x: np.sum(x, dtype=np.float32), np.ones(2), "dtype"),
        (lambda x: x * np.array(["a", "b"]), np.ones(2), "mul"),
        (lambda x: x * np.array([1j, 2.0]), np.ones(2), "complex"),
        (lambda x: x * np.array([1, None]), np.ones(2), "object"),
        (lambda x: x, np.array([True, False]), "bool"),
        (lambda x: x, np.array([1j]), "complex"),
        (lambda x: x, np.array([None]), "object"),
        (lambda x: x, np.ma.array([1.0]), "MaskedArray"),
    ],
)
@pytest.mark.parametrize("transform", [lambda f, x: ad.jvp(f, (x,), (x,)), lambda f, x: ad.vjp(f, x)])
def test_what_would_lose_a_derivative_raises_an_error_that_says_so(f, x, message, transform):
    with pytest.raises((TypeError, ValueError)) as caught:
        transform(f, x)
    assert message in f"{caught.value} {caught.value.__cause__}"  # NumPy's own error tells of ours as its cause


def test_wrong_shapes_raise():
    x = np.ones(3)
    with pytest.raises(
        ValueError, match=r"tangents: got tuple\(NumPy array of shape \(2,\)\), expected the shape of primals"
    ):
        ad.jvp(lambda x: x, (x,), (np.ones(2),))
    with pytest.raises(TypeError, match=r"its output is a NumPy array of shape \(3,\), expected a single number"):
        ad.grad(lambda x: x)(x)
    with pytest.raises(ValueError, match="broadcast"):
        ad.grad(lambda x: np.sum(x * np.ones(2)))(x)


def test_methods_are_read_as_they_are_generated():
    assert all(hasattr(cls, name) for cls in (ArrayDual, ArrayVar) for name in RULES)


def test_lanes_are_counted_apart_from_sweeps_and_give_the_same():
    x = np.linspace(0.1, 1.0, 12).reshape(3, 4)

    def f(x):
        return np.sin(x) @ x.T

    with ad.count() as counts:
        at_once = ad.jacfwd(f)(x)
    assert (counts.forward_sweeps, counts.lane_passes, counts.lanes) == (0, 1, 12)
    with ad.count() as counts:
        in_turn = ad.jacfwd(f, lanes=1)(x)
    assert (counts.forward_sweeps, counts.lane_passes, counts.lanes) == (12, 0, 0)
    with ad.count() as counts:
        in_parts = ad.jacfwd(f, lanes=5)(x)
    assert (counts.forward_sweeps, counts.lane_passes, counts.lanes) == (0, 3, 12)
    assert at_once.shape == (3, 3, 3, 4)
    close(at_once, in_turn)
    close(in_parts, in_turn)


def test_auxiliary_output_is_handed_on_as_plain_values():
    def f(x):
        return np.sum(x * x), {"twice": 2 * x, "name": "f"}

    x = np.array([1.0, 2.0])
    for aux in (
        ad.value_and_grad(f, has_aux=True)(x)[0][1],
        ad.grad(f, has_aux=True)(x)[1],
        ad.jacfwd(f, has_aux=True)(x)[1],
        ad.jacrev(f, has_aux=True)(x)[1],
        ad.jvp(f, (x,), (x,), has_aux=True)[2],
        ad.vjp(f, x, has_aux=True)[2],
    ):
        assert type(aux["twice"]) is np.ndarray
        assert aux["twice"].tolist() == [2.0, 4.0]
        assert aux["name"] == "f"
    with pytest.raises(TypeError, match=r"expected a pair \(output, aux\)"):
        ad.grad(lambda x: np.sum(x), has_aux=True)(x)


def test_linearize_is_the_derivative_as_a_function():
    x = np.array([1.0, 2.0])
    out, f_jvp = ad.linearize(lambda x: x**3, x)
    x[:] = 0.0
    assert out.tolist() == [1.0, 8.0]
    assert f_jvp(np.array([1.0, 0.5])).tolist() == [3.0, 6.0]


def test_a_large_array_is_borrowed_and_cannot_be_changed_while_it_is():
    x, c = np.ones(10_000), np.ones(10_000)

    def f(x):
        y = x * c
        c[0] = 2.0
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only"):
        ad.grad(f)(x)
    c[0] = x[0] = 3.0  # both have been given back
    assert ad.grad(lambda x: np.sum(x * c * c))(x)[0] == 9.0  # borrowed twice
    assert ad.grad(lambda x: np.sum(x[1:] * c[1:]))(x)[1] == 1.0
    assert c.flags.writeable
    assert x.flags.writeable


@pytest.mark.parametrize("written", ["owner", "view"])
def test_what_a_large_view_shows_cannot_be_changed_while_it_is_borrowed(written):
    c = np.ones((1, 10_000))
    view = np.broadcast_to(c[0], c.shape) if written == "owner" else c[:]  # the first cannot be written to itself
    writeable = view.flags.writeable

    def f(x):
        y = x * view
        (c if written == "owner" else view)[0, 0] = 2.0
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only"):
        ad.grad(f)(np.ones(c.shape))
    assert c.flags.writeable
    assert view.flags.writeable is writeable


def test_what_two_recordings_need_is_borrowed_by_one_of_them():
    c, ones = np.ones(10_000), np.ones(10_000)
    view, pullbacks = c[:], []

    def f(x, written=None):
        products = []

        def inner(y):
            out = np.sum(y * view)
            products.append(x * c)  # needed by the outer recording, too, which goes on
            return out

        ad.grad(inner)(ones)
        pullbacks.append(ad.vjp(lambda y: y * c, ones)[1])
        if written is not None:
            written[0] = 100.0
        return np.sum(products[0])

    for written in (c, view):
        assert ad.grad(lambda x, written=written: f(x, written))(ones)[0] == 1.0
        assert c[0] == 100.0
        c[0] = 1.0
    assert c.flags.writeable
    assert view.flags.writeable
    assert ad.grad(f)(ones)[0] == 1.0
    c[:] = 5.0
    assert pullbacks[-1](ones)[0][0] == 1.0  # it has outlived what had borrowed before it


X = np.array([1.2, -0.3, 0.7])
SLOPE = 1 - np.tanh(X) ** 2
FINE = np.array([2.1, 0.3, 0.7], np.float32)
OTHER_TYPES = {  # the op behind the sum has a partial of another type of numbers than the gradient
    "int": (lambda x: np.sum(np.arange(3) * np.tanh(x)), np.arange(3) * SLOPE),
    "bool": (lambda x: np.sum((x > 0.5) * np.tanh(x)), (X > 0.5) * SLOPE),
    "int number": (lambda x: np.int64(3) * np.sum(np.tanh(x)), 3 * SLOPE),
    "a comparison": (lambda x: ad.sum(ad.relu(ad.tanh(x))), (X > 0) * SLOPE),
    "two comparisons": (lambda x: ad.sum(ad.relu(x)) + ad.sum(ad.relu(x)), 2.0 * (X > 0)),
    "a comparison, then a product": (lambda x: ad.sum(ad.relu(x * 3.0)), 3.0 * (X > 0)),
    "a comparison, negated": (lambda x: ad.sum(ad.relu(-x)), -1.0 * (X < 0)),
    "one and one": (lambda x: np.sum(x[1:] * 0.5) + np.sum(x + x), 2 + 0.5 * np.array([0, 1, 1])),
    "one and one, repeated": (lambda x: np.sum((np.tanh(x)[[0, 0, 2]] * 1 + 0).T) * 0.5, SLOPE * [1, 0, 0.5]),
    "int map": (lambda x: np.sum(np.outer(np.tanh(x), np.array([1, 2, 3]))), 6 * SLOPE),
    "loss": (lambda x: np.sum(np.array([0, 1, 1]) * np.logaddexp(0.0, -x)), -np.array([0, 1, 1]) / (1 + np.exp(X))),
    "float32": (lambda x: np.sum(FINE * np.tanh(x)), FINE * SLOPE),
    "float32 number": (lambda x: -np.sum(FINE[0] * np.tanh(x)), -float(FINE[0]) * SLOPE),
    "float32 below": (lambda x: -np.sum(x / FINE), -1 / FINE.astype(float)),
    "float32 number below": (lambda x: np.sum(x / FINE[0]), np.full(3, 1 / float(FINE[0]))),
    "float32 exponent": (lambda x: np.sum((x * x) ** FINE), 2 * X * FINE * (X * X) ** (FINE.astype(float) - 1)),
    "int exponent": (lambda x: np.sum(x ** np.array([1, 2, 3])), np.array([1, 2, 3]) * X ** np.array([0, 1, 2])),
    "erf of a number": (lambda x: ad.erf(np.sum(x)), np.full(3, 2 / math.sqrt(math.pi) * math.exp(-(np.sum(X) ** 2)))),
}


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_a_gradient_has_the_type_of_its_input_whatever_constants_are_made_of(name):
    f, expected = OTHER_TYPES[name]
    found = [ad.grad(f)(X), ad.jacrev(f)(X), ad.jacfwd(f)(X), ad.jacfwd(f, lanes=1)(X), ad.vjp(f, X)[1](np.ones(()))[0]]
    for gradient in found:
        assert gradient.dtype == np.float64
        np.testing.assert_allclose(gradient, expected, rtol=1e-14, atol=1e-15)
    coarse = X.astype(np.float32)
    assert ad.grad(f)(coarse).dtype == np.float32
    for gradient in (ad.grad(f)(coarse), ad.jacfwd(f)(coarse)):
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


def test_what_a_function_has_from_elsewhere_stays_its_own():
    base = np.ones(5000)
    view = base[:]
    base.flags.writeable = False  # the view can be written to all the same

    def f(x):
        y = x * view
        view[0] = 100.0
        return np.sum(y)

    assert ad.grad(f)(np.ones(5000))[0] == 1.0
    memory = bytearray(np.ones(5000))  # or an array of another library, which can be written to by that
    borrowed = np.frombuffer(memory)

    def g(x):
        y = x * borrowed
        memory[:8] = bytes(8)
        return np.sum(y)

    assert ad.grad(g)(np.ones(5000))[0] == 1.0
    constant = np.ones(3)
    value, _ = ad.jvp(lambda x: constant, (1.0,), (1.0,))
    value[0] = 77.0
    assert constant[0] == 1.0


def test_a_pullback_that_was_interrupted_answers_rightly_ever_after():
    broken = [False]

    def stop(operands, cotangent, out):
        if broken[0]:
            raise KeyboardInterrupt
        return [2 * operands[0] * cotangent]

    squared = ad.custom("squared", lambda x: x * x, vjp=stop)
    try:
        _, pullback = ad.vjp(lambda x: squared(np.exp(x)) + np.exp(x), np.array([1.0, 2.0]))
        right = pullback(np.ones(2))[0].tolist()
        broken[0] = True
        with pytest.raises(KeyboardInterrupt):
            pullback(np.ones(2))
        broken[0] = False
        assert pullback(np.ones(2))[0].tolist() == right
    finally:
        squared.forget()


def test_an_active_number_beside_an_array_is_compared_element_by_element():
    a = np.array([0.5, 0.0, -1.0])
    assert ad.grad(lambda x: np.sum(np.where(x > a, x, a)))(0.25) == 2.0
    assert ad.grad(lambda x: np.sum(np.where(x == a, 1.0, x) * (x != a) * (x <= 1.0)))(0.25) == 3.0
    for outer, inner in itertools.product((ad.grad, ad.jacfwd), repeat=2):
        assert outer(inner(lambda x: ad.sum(ad.maximum(x, a) * x)))(0.25) == 4.0  # x*x twice
        assert outer(inner(lambda x: np.sum(np.clip(a, x, 1.0) * x)))(0.25) == 4.0
        second = outer(inner(lambda x: ad.sum(ad.logaddexp(x, a))))(0.25)
        s = 1 / (1 + np.exp(a - 0.25))
        assert second == pytest.approx(np.sum(s * (1 - s)), rel=1e-14)


def test_a_sweep_to_look_at_leaves_the_adjoints_of_arrays():
    tape = ad.Tape()
    x = tape.input(np.array([1.0, 2.0]))
    y = x * x
    tape.sweep(np.sum(y * 3.0))
    assert y.adjoint.tolist() == [3.0, 3.0]
    assert x.adjoint.tolist() == [6.0, 12.0]
    tape.sweep(np.sum(y), 1e308)  # twice 2e308 is beyond floats, and no warning
    assert x.adjoint.tolist() == [math.inf, math.inf]
    tape.sweep(np.sum(y))
    assert x.adjoint.tolist() == [2.0, 4.0]


def test_adjoints_that_are_to_be_looked_at_are_not_computed_in():
    tape = ad.Tape()
    x = tape.input(np.array([1.0, 2.0]))
    y = np.exp(x)
    tape.sweep(np.sum(np.sin(y)))
    close(y.adjoint, np.cos(np.exp([1.0, 2.0])))
    close(x.adjoint, np.cos(np.exp([1.0, 2.0])) * np.exp([1.0, 2.0]))


def test_a_map_is_applied_to_whole_tangents():
    grid, x = np.ones((2, 3)), np.array([1.0, 2.0, 3.0])
    close(ad.jacfwd(lambda x: np.sum(x + grid, axis=0), lanes=1)(x), 2 * np.eye(3))
    close(ad.jvp(lambda x: (x + grid).T[:, 1] ** 2, (x,), (np.ones(3),))[1], 2 * (x + 1))


def test_each_sweep_to_look_at_starts_anew_also_where_paths_are_followed():
    def f(v):
        tape = ad.Tape()
        x = tape.input(v)
        y = x * x * x
        for _ in range(2):
            tape.sweep(np.sum(y))
        return np.sum(x.adjoint) + np.sum(np.sqrt(v))  # 3 x**2, and an infinite derivative at 0

    x = np.array([1.0, 0.0])
    assert ad.jvp(f, (x,), (np.ones(2),)) == (4.0, math.inf)
    assert ad.grad(f)(x).tolist() == [6.5, math.inf]


def test_what_works_on_numbers_alone_says_so_and_a_tape_knows_its_bytes():
    tape = ad.Tape()
    x = tape.input(np.ones(1000))
    y = np.sum(np.sin(x) * x)
    assert 16_000 < tape.nbytes < 18_000  # the input, and the sine: each once
    other = ad.Tape()
    _ = (other.input(np.ones(1000)) * 2.0) @ np.ones(1000)
    assert 8_000 < other.nbytes < 10_000  # of the product's operands the constant alone
    with pytest.raises(TypeError, match="tape: got one with arrays"):
        ad.count_paths(tape, x, y)
    with pytest.raises(TypeError, match="f: computes with arrays"):
        ad.compile(lambda x: np.sum(np.stack(x)), [1.0, 2.0])


def test_checks_take_arrays():
    def f(x, y):
        return {"a": np.sum(np.sin(x) * y * x, axis=0), "b": y}

    ad.check_derivatives(f, (np.linspace(0.1, 1.0, 6).reshape(2, 3), 0.5), order=2)
    with pytest.raises(ad.DerivativeError):
        ad.check_jvp(lambda x: np.sign(x) * x.primal if hasattr(x, "primal") else np.abs(x), (np.ones(2),))


def test_indices_found_in_values_are_constants():
    x = np.array([1.0, 3.0, 2.0])
    for f in (lambda x: x[x.argmax()], lambda x: x[np.argsort(x)][-1], lambda x: np.sum(x[np.where(x > 2.5)])):
        assert ad.grad(f)(x).tolist() == [0.0, 1.0, 0.0]
        assert ad.jacfwd(f)(x).tolist() == [0.0, 1.0, 0.0]


def test_in_place_on_an_active_array_makes_a_new_one():
    def f(x):
        y = x
        y *= 2.0
        return np.sum(x * y)

    assert ad.grad(f)(np.array([1.0, 3.0])).tolist() == [4.0, 12.0]
