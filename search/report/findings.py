"""What the trials of a stage say, as numbers and verdicts. `analysis` puts them into words."""

import math
import statistics
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from mnist_core.config import Config, Data
from mnist_core.goal import Goal
from mnist_core.schedule import Constant, LossDip, epoch_factors
from search.chance.importance import Importance, importances
from search.chance.leads import Lead, SeedNoise, sampling_error
from search.drill.result import DrillResult, StageResult, Trained, Tried
from search.report import leads
from search.study.trials import Complete
from spaces import Frame, around, catalogue
from spaces.catalogue import all_dimensions, lives
from spaces.dimensions import Dimension, Number, Whole

Verdict = Literal["overfits", "underfits", "neither"]

HIGH = 0.5  # factor of the schedule from which on the learning rate counts as high
_OUTER = 0.1  # of a dimension's range: what lies in there lies at the bound


@dataclass(frozen=True)
class Fit:
    """How well a net does on what it was trained on. Accuracies are percent."""

    train: float
    """In evaluation mode; see `EpochResult.fit_acc`."""
    test: float
    """Of the last epoch, as `train`."""
    error: float
    """The standard error of their difference."""
    verdict: Verdict

    @property
    def gap(self) -> float:
        return self.train - self.test

    @property
    def chance(self) -> float:
        """Points that a gap must exceed not to be chance: two standard errors."""
        return 2 * self.error

    @property
    def gapes(self) -> bool:
        """Whether the gap is more than chance."""
        return self.gap > self.chance


def fit(candidate: Tried, goal: Goal) -> Fit | None:
    """None where its training accuracy is not known.

    underfits: even the training images are recognised less well than the goal asks of the
    judge's, which comes first, since no smaller gap would mend it. overfits: they are not, and the
    gap is more than two standard errors of the difference of two proportions, the root of the sum
    of the squares of theirs (see `sampling_error`).
    """
    trial, data = candidate.trial, candidate.config.data
    if trial.fit_acc is None:
        return None
    train, test = trial.fit_acc, trial.test_acc[-1]
    error = math.hypot(
        sampling_error(train, min(data.train, data.test)), sampling_error(test, data.test)
    )
    found = Fit(train, test, error, "neither")
    if train < goal.accuracy:
        return replace(found, verdict="underfits")
    return replace(found, verdict="overfits") if found.gapes else found


@dataclass(frozen=True)
class Fall:
    """What the curves do once the learning rate falls; medians over the trials."""

    trials: int
    """How many count: complete ones, whose schedule is known beforehand and falls below half."""
    factor: float
    """By which the error after the last epoch at half of the rate or more is divided in the end;
    below 1 where it rises. Where no error is left, one image counts as one."""
    high_step: float | None
    """Points by which the accuracy changes from one epoch to the next while the rate is high; None
    where it is so for one epoch only."""
    late_step: float
    """And in the last k epochs."""


def fall(trained: Trained, goal: Goal) -> Fall | None:
    """None where no trial says anything."""
    factors, high_steps, late_steps = [], [], []
    for trial in trained.complete:
        accuracies, high = trial.test_acc, last_high(trial.config)
        if high is None:
            continue
        least = 100 / trial.config.data.test
        errors = [max(100 - accuracy, least) for accuracy in accuracies]
        factors.append(errors[high] / errors[-1])
        late_steps.append(_step(accuracies[-goal.last - 1 :]))
        if high:
            high_steps.append(_step(accuracies[: high + 1]))
    if not factors:
        return None
    high_step = statistics.median(high_steps) if high_steps else None
    return Fall(len(factors), statistics.median(factors), high_step, statistics.median(late_steps))


def last_high(config: Config) -> int | None:
    """The last epoch, counted from 0, at whose end the learning rate is at half of its height or
    more; None where it stays there to the end, or the training's loss decides."""
    if isinstance(config.schedule, Constant | LossDip):
        return None
    factors = epoch_factors(config.schedule, config.epochs, config.batches)
    high = max((epoch for epoch, factor in enumerate(factors) if factor >= HIGH), default=None)
    return None if high == config.epochs - 1 else high


def _step(accuracies: Sequence[float]) -> float:
    """The median change from one epoch to the next, which no first epoch drowns."""
    return statistics.median(abs(after - before) for before, after in pairwise(accuracies))


@dataclass(frozen=True)
class AtBound:
    """A dimension whose best values lie in the outer tenth of what was tried, at one end of it."""

    name: str
    bound: float
    upper: bool
    widens: bool
    """Whether a stage may ask for values beyond it."""
    trials: int
    """In so many complete trials it does something: all that is said here is of these alone."""
    of: int
    """And so many complete trials there are."""


