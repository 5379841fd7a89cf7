"""Every row of the op set, against 50-digit derivatives that know nothing of it; and no row can be wrong unseen."""

import dataclasses
import functools
import itertools
import math
import operator
import random
from contextlib import contextmanager

import mpmath
import pytest
from mpmath import mp

import ad
from ad import dual, ops, scalars, tape
from ad.active import bind
from ad.expressions import Expression
from ad.ops import OPS, Op, RowError

# Written from the definition of each function, not from the rows.
MPMATH = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": mp.power,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "abs": lambda x: x if x > 0 else -x,
    "sign": mp.sign,
    "sqrt": mp.sqrt,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "exp": mp.exp,
    "expm1": lambda x: mp.exp(x) - 1,
    "exp2": lambda x: mp.power(2, x),
    "log": mp.log,
    "log1p": lambda x: mp.log(1 + x),
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "relu": lambda x: max(x, mp.mpf(0)),
    "erf": mp.erf,
    "hypot": lambda x, y: mp.sqrt(x**2 + y**2),
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "maximum": max,
    "minimum": min,
    "where": lambda c, x, y: x if c else y,
}

ARITHMETIC = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": operator.pow,
    "abs": abs,
}

ROWS = [row for row in OPS.values() if row.name != "where"]  # a scalar `where` selects and records nothing
EVERY_ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
POINTS = 5


def independent(name: str):
    if name not in MPMATH:
        pytest.fail(f"op {name!r} has no independent definition; add one to MPMATH in {__file__}")
    return MPMATH[name]


def points(row: Op) -> list[tuple[float, ...]]:
    """Points of a row's domain, the same in every run, with each interval of each operand visited."""
    rng = random.Random(row.name)
    intervals = [row.domain[p] for p in row.operands]
    corners = itertools.product(*intervals)
    return [tuple(rng.uniform(*i) for i in choice) for choice in itertools.islice(itertools.cycle(corners), POINTS)]


@functools.cache
def exact(name: str, point: tuple[float, ...], orders: tuple[int, ...]) -> float:
    """The value of a derivative to 50 digits, rounded once."""
    with mp.workdps(50):
        f, at = independent(name), tuple(mp.mpf(x) for x in point)
        if not any(orders):
            return float(f(*at))
        return float(mpmath.diff(f, at, orders) if len(at) > 1 else mpmath.diff(f, at[0], orders[0]))


def unit(k: int, n: int) -> tuple[int, ...]:
    return tuple(int(j == k) for j in range(n))


def assert_close(got: float, want: float, tolerance: float, what: str) -> None:
    assert type(got) is float, f"{what}: got a {type(got).__name__}"
    assert abs(got - want) <= tolerance * abs(want) + 1e-30, f"{what}: got {got!r}, expected {want!r}"


# ---- one check, for the rows as they are and for rows broken on purpose ---------------------------------------------


def forward(f, active: list[float]) -> tuple[float, list[float]]:
    sweeps = [ad.jvp(f, tuple(active), unit(k, len(active))) for k in range(len(active))]
    return sweeps[0][0], [tangent for _, tangent in sweeps]


def observed(f, active: list[float]) -> tuple[float, list[float]]:
    with ad.count():
        return forward(f, active)


def by_hand(f, active: list[float]) -> tuple[float, list[float]]:
    sweeps = [f(*(ad.Dual(x, float(j == k)) for j, x in enumerate(active))) for k in range(len(active))]
    return sweeps[0].primal, [out.tangent for out in sweeps]


def reverse(f, active: list[float]) -> tuple[float, list[float]]:
    value, pullback = ad.vjp(f, *active)
    return value, list(pullback(1.0))


MODES = {"forward": forward, "observed": observed, "by hand": by_hand, "reverse": reverse}


def check_row(row: Op, mode: str) -> None:
    """Value and partials of a row in one mode: in each form, with each set of operands active, at points of its domain.

    Raises:
        AssertionError: one of them is further from the independent one than the row's tolerance.
    """
    forms = [getattr(ad, row.name)] + ([ARITHMETIC[row.name]] if row.name in ARITHMETIC else [])
    n = len(row.operands)
    for form, point in itertools.product(forms, points(row)):
        for active in [(0,)] if n == 1 else [(0, 1), (0,), (1,)]:

            def f(*values: float, form=form, point=point, active=active):
                full = list(point)
                for k, value in zip(active, values, strict=True):
                    full[k] = value
                return form(*full)

            value, partials = MODES[mode](f, [point[k] for k in active])
            where = f"{row.name}{point}, active {[row.operands[k] for k in active]}"
            assert_close(value, exact(row.name, point, (0,) * n), row.tolerance, where)
            for k, partial in zip(active, partials, strict=True):
                assert_close(partial, exact(row.name, point, unit(k, n)), row.tolerance, f"{where}, partial {k}")


