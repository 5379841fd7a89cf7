"""What people do to arrays inside of a function: the right answer in both modes, or an error that says what to use."""

import copy
import io
import math
import operator
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from scipy import special

import ad

X = np.array([0.5, 1.5, 2.5])
MODES = pytest.mark.parametrize("derivative", [ad.grad, lambda f: ad.jacfwd(f, lanes=1), ad.jacfwd])


def assigning(x):
    """An object array may hold active numbers; NumPy's sum of it adds them."""
    out = np.zeros(3, object)
    out[0] = x[0] * x[0]
    return out[0] + np.sum(x)


def assigned_by_name(x):
    y = x
    y += 1.0
    return np.sum(y * y)


ANSWERS = {
    "np.round": (lambda x: np.sum(np.round(x) * x), [0.0, 2.0, 2.0]),
    "round as a method": (lambda x: np.sum(x.round() * x), [0.0, 2.0, 2.0]),
    "np.rint": (lambda x: np.sum(np.rint(x) * x), [0.0, 2.0, 2.0]),
    "round, int and floor of an element": (lambda x: x[2] * (round(x[1]) + int(x[1]) + math.floor(x[1])), [0, 0, 4]),
    "a list on either side": (lambda x: np.sum([1, 2, 3] * x + x * (2.0, 0.0, 1.0)), [3.0, 2.0, 4.0]),
    "a list as bounds": (lambda x: np.sum(np.clip(x, [1, 1, 1], None)), [0.0, 1.0, 1.0]),
    "integers": (lambda x: np.sum(np.array([1, 2, 3]) * x), [1.0, 2.0, 3.0]),
    "small integers": (lambda x: np.sum(x * np.array([200, 2, 3], np.uint8)), [200.0, 2.0, 3.0]),
    "bools": (lambda x: np.sum((x > 1) * x), [0.0, 1.0, 1.0]),
    "a bool of NumPy's": (lambda x: np.sum(x) * (x[1] > 1.0) * np.bool(True), [1.0, 1.0, 1.0]),
    "float16": (lambda x: np.sum(x * np.array([1, 2, 3], np.float16)), [1.0, 2.0, 3.0]),
    "bytes in the other order": (lambda x: np.sum(x * np.array([1, 2, 3], ">f8")), [1.0, 2.0, 3.0]),
    "NaN": (lambda x: np.sum(x * np.array([1, math.nan, 3])), [1.0, math.nan, 3.0]),
    "object arrays of active numbers": (assigning, [2.0, 1.0, 1.0]),
    "a list of elements": (lambda x: np.sum(np.stack([x[0], x[1] * x[1], 2.0])), [1.0, 3.0, 0.0]),
    "+= on an active array": (assigned_by_name, [3.0, 5.0, 7.0]),
    "iteration": (lambda x: sum(t * t for t in x), [1.0, 3.0, 5.0]),
    "len": (lambda x: np.sum(x) * len(x), [3.0, 3.0, 3.0]),
    "max, sorted and abs of Python": (lambda x: max(x) + sorted(x)[0] + sum(abs(-x)), [2.0, 1.0, 2.0]),
    "a chain of comparisons": (lambda x: x[1] * x[0] if 0 < x[0] < 1 < x[1] else 0.0, [1.5, 0.5, 0.0]),
    "bool of an element": (lambda x: np.sum(x) if x[0] else 0.0, [1.0, 1.0, 1.0]),
    "membership": (lambda x: np.sum(x) * (0.5 in x) * np.isin(x, [1.5]).sum(), [1.0, 1.0, 1.0]),
    "copies": (lambda x: np.sum(copy.deepcopy(x) * np.copy(x) * copy.copy([x])[0] / x.copy()), 2 * X),
    "an axis of what has none": (lambda x: np.sum(x[0], axis=-1) + np.max(x[1], axis=0) + np.prod(x[2], -1), [1, 1, 1]),
    "np.real": (lambda x: np.sum(np.real(x)), [1.0, 1.0, 1.0]),
    "np.lexsort": (lambda x: x[np.lexsort((x,))][0], [1.0, 0.0, 0.0]),
    "SciPy's erf": (lambda x: np.sum(special.erf(x)), 2 / math.sqrt(math.pi) * np.exp(-X * X)),
}


@MODES
@pytest.mark.parametrize("name", ANSWERS)
def test_the_right_answer(name, derivative):
    f, expected = ANSWERS[name]
    np.testing.assert_allclose(derivative(f)(X), expected, rtol=1e-14)


