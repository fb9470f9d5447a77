"""A stage's findings in words: Markdown sentences, each of which follows from numbers."""

from collections import Counter
from collections.abc import Sequence

from mnist_core.config import Data
from mnist_core.goal import Goal
from mnist_core.words import apart, beside, does, of, part, percent
from search.chance.importance import LEAST, Importance
from search.chance.leads import Lead, SeedNoise
from search.drill.result import DrillResult, StageResult, Trained
from search.drill.spec import Stage
from search.report.advice import Advice, advice, spelled
from search.report.findings import AtBound, Fall, Findings, Fit, own
from search.study.trials import Complete
from search.text.markdown import code, escaped
from search.text.wording import change, digits, listed, points, value
from spaces import Frame
from spaces.catalogue import all_dimensions
from spaces.dimensions import Choice

VERDICTS = {
    "overfits": "overfits",
    "underfits": "underfits",
    "neither": "neither overfits nor underfits",
}


def analysis(trained: Trained, found: Findings, goal: Goal, data: Data) -> list[str]:
    """What the numbers say, a sentence or two a finding; where there are complete trials."""
    said = [_goal(trained, found, goal), *_fits(found, goal)]
    if found.fall:
        said.append(_fall(found.fall, goal))
    if found.noise:
        said.append(_steady(found, found.noise, goal, data.test))
    if found.over_runner_up:
        said.append(lead("The best trial's lead over the runner-up", found.over_runner_up, goal))
    if found.over_base:
        what = "The best trial's lead over the best that the stage began with"
        said.append(lead(what, found.over_base, goal))
    said += map(_bound, found.at_bounds)
    return [*said, *_importances(trained, found.importances)]


def shortfall(worst: float, goal: Goal) -> str:
    """How far a net is from the goal, on the seed of its search."""
    where = f"in {_worst_of(goal)} (1 seed)"
    if worst >= goal.accuracy:
        return f"holds the goal with {points(worst - goal.accuracy)} to spare {where}"
    return f"misses the goal by {points(goal.accuracy - worst)} {where}"


def _worst_of(goal: Goal) -> str:
    return f"the worst of its {goal.ends}" if goal.last > 1 else f"its {goal.ends}"


def lead(what: str, found: Lead, goal: Goal, where: str = "1 seed each") -> str:
    """Whether one is ahead of the other."""
    explained = min(found.known, found.needed)
    limit = found.needed if found.told and not found.tie else explained
    size, chance = apart(abs(found.points), limit)
    sign = "-" if found.points < 0 and float(size) else "+"
    said = f"{what}, {code(found.over)}, is {sign}{size} points in the {goal.judged} ({where})"
    if found.tie:
        return f"{said}: a tie, since chance explains up to {chance} points."
    if not found.told:
        freedom = of(found.freedom, "degree")
        return (
            f"{said}: the seeds are too few to tell whether that is chance. With {freedom} of "
            f"freedom it would take more than {beside(found.needed, abs(found.points))} points."
        )
    more = "more" if found.points > 0 else "further behind"
    return f"{said}: {more} than the {chance} points that chance explains."


def _goal(trained: Trained, found: Findings, goal: Goal) -> str:
    complete = len(trained.complete)
    holding = sum(trial.holds_goal for trial in trained.trials)
    first = found.leaders[0]
    unbeaten = "" if own(trained, [first]) else ", which no trial of this stage beats,"
    some = of(complete, "complete trial")
    held = f"{holding or 'none'} of the {some} {does(holding or 1, 'holds')} it"
    if complete == 1:
        held = f"the one complete trial {'holds' if holding else 'does not hold'} it"
    return f"{code(first.name)}{unbeaten} {shortfall(first.trial.ending.worst, goal)}; {held}."


def _fits(found: Findings, goal: Goal) -> list[str]:
    """The first leader's in full."""
    first, *others = zip(found.leaders, found.fits, strict=True)
    said = [_fit(first[0].name, first[1], goal)] if first[1] else []
    short = [
        f"{code(each.name)} {VERDICTS[fit.verdict]} "
        f"(gap {change(fit.gap, fit.chance)} points, 1 seed)"
        for each, fit in others
        if fit is not None
    ]
    return said + ([f"{listed(short)}."] if short else [])


def _fit(name: str, fit: Fit, goal: Goal) -> str:
    train, test = (percent(each, goal.accuracy) for each in (fit.train, fit.test))
    more = "more" if fit.gap > fit.chance else "no more"
    size, chance = apart(fit.gap, fit.chance)
    gap = size if size.startswith("-") else f"+{size}"
    below = ", and even the training images stay below the goal"
    return (
        f"{code(name)} {VERDICTS[fit.verdict]}: in evaluation mode it recognises {train} % of "
        f"training and {test} % of {goal.images} (1 seed), a gap of {gap} "
        f"points: {more} than two standard errors, {chance} points"
        f"{below if fit.verdict == 'underfits' else ''}."
    )


def _fall(fall: Fall, goal: Goal) -> str:
    said = (
        f"Once the learning rate is below half of its height, the error {_changed(fall.factor)} "
        f"(median of {of(fall.trials, 'trial')})"
    )
    if fall.high_step is None:
        return f"{said}."
    return (
        f"{said}. From one epoch to the next the accuracy moves by {points(fall.high_step)} before "
        f"that, and by {points(fall.late_step)} in the {goal.ends}."
    )


def _changed(factor: float) -> str:
    """What becomes of an error that is divided by this factor."""
    if f"{factor:.1f}" == "1.0":
        return "stays as it is"
    if factor > 1:
        return f"falls by a factor of {factor:.1f}"
    return f"rises by a factor of {1 / factor:.1f}"


