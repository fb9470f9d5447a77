"""What is known of a study's trials, read back from its storage: one typed row a trial.

The session writes through `TrialAttr` and `attach`, everything else reads through this module: no
other place knows what a trial's attributes are called.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from optuna.trial import FrozenTrial, TrialState
from optuna.trial import Trial as OptunaTrial
from pydantic import ValidationError

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.goal import Ending, Goal
from mnist_core.judge import TRAIN_IMAGES
from mnist_core.record import Environment
from search.study.dimensions import dimensions
from search.study.identity import Identity
from spaces.catalogue import described, lives
from spaces.dimensions import Dimension
from spaces.space import Sample

T = TypeVar("T")

# System attributes, as tables; in the dashboard they would bury what people look for.
CONFIG = "drilldown:config"  # exactly what was trained
ENVIRONMENT = "drilldown:environment"
TRAINING = "drilldown:training"  # how well it did on what it was trained on
_PREFIX = "drilldown:"


class TrialAttr(StrEnum):
    """User attributes of a trial; the scalar ones become columns of optuna-dashboard."""

    PARAMS = "parameters"
    NETWORK = "network"  # the widths of its layers, in one word
    RECIPE = "recipe"  # how it was trained, in one line
    WORST = "worst of the last epochs, %"
    MEAN = "mean of the last epochs, %"
    GOAL_EPOCH = "first epoch at goal"
    COST = "cost, epochs of all images"
    FORECAST = "forecast score, %"  # of one that was stopped, where there are enough to judge by
    FORECAST_ERROR = "its standard error, points"
    SECONDS = "seconds"
    REASON = "reason"  # why it failed or was stopped
    START = "tried first"  # the name of the config that it is, where a launch began with one
    INTERRUPTED = "interrupted"  # true where its owner went away: it does not count


class State(StrEnum):
    """What has become of a trial. `INTERRUPTED` and `FOREIGN` have states of their own: neither
    counts, and the second is none of drilldown's."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAIL = "fail"
    INTERRUPTED = "interrupted"
    FOREIGN = "foreign"


COUNTED = {State.COMPLETE: "complete", State.PRUNED: "pruned", State.FAIL: "failed"}
"""How a trial ends that counts towards the `trials` of its study, as people read it."""


@dataclass(frozen=True)
class Trial:
    """A trial as its study keeps it. Accuracies are percent; None is what is not known."""

    study: str
    """The name of its study."""
    number: int
    state: State
    sample: Sample
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
    """Why it failed, was stopped or was interrupted, or whose it is: what ended it, and behind a
    colon what more is known. Of stopped ones of older versions nothing is."""
    score: float | None
    """Percent; of complete trials."""
    forecast: float | None
    """The score that it was forecast, percent, when it was stopped; see `search.study.forecast`."""
    _tables: Mapping[str, Any] = field(repr=False)

    @property
    def holds_goal(self) -> bool:
        return False

    @property
    def stopped_by(self) -> str:
        """What stopped a pruned trial, in a word or two: `rung`, `pruner goal`; nothing where that
        is not known."""
        return self.reason.partition(" after epoch ")[0] if self.state == State.PRUNED else ""

    @property
    def counts(self) -> bool:
        """Whether it counts towards the `trials` of its study: complete, pruned or failed."""
        return self.state in COUNTED

    @cached_property
    def config(self) -> Config | None:
        """What was trained; None where its owner went away before that was kept."""
        return _understood(Config.from_dict, _table(self._tables, CONFIG))

    @property
    def cost(self) -> float | None:
        """Of its training, in epochs of all training images; None where its config is not known."""
        return None if self.config is None else cost(self.config, len(self.test_acc))

    @cached_property
    def hyperparameters(self) -> Mapping[str, Any]:
        """Dimension -> what it was trained with: as the sampler said it, and as the config has what
        did not vary; None where it did nothing."""
        told = described(self.config) if self.config else {}
        sampled = {
            name: None if told.get(name, given) is None else given
            for name, given in self.sample.items()
        }
        return {**sampled, **{name: sampled.get(name, given) for name, given in told.items()}}

    @property
    def recipe(self) -> Config | None:
        """Its config, whatever its seed."""
        return None if self.config is None else self.config.recipe

    @cached_property
    def environment(self) -> Environment | None:
        """Where and with what it was trained; None where it never began."""
        return _understood(Environment.model_validate, _table(self._tables, ENVIRONMENT))


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

    @property
    def has_config(self) -> bool:
        return CONFIG in self._tables

    @cached_property
    def config(self) -> Config:
        return self._had(super().config, CONFIG)

    @cached_property
    def living(self) -> Sample:
        """What of its sample does something in its config. Whoever judges a dimension asks this: of
        the others (`average_over` where no weights are averaged) a trial says nothing."""
        return {name: value for name, value in self.sample.items() if lives(name, self.config)}

    @cached_property
    def environment(self) -> Environment:
        return self._had(super().environment, ENVIRONMENT)

    def _had(self, what: T | None, name: str) -> T:
        if what is None:
            raise UserError(
                f"trial {self.number} of study {self.study!r} was not trained by drilldown: it has "
                f"no {name}"
            )
        return what


