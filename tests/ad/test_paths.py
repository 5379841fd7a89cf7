"""The naive rule: against the sweeps, on random graphs, and its limit."""

import random

import pytest

import ad


def random_graph(seed, n_ops=25):
    rng = random.Random(seed)
    tape = ad.Tape()
    nodes = [tape.input(rng.uniform(0.5, 1.5)) for _ in range(3)]
    for _ in range(n_ops):
        x, y = rng.choice(nodes[-6:]), rng.choice(nodes[-6:])
        nodes.append(rng.choice([lambda x, y: x * y, lambda x, y: x - y, lambda x, _: ad.sin(x)])(x, y))
    return tape, nodes


@pytest.mark.parametrize("seed", range(30))
def test_sum_over_paths_is_the_adjoint(seed):
    tape, nodes = random_graph(seed)
    output = nodes[-1]
    tape.sweep(output)
    for node in nodes[:-1]:
        found = list(ad.enumerate_paths(tape, node, output))
        assert len(found) == ad.count_paths(tape, node, output)
        scale = sum(abs(path.product) for path in found)
        assert sum(path.product for path in found) == pytest.approx(node.adjoint, abs=1e-12 * scale, rel=0)
        assert all(path.nodes[0] is node and path.nodes[-1] is output for path in found)
        assert all(len(path.partials) == len(path.nodes) - 1 for path in found)


def test_both_edges_of_one_operand_count():
    tape = ad.Tape()
    x = tape.input(3.0)
    y = x * x
    assert [path.partials for path in ad.enumerate_paths(tape, x, y)] == [(3.0,), (3.0,)]
    assert ad.sum_over_paths(tape, x, y) == 6.0


def test_a_node_reaches_itself_by_the_empty_path():
    tape = ad.Tape()
    x = tape.input(3.0)
    (path,) = ad.enumerate_paths(tape, x, x)
    assert (path.nodes, path.partials, path.product) == ((x,), (), 1.0)


def test_no_path():
    tape = ad.Tape()
    x, y = tape.input(3.0), tape.input(4.0)
    z = ad.sin(y)
    assert ad.count_paths(tape, x, z) == 0
    assert ad.sum_over_paths(tape, x, z) == 0.0


def test_too_many_paths_are_counted_and_refused():
    tape = ad.Tape()
    x = y = tape.input(1.0)
    for _ in range(200):
        y = y + y
    assert ad.count_paths(tape, x, y) == 2**200
    with pytest.raises(ad.TooManyPathsError, match=f"there are {2**200:,} paths, expected at most 100,000") as caught:
        ad.enumerate_paths(tape, x, y)
    assert caught.value.count == 2**200
    with pytest.raises(ad.TooManyPathsError, match="expected at most 8"):
        ad.sum_over_paths(tape, x, tape.nodes[3], limit=8)
    assert ad.sum_over_paths(tape, x, tape.nodes[3], limit=16) == 16.0


def test_a_long_chain_needs_no_recursion():
    tape = ad.Tape()
    x = y = tape.input(0.5)
    for _ in range(100_000):
        y = y + 1.0
    assert ad.sum_over_paths(tape, x, y) == 1.0


def test_foreign_nodes_are_refused():
    tape, other = ad.Tape(), ad.Tape()
    x, z = tape.input(1.0), other.input(1.0)
    with pytest.raises(ValueError, match=r"source: got Var.*expected a node of the tape"):
        ad.count_paths(tape, z, x)
    with pytest.raises(ValueError, match=r"output: got 3.0, expected a node of the tape"):
        ad.sum_over_paths(tape, x, 3.0)
