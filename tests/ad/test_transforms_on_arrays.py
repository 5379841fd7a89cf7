"""The transforms on arrays: types of numbers, and what a function gives besides its output."""

import dataclasses

import numpy as np
import pytest

import ad


def test_float32_stays_float32_at_order_two_through_every_choice_and_constant():
    x = np.linspace(0.2, 0.9, 3, dtype=np.float32)
    for f in (
        lambda x: np.sum(x**2),
        lambda x: np.sum(ad.atan2(x, 2.0)),
        lambda x: np.sum(ad.logaddexp(0.5, x)),
        lambda x: np.sum(np.maximum(x, 0.5)),
        lambda x: np.sum(np.abs(x)),
    ):
        assert ad.hvp(f, (x,), (x,)).dtype == np.float32
        for inner in (ad.jacfwd, ad.jacrev):
            for outer in (ad.jacfwd, ad.jacrev):
                assert outer(inner(f))(x).dtype == np.float32


def test_numbers_are_floats_and_a_float32_is_kept():
    assert type(ad.grad(lambda x: x * x)(np.float64(3))) is float
    assert np.asarray(ad.grad(lambda x: x * x)(np.float32(3))).dtype == np.float32
    assert np.asarray(ad.jacfwd(lambda x: np.float32(3))(np.ones(2, np.float32))).dtype == np.float32
    assert ad.jvp(lambda x: x * x, (3.0,), (np.array(1.0),)) == (9.0, 6.0)
    assert type(ad.vjp(lambda x: x * x, 3.0)[1](np.array(1.0))[0]) is float


@dataclasses.dataclass
class Seen:
    total: object


def test_every_transform_hands_on_what_a_function_gives_besides_its_output():
    def f(x):
        return np.sum(x * x), Seen(2 * x)

    x = np.array([1.0, 2.0])
    for *_, aux in (
        ad.linearize(f, x, has_aux=True),
        ad.hvp(f, (x,), (x,), has_aux=True),
        ad.hessian(f, has_aux=True)(x),
        *(ad.jacobian(f, mode=mode, has_aux=True)(x) for mode in ("forward", "reverse", "auto")),
    ):
        assert type(aux.total) is np.ndarray
        assert aux.total.tolist() == [2.0, 4.0]


def test_blocks_without_elements_have_the_type_of_numbers_of_the_others():
    x = np.ones((0, 2), np.float32)
    for jacobian in (ad.jacfwd(np.sin), ad.jacfwd(np.sin, lanes=1), ad.jacrev(np.sin)):
        assert jacobian(x).dtype == np.float32
        assert jacobian(x).shape == (0, 2, 0, 2)


@pytest.mark.parametrize(("lanes", "error"), [(0, ValueError), (-2, ValueError), (2.0, TypeError), (True, TypeError)])
def test_lanes_are_a_positive_int(lanes, error):
    with pytest.raises(error, match=r"^lanes: got .*, expected a positive int$"):
        ad.jacfwd(np.sin, lanes=lanes)
    with pytest.raises(error, match=r"^lanes: got .*, expected a positive int$"):
        ad.jacobian(np.sin, lanes=lanes)


def test_lanes_of_a_jacobian_in_any_mode():
    for mode, passes in (("forward", 3), ("auto", 3), ("reverse", 0)):
        with ad.count() as counts:
            jacobian = ad.jacobian(lambda x: x[:, None] * np.ones(40), mode=mode, lanes=2)(np.arange(5.0))
        assert (counts.lane_passes, counts.reverse_sweeps) == (passes, 0 if passes else 200)
        assert jacobian.shape == (5, 40, 5)
