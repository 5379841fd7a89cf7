"""What is refused, and that the message names the argument, what came and what was expected."""

import math

import pytest

import ad


def paraboloid(x, y):
    return x * x * y + y


IDENTITY = lambda x: x  # noqa: E731


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: ad.jvp(IDENTITY, 1.0, 1.0),
            TypeError,
            "primals: got float, expected a tuple or list with one entry per argument of f",
        ),
        (
            lambda: ad.jvp(IDENTITY, (1.0,), 1.0),
            TypeError,
            "tangents: got float, expected a tuple or list with one entry per argument of f",
        ),
        (lambda: ad.jvp(IDENTITY, ("a",), (1.0,)), TypeError, "primals[0]: got str, expected a real number"),
        (
            lambda: ad.jvp(IDENTITY, ([1.0, [None]],), (1.0,)),
            TypeError,
            "primals[0][1][0]: got NoneType, expected a real number",
        ),
        (lambda: ad.jvp(IDENTITY, (1.0,), (None,)), TypeError, "tangents[0]: got NoneType, expected a real number"),
        (
            lambda: ad.jvp(IDENTITY, ([1.0, 2.0],), ([1.0],)),
            ValueError,
            "tangents: got tuple(list of 1 number), expected the shape of primals, tuple(list of 2 numbers)",
        ),
        (
            lambda: ad.jvp(paraboloid, (1.0, 2.0), (1.0,)),
            ValueError,
            "tangents: got tuple of 1 number, expected the shape of primals, tuple of 2 numbers",
        ),
        (
            lambda: ad.jvp(IDENTITY, ([1.0, (2.0,)],), ([1.0, [2.0]],)),
            ValueError,
            "tangents: got tuple(list(a number, list of 1 number)), expected the shape of primals, "
            "tuple(list(a number, tuple of 1 number))",
        ),
        (lambda: ad.vjp(IDENTITY, set()), TypeError, "primals[0]: got set, expected a real number"),
        (
            lambda: ad.vjp(IDENTITY, 1.0)[1]([1.0]),
            ValueError,
            "cotangent: got list of 1 number, expected the shape of the output, a number",
        ),
        (
            lambda: ad.vjp(IDENTITY, [1.0])[1](1.0),
            ValueError,
            "cotangent: got a number, expected the shape of the output, list of 1 number",
        ),
        (lambda: ad.vjp(IDENTITY, 1.0)[1]("1"), TypeError, "cotangent: got str, expected a real number"),
        (
            lambda: ad.grad(lambda x: [x, x])(1.0),
            TypeError,
            "f: its output is a list of 2 numbers, expected a single number; use jacrev or jacfwd",
        ),
        (
            lambda: ad.grad(lambda x: (x,))(1.0),
            TypeError,
            "f: its output is a tuple of 1 number, expected a single number; use jacrev or jacfwd",
        ),
        (lambda: ad.grad(lambda x: None)(1.0), TypeError, "output of f: got NoneType, expected a real number"),
        (lambda: ad.jacfwd(lambda x: [x, set()])(1.0), TypeError, "output of f[1]: got set, expected a real number"),
        (lambda: ad.jacrev(lambda x: "x")(1.0), TypeError, "output of f: got str, expected a real number"),
        (lambda: ad.grad(IDENTITY)("a"), TypeError, "argument 0: got str, expected a real number"),
        (lambda: ad.grad(IDENTITY)(1j), TypeError, "argument 0: got complex, expected a real number"),
        (lambda: ad.grad(IDENTITY)(True), TypeError, "argument 0: got bool, expected a real number"),
        (lambda: ad.grad(IDENTITY)([1, [2, "a"]]), TypeError, "argument 0[1][1]: got str, expected a real number"),
        (
            lambda: ad.grad(IDENTITY, argnums=1)(1.0),
            ValueError,
            "argnums: got 1, expected the number of one of the 1 arguments given",
        ),
        (
            lambda: ad.jacfwd(IDENTITY, argnums=-2)(1.0),
            ValueError,
            "argnums: got -2, expected the number of one of the 1 arguments given",
        ),
        (
            lambda: ad.grad(IDENTITY)(x=1.0),
            ValueError,
            "argnums: got 0, expected the number of one of the 0 arguments given",
        ),
        (
            lambda: ad.grad(IDENTITY, argnums="x")(1.0),
            TypeError,
            "argnums: got 'x', expected an int or a tuple of ints",
        ),
        (
            lambda: ad.grad(IDENTITY, argnums=[0])(1.0),
            TypeError,
            "argnums: got [0], expected an int or a tuple of ints",
        ),
        (
            lambda: ad.grad(IDENTITY, argnums=True)(1.0),
            TypeError,
            "argnums: got True, expected an int or a tuple of ints",
        ),
        (
            lambda: ad.grad(paraboloid, argnums=(0, 0))(1.0, 2.0),
            ValueError,
            "argnums: got (0, 0), expected each argument once",
        ),
        (
            lambda: ad.jacrev(paraboloid, argnums=(0, -2))(1.0, 2.0),
            ValueError,
            "argnums: got (0, -2), expected each argument once",
        ),
        (
            lambda: ad.jacobian(IDENTITY, mode="both"),
            ValueError,
            "mode: got 'both', expected 'forward', 'reverse' or 'auto'",
        ),
        (lambda: ad.sin("a"), TypeError, "sin: x: got str, expected a real number"),
        (lambda: ad.hypot(ad.Dual(1.0, 1.0), "a"), TypeError, "hypot: y: got str, expected a real number"),
        (lambda: ad.atan2(None, ad.Dual(1.0, 1.0)), TypeError, "atan2: x: got NoneType, expected a real number"),
        (lambda: ad.add(1.0, 1j), TypeError, "add: y: got complex, expected a real number"),
        (lambda: ad.Dual("a"), TypeError, "primal: got str, expected a real number"),
        (lambda: ad.Dual(1.0, None), TypeError, "tangent: got NoneType, expected a real number"),
        (
            lambda: math.sin(ad.Dual(1.0, 1.0)),
            TypeError,
            "float(): got a Dual, whose derivative would be lost; use ad.sin for math.sin and the like, "
            "or .primal for the value alone",
        ),
        (lambda: ad.jvp(lambda x: float(x), (1.0,), (1.0,)), TypeError, None),
        (lambda: ad.grad(lambda x: math.exp(x))(1.0), TypeError, None),
        (lambda: hash(ad.Dual(1.0)), TypeError, "unhashable type: 'Dual'"),
    ],
)
def test_errors_name_the_argument_what_came_and_what_was_expected(call, error, message):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    if message is None:
        assert text.startswith("float(): got a ")
    else:
        assert text == message


@pytest.mark.parametrize("wrong", ["a", None, [1.0], 1j])
def test_operators_refuse_what_is_not_a_number(wrong):
    for x in (ad.Dual(1.0, 1.0), ad.Tape().input(1.0)):
        for call in (lambda x=x: x + wrong, lambda x=x: wrong - x, lambda x=x: x / wrong, lambda x=x: wrong**x):
            with pytest.raises(TypeError):
                call()


def test_an_error_in_f_arrives_as_it_is():
    class Mine(Exception):
        pass

    def f(x):
        raise Mine

    for call in (
        lambda: ad.jvp(f, (1.0,), (1.0,)),
        lambda: ad.vjp(f, 1.0),
        lambda: ad.grad(f)(1.0),
        lambda: ad.jacfwd(f)(1.0),
        lambda: ad.hessian(f)(1.0),
    ):
        with pytest.raises(Mine):
            call()
