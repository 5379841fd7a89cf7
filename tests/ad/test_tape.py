"""The tape: what it records, what a sweep leaves in it, what it weighs, and how it goes."""

import gc
import math
import threading
import tracemalloc

import pytest

import ad
from ad import tape as tape_module
from ad.tape import Nodes, collector_paused


def recorded():
    """The worked example e = (a + b) (b + 1) at a = 2, b = 1."""
    tape = ad.Tape()
    a, b = tape.input(2.0), tape.input(1.0)
    c, d = a + b, b + 1
    return tape, (a, b, c, d, c * d)


@pytest.fixture
def collector():
    """A clean start for counting garbage; the collector's state is put back."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    yield
    (gc.enable if was_enabled else gc.disable)()


# ---- recording ------------------------------------------------------------------------------------------------------


def test_nodes_are_listed_in_the_order_they_were_computed():
    tape, (a, b, c, d, e) = recorded()
    assert [id(node) for node in tape.nodes] == [id(node) for node in (c, d, e)]
    assert [id(node) for node in tape.inputs] == [id(node) for node in (a, b)]
    assert len(tape) == 3
    assert [node.op for node in (a, b, c, d, e)] == ["input", "input", "add", "add", "mul"]
    assert [node.primal for node in (a, b, c, d, e)] == [2.0, 1.0, 3.0, 2.0, 6.0]


def test_a_node_keeps_its_operands_and_partials():
    _, (_, b, c, d, e) = recorded()
    assert e.x is c
    assert e.y is d
    assert (e.dx, e.dy) == (2.0, 3.0)
    assert d.x is b
    assert (d.dx, d.y, d.dy) == (1.0, 1, None)


def test_a_passive_operand_has_no_partial():
    tape = ad.Tape()
    x = tape.input(2.0)
    left, right, alone = x - 3.0, 3.0 / x, ad.exp(x)
    assert left.x is x
    assert (left.dx, left.y, left.dy) == (1.0, 3.0, None)
    assert right.y is x
    assert (right.x, right.dx, right.dy) == (3.0, None, -0.75)
    assert alone.x is x
    assert (alone.dx, alone.y, alone.dy) == (math.exp(2.0), None, None)


def test_an_op_at_a_point_where_math_raises_is_recorded_like_any_other():
    tape = ad.Tape()
    x = tape.input(0.0)
    root, log, inverse = ad.sqrt(x), ad.log(x), 1.0 / x
    assert [id(node) for node in tape.nodes] == [id(node) for node in (root, log, inverse)]
    assert [node.op for node in tape.nodes] == ["sqrt", "log", "div"]
    assert [node.primal for node in tape.nodes] == [0.0, -math.inf, math.inf]
    assert (root.dx, log.dx, inverse.dy) == (math.inf, math.inf, -math.inf)


def test_a_scalar_where_records_nothing():
    tape = ad.Tape()
    x, y = tape.input(2.0), tape.input(3.0)
    assert ad.where(x > y, x, y) is y
    assert len(tape) == 0


def test_two_tapes_do_not_mix():
    outer, inner = ad.Tape(), ad.Tape()
    x, y = outer.input(2.0), inner.input(3.0)
    for out in (x * y, y * x):
        assert inner.owns(out)
        assert not outer.owns(out)
        inner.sweep(out)
        assert outer.owns(y.adjoint)
        assert y.adjoint.primal == 2.0
    assert [node.op for node in inner.nodes] == ["mul", "mul"]
    assert x.adjoint == 0.0


def test_repr():
    tape, (a, *_, e) = recorded()
    tape.sweep(e)
    assert repr(a) == "Var(2.0, op='input', adjoint=2.0)"


# ---- sweeping -------------------------------------------------------------------------------------------------------


def test_a_sweep_leaves_the_adjoint_of_every_node():
    tape, nodes = recorded()
    tape.sweep(nodes[-1])
    assert [node.adjoint for node in nodes] == [2.0, 5.0, 2.0, 3.0, 1.0]


def test_sweeps_can_be_repeated_from_any_node():
    tape, nodes = recorded()
    *_, d, e = nodes
    for _ in range(3):
        tape.sweep(e)
        assert [node.adjoint for node in nodes] == [2.0, 5.0, 2.0, 3.0, 1.0]
        tape.sweep(d)
        assert [node.adjoint for node in nodes] == [0.0, 1.0, 0.0, 1.0, 0.0]
        tape.sweep(nodes[0])
        assert [node.adjoint for node in nodes] == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_a_recording_goes_on_after_a_sweep():
    tape, nodes = recorded()
    tape.sweep(nodes[-1])
    f = nodes[-1] * nodes[0]
    tape.sweep(f)
    assert [node.adjoint for node in (*nodes, f)] == [2.0 * 2 + 6, 10.0, 4.0, 6.0, 2.0, 1.0]


def test_a_cotangent_seeds_the_sweep():
    tape, nodes = recorded()
    tape.sweep(nodes[-1], -10.0)
    assert [node.adjoint for node in nodes] == [-20.0, -50.0, -20.0, -30.0, -10.0]


def test_many_outputs_in_one_sweep():
    tape, (a, b, c, d, e) = recorded()
    for _ in range(2):
        with ad.count() as counts:
            assert tape.pull([(e, 1.0), (d, 100.0), (d, 1000.0)]) == [2.0, 1105.0]
        assert counts.reverse_sweeps == 1
        tape.sweep(c)  # leaves adjoints in the nodes, of which the next pull must see nothing
        assert [node.adjoint for node in (a, b, c, d, e)] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert tape.pull([(a, 3.0)]) == [3.0, 0.0]
    assert tape.pull([(e, 0.0)]) == [0.0, 0.0]


def test_a_node_used_often_is_visited_once_after_all_its_users():
    tape = ad.Tape()
    a = tape.input(3.0)
    b = a + a
    c = b + b
    with ad.count() as counts:
        tape.sweep(c)
    assert (a.adjoint, b.adjoint, c.adjoint) == (4.0, 2.0, 1.0)
    assert counts.ops == 2


def test_only_nodes_of_the_tape_can_be_swept_from():
    tape, _ = recorded()
    other, nodes = recorded()
    assert other.owns(nodes[0])
    with pytest.raises(
        ValueError, match=r"^output: got Var\(6.0, op='mul', adjoint=0.0\), expected a node of this tape$"
    ):
        tape.sweep(nodes[-1])
    with pytest.raises(ValueError, match=r"^output: got 6.0, expected a node of this tape$"):
        tape.sweep(6.0)


def test_only_numbers_can_be_inputs():
    with pytest.raises(TypeError, match=r"^primal: got str, expected a real number$"):
        ad.Tape().input("1")
    assert type(ad.Tape().input(1).primal) is float


def test_a_tape_that_is_not_made_raises_one_error_only():
    with pytest.raises(TypeError):
        ad.Tape(True)
    gc.collect()  # what __del__ raises is an error of its own in these tests


def test_a_value_of_a_later_derivative_cannot_be_an_input():
    tape = ad.Tape()
    message = "^primal: got a {} of a derivative begun after this tape, expected a number or a value of an earlier one$"
    with pytest.raises(ValueError, match=message.format("Dual")):
        ad.jvp(lambda x: tape.input(x), (1.0,), (1.0,))
    with pytest.raises(ValueError, match=message.format("Var")):
        tape.input(ad.Tape().input(1.0))
    with pytest.raises(ValueError, match=message.format("Var")):
        tape.input(tape.input(1.0))


# ---- a long tape ----------------------------------------------------------------------------------------------------

N = 1_000_000


def test_a_chain_of_a_million_ops_is_recorded_swept_and_freed(collector):
    def chain(x):
        for _ in range(N // 2):
            x = x * 0.999 + 1e-3
        return x

    value, slope = ad.value_and_grad(chain)(0.5)
    assert value == pytest.approx(1.0)
    assert slope == pytest.approx(0.999 ** (N // 2), rel=1e-9, abs=0.0)
    assert gc.collect() == 0


def test_a_node_that_outlives_its_long_tape_is_freed_without_recursion():
    def record():
        tape = ad.Tape()
        x = tape.input(1.0)
        for _ in range(N // 5):
            x = -x
        return x

    last = record()
    assert (last.op, last.primal) == ("neg", 1.0)
    del last


def bytes_of(record):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tape = record()
        held = tracemalloc.get_traced_memory()[0] - before
        return tape, held
    finally:
        tracemalloc.stop()


def chain_of(n):
    tape = ad.Tape()
    x = [tape.input(0.5 + 0.3 * math.sin(k)) for k in range(n)]
    acc = x[0]
    for v in x:
        acc = ad.sin(acc) * v + v * v
    tape.sweep(acc)
    return tape


def test_memory_per_op():
    # Everything a reverse gradient holds at its peak: nodes, inputs, all their numbers, after the sweep.
    tape, held = bytes_of(lambda: chain_of(5_000))
    assert len(tape) == 20_000
    assert held / len(tape) <= 400


def test_nbytes_is_what_the_tape_holds():
    tape, held = bytes_of(lambda: chain_of(2_000))
    assert tape.nbytes == pytest.approx(held, rel=0.1)
    assert ad.Tape().nbytes < 1_000


# ---- garbage --------------------------------------------------------------------------------------------------------


def fails(x):
    raise ArithmeticError(x * x)


def caught(call):
    try:
        call()
    except ArithmeticError:
        return
    pytest.fail("no error")


@pytest.mark.parametrize(
    "use",
    [
        lambda: ad.grad(lambda x: ad.sin(x) * x)(1.0),
        lambda: ad.vjp(lambda x: ad.sin(x) * x, 1.0)[1](1.0),
        lambda: ad.vjp(lambda x: ad.sin(x) * x, 1.0),
        lambda: ad.jacrev(lambda x: [x * x, x])(1.0),
        lambda: ad.hessian(lambda v: v[0] * v[0] * v[1])([1.0, 2.0]),
        lambda: ad.grad(ad.grad(lambda x: x**3))(1.0),
        lambda: ad.jvp(lambda x: ad.sqrt(x) * 0.0, (0.0,), (1.0,)),
        lambda: recorded(),
        lambda: caught(lambda: ad.grad(fails)(1.0)),
        lambda: caught(lambda: ad.vjp(fails, 1.0)),
        lambda: caught(lambda: ad.grad(ad.grad(fails))(1.0)),
    ],
)
def test_nothing_is_left_to_the_garbage_collector(use, collector):
    use()
    gc.collect()  # what a first call may leave behind, caches and the like
    use()
    assert gc.collect() == 0


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_paused_while_recording_and_then_as_it_was(enabled, collector):
    (gc.enable if enabled else gc.disable)()
    seen = []

    def f(x):
        seen.append(gc.isenabled())
        return x * x

    for call in (lambda: ad.grad(f)(1.0), lambda: ad.vjp(f, 1.0)[1](1.0), lambda: ad.jacrev(ad.jacrev(f))(1.0)):
        call()
        assert gc.isenabled() is enabled
    assert not any(seen)
    for call in (lambda: ad.grad(fails)(1.0), lambda: ad.vjp(fails, 1.0), lambda: ad.grad(ad.grad(fails))(1.0)):
        caught(call)
        assert gc.isenabled() is enabled


def test_the_last_of_several_recordings_brings_the_collector_back(collector):
    gc.enable()
    first, second = collector_paused(), collector_paused()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()
    assert tape_module._pauses.count == 0


# ---- threads --------------------------------------------------------------------------------------------------------


def test_threads_record_on_tapes_of_their_own(collector):
    gc.enable()
    results, barrier = {}, threading.Barrier(4)

    def work(k):
        barrier.wait()
        tape = ad.Tape()
        x = y = tape.input(1.0 + k)
        for _ in range(300):
            y = ad.sin(y) + x
        tape.sweep(y)
        gradient = ad.grad(lambda x: ad.exp(x) * x)(float(k))
        results[k] = len(tape), all(node.tape is tape.nodes for node in tape.nodes), tape.nodes.level, gradient

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 1, 2, 3]
    assert all(results[k][:2] == (600, True) for k in range(4))
    assert len({level for _, _, level, _ in results.values()}) == 4
    assert [results[k][3] for k in range(4)] == [pytest.approx(math.exp(k) * (k + 1)) for k in range(4)]
    assert gc.isenabled()


def test_an_unobserved_tape_is_a_plain_list_of_nodes():
    assert type(ad.Tape().nodes) is Nodes
    assert "append" not in vars(Nodes)
