"""What to try next, as it follows from what came of a study or a drill."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mnist_core.config import Data
from mnist_core.goal import Goal
from search.drill.result import Tried
from search.report import findings
from search.report.advice import REGULARISERS
from search.report.findings import Verdict
from search.study.trials import Complete, Trial
from search.text.commands import Command, program
from spaces import Frame, SpaceError, layouts
from spaces.catalogue import all_dimensions
from spaces.dimensions import Choice, Dimension, Real

PER_DIMENSION = 10  # trials, below which more of them are the first thing to try
_LEAVE = 0.8  # of the parameters that hold a goal: what is asked for next
_MOST = 3  # steps that are said


@dataclass(frozen=True)
class Outcome:
    """What the steps follow from."""

    goal: Goal
    data: Data
    held: bool
    """Whether the goal is held: by a trial of a study, by a drill's winner on every seed."""
    params: int
    """Of the smallest net that holds the goal; of the best where none does."""
    worst: float
    """Percent, in the epochs that count: of the best."""
    trials: int
    """That there are."""
    dimensions: Mapping[str, Dimension]
    """That vary: what is held at one value, or idle, is none."""
    verdict: Verdict | None = None
    """On the fit of the best; None where it is not known."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Dimension -> the table of the file that varies it, where that is not `space.vary`."""

    @classmethod
    def of(cls, goal: Goal, data: Data, trials: Sequence[Trial]) -> "Outcome":
        """Of a study's trials, best first, one at least of them complete."""
        complete = [trial for trial in trials if isinstance(trial, Complete)]
        best, holders = complete[0], [trial for trial in complete if trial.holds_goal]
        fit = findings.fit(Tried(best.study, best.config, best), goal)
        return cls(
            goal=goal,
            data=data,
            held=bool(holders),
            params=min(trial.config.params for trial in holders or [best]),
            worst=best.ending.worst,
            trials=sum(trial.counts for trial in trials),
            dimensions=best.dimensions,
            verdict=fit.verdict if fit else None,
        )

    def more_trials(self, wanted: int) -> str:
        """What `--trials` says for twice as many as there are, or as the study asks for itself."""
        return str(2 * max(wanted, self.trials))


@dataclass(frozen=True)
class Step:
    """One thing to try: what is to be set (KEY=VALUE), and the ending of the name under which. A
    step without settings is another number of seeds or trials, of which the run itself has more."""

    what: str
    settings: tuple[str, ...] = ()
    ending: str = ""


MORE_SEEDS = Step("More seeds")
MORE_TRIALS = Step("More trials")


def steps(outcome: Outcome) -> list[Step]:
    """The first ones first. Where the goal is missed, what trains longer, on more or more often
    comes before any regularisation, which costs where none of that is wanting."""
    if outcome.held:
        found = [MORE_SEEDS, *_whole_data(outcome), *_fewer(outcome), *_higher(outcome)]
        return found[: _MOST + 1]
    found = [*_whole_data(outcome), *_longer(outcome)]
    if outcome.trials < PER_DIMENSION * len(outcome.dimensions):
        found.append(MORE_TRIALS)
    return (found or [*_regularised(outcome), MORE_TRIALS])[:_MOST]


def _whole_data(outcome: Outcome) -> Iterator[Step]:
    if not outcome.data.whole:
        whole = Data(judge=outcome.data.judge)
        settings = (f"data.train={whole.train}", f"data.test={whole.test}")
        what = "All of MNIST" if whole.judge == "test" else "All images"
        yield Step(what, settings, "all")


def _fewer(outcome: Outcome) -> Iterator[Step]:
    """A budget of two digits that the smallest holder does not fit."""
    wanted = _LEAVE * outcome.params
    unit = 10 ** (math.floor(math.log10(wanted)) - 1)
    budget = max(2, int(wanted // unit * unit))
    try:
        layouts.check_budget(budget)
    except SpaceError:
        return  # no net is as small as that
    yield Step("Fewer parameters", (f"goal.params={budget}",), str(budget))


def _higher(outcome: Outcome) -> Iterator[Step]:
    """The next round accuracy above the worst of the best; rounder the further it is from 100."""
    missing = 100 - max(outcome.worst, outcome.goal.accuracy)
    unit = max(0.01, 10 ** math.floor(math.log10(missing)) / 2) if missing >= 0.02 else 0.0
    if unit:
        accuracy = round(100 - (math.ceil(missing / unit - 1e-9) - 1) * unit, 2)
        if accuracy < 100:
            yield Step("A higher goal", (f"goal.accuracy={accuracy:g}",), f"{accuracy:g}")


def _longer(outcome: Outcome) -> Iterator[Step]:
    usual = Goal().epochs
    if outcome.goal.epochs < usual:
        yield Step("More epochs", (f"goal.epochs={usual}",), f"{usual}-epochs")


def _regularised(outcome: Outcome) -> Iterator[Step]:
    """Of what varies, what can go further than it may here; nothing where the fit asks for
    nothing."""
    if outcome.verdict == "underfits":
        epochs = min(1000, 2 * outcome.goal.epochs)
        yield Step("More epochs", (f"goal.epochs={epochs}",), f"{epochs}-epochs")
    if outcome.verdict == "overfits":
        frame = Frame(outcome.goal.params, outcome.goal.epochs, outcome.data)
        known = all_dimensions(frame)
        for name in REGULARISERS:
            kind, whole = outcome.dimensions.get(name), known[name]
            if not isinstance(kind, Real) or isinstance(whole, Choice) or kind.high >= whole.high:
                continue
            high = min(whole.high, 2 * kind.high or whole.high)
            table = outcome.tables.get(name, "space.vary")
            setting = f"{table}.{name}=[{kind.low:g}, {high:g}]"
            yield Step(f"More {name.replace('_', ' ')}", (setting,), name.replace("_", "-"))


def commands(
    found: Sequence[Step], again: Command, own: Mapping[Step, str]
) -> list[tuple[str, str]]:
    """(what, what to type) of each, as `lines`."""
    typed = {
        step: again.changed(step.settings, step.ending) if step.settings else own.get(step)
        for step in found
    }
    return [(step.what, command) for step, command in typed.items() if command]


def fenced_lines(found: Sequence[Step], again: Command, own: Mapping[Step, str]) -> list[str]:
    """As a page has them: it may be read elsewhere, where the program has no path of its own."""
    return [
        line
        for what, command in commands(found, again, own)
        for line in (f"# {what}", f"drilldown{command.removeprefix(program())}")
    ]


def lines(found: Sequence[Step], again: Command, own: Mapping[Step, str], column: int) -> list[str]:
    """A line each: what, and what to type.

    again: the run that they follow from. own: the commands of the steps without settings; one that
    has none is left out.
    """
    told = commands(found, again, own)
    return [f"{what}:".ljust(column) + command for what, command in told]
