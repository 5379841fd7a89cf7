"""`ad.custom`: ops of the user's own in both modes, on numbers and arrays and compiled, and what is refused."""

import math

import mpmath
import numpy as np
import pytest
from scipy import special

import ad
from ad import own_rows
from ad.active import Active
from ad.ops import CUSTOM, RowError

POSITIVE = ((0.5, 4.0),)


@pytest.fixture
def declare():
    """`ad.custom`, with everything taken back at the end, the last first."""
    declared = []

    def custom(*args, **kwargs):
        op = ad.custom(*args, **kwargs)
        declared.append(op)
        return op

    yield custom
    for op in reversed(declared):
        op.forget()


@pytest.fixture
def xlog1p(declare):
    return declare("xlog1p", "x * log1p(x)", "log1p(x) + x / (1 + x)", x=((-0.9, 3.0),))


def test_a_row_has_both_modes_at_every_order(xlog1p):
    for x in (-0.5, 0.0, 2.0):
        with mpmath.workdps(30):
            value, *expected = [float(mpmath.diff(lambda t: t * mpmath.log1p(t), x, n)) for n in range(4)]
        assert xlog1p(x) == pytest.approx(value, abs=1e-15)
        for outer in (ad.grad, ad.jacfwd):
            assert outer(xlog1p)(x) == pytest.approx(expected[0])
            for inner in (ad.grad, ad.jacfwd):
                assert outer(inner(xlog1p))(x) == pytest.approx(expected[1])
                assert ad.grad(outer(inner(xlog1p)))(x) == pytest.approx(expected[2])
    ad.check_derivatives(lambda x: xlog1p(x) * ad.sin(x), (0.7,), order=2)


def test_a_row_of_two_operands(declare):
    op = declare("scaled", "x * exp(y)", "exp(y)", "out")
    assert ad.grad(op, (0, 1))(2.0, 0.5) == pytest.approx((math.exp(0.5), 2 * math.exp(0.5)))
    assert ad.grad(lambda x: op(x, 0.5))(2.0) == ad.grad(lambda x: x * math.exp(0.5))(2.0)
    assert ad.grad(lambda y: op(2, y))(0.5) == pytest.approx(2 * math.exp(0.5))
    assert ad.grad(lambda x: op(x, x))(0.5) == pytest.approx(1.5 * math.exp(0.5))
    np.testing.assert_allclose(
        ad.hessian(lambda v: op(v[0], v[1]))([2.0, 0.5]), math.exp(0.5) * np.array([[0, 1], [1, 2]])
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_row_on_arrays(declare, dtype):
    op = declare("scaled", "x * exp(y)", "exp(y)", "out")
    x, y = np.arange(6, dtype=dtype).reshape(2, 3), np.array([0.5, -0.5, 0.0], dtype)

    def plain(x, y):
        return x * np.exp(y)

    for f in (lambda *a: np.sum(op(*a) ** 2), lambda *a: np.sum(op(a[0], y)), lambda *a: np.sum(op(a[1], a[1]))):
        got = ad.grad(f, (0, 1))(x, y)
        assert all(g.dtype == dtype and g.shape == v.shape for g, v in zip(got, (x, y), strict=True))
    expected = ad.grad(lambda *a: np.sum(plain(*a) ** 2), (0, 1))(x, y)
    got = ad.grad(lambda *a: np.sum(op(*a) ** 2), (0, 1))(x, y)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-5)
    for lanes in (None, 1):
        forward = ad.jacfwd(op, (0, 1), lanes=lanes)(x, y)
        for g, e in zip(forward, ad.jacrev(plain, (0, 1))(x, y), strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-5)
    assert op(x, y).dtype == dtype


def test_infinite_partials_follow_the_rule_of_all_rows(declare):
    op = declare("root", "sqrt(x)", "0.5 / out", x=((0.1, 4.0),))
    assert ad.jacfwd(lambda v: op(v[0]) + v[1])([0.0, 1.0]) == [math.inf, 1.0]
    assert ad.grad(lambda v: op(v[0]) + v[1])([0.0, 1.0]) == [math.inf, 1.0]
    assert math.isnan(ad.grad(lambda x: op(x * 0.0) ** 2)(1.0))
    assert math.isnan(op(-1.0))
    assert math.isnan(ad.grad(op)(-1.0))
    np.testing.assert_array_equal(op(np.array([-1.0, 4.0])), [math.nan, 2.0])


