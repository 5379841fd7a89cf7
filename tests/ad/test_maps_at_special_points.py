"""Functions on arrays at hard places: ties, zeros, repeated eigenvalues, empty axes; and what is refused."""

import math

import numpy as np
import pytest

import ad

INF, NAN = math.inf, math.nan


def both(f, x):
    """The Jacobian, the same in both modes."""
    forward, backward = ad.jacfwd(f)(x), ad.jacrev(f)(x)
    np.testing.assert_allclose(forward, backward, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ad.jacfwd(f, lanes=1)(x), backward, rtol=1e-12, atol=1e-14)
    return np.asarray(backward)


def test_ties_share_the_slope():
    x = np.array([1.0, 3.0, 3.0, 2.0])
    assert both(np.max, x).tolist() == [0.0, 0.5, 0.5, 0.0]
    assert both(np.min, np.zeros(4)).tolist() == [0.25] * 4
    assert both(lambda x: np.clip(x, 1.0, 2.5), x).diagonal().tolist() == [0.5, 0.0, 0.0, 1.0]
    assert both(np.maximum.reduce, x).tolist() == [0.0, 0.5, 0.5, 0.0]
    assert both(np.max, np.array([NAN, 1.0])).tolist() == [0.0, 0.0]  # as `maximum` of the two


def test_weights_belong_to_the_axes_in_the_order_given():
    x, weights = np.arange(6.0).reshape(2, 3), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_allclose(both(lambda x: np.average(x, (1, 0), weights), x), weights.T / 21.0)


def test_fewer_numbers_than_degrees_of_freedom_have_an_infinite_variance():
    for less in (3, 4):
        assert ad.value_and_grad(lambda x, less=less: np.var(x, ddof=less))(np.arange(3.0))[0] == INF


@pytest.mark.parametrize(
    ("method", "function"),
    [
        (np.add.reduce, lambda x: np.sum(x, 0)),
        (np.multiply.reduce, lambda x: np.prod(x, 0)),
        (np.maximum.reduce, lambda x: np.max(x, 0)),
        (np.minimum.reduce, lambda x: np.min(x, 0)),
        (np.logaddexp.reduce, lambda x: np.log(np.sum(np.exp(x), 0))),
        (np.add.accumulate, lambda x: np.cumsum(x, 0)),
        (np.multiply.accumulate, lambda x: np.cumprod(x, 0)),
    ],
)
def test_methods_of_ufuncs_go_along_the_first_axis(method, function):
    x = np.array([[0.5, -1.0], [2.0, 0.25], [1.5, 3.0]])
    np.testing.assert_allclose(method(x), function(x))
    np.testing.assert_allclose(both(method, x), both(function, x), rtol=1e-14, atol=1e-15)


def test_indices_beyond_the_ends_and_an_order_from_the_largest_on():
    x, one = np.array([1.0, 3.0, 2.0]), np.eye(3)
    assert both(lambda x: np.take(x, [-5, 1, 9], mode="clip"), x).tolist() == one[[0, 1, 2]].tolist()
    assert both(lambda x: np.take(x, [-5, 1, 9], mode="wrap"), x).tolist() == one[[1, 1, 0]].tolist()
    assert both(lambda x: ad.sort(x, descending=True), x).tolist() == one[[1, 2, 0]].tolist()


@pytest.mark.parametrize("triangle", [np.tril, np.triu])
def test_triangles_of_a_vector_are_those_of_its_rows(triangle):
    expected = np.einsum("ij,jk->ijk", triangle(np.ones((3, 3))), np.eye(3))
    np.testing.assert_array_equal(both(triangle, np.array([1.0, 2.0, 3.0])), expected)


