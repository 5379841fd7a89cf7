"""What the README says was found: written from the findings of the reference run, never by hand.

    python -m benchmarks.page

fills README.md between the marks `<!-- found: NAME -->` and `<!-- end -->`; a test fails where it says anything else.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from benchmarks.experiments import million
from benchmarks.findings import closing, scaling, told
from benchmarks.findings.found import findings
from benchmarks.findings.rules import RULES
from benchmarks.findings.tables import catalogue_order
from benchmarks.findings.tried import LANES, MODEL, TEXTBOOK, TRANSFERRED, factor
from benchmarks.runs.columns import MillionRecord
from benchmarks.runs.environment import ROOT
from benchmarks.runs.files import read_run

REFERENCE, MILLION, README = ROOT / "results" / "reference", ROOT / "results" / "million", ROOT / "README.md"
WIDTH = 125
HEADLINE = "chain"
MARKED = re.compile(r"(<!-- found: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def passages() -> dict[str, str]:
    """Every passage of the README that tells what was found, by name."""
    found = findings(read_run(REFERENCE), catalogue_order())
    records = [
        MillionRecord(**{str(name): value for name, value in record.items()})
        for record in million.history(MILLION).to_dict("records")
    ]
    return {
        "million": _list(map(million.sentence, records)),
        "lines": "\n".join(["```text", *closing.lines(found), "```"]),
        "speedup": _list(each.sentence() for each in headlines(found)),
        "growth": _wrapped(growth(found)),
        "crossover": _wrapped(found.crossover_sentence()),
        "border": _wrapped(found.borders[-1].sentence() if found.borders else "No border was enclosed."),
        "cost": _list(each.sentence() for each in found.costs),
        "memory": _wrapped(memory(found)),
        "rules": rules(found),
    }


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
    return "\n".join([_wrapped(said), "", *lines])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(
        textwrap.fill(sentence, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        for sentence in sentences
    )


def main(path: Path = README) -> None:
    """Write the page again."""
    path.write_text(filled(path.read_text(encoding="utf-8"), passages()), encoding="utf-8")


if __name__ == "__main__":
    main()