def cost(config: Config, epochs: int) -> float:
    """Of so many epochs of a config's training, in epochs of all training images."""
    return epochs * config.data.train / TRAIN_IMAGES


def best_first(trials: Iterable[Trial]) -> list[Trial]:
    """By score, then those without one as they came."""
    return sorted(trials, key=lambda trial: (trial.score is None, -(trial.score or 0.0)))


def fates(trials: Iterable[Trial]) -> Counter[State]:
    """How many of those that count ended in which of the states in `COUNTED`."""
    states = Counter(trial.state for trial in trials)
    return Counter({state: states[state] for state in COUNTED if states[state]})


def read(study: str, trial: FrozenTrial, goal: Goal, identity: Identity | None = None) -> Trial:
    """A trial of a study that has this goal and this identity, which is None of an old one."""
    state, reason = _state(trial, goal, identity)
    # Of a foreign trial nothing is believed; also one of ours that runs can be given anything.
    attrs, tables = trial.user_attrs, {} if state == State.FOREIGN else trial.system_attrs
    training = _table(tables, TRAINING)
    accuracies = curve(trial)
    known: dict[str, Any] = {
        "study": study,
        "number": trial.number,
        "state": state,
        "sample": trial.params,
        "dimensions": dimensions(trial.distributions),
        "test_acc": accuracies,
        "train_acc": _numbers(training.get("train_acc")),
        "params": _number(attrs.get(TrialAttr.PARAMS), int),
        "seconds": _number(attrs.get(TrialAttr.SECONDS), float, int),
        "reason": reason,
        "score": trial.value if state == State.COMPLETE else None,
        "forecast": _number(attrs.get(TrialAttr.FORECAST), float),
        "_tables": tables,
    }
    if state != State.COMPLETE:
        return Trial(**known)
    fit_acc = _number(training.get("fit_acc"), float, int)
    return Complete(**known, ending=goal.ending(accuracies), fit_acc=fit_acc)


def _state(trial: FrozenTrial, goal: Goal, identity: Identity | None) -> tuple[State, str]:
    """What has become of it, and why. A trial is ours if it says by its config that we asked for
    it, and by its study's identity and its own number that we ended it: a copy says another."""
    if trial.state == TrialState.WAITING:
        return State.WAITING, ""
    reason = str(trial.user_attrs.get(TrialAttr.REASON, ""))
    failed = trial.state == TrialState.FAIL
    if failed and trial.user_attrs.get(TrialAttr.INTERRUPTED) is True:
        return State.INTERRUPTED, reason
    tables = trial.system_attrs
    asked, closed = CONFIG in tables, _table(tables, TRAINING).get("of")
    old = identity is None or trial.number < identity.trials
    ours = asked if identity is None or old else closed == [identity.id, trial.number]
    if trial.state == TrialState.RUNNING:
        return (State.RUNNING, "") if asked else (State.FOREIGN, "asked for elsewhere")
    if not ours:
        if asked and closed is None:
            return State.FAIL, f"ended from outside, as {trial.state.name.lower()}"
        return State.FOREIGN, "not drilldown's"
    if trial.state == TrialState.COMPLETE and not _scored(trial, goal):
        return State.FOREIGN, "its score is not its curve's"
    if trial.state == TrialState.PRUNED and not _are_percent(curve(trial)):
        return State.FOREIGN, "its accuracies are none"
    stopped = trial.state == TrialState.PRUNED
    return State(trial.state.name.lower()), reason if failed or stopped else ""


def _scored(trial: FrozenTrial, goal: Goal) -> bool:
    """Whether a complete trial has a whole curve, and the score that follows from it."""
    accuracies = curve(trial)
    known = all(_table(trial.system_attrs, name) for name in (CONFIG, ENVIRONMENT))
    whole = known and accuracies and _are_percent(accuracies)
    if not whole or len(trial.values or ()) != 1:
        return False
    return math.isclose(trial.values[0], goal.ending(accuracies).score, abs_tol=1e-6)


def _are_percent(accuracies: Sequence[float]) -> bool:
    return all(0 <= each <= 100 for each in accuracies)


def curve(trial: FrozenTrial) -> tuple[float, ...]:
    """Test accuracy of each epoch so far, percent."""
    return tuple(value for _, value in sorted(trial.intermediate_values.items()))


def is_ours(attribute: str) -> bool:
    """Whether a system attribute is one that drilldown keeps."""
    return attribute.startswith(_PREFIX)


def attach(trial: OptunaTrial, name: str, table: dict[str, Any]) -> None:
    """Keep CONFIG, ENVIRONMENT or TRAINING with a trial."""
    trial.storage.set_trial_system_attr(trial._trial_id, name, table)


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Empty where there is none."""
    kept = tables.get(name)
    return kept if isinstance(kept, dict) else {}


def _understood(parse: Callable[[dict[str, Any]], T], table: dict[str, Any]) -> T | None:
    """None where it is not what it should be: a trial that runs lies open to others."""
    try:
        return parse(table)
    except ValidationError:
        return None


def _number(value: Any, *kinds: type) -> Any:
    """None where it is none."""
    return value if type(value) in kinds else None


def _numbers(values: Any) -> tuple[float, ...]:
    """None where one of them is none."""
    found = values if isinstance(values, list) else []
    return tuple(found) if all(type(value) in (int, float) for value in found) else ()
