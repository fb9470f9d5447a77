"""The pruner that knows the goal and each trial's own schedule."""

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from search.goal import Goal


class GoalPruner(BasePruner):
    def __init__(self, goal: Goal) -> None:
        self._goal = goal

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return False