def test_a_function_with_partials_at_higher_order(declare):
    declare("trigamma", lambda x: special.polygamma(1, x), lambda x, out: special.polygamma(2, x), x=POSITIVE)
    digamma = declare("digamma", special.digamma, "trigamma(x)", x=POSITIVE)
    lgamma = declare("lgamma", math.lgamma, lambda x, out: digamma(x), x=POSITIVE)
    with mpmath.workdps(30):
        expected = [float(mpmath.polygamma(n, 2.5)) for n in range(3)]
    assert ad.grad(lgamma)(2.5) == pytest.approx(expected[0])
    assert ad.jacfwd(ad.grad(lgamma))(2.5) == pytest.approx(expected[1])
    assert ad.grad(ad.jacfwd(ad.grad(lgamma)))(2.5) == pytest.approx(expected[2])
    x = np.array([[0.7, 2.5]])
    np.testing.assert_allclose(lgamma(x), special.gammaln(x))  # math.lgamma takes no arrays
    np.testing.assert_allclose(ad.grad(lambda x: np.sum(lgamma(x)))(x), special.digamma(x))
    np.testing.assert_allclose(
        ad.hessian(lambda x: np.sum(lgamma(x)))(x[0]), np.diag(special.polygamma(1, x[0])), atol=1e-15
    )
    with pytest.raises(ValueError, match=r"math domain error|expected a noninteger"):
        ad.grad(lgamma)(-1.0)


def test_a_function_of_numbers_gives_floats_and_goes_element_by_element_over_arrays(declare):
    digamma = declare("digamma", special.digamma, lambda x, out: special.polygamma(1, x), x=POSITIVE)
    assert type(digamma(2.5)) is float
    lgamma = declare("lgamma", math.lgamma, lambda x, out: digamma(x), x=POSITIVE)
    np.testing.assert_allclose(lgamma(np.array([2, 3])), [0.0, math.log(2.0)], atol=1e-15)
    assert lgamma(np.array([2.0], np.float32)).dtype == np.float32
    total = declare("total", lambda x: np.sum(x * x), lambda x, out: 2 * x)  # of an array it is one number
    np.testing.assert_array_equal(total(np.array([1.0, 2.0])), [1.0, 4.0])


def test_a_row_is_compiled_and_nothing_else_is_compiled_again(xlog1p, declare):
    pytest.importorskip("numba")
    from ad.compiled import compiler

    twice = declare("twice_xlog1p", "2 * xlog1p(x)", "2 * log1p(x) + 2 * x / (1 + x)", x=((-0.9, 3.0),))

    def f(v):
        return twice(v[0]) * v[1] + ad.sin(v[1])

    program, x = ad.compile(f, [0.5, 2.0]), [0.3, 1.5]
    assert program(x) == pytest.approx(f(x), rel=1e-15)
    expected = ad.grad(f)(x)
    np.testing.assert_allclose(program.gradient(x), expected, rtol=1e-14)
    np.testing.assert_allclose(program.gradient(x, "forward"), expected, rtol=1e-14)
    np.testing.assert_allclose(program.gradient(x, "forward", lanes=1), expected, rtol=1e-14)
    assert program.jvp([-1.0, 1.0], [1.0, 0.0])[1] == ad.jvp(f, ([-1.0, 1.0],), ([1.0, 0.0],))[1] == -math.inf
    program.check([0.1, 0.2])
    before = set(compiler._ready)
    plain = ad.compile(lambda v: ad.sin(v[0]), [0.5])
    assert set(compiler._ready) - before <= {(16, ())}
    assert plain._frozen.custom == ()
    assert [row.name for row in program._frozen.custom] == ["twice_xlog1p", "xlog1p"]
    opaque = declare("opaque", lambda x: x * x, lambda x, out: 2 * x)
    with pytest.raises(
        TypeError, match="f: uses opaque, which was declared by a function, expected ops with rows of text"
    ):
        ad.compile(lambda v: opaque(v[0]), [1.0])


