"""A study that has run, as it would be under another goal: from its curves, nothing is trained."""

from collections.abc import Sequence
from dataclasses import replace

from optuna.trial import FrozenTrial

from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.frozen import Frozen
from mnist_core.goal import Goal, check_percent
from mnist_core.words import of
from search.study import settings as options
from search.study.rows import Rescoring
from search.study.spec import StudySpec
from search.study.study import Study
from search.study.trials import Complete, Trial, best_first

_ASKED = ("goal.accuracy", "goal.last")
_FIXED = {
    "goal.epochs": "every schedule was made for that many epochs",
    "goal.params": "every net was made to fit that budget",
    "goal.judge": "no net was tried on other images",
    "seed": "every training followed from it",
    "data": "every net was trained on it",
    "space": "every trial is a sample of it",
}
"""What a study cannot be asked anew, and why."""


class Rescored(Study):
    """The study, its trials scored by another goal."""

    def __init__(self, study: Study, goal: Goal) -> None:
        super().__init__(study.optuna)
        self._before, self._asked = study, goal

    @property
    def goal(self) -> Goal:
        return self._asked

    def trials(self) -> list[Trial]:
        by_number = sorted(self._before.trials(), key=lambda trial: trial.number)
        return best_first(map(self._scored, by_number))

    def trial(self, frozen: FrozenTrial) -> Trial:
        return self._scored(self._before.trial(frozen))

    def rescoring(self) -> Rescoring:
        """What a copy of the study has otherwise."""
        found = (trial for trial in self.trials() if isinstance(trial, Complete))
        return Rescoring(self.goal, {trial.number: trial.ending for trial in found})

    def _scored(self, trial: Trial) -> Trial:
        if not isinstance(trial, Complete):
            return replace(trial, forecast=None)  # it was of the other score
        ending = self.goal.ending(trial.test_acc)
        return replace(trial, score=ending.score, ending=ending)


def rescored(study: Study, settings: Sequence[str]) -> Rescored:
    """settings: `goal.accuracy=99.45` and `goal.last=3`, or one of them.

    Raises UserError, with the reason, for anything else, and where drilldown never launched it.
    """
    goal = study.goal
    for key, value in ((each.key, each.value) for each in map(options.read, settings)):
        if key not in _ASKED:
            raise UserError(f"--set {key}: {_refusal(key)}")
        if key == "goal.last" and type(value) is int:
            _check_last(value, goal)
    return Rescored(study, asked(goal, settings))


def asked(goal: Goal, settings: Sequence[str]) -> Goal:
    """A goal with what `--set goal.FIELD=VALUE` says instead. Raises UserError, with the reason,
    for anything else."""
    parse = options.applied(settings, _Asked.model_validate, _Asked)
    found = parse({"goal": goal.model_dump()}).goal
    if found.accuracy != goal.accuracy:  # else it is as it was kept
        try:
            check_percent(found)
        except ValueError as error:
            raise UserError(f"--set {error}") from None
    return found


def _check_last(last: int, goal: Goal) -> None:
    """Raises UserError where there are not so many epochs."""
    if last > goal.epochs:
        raise UserError(
            f"--set goal.last: last = {last} is more than the {of(goal.epochs, 'epoch')} that were "
            f"trained; ask for {goal.epochs} at most"
        )


class _Asked(Frozen):
    """What `--set` may speak of."""

    goal: Goal


def _refusal(key: str) -> str:
    """Why a study cannot be asked that anew."""
    for name, why in _FIXED.items():
        if key == name or key.startswith(f"{name}."):
            return f"cannot be changed once a study has run: {why}; launch another study"
    if key.partition(".")[0] in StudySpec.model_fields and not key.startswith("goal."):
        return "is not of the goal, which is all that is asked anew; say it to launch"
    return f"is not known{suggest(key, _ASKED)}"
