"""A function of the user's own: how it is called, what of it is refused, and plain NumPy on other namespaces."""

from __future__ import annotations

import functools
import math
import sys
from dataclasses import dataclass
from math import exp

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy import cos

import ad
from benchmarks.engines.base import of_vectors
from benchmarks.functions.own import FunctionError, load, own, read, takes_namespace
from benchmarks.functions.rebound import Namespace, rebound, uses
from benchmarks.measuring.gate import Gate

SCALES = np.array([1.0, 2.0, 3.0])


def in_numpy(x):
    return np.sum(np.sin(x) * SCALES) + helper(x)


def weighted(x):
    return np.sum(x * SCALES)


def helper(x):
    return cos(x[0]) * np.linalg.solve(np.diag(SCALES), x)[2]


def in_math(x):
    total = 0.0
    for v in x:
        total += math.sin(v) * exp(-v) + math.pi * math.fabs(v)
    return total


def on_namespace(xp, x):
    return xp.sum(xp.exp(x) * x)


def over_a_closure(scale):
    def inner(x):
        return np.sum(np.tanh(x)) * scale

    return lambda x: inner(x) + 1.0


class Scaled:
    """A model as an object, with an array, a method that calls another, and one of a class above."""

    def __init__(self, scales):
        self.scales = scales

    def __call__(self, x):
        return np.sum(self.inner(x))

    def inner(self, x):
        return np.sin(x) * self.scales

    @staticmethod
    def cubed(x):
        return np.sum(x**3)


class Weighted(Scaled):
    """With a model of another class inside."""

    def __init__(self, scales):
        super().__init__(scales)
        self.slope = Slope(np.flip(scales))

    def inner(self, x):
        return super().inner(x) + np.tanh(self.slope.times(x))


@dataclass(frozen=True, slots=True)
class Slope:
    by: np.ndarray

    def times(self, x):
        return np.cos(x) * self.by


OBJECT = Scaled(SCALES)


async def waits(x):
    return x[0]


def through_an_object(x):
    return OBJECT.inner(x)[0] + Weighted(2.0 * SCALES)(x)


def imports_itself(x):
    import math as m

    import numpy as np
    import numpy.linalg as la
    from numpy import exp

    return m.exp(m.log(2.0)) * np.sum(exp(x)) + la.norm(x)


GIVEN = {
    "imports of its own": imports_itself,
    "numpy": in_numpy,
    "namespace": on_namespace,
    "closure": over_a_closure(3.0),
    "object": Weighted(SCALES),
    "method": OBJECT.inner,
    "static method": Scaled.cubed,
    "objects inside": through_an_object,
    "partial": functools.partial(lambda a, x: np.sum(a * np.tanh(x)), SCALES),
    "partial of a method": functools.partial(OBJECT.inner),
    "ufunc": np.sin,
    "made into an array": lambda x: np.array([[x[0], 1], [np.sin(x[1]), x[0] * x[2]]]),
}


@pytest.mark.parametrize("f", GIVEN.values(), ids=GIVEN)
@pytest.mark.parametrize("xp", [np, ad, jnp], ids=["numpy", "ad", "jax"])
def test_one_function_gives_one_value_on_every_namespace(f, xp):
    x = np.array([0.3, 0.5, 0.7])
    plain = f(np, x) if takes_namespace(f) else f(x)
    problem = own(f, x, "mine").at(3)
    np.testing.assert_allclose(np.ravel(problem.f(xp, x)), np.ravel(plain), rtol=1e-6)


@pytest.mark.parametrize("f", [f for f in GIVEN.values() if f is not on_namespace], ids=set(GIVEN) - {"namespace"})
def test_one_function_is_traced_by_a_namespace_of_another_package(f):
    """NumPy would refuse what JAX hands in while it traces; the arrays that it finds are those of the engine."""
    problem = own(f, np.array([0.3, 0.5, 0.7]), "mine").at(3)
    on_jax = problem.on(jnp.asarray)
    jacobian = jax.jit(jax.jacrev(lambda x: on_jax(jnp, x)))(jnp.asarray(problem.x))
    if f is GIVEN["made into an array"]:  # np.array takes no values of ad, which says so
        with pytest.raises(TypeError, match=r"array: got a .*ad\.stack"):
            ad.jacfwd(lambda x: problem.f(ad, x))(problem.x)
        return
    expected = ad.jacfwd(lambda x: problem.f(ad, x))(problem.x)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-5)


