"""Sine and cosine of many numbers, compiled where they can be: as exact as NumPy's, on arrays of every kind."""

import functools
import math
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from mpmath import mp

import ad
from ad import ndarrays
from ad.compiled import compiler, sincos
from tests.ad.test_kernels import hard_arguments

FUNCTIONS = {"sin": (ad.sin, np.sin, mpmath.sin), "cos": (ad.cos, np.cos, mpmath.cos)}
both = pytest.mark.parametrize("name", FUNCTIONS)


@pytest.fixture
def calls(monkeypatch):
    """The names of the compiled functions that were called."""
    compiler.require()
    called, found = [], compiler.elementwise()

    def noted(name):
        return lambda x, out: (called.append(name), found[name](x, out))

    watched = {name: noted(name) for name in found}
    monkeypatch.setattr(ndarrays, "compiled", lambda: watched)
    return called


@both
def test_compiled_values_are_within_one_unit_in_the_last_place(calls, name):
    ours, _, exact = FUNCTIONS[name]
    x = np.array(hard_arguments())
    got = ours(x)
    assert calls == [name]
    with mp.workprec(1200):
        for a, value in zip(x.tolist(), got.tolist(), strict=True):
            want = exact(mp.mpf(a))
            assert abs(value - want) < math.ulp(float(want)), a


@both
def test_what_lies_beyond_the_reduction_and_what_has_no_sine(calls, name):
    ours, numpys, _ = FUNCTIONS[name]
    x = np.tile([0.0, -0.0, 1.0, sincos.LIMIT, -1e300, 5e-324, math.inf, -math.inf, math.nan], 20)
    with np.errstate(invalid="ignore"):
        got, want = ours(x), numpys(x)
    assert calls == [name]
    np.testing.assert_array_max_ulp(got[~np.isnan(want)], want[~np.isnan(want)], 1)
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.array_equal(np.signbit(got[:2]), np.signbit(want[:2]))


def unaligned(x):
    bytes_ = np.zeros(x.nbytes + 1, np.uint8)[1:]
    there = bytes_.view(x.dtype).reshape(x.shape)
    there[...] = x
    assert not there.flags.aligned
    return there


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "line": lambda x: x,
    "matrix": lambda x: x.reshape(30, 40),
    "Fortran": lambda x: np.asfortranarray(x.reshape(30, 40)),
    "transposed": lambda x: x.reshape(5, 6, 40).transpose(2, 0, 1),
    "strided": lambda x: x[::3],
    "backwards": lambda x: x[::-1],
    "repeated": lambda x: np.broadcast_to(x[:40], (30, 40)),
    "read-only": read_only,
    "unaligned": unaligned,
}


@both
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_every_layout(calls, name, layout):
    ours, numpys, _ = FUNCTIONS[name]
    x = LAYOUTS[layout](np.random.default_rng(0).normal(0.0, 9.0, 1200))
    before = x.copy()
    got = ours(x)
    assert calls == ([] if layout == "unaligned" else [name])
    np.testing.assert_array_max_ulp(got, numpys(x), 1)
    np.testing.assert_array_equal(x, before)
    assert got.flags.writeable
    assert not np.shares_memory(got, x)


@both
@pytest.mark.parametrize(
    "x", [np.zeros(0), np.zeros((0, 500)), np.ones(ndarrays.MANY - 1), np.ones(500, np.float32), np.arange(500), 0.5]
)
def test_what_stays_with_numpy(calls, name, x):
    ours, numpys, _ = FUNCTIONS[name]
    got, want = ours(x), numpys(x)
    assert calls == []
    np.testing.assert_array_max_ulp(got, want, 1)
    assert np.asarray(got).dtype == want.dtype


def test_both_modes_and_lanes_use_them(calls):
    x = np.linspace(-20.0, 20.0, 1001)
    want = np.cos(x) ** 2 - np.sin(x) ** 2
    gradient = ad.grad(lambda x: np.sum(np.sin(x) * np.cos(x)))(x)
    assert sorted(calls) == ["cos", "cos", "sin", "sin"]
    np.testing.assert_allclose(gradient, want, rtol=0, atol=5e-16)
    calls.clear()
    _, tangent = ad.jvp(lambda x: np.sin(x) * np.cos(x), (x,), (np.ones_like(x),))
    assert sorted(calls) == ["cos", "cos", "sin", "sin"]
    np.testing.assert_allclose(tangent, want, rtol=0, atol=5e-16)
    calls.clear()
    few = x[:200]
    np.testing.assert_allclose(ad.jacfwd(np.sin)(few), np.diag(np.cos(few)), rtol=0, atol=3e-16)
    assert "cos" in calls


def test_without_a_compiler_they_are_numpys(monkeypatch):
    x = np.linspace(-3.0, 3.0, 1000)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert compiler.elementwise.__wrapped__() == {}
    monkeypatch.setattr(ndarrays, "compiled", compiler.elementwise.__wrapped__)
    np.testing.assert_array_equal(ad.sin(x), np.sin(x))
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(np.sin(x)))(x), np.cos(x))


def test_a_compiler_that_is_switched_off_is_not_asked(monkeypatch, capsys):
    monkeypatch.setattr(compiler.require().config, "DISABLE_JIT", 1)
    monkeypatch.setattr(compiler, "_forget", None)
    assert compiler.elementwise.__wrapped__() == {}
    assert capsys.readouterr().err == ""
    with pytest.raises(ImportError, match="NUMBA_DISABLE_JIT"):
        ad.compile(ad.sin, 1)


def test_a_compiler_that_fails_is_named_and_not_needed(monkeypatch, capsys, tmp_path):
    compiler.require()
    monkeypatch.setenv("AD_CACHE_DIR", str(tmp_path))  # what is there is made again

    def fails():
        raise RuntimeError("no machine code today")

    monkeypatch.setattr(compiler, "_compile_elementwise", fails)
    assert compiler.elementwise.__wrapped__() == {}
    assert "no machine code today" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [".nbi", ".nbc"])
def test_damaged_files_are_made_again(monkeypatch, tmp_path, capsys, kind):
    compiler.require()
    monkeypatch.setenv("AD_CACHE_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, compiler._generated(())[1], None)

    def another_process():
        monkeypatch.setattr(compiler, "_module", functools.cache(compiler._module.__wrapped__))
        return compiler.elementwise.__wrapped__(), capsys.readouterr().err

    another_process()
    damaged = list(tmp_path.rglob(f"*{kind}"))
    assert damaged
    for file in damaged:
        file.write_text("import mine")
    found, said = another_process()
    assert "making it again" in said
    x, out = np.linspace(0.0, 1.0, 5), np.empty(5)
    found["sin"](x, out)
    np.testing.assert_array_max_ulp(out, np.sin(x), 1)
    assert another_process()[1] == ""


def test_few_numbers_do_not_wait_for_a_compiler():
    code = (
        "import sys, numpy as np, ad; g = ad.grad(lambda x: np.sum(np.sin(x)));"
        f"g(np.ones({ndarrays.MANY - 1})); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
