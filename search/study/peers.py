"""A study as its samplers and pruners see it: with the trials that are drilldown's, and no others.

A study lies open to Optuna's own functions, its command line and the dashboard: anyone can add a
trial with any values, also inf. None of these may teach a sampler or stop a trial of ours.
"""

from collections.abc import Callable, Container
from typing import Any, cast

import optuna
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

Ours = Callable[[FrozenTrial], bool]
"""Whether a trial that runs, or has ended, is one of drilldown's."""


def among_peers(study: optuna.Study, pruner: BasePruner, ours: Ours) -> optuna.Study:
    """The same study, to ask of and to report to; what runs or has ended in it elsewhere is
    hidden."""
    storage = cast(BaseStorage, _Hiding(study._storage, ours))
    return optuna.Study(study.study_name, storage, pruner=pruner)


class _Hiding:
    """A storage but for the trials that it hides. They are hidden here and not in the study, since
    Hyperband makes studies of its own on the same storage."""

    def __init__(self, storage: BaseStorage, ours: Ours) -> None:
        self._storage, self._ours = storage, ours

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        found = self._storage.get_all_trials(study_id, deepcopy, states)
        waiting = TrialState.WAITING  # whoever enqueued it
        return [trial for trial in found if trial.state == waiting or self._ours(trial)]
