"""What the trials of a stage say, as numbers and verdicts. `analysis` puts them into words."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.schedule import Constant, LossDip, epoch_factors
from search.chance.importance import Importance, importances
from search.chance.leads import Lead, SeedNoise, sampling_error
from search.drill.result import DrillResult, StageResult, Tried
from search.report import leads
from search.study.trials import Complete
from spaces import Frame
from spaces.catalogue import all_dimensions
from spaces.dimensions import Dimension, Number

Verdict = Literal["overfits", "underfits", "both", "neither"]

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


def fit(candidate: Tried, goal: Goal) -> Fit | None:
    """None where its training accuracy is not known.

    overfits: the gap is more than two standard errors of the difference of two proportions, the
    root of the sum of the squares of theirs (see `sampling_error`). underfits: even the training
    images are recognised less well than the goal asks of the test images.
    """
    trial, data = candidate.trial, candidate.config.data
    if trial.fit_acc is None:
        return None
    train, test = trial.fit_acc, trial.test_acc[-1]
    error = math.hypot(
        sampling_error(train, min(data.train, data.test)), sampling_error(test, data.test)
    )
    over, under = train - test > 2 * error, train < goal.accuracy
    verdict: Verdict = (
        "both" if over and under else "overfits" if over else "underfits" if under else "neither"
    )
    return Fit(train, test, error, verdict)


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


def fall(stage: StageResult, goal: Goal) -> Fall | None:
    """None where no trial says anything."""
    factors, high_steps, late_steps = [], [], []
    for trial in stage.complete:
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
    """A dimension whose best values lie in the outer tenth of what was tried."""

    name: str
    bound: float
    upper: bool
    widens: bool
    """Whether a stage may ask for values beyond it."""


def at_bounds(stage: StageResult, frame: Frame) -> list[AtBound]:
    """Where all of two or more leaders, or most of the best third of the trials, lie at a bound."""
    third = stage.complete[: math.ceil(len(stage.complete) / 3)]
    leading = own(stage, leaders(stage))
    found = []
    for name, kind in (third[0].dimensions if third else {}).items():
        if not isinstance(kind, Number) or kind.low == kind.high:
            continue
        for upper in (False, True):
            best, leads_ = (
                [_outside(kind, trial.sample[name], upper) for trial in group]
                for group in (third, leading)
            )
            if (len(best) > 2 and 2 * sum(best) > len(best)) or (len(leads_) > 1 and all(leads_)):
                bound = kind.high if upper else kind.low
                found.append(AtBound(name, bound, upper, _widens(name, bound, upper, frame)))
    return found


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


def leaders(stage: StageResult) -> Sequence[Tried]:
    """Its winners; while it is not over, as many of its best trials as there will be."""
    return stage.winners or stage.tried()[: stage.stage.keep]


def own(stage: StageResult, candidates: Sequence[Tried]) -> list[Complete]:
    """The trials of those candidates that are the stage's own, not winners it has not beaten."""
    return [each.trial for each in candidates if each.trial.study == stage.study]


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


def findings(stage: StageResult, result: DrillResult) -> Findings:
    """Of a stage of a drill."""
    goal, first = result.spec.goal, leaders(stage)
    chance = leads.noise(result)
    return Findings(
        leaders=first,
        fits=[fit(candidate, goal) for candidate in first],
        fall=fall(stage, goal),
        noise=chance,
        over_runner_up=leads.over_runner_up(stage, chance) if chance else None,
        over_base=leads.over_base(stage, chance) if chance else None,
        at_bounds=at_bounds(stage, Frame(goal.params, goal.epochs, result.spec.data)),
        importances=_importances(stage.complete),
    )


def _importances(complete: Sequence[Complete]) -> list[Importance]:
    kinds = complete[0].dimensions if complete else {}
    samples = [trial.living for trial in complete]
    return importances(kinds, samples, [trial.score for trial in complete])
