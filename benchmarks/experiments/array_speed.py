"""How fast arrays are differentiated, beside other libraries and beside NumPy written by hand: ratios, in one process.

    python -m benchmarks.experiments.array_speed [--quick] [N ...]

Each function is written once, for every library's namespace; a gradient is checked against the one written by hand
before anything is timed.  Every round visits all of them once, and a ratio is the median over rounds of ratios within a
round.  The first call of a visit is not timed, since it finds the caches as another library left them.  One thread
each.  `fwd/rev` is one forward sweep over the reverse gradient, and `by hand` the same of code written by hand, where
forward mode has no fewer passes over the arrays to make, either.  `np/ad` is the gradient of a function written with
NumPy's names over that of the same with `ad`'s, which need not be looked up by NumPy's protocols.  Peak memory is that
of what NumPy allocates in one gradient (`tracemalloc`), in arrays of N elements for each op recorded.  The last column
says which of `GOALS` were missed, and what code by hand reaches there: if that misses the goal as well, NumPy itself
does.  Code by hand has NumPy's sine and cosine, as one would write it; `ad` has its own where numba is installed.
Libraries that are not installed are left out, and so are the goals beside them.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import math
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from benchmarks.runs.threads import pin

pin()  # before NumPy is imported

import numpy as np  # noqa: E402

import ad  # noqa: E402

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
QUICK = (1_000, 100_000)
TOLERANCE = 1e-12


class Goal(NamedTuple):
    """What a ratio of times shall not exceed.

    Attributes:
        of: the program.
        to: the one it is compared with.
        at_most: the ratio.
        sizes: the sizes for which it is meant; None for all.
    """

    of: str
    to: str
    at_most: float
    sizes: tuple[int, ...] | None = None


GOALS = (
    Goal("reverse", "autograd", 0.8),
    Goal("reverse", "autograd", 0.55, (1_000,)),
    Goal("reverse", "torch", 0.85, (1_000,)),
    Goal("reverse", "torch", 1.6, (100_000,)),
    Goal("reverse", "torch", 1.4, (1_000_000,)),
    Goal("reverse", "by hand", 1.3, (1_000_000,)),
    Goal("forward", "reverse", 0.8),
)


class Case(NamedTuple):
    """One function.

    Attributes:
        name: of the function.
        f: `f(xp, x)`.
        by_hand: its value and gradient in NumPy, as one would write them.
        pushed_by_hand: its value and its derivative along a tangent, likewise.
    """

    name: str
    f: Callable[[Any, Any], Any]
    by_hand: Callable[[Any], tuple[Any, Any]]
    pushed_by_hand: Callable[[Any, Any], tuple[Any, Any]]


def waves(xp: Any, x: Any) -> Any:
    """sum(sin(x) x + exp(-x x))."""
    return xp.sum(xp.sin(x) * x + xp.exp(-x * x))


def waves_by_hand(x: Any) -> tuple[Any, Any]:
    """Value and gradient."""
    s, e = np.sin(x), np.exp(-x * x)
    return np.sum(s * x + e), np.cos(x) * x + s - 2 * x * e


def waves_pushed(x: Any, t: Any) -> tuple[Any, Any]:
    """Value and derivative along `t`."""
    s, e = np.sin(x), np.exp(-x * x)
    return np.sum(s * x + e), np.sum((np.cos(x) * x + s - 2 * x * e) * t)


def logsumexp(xp: Any, x: Any) -> Any:
    """log(sum(exp(x))), for numbers that need no shift."""
    return xp.log(xp.sum(xp.exp(x)))


def logsumexp_by_hand(x: Any) -> tuple[Any, Any]:
    """Value and gradient."""
    e = np.exp(x)
    total = np.sum(e)
    return np.log(total), e / total


def logsumexp_pushed(x: Any, t: Any) -> tuple[Any, Any]:
    """Value and derivative along `t`."""
    e = np.exp(x)
    total = np.sum(e)
    return np.log(total), np.sum(e * t) / total


def rosenbrock(xp: Any, x: Any) -> Any:
    """sum(100 (x[i+1] - x[i]**2)**2 + (1 - x[i])**2)."""
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    return xp.sum(100 * a**2 + b**2)


def rosenbrock_by_hand(x: Any) -> tuple[Any, Any]:
    """Value and gradient."""
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    gradient = np.zeros_like(x)
    gradient[1:] += 200 * a
    gradient[:-1] -= 400 * a * x[:-1] + 2 * b
    return np.sum(100 * a**2 + b**2), gradient


def rosenbrock_pushed(x: Any, t: Any) -> tuple[Any, Any]:
    """Value and derivative along `t`."""
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    return np.sum(100 * a**2 + b**2), np.sum(200 * a * (t[1:] - 2 * x[:-1] * t[:-1]) - 2 * b * t[:-1])


CASES = (
    Case("waves", waves, waves_by_hand, waves_pushed),
    Case("logsumexp", logsumexp, logsumexp_by_hand, logsumexp_pushed),
    Case("rosenbrock", rosenbrock, rosenbrock_by_hand, rosenbrock_pushed),
)


def with_autograd(f: Callable[[Any, Any], Any], x: Any) -> Callable[[], Any]:
    """Value and gradient by HIPS/autograd."""
    autograd = importlib.import_module("autograd")
    xp = importlib.import_module("autograd.numpy")
    both = autograd.value_and_grad(lambda x: f(xp, x))
    return lambda: both(x)


def with_torch(f: Callable[[Any, Any], Any], x: Any) -> Callable[[], Any]:
    """Value and gradient by PyTorch, eagerly; the input is a tensor already."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    given = torch.tensor(x)

    def run() -> Any:
        leaf = given.detach().requires_grad_(True)
        value = f(torch, leaf)
        value.backward()
        return value.item(), leaf.grad

    return run


