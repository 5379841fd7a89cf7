"""What was found of the rules for choosing a mode, as data and in words; part of what `told` tells."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.findings.words import counted

MODEL = "cost model"
"""Our own rule, scored on families that it was not fitted to."""
TRANSFERRED = "cost model of other engines"
"""The same, scored on families and engines that it was not fitted to."""
ALL = "all"
"""The name under which engines stand together."""
TEXTBOOK, LANES = "textbook", "lanes"
"""The two kinds of forward mode that rules are tried against."""
TANGENTS = {TEXTBOOK: "one tangent a pass", LANES: "as many tangents a pass as carried"}


@dataclass(frozen=True)
class Tried:
    """A rule for choosing the mode, tried on all that was measured.

    `wrong` is the share of wrong choices, `mean` what the time is multiplied by relative to knowing the answer
    (geometric mean, every family weighing the same), each with its 95 % interval over families (NaN: too few, or
    nothing was lost to bound it by); `worst` is the most that one choice cost, `where` says on what; `verdict` is what
    the rule is against the cost model: `loses more`, `loses less`, `no difference` or "".  In `unmeasured` more
    problems its choice was not measured.  `forward` is `textbook` (one tangent a pass) or `lanes`.  A run that is too
    noisy is not `trusted`.
    """

    rule: str
    engine: str
    forward: str
    problems: int
    wrong: float
    wrong_low: float
    wrong_high: float
    mean: float
    mean_low: float
    mean_high: float
    worst: float
    where: str
    verdict: str
    unmeasured: int
    trusted: bool = True

    @property
    def thumb(self) -> bool:
        """Whether it is a rule of thumb, and not ours."""
        return self.rule not in (MODEL, TRANSFERRED)

    @property
    def multiplies(self) -> str:
        """The mean factor on the time; the least that it can be where what the rule chose was not always measured."""
        return f"{'at least ' if self.unmeasured else ''}{factor(self.mean)}"

    def sentence(self) -> str:
        """How often it is wrong, and what following it costs."""
        engine = "all engines" if self.engine == ALL else self.engine
        said = f"{self.rule} ({engine}, {TANGENTS[self.forward]})"
        if not self.trusted:
            return f"{said}: the run is too noisy to say what it costs."
        said += f": wrong in {self.wrong:.0%} of {self.problems:,} problems"
        if not math.isnan(self.wrong_low):
            said += f", 95 % [{self.wrong_low:.0%}, {self.wrong_high:.0%}]"
        said += f"; it multiplies the time by {self.multiplies}"
        if not math.isnan(self.mean_high):
            said += f", 95 % [{factor(self.mean_low)}, {factor(self.mean_high)}]"
        return f"{said}, at worst by {factor(self.worst)} ({self.where})." if self.worst > 1.0 else f"{said}."


@dataclass(frozen=True)
class Rules:
    """Every rule, tried in every engine and in all together, against both kinds of forward mode."""

    tried: tuple[Tried, ...] = ()

    def overall(self, forward: str) -> tuple[Tried, ...]:
        """The rules over all engines together, or over the only one there is."""
        mine = [each for each in self.tried if each.forward == forward]
        engines = {each.engine for each in mine}
        return tuple(each for each in mine if each.engine == ALL or len(engines) == 1)

    def sentence(self, forward: str = TEXTBOOK) -> str:
        """Which rule of thumb loses least and which most, and what the cost model does; "" where none was tried."""
        tried = self.overall(forward)
        if not tried:
            return ""
        about = f"Choosing the mode ({TANGENTS[forward]}, {counted(tried[0].problems, 'problem')})"
        if not all(each.trusted for each in tried):
            return f"{about}: the run is too noisy to say what rules cost."
        thumbs = sorted((each for each in tried if each.thumb), key=lambda each: each.mean)
        model = next(each for each in tried if each.rule == MODEL)
        more = sum(each.verdict == "loses more" for each in thumbs)
        beside = [
            f"less than {'any of them' if more == len(thumbs) else f'{more} of the {len(thumbs)} rules'}"
            if more
            else "",
            *(f"more than {each.rule}" for each in thumbs if each.verdict == "loses less"),
        ]
        told = " and ".join(filter(None, beside))
        compared = f"{told}, by 95 % intervals" if told else "which cannot be told from any of them"
        least, most, ours = (each.multiplies for each in (thumbs[0], thumbs[-1], model))
        return (
            f"{about}: of the rules of thumb, {thumbs[0].rule} costs least, {least} times what knowing the answer "
            f"does, and {thumbs[-1].rule} most, {most} times; our cost model, on families that it was not fitted to, "
            f"{ours} times, {compared}."
        )


def factor(ratio: float) -> str:
    """What a time is multiplied by: three decimals below two, then three digits."""
    return f"{ratio:.3f}" if ratio < 2.0 else f"{ratio:,.3g}" if ratio < 1000.0 else f"{ratio:,.0f}"