def test_ops_are_counted_checked_and_listed_like_others(xlog1p):
    with ad.count() as counts:
        ad.grad(lambda x: xlog1p(xlog1p(x)))(0.5)
        ad.jvp(lambda x: xlog1p(x), (0.5,), (1.0,))
    assert counts.ops == 2 + 2 + 1
    assert ad.derivative_table().splitlines()[-1].split("  ")[0] == "xlog1p"
    assert ad.rounding_error(xlog1p)(0.5).losses[0].op == "xlog1p"
    assert "xlog1p" not in ad.OPS


def test_matrix_functions_by_either_rule(declare):
    def jvp(xs, ts, out):
        return -out @ ts[0] @ out

    def vjp(xs, bar, out):
        return [-out.T @ bar @ out.T]

    a = np.array([[2.0, 1.0], [0.5, 3.0]])
    for k, rules in enumerate(({"jvp": jvp}, {"vjp": vjp}, {"jvp": jvp, "vjp": vjp})):
        inverse = declare(f"inverse{k}", np.linalg.inv, **rules)

        def f(a, inverse=inverse):
            return np.sum(inverse(a) ** 2 * np.array([[1.0, 2.0], [3.0, 4.0]]))

        def g(a):
            return np.sum(np.linalg.inv(a) ** 2 * np.array([[1.0, 2.0], [3.0, 4.0]]))

        for derivative in (ad.grad, ad.jacfwd, ad.hessian):
            np.testing.assert_allclose(derivative(f)(a), derivative(g)(a), rtol=1e-12)
        ad.check_derivatives(f, (a,), order=2)
        ad.check_adjoint(lambda a, inverse=inverse: inverse(a), (a,))


def test_operands_that_are_passive_or_have_no_influence(declare):
    a, b = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 0.5])
    pushed = declare("pushed", np.matmul, jvp=lambda xs, ts, out: ts[0] @ xs[1] + xs[0] @ ts[1])
    pulled = declare("pulled", np.matmul, vjp=lambda xs, bar, out: [np.outer(bar, xs[1]), xs[0].T @ bar])
    first = declare("first", lambda x, y: 2.0 * x, vjp=lambda xs, bar, out: [2.0 * bar, np.zeros(2)])
    for jacobian in (ad.jacfwd, ad.jacrev):
        for op in (pushed, pulled):
            np.testing.assert_array_equal(jacobian(lambda y, op=op: op(a, y))(b), a)
            np.testing.assert_array_equal(jacobian(lambda x, op=op: op(x, b))(a), np.multiply.outer(np.eye(2), b))
        of_x, of_y = jacobian(first, (0, 1))(b, np.ones(2))
        np.testing.assert_array_equal(of_x, 2.0 * np.eye(3))
        np.testing.assert_array_equal(of_y, np.zeros((3, 2)))
    np.testing.assert_array_equal(first([1.0, 2.0], [0.0, 0.0]), [2.0, 4.0])


def test_a_linear_function_by_its_transpose(declare):
    def differences(x, axis):
        return np.diff(x, axis=axis)

    def transpose(bar, shape, axis):
        pad = [(1, 1) if k == axis else (0, 0) for k in range(len(shape))]
        padded = np.zeros([n + sum(p) for n, p in zip(bar.shape, pad, strict=True)])
        inner = tuple(slice(p[0], n + p[0]) for n, p in zip(bar.shape, pad, strict=True))
        padded[inner] = bar
        return -np.diff(padded, axis=axis)

    diff = declare("steps", differences, transpose=transpose)
    x = np.arange(12.0).reshape(3, 4) ** 2
    for axis in (0, 1):

        def along(x, axis=axis):
            return diff(x, axis=axis)

        np.testing.assert_allclose(ad.jacrev(along)(x), ad.jacfwd(along)(x))
        ad.check_derivatives(lambda x, along=along: np.sum(np.sin(along(x))), (x / 100,))
    tape = ad.Tape()
    diff(tape.input(x), axis=0)
    assert tape.nodes[-1].primals == [None]  # a linear function needs nothing of its operand


