"""The pruner that knows the goal and each trial's own schedule.

Accuracy jumps late, when the learning rate has fallen, and it falls at another time in every trial.
So a trial is not held against what others had reached by the same epoch. It is asked how far it can
still get: the trials that finished show by which factor an error rate went down from a comparable
point on, and the best of those factors, with something to spare, is granted to it. It is stopped
only if even so it could not do what is still worth doing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_core.schedule import epoch_factors
from search.goal import Goal
from search.results import config_of, curve

_FLOOR = 0.01  # percent: one image of 10,000; an error rate is not taken to be lower


@dataclass(frozen=True)
class _Course:
    """A trial as far as it has come.

    acc: test accuracy after each epoch, percent. fall: how much of its height the learning rate
    has lost by the end of each epoch, 0 (none) to 1 (all); in the warm-up nothing counts as lost.
    """

    acc: Sequence[float]
    fall: Sequence[float]

    def error(self, epoch: int) -> float:
        """The lowest error rate, percent, in the epochs up to this one (from 1)."""
        return max(_FLOOR, 100 - max(self.acc[:epoch]))

    def later_error(self, epoch: int) -> float:
        """The lowest error rate after this epoch, percent."""
        return max(_FLOOR, 100 - max(self.acc[epoch:]))


class GoalPruner(BasePruner):
    """Stops a trial that cannot reach the goal any more, or is hopelessly behind.

    goal: of the study. startup: trials that must have finished before any is judged. peers: how
    many finished trials must be comparable. alike: two trials are comparable at an epoch where the
    shares by which their learning rates have fallen differ by no more than this. spare: the share
    of its remaining error rate that a trial is granted to lose beyond the best comparable trial.
    """

    def __init__(
        self,
        goal: Goal,
        startup: int = 6,
        peers: int = 4,
        alike: float = 0.15,
        spare: float = 0.1,
    ) -> None:
        if startup < 1 or peers < 1:
            raise ValueError("startup and peers must be at least 1")
        if not 0 <= alike <= 1 or not 0 <= spare < 1:
            raise ValueError("alike must be in [0, 1], spare in [0, 1)")
        self._goal, self._startup, self._peers = goal, startup, peers
        self._alike, self._spare = alike, spare
        self._finished: dict[int, tuple[_Course, float]] = {}  # with the score, by trial number

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should stop after the epochs it has reported (percent, from step 1)."""
        course = _course(trial)
        epoch = len(course.acc)
        if not 0 < epoch < self._goal.epochs or not all(0 <= a <= 100 for a in course.acc):
            return False  # nan is not in that range: no verdict on what cannot be compared
        self._learn(study)
        if len(self._finished) < self._startup:
            return False
        ceiling = self._ceiling(course, epoch)
        return ceiling is not None and self._reach(course, epoch, ceiling) < self._worth(course)

    def _learn(self, study: Study) -> None:
        for trial in study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
            if trial.number not in self._finished and trial.value is not None:
                self._finished[trial.number] = (_course(trial), trial.value)

    def _ceiling(self, course: _Course, epoch: int) -> float | None:
        """The highest accuracy, percent, that an epoch to come can be hoped to have; None where
        too few trials are comparable to say."""
        factors = [
            other.later_error(epoch) / other.error(epoch)
            for other, _ in self._finished.values()
            if len(other.acc) > epoch
            and abs(other.fall[epoch - 1] - course.fall[epoch - 1]) <= self._alike
        ]
        if len(factors) < self._peers:
            return None
        return 100 - course.error(epoch) * min(1.0, min(factors)) * (1 - self._spare)

    def _reach(self, course: _Course, epoch: int, ceiling: float) -> float:
        """The highest score, percent, that the trial can be hoped to end with: raising an accuracy
        never lowers a score, so the ceiling stands for all epochs to come."""
        hoped = [*course.acc, *[ceiling] * (self._goal.epochs - epoch)]
        return self._goal.score(hoped)

    def _worth(self, course: _Course) -> float:
        """The score, percent, below which a trial is not worth going on.

        As long as it can hold the goal, that is the goal, or less where no trial has come so far.
        Once an epoch that counts is below the goal, it can only serve by being the best.
        """
        best = max(score for _, score in self._finished.values())
        counted = course.acc[self._goal.epochs - self._goal.last :]
        lost = min(counted, default=100.0) < self._goal.accuracy
        return best if lost else min(best, self._goal.accuracy)


def _course(trial: FrozenTrial) -> _Course:
    config = config_of(trial)
    factors = epoch_factors(config.schedule, config.epochs)
    peak = 0.0
    fall = []
    for factor in factors:
        peak = max(peak, factor)
        fall.append(1 - factor / peak)
    return _Course(curve(trial), fall)
