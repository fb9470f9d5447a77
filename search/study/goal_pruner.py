"""The pruner that knows the goal and each trial's own schedule.

Accuracy jumps late, when the learning rate has fallen, and it falls at another time in every trial.
So a trial is not held against what others had reached by the same epoch. It is asked how far it can
still get: the trials that finished show by which factor an error rate went down from a comparable
point on (the same epoch, the learning rate fallen as far, the weights averaged or not), and the
best of those factors, with something to spare, is granted to it. It is stopped only if even so it
could not do what is still worth doing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.schedule import epoch_factors
from search.study.trials import config_of, curve

_FLOOR = 0.01  # percent: one image of 10,000; an error rate is not taken to be lower


@dataclass(frozen=True)
class _Plan:
    """What decides when a trial's accuracy comes.

    fall: how much of its height the learning rate has lost by the end of each epoch, 0 (none) to 1
    (all); in the warm-up nothing counts as lost. averaged: whether the tested net is an average,
    which rises early and gains little from the rate's fall.
    """

    fall: tuple[float, ...]
    averaged: bool


@dataclass(frozen=True)
class _Course:
    """A trial as far as it has come. acc: test accuracy after each epoch, percent."""

    plan: _Plan
    acc: Sequence[float]

    def error(self, epoch: int) -> float:
        """The lowest error rate, percent, in the epochs up to this one (from 1)."""
        return max(_FLOOR, 100 - max(self.acc[:epoch]))

    def later_error(self, epoch: int) -> float:
        """The lowest error rate after this epoch, percent."""
        return max(_FLOOR, 100 - max(self.acc[epoch:]))


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
            alike: two learning rates have fallen as far where the shares they have lost differ by
                no more than this.
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
        self._plans: dict[int, _Plan] = {}  # by trial number
        self._finished: dict[int, tuple[_Course, float]] = {}  # with the score

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should stop after the epochs it has reported (percent, from step 1)."""
        course = self._course(trial)
        epoch = len(course.acc)
        if not 0 < epoch < self._goal.epochs or not all(0 <= a <= 100 for a in course.acc):
            return False  # nan is not in that range: no verdict on what cannot be compared
        for other in study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
            if other.number not in self._finished and other.value is not None:
                self._finished[other.number] = (self._course(other), other.value)
        if len(self._finished) < self._startup or not self._fair_chance(course.plan, epoch):
            return False
        ceiling = self._ceiling(course, epoch)
        return ceiling is not None and self._reach(course, ceiling) < self._worth(course)

    def _fair_chance(self, plan: _Plan, epoch: int) -> bool:
        return plan.fall[epoch - 1] >= self._fair or 2 * epoch >= self._goal.epochs

    def _ceiling(self, course: _Course, epoch: int) -> float | None:
        """The highest accuracy, percent, that an epoch to come can be hoped to have; None where
        too few trials are comparable to say."""
        factors = [
            other.later_error(epoch) / other.error(epoch)
            for other, _ in self._finished.values()
            if len(other.acc) > epoch and self._comparable(course.plan, other.plan, epoch)
        ]
        if len(factors) < self._peers:
            return None
        return 100 - course.error(epoch) * min(1.0, *factors) * (1 - self._spare)

    def _comparable(self, one: _Plan, other: _Plan, epoch: int) -> bool:
        apart = abs(one.fall[epoch - 1] - other.fall[epoch - 1])
        return one.averaged == other.averaged and apart <= self._alike

    def _reach(self, course: _Course, ceiling: float) -> float:
        """The highest score, percent, that the trial can be hoped to end with: raising an accuracy
        never lowers a score, so the ceiling stands for all epochs to come."""
        to_come = self._goal.epochs - len(course.acc)
        return self._goal.ending([*course.acc, *[ceiling] * to_come]).score

    def _worth(self, course: _Course) -> float:
        """The score, percent, below which a trial is not worth going on.

        As long as it can hold the goal, that is the goal, or the best score where no trial has come
        so far; and before the epochs that count, not to be behind. Once one of these is below the
        goal, the trial can only serve by being the best.
        """
        scores = [score for _, score in self._finished.values()]
        best = max(scores)
        worth = min(best, self._goal.accuracy)
        counted = course.acc[self._goal.epochs - self._goal.last :]
        if counted:
            return worth if min(counted) >= self._goal.accuracy else best
        return max(worth, float(np.quantile(scores, self._behind))) if self._behind else worth

    def _course(self, trial: FrozenTrial) -> _Course:
        if trial.number not in self._plans:
            self._plans[trial.number] = _plan(config_of(trial))
        return _Course(self._plans[trial.number], curve(trial))


def _plan(config: Config) -> _Plan:
    factors = epoch_factors(config.schedule, config.epochs, config.batches)
    heights = accumulate(factors, max)
    fall = tuple(1 - factor / height for factor, height in zip(factors, heights, strict=True))
    return _Plan(fall, config.averaging.kind != "none")
