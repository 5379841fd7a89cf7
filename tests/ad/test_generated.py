"""The generated methods: readable in tracebacks, and no op does more than its partials ask for."""

import dis
import doctest
import linecache
import traceback

import pytest

import ad
from ad import methods
from ad.dual import _Dual
from ad.methods import source
from ad.ops import OPS

METHODS = [
    getattr(cls, name)
    for cls in (_Dual, ad.Var)
    for row in OPS.values()
    if row.name != "where"
    for name in ([row.name] if len(row.params) == 1 else [row.name, f"_r{row.name}"])
]


def multiplications(method) -> int:
    return sum(i.opname == "BINARY_OP" and i.argrepr == "*" for i in dis.get_instructions(method))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__code__.co_filename)
def test_each_method_has_a_source_of_its_own(method):
    linecache.checkcache()
    assert source(method).startswith(f"def {method.__name__}(")


def test_the_multiplications_shown_in_the_documentation_are_those_generated():
    result = doctest.testmod(methods, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted == 4
    assert not result.failed


def test_no_two_generated_functions_share_a_title():
    titles = [method.__code__.co_filename for method in METHODS]
    assert len(set(titles)) == len(titles)
    floats, public = ad.FLOATS.sigmoid.__code__.co_filename, ad.sigmoid.__code__.co_filename
    assert floats != public
    assert "exp(-abs(x))" in "".join(linecache.getlines(floats))
    assert "isinstance(x, Active)" in "".join(linecache.getlines(public))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: ad.hypot(ad.Dual(1.0, 1.0), "a"), 'return hypot(x, real("hypot: y", y))'),
        (lambda: ad.grad(lambda x: x * 10**400)(1.0), "out = xp * yp"),
        (lambda: ad.FLOATS.sigmoid("a"), "return (1.0 if x >= 0.0 else exp(x)) / (1.0 + exp(-abs(x)))"),
    ],
)
def test_a_traceback_shows_the_generated_line(call, line):
    with pytest.raises((TypeError, OverflowError)) as caught:
        call()
    assert line in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["add", "sub", "neg"])
def test_a_partial_of_one_or_minus_one_costs_no_multiplication(name):
    assert multiplications(getattr(_Dual, name)) == 0
    assert multiplications(getattr(ad.Var, name)) == 0


def test_a_multiplication_with_a_constant_carries_no_zero_tangent():
    assert multiplications(_Dual._rmul) == 2  # the value, and one product for the one active operand
    assert "x.tangent" not in source(_Dual._rmul)
    assert multiplications(_Dual.mul) == 3 + 2  # with both operands active, and with the left one


def test_a_partial_of_zero_costs_nothing():
    assert multiplications(_Dual.sign) == 0
    assert "dual.tangent = 0.0" in source(_Dual.sign)
    assert ad.jvp(ad.sign, (2.0,), (3.0,)) == (1.0, 0.0)


def test_recording_multiplies_nothing_but_partials():
    # A reverse mode keeps the partials of a product, its operands, and multiplies in the sweep.
    assert multiplications(ad.Var.mul) == 2  # the value, once with both operands active and once with the left one


def test_rows_of_operators_alone_do_not_check_for_floats():
    for name in ("add", "sub", "mul", "neg", "square"):
        assert "is float:" not in source(getattr(_Dual, name)).replace("elif kind is float or kind is int:", "")
    assert "if type(xp) is float:" in source(_Dual.sin)


def test_every_op_documents_itself():
    for row in OPS.values():
        assert row.name == "where" or row.value.text in getattr(ad, row.name).__doc__
        assert getattr(ad, row.name).__doc__
        assert row.name in ad.__all__
