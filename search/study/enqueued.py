"""Trials that somebody enqueued, with values of their own for some dimensions."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.study.trials import TrialAttr, is_ours
from spaces import Space, SpaceError

_VALUES = "fixed_params"  # Optuna's system attribute
_ATTRS = set(TrialAttr) - {TrialAttr.START}  # what only a training should say


def fault(trial: FrozenTrial, space: Space) -> str:
    """Why a trial that was just asked for cannot be trained; empty where nothing is wrong with it.
    Optuna itself would try any value, or end in the middle.

    Somebody may have added it, waiting, with anything that a trial can have, also what only a
    training should say of it.
    """
    values = trial.system_attrs.get(_VALUES, {})
    if not isinstance(values, Mapping):
        return "enqueued: its values are no table"
    ours = [*filter(is_ours, trial.system_attrs), *_ATTRS & trial.user_attrs.keys()]
    if trial.distributions or trial.intermediate_values or ours:
        return "enqueued: it brings along more than values to try"
    try:
        space.check(values, "enqueued")
    except SpaceError as error:
        return str(error)
    return ""


def samples(study: optuna.Study) -> list[dict[str, Any]]:
    """What waits in the queue."""
    queue = study.get_trials(deepcopy=False, states=[TrialState.WAITING])
    return [waiting.system_attrs.get(_VALUES, {}) for waiting in queue]
