"""Counts are exact, taken as things happen, and cost unobserved code nothing."""

import threading

import pytest

import ad
from ad.counting import observed
from ad.dual import _CountedDual, _Dual
from ad.ops import OPS
from ad.tape import Nodes, _CountedNodes

N = 7
OPS_OF_CHAIN = 4 * N
POINT = [0.5 + 0.1 * k for k in range(N)]


def chain(x):
    acc = x[0]
    for v in x:
        acc = ad.sin(acc) * v + v * v
    return acc


def counted(call):
    with ad.count() as counts:
        call()
    return counts


def test_one_forward_sweep():
    counts = counted(lambda: ad.jvp(chain, (POINT,), ([1.0] * N,)))
    assert counts == ad.Counts(forward_sweeps=1, ops=OPS_OF_CHAIN)


def test_a_gradient_is_n_forward_sweeps_or_one_reverse_sweep():
    assert counted(lambda: ad.jacfwd(chain)(POINT)) == ad.Counts(forward_sweeps=N, ops=N * OPS_OF_CHAIN)
    for gradient in (ad.grad, ad.jacrev, ad.value_and_grad):
        assert counted(lambda g=gradient: g(chain)(POINT)) == ad.Counts(reverse_sweeps=1, ops=2 * OPS_OF_CHAIN)


def test_a_jacobian_is_one_sweep_per_input_or_per_output():
    f = lambda x: [x * 2.0, ad.sin(x), x, 5.0]  # noqa: E731
    assert counted(lambda: ad.jacfwd(f)(1.0)) == ad.Counts(forward_sweeps=1, ops=2)
    assert counted(lambda: ad.jacrev(f)(1.0)) == ad.Counts(reverse_sweeps=4, ops=2 + 4 * 2)


def test_recording_and_each_pullback_count_for_themselves():
    with ad.count() as recording:
        _, pullback = ad.vjp(chain, POINT)
    with ad.count() as sweeping:
        pullback(1.0)
        pullback(2.0)
    assert recording == ad.Counts(ops=OPS_OF_CHAIN)
    assert sweeping == ad.Counts(reverse_sweeps=2, ops=2 * OPS_OF_CHAIN)


def test_a_tape_by_hand_is_counted_like_any_other():
    with ad.count() as counts:
        tape = ad.Tape()
        x = tape.input(2.0)
        y = ad.sqrt(x * x) + 0.0 * ad.sqrt(x - 2.0)  # one op at infinity
        assert counts.ops == 6
        tape.sweep(y)
    assert counts == ad.Counts(reverse_sweeps=1, ops=12)


def test_derivatives_of_derivatives():
    f = lambda v: v[0] * v[1] * v[1]  # noqa: E731
    counts = counted(lambda: ad.hvp(f, ([1.0, 2.0],), ([1.0, 0.0],)))
    assert (counts.forward_sweeps, counts.reverse_sweeps, counts.sweeps) == (1, 1, 2)
    counts = counted(lambda: ad.hessian(f)([1.0, 2.0]))
    assert (counts.forward_sweeps, counts.reverse_sweeps, counts.sweeps) == (2, 2, 4)


def test_sweeps_is_the_sum():
    assert ad.Counts(forward_sweeps=3, reverse_sweeps=4).sweeps == 7


@pytest.mark.parametrize("row", [row for row in OPS.values() if row.name != "where"], ids=lambda row: row.name)
def test_every_op_counts_one_in_each_form(row):
    f = getattr(ad, row.name)
    point = [interval[0][1] for interval in row.domain.values()]
    for active in [(0,)] if len(point) == 1 else [(0, 1), (0,), (1,)]:

        def g(*values, active=active):
            full = list(point)
            for k, value in zip(active, values, strict=True):
                full[k] = value
            return f(*full)

        at = tuple(point[k] for k in active)
        assert counted(lambda g=g, at=at: ad.jvp(g, at, tuple(1.0 for _ in at))).ops == 1
        assert counted(lambda g=g, at=at: ad.vjp(g, *at)).ops == 1
        assert counted(lambda g=g, at=at: ad.vjp(g, *at)[1](1.0)).ops == 2


