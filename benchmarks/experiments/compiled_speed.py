"""How fast the compiled sweeps are, next to a peer and to the limit: `python -m benchmarks.experiments.compiled_speed`.

One table for the graph `chain`: the compiled sweeps against CasADi SX (a flat list of instructions like ours, executed
by a virtual machine in C++) and against the same derivative written by hand as a loop for numba, which is as far as an
executor of recorded graphs can hope to get.  A second table for every family: the cost of a forward and of a reverse
sweep relative to the primal, next to the theory's bounds (Griewank and Walther, Evaluating Derivatives, 2008, sections
3.2 and 3.3: a tangent costs at most 5/2 evaluations, a gradient at most 4).

All contestants are visited in turn, round after round, and ratios are formed inside a round, so that a machine that
slows down slows down all of them.  One thread unless said.  This is not the harness: it writes no results.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ad
from benchmarks.functions.catalogue import FAMILIES, problem
from benchmarks.stopwatch import VISIT, once

Vector = NDArray[np.float64]
Contestants = dict[str, Callable[[], Any]]

SIZES = (1_000, 20_000, 200_000)
FAMILY_SIZE = 4_000


def chain(n: int) -> tuple[Callable[[Any], Callable[[Any], Any]], Vector]:
    """The graph `chain` as a function of a namespace, and its inputs."""
    graph = problem("chain", n)
    return lambda xp: lambda v: graph.f(xp, v), np.array(graph.x)


# ---- measuring ------------------------------------------------------------------------------------------------------


def seconds_of(run: Callable[[], Any]) -> float:
    """Seconds of one run."""
    return once(run)[0]


def rounds(contestants: Contestants, count: int) -> dict[str, Vector]:
    """Seconds of one run of each contestant, in each round."""
    repeats = {
        name: max(1, math.ceil(VISIT / min(seconds_of(run) for _ in range(3)))) for name, run in contestants.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(count):
        for name, run in contestants.items():
            times = range(repeats[name])
            start = time.perf_counter()
            for _ in times:
                run()
            seconds[name].append((time.perf_counter() - start) / len(times))
    return {name: np.array(values) for name, values in seconds.items()}


def ratio(seconds: dict[str, Vector], a: str, b: str) -> float:
    """The median over rounds of one contestant's time relative to another's; NaN if one did not take part."""
    if a not in seconds or b not in seconds:
        return math.nan
    return float(np.median(seconds[a] / seconds[b]))


# ---- contestants ----------------------------------------------------------------------------------------------------


def compiled(program: Any, x: Vector) -> Contestants:
    """The compiled sweeps."""
    tangent = np.ones(x.size)
    cotangent = np.ones(program.n_outputs)
    return {
        "primal": lambda: program(x),
        "forward": lambda: program.jvp(x, tangent),
        "reverse": lambda: program.vjp(x, cotangent),
    }


def casadi(n: int) -> tuple[Contestants, float]:
    """CasADi's SX functions, called through buffers, and the seconds it took to build the three."""
    if importlib.util.find_spec("casadi") is None:
        return {}, math.nan
    ca: Any = importlib.import_module("casadi")
    f, x = chain(n)
    start = time.perf_counter()
    inputs, seed = ca.SX.sym("x", n), ca.SX.sym("seed", n)
    output = f(ca)(ca.vertsplit(inputs))
    functions = {
        "casadi primal": ca.Function("primal", [inputs], [output]),
        "casadi forward": ca.Function("forward", [inputs, seed], [ca.jtimes(output, inputs, seed)]),
        "casadi reverse": ca.Function("reverse", [inputs], [ca.gradient(output, inputs)]),
    }
    built = time.perf_counter() - start
    arguments = [x, np.ones(n)]
    return {name: _through_buffers(function, arguments) for name, function in functions.items()}, built


