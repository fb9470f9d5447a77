"""Trials in a study as a session leaves them, without any training."""

from collections.abc import Mapping, Sequence
from typing import Any

import fakes
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_core.config import Config
from mnist_core.goal import Goal
from search.study.study import GOAL, Study
from search.study.trials import CONFIG, ENVIRONMENT, TRAINING, TrialAttr


def launched(study: optuna.Study, goal: Goal) -> Study:
    """The study with what makes it one that drilldown launched, as an old version left it."""
    study.set_user_attr(GOAL, goal.model_dump(mode="json"))
    return Study(study)


def trial(
    config: Config,
    goal: Goal,
    test_acc: Sequence[float],
    state: TrialState = TrialState.COMPLETE,
    sample: Mapping[str, Any] | None = None,
    distributions: Mapping[str, BaseDistribution] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    """One that ended so, with all that is kept of it. attrs: further user attributes."""
    complete = state == TrialState.COMPLETE
    ending = goal.ending(test_acc)
    summary = {TrialAttr.WORST: round(ending.worst, 4), TrialAttr.MEAN: round(ending.mean, 4)}
    if complete and ending.first_at_goal is not None:
        summary[TrialAttr.GOAL_EPOCH] = ending.first_at_goal
    known = {TrialAttr.PARAMS: config.params, TrialAttr.SECONDS: 20.5 * len(test_acc)}
    values = {TrialState.COMPLETE: ending.score, TrialState.PRUNED: test_acc[-1]}
    return create_trial(
        state=state,
        value=values.get(state),
        params=dict(sample or {}),
        distributions=dict(distributions or {}),
        user_attrs={
            str(key): value
            for key, value in {**known, **(summary if complete else {}), **(attrs or {})}.items()
        },
        system_attrs={
            CONFIG: config.to_dict(),
            ENVIRONMENT: fakes.ENVIRONMENT.model_dump(mode="json"),
            TRAINING: {"train_acc": list(test_acc), "fit_acc": fakes.FIT if complete else None},
        },
        intermediate_values=dict(enumerate(test_acc, 1)),
    )
