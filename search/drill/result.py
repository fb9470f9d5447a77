"""What a drill has come to: its stages, what each handed on, and the finalists on other seeds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from mnist_core.config import Config
from mnist_core.goal import Goal
from search.drill.spec import DrillSpec, Stage
from search.study.trials import Complete, Trial
from search.workers.ledger import Run


@dataclass(frozen=True)
class Candidate:
    """A config that a stage may start from."""

    name: str
    """Stage and trial ("optimizer/4"), or the name of a base's file."""
    config: Config


@dataclass(frozen=True)
class Tried(Candidate):
    """One that a trial of this drill trained to its end, so that a stage may hand it on."""

    trial: Complete


@dataclass(frozen=True)
class StageResult:
    """A stage as far as it has come."""

    number: int
    """Counted from 1."""
    stage: Stage
    study: str
    """The name of its study."""
    trials: Sequence[Trial]
    """Best first."""
    bases: Sequence[Candidate]
    winners: Sequence[Tried]
    """Best first; empty where it is not over. A base that no trial has beaten is among them."""

    @property
    def counted(self) -> int:
        """How many of its trials count: complete, pruned or failed."""
        return sum(trial.counts for trial in self.trials)

    @property
    def complete(self) -> list[Complete]:
        """Those of its trials that are complete, best first."""
        return [trial for trial in self.trials if isinstance(trial, Complete)]

    @property
    def tried_bases(self) -> list[Tried]:
        """Those of its bases that were trained in this drill."""
        return [base for base in self.bases if isinstance(base, Tried)]

    def tried(self) -> list[Tried]:
        """Its complete trials, best first."""
        return [
            Tried(f"{self.stage.name}/{trial.number}", trial.config, trial)
            for trial in self.complete
        ]

    def ranked(self) -> list[Tried]:
        """All that it may hand on, best first: its trials, and the bases that were trained in this
        drill. Of the same score those come first that were there first, the bases before all
        trials: only what is better takes a winner's place. Of trials that differ in their seed
        alone only the best: the others are the same recipe."""
        recipes: dict[Config, Tried] = {}
        for each in sorted([*self.tried_bases, *self.tried()], key=lambda each: -each.trial.score):
            recipes.setdefault(each.config.recipe, each)
        return list(recipes.values())


@dataclass(frozen=True)
class Finalist:
    """A winner of the last stage, and its trainings on seeds that the search has not seen."""

    candidate: Tried
    runs: Sequence[Run]

    def standing(self, goal: Goal) -> float:
        """What finalists are ranked by, in percent: the mean score over the fresh seeds, since the
        search's own run was picked for being high; that run's score where there are none."""
        if self.runs:
            return statistics.mean(goal.ending(run.test_acc).score for run in self.runs)
        return self.candidate.trial.score


@dataclass(frozen=True)
class DrillResult:
    """A drill as far as it has come."""

    name: str
    spec: DrillSpec
    stages: Sequence[StageResult]
    finalists: Sequence[Finalist] = ()
    """Best first; empty where the last stage is not over."""

    @property
    def failed(self) -> int:
        """How many trainings of finalists on fresh seeds came to nothing."""
        return sum(self.spec.confirm - len(finalist.runs) for finalist in self.finalists)