def target(f):
    """A function that is given an array of numbers to write to."""
    return lambda x: f(x, np.zeros(3))


ERRORS = {
    "np.vectorize": (lambda x: np.vectorize(lambda t: t * t)(x), "use ad.stack"),
    "np.apply_along_axis": (lambda x: np.apply_along_axis(np.sum, 0, x), "use np.stack([f(row) for row in x])"),
    "np.fromiter": (lambda x: np.fromiter(iter(x), float), "use np.stack"),
    "np.frompyfunc": (lambda x: np.frompyfunc(abs, 1, 1)(x), "declare one by ad.custom"),
    "np.piecewise": (lambda x: np.piecewise(x, [x < 1], [lambda t: t, lambda t: -t]), "use np.where"),
    "np.array of elements": (lambda x: np.array([x[0], x[1]]), "use ad.stack"),
    "np.asarray of elements and numbers": (lambda x: np.asarray([[x[0], 1.0]]), "use ad.stack"),
    "np.array of objects": (lambda x: np.array([x[0]], dtype=object), "use ad.stack"),
    "np.full": (lambda x: np.full(3, x[0]), "derivative would be lost"),
    "float": (lambda x: float(np.sum(x)), "derivative would be lost; use np.sin"),
    "math": (lambda x: math.sin(x[0]), "derivative would be lost"),
    "item": (lambda x: x[0].item(), "derivative would be lost"),
    "tolist": (lambda x: sum(x.tolist()), "derivative would be lost"),
    "bool of many": (lambda x: 1.0 if x else 0.0, "truth value of an array with more than one element is ambiguous"),
    "a chain of comparisons of many": (lambda x: 1.0 if 0 < x < 1 else 0.0, "truth value of an array"),
    "iteration without dimensions": (lambda x: list(np.sum(x)), "without dimensions"),
    "assignment of an element": (target(lambda x, out: operator.setitem(out, 0, x[0])), "use np.stack"),
    "assignment of a slice": (target(lambda x, out: operator.setitem(out, slice(3), x)), "ad.concatenate"),
    "assignment into an active array": (
        lambda x: operator.setitem(x, 0, x[1]),
        "is not changed in place; use np.where",
    ),
    "+= on an array of numbers": (target(lambda x, out: operator.iadd(out, x)), "write y = y + x for y += x"),
    "out= of a ufunc": (target(lambda x, out: np.sin(x, out=out)), "the like for out="),
    "out= of a function": (target(lambda x, out: np.clip(x, 0, 1, out=out)), "no out=; use what is returned"),
    "where= of a function": (lambda x: np.sum(x, where=x > 1), "no where=; use np.where"),
    "where= of a ufunc": (lambda x: np.sin(x, where=x > 1), "no where="),
    "np.copyto": (target(lambda x, out: np.copyto(out, x)), "use np.where or np.concatenate"),
    "np.put": (target(lambda x, out: np.put(out, [0], x[:1])), "use np.where"),
    "fill": (target(lambda x, out: out.fill(x[0])), "derivative would be lost"),
    "np.add.at": (target(lambda x, out: np.add.at(out, [0], x[0])), "there is no np.add.at"),
    "x.sort": (lambda x: x.sort(), "use np.sort(x)"),
    "astype": (lambda x: x.astype(np.float32), "convert what the function is given"),
    "np.save": (lambda x: np.save(io.BytesIO(), x), "save x.primal"),
    "pickle": (lambda x: pickle.dumps(x), "send .primal"),
    "hash": (lambda x: {x: 1}, "unhashable type"),
    "a Series": (lambda x: np.sum(x * pd.Series(X)), "mul: got Series, expected a plain NumPy array"),
    "a Series on the left": (lambda x: np.sum(pd.Series(X) * x), ".to_numpy() of a Series beside it"),
    "a DataFrame": (lambda x: x @ pd.DataFrame({"a": X}), "matmul: got DataFrame, expected a real number, or a plain"),
    "a Series of it": (lambda x: pd.Series(x), "derivative would be lost"),
    "a masked array": (lambda x: np.sum(x * np.ma.array(X, mask=[0, 1, 0])), "mul: got MaskedArray, expected a plain"),
    "a masked array on the left": (lambda x: np.ma.array(X, mask=[0, 1, 0]) * x, "derivative would be lost"),
    "a masked array in a map": (lambda x: np.concatenate([x, np.ma.array(X)]), "concatenate: got MaskedArray"),
    "a class of arrays": (lambda x: np.sum(x * X.view(np.recarray)), "mul: got recarray, expected a plain NumPy array"),
    "records": (lambda x: x * np.zeros(3, [("a", float)]), "expected one of real numbers"),
    "objects": (lambda x: np.array([1, 2, 3], object) * x, "got an array of object"),
    "complex numbers": (lambda x: x + np.array([1j, 2, 3]), "got an array of complex128"),
    "times": (lambda x: x * np.array([1, 2, 3], "m8[s]"), "got an array of timedelta64[s]"),
    "text": (lambda x: x * np.array(["a", "b", "c"]), "got an array of <U1"),
    "text in a list": (lambda x: x * ["a", "b", "c"], "got an array of <U1"),
    "elements in a list": (lambda x: x * [x[0], 1.0, 2.0], "use ad.stack"),
    "a list in a map": (lambda x: x @ [1.0, 2.0, 3.0], "matmul: got list"),
    "an index that is no integer": (lambda x: X[x[0]], "derivative would be lost"),
    "shapes": (lambda x: x * np.ones(2), "could not be broadcast"),
    "SciPy": (lambda x: special.gamma(x), "gamma: got a"),
    "np.interp": (lambda x: np.interp(x, [0, 1], [0, 1]), "use np.searchsorted"),
    "what is not known": (lambda x: np.unwrap(x), "np.unwrap: got a"),
}


