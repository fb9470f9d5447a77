"""What is known of a study's trials, read back from its storage: one row a trial.

The owner writes through `TrialAttr` and `attach`, everything else reads through this module: no
other place knows what a trial's attributes are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.record import Environment

GOAL = "goal"  # study attribute: the goal as a table
# System attributes, as tables; in the dashboard they would bury what people look for.
FINGERPRINT = "drilldown:fingerprint"  # of a study: what it was launched with
CONFIG = "drilldown:config"  # of a trial: exactly what was trained
ENVIRONMENT = "drilldown:environment"  # of a trial
TRAINING = "drilldown:training"  # of a trial: how well it did on what it was trained on

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class TrialAttr(StrEnum):
    """User attributes of a trial; the scalar ones become columns of optuna-dashboard."""

    PARAMS = "parameters"
    WORST = "worst of last k"
    MEAN = "mean of last k"
    GOAL_EPOCH = "first epoch at goal"
    SECONDS = "seconds"
    REASON = "reason"  # why it failed
    INTERRUPTED = "interrupted"  # true where its owner went away: it does not count as finished


@dataclass(frozen=True)
class Row:
    """A trial as people look at it. Accuracies are percent; None is what is not known."""

    number: int
    state: str
    test_acc: tuple[float, ...]
    """One an epoch, as far as it went."""
    score: float | None
    worst: float | None
    """Of the last k epochs; of finished trials only, as score, mean and spread."""
    mean: float | None
    spread: float | None
    """Highest less lowest of the last k."""
    train_acc: tuple[float, ...]
    """One an epoch, while training; of trials that have ended."""
    fit_acc: float | None
    """See `EpochResult`; of complete trials."""
    params: int | None
    seconds: float | None
    reason: str
    holds_goal: bool


def goal_of(study: Study) -> Goal:
    """The goal the study was launched with. Raises UserError where drilldown never launched it."""
    if GOAL not in study.user_attrs:
        raise UserError(f"study {study.study_name!r} has no goal: drilldown did not launch it")
    return Goal.model_validate(study.user_attrs[GOAL])


def config_of(trial: FrozenTrial) -> Config:
    """The config that the trial trained."""
    return Config.from_dict(trial.system_attrs[CONFIG])


def environment_of(trial: FrozenTrial) -> Environment:
    """Where and with what it was trained."""
    return Environment.model_validate(trial.system_attrs[ENVIRONMENT])


def attach(trial: Trial, name: str, table: dict[str, Any]) -> None:
    """Keep CONFIG, ENVIRONMENT or TRAINING with a trial."""
    trial.storage.set_trial_system_attr(trial._trial_id, name, table)


def curve(trial: FrozenTrial) -> tuple[float, ...]:
    """Test accuracy of each epoch so far, percent."""
    return tuple(value for _, value in sorted(trial.intermediate_values.items()))


def rows(study: Study) -> list[Row]:
    """All trials, best first: by score, then those without one by number."""
    goal = goal_of(study)
    found = [_row(trial, goal) for trial in study.get_trials(deepcopy=False)]
    return sorted(found, key=lambda row: (row.score is None, -(row.score or 0.0), row.number))


def best(study: Study) -> FrozenTrial | None:
    """The finished trial with the highest score, the earliest of equals; None if there is none."""
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    return max(complete, key=lambda trial: (trial.value, -trial.number), default=None)


def counted(trials: Sequence[FrozenTrial]) -> int:
    """How many trials count as finished: all that ended of themselves."""
    return sum(
        trial.state in FINISHED and not trial.user_attrs.get(TrialAttr.INTERRUPTED, False)
        for trial in trials
    )


def _row(trial: FrozenTrial, goal: Goal) -> Row:
    attrs: dict[str, Any] = trial.user_attrs
    training: dict[str, Any] = trial.system_attrs.get(TRAINING, {})
    accuracies = curve(trial)
    finished = trial.state == TrialState.COMPLETE and bool(accuracies)
    ending = goal.ending(accuracies) if finished else None
    state = "interrupted" if attrs.get(TrialAttr.INTERRUPTED) else trial.state.name.lower()
    return Row(
        number=trial.number,
        state=state,
        test_acc=accuracies,
        score=trial.value if finished else None,
        worst=ending.worst if ending else None,
        mean=ending.mean if ending else None,
        spread=ending.spread if ending else None,
        train_acc=tuple(training.get("train_acc", ())),
        fit_acc=training.get("fit_acc"),
        params=attrs.get(TrialAttr.PARAMS),
        seconds=attrs.get(TrialAttr.SECONDS),
        reason=attrs.get(TrialAttr.REASON, ""),
        holds_goal=ending is not None and ending.held,
    )
