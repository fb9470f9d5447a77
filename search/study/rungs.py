"""The search of a study: what its `[search]` can say of trials that are stopped early, and of what
is learnt from them.

A table of real trainings decided how it works (`studies/fidelity/README.md`, and the benchmark
`tests/benchmarks/search.py`): a training annealed to a few epochs ranks configs better than a long
one cut there, but all that it costs is lost where the config goes on, and a cut costs those that go
on nothing. So the rungs are epochs of one and the same training.

Importing this module is cheap: Optuna is loaded when something is made, not when a file is read.
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from mnist_core.frozen import Frozen, Share, shortened
from mnist_core.goal import Goal

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler


NOTHING = "none"
"""What is said of a search without rungs."""


def _epochs(given: Any) -> Any:
    if isinstance(given, tuple) and any(isinstance(each, dict) for each in given):
        raise ValueError(
            "must be epochs, such as [1, 3, 5], and no tables: a training goes on from one rung to "
            "the next, so all have the same images"
        )
    if not isinstance(given, tuple | None):
        raise ValueError(f"must be an array of epochs, such as [1, 3, 5], not {shortened(given)}")
    return given


class Search(Frozen):
    """How a study spends its epochs. Without rungs, as in a study that says nothing of it, trials
    are stopped by its pruner alone, and its sampler learns as Optuna has it."""

    rungs: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1000)], ...] | None, BeforeValidator(_epochs)
    ] = None
    """The epochs, ascending, after which a trial goes on only where it is good enough. Unless
    given, they follow from the goal: of 1, 2, 3, 5, 8 and so on, each the sum of the two before,
    those from a fifth of its epochs up to half of them."""
    keep: Annotated[float, Field(gt=0, lt=1)] = 0.35
    """A trial goes on where its best accuracy so far is among this best share of those that the
    complete trials had by the same epoch."""
    explore: Share = 0.25
    """The share of trials that are drawn at random, so that nothing is starved."""

    @model_validator(mode="after")
    def _ascending(self) -> "Search":
        rungs = self.rungs or ()
        if list(rungs) != sorted(set(rungs)):
            raise ValueError(f"rungs = {list(rungs)} do not ascend; write {sorted(set(rungs))}")
        return self

    def epochs(self, goal: Goal) -> tuple[int, ...]:
        """The rungs in a study with this goal."""
        return _default(goal.epochs) if self.rungs is None else self.rungs

    def said(self, goal: Goal) -> str:
        """All of it, as a study with this goal has it."""
        rungs = ", ".join(map(str, self.epochs(goal)))
        if not rungs:
            return NOTHING
        return f"rungs {rungs} (keep = {self.keep:g}, explore = {self.explore:g})"

    def check(self, goal: Goal) -> None:
        """Raises ValueError where a rung is not before the end of the goal's epochs."""
        last = max(self.rungs or (0,))
        if last >= goal.epochs:
            raise ValueError(
                f"search.rungs: {last} is not below the {goal.epochs} epochs of the goal, at whose "
                "end no trial is stopped any more"
            )

    def pruner(self, goal: Goal, other: "BasePruner") -> "BasePruner":
        """That of a study with this goal; the other one is asked besides."""
        from search.study.rung_pruner import RungPruner

        rungs = self.epochs(goal)
        return RungPruner(rungs, self.keep, other) if rungs else other

    def sampler(self, goal: Goal, other: "BaseSampler", seed: int, trial: int) -> "BaseSampler":
        """That of a study's trial of this number: chance, or the other one, which is shown what
        stopped trials are forecast to come to. seed: of the study."""
        if not self.epochs(goal):
            return other
        from search.study.learning import learning_from_all

        return learning_from_all(other, goal, self.explore, seed, trial)


def _default(epochs: int) -> tuple[int, ...]:
    """After the first epoch of many, all that is slow to start would be stopped: a long search
    stopped nearly everything there."""
    found, now, following = [], 1, 2
    while now <= (epochs + 1) // 2 and epochs > 1:
        found += [now] * (5 * now >= epochs)
        now, following = following, now + following
    return tuple(found)