def check_selection(row: Op) -> None:
    """The partials of `where`, which eager scalars never ask for but arrays and compiled sweeps do."""
    for c, k in itertools.product((True, False), range(2)):
        partial = eval(row.partials[k].python(), {"c": c, "x": 2.0, "y": 3.0, "out": 2.0 if c else 3.0})
        assert_close(partial, exact("where", (c, 2.0, 3.0), (0, *unit(k, 2))), row.tolerance, f"where({c}), {k}")


# ---- the rows as they are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@EVERY_ROW
def test_value_and_partials(row, mode):
    check_row(row, mode)


@EVERY_ROW
def test_value_on_plain_floats(row):
    for point in points(row):
        want = exact(row.name, point, (0,) * len(point))
        assert_close(getattr(ad, row.name)(*point), want, row.tolerance, row.name)
        assert_close(getattr(ad.FLOATS, row.name)(*point), want, row.tolerance, row.name)


@pytest.mark.parametrize("c", [True, False])
def test_where_selects(c):
    assert ad.where(c, 2.0, 3.0) == ad.FLOATS.where(c, 2.0, 3.0) == exact("where", (c, 2.0, 3.0), (0, 0, 0))
    assert ad.jacfwd(lambda x: ad.where(c, x[0], x[1]))([2.0, 3.0]) == [float(c), float(not c)]
    assert ad.jacrev(lambda x: ad.where(c, x[0], x[1]))([2.0, 3.0]) == [float(c), float(not c)]
    check_selection(OPS["where"])


def test_every_op_has_an_independent_definition():
    assert set(OPS) == set(MPMATH), "write an independent definition for each op in MPMATH, and only for ops"


def test_a_new_op_without_an_independent_definition_fails():
    with pytest.raises(pytest.fail.Exception, match="op 'new' has no independent definition; add one to MPMATH"):
        exact("new", (1.0,), (0,))


@EVERY_ROW
def test_the_modes_are_transposes(row):
    # <cotangent, J tangent> = <J' cotangent, tangent>: no truncation error, so rounding is all that may differ.
    rng = random.Random(row.name)
    f = getattr(ad, row.name)
    for point in points(row):
        tangents = tuple(rng.uniform(-2.0, 2.0) for _ in point)
        cotangent = rng.uniform(0.5, 2.0)
        pushed = cotangent * ad.jvp(f, point, tangents)[1]
        pulled = [ct * t for ct, t in zip(ad.vjp(f, *point)[1](cotangent), tangents, strict=True)]
        assert abs(pushed - sum(pulled)) <= 1e-15 * (abs(pushed) + sum(map(abs, pulled)))


def push(f, k):
    return lambda *xs: ad.jvp(f, xs, unit(k, len(xs)))[1]


def pull(f, k):
    return lambda *xs: ad.grad(f, argnums=k)(*xs)


@pytest.mark.parametrize("outer", [push, pull])
@pytest.mark.parametrize("inner", [push, pull])
@EVERY_ROW
def test_second_derivatives(row, inner, outer):
    f, n = getattr(ad, row.name), len(row.operands)
    for point in points(row)[:3]:
        for j, k in itertools.product(range(n), repeat=2):
            orders = tuple(a + b for a, b in zip(unit(j, n), unit(k, n), strict=True))
            want = exact(row.name, point, orders)
            got = outer(inner(f, j), k)(*point)
            # Second partials may cancel, so the error is measured against the first ones too.
            scale = max(abs(want), *(abs(exact(row.name, point, unit(i, n))) for i in range(n)), 1e-3)
            assert abs(got - want) <= 20 * row.tolerance * scale, f"{row.name}{point} in {j}, {k}: {got!r}, {want!r}"


# ---- rows broken on purpose -----------------------------------------------------------------------------------------

BROKEN = [
    pytest.param(row, k, wrong, id=f"{row.name}-{row.operands[k]}-{wrong.format('p')}")
    for row in OPS.values()
    for k, partial in enumerate(row.partials)
    for wrong in (("({}) + 0.001", "1") if partial.flat else ("({}) * 1.001", "0", "-({})"))
]


@contextmanager
def engine_with(row: Op):
    """The engine with one row replaced: its methods are generated anew, and put back at the end."""
    try:
        generate(row)
        yield
    finally:
        generate(OPS[row.name])


def generate(row: Op):
    rule = bind(row)
    for mode in (dual, tape):
        mode.generate([rule])


@pytest.mark.parametrize(("row", "k", "wrong"), BROKEN)
def test_no_partial_can_be_wrong_unseen(row, k, wrong):
    partials = [Expression(wrong.format(p)) if j == k else p for j, p in enumerate(row.partials)]
    broken = dataclasses.replace(row, partials=tuple(partials))
    if row.name == "where":
        with pytest.raises(AssertionError, match="expected"):
            check_selection(broken)
        return
    with engine_with(broken):
        for mode in MODES:
            with pytest.raises(AssertionError, match=f"partial {k}: got"):
                check_row(row, mode)
    for mode in MODES:
        check_row(row, mode)


