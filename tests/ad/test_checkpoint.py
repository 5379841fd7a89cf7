"""Checkpointing: the schedule against a dynamic program, the gradients against the plain reverse sweep."""

import functools

import numpy as np
import pytest

import ad


@functools.cache
def fewest(n_steps, snapshots):
    """The optimum by trying every place for the second snapshot."""
    if n_steps == 1:
        return 0
    if snapshots == 1:
        return n_steps * (n_steps - 1) // 2
    return min(k + fewest(n_steps - k, snapshots - 1) + fewest(k, snapshots) for k in range(1, n_steps))


@pytest.mark.parametrize("snapshots", range(1, 11))
def test_the_closed_form_is_the_optimum(snapshots):
    for n_steps in range(1, 61):
        assert ad.optimal_advances(n_steps, snapshots) == fewest(n_steps, snapshots)


@pytest.mark.parametrize("snapshots", [*range(1, 11), 59, 60, 100])
def test_the_schedule_sweeps_every_step_once_at_the_optimal_cost(snapshots):
    for n_steps in range(1, 61):
        here, advances, recorded, kept, peak = 0, 0, [], [], 0
        for kind, step in ad.checkpoint_schedule(n_steps, snapshots):
            if kind == "advance":
                assert step > here
                advances += step - here
                here = step
            elif kind == "store":
                assert step == here
                kept.append(step)
                peak = max(peak, len(kept))
            elif kind == "restore":
                assert step == kept[-1]
                here = step
            elif kind == "free":
                assert step == kept.pop()
            else:
                assert kind == "record"
                assert step == here
                recorded.append(step)
        assert recorded == list(reversed(range(n_steps)))
        assert advances == ad.optimal_advances(n_steps, snapshots)
        assert peak <= snapshots
        assert kept == []


def swing(k, state, params):
    """A driven pendulum, one explicit step; the drive depends on the time."""
    (angle, speed), work = state
    damping, drive = params
    pull = -ad.sin(angle) - damping * speed + drive * (0.1 * k)
    return (angle + 0.05 * speed, speed + 0.05 * pull), work + pull * speed


def far(state, params):
    (angle, speed), work = state
    return angle * angle + speed * params[0] + work


START, PARAMS = ((0.3, -0.2), 0.0), [0.1, 0.4]


def plain(n_steps):
    def f(state, params):
        for k in range(n_steps):
            state = swing(k, state, params)
        return far(state, params)

    return ad.value_and_grad(f, argnums=(0, 1))


def leaves(tree):
    return [tree] if isinstance(tree, float) else [x for child in tree for x in leaves(child)]


@pytest.mark.parametrize("snapshots", [1, 2, 3, 5, 39, 40, 1000])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 40])
def test_the_gradient_is_the_plain_one(n_steps, snapshots):
    value, gradient = ad.checkpointed_value_and_grad(swing, far, n_steps=n_steps, snapshots=snapshots)(START, PARAMS)
    expected, expected_gradient = plain(n_steps)(START, PARAMS)
    assert value == expected
    assert leaves(gradient) == pytest.approx(leaves(expected_gradient), rel=1e-12)
    (state, params) = gradient
    assert isinstance(state, tuple)
    assert isinstance(state[0], tuple)
    assert isinstance(params, list)


def test_what_is_counted_is_what_is_executed():
    calls = []

    def step(k, state):
        calls.append(k)
        return ad.sin(state) + state

    with ad.count() as counts:
        ad.checkpointed_value_and_grad(step, lambda state: state * state, n_steps=50, snapshots=4)(0.1)
    assert counts.advances == ad.optimal_advances(50, 4) == 4 * 50 - 56
    assert len(calls) == 144 + 50
    assert counts.reverse_sweeps == 50
    assert counts.ops == 2 * (50 * 2 + 1)


def test_the_tape_holds_one_step_at_a_time_and_no_more_states_than_allowed(monkeypatch):
    lengths = []
    sweep = ad.Tape.pull
    monkeypatch.setattr(ad.Tape, "pull", lambda self, seeds: (lengths.append(len(self)), sweep(self, seeds))[1])
    flatten = ad.checkpoint.flatten

    class Snapshot(list):
        alive = peak = 0

        def __init__(self, *args):
            super().__init__(*args)
            Snapshot.alive += 1
            Snapshot.peak = max(Snapshot.peak, Snapshot.alive)

        def __del__(self):
            Snapshot.alive -= 1

    def watched(name, tree):
        found, shape = flatten(name, tree)
        return (Snapshot(found), shape) if name == "state" else (found, shape)

    monkeypatch.setattr(ad.checkpoint, "flatten", watched)
    ad.checkpointed_value_and_grad(lambda k, x: ad.sin(x), lambda x: x * x, n_steps=100, snapshots=7)(0.1)
    assert lengths == [2, *[1] * 99]
    assert Snapshot.peak == 7