@pytest.mark.parametrize("f", [ad.sqrt, ad.log, ad.reciprocal, ad.cbrt, lambda x: 1.0 / x, lambda x: x**-0.5])
def test_an_op_at_a_point_where_math_raises_counts_one_in_each_of_two_passes(f):
    # The second pass follows the paths of the infinite partial.
    assert counted(lambda: ad.jvp(f, (0.0,), (1.0,))) == ad.Counts(forward_sweeps=1, ops=2)
    assert counted(lambda: ad.grad(f)(0.0)) == ad.Counts(reverse_sweeps=1, ops=3)


def test_an_infinite_partial_off_every_path_costs_no_second_pass():
    assert counted(lambda: ad.grad(lambda x: (ad.sqrt(x), x * x)[1])(0.0)) == ad.Counts(reverse_sweeps=1, ops=4)


# ---- blocks ---------------------------------------------------------------------------------------------------------


def test_blocks_nest_and_the_outer_sees_the_inner():
    with ad.count() as outer:
        ad.jvp(chain, (POINT,), (POINT,))
        with ad.count() as inner:
            ad.grad(chain)(POINT)
        assert outer == ad.Counts(forward_sweeps=1, reverse_sweeps=1, ops=3 * OPS_OF_CHAIN)
        ad.grad(chain)(POINT)
    assert inner == ad.Counts(reverse_sweeps=1, ops=2 * OPS_OF_CHAIN)
    assert outer == ad.Counts(forward_sweeps=1, reverse_sweeps=2, ops=5 * OPS_OF_CHAIN)


def test_a_count_ends_with_its_block():
    with ad.count() as counts:
        ad.grad(chain)(POINT)
    before = ad.Counts(counts.forward_sweeps, counts.reverse_sweeps, counts.ops)
    ad.grad(chain)(POINT)
    ad.jvp(chain, (POINT,), (POINT,))
    assert counts == before
    assert observed() is None


def test_what_happened_before_an_error_is_counted():
    def f(x):
        y = ad.sin(x) * x
        raise ArithmeticError(y)

    with ad.count() as outer:
        for call in (lambda: ad.jvp(f, (1.0,), (1.0,)), lambda: ad.grad(f)(1.0)):
            with pytest.raises(ArithmeticError), ad.count() as counts:
                call()
            assert counts == ad.Counts(ops=2)
    assert outer == ad.Counts(ops=4)
    assert observed() is None


def test_plain_floats_count_nothing():
    assert counted(lambda: chain(POINT)) == ad.Counts()


def test_each_thread_counts_for_itself():
    seen, entered, done = {}, threading.Event(), threading.Event()

    def unobserved():
        entered.wait()
        ad.grad(chain)(POINT)
        seen["unobserved"] = observed()
        done.set()

    def counting():
        with ad.count() as counts:
            entered.set()
            done.wait()
            ad.jvp(chain, (POINT,), (POINT,))
        seen["counting"] = counts

    threads = [threading.Thread(target=work) for work in (unobserved, counting)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"unobserved": None, "counting": ad.Counts(forward_sweeps=1, ops=OPS_OF_CHAIN)}


# ---- what is not observed pays nothing ------------------------------------------------------------------------------


def test_only_observed_sweeps_use_the_counting_classes():
    kinds = []

    def f(x):
        kinds.append(type(getattr(x * x, "tape", x * x)))
        return x

    def both():
        ad.jvp(f, (1.0,), (1.0,))
        ad.grad(f)(1.0)

    both()
    with ad.count():
        both()
    both()
    assert kinds == [_Dual, Nodes, _CountedDual, _CountedNodes, _Dual, Nodes]


@pytest.mark.parametrize("name", [name for name in OPS if name != "where"])
def test_the_methods_of_unobserved_values_know_no_counts(name):
    assert "counts" not in getattr(_Dual, name).__code__.co_names
    assert "counts" in getattr(_CountedDual, name).__code__.co_names
    assert "counts" not in getattr(ad.Var, name).__code__.co_names