def test_objects_are_not_touched():
    problem = own(through_an_object, np.ones(3)).at(3)
    before = {**vars(OBJECT)}
    problem.on(jnp.asarray)(jnp, jnp.ones(3))
    assert vars(OBJECT) == before
    assert type(OBJECT) is Scaled
    assert any(array is SCALES for array in problem.data)


def test_an_object_that_cannot_be_copied_is_unsupported_by_name():
    class Rigid:
        def __copy__(self):
            raise TypeError("is one of a kind")

        def __call__(self, x):
            return np.sum(x)

    with pytest.raises(NotImplementedError, match="a copy of a Rigid: is one of a kind"):
        rebound(Rigid(), jnp)


def test_a_namespace_without_array_makes_one_by_stacking():
    class Stacking:
        asarray, stack = staticmethod(np.asarray), staticmethod(np.stack)

    made = Namespace(Stacking, np).array([[1, 2.5], (np.array(3.0), 4)])
    np.testing.assert_array_equal(made, [[1.0, 2.5], [3.0, 4.0]])
    assert made.dtype == np.float64


def test_plain_numpy_has_the_derivative_that_jax_gives_it():
    x = np.array([0.3, 0.5, 0.7])
    problem = own(in_numpy, x).at(3)
    step = 1e-6
    differences = [(in_numpy(x + step * e) - in_numpy(x - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(ad.grad(lambda v: problem.f(ad, v))(x), differences, rtol=1e-8)
    traced = rebound(in_numpy, jnp)(jnp.asarray(x))
    assert type(traced).__module__.startswith("jax")


def nested(x):
    return sum(cos(v) for v in x)  # a name that only a function inside mentions


def recursive(x, times=3):
    return np.sum(x) if times == 0 else recursive(np.sin(x), times - 1)


def with_a_keyword(x, *, power=3):
    return np.sum(x**power)


@pytest.mark.parametrize("f", [in_numpy, nested, recursive, with_a_keyword, lambda x: np.linalg.norm(x)])
def test_all_that_a_function_calls_is_the_engines(f):
    """JAX refuses to differentiate through NumPy's own functions."""
    x = np.array([0.3, 0.5, 0.7])
    np.testing.assert_allclose(jax.grad(rebound(f, jnp))(x), ad.grad(f)(x), rtol=1e-5)


def test_numpy_that_has_no_name_in_ad_goes_through_numpy():
    f = own(lambda x: np.sum(x * x) * np.ndim(x), np.ones(3), "rank").at(3).f
    assert not hasattr(ad, "ndim")
    assert ad.grad(lambda x: f(ad, x))(np.ones(3)).tolist() == [2.0, 2.0, 2.0]


def test_math_gets_a_list_of_floats_and_a_derivative():
    problem = own(in_math, 4).at(4)
    assert problem.style == "scalars"
    expected = [math.cos(v) * exp(-v) - math.sin(v) * exp(-v) + math.pi for v in problem.x]
    np.testing.assert_allclose(ad.grad(lambda v: problem.f(ad, v))(list(problem.x)), expected, rtol=1e-14)


def test_a_module_keeps_its_own_names():
    before = dict(in_numpy.__globals__)
    rebound(in_numpy, jnp)(jnp.ones(3))
    assert in_numpy.__globals__ == before
    assert in_numpy(np.ones(3)).dtype == np.float64


def test_what_a_namespace_lacks_is_unsupported_by_name():
    with pytest.raises(NotImplementedError, match=r"numpy\.quantile"):
        Namespace(ad.FLOATS, np).quantile([1.0], 0.5)
    assert Namespace(ad.FLOATS, np).pi == math.pi


def test_the_modules_that_a_function_uses():
    assert uses(in_math) == {"math"}
    assert uses(in_numpy) == {"numpy"}
    assert uses(imports_itself) == {"numpy", "math"}
    assert uses(on_namespace) == set()


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: print("here") or x[0], "prints 'here'"),
        (lambda x: x.__setitem__(0, 2.0) or x[0], "changes its inputs"),
        (lambda x: np.random.default_rng().random() * x[0], "different results"),
        (lambda x: 1j * x[0], "gives complex"),
        (lambda x: None, "gives NoneType"),
        (lambda x: {"a": x[0]}, "gives dict"),
        (lambda x: (v for v in x), "gives generator"),
        (waits, "gives coroutine"),
        (lambda x: (x[0], x), "gives tuple"),
        (lambda x: x[5:], "gives ndarray of float64 that is empty"),
        (lambda *x: x[0], r"takes \(\*x\)"),
        (lambda x: "text", "gives str"),
        (lambda x: x[0] / 0.0, "gives inf"),
        (lambda x: x[0] * np.nan, "gives nan"),
        (lambda x: 0.0 * x, "nothing but zeros"),
        (lambda x: sys.exit(3), "raised SystemExit: 3"),
        (lambda x: x[9], "raised IndexError"),
        (lambda x, y: x[0], r"takes \(x, y\)"),
        (lambda: 1.0, r"takes \(\)"),
        (3.0, "got float"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(f, message):
    with pytest.raises(FunctionError, match=message) as raised:
        own(f, np.array([1.0, 2.0]), "mine").at(2)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("inputs", [np.array([]), np.array(["a"]), np.array([1j]), [1.0, np.nan], None, True])
def test_inputs_are_finite_numbers(inputs):
    with pytest.raises(FunctionError, match="inputs"):
        own(in_numpy, inputs)


def test_inputs_of_any_shape_and_outputs_of_any_shape():
    x = np.arange(6.0).reshape(2, 3)
    problem = own(lambda a: a @ a.T, x, "gram").at(6)
    assert (problem.n_inputs, problem.n_outputs, problem.x.shape) == (6, 4, (6,))
    jacobian = np.reshape(ad.jacrev(lambda v: problem.f(ad, v))(problem.x), (4, 6))
    np.testing.assert_allclose(jacobian, ad.jacfwd(lambda v: problem.f(ad, v))(problem.x))
    assert jacobian[0, 1] == 2.0  # the first entry is |row|**2, whose derivative in x01 = 1 is 2


def test_several_outputs_in_a_list():
    problem = own(lambda x: [x[0] * x[1], np.sin(x[0]), x[1] ** 2], np.array([2.0, 3.0]), "three").at(2)
    assert problem.n_outputs == 3
    np.testing.assert_allclose(
        np.reshape(ad.jacrev(lambda v: problem.f(ad, v))(problem.x), (3, 2)),
        [[3.0, 2.0], [math.cos(2.0), 0.0], [0.0, 6.0]],
    )


def test_several_outputs_of_scalars_in_a_tuple():
    problem = own(lambda x: (x[0] * x[1], math.sin(x[0])), [2.0, 3.0], "two").at(2)
    assert (problem.style, problem.n_outputs) == ("scalars", 2)
    np.testing.assert_allclose(of_vectors(problem, jnp, jnp.asarray)(jnp.array([2.0, 3.0])), [6.0, math.sin(2.0)])


def test_a_number_is_one_input():
    problem = own(lambda x: x[0] ** 2, 3.0, "square").at(1)
    assert (problem.n_inputs, problem.f(np, problem.x)) == (1, 9.0)


def test_arrays_of_the_module_are_the_engines_own():
    """What a function finds in its module is data, bound anew for each conversion."""
    x = np.array([0.3, 0.5, 0.7])
    problem = own(weighted, x).at(3)
    for factor in (1.0, 2.0):
        f = problem.on(lambda array, factor=factor: jnp.asarray(factor * array))
        assert float(f(jnp, jnp.asarray(x))) == pytest.approx(factor * weighted(x), rel=1e-6)


def test_the_users_inputs_are_not_touched():
    x = np.array([1, 2, 3])
    problem = own(in_numpy, x).at(3)
    assert problem.x.dtype == np.float64
    assert problem.x is not x


def test_files_name_their_functions(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import neighbour\n\ndef f(x):\n    return neighbour.g(x)\n")
    (tmp_path / "neighbour.py").write_text("def g(x):\n    return x[0] * x[1]\n")
    paths = sys.path[:]
    f = load(f"{file}:f")
    assert f([2.0, 3.0]) == 6.0
    assert sys.path == paths
    for where, message in (
        (str(file), "expected FILE.py:FUNCTION"),
        (f"{file}:h", "has no function 'h'; there are f"),
        (f"{tmp_path}/none.py:f", "no file"),
    ):
        with pytest.raises(FunctionError, match=message):
            load(where)
    (tmp_path / "star.py").write_text("from numpy import *\n\ndef f(x):\n    return sum(sin(x))\n")
    with pytest.raises(FunctionError, match=r"has no function 'g'; there are f$"):
        load(f"{tmp_path}/star.py:g")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(FunctionError, match=r"ZeroDivisionError: division by zero \(broken\.py, line 1\)$"):
        load(f"{tmp_path}/broken.py:f")


def test_files_name_methods_of_their_objects(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "class Model:\n    w = 3.0\n    def loss(self, x):\n        return self.w * x[0]\n"
        "    @staticmethod\n    def half(x):\n        return x[0] / 2.0\n\nmodel = Model()\n"
    )
    function = read(f"{file}:model.loss", size=1)
    assert function.name == "loss"
    assert function.f([2.0]) == 6.0
    assert load(f"{file}:Model.half")([2.0]) == 1.0
    for where, message in (
        ("Model", "Model is a class; name an object of it"),
        ("model.w", "has no function 'model.w'"),
        ("model.none", "has no function 'model.none'"),
        ("model.", "expected FILE.py:FUNCTION"),
    ):
        with pytest.raises(FunctionError, match=message):
            load(f"{file}:{where}")
    with pytest.raises(FunctionError, match=r"loss takes self; .* OBJECT\.loss$"):
        read(f"{file}:Model.loss", size=1).at(1)


def test_an_error_in_a_function_has_its_line(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import numpy as np\n\ndef f(x):\n    y = 2.0 * x\n    return np.sinn(y)\n")
    with pytest.raises(FunctionError, match=r"has no attribute 'sinn' \(mine\.py, line 5\) at inputs of shape \(4,\)$"):
        read(f"{file}:f").at(4)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("1,2,3", "^at: got '1,2,3', expected FILE.npy, or what makes the inputs$"),
        ("nothing", "^at: .* has no function 'nothing'; there are f; expected FILE.npy, or what makes the inputs$"),
        ("none.npy", "^inputs: 'none.npy' cannot be read: FileNotFoundError"),
    ],
)
def test_inputs_that_are_not_there_are_named(tmp_path, at, message):
    file = tmp_path / "mine.py"
    file.write_text("def f(x):\n    return x[0]\n")
    with pytest.raises(FunctionError, match=message):
        read(f"{file}:f", at)


def test_a_file_of_inputs_that_are_no_numbers_is_refused_in_plain_words(tmp_path):
    (tmp_path / "mine.py").write_text("def f(x):\n    return x[0]\n")
    np.save(tmp_path / "x.npy", np.array(["a"]))
    with pytest.raises(FunctionError, match=r"^inputs: got ndarray of <U1, expected an array of numbers"):
        read(f"{tmp_path}/mine.py:f", f"{tmp_path}/x.npy")


def test_a_size_whose_last_input_makes_no_difference_is_none():
    """A network takes its weights from a vector, and leaves the rest of a longer one alone."""
    function = own(lambda x: np.sum(np.reshape(x[:12], (3, 4)) ** 2), 12, "weights")
    assert function.possible([3, 12, 48]) == (12,)
    assert own(in_math, 4).possible([1, 4, 16]) == (1, 4, 16)


@pytest.mark.parametrize(
    ("f", "name"),
    [(OBJECT, "Scaled"), (OBJECT.inner, "inner"), (functools.partial(OBJECT.inner), "inner"), (lambda x: x, "lambda")],
)
def test_what_a_function_is_called(f, name):
    assert own(f, np.ones(3)).name == name


def test_a_function_in_a_file_is_called_what_it_is_there(tmp_path):
    (tmp_path / "mine.py").write_text("double = lambda x: 2.0 * x[0]\n")
    assert read(f"{tmp_path}/mine.py:double", size=3).name == "double"


def test_makers_of_inputs_have_sizes_or_none():
    sized = own(in_numpy, 3, maker=lambda n: np.full(n, 0.5))
    assert sized.fixed is None
    assert sized.at(3).n_inputs == 3
    assert own(in_numpy, None, maker=lambda: np.ones(3)).fixed == 3


def test_a_maker_that_raises_is_named():
    def broken(n):
        raise OSError("no data")

    with pytest.raises(FunctionError, match="inputs: what makes them raised OSError: no data"):
        own(in_numpy, 3, maker=broken).at(3)


def test_the_gate_refuses_a_function_without_a_derivative():
    """A step: all derivatives are 0, differences of it are not."""
    from benchmarks.cells import Cell
    from benchmarks.functions import catalogue
    from benchmarks.measuring.guard import WrongError
    from benchmarks.recommend import registered

    function = own(lambda x: np.sum(np.floor(x * 1e6) * 1e-6), np.array([0.5, 0.7]), "steps")
    with registered(function):
        cell = Cell("steps", 2, "ad", "reverse", "gradient")
        assert catalogue.problem("steps", 2).n_inputs == 2
        with pytest.raises(WrongError):
            Gate().check(cell, [0.0, 0.0])
