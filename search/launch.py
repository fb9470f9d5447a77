"""Launch or resume a study: storage, ownership, workers, and what is left when it is over."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import TrialState
from rich.console import Console

from mnist_core import engine as engines
from mnist_core import fetch
from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.paths import data_dir, runs_dir
from mnist_core.result import EpochResult
from search import choices, progress, results, storage
from search.commands import command_for, program
from search.export import default_path, export
from search.note import annotate
from search.progress import LiveProgress, Progress
from search.scheduler import Owner, reconcile
from search.spec import StudySpec
from search.workers import training
from search.workers.local import LocalWorkers, Start

log = logging.getLogger("drilldown")
COLUMN = 28  # where the commands of a report begin


@dataclass(frozen=True)
class Launched:
    """How a launch ended: the study as it is now, the trials it should have, where its best lies,
    the signal if any."""

    study: Study
    trials: int
    best: Path | None
    signal: int


def launch(
    name: str,
    spec: StudySpec,
    url: str | None,
    device: str = "cpu",
    console: Console | None = None,
    start: Start = training.start,
) -> Launched:
    """Run the study until it has its trials; resume it where it has been run before.

    console: a terminal for the live view. start: what a worker begins with.

    Raises UserError where the name is no safe one, there is no such device, the native engine is
    wanted and cannot be had, another process runs the study, or it was launched with another goal,
    space or seed.
    """
    storage.check_name(name)
    if device != "cpu":
        from mnist_core import machine  # imports torch, which the owner else never needs

        machine.check_device(device)
    engine, remark = engines.settle(spec.engine, device)
    choices.quiet_optuna()
    fetch.ensure(data_dir() / "mnist")  # once, before workers in parallel find it missing
    store = storage.open_storage(url, create=True)
    study = optuna.create_study(
        study_name=name, storage=store, direction="maximize", load_if_exists=True
    )
    with storage.owned(study, store), _log_file(runs_dir() / name):
        check_same(study, store, spec)
        if remark:
            log.info(remark)
        signal = _run(study, spec, device, engine, console, start)
        best = _keep_best(study)
    return Launched(study, spec.trials, best, signal)


def report(launched: Launched, command: str, url: str | None) -> str:
    """What a person reads when a launch is over: the best trial, the goal, what to type next.

    command: what launched the study, which resumes it too. url: of the storage, where it was given.
    """
    study = launched.study
    name, goal, rows = study.study_name, results.goal_of(study), results.rows(study)
    ended = progress.ended(rows)
    lines = [f"{name}: {progress.tally(ended, launched.trials)}"]
    where = storage.option(url)
    if launched.best is None:
        lines.append("No trial was trained to its end, so there is no best yet.")
    else:
        lines += _best_lines(name, goal, rows, launched.best, where)
    if ended.total() < launched.trials:
        why = "Interrupted" if launched.signal else "Out of time"
        lines.append(f"{why}; go on with:".ljust(COLUMN) + command)
    lines.append("All trials:".ljust(COLUMN) + f"{program()} show {name}{where}")
    lines.append("In a browser:".ljust(COLUMN) + f"{program()} dashboard {name}{where}")
    return "\n".join(lines)


def _best_lines(
    name: str, goal: Goal, rows: list[results.Row], path: Path, where: str
) -> list[str]:
    best = rows[0]
    final = " ".join(f"{accuracy:.2f}" for accuracy in goal.ending(best.test_acc).test_acc)
    holders = [row.number for row in rows if row.holds_goal]
    if best.holds_goal:
        met = "held by this trial" + f", {len(holders)} trials in all" * (len(holders) > 1)
    elif holders:
        other = f"{program()} export {name} --trial {holders[0]}{where}"
        met = f"not held by this trial, but by trial {holders[0]} ({other})"
    else:
        met = "not held by any trial yet"
    return [
        f"Best: trial {best.number}, score {best.score:.2f}, {best.params:,} parameters, "
        f"last epochs {final} % (one seed)",
        f"Goal: {met}",
        f"      {goal}",
        "Config of the best:".ljust(COLUMN) + str(path),
        "Train it again:".ljust(COLUMN) + command_for(path),
    ]


def _run(
    study: Study,
    spec: StudySpec,
    device: str,
    engine: Wanted,
    console: Console | None,
    start: Start,
) -> int:
    orphans = reconcile(study)
    if orphans:
        log.info("%d trials were left running by an earlier owner; marked interrupted", orphans)
    study.pruner = choices.make_pruner(spec.pruner, spec.goal)
    _keep_best(study)
    if results.counted(study.get_trials(deepcopy=False)) >= spec.trials:
        return 0
    watcher = _progress(study, spec, live=console is not None)
    with LocalWorkers(spec.workers, device, engine, start) as workers, _view(watcher, console):
        owner = Owner(
            study,
            spec.make_space(),
            spec.goal,
            spec.seed,
            lambda trial: choices.make_sampler(spec.sampler, spec.seed, trial),
            workers,
            [watcher, _Keeper(study)],
        )
        return owner.run(spec.trials, spec.timeout)


def check_same(study: Study, store: RDBStorage, spec: StudySpec) -> None:
    """A study keeps the goal, space and seed it began with; a new one is told them.

    Raises UserError naming what has changed.
    """
    ours = {
        **{f"goal.{field}": str(value) for field, value in spec.goal},
        "seed": str(spec.seed),
        **spec.make_space().fingerprint(),
    }
    number = store.get_study_id_from_name(study.study_name)
    theirs = store.get_study_system_attrs(number).get(results.FINGERPRINT)
    if theirs is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(results.GOAL, spec.goal.model_dump(mode="json"))
        store.set_study_system_attr(number, results.FINGERPRINT, ours)
        return
    if theirs is None:  # another program made the study, or the dashboard renamed it
        raise UserError(
            f"study {study.study_name!r} does not say what it was launched with; launch under "
            "another --name"
        )
    changed = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    if changed:
        key, *others = changed
        also = f" (changed too: {', '.join(others)})" if others else ""
        raise UserError(
            f"study {study.study_name!r} was launched with {key} = {theirs.get(key, 'absent')}, "
            f"now it is {ours.get(key, 'absent')}{also}; change it back or launch under another "
            "--name"
        )


class _Keeper:
    """Keeps the best trial's config and the study's note up to date while the study runs."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def started(self, number: int, config: Config) -> None: ...
    def epoch(self, number: int, result: EpochResult) -> None: ...

    def ended(self, number: int, state: TrialState, score: float | None, reason: str) -> None:
        best = results.best(self._study)
        if best is not None and best.number == number:
            _keep_best(self._study)


def _keep_best(study: Study) -> Path | None:
    """Where the best trial's config lies; None where there is no best yet."""
    path = default_path(study.study_name)
    annotate(study, command_for(path))
    if results.best(study) is None:
        return None
    export(study, None, path)
    return path


def _progress(study: Study, spec: StudySpec, live: bool) -> Progress:
    rows = results.rows(study)
    kind = LiveProgress if live else Progress
    watcher = kind(study.study_name, str(spec.goal), spec.trials, progress.ended(rows))
    if rows and rows[0].score is not None:
        watcher.best_before(rows[0].score, rows[0].number)
    return watcher


def _view(watcher: Progress, console: Console | None) -> AbstractContextManager[object]:
    if console is not None and isinstance(watcher, LiveProgress):
        return watcher.attach(console)
    return nullcontext()


@contextmanager
def _log_file(folder: Path) -> Iterator[None]:
    """Every line of the launch, epochs included, is kept beside its results."""
    storage.make_folder(folder)
    path = folder / "launch.log"
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
