"""A study in its storage, as all other rooms know it: its goal, its trials as rows, and what is
kept with it."""

from functools import cached_property
from typing import Any

import optuna

from mnist_core.errors import UserError
from mnist_core.goal import Goal
from search.study.trials import Complete, State, Trial, read

GOAL = "goal"  # user attribute: the goal as a table


class Study:
    """A study that has been made; whether drilldown launched it, `launched` says."""

    def __init__(self, study: optuna.Study) -> None:
        """study: Optuna's, for this room only."""
        self.optuna = study
        self._ended: dict[int, Trial] = {}  # by number: they never change any more

    @property
    def name(self) -> str:
        return self.optuna.study_name

    @property
    def launched(self) -> bool:
        """Whether drilldown launched it: else it has no goal, and no trial means anything."""
        return GOAL in self.optuna.user_attrs

    @cached_property
    def goal(self) -> Goal:
        """What it was launched with. Raises UserError where drilldown never launched it."""
        kept = self.optuna.user_attrs.get(GOAL)
        if kept is None:
            raise UserError(f"study {self.name!r} has no goal: drilldown did not launch it")
        return Goal.model_validate(kept)

    @property
    def finished(self) -> int:
        """How many of its trials ended of themselves."""
        return sum(trial.finished for trial in self.trials())

    @property
    def empty(self) -> bool:
        """Whether it has no trial at all."""
        return not self.optuna.get_trials(deepcopy=False)

    def trials(self) -> list[Trial]:
        """All of them, best first: by score, then those without one by number.

        Raises UserError where drilldown never launched it.
        """
        goal = self.goal
        found = []
        for each in self.optuna.get_trials(deepcopy=False):
            trial = self._ended.get(each.number) or read(self.name, each, goal)
            if trial.state not in (State.WAITING, State.RUNNING):
                self._ended[trial.number] = trial
            found.append(trial)
        return sorted(found, key=lambda trial: (trial.score is None, -(trial.score or 0.0)))

    def best(self) -> Complete | None:
        """The complete trial with the highest score, the earliest of equals; None if there is
        none."""
        return next((trial for trial in self.trials() if isinstance(trial, Complete)), None)

    def kept(self, name: str) -> Any:
        """What was kept with the study under a name; None where nothing was."""
        return self._storage.get_study_system_attrs(self.optuna._study_id).get(name)

    def keep(self, name: str, value: Any) -> None:
        """Keep something with the study that JSON can say, where the dashboard does not show it."""
        self._storage.set_study_system_attr(self.optuna._study_id, name, value)

    @property
    def _storage(self) -> optuna.storages.BaseStorage:
        return self.optuna._storage
