"""What a drill has come to: its stages, what each handed on, and the finalists on other seeds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from optuna.study import Study

from mnist_core.config import Config
from mnist_core.goal import Goal
from search.drill.spec import DrillSpec, Stage
from search.study.trials import Row, config_of
from search.workers.ledger import Run


@dataclass(frozen=True)
class Candidate:
    """A config that a stage may start from or hand on."""

    name: str
    """Stage and trial ("optimizer/4"), or the name of a base's file."""
    config: Config
    row: Row | None = None
    """Its trial; None where it is no trial of this drill."""
    study: Study | None = field(default=None, compare=False, repr=False)
    """Which its trial belongs to."""

    @property
    def score(self) -> float | None:
        """Of its trial, in percent."""
        return self.row.score if self.row is not None else None


@dataclass(frozen=True)
class StageResult:
    """A stage as far as it has come."""

    number: int
    """Counted from 1."""
    stage: Stage
    study: Study = field(compare=False, repr=False)
    rows: Sequence[Row]
    """Its trials, best first."""
    bases: Sequence[Candidate]
    winners: Sequence[Candidate]
    """Best first; empty where it is not over. A base that no trial has beaten is among them."""

    @property
    def scored(self) -> list[Row]:
        """Those of its trials that are complete, best first."""
        return [row for row in self.rows if row.score is not None]

    def trained(self) -> list[Candidate]:
        """Its complete trials, best first."""
        trials = self.study.get_trials(deepcopy=False)
        return [
            Candidate(
                f"{self.stage.name}/{row.number}", config_of(trials[row.number]), row, self.study
            )
            for row in self.scored
        ]

    def ranked(self) -> list[Candidate]:
        """All that it may hand on, best first: its trials, and the bases that were trained in this
        drill, each behind a trial of the same score. Of trials that differ in their seed alone
        only the best: the others are the same recipe."""
        scored = [*self.trained(), *(base for base in self.bases if base.score is not None)]
        recipes: dict[Config, Candidate] = {}
        for candidate in sorted(scored, key=lambda candidate: -(candidate.score or 0.0)):
            recipes.setdefault(candidate.config.recipe, candidate)
        return list(recipes.values())


@dataclass(frozen=True)
class Finalist:
    """A winner of the last stage, and its trainings on seeds that the search has not seen."""

    candidate: Candidate
    runs: Sequence[Run]

    def standing(self, goal: Goal) -> float:
        """What finalists are ranked by, in percent: the mean score over the fresh seeds, since the
        search's own run was picked for being high; that run's score where there are none."""
        if self.runs:
            return statistics.mean(goal.ending(run.test_acc).score for run in self.runs)
        return self.candidate.score or 0.0


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
