"""The worked examples of ad/README.md, each against the value worked out by hand."""

import ad


def test_one_graph_two_sweeps():
    tape = ad.Tape()
    a, b = tape.input(2.0), tape.input(1.0)
    c, d = a + b, b + 1
    e = c * d
    tape.sweep(e)
    assert e.primal == 6.0
    assert [node.adjoint for node in (a, b, c, d, e)] == [2.0, 5.0, 2.0, 3.0, 1.0]
    assert [path.product for path in ad.enumerate_paths(tape, b, e)] == [1.0 * 2.0, 1.0 * 3.0]
    assert ad.sum_over_paths(tape, a, e) == 2.0


def test_one_reverse_sweep_gives_what_forward_takes_two_for():
    def f(x):
        return (x[0] + x[1]) * (x[1] + 1)

    with ad.count() as forward:
        assert ad.jacfwd(f)([2.0, 1.0]) == [2.0, 5.0]
    with ad.count() as reverse:
        assert ad.grad(f)([2.0, 1.0]) == [2.0, 5.0]
    assert (forward.forward_sweeps, forward.reverse_sweeps) == (2, 0)
    assert (reverse.forward_sweeps, reverse.reverse_sweeps) == (0, 1)


def test_chain_rule():
    def h(x):
        g = -2 * x + 5
        return 6 * g + 3

    for x in (-3.0, 0.0, 1.0):
        assert ad.value_and_grad(h)(x) == (-12.0 * x + 33.0, -12.0)
        assert ad.jvp(h, (x,), (1.0,)) == (-12.0 * x + 33.0, -12.0)


def test_sum_rule():
    def y(x):
        return x**2 + 3 * x + 2

    assert ad.value_and_grad(y)(2.0) == (12.0, 7.0)
    assert ad.jacfwd(y)(2.0) == 7.0


def stage(x, weights):
    total = weights[0] * x
    for w in weights[1:]:
        total = total + w * x
    return total


def test_nine_products_of_two_are_one_product_of_two_sums():
    tape = ad.Tape()
    x = tape.input(1.0)
    z = stage(stage(x, [1.0, 2.0, 3.0]), [4.0, 5.0, 6.0])
    products = [path.product for path in ad.enumerate_paths(tape, x, z)]
    assert sorted(products) == sorted(p * q for p in (1, 2, 3) for q in (4, 5, 6))
    assert sum(products) == (1 + 2 + 3) * (4 + 5 + 6)
    tape.sweep(z)
    assert x.adjoint == 90.0


def test_paths_explode_while_ops_grow_linearly():
    for stages in (1, 2, 20, 40):
        tape = ad.Tape()
        x = z = tape.input(1.0)
        for _ in range(stages):
            z = stage(z, [0.5, 0.25, 0.25])
        assert ad.count_paths(tape, x, z) == 3**stages
        assert len(tape) == 5 * stages
        with ad.count() as counts:
            tape.sweep(z)
        assert counts.ops == 5 * stages
        assert x.adjoint == 1.0