def at_bounds(trained: Trained, frame: Frame) -> list[AtBound]:
    """Where all of two or more leaders, or most of the best third of the trials, lie at a bound;
    of the trials in which the dimension does something."""
    complete, leading = trained.complete, own(trained, trained.leaders())
    found = []
    for name, kind in (complete[0].dimensions if complete else {}).items():
        if not isinstance(kind, Number) or not _has_inside(kind):
            continue
        values, leads_ = (
            [trial.living[name] for trial in group if name in trial.living]
            for group in (complete, leading)
        )
        best = values[: math.ceil(len(values) / 3)]
        ends = [upper for upper in (False, True) if _at_end(kind, best, leads_, upper)]
        if len(ends) == 1:  # else the leaders lie at one end, and most of the others at the other
            [upper] = ends
            bound = kind.high if upper else kind.low
            widens = _widens(name, bound, upper, frame)
            found.append(AtBound(name, bound, upper, widens, len(values), len(complete)))
    return found


def _has_inside(kind: Number) -> bool:
    """Whether there is a value that lies at neither bound: of the whole numbers 1 and 2 each one
    does, and says nothing by it."""
    return kind.high - kind.low > 1 if isinstance(kind, Whole) else kind.high > kind.low


def _at_end(kind: Number, best: Sequence[float], leading: Sequence[float], upper: bool) -> bool:
    best_there, leading_there = (
        [_outside(kind, value, upper) for value in values] for values in (best, leading)
    )
    most = len(best) > 2 and 2 * sum(best_there) > len(best)
    return most or (len(leading) > 1 and all(leading_there))


def _outside(kind: Number, value: float, upper: bool) -> bool:
    scale = math.log if kind.log else float
    low, high = scale(kind.low), scale(kind.high)
    part = (scale(value) - low) / (high - low)
    return part >= 1 - _OUTER if upper else part <= _OUTER


def _widens(name: str, bound: float, upper: bool, frame: Frame) -> bool:
    whole: Dimension | None = all_dimensions(frame).get(name)
    if not isinstance(whole, Number):
        return False
    return bound < whole.high if upper else bound > whole.low


def own(trained: Trained, candidates: Sequence[Tried]) -> list[Complete]:
    """The trials of those candidates that are its own, not winners it has not beaten."""
    return [each.trial for each in candidates if each.trial.study == trained.study]


@dataclass(frozen=True)
class Findings:
    """All that is found of a stage."""

    leaders: Sequence[Tried]
    fits: Sequence[Fit | None]
    """One a leader."""
    fall: Fall | None
    noise: SeedNoise | None
    over_runner_up: Lead | None
    over_base: Lead | None
    at_bounds: Sequence[AtBound]
    importances: Sequence[Importance]
    open: Mapping[str, Dimension]
    """All that a stage can vary, in so far as no counsel about it is idle: it can have more than
    one value, does something in the first leader, and is not what the drill's file holds."""


def findings(stage: StageResult, result: DrillResult) -> Findings:
    """Of a stage of a drill."""
    spec = result.spec
    return found_of(stage, spec.goal, spec.data, leads.noise(result), _held(stage, result))


def found_of(
    trained: Trained, goal: Goal, data: Data, chance: SeedNoise | None, held: Set[str]
) -> Findings:
    """Of one study's trials. held: what it was told to hold, which is nobody's to advise on."""
    first, frame = trained.leaders(), Frame(goal.params, goal.epochs, data)
    return Findings(
        leaders=first,
        fits=[fit(candidate, goal) for candidate in first],
        fall=fall(trained, goal),
        noise=chance,
        over_runner_up=leads.over_runner_up(trained, chance) if chance else None,
        over_base=leads.over_base(trained, chance) if chance else None,
        at_bounds=at_bounds(trained, frame),
        importances=_importances(trained.complete),
        open=_open(first[0].config, held, frame) if first else {},
    )


def _open(first: Config, held: Set[str], frame: Frame) -> dict[str, Dimension]:
    return {
        name: kind
        for name, kind in all_dimensions(frame).items()
        if name not in held and not _single(kind) and lives(name, first)
    }


def _single(kind: Dimension) -> bool:
    return kind.low == kind.high if isinstance(kind, Number) else len(kind.choices) == 1


def _held(stage: StageResult, result: DrillResult) -> set[str]:
    """What the stage was told to hold, and no later one to vary."""
    varied = {name for later in result.spec.stage[stage.number :] for name in later.vary}
    widths = catalogue.WIDTH_NAMES if around.ALL_WIDTHS in varied else ()
    return set(stage.stage.fix).difference(varied, widths)


def _importances(complete: Sequence[Complete]) -> list[Importance]:
    kinds = complete[0].dimensions if complete else {}
    samples = [trial.living for trial in complete]
    return importances(kinds, samples, [trial.score for trial in complete])