def _through_buffers(function: Any, arguments: list[Vector]) -> Callable[[], Any]:
    buffer, trigger = function.buffer()
    out = np.zeros(function.numel_out(0))
    for k in range(function.n_in()):
        buffer.set_arg(k, arguments[k].data)
    buffer.set_res(0, out.data)
    kept = (function, buffer, arguments)

    def run() -> Vector:
        assert kept
        trigger()
        return out

    return run


def by_hand(n: int) -> Contestants:
    """The chain and its gradient written as loops for numba: no program to read, everything in registers."""
    numba: Any = importlib.import_module("numba")

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def primal(x: Any) -> Any:
        acc = x[0]
        for i in range(x.size):
            acc = math.sin(acc) * x[i] + x[i] * x[i]
        return acc

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def gradient(x: Any, sines: Any, cosines: Any, out: Any) -> Any:
        acc = x[0]
        for i in range(x.size):
            sines[i], cosines[i] = math.sin(acc), math.cos(acc)
            acc = sines[i] * x[i] + x[i] * x[i]
        bar = 1.0
        for i in range(x.size - 1, -1, -1):
            out[i] = bar * (sines[i] + 2.0 * x[i])
            bar = bar * x[i] * cosines[i]
        out[0] += bar
        return out

    x = chain(n)[1]
    sines, cosines, out = np.empty(n), np.empty(n), np.empty(n)
    return {"hand primal": lambda: primal(x), "hand reverse": lambda: gradient(x, sines, cosines, out)}


# ---- tables ---------------------------------------------------------------------------------------------------------


def show(what: str, measured: float, target: float | None = None, unit: str = "") -> None:
    """One line of the table."""
    verdict = (
        "" if target is None else "ok" if measured <= target else "not measured" if measured != measured else "MISSED"
    )
    limit = "" if target is None else f"<= {target:g}"
    print(f"  {what:58s}{measured:10.3g} {unit:12s}{limit:>10s}  {verdict}", flush=True)


def show_chain(n: int, count: int) -> None:
    """Everything about `chain` at one size."""
    f, x = chain(n)
    prepared = seconds_of(lambda: ad.compile(f(ad), x))
    program = ad.compile(f(ad), x)
    peers, built = casadi(n)
    contestants = {**compiled(program, x), **peers, **by_hand(n)}
    references = [
        np.asarray(contestants[name]()).ravel() for name in ("casadi reverse", "hand reverse") if name in contestants
    ]
    for reference in references:
        assert np.allclose(program.gradient(x), reference, rtol=0, atol=1e-10 * np.max(np.abs(reference)))
    seconds = rounds(contestants, count)
    print(f"\nchain, N = {n:,}, {program.n_ops:,} ops; nanoseconds per op:")
    for name, values in seconds.items():
        print(f"    {name:16s}{np.median(values) / program.n_ops * 1e9:8.2f}")
    show("one reverse sweep / CasADi's", ratio(seconds, "reverse", "casadi reverse"), 0.8)
    show("one forward sweep / CasADi's", ratio(seconds, "forward", "casadi forward"), 0.6)
    show("one reverse sweep / compiled primal", ratio(seconds, "reverse", "primal"), 2.2)
    show("one forward sweep / compiled primal", ratio(seconds, "forward", "primal"), 1.5)
    show("recording and freezing / CasADi's build", prepared / built, 0.1)
    show("recording and freezing", prepared / program.n_ops * 1e9, None, "ns/op")
    show("one reverse sweep / written by hand", ratio(seconds, "reverse", "hand reverse"))
    show("compiled primal / written by hand", ratio(seconds, "primal", "hand primal"))
    show("program, values and adjoints", program.nbytes / (program.n_inputs + program.n_ops), 26, "bytes/node")