@MODES
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says_what_to_use(name, derivative):
    f, message = ERRORS[name]
    with pytest.raises((TypeError, ValueError)) as caught:
        derivative(f)(X)
    assert message in f"{caught.value} {caught.value.__cause__}"  # NumPy's own error tells of ours as its cause


INPUTS = {
    "read-only": np.broadcast_to(2.0, (2, 2)),
    "backwards": np.arange(6.0)[::-2],
    "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)).T,
    "integers": np.array([1, 2]),
    "bytes in the other order": np.array([1.0, 2.0], ">f8"),
    "float32 in the other order": np.array([1.0, 2.0], ">f4"),
    "without elements": np.ones((0, 3)),
    "NaN and infinity": np.array([math.nan, math.inf, 1.0]),
}


@MODES
@pytest.mark.parametrize("name", INPUTS)
def test_inputs_that_are_unusual(name, derivative):
    x = INPUTS[name]
    got = derivative(lambda x: np.sum(x * x))(x)
    np.testing.assert_allclose(got, 2.0 * x)
    assert got.dtype == (np.float32 if x.dtype == ">f4" else np.float64)


@MODES
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (pd.Series(X), "got Series, expected a real number, or a plain NumPy array, as np.asarray makes one of it"),
        (pd.DataFrame({"a": X}), "got DataFrame, expected a real number, or a plain NumPy array"),
        (np.ma.array(X), "got MaskedArray, expected a plain NumPy array"),
        (np.zeros(2, [("a", float)]), "got an array of [('a', '<f8')]"),
        (X.astype(object), "got an array of object"),
        (X > 1, "got an array of bool"),
        (X * 1j, "got an array of complex128"),
        (X.astype(np.float16), "got an array of float16, expected one of float64, float32 or integers"),
        (X.astype(np.longdouble), "got an array of float"),
        (np.array(["a"]), "got an array of <U1"),
    ],
)
def test_inputs_that_are_refused(x, message, derivative):
    with pytest.raises(TypeError) as caught:
        derivative(np.sum)([1.0, x])
    assert f"argument 0[1]: {message}" in str(caught.value)


@MODES
@pytest.mark.parametrize("n", [3, 5000])  # copied; borrowed
def test_one_array_twice_in_a_tree_is_two_inputs(n, derivative):
    x = np.linspace(0.1, 1.0, n)
    f = lambda t: np.sum(t["a"] * t["b"][0] ** 2)  # noqa: E731
    if n > 100 and derivative is not ad.grad:
        pytest.skip("a Jacobian of thousands of columns")
    got = derivative(f)({"a": x, "b": [x]})
    np.testing.assert_allclose(got["a"], x * x)
    np.testing.assert_allclose(got["b"][0], 2 * x * x)
    assert x.flags.writeable


# ---- what is changed after it was recorded --------------------------------------------------------------------------

