"""What the pages say was found: written from the findings of committed runs, never by hand.

    python -m benchmarks.page

fills README.md and the page of the workloads between the marks `<!-- found: NAME -->` and `<!-- end -->`; a test fails
where they say anything else.  The README tells of `results/reference`, `results/peers` and `results/million`, the other
page of `results/workloads` and `results/training`, where they are.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
import textwrap
from collections.abc import Iterable

from benchmarks.experiments import million, training
from benchmarks.findings import closing, scaling, told
from benchmarks.findings.found import findings, noise_of
from benchmarks.findings.peers import Peers, compared, noisy_engines
from benchmarks.findings.rules import RULES
from benchmarks.findings.tables import catalogue_order
from benchmarks.findings.tried import LANES, MODEL, TEXTBOOK, TRANSFERRED, factor
from benchmarks.findings.workloads import Workload, workloads
from benchmarks.functions.catalogue import HEADLINE, WORKLOADS, families
from benchmarks.functions.problem import Family, text_of
from benchmarks.runs.environment import ROOT
from benchmarks.runs.files import read_records, read_run

REFERENCE, MILLION, README = ROOT / "results" / "reference", ROOT / "results" / "million", ROOT / "README.md"
PEERS, HEAT = ROOT / "results" / "peers", ROOT / "plots" / "pictures" / "peers" / "engines.png"
GROWING, TRAINING = ROOT / "results" / "workloads", ROOT / "results" / "training"
WORKLOADS_PAGE = ROOT / "benchmarks" / "functions" / "workloads" / "README.md"
PICTURES = ROOT / "plots" / "pictures" / "workloads" / "workloads"
COLUMNS = ("engine", "size", "forward", "many tangents", "reverse", "")
APART = (
    "Each engine was measured in a process of its own, one after another: what changed on the machine between them is "
    "in no interval."
)
WIDTH = 125
MARKED = re.compile(r"(<!-- found: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def passages() -> dict[str, str]:
    """Every passage of the README that tells what was found, by name."""
    found = findings(read_run(REFERENCE), catalogue_order())
    return {
        "million": _list(map(million.sentence, read_records(MILLION / "million.csv"))),
        "lines": "\n".join(["```text", *closing.lines(found), "```"]),
        "speedup": _list(each.sentence() for each in headlines(found)),
        "growth": _wrapped(growth(found)),
        "crossover": _wrapped(found.crossover_sentence()),
        "border": _wrapped(found.border_sentence()),
        "cost": _list(each.sentence() for each in found.costs),
        "memory": _wrapped(memory(found)),
        "rules": rules(found),
        "training": _list(trained()[:1]),
        **_of_peers(),
    }


def _of_peers() -> dict[str, str]:
    """What the run with engines of others says; where there is none, how to make one."""
    if not PEERS.exists():
        return dict.fromkeys(("peers", "engines"), "Not yet run: `python -m benchmarks run --engine=all --apart`.")
    run = read_run(PEERS)
    assert run.engines is not None
    assert run.summary is not None
    found = Peers(run.engines, compared(run.summary), noise_of(run), noisy_engines(run.timings))
    heat = (
        f"\n\n![Every engine on every function, relative to the fastest]({HEAT.relative_to(ROOT)})"
        if HEAT.exists()
        else ""
    )
    said = [*found.sentences(), *([APART] if run.environment.get("settings", {}).get("apart") else [])]
    return {"peers": _list(said) + heat, "engines": found.markdown()}


def workload_passages() -> dict[str, str]:
    """Every passage of the page of the workloads, by name; what has not been run says so."""
    run = read_run(GROWING) if GROWING.exists() else None
    found = [] if run is None else workloads(run, catalogue_order())
    return {
        "workloads": "\n\n".join(entry(family, found) for family in families([WORKLOADS])),
        "training": _list(trained()),
    }


def trained() -> list[str]:
    """What the training of a network found, the times of either mode first."""
    if not TRAINING.exists():
        return ["Not yet run: `python -m benchmarks training`."]
    return list(training.sentences(*(read_records(TRAINING / name) for name in ("training.csv", "starts.csv"))))


def entry(family: Family, found: Iterable[Workload]) -> str:
    """One workload: what it is, its N and M, and what a run said of it, in the first engine and as a table of all."""
    module = sys.modules[family.make.__module__]
    what = " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())
    problems = [family.at(size) for size in family.growing or family.sizes]
    n, m = (_range([getattr(problem, name) for problem in problems]) for name in ("n_inputs", "n_outputs"))
    sizes = f"{text_of(problems[0].size)} to {text_of(problems[-1].size)}"
    file = f"{module.__name__.rpartition('.')[2]}.py"
    head = f"{what} [Formula and source]({file}). N = {n}, M = {m}, at the sizes {sizes}."
    mine = [each for each in found if each.graph == family.name]
    parts = [f"## {family.name}", _wrapped(head)]
    if (PICTURES / f"{family.name}.png").exists():
        to = "../" * 3 + f"{PICTURES.relative_to(ROOT)}/{family.name}.png"
        parts.append(f"![Time of the derivative of {family.name}, by engine and mode]({to})")
    if not mine:
        return "\n\n".join([*parts, "Not yet measured: `python -m benchmarks run --family=workloads`."])
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(each.row() for each in mine)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join([*parts, _list(mine[0].sentences()), table])


def _range(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def filled(text: str, passages: dict[str, str]) -> str:
    """A page with its marked passages replaced.

    Raises:
        KeyError: a mark names no passage.
    """
    return MARKED.sub(lambda match: f"{match[1]}{passages[match[2]]}\n{match[3]}", text)


def headlines(found: told.Findings) -> list[told.Speedup]:
    """The headline family at its largest size in each engine, with one tangent a pass and with many."""
    chosen = [each for (graph, _), each in closing.at_largest(found.speedups).items() if graph == HEADLINE]
    return sorted(chosen, key=lambda each: (each.engine, each.lanes))


def growth(found: told.Findings) -> str:
    """How many curves agree with theory, which do not, and why not."""
    against = [each for each in found.growths if each.verdict == "disagrees"]
    short = [each for each in found.growths if each.exponent != each.exponent]
    wide = sum(each.verdict == "inconclusive" for each in found.growths) - len(short)
    said = [found.growth_sentence()]
    for each in against:
        reason = scaling.REASONS.get((each.graph, each.engine, each.mode), "Why is not known.")
        said.append(f"{each.sentence()} {reason}")
    if short:
        said.append(f"Of the inconclusive, {len(short)} have fewer than {scaling.POINTS} sizes;")
        said.append(f"the intervals of the other {wide} reach both near theory and beyond.")
    theory = {(each.graph, each.engine, each.mode): each.theory for each in found.growths}
    other = {"forward": "reverse", "reverse": "forward"}
    apart = sum(each.apart(theory.get((each.graph, each.engine, other[each.mode]), math.nan)) for each in found.growths)
    said.append(f"In {apart} the interval excludes the exponent that theory gives the other mode.")
    return " ".join(said)


def memory(found: told.Findings) -> str:
    """The headline family in the first engine that has it."""
    mine = [each for each in found.memories if each.graph == HEADLINE]
    return mine[0].sentence() if mine else "Memory was not measured."


def rules(found: told.Findings) -> str:
    """A table of what every rule for choosing the mode costs over all engines, and what is to be said of it."""
    sources = {rule.name: rule.source for rule in RULES} | {
        MODEL: "ours, scored on families that it was not fitted to",
        TRANSFERRED: "ours, scored on families and engines that it was not fitted to",
    }
    lines = [
        "| rule, for N inputs and M outputs | wrong choices | mean time | worst | source |",
        "|---|---|---|---|---|",
    ]
    for each in found.rules.overall(TEXTBOOK):
        least = "at least " if each.unmeasured else ""
        lines.append(
            f"| {each.rule} | {each.wrong:.0%} | {least}{factor(each.mean)} | {least}{factor(each.worst)} | "
            f"{sources[each.rule]} |"
        )
    said = " ".join(filter(None, (found.rules.sentence(TEXTBOOK), found.rules.sentence(LANES))))
    if any(each.unmeasured for each in found.rules.tried):
        said += " At least: problems where the mode that a rule chooses was not measured are left out of its factor."
    return "\n".join([_wrapped(said), "", *lines])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(
        textwrap.fill(sentence, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        for sentence in sentences
    )


def main() -> None:
    """Write the pages again."""
    for path, said in ((README, passages), (WORKLOADS_PAGE, workload_passages)):
        path.write_text(filled(path.read_text(encoding="utf-8"), said()), encoding="utf-8")


if __name__ == "__main__":
    main()