def test_margins_by_an_axis_counted_from_the_end():
    assert both(lambda x: np.pad(x, {-1: (1, 0)}), np.ones(2)).tolist() == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_a_singular_value_of_zero_has_slope_zero():
    assert both(np.linalg.svdvals, np.diag([2.0, 0.0])).tolist() == [[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_products_with_zeros_at_orders_one_and_two(zeros):
    x = np.array([2.0, 3.0, -1.5, 0.5])
    x[:zeros] = 0.0
    others = [math.prod(x[j] for j in range(4) if j != k) for k in range(4)]
    np.testing.assert_allclose(both(np.prod, x), others)
    pairs = [
        [0.0 if i == k else math.prod(x[j] for j in range(4) if j not in (i, k)) for i in range(4)] for k in range(4)
    ]
    np.testing.assert_allclose(ad.hessian(np.prod)(x), pairs)
    np.testing.assert_allclose(ad.hessian(lambda x: np.cumprod(x)[-1])(x), pairs)


def test_lengths_have_slope_zero_at_zero_and_do_not_overflow():
    for f in (np.linalg.norm, np.std, lambda x: np.linalg.norm(x, 3), lambda x: np.linalg.norm(np.outer(x, x), 2)):
        assert both(f, np.zeros(3)).tolist() == [0.0] * 3
    assert both(np.std, np.full(3, 5.0)).tolist() == [0.0] * 3
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(both(np.linalg.norm, np.array([3.0, 4.0]) * scale), [0.6, 0.8])
    assert ad.value_and_grad(np.linalg.norm)(np.array([INF, 1.0]))[0] == INF


def test_logsumexp_of_large_numbers_and_of_infinities():
    np.testing.assert_allclose(both(ad.logsumexp, np.array([1000.0, 1000.0])), [0.5, 0.5])
    assert both(ad.logsumexp, np.array([-INF, -INF])).tolist() == [0.5, 0.5]
    assert both(ad.logsumexp, np.array([-INF, 0.0])).tolist() == [0.0, 1.0]
    assert both(ad.logsumexp, np.array([INF, 0.0, INF])).tolist() == [0.5, 0.0, 0.5]
    assert ad.logsumexp(np.array([-INF, -INF])) == -INF
    np.testing.assert_allclose(ad.hessian(ad.logsumexp)(np.array([800.0, 800.0])), [[0.25, -0.25], [-0.25, 0.25]])


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_determinants_of_singular_matrices_at_orders_one_and_two(rank):
    rng = np.random.default_rng(rank)
    x = rng.normal(size=(3, rank)) @ rng.normal(size=(rank, 3))

    def cofactors(x):
        return sum(
            sign * x[0, i] * x[1, j] * x[2, k]
            for (i, j, k), sign in {
                (0, 1, 2): 1,
                (1, 2, 0): 1,
                (2, 0, 1): 1,
                (0, 2, 1): -1,
                (1, 0, 2): -1,
                (2, 1, 0): -1,
            }.items()
        )

    np.testing.assert_allclose(both(np.linalg.det, x), ad.jacrev(cofactors)(x), atol=1e-12)
    np.testing.assert_allclose(ad.hessian(np.linalg.det)(x), ad.hessian(cofactors)(x), atol=1e-12)


def test_determinants_of_even_size_keep_their_sign():
    """The cofactors of ((a, b), (c, d)) are ((d, -c), (-b, a)), also where there is no inverse."""
    assert both(np.linalg.det, np.array([[0.0, 1.0], [0.0, 0.0]])).tolist() == [[0.0, 0.0], [-1.0, 0.0]]
    np.testing.assert_allclose(both(np.linalg.det, np.ones((2, 2))), [[1.0, -1.0], [-1.0, 1.0]])
    second = np.zeros((2, 2, 2, 2))
    second[0, 0, 1, 1] = second[1, 1, 0, 0] = 1.0
    second[0, 1, 1, 0] = second[1, 0, 0, 1] = -1.0
    np.testing.assert_allclose(ad.hessian(np.linalg.det)(np.zeros((2, 2))), second)


@pytest.mark.parametrize("f", [np.linalg.eigvalsh, lambda x: np.linalg.eigh(x)[1] ** 2, np.linalg.cholesky])
def test_what_reads_one_triangle_has_the_derivative_of_the_symmetric_part(f):
    x = np.array([[2.0, 1.0], [1.0, 5.0]])
    np.testing.assert_allclose(both(f, x), both(lambda x: f((x + x.T) / 2), x), rtol=1e-12, atol=1e-14)


def test_a_stack_of_matrices_solves_for_one_vector_with_many_tangents():
    x = np.array([2.0, 1.0, 0.5, 3.0, 1.0, 0.0, 1.0, 4.0, 3.0, -1.0, 2.0, 1.0, 0.7, -0.3])
    both(lambda v: np.linalg.solve(v[:12].reshape(3, 2, 2), v[12:]), x)


def test_repeated_eigenvalues_and_singular_values():
    np.testing.assert_allclose(
        both(lambda x: np.sum(np.linalg.eigh(x)[0] ** 2), 2 * np.eye(3)), 4 * np.eye(3), atol=1e-14
    )
    np.testing.assert_allclose(both(lambda x: np.linalg.norm(x, "nuc"), np.eye(2)), np.eye(2), atol=1e-14)
    assert not np.isfinite(ad.jacrev(lambda x: np.linalg.eigh(x)[1])(np.eye(2))).all()


def test_empty_axes():
    x = np.zeros((0, 3))
    for f in (
        np.sum,
        np.prod,
        lambda x: np.prod(x, axis=0),
        lambda x: np.cumsum(x, axis=1),
        lambda x: np.sort(x, axis=0),
    ):
        assert both(f, x).shape == np.shape(f(x)) + x.shape
    assert ad.logsumexp(x, axis=0).tolist() == [-INF] * 3
    with pytest.raises(ValueError, match="zero-size"):
        ad.grad(np.max)(x)


def test_axes_that_are_not_there_and_specifications_that_do_not_fit():
    x = np.ones((2, 3))
    for f in (np.sum, np.max, np.prod, np.cumsum, np.flip, np.std, np.sort, np.diff):
        with pytest.raises(np.exceptions.AxisError):
            ad.grad(lambda x, f=f: np.sum(f(x, axis=2)))(x)
    for spec in ("ij,jk", "ijk", "i", "ij->kk", "ij->k", "i?", "ii"):
        with pytest.raises(ValueError, match="einsum"):
            ad.grad(lambda x, spec=spec: np.sum(np.einsum(spec, x)))(x)
    with pytest.raises(ValueError, match=r"einsum: got lengths 3 and 2 for 'j'"):
        ad.grad(lambda x: np.sum(np.einsum("ij,jk", x, x)))(x)
    with pytest.raises(ValueError, match="tensordot: axes"):
        ad.grad(lambda x: np.sum(np.tensordot(x, x, 1)))(x)
    with pytest.raises(NotImplementedError, match="pad: mode: got 'linear_ramp'"):
        ad.grad(lambda x: np.sum(np.pad(x, 1, mode="linear_ramp")))(x)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (np.fft.rfft, "np.fft.rfft: has no derivative here; complex numbers are refused"),
        (np.linalg.svd, "np.linalg.svd: has no derivative here"),
        (np.linalg.eigvals, "np.linalg.eigh"),
        (lambda x: x.sort(), "np.sort"),
        (lambda x: np.full(2, x[0, 0]), "ad.stack|ad.full"),
        (lambda x: np.max(x, where=x > 0), "max.*where"),
        (lambda x: x.astype(np.float32), "astype"),
    ],
)
def test_what_is_not_supported_says_what_to_use(f, message):
    for transform in (ad.jacfwd, ad.jacrev):
        with pytest.raises(TypeError, match=message):
            transform(f)(np.eye(2))


def test_the_namespace_makes_constants_and_stacks_active_numbers():
    def f(x):
        table = ad.asarray([[x[0], 2.0], [ad.exp(x[1]), x[0] * x[1]]])
        constants = ad.zeros(2) + ad.arange(2.0) + ad.ones_like(x) + ad.linspace(0.0, 1.0, 2)
        return ad.sum(ad.full_like(x, x[1]) * constants) + ad.linalg.det(table) + ad.sum(ad.full((2, 2), x[0]))

    x = np.array([0.5, 1.5])
    expected = [2 * 0.5 * 1.5 + 4, 0.25 - 2 * math.exp(1.5) + 4]
    np.testing.assert_allclose(both(f, x), expected)
    assert type(ad.asarray([1, 2])) is np.ndarray
    assert ad.concat is ad.concatenate
    assert ad.acos is ad.arccos