def test_wrong_partials_are_found_when_they_are_declared():
    for value, partials, said in (
        ("x * x", ("x",), r"op 'wrong': the partial in x, 'x', is .* at x = .*, but the value's slope there is"),
        ("x * y", ("y", "y"), "the partial in y, 'y'"),
        (math.sin, (lambda x, out: -math.cos(x),), "the partial in x"),
        (math.sin, (lambda x, out: math.nan,), "is nan at x"),
        ("sqrt(x - 100)", ("0.5 / out",), "smooth at no point that was tried; give intervals"),
    ):
        with pytest.raises(ad.DerivativeError, match=said):
            ad.custom("wrong", value, *partials)
        assert "wrong" not in CUSTOM
    ad.custom("right", "x * x", "2 * x").forget()


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "said"),
    [
        (("sin", "x * x", "2 * x"), {}, RowError, "op 'sin': the name is taken"),
        (("shape", "x * x", "2 * x"), {}, RowError, "op 'shape': the name is taken"),
        (("matmul", "x * x", "2 * x"), {}, RowError, "op 'matmul': the name is taken"),
        (("out", "x * x", "2 * x"), {}, RowError, "op 'out': the name is taken"),
        (("a b", "x * x", "2 * x"), {}, RowError, "op 'a b': not a name"),
        ((3, "x * x", "2 * x"), {}, RowError, "op 3: not a name"),
        (("q", "x * z", "1"), {}, RowError, "op 'q': 'x.*z' uses 'z', which is not in scope"),
        (("q", "foo(x)", "1"), {}, RowError, "op 'q': 'foo.x.' calls 'foo', which is not an op"),
        (("q", "sin(x, y)", "1", "1"), {}, RowError, "calls 'sin' with 2 arguments, expected 1"),
        (("q", "x ** 2", "2 * x"), {}, RowError, "expected numbers, names, calls"),
        (("q", "x +", "1"), {}, RowError, "is not an expression"),
        (("q", "x * x"), {}, RowError, "0 partials given, expected 1"),
        (("q", "x * x", "2 * x", "1"), {}, RowError, "2 partials given, expected 1"),
        (("q", "x * x", 2.0), {}, RowError, "got a partial 2.0, expected text or a function"),
        (("q", 3.0, "1"), {}, TypeError, "value: got float, expected text or a function"),
        (("q", math.sin), {}, TypeError, "value: got a function alone, expected partials, jvp, vjp or transpose"),
        (("q", "x * x"), {"jvp": print}, TypeError, "jvp: got one besides partials, text or a transpose"),
        (("q", np.sum), {"vjp": print, "transpose": print}, TypeError, "vjp: got one besides"),
    ],
)
def test_bad_declarations(args, kwargs, error, said):
    with pytest.raises(error, match=said):
        ad.custom(*args, **kwargs)
    assert not CUSTOM


def test_declaring_again_and_forgetting(declare, xlog1p):
    assert ad.custom("xlog1p", "x * log1p(x)", "log1p(x) + x / (1 + x)", x=((-0.9, 3.0),)) is xlog1p
    with pytest.raises(RowError, match=r"op 'xlog1p': the name is taken by another declaration; its forget\(\) takes"):
        ad.custom("xlog1p", "x * log1p(x)", "log1p(x)")
    user = declare("user", "xlog1p(x)", "log1p(x) + x / (1 + x)", x=POSITIVE)
    with pytest.raises(RowError, match="op 'xlog1p': is used by 'user', which has to be forgotten first"):
        xlog1p.forget()
    user.forget()
    user = declare("user", "x * x", "2 * x + 0 * xlog1p(x)", x=POSITIVE)
    with pytest.raises(RowError, match="op 'xlog1p': is used by 'user'"):
        xlog1p.forget()
    user.forget()
    xlog1p.forget()
    assert not any(hasattr(cls, "xlog1p") for cls in (ad.Dual, ad.Var, ad.ArrayDual, ad.ArrayVar))
    assert "xlog1p" not in ad.derivative_table()
    inverse = declare("inverse", np.linalg.inv, vjp=lambda xs, bar, out: [-out.T @ bar @ out.T])
    inverse.forget()
    forgotten = r"op '(xlog1p|inverse)': its declaration was taken back by forget\(\); declare it anew with ad.custom"
    for op, x in ((xlog1p, 1.0), (xlog1p, np.ones(2)), (inverse, np.eye(2))):
        for use in (op, ad.jacfwd(op), ad.jacrev(op)):
            with pytest.raises(RowError, match=forgotten):
                use(x)