CHANGED = {
    "a factor": (np.array([3.0, 4.0]), lambda x, c: x * c, [3.0, 4.0]),
    "a matrix": (np.eye(2), lambda x, c: c @ x, [1.0, 1.0]),
    "a condition": (np.array([True, False]), lambda x, c: np.where(c, x, 2 * x), [1.0, 2.0]),
    "indices": (np.array([1, 1]), lambda x, c: x[c], [0.0, 2.0]),
    "a list of indices": ([1, 1], lambda x, c: x[c], [0.0, 2.0]),
    "indices among others": (np.array([1, 1]), lambda x, c: x[None, c], [0.0, 2.0]),
    "a mask": (np.array([False, True]), lambda x, c: x[c], [0.0, 1.0]),
    "indices of np.take": (np.array([1, 1]), np.take, [0.0, 2.0]),
    "indices of np.take_along_axis": (np.array([1, 1]), lambda x, c: np.take_along_axis(x, c, 0), [0.0, 2.0]),
    "counts": (np.array([2, 1]), np.repeat, [2.0, 1.0]),
    "bounds": (np.array([0.0, 9.0]), lambda x, c: np.clip(x, c, None), [1.0, 0.0]),
    "a part of einsum": (np.eye(2), lambda x, c: np.einsum("ij,j->i", c, x), [1.0, 1.0]),
    "a right-hand side": (np.eye(2), lambda x, c: np.linalg.solve(c, x), [1.0, 1.0]),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_a_function_changes_after_using_it_is_used_as_it_was(name):
    constant, f, expected = CHANGED[name]

    def changing(x, constant):
        y = f(x, constant)
        constant[:] = constant[::-1] if isinstance(constant, list) else np.logical_not(constant)
        constant[0] = 0
        return np.sum(y)

    x = np.array([1.0, 2.0])
    for derivative in (ad.grad, ad.jacfwd):
        np.testing.assert_allclose(derivative(changing)(x, copy.copy(constant)), expected)
    changed = copy.copy(constant)
    _, pullback = ad.vjp(lambda x: f(x, changed), x)
    changed[:] = [0, 0] if isinstance(changed, list) else np.zeros_like(changed)
    x[:] = 7.0
    np.testing.assert_allclose(pullback(np.ones(np.shape(f(X[:2], constant))))[0], expected)


def test_large_indices_are_lent_and_cannot_be_changed_until_the_end():
    indices = np.arange(5000)

    def f(x):
        y = x[indices]
        indices[0] = 1
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only"):
        ad.grad(f)(np.ones(5000))
    indices[0] = 0
    assert indices.flags.writeable


def test_what_comes_back_belongs_to_the_caller():
    x, ones = X.copy(), np.ones(3)
    value, pullback = ad.vjp(lambda x: x * ones, x)
    value[:] = 9.0
    (first,) = pullback(ones)
    first[:] = 9.0
    assert pullback(ones)[0].tolist() == ones.tolist() == [1.0, 1.0, 1.0]
    _, f_jvp = ad.linearize(lambda x: (x, x + ones), x)
    for tangent in f_jvp(ones):
        tangent[:] = 9.0
    assert (x.tolist(), ones.tolist()) == (X.tolist(), [1.0, 1.0, 1.0])


def test_what_is_left_over_is_refused_in_a_new_derivative():
    for leave in (lambda f: ad.grad(f)(X), lambda f: ad.jvp(f, (X,), (X,))):
        left = []
        leave(lambda x, left=left: (left.append(x), np.sum(x))[1])
        for derivative in (ad.grad, ad.jacfwd):
            for f in (lambda x, y=left[0]: x @ y, lambda x, y=left[0]: np.sum(y * x), lambda x, y=left[0]: np.sum(y)):
                with pytest.raises(ValueError, match=r": got an Array(Dual|Var) left over from a derivative"):
                    derivative(f)(X)


def test_threads_do_not_meet():
    x, found = np.linspace(0.0, 1.0, 5000), {}

    def work(k):
        for _ in range(5):
            gradient = ad.grad(lambda y: np.sum(np.sin(k * y) * x))(x)  # `x` is lent to all of them
            tangent = ad.jvp(lambda y: np.sin(k * y) * x, (x,), (x,))[1]
            found.setdefault(k, []).append((gradient, tangent))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, results in found.items():
        for gradient, tangent in results:
            np.testing.assert_allclose(gradient, k * x * np.cos(k * x))
            np.testing.assert_allclose(tangent, k * x * x * np.cos(k * x))
    assert len(found) == 5
    assert x.flags.writeable


@MODES
def test_another_thread_may_do_a_part_of_the_work(derivative):
    def f(x):
        out = []
        thread = threading.Thread(target=lambda: out.append(np.sum(x * x)))
        thread.start()
        thread.join()
        return out[0]

    np.testing.assert_allclose(derivative(f)(X), 2 * X)
