"""The pruner that knows the goal and each trial's own schedule.

Accuracy jumps late, when the learning rate has fallen, and it falls at another time in every trial.
So a trial is not held against what others had reached by the same epoch. It is asked how far it can
still get: the trials that finished show by which factor an error rate went down from a comparable
point on (the same epoch, the learning rate fallen as far and with as much still to fall, the
weights averaged or not), and the best of those factors, with something to spare, is granted to it.
It is stopped only if even so it could not do what is still worth doing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.schedule import LossDip, epoch_factors
from search.study.forecast import FLOOR
from search.study.trials import CONFIG, curve


@dataclass(frozen=True)
class _Plan:
    """What decides when a trial's accuracy comes; one value an epoch, at its end.

    fallen: how much of its height the learning rate has lost, 0 (none) to 1 (all); in the warm-up
    nothing counts as lost. to_fall: how much it will yet lose of the greatest height that it still
    has; after the last epoch, none. averaged: whether the tested net is an average, which rises
    early and gains little from the rate's fall. by_loss: whether the rate falls when the training's
    loss says so, which no plan knows.
    """

    fallen: tuple[float, ...]
    to_fall: tuple[float, ...]
    averaged: bool
    by_loss: bool

    @classmethod
    def of(cls, config: Config) -> "_Plan":
        rates = epoch_factors(config.schedule, config.epochs, config.batches)
        splits = [(rates[:epoch], rates[epoch - 1 :]) for epoch in range(1, len(rates) + 1)]
        return cls(
            fallen=tuple(_lost(max(before), before[-1]) for before, _ in splits),
            to_fall=tuple(_lost(max(after), min(after)) for _, after in splits),
            averaged=config.averaging.kind != "none",
            by_loss=isinstance(config.schedule, LossDip),
        )

    def resembles(self, other: "_Plan", epoch: int, alike: float) -> bool:
        """Whether an accuracy of the other says something of this one's from this epoch on (counted
        from 1). alike: how far apart the shares that have fallen, and that are to fall, may be."""
        if (self.averaged, self.by_loss) != (other.averaged, other.by_loss):
            return False
        fallen = abs(self.fallen[epoch - 1] - other.fallen[epoch - 1])
        to_fall = abs(self.to_fall[epoch - 1] - other.to_fall[epoch - 1])
        return max(fallen, to_fall) <= alike


def _lost(height: float, rate: float) -> float:
    """The share of a height that a rate has lost; of no height, none."""
    return 1 - rate / height if height else 0.0


@dataclass(frozen=True)
class _Course:
    """A trial as far as it has come. acc: test accuracy after each epoch, percent."""

    plan: _Plan
    acc: Sequence[float]

    def error(self, epoch: int) -> float:
        """The lowest error rate, percent, in the epochs up to this one (from 1)."""
        return max(FLOOR, 100 - max(self.acc[:epoch]))

    def later_error(self, epoch: int) -> float:
        """The lowest error rate after this epoch, percent."""
        return max(FLOOR, 100 - max(self.acc[epoch:]))


class GoalPruner(BasePruner):
    """Stops a trial that cannot reach the goal any more, or is hopelessly behind."""

    def __init__(
        self,
        goal: Goal,
        startup: int = 5,
        peers: int = 3,
        fair: float = 0.2,
        alike: float = 0.2,
        spare: float = 0.1,
        behind: float = 0.75,
    ) -> None:
        """
        Args:
            goal: of the study.
            startup: trials that must have finished before any is judged.
            peers: how many of them must be comparable.
            fair: a trial is judged once its learning rate has lost this share of its height, or
                half of its epochs are over: at full rate, a start says nothing of the end.
            alike: two learning rates have fallen as far, and have as much still to fall, where the
                shares that they have lost, and those that they are yet to lose, differ by no more
                than this.
            spare: the share of its error rate that a trial is granted to lose beyond what the best
                comparable trial lost.
            behind: a trial is hopelessly behind if it cannot hope for a score above this quantile
                of the finished ones; 0 switches that off.

        Raises ValueError on a value out of range.
        """
        if startup < 1 or peers < 1:
            raise ValueError("startup and peers must be at least 1")
        if not (0 <= fair <= 1 and 0 <= alike <= 1 and 0 <= spare < 1 and 0 <= behind < 1):
            raise ValueError("fair and alike must be in [0, 1], spare and behind in [0, 1)")
        self._goal, self._startup, self._peers = goal, startup, peers
        self._fair, self._alike, self._spare, self._behind = fair, alike, spare, behind

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should stop after the epochs it has reported (percent, from step 1).

        All that is known comes from these two: one pruner may be asked about several studies.
        """
        course = _course(trial)
        if course is None or not 0 < len(course.acc) < self._goal.epochs:
            return False
        if not self._fair_chance(course):  # as in most epochs, for which nothing need be read
            return False
        finished = list(_complete(study))
        if len(finished) < self._startup:
            return False
        ceiling = self._ceiling(course, [other for other, _ in finished])
        worth = self._worth(course, [score for _, score in finished])
        return ceiling is not None and self._reach(course, ceiling) < worth

    def _fair_chance(self, course: _Course) -> bool:
        epoch = len(course.acc)
        return course.plan.fallen[epoch - 1] >= self._fair or 2 * epoch >= self._goal.epochs

    def _ceiling(self, course: _Course, finished: Sequence[_Course]) -> float | None:
        """The highest accuracy, percent, that an epoch to come can be hoped to have; None where
        too few trials are comparable to say."""
        epoch = len(course.acc)
        factors = [
            other.later_error(epoch) / other.error(epoch)
            for other in finished
            if len(other.acc) > epoch and course.plan.resembles(other.plan, epoch, self._alike)
        ]
        if len(factors) < self._peers:
            return None
        return 100 - course.error(epoch) * min(1.0, *factors) * (1 - self._spare)

    def _reach(self, course: _Course, ceiling: float) -> float:
        """The highest score, percent, that the trial can be hoped to end with: raising an accuracy
        never lowers a score, so the ceiling stands for all epochs to come."""
        to_come = self._goal.epochs - len(course.acc)
        return self._goal.ending([*course.acc, *[ceiling] * to_come]).score

    def _worth(self, course: _Course, scores: Sequence[float]) -> float:
        """The score, percent, below which a trial is not worth going on.

        As long as it can hold the goal, that is the goal, or the best score where no trial has come
        so far; and before the epochs that count, not to be behind. Once one of these is below the
        goal, the trial can only serve by being the best.
        """
        best = max(scores)
        worth = min(best, self._goal.accuracy)
        counted = course.acc[self._goal.epochs - self._goal.last :]
        if counted:
            return worth if min(counted) >= self._goal.accuracy else best
        return max(worth, float(np.quantile(scores, self._behind))) if self._behind else worth


def _complete(study: Study) -> Iterator[tuple[_Course, float]]:
    """The trials that can teach something, with their scores, percent."""
    for trial in study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
        course = _course(trial)
        if course is not None and trial.value is not None and 0 <= trial.value <= 100:
            yield course, trial.value


def _course(trial: FrozenTrial) -> _Course | None:
    """None where nothing can be compared: nan, which is in no range, or no config of ours."""
    acc = curve(trial)
    if CONFIG not in trial.system_attrs or not all(0 <= accuracy <= 100 for accuracy in acc):
        return None
    plan = _plan(json.dumps(trial.system_attrs[CONFIG]))
    return _Course(plan, acc) if plan is not None and len(acc) <= len(plan.fallen) else None


@lru_cache(maxsize=10_000)
def _plan(config: str) -> _Plan | None:
    """Of a config as JSON: a trial's number is another's in another study, its config is not. None
    where it is none: a trial that runs lies open to others."""
    try:
        return _Plan.of(Config.from_dict(json.loads(config)))
    except (TypeError, ValueError):  # pydantic's ValidationError is one of the second
        return None