def test_rows_have_fast_methods_on_arrays_and_the_slow_road_where_each_op_is_looked_at(xlog1p, monkeypatch):
    x = np.array([0.5, 1.0, 2.0])
    f, expected = lambda x: np.sum(xlog1p(x)), np.log1p(x) + x / (1 + x)
    np.testing.assert_allclose(ad.jacfwd(f)(x), expected)  # with lanes
    np.testing.assert_allclose(
        ad.jacfwd(lambda x: np.sum(ad.sqrt(xlog1p(x) - xlog1p(0.5))))(x)[0], np.inf
    )  # paths followed
    assert {loss.op for loss in ad.rounding_error(f)(x).losses} == {"xlog1p", "sum"}

    def slow(*_):
        raise AssertionError

    for cls in (ad.ArrayDual, ad.ArrayVar):
        monkeypatch.setattr(cls, "apply", slow)
    np.testing.assert_allclose(ad.grad(f)(x), expected)
    np.testing.assert_allclose(ad.jvp(f, (x,), (x,))[1], np.sum(expected * x))


def test_what_is_taken_back_leaves_nothing_behind():
    def classes(cls=Active):
        return [cls, *(each for sub in cls.__subclasses__() for each in classes(sub))]

    def names():
        tables = (own_rows.SCOPE, own_rows.FAST, own_rows.ARRAYS, own_rows.functions, own_rows.PARTIALS, own_rows.NODES)
        return [*map(set, tables), *(set(vars(cls)) for cls in classes())]

    before = names()
    ad.custom("scaled", "x * exp(y)", "exp(y)", "out").forget()
    ad.custom("product", lambda x, y: x * y, lambda x, y, out: y, lambda x, y, out: x).forget()
    assert names() == before


def test_rules_of_the_wrong_shape(declare):
    double = declare("double1", lambda x: 2 * x, vjp=lambda xs, bar, out: 2 * bar)
    with pytest.raises(TypeError, match="double1: its vjp gives ndarray, expected a list of 1 cotangents"):
        ad.grad(lambda x: np.sum(double(x)))(np.ones(2))
    double = declare("double2", lambda x: 2 * x, vjp=lambda xs, bar, out: [np.sum(bar)])
    with pytest.raises(ValueError, match=r"double2: its vjp gives shape \(\), expected \(2,\)"):
        ad.grad(lambda x: np.sum(double(x)))(np.ones(2))
    double = declare("double3", lambda x: (x, x), vjp=lambda xs, bar, out: [bar])
    with pytest.raises(TypeError, match="double3: its value is tuple, expected one array or number"):
        double(np.ones(2))
    double = declare("double4", lambda x: 2 * x, transpose=lambda bar, shape: 2 * bar)
    with pytest.raises(TypeError, match="double4: got 2 operands"):
        double(np.ones(2), np.ones(2))


def test_a_float64_cotangent_of_a_float32_function_becomes_float32_at_once(declare):
    seen = []

    def back(operands, cotangent, out):
        seen.append(cotangent.dtype)
        return [2 * operands[0] * cotangent]

    squared = declare("squared", lambda x: x * x, vjp=back)
    _, pullback = ad.vjp(lambda x: squared(x) * np.float32(3.0), np.ones(3, np.float32))
    assert pullback(np.ones(3))[0].tolist() == [6.0, 6.0, 6.0]
    assert seen == [np.float32]