def test_many_steps_need_no_recursion():
    n_steps = 30_000
    step = lambda k, x, a: a * x + 1e-6 * (1.0 - x)  # noqa: E731
    _, (by_state, by_a) = ad.checkpointed_value_and_grad(step, lambda x, a: x, n_steps=n_steps, snapshots=100)(1.0, 1.0)
    q = 1.0 - 1e-6
    assert by_state == pytest.approx(q**n_steps, rel=1e-10)
    # With the start at the fixed point 1, dx_k/da = (1 - q**k) / (1 - q).
    assert by_a == pytest.approx((1 - q**n_steps) / 1e-6, rel=1e-9)


def test_states_may_change_their_shape_and_steps_their_lists():
    def widen(k, state):
        state[0] = ad.sin(state[0])  # changes the list it was given
        return [*state, state[-1] * state[0]]

    def f(x):
        for k in range(9):
            x = widen(k, x)
        return x[-1] + x[0]

    start = [0.7]
    checkpointed = ad.checkpointed_value_and_grad(widen, lambda x: x[-1] + x[0], n_steps=9, snapshots=2)
    value, (gradient,) = checkpointed(start)
    expected, expected_gradient = ad.value_and_grad(f)([0.7])
    assert start == [0.7]
    assert value == expected
    assert gradient == pytest.approx(expected_gradient, rel=1e-12)


@pytest.mark.parametrize("snapshots", [1, 3, 12])
def test_states_of_arrays_survive_steps_that_write_into_them(snapshots):
    matrix = np.random.default_rng(0).standard_normal((5, 5)) / 4

    def swirl(k, state, drive):
        x, cost = state["x"], state["cost"]
        x += 0.1 * np.tanh(matrix @ x + k * drive)  # in place, where x is a plain array
        return {"x": x, "cost": cost + np.sum(x * x)}

    def f(state, drive):
        for k in range(12):
            state = swirl(k, state, drive)
        return state["cost"]

    def start():
        return {"x": np.linspace(0.1, 1.0, 5), "cost": 0.0}

    drive, given = np.linspace(-1.0, 1.0, 5), start()
    checkpointed = ad.checkpointed_value_and_grad(swirl, lambda s, _: s["cost"], n_steps=12, snapshots=snapshots)
    value, (by_state, by_drive) = checkpointed(given, drive)
    expected, (by_state_plain, by_drive_plain) = ad.value_and_grad(f, argnums=(0, 1))(start(), drive)
    assert value == expected
    np.testing.assert_array_equal(given["x"], start()["x"])
    np.testing.assert_allclose(by_state["x"], by_state_plain["x"], rtol=1e-12)
    np.testing.assert_allclose(by_drive, by_drive_plain, rtol=1e-12)


@pytest.mark.parametrize("outer", [ad.jacfwd, ad.jacrev])
def test_it_can_be_differentiated_again(outer):
    checkpointed = ad.checkpointed_value_and_grad(lambda k, x, a: ad.sin(a * x), lambda x, a: x, n_steps=6, snapshots=2)

    def f(a):
        x = 0.5
        for _ in range(6):
            x = ad.sin(a * x)
        return x

    assert outer(lambda a: checkpointed(0.5, a)[1][1])(1.3) == pytest.approx(ad.hessian(f)(1.3), rel=1e-12)


@pytest.mark.parametrize(
    ("n_steps", "snapshots", "error", "message"),
    [
        (0, 3, ValueError, "n_steps: got 0, expected a positive int"),
        (5, -1, ValueError, "snapshots: got -1, expected a positive int"),
        (5.0, 3, TypeError, "n_steps: got float, expected a positive int"),
        (5, True, TypeError, "snapshots: got bool, expected a positive int"),
    ],
)
def test_bad_numbers_are_refused_at_once(n_steps, snapshots, error, message):
    for refuse in (ad.optimal_advances, ad.checkpoint_schedule):
        with pytest.raises(error, match=f"^{message}$"):
            refuse(n_steps, snapshots)
    with pytest.raises(error, match=f"^{message}$"):
        ad.checkpointed_value_and_grad(swing, far, n_steps=n_steps, snapshots=snapshots)


def test_bad_states_and_losses_are_refused():
    def run(step, loss, state):
        return ad.checkpointed_value_and_grad(step, loss, n_steps=3, snapshots=2)(state)

    with pytest.raises(TypeError, match=r"^loss: its output is a list of 1 number, expected a single number$"):
        run(lambda k, x: x, lambda x: [x], 1.0)
    with pytest.raises(TypeError, match=r"^loss: its output is a NumPy array of shape \(2,\), expected a single"):
        run(lambda k, x: x, lambda x: x, np.ones(2))
    with pytest.raises(TypeError, match=r"^state\[1\]: got str, expected a real number$"):
        run(lambda k, x: x, lambda x: x[0], [1.0, "2"])
    with pytest.raises(TypeError, match=r"got NoneType, expected a real number$"):
        run(lambda k, x: None, lambda x: x, 1.0)
