"""Trials that somebody enqueued, with values of their own for some dimensions."""

from collections.abc import Callable, Sequence

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from spaces import Space, SpaceError

_VALUES = "fixed_params"  # Optuna's system attribute


def refuse(
    study: optuna.Study,
    waiting: Sequence[FrozenTrial],
    space: Space,
    refused: Callable[[Trial, str], None],
) -> int:
    """Take those out of the queue that the space has no config for: Optuna itself would try any
    value, or end in the middle. `refused` gets each, which runs now, and why; returns how many."""
    count = 0
    for trial in waiting:
        try:
            space.check(trial.system_attrs.get(_VALUES, {}), "enqueued")
        except SpaceError as error:
            if _popped(study, trial._trial_id):
                refused(Trial(study, trial._trial_id), str(error))
                count += 1
    return count


def _popped(study: optuna.Study, trial_id: int) -> bool:
    """Whether it was still in the queue."""
    try:
        return study._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
    except UpdateFinishedTrialError:
        return False
