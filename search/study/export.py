"""A trial as a config file that anyone can run again."""

from pathlib import Path

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_core import record
from mnist_core.errors import UserError
from mnist_core.paths import runs_dir
from mnist_core.record import Expected, Origin, Record
from search.study import trials as results
from search.study.trials import TrialAttr


def default_path(name: str, number: int | None = None) -> Path:
    """Where a trial of a study (the best if None) is exported to unless told otherwise."""
    return runs_dir() / name / ("best.toml" if number is None else f"trial-{number}.toml")


def export(study: Study, number: int | None, path: Path) -> FrozenTrial:
    """Write the trial of this number (the best if None) to `path`, whole or not at all.

    Raises UserError where there is no such complete or pruned trial, or the file cannot be
    written.
    """
    trial = _finished(study, number)
    record.save(path, to_record(study, trial))
    return trial


def to_record(study: Study, trial: FrozenTrial) -> Record:
    """All that reproduces a complete or pruned trial, and the curve to expect."""
    return Record(
        config=results.config_of(trial),
        environment=results.environment_of(trial),
        origin=Origin(
            study=study.study_name,
            trial=trial.number,
            score=trial.value if trial.state == TrialState.COMPLETE else None,
            goal=results.goal_of(study),
        ),
        expected=Expected(test_acc=results.curve(trial)),
    )


def _finished(study: Study, number: int | None) -> FrozenTrial:
    name = study.study_name
    if number is None:
        trial = results.best(study)
        if trial is None:
            raise UserError(f"study {name!r} has no complete trial yet; there is no best to export")
        return trial
    for trial in study.get_trials(deepcopy=False):
        if trial.number == number:
            if trial.state not in (TrialState.COMPLETE, TrialState.PRUNED):
                why = trial.user_attrs.get(TrialAttr.REASON) or trial.state.name.lower()
                raise UserError(f"trial {number} of study {name!r} has no curve to expect: {why}")
            return trial
    raise UserError(f"study {name!r} has no trial {number}; see: drilldown show {name}")
