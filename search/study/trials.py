"""What is known of a study's trials, read back from its storage: one typed row a trial.

The session writes through `TrialAttr` and `attach`, everything else reads through this module: no
other place knows what a trial's attributes are called.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from optuna.trial import Trial as OptunaTrial

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.goal import Ending, Goal
from mnist_core.record import Environment
from search.study.dimensions import dimensions
from spaces.dimensions import Dimension
from spaces.space import Params

# System attributes, as tables; in the dashboard they would bury what people look for.
CONFIG = "drilldown:config"  # exactly what was trained
ENVIRONMENT = "drilldown:environment"
TRAINING = "drilldown:training"  # how well it did on what it was trained on


class TrialAttr(StrEnum):
    """User attributes of a trial; the scalar ones become columns of optuna-dashboard."""

    PARAMS = "parameters"
    WORST = "worst of last k"
    MEAN = "mean of last k"
    GOAL_EPOCH = "first epoch at goal"
    SECONDS = "seconds"
    REASON = "reason"  # why it failed
    INTERRUPTED = "interrupted"  # true where its owner went away: it does not count as finished


class State(StrEnum):
    """What has become of a trial. `INTERRUPTED` has a state of its own, since it does not count
    among the finished ones."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAIL = "fail"
    INTERRUPTED = "interrupted"


FINISHED = (State.COMPLETE, State.PRUNED, State.FAIL)


@dataclass(frozen=True)
class Trial:
    """A trial as its study keeps it. Accuracies are percent; None is what is not known."""

    study: str
    """The name of its study."""
    number: int
    state: State
    sample: Params
    """Dimension -> value: what the sampler said."""
    dimensions: Mapping[str, Dimension]
    """What it is a sample of."""
    test_acc: tuple[float, ...]
    """One an epoch, as far as it went."""
    train_acc: tuple[float, ...]
    """One an epoch, while training; of trials that have ended."""
    params: int | None
    """Of its net."""
    seconds: float | None
    reason: str
    """Why it failed or was interrupted."""
    score: float | None
    """Percent; of complete trials."""
    _tables: Mapping[str, Any] = field(repr=False)

    @property
    def holds_goal(self) -> bool:
        return False

    @property
    def finished(self) -> bool:
        """Whether it ended of itself."""
        return self.state in FINISHED

    @cached_property
    def config(self) -> Config | None:
        """What was trained; None where its owner went away before that was kept."""
        return Config.from_dict(self._tables[CONFIG]) if CONFIG in self._tables else None

    @cached_property
    def environment(self) -> Environment | None:
        """Where and with what it was trained; None where it never began."""
        kept = self._tables.get(ENVIRONMENT)
        return Environment.model_validate(kept) if kept else None


@dataclass(frozen=True)
class Complete(Trial):
    """A trial that was trained to its end, and has all that one can have."""

    score: float
    ending: Ending
    """Of its curve, as its study's goal has it."""
    fit_acc: float | None
    """See `EpochResult`; None in storages from before it was kept."""

    @property
    def holds_goal(self) -> bool:
        return self.ending.held

    @cached_property
    def config(self) -> Config:
        return Config.from_dict(self._table(CONFIG))

    @cached_property
    def environment(self) -> Environment:
        return Environment.model_validate(self._table(ENVIRONMENT))

    def _table(self, name: str) -> Any:
        if name not in self._tables:
            raise UserError(
                f"trial {self.number} of study {self.study!r} was not trained by drilldown: it has "
                f"no {name}"
            )
        return self._tables[name]


def read(study: str, trial: FrozenTrial, goal: Goal) -> Trial:
    """A trial of a study with this goal."""
    attrs: dict[str, Any] = trial.user_attrs
    training: dict[str, Any] = trial.system_attrs.get(TRAINING, {})
    interrupted = attrs.get(TrialAttr.INTERRUPTED, False)
    accuracies = curve(trial)
    known: dict[str, Any] = {
        "study": study,
        "number": trial.number,
        "state": State.INTERRUPTED if interrupted else State(trial.state.name.lower()),
        "sample": trial.params,
        "dimensions": dimensions(trial.distributions),
        "test_acc": accuracies,
        "train_acc": tuple(training.get("train_acc", ())),
        "params": attrs.get(TrialAttr.PARAMS),
        "seconds": attrs.get(TrialAttr.SECONDS),
        "reason": attrs.get(TrialAttr.REASON, ""),
        "score": None,
        "_tables": trial.system_attrs,
    }
    score = trial.value if trial.state == TrialState.COMPLETE else None
    if score is None or not accuracies:
        return Trial(**known)
    ending, fit_acc = goal.ending(accuracies), training.get("fit_acc")
    return Complete(**{**known, "score": score}, ending=ending, fit_acc=fit_acc)


def curve(trial: FrozenTrial) -> tuple[float, ...]:
    """Test accuracy of each epoch so far, percent."""
    return tuple(value for _, value in sorted(trial.intermediate_values.items()))


def config_of(trial: FrozenTrial) -> Config:
    """The config that the trial trained."""
    return Config.from_dict(trial.system_attrs[CONFIG])


def attach(trial: OptunaTrial, name: str, table: dict[str, Any]) -> None:
    """Keep CONFIG, ENVIRONMENT or TRAINING with a trial."""
    trial.storage.set_trial_system_attr(trial._trial_id, name, table)
