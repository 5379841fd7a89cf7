"""Functions of arrays at random shapes, types, axes and indices: in both modes, against JAX and NumPy's own rules.

    AD_EXAMPLES=500 python -m pytest tests/ad/test_arrays_hypothesis.py

tries as many of each as one likes; the suite tries 2, always the same.  Where NumPy refuses, an error is expected here.
"""

import math
import os
import warnings

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import ad
from ad.active import RULES
from ad.arrays import MAPS
from ad.ndarrays import UFUNCS
from ad.ops import OPS

jax = pytest.importorskip("jax", reason="JAX is what these functions are compared with")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # much is compiled, and run a few times
jnp = jax.numpy

EXAMPLES = settings(
    max_examples=int(os.environ.get("AD_EXAMPLES", "2")),
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],  # what fails is small as it is
    database=None,
    suppress_health_check=list(HealthCheck),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
VECTORS = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3)
MATRICES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=3)
REFUSALS = (ValueError, IndexError, TypeError)
MAKERS = {}
"""For each name a function of `draw` and the name: it gives a function of a namespace and arrays, and their shapes."""


def of(*names):
    def register(maker):
        MAKERS.update(dict.fromkeys(names, maker))
        return maker

    return register


def inside(xp, name):
    """A function by its name, which may have a dot in it."""
    if name == "logsumexp":
        return jax.scipy.special.logsumexp if xp is jnp else ad.logsumexp
    for part in name.split("."):
        xp = getattr(xp, part)
    return xp


def axis_of(shape, *, none=True, several=False, wrong=0):
    """An axis, one of `wrong` that are not there, or what else stands for axes."""
    n = len(shape) + wrong
    one = st.integers(-n, n - 1) if n else st.nothing()
    choices = [one] if n else []
    if several:
        choices.append(st.lists(st.integers(0, max(n - 1, 0)), max_size=n, unique=True).map(tuple))
    if none or not choices:
        choices.append(st.none())
    return st.one_of(choices)


def together(draw, count):
    """Shapes that broadcast to one another; sometimes any."""
    if draw(st.integers(0, 9)) == 9:
        return [draw(SHAPES) for _ in range(count)]
    found = hnp.mutually_broadcastable_shapes(num_shapes=count, min_side=0, max_side=3, max_dims=3)
    return list(draw(found).input_shapes)


# ---- ops ------------------------------------------------------------------------------------------------------------

ROWS = {f"np.{UFUNCS[name].__name__}": name for name in RULES if name in UFUNCS and hasattr(jnp, UFUNCS[name].__name__)}


@of(*ROWS)
def rows(draw, name):
    row, ufunc = OPS[ROWS[name]], name.removeprefix("np.")
    ranges = [row.domain[p][0] for p in row.operands]

    def f(xp, *xs):  # from all numbers into the domain
        return getattr(xp, ufunc)(
            *(low + (high - low) / (1 + xp.exp(-x)) for x, (low, high) in zip(xs, ranges, strict=True))
        )

    return f, together(draw, len(ranges))


@of("where", "choose")
def where(draw, name):
    x, y, c = together(draw, 3)
    condition = np.random.default_rng(draw(st.integers(0, 99))).random(c) < 0.5
    return lambda xp, x, y: xp.where(condition, x, y), [x, y]


@of("clip")
def clip(draw, name):
    ends = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    x, *bounds = together(draw, 1 + sum(ends))

    def f(xp, x, *bounds):
        found = iter(bounds)
        low, high = (next(found) if end else None for end in ends)
        return xp.clip(x, low, high if high is None or low is None else low + xp.exp(high))

    return f, [x, *bounds]


# ---- along axes -----------------------------------------------------------------------------------------------------