def _steady(found: Findings, chance: SeedNoise, goal: Goal, images: int) -> str:
    first = found.leaders[0]
    ending = first.trial.ending
    several = len(ending.test_acc) > 1
    spread = f"a standard deviation of {points(ending.deviation)} and " if several else ""
    have = f"have {spread}a worst of" if goal.last > 1 else "has"
    worst = percent(ending.worst, goal.accuracy)
    said = f"The {goal.ends} of {code(first.name)} {have} {worst} % (1 seed)."
    if chance.freedom:
        return (
            f"{said} Between seeds, the finalists' mean of these epochs has a standard deviation "
            f"of {points(chance.size)} ({of(chance.freedom, 'degree')} of freedom)."
        )
    return (
        f"{said} No seed has been repeated yet: for the noise between seeds stands the standard "
        f"error of one accuracy on {images:,} {goal.images}, {points(chance.size)}."
    )


def _bound(at: AtBound) -> str:
    end, where = "upper" if at.upper else "lower", _lived([at.name], at.trials, at.of)
    return f"The best values of {code(at.name)} lie at its {end} bound, {digits(at.bound)}{where}."


def _lived(names: Sequence[str], trials: int, complete: int) -> str:
    """What is said of dimensions holds in the trials in which they do something: how many these
    are, unless it is all of them."""
    if trials == complete:
        return ""
    acts = "it does something" if len(names) == 1 else "each of them does something"
    return f", in the {part(trials, complete, 'complete trial')} in which {acts}"


def _importances(trained: Trained, found: Sequence[Importance]) -> list[str]:
    complete = len(trained.complete)
    if complete < LEAST:
        some = of(complete, "complete trial")
        return [f"What mattered cannot be told from {some}: that takes {LEAST}."]
    matters = [_importance(each, n > 0) for n, each in enumerate(found) if each.matters]
    said = [f"What mattered: {'; '.join(matters)}."] if matters else []
    return [*said, *_no_effects(found, complete), *_seldom(trained.complete)]


def _no_effects(found: Sequence[Importance], complete: int) -> list[str]:
    """One of all dimensions that do something in as many trials, those in most trials first."""
    groups: dict[int, list[str]] = {}
    for each in found:
        if not each.matters:
            groups.setdefault(each.trials, []).append(each.name)
    named = {trials: spelled(names) for trials, names in sorted(groups.items(), reverse=True)}
    return [_no_effect(names, trials, complete) for trials, names in named.items() if names]


def _no_effect(names: Sequence[str], trials: int, complete: int) -> str:
    where = _lived(names, trials, complete) or f" in {of(complete, 'complete trial')}"
    return (
        f"No effect of {listed([code(name) for name in names], 'or')} can be told from chance"
        f"{where}; that is not to say that there is none."
    )


def _seldom(complete: Sequence[Complete]) -> list[str]:
    """Of the dimensions that do something in too few trials."""
    lived = Counter(name for trial in complete for name in trial.living)
    return [
        f"What {code(name)} does cannot be told: it does something in {lived[name] or 'none'} of "
        f"the {of(len(complete), 'complete trial')}, and that takes {LEAST}."
        for name in complete[0].dimensions
        if lived[name] < LEAST
    ]


def _importance(each: Importance, further: bool) -> str:
    share = f"{'a further ' * further}{100 * each.share:.0f} %"
    where = _lived([each.name], each.trials, each.of)
    said = f"{code(each.name)}, which explains {share} of the trials' ranking{where}"
    if each.correlation is None:
        return f"{said} (best on average: {value(each.best)})"
    low, high = map(value, each.best)
    return (
        f"{said} (rank correlation with the score {each.correlation:+.2f}, best third of the "
        f"trials at {low} to {high})"
    )


def advised(stage: StageResult, found: Findings, result: DrillResult) -> list[str]:
    """What to change, and which later stage does so."""
    later = list(enumerate(result.spec.stage, start=1))[stage.number :]
    return [
        f"{each.change}: {each.why}.{_answered(each, later)}"
        for each in advice(found, result.spec.goal)
    ]


def adviser(found: Findings, goal: Goal, who: str, advice: Sequence[str]) -> str:
    """What the advice is for; that there is none, where that is so."""
    missing = goal.accuracy - found.leaders[0].trial.ending.worst
    if missing > 0:
        if advice:
            return f"What {who} should change, {points(missing)} short of the goal (1 seed):"
        return f"It is {points(missing)} short of the goal (1 seed); nothing found here says why."
    if advice:
        return f"The goal is held (1 seed). What {who} could change:"
    return "The goal is held (1 seed), and nothing found here asks for a change."


def _answered(advice: Advice, later: Sequence[tuple[int, Stage]]) -> str:
    if not later:
        return ""
    named = advice.dimensions
    for number, stage in later:
        varied = [_varied(name, stage.vary[name]) for name in stage.vary if name in named]
        held = [_varied(name, (stage.fix[name],)) for name in stage.fix if name in named]
        does = [f"varies {listed(varied)}"] if varied else []
        does += [f"holds {listed(held)}"] if held and not advice.hold else []
        if does:
            still = " all the same" * advice.hold
            return f" Stage {number} ({escaped(stage.name)}) {listed(does)}{still}."
    return "" if advice.hold else " No later stage varies any of that."


def _varied(name: str, bounds: object) -> str:
    if not isinstance(bounds, tuple):
        return code(name)
    choices = isinstance(all_dimensions(Frame(2, 1)).get(name), Choice)
    said = ", ".join(map(value, bounds)) if choices else " to ".join(map(digits, bounds))
    return f"{code(name)} ({said})"
