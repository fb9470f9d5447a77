"""A trial as a config file that anyone can run again."""

import shlex
from pathlib import Path

from mnist_core import packaged, record
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.paths import runs_dir
from mnist_core.record import Expected, Origin, Record
from search.study import runs, storage
from search.study.study import Study
from search.study.trials import State, Trial
from search.text.commands import command_for, program


def default_path(name: str, number: int | None = None) -> Path:
    """Where a trial of a study (the best if None) is exported to unless told otherwise."""
    return runs_dir() / name / ("best.toml" if number is None else f"trial-{number}.toml")


def export(study: Study, number: int | None, path: Path, where: str = "") -> None:
    """Write the trial of this number (the best if None) to `path`, whole or not at all.

    where: what a command needs to find the same storage.

    Raises UserError where there is no such complete or pruned trial, or the file cannot be
    written.
    """
    record.save(path, to_record(chosen(study, number, where), study.goal, where))


def to_record(trial: Trial, goal: Goal, where: str = "") -> Record:
    """All that reproduces a trial, and the curve to expect. goal: that of its study. where: see
    `export`.

    Raises UserError where it was not trained, to its end or until it was pruned.
    """
    config, environment = trial.config, trial.environment
    if not _trained(trial) or config is None or environment is None:
        why = trial.reason or trial.state
        raise UserError(
            f"trial {trial.number} of study {trial.study!r} has no curve to expect: {why}; "
            f"see: {show(trial.study, where)}"
        )
    stopped = len(trial.test_acc) if trial.state == State.PRUNED else None
    return Record(
        config=config,
        environment=environment,
        origin=Origin(study=trial.study, trial=trial.number, score=trial.score, goal=goal),
        expected=Expected(test_acc=trial.test_acc, stopped=stopped),
    )


def again(name: str, number: int, where: str = "") -> list[str]:
    """The commands that write a trial of a study as a config, and train that again."""
    export = f"{program()} export {shlex.quote(name)} --trial {number}{where}"
    return [export, command_for(default_path(name, number))]


def check_no_run(given: str, verb: str) -> None:
    """Raises UserError, with what makes a config of its best, where a study or a drill that has
    been run, or its file, is given instead of a config. verb: of the command it is given to."""
    if not storage.has_storage():
        return
    studies, path = storage.open_storage(read_only=True), packaged.path_of(given)
    if path is not None and not path.is_dir():
        run = runs.of_file(studies, path)
    else:
        run = runs.find(studies, given) if runs.there(studies, given) else None
    if run is not None:
        said = f"{run.said} is" if run.name == given else f"{given} is a {run.kind},"
        best = default_path(run.name)
        way = "" if best.exists() else f"{program()} export {shlex.quote(run.name)}, then "
        raise UserError(
            f"{said} no config; {verb} its best: {way}{program()} {verb} {shlex.quote(str(best))}"
        )


def trains_again(trial: Trial) -> bool:
    """Whether `to_record` has all of it."""
    return _trained(trial) and trial.config is not None and trial.environment is not None


def _trained(trial: Trial) -> bool:
    return trial.state in (State.COMPLETE, State.PRUNED)


def find(study: Study, number: int, where: str = "") -> Trial:
    """The trial of this number. Raises UserError, which says what shows them all, where there is
    none. where: what a command needs to find the same storage."""
    trial = next((trial for trial in study.trials() if trial.number == number), None)
    if trial is None:
        raise UserError(
            f"study {study.name!r} has no trial {number}; see: {show(study.name, where)}"
        )
    return trial


def chosen(study: Study, number: int | None, where: str) -> Trial:
    """The trial of this number, the best if None. where: what a command needs to find the same
    storage. Raises UserError where there is none."""
    if number is not None:
        return find(study, number, where)
    best = study.best()
    if best is None:
        raise UserError(
            f"study {study.name!r} has no complete trial yet; there is no best to export; "
            f"see: {show(study.name, where)}"
        )
    return best


def show(name: str, where: str) -> str:
    return f"{program()} show {shlex.quote(name)}{where}"