@of("sum", "mean", "prod", "max", "min", "var", "std", "logsumexp", "ptp")
def reductions(draw, name):
    shape, keep = draw(SHAPES), draw(st.booleans())
    axis = draw(axis_of(shape, several=True, wrong=draw(st.integers(0, 9)) // 9))
    return lambda xp, x: inside(xp, name)(x, axis=axis, keepdims=keep), [shape]


@of("cumsum", "cumprod", "sort", "diff", "flip", "take", "take_along_axis", "repeat", "roll", "split", "array_split")
def along(draw, name):
    shape = draw(VECTORS)
    whole = name in {"diff", "split", "array_split"}  # have no axis None
    axis = draw(axis_of(shape, none=not whole, wrong=draw(st.integers(0, 9)) // 9))
    n = math.prod(shape) if axis is None else shape[axis] if -len(shape) <= axis < len(shape) else 1
    rng, options = np.random.default_rng(draw(st.integers(0, 99))), ()
    if name == "take":
        sides = draw(hnp.array_shapes(max_dims=2, max_side=3)) if n else (0,)
        options = (rng.integers(-n, max(n, 1), size=sides),)
    elif name == "take_along_axis":
        sides = [1 if draw(st.integers(0, 4)) == 4 else side for side in shape]
        if axis is not None and -len(shape) <= axis < len(shape):
            sides[axis] = draw(st.integers(0, 3))
        sides = sides if axis is not None else [draw(st.integers(0, 3))]
        options = (rng.integers(-n, max(n, 1), size=sides),)
    elif name == "repeat":
        options = (draw(st.one_of(st.integers(0, 3), st.just(rng.integers(0, 3, size=n)))),)
    elif name == "roll":
        options = (draw(st.integers(-4, 4)),)
    elif name == "diff":
        options = (draw(st.integers(1, 2)),)
    elif name.endswith("split"):
        options = (draw(st.one_of(st.integers(1, 3), st.lists(st.integers(0, 3), max_size=3).map(sorted))),)

        def parts(xp, x):
            return xp.concatenate([xp.ravel(part) for part in getattr(xp, name)(x, *options, axis=axis)[::-1]])

        return parts, [shape]
    return lambda xp, x: getattr(xp, name)(x, *options, axis=axis), [shape]


@of("linalg.norm")
def norms(draw, name):
    shape, keep = draw(hnp.array_shapes(max_dims=3, max_side=3)), draw(st.booleans())
    axis = draw(axis_of(shape, several=True))
    order = draw(st.sampled_from([None, 1, 2, 3, -1, np.inf, -np.inf, "fro", "nuc"]))
    return lambda xp, x: xp.linalg.norm(x, order, axis=axis, keepdims=keep), [shape]


# ---- shapes ---------------------------------------------------------------------------------------------------------


@of("reshape", "ravel", "squeeze", "expand_dims", "transpose", "moveaxis", "swapaxes", "broadcast_to", "tile", "pad")
@of("matrix_transpose", "tril", "triu", "trace", "diagonal", "diag", "rot90")
def structure(draw, name):
    shape, options = draw(SHAPES), ()
    n = len(shape)
    if name == "reshape":
        options = (draw(st.permutations(shape).map(lambda s: (*s[: n // 2], -1, *s[n // 2 + 1 :]) if s else (-1,))),)
    elif name in {"squeeze", "expand_dims"}:
        axis = axis_of((*shape, *(1,) * (name == "expand_dims")), none=name == "squeeze", several=True)
        options = (draw(axis),)
    elif name == "transpose":
        options = (draw(st.one_of(st.none(), st.permutations(range(n)).map(tuple))),)
    elif name in {"moveaxis", "swapaxes"}:
        options = (draw(st.integers(-n, n)), draw(st.integers(-n, n)))
    elif name == "broadcast_to":
        shape, to = together(draw, 2)
        options = (to,)
    elif name == "tile":
        options = (draw(st.one_of(st.integers(0, 2), st.lists(st.integers(0, 2), max_size=4).map(tuple))),)
    elif name == "pad":
        mode = draw(st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]))
        width = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in shape] or 1
        return lambda xp, x: xp.pad(x, width, mode=mode), [shape]
    elif name in {"tril", "triu", "diag"}:
        options = (draw(st.integers(-2, 2)),)
    elif name in {"trace", "diagonal"}:
        options = (draw(st.integers(-2, 2)), draw(st.integers(-n, n)), draw(st.integers(-n, n)))
    elif name == "rot90":
        options = (draw(st.integers(-1, 4)),)
    return lambda xp, x: getattr(xp, name)(x, *options), [shape]


@of("concatenate", "stack", "hstack", "vstack", "dstack", "column_stack")
def joined(draw, name):
    shape, count = list(draw(VECTORS)), draw(st.integers(1, 3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    shapes = []
    for _ in range(count):
        if name == "concatenate" or draw(st.integers(0, 9)) == 9:
            shape[axis] = draw(st.integers(0, 3))
        shapes.append(tuple(shape))
    options = {"axis": axis} if name in {"concatenate", "stack"} else {}
    return lambda xp, *xs: getattr(xp, name)(xs, **options), shapes


@of("getitem", "scatter")
def indexing(draw, name):
    shape = draw(VECTORS)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.integers(0, 4))
    if kind == 0:
        index = draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    elif kind == 1 and min(shape) > 0:
        index = draw(hnp.integer_array_indices(shape))
    elif kind == 2:
        index = rng.random(shape[: draw(st.integers(1, len(shape)))]) < 0.5
    else:  # arrays, lists, integers, slices, new axes and masks beside one another
        index = []
        for side in shape[: draw(st.integers(1, len(shape)))]:
            parts = [slice(None, None, -1), slice(1, None), rng.random(side) < 0.6]
            if side:
                parts += [rng.integers(-side, side, size=s) for s in [(2,), (2,), (3, 1), ()]]
                parts += [-1, np.int64(0), [0, -1], slice(-1, None, 2)]
            index += [None] * (draw(st.integers(0, 4)) == 4) + [parts[draw(st.integers(0, len(parts) - 1))]]
        index = tuple(index) + (Ellipsis,) * draw(st.integers(0, 1))

    def f(xp, x):
        if xp is jnp and isinstance(index, tuple):  # which has no lists
            return x[tuple(np.array(p) if isinstance(p, list) else p for p in index)]
        return x[index]

    return f, [shape]


# ---- products and matrices ------------------------------------------------------------------------------------------


@of("matmul", "dot", "vdot", "inner", "outer", "tensordot", "kron", "vecdot")
def products(draw, name):
    shape = draw(SHAPES)
    other = list(draw(SHAPES))
    if shape and other and draw(st.integers(0, 9)) < 9:  # shapes that fit, mostly
        other[max(-2, -len(other)) if name in {"matmul", "dot"} else 0 if name == "tensordot" else -1] = shape[-1]
    if name == "vdot":
        other = draw(st.permutations(shape))
    if name == "matmul":
        other[:-2] = [1] * len(other[:-2])
    options = (draw(st.integers(0, 1)),) if name == "tensordot" else ()
    return lambda xp, x, y: getattr(xp, name)(x, y, *options), [shape, tuple(other)]


@of("einsum")
def einsum(draw, name):
    sides = {letter: draw(st.integers(0, 3)) for letter in "ijk"}
    terms = draw(st.lists(st.text("ijk", max_size=3), min_size=1, max_size=3))
    out = draw(st.permutations(sorted(set("".join(terms)))))[: draw(st.integers(0, 3))]
    spec = f"{','.join(terms)}->{''.join(out)}"
    return lambda xp, *xs: xp.einsum(spec, *xs), [tuple(sides[k] for k in term) for term in terms]


def regular(xp, x):
    return xp.sin(x) / 9 + np.eye(x.shape[-1])


MATRIX_FUNCTIONS = {
    "linalg.inv": lambda xp, x: xp.linalg.inv(regular(xp, x)),
    "linalg.det": lambda xp, x: xp.linalg.det(x),
    "linalg.slogdet": lambda xp, x: xp.linalg.slogdet(regular(xp, x))[1],
    "linalg.cholesky": lambda xp, x: xp.linalg.cholesky(x @ x.mT + np.eye(x.shape[-1])),
    "linalg.eigh": lambda xp, x: xp.linalg.eigh(x + x.mT)[0],
    "eigenvectors": lambda xp, x: xp.square(xp.linalg.eigh(x + x.mT)[1]),
    "linalg.solve": lambda xp, x, b: xp.linalg.solve(regular(xp, x), b),
    "linalg.pinv": lambda xp, x: xp.linalg.pinv(regular(xp, x)),
    "linalg.matrix_power": lambda xp, x: xp.linalg.matrix_power(regular(xp, x), -2),
    "linalg.multi_dot": lambda xp, x: xp.linalg.multi_dot([x, x, x]),
    "linalg.svdvals": lambda xp, x: xp.linalg.svd(x, compute_uv=False) if xp is jnp else xp.linalg.svdvals(x),
}


@of(*MATRIX_FUNCTIONS)
def matrices(draw, name):
    *stack, n = draw(hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=3))
    shapes = [(*stack, n, n)]
    if name == "linalg.solve":
        shapes.append(draw(st.sampled_from([(n,), (*stack, n, 2), (n, 1), (2, *stack, n, 1)])))
    return MATRIX_FUNCTIONS[name], shapes


# ---- the comparison -------------------------------------------------------------------------------------------------


def close(got, expected, tolerance, dtype=None):
    assert np.shape(got) == np.shape(expected)
    assert dtype is None or np.asarray(got).dtype == dtype
    finite = np.abs(expected)[np.isfinite(expected)]
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * np.max(finite, initial=1.0))


def by_jax(f, xs, weights):
    """The cotangents by JAX; None where it has no such case, as of nothing to be reduced."""
    try:
        out, pullback = jax.vjp(lambda *xs: f(jnp, *xs), *xs)
    except (*REFUSALS, NotImplementedError, ZeroDivisionError):
        return None
    assert np.shape(out) == weights.shape
    return [np.asarray(bar) for bar in pullback(jnp.asarray(weights))]


def compare(f, xs, rng):
    """Values and shapes with NumPy's, both modes with each other, and with JAX in double precision."""

    def ours(*xs):
        return f(np, *xs)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # NumPy's own, of means of nothing
        try:
            expected = np.asarray(ours(*xs))
        except REFUSALS:
            expected = None
    ts = [rng.normal(size=x.shape).astype(x.dtype) for x in xs]
    if expected is None:
        for derivative in (lambda: ad.jvp(ours, xs, ts), lambda: ad.vjp(ours, *xs), lambda: ad.jacfwd(ours)(*xs)):
            with pytest.raises(REFUSALS):
                derivative()
        return
    tight = all(x.dtype == np.float64 for x in xs)
    tolerance = 1e-10 if tight else 2e-3
    weights = np.asarray(rng.normal(size=expected.shape).astype(expected.dtype))
    out, tangent = ad.jvp(ours, xs, ts)
    value, pullback = ad.vjp(ours, *xs)
    bars = pullback(weights)
    for got in (out, value):
        close(got, expected, tolerance, expected.dtype)
    assert np.shape(tangent) == expected.shape
    assert np.asarray(tangent).dtype == expected.dtype
    for bar, x in zip(bars, xs, strict=True):
        assert np.shape(bar) == x.shape
        assert np.asarray(bar).dtype == x.dtype
    if math.prod(expected.shape) * sum(x.size for x in xs) < 500:
        argnums = tuple(range(len(xs)))
        reverse = ad.jacrev(ours, argnums)(*xs)
        for lanes in (None, 1):
            for g, e in zip(ad.jacfwd(ours, argnums, lanes=lanes)(*xs), reverse, strict=True):
                close(g, e, tolerance)
    doubles = [x.astype(np.float64) for x in xs]
    theirs = by_jax(f, doubles, weights.astype(np.float64))
    unknown = theirs is None or (np.isfinite(expected).all() and any(np.isnan(e).any() for e in theirs))
    if not unknown:  # JAX has NaN where `std` is 0
        for bar, e in zip(bars, theirs, strict=True):
            close(bar, e, tolerance)
    pulled = sum(np.sum(b * t) for b, t in zip(bars, ts, strict=True))
    close(np.sum(np.asarray(tangent, np.float64) * weights), pulled, 10 * tolerance)


@pytest.mark.parametrize("name", MAKERS)
@EXAMPLES
@given(st.data())
def test_every_function_at_random_shapes_types_and_parameters(name, data):
    f, shapes = MAKERS[name](data.draw, name)
    types = data.draw(st.sampled_from(["dd", "dd", "dd", "ff", "df"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    compare(f, [np.asarray(rng.normal(size=s).astype(types[k % 2])) for k, s in enumerate(shapes)], rng)


SAMPLED = {"average", "trapezoid", "cross", "fliplr", "flipud", "meshgrid", "unstack", "broadcast_arrays"} | {
    *("atleast_1d", "atleast_2d", "atleast_3d", "hsplit", "vsplit", "eigvalsh"),  # written in others of these
    *("contract", "length", "logabsdet", "adjugate", "left_vectors"),  # what others are written in
}
"""Those of `tests/ad/map_samples.py` alone."""


def test_every_map_is_tried():
    assert {name.removeprefix("linalg.") for name in MAKERS} | SAMPLED >= set(MAPS)