def show_lanes(n: int, count: int) -> None:
    """Many tangents at once, on one thread and on two."""
    f, x = chain(n)
    program = ad.compile(f(ad), x)
    tangents = min(n, 8 * program.lanes)
    seconds = rounds(
        {str(k): lambda k=k: program.forward_block(x, 0, tangents, threads=k) for k in (1, 2)},  # type: ignore[misc]
        max(3, count // 4),
    )
    print(f"\nchain, N = {n:,}, {program.lanes} tangents carried together:")
    show("one thread", float(np.median(seconds["1"])) / program.n_ops / tangents * 1e9, 0.35, "ns/op/tangent")
    show("two threads, rate relative to one", ratio(seconds, "1", "2"), None, f"({os.cpu_count()} cores)")
    used = time.process_time()
    wall = seconds_of(lambda: program.forward_block(x, 0, tangents, threads=2))
    show("cores the two threads got (below 2, others were busy)", (time.process_time() - used) / wall)


def show_overhead(count: int) -> None:
    """A call of a small program: what is not sweeping."""
    f, x = chain(10)
    seconds = rounds(compiled(ad.compile(f(ad), x), x), count)
    print("\nchain, N = 10: one call")
    for name, values in seconds.items():
        show(name, float(np.median(values)) * 1e6, 5, "us")


def show_start() -> None:
    """From nothing to a compiled program: without and with a cache."""
    code = "import ad; ad.compile(lambda v: ad.sin(v[0]) * v[1], 2)([1.0, 2.0])"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "AD_CACHE_DIR": folder}

        def start() -> None:
            subprocess.run([sys.executable, "-c", code], env=environment, check=True, stderr=subprocess.DEVNULL)

        print("\nimport, compile a small function, call it, leave:")
        show("without a cache", seconds_of(start), 15, "s")
        show("with a cache", min(seconds_of(start) for _ in range(3)), 1, "s")


def show_freezing(n: int) -> None:
    """Freezing a tape of millions of nodes."""
    f, x = chain(n)
    seconds = seconds_of(lambda: ad.compile(f(ad), x))
    print(f"\nchain, N = {n:,}: a tape of {4 * n:,} ops")
    show("recorded, frozen and freed", seconds, None, "s")


def show_families(count: int) -> None:
    """The cost of a sweep relative to the primal, for every family."""
    print(f"\nall families, about {FAMILY_SIZE:,} inputs or outputs; relative to the compiled primal:")
    print(f"  {'':12s}{'ops':>10s}{'ns/op':>8s}{'forward':>10s}{'<= 2.5':>8s}{'reverse':>10s}{'<= 4':>6s}")
    for name, family in FAMILIES.items():
        if family.axes > 1 or family.sizes:
            continue
        graph = problem(name, family.nearest(FAMILY_SIZE if name != "fixed_work" else 64))
        x = np.array(graph.x)
        program = ad.compile(functools.partial(graph.f, ad), x)
        seconds = rounds(compiled(program, x), count)
        forward, reverse = ratio(seconds, "forward", "primal"), ratio(seconds, "reverse", "primal")
        each = float(np.median(seconds["primal"])) / program.n_ops * 1e9
        verdicts = ["ok" if forward <= 2.5 else "above", "ok" if reverse <= 4.0 else "above"]
        line = f"  {name:12s}{program.n_ops:10,}{each:8.2f}"
        print(f"{line}{forward:10.2f}{verdicts[0]:>8s}{reverse:10.2f}{verdicts[1]:>6s}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.experiments.compiled_speed", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="sizes of chain")
    parser.add_argument("--rounds", type=int, default=25, help="rounds in which all contestants are visited")
    arguments = parser.parse_args()
    if min(arguments.sizes) < 2 or arguments.rounds < 1:
        parser.error("--sizes must be 2 or more and --rounds 1 or more")
    ad.compile(lambda v: v[0], 1)  # the sweeps are compiled, or loaded, before anything is timed
    for n in arguments.sizes:
        show_chain(n, arguments.rounds)
    show_lanes(200_000, arguments.rounds)
    show_families(arguments.rounds)
    show_overhead(arguments.rounds)
    show_freezing(1_000_000)
    show_start()


if __name__ == "__main__":
    main()