PEERS = {"autograd": with_autograd, "torch": with_torch}


def programs(case: Case, x: Any) -> dict[str, Callable[[], Any]]:
    """What is timed, by name; those of libraries that are installed."""

    def f(x: Any) -> Any:
        return case.f(np, x)

    both, tangent = ad.value_and_grad(f), np.ones_like(x)
    ours = ad.value_and_grad(lambda x: case.f(ad, x))
    found: dict[str, Callable[[], Any]] = {"reverse": lambda: both(x), "reverse by ad's names": lambda: ours(x)}
    for name, prepare in PEERS.items():
        try:
            found[name] = prepare(case.f, x)
        except ImportError:
            continue
    return found | {
        "by hand": lambda: case.by_hand(x),
        "forward by hand": lambda: case.pushed_by_hand(x, tangent),
        "primal": lambda: f(x),
        "forward": lambda: ad.jvp(f, (x,), (tangent,)),
    }


def require_right(case: Case, x: Any, found: dict[str, Callable[[], Any]]) -> None:
    """Check every gradient against the one written by hand.

    Raises:
        AssertionError: one is not right.
    """
    expected = case.by_hand(x)[1]
    for name in ("reverse", "reverse by ad's names", *(PEERS.keys() & found)):
        np.testing.assert_allclose(np.asarray(found[name]()[1]), expected, rtol=TOLERANCE, atol=TOLERANCE)
    for name in ("forward", "forward by hand"):
        np.testing.assert_allclose(float(found[name]()[1]), np.sum(expected), rtol=1e-9)


def times(found: dict[str, Callable[[], Any]], rounds: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of one call of each, in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, run in found.items():
            run()
            start = time.perf_counter()
            for _ in range(repeats):
                run()
            seconds[name].append((time.perf_counter() - start) / repeats)
    return seconds


def ratio(seconds: dict[str, list[float]], a: str, b: str) -> float:
    """The median over rounds of one time over another; NaN where the other was not measured."""
    if b not in seconds:
        return math.nan
    return statistics.median(p / q for p, q in zip(seconds[a], seconds[b], strict=True))


BY_HAND = {"reverse": "by hand", "forward": "forward by hand"}
"""What each of our programs is when written by hand."""


def missed(seconds: dict[str, list[float]], n: int) -> str:
    """The goals that were not met at a size, and what code by hand reaches; `all met` if there are none."""
    found = []
    for goal in GOALS:
        if goal.sizes is None or n in goal.sizes:
            measured = ratio(seconds, goal.of, goal.to)
            if measured > goal.at_most:
                by_hand = ratio(seconds, BY_HAND[goal.of], BY_HAND.get(goal.to, goal.to))
                found.append(f"{goal.of}/{goal.to} {measured:.2f} > {goal.at_most} (by hand {by_hand:.2f})")
    return "; ".join(found) or "all met"


def peak_per_op(case: Case, x: Any) -> str:
    """Peak memory of one gradient, in arrays of the input's size for each op that was recorded."""
    both = ad.value_and_grad(lambda x: case.f(np, x))
    with ad.count() as counts:
        both(x)
    gc.collect()
    tracemalloc.start()
    both(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"{peak / x.nbytes / (counts.ops / 2):.2f}"


def main(sizes: Sequence[int]) -> None:
    """Print the table."""
    header = (
        "function",
        "N",
        "µs",
        "/autograd",
        "/torch",
        "/by hand",
        "/primal",
        "fwd/rev",
        "by hand",
        "np/ad",
        "peak/op",
    )
    print("".join(f"{column:>11}" for column in header) + "  missed")
    for case in CASES:
        for n in sizes:
            x = np.random.default_rng(0).normal(size=n)
            found = programs(case, x)
            require_right(case, x, found)
            gc.collect()
            gc.disable()
            seconds = times(found, max(11, min(200, 3_000_000 // n)), max(1, 8_000 // max(n, 400)))
            gc.enable()
            cells = [case.name, f"{n}", f"{statistics.median(seconds['reverse']) * 1e6:.0f}"]
            others = ("autograd", "torch", "by hand", "primal")
            ratios = [ratio(seconds, "reverse", name) for name in others]
            pairs = (("forward", "reverse"), ("forward by hand", "by hand"), ("reverse", "reverse by ad's names"))
            ratios += [ratio(seconds, *pair) for pair in pairs]
            cells += [*(f"{r:.2f}" for r in ratios), peak_per_op(case, x)]
            print("".join(f"{cell:>11}" for cell in cells) + "  " + missed(seconds, n), flush=True)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiments.array_speed", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, metavar="N", help="elements of the arrays")
    parser.add_argument("--quick", action="store_true", help=f"only {' and '.join(map(str, QUICK))} elements")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    _options = parse(sys.argv[1:])
    main(_options.sizes or (QUICK if _options.quick else SIZES))