@EVERY_ROW
def test_no_value_can_be_wrong_unseen(row):
    with engine_with(dataclasses.replace(row, value=Expression(f"({row.value}) + 0.001"))):
        for mode in MODES:
            with pytest.raises(AssertionError, match="expected"):
                check_row(row, mode)


# ---- the table itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sin", "x", "1"), "op 'sin': the name is taken by an earlier row"),
        (("new", "x +", "1"), r"op 'new': 'x \+' is not an expression: invalid syntax"),
        (("new", "x * y", "y"), r"op 'new': 1 partials given, expected 2, one for each of \('x', 'y'\)"),
        (("new", "exp(x)", "out", "1"), r"op 'new': 2 partials given, expected 1, one for each of \('x',\)"),
        (("new", "exp(x)", "z"), "op 'new': 'z' uses 'z', which is not in scope"),
        (("new", "exp(x)", "y"), "op 'new': 'y' uses 'y', which is not in scope"),
        (("new", "out + x", "1"), r"op 'new': 'out \+ x' uses 'out', which is not in scope"),
        (("new", "2.0"), r"op 'new': the operands in '2.0' are \(\), expected x, or x and y"),
        (("new", "exp(y)", "out"), r"op 'new': the operands in 'exp\(y\)' are \('y',\), expected x, or x and y"),
        (("new", "x ** 2", "2 * x"), r"op 'new': 'x \*\* 2' has 'Pow', expected numbers, names, calls, "),
        (("new", "x if x > 0 else 0", "1"), "op 'new': 'x if x > 0 else 0' has 'x if x > 0 else 0', expected "),
        (("new", "x", "True"), "op 'new': 'True' has 'True', expected "),
        (("new", "x", "'1'"), "op 'new': \"'1'\" has \"'1'\", expected "),
        (("new", "x.real", "1"), "op 'new': 'x.real' has 'x.real', expected "),
        (("new", "nothing(x)", "1"), r"op 'new': 'nothing\(x\)' calls 'nothing', which is not an op"),
        (("new", "sin(x, x)", "1"), r"op 'new': 'sin\(x, x\)' calls 'sin' with 2 arguments, expected 1"),
        (("new", "where(x > 0, x)", "1"), r"op 'new': 'where\(x > 0, x\)' calls 'where' with 2 arguments, expected 3"),
    ],
)
def test_a_wrong_row_is_refused_by_name(arguments, message, monkeypatch):
    monkeypatch.setattr(ops, "OPS", dict(OPS))

    def add():
        ops.op(*arguments)
        ops.validate(ops.OPS.values(), {row.name: len(row.params) for row in ops.OPS.values()})

    with pytest.raises(RowError, match=f"^{message}"):
        add()


def test_a_primitive_that_the_platform_lacks_is_refused_by_name(monkeypatch):
    row = Op("airy", ("x",), Expression("airy(x)"), (Expression("1"),), {"x": ops.REAL}, 1e-14)
    monkeypatch.setattr(scalars, "OPS", {"airy": row})
    with pytest.raises(RowError, match=r"^op 'airy': 'airy\(x\)' is no formula, and `math` has no 'airy'"):
        scalars._fast_values()


def test_a_row_names_its_operands_and_partials():
    assert OPS["where"].operands == ("x", "y")
    assert OPS["where"].params == ("c", "x", "y")
    assert OPS["div"].partial("y").text == "-out / y"


@EVERY_ROW
def test_domains_are_inside_the_function(row):
    for corner in itertools.product(*([end for i in row.domain[p] for end in i] for p in row.operands)):
        assert math.isfinite(getattr(ad, row.name)(*corner))
        assert all(map(math.isfinite, ad.vjp(getattr(ad, row.name), *corner)[1](1.0)))


def test_derivative_table_as_text():
    header, *lines = ad.derivative_table().splitlines()
    assert header.split("  ")[0] == "op"
    starts = [header.index(title) for title in ("op", "value", "partial in x", "partial in y")]
    assert len(lines) == len(OPS)
    for line, row in zip(lines, OPS.values(), strict=True):
        cells = [line[a:b].strip() for a, b in itertools.pairwise([*starts, None])]
        assert cells == [row.name, *map(str, (row.value, *row.partials)), *[""] * (2 - len(row.partials))]


def test_derivative_table_as_markdown():
    header, rule, *lines = ad.derivative_table("markdown").splitlines()
    assert header == "| op | value | partial in x | partial in y |"
    assert rule == "|---|---|---|---|"
    assert len(lines) == len(OPS)
    assert "| `mul` | `x * y` | `y` | `x` |" in lines
    assert "| `exp` | `exp(x)` | `out` |  |" in lines
    assert all(line.count("|") == 5 for line in lines)


def test_derivative_table_in_another_format():
    with pytest.raises(ValueError, match=r"^format: got 'html', expected 'text' or 'markdown'$"):
        ad.derivative_table("html")
