"""What a drill has come to: its stages, what each handed on, and the finalists on other seeds."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from mnist_core.config import Config
from mnist_core.goal import Ending, Goal
from search.confirm.race import Contender, Standing, best_first
from search.drill.spec import DrillSpec, Stage
from search.study.export import to_record
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


class Trained(ABC):
    """The trials of one study, and what was there before them: what a report judges."""

    study: str
    """The name of the study."""
    trials: Sequence[Trial]
    """Best first."""

    @property
    @abstractmethod
    def keep(self) -> int:
        """How many of the best are looked at closely."""

    @abstractmethod
    def called(self, number: int) -> str:
        """What people call its trial of this number."""

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
        """What it began with, as far as that was trained in the same drill."""
        return []

    def tried(self) -> list[Tried]:
        """Its complete trials, best first."""
        return [Tried(self.called(trial.number), trial.config, trial) for trial in self.complete]

    def ranked(self) -> list[Tried]:
        """All that it may hand on, best first: its trials, and the bases that were trained in this
        drill. Of the same score those come first that were there first, the bases before all
        trials: only what is better takes a winner's place. Of trials that differ in their seed
        alone only the best: the others are the same recipe."""
        recipes: dict[Config, Tried] = {}
        for each in sorted([*self.tried_bases, *self.tried()], key=lambda each: -each.trial.score):
            recipes.setdefault(each.config.recipe, each)
        return list(recipes.values())

    def leaders(self) -> Sequence[Tried]:
        """The best of them, best first; none as long as no trial of its own is complete."""
        return self.ranked()[: self.keep] if self.complete else []


@dataclass(frozen=True)
class StageResult(Trained):
    """A stage as far as it has come."""

    number: int
    """Counted from 1."""
    stage: Stage
    study: str
    trials: Sequence[Trial]
    bases: Sequence[Candidate]
    winners: Sequence[Tried]
    """Best first; empty where it is not over. A base that no trial has beaten is among them."""

    @property
    def keep(self) -> int:
        return self.stage.keep

    def called(self, number: int) -> str:
        return f"{self.stage.name}/{number}"

    @property
    def tried_bases(self) -> list[Tried]:
        return [base for base in self.bases if isinstance(base, Tried)]

    def leaders(self) -> Sequence[Tried]:
        """Its winners; while it is not over, what they would be now."""
        return self.winners or super().leaders()


@dataclass(frozen=True)
class Finalist:
    """A winner of the last stage, and its trainings on seeds that the search has not seen."""

    candidate: Tried
    runs: Sequence[Run]

    @property
    def curves(self) -> list[Sequence[float]]:
        """Test accuracies of one run a seed, the search's own first."""
        return [self.candidate.trial.test_acc, *(run.test_acc for run in self.runs)]

    def endings(self, goal: Goal) -> list[Ending]:
        """What each curve comes to."""
        return [goal.ending(curve) for curve in self.curves]

    def judged(self, goal: Goal, wanted: int = 0) -> Standing:
        """What the fresh seeds say of it, and the referee of them. wanted: so many were to be
        trained; those that are missing failed."""
        contender = Contender(self.candidate.name, to_record(self.candidate.trial, goal))
        return Standing(contender, self.runs, goal, max(0, wanted - len(self.runs)))


def ranked(finalists: Sequence[Finalist], goal: Goal, wanted: int) -> list[Finalist]:
    """Best first, as the referee has them: see `best_first`.

    wanted: fresh seeds on which each was to be trained.
    """
    known = {each.candidate.name: each for each in finalists}
    judged = best_first([each.judged(goal, wanted) for each in finalists])
    return [known[each.contender.name] for each in judged]


@dataclass(frozen=True)
class DrillResult:
    """A drill as far as it has come."""

    name: str
    spec: DrillSpec
    stages: Sequence[StageResult]
    finalists: Sequence[Finalist] = ()
    """Best first; empty where the last stage is not over."""
    settings: tuple[str, ...] = ()
    """What `--set` said of it."""
    where: str = ""
    """What a command needs to find its storage; see `search.study.storage.option`."""

    @property
    def failed(self) -> int:
        """How many trainings of finalists on fresh seeds came to nothing."""
        return sum(self.spec.confirm - len(finalist.runs) for finalist in self.finalists)
