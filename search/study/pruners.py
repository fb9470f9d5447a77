"""Pruners: what a study's `[pruner]` can say. Another one is a class here, and its name in
`Pruner`.

Importing this module is cheap: Optuna is loaded when a pruner is made, not when a file is read.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from mnist_core.frozen import Count, Fraction, Share
from mnist_core.goal import Goal
from search.study.optuna_options import Factor, OptunaOptions, Whole, quietly

if TYPE_CHECKING:
    from optuna.pruners import BasePruner


class GoalPruning(OptunaOptions):
    """Ours, which knows the goal and each trial's schedule; its options, see
    `search.study.goal_pruner.GoalPruner`."""

    kind: Literal["goal"] = "goal"
    startup: Count | None = None
    peers: Count | None = None
    fair: Share | None = None
    alike: Share | None = None
    spare: Fraction | None = None
    behind: Fraction | None = None

    def make(self, goal: Goal) -> "BasePruner":
        """The pruner of a study with this goal."""
        from search.study.goal_pruner import GoalPruner

        return GoalPruner(goal, **self.options())


class Median(OptunaOptions):
    """Stops what is below the median of the others at the same epoch."""

    kind: Literal["median"] = "median"
    n_startup_trials: Whole | None = None
    n_warmup_steps: Whole | None = None
    interval_steps: Count | None = None
    n_min_trials: Count | None = None

    def make(self, goal: Goal) -> "BasePruner":
        """The pruner of a study with this goal."""
        from optuna.pruners import MedianPruner

        return quietly(MedianPruner, **self.options())


class SuccessiveHalving(OptunaOptions):
    """Lets the best share of the trials go on at each of a few epochs."""

    kind: Literal["successive-halving"] = "successive-halving"
    min_resource: Count | None = None
    reduction_factor: Factor | None = None
    min_early_stopping_rate: Whole | None = None

    def make(self, goal: Goal) -> "BasePruner":
        """The pruner of a study with this goal."""
        from optuna.pruners import SuccessiveHalvingPruner

        return quietly(SuccessiveHalvingPruner, **self.options())


class Hyperband(OptunaOptions):
    """Successive halving in brackets that begin at different epochs."""

    kind: Literal["hyperband"] = "hyperband"
    min_resource: Count | None = None
    max_resource: Count | None = None
    """The goal's epochs unless given."""
    reduction_factor: Factor | None = None

    def make(self, goal: Goal) -> "BasePruner":
        """The pruner of a study with this goal."""
        from optuna.pruners import HyperbandPruner

        return quietly(HyperbandPruner, **self.options(max_resource=goal.epochs))


class Patient(OptunaOptions):
    """Asks another pruner only of a trial that has not bettered itself for some epochs."""

    kind: Literal["patient"] = "patient"
    patience: Whole | None = None
    """Epochs; 3 unless given."""
    min_delta: Annotated[float, Field(ge=0)] | None = None
    wrapped: Literal["goal", "median", "successive-halving", "hyperband", "none"] | None = None
    """The other one's kind, goal unless given; with none, being out of patience is enough."""

    def make(self, goal: Goal) -> "BasePruner":
        """The pruner of a study with this goal."""
        from optuna.pruners import PatientPruner

        options = self.options(patience=3, wrapped="goal")
        kind = options.pop("wrapped")
        # Optuna's pruner that never stops a trial would have the last word: none is no pruner here.
        other = None if kind == "none" else _of_kind(kind).make(goal)
        return quietly(PatientPruner, wrapped_pruner=other, **options)


class NoPruning(OptunaOptions):
    """Every trial is trained to its end."""

    kind: Literal["none"] = "none"

    def make(self, goal: Goal) -> "BasePruner":
        """The pruner of a study with this goal."""
        from optuna.pruners import NopPruner

        return NopPruner()


ALSO_CALLED: dict[str, Any] = {
    "asha": ["successive-halving"],
    "halving": ["successive-halving"],
    "bohb": ["hyperband"],
    "early-stopping": ["patient"],
    "nop": ["none"],
    "off": ["none"],
}
"""What people may call them -> what they are called here."""
Pruner = Annotated[
    GoalPruning | Median | SuccessiveHalving | Hyperband | Patient | NoPruning,
    Field(discriminator="kind", json_schema_extra={"also_called": ALSO_CALLED}),
]


def _of_kind(kind: str) -> Pruner:
    """That kind's pruner, without options."""
    return TypeAdapter[Pruner](Pruner).validate_python({"kind": kind})
