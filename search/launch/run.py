"""Launch or resume a study: storage, ownership, workers, and what is left when it is over."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.study import Study
from optuna.trial import TrialState
from rich.console import Console

from mnist_core import engine as engines
from mnist_core import fetch
from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.paths import runs_dir
from mnist_core.result import EpochResult
from search.launch import progress
from search.launch.owner import Owner, reconcile
from search.launch.progress import LiveProgress, Progress
from search.study import storage
from search.study import trials as results
from search.study.export import default_path, export
from search.study.identity import check_same
from search.study.note import annotate
from search.study.ownership import owned
from search.study.spec import StudySpec
from search.text.commands import command_for
from search.workers import training
from search.workers.local import LocalWorkers
from search.workers.protocol import Start

log = logging.getLogger("drilldown")


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
    progress.quiet_optuna()
    fetch.mnist()  # once, before workers in parallel find it missing
    store = storage.open_storage(url, create=True)
    study = optuna.create_study(
        study_name=name, storage=store, direction="maximize", load_if_exists=True
    )
    with owned(study, store) as hold, _log_file(runs_dir() / name):
        check_same(study, store, spec)
        if remark:
            log.info(remark)
        signal = _run(study, spec, device, engine, console, start, hold.keep)
        hold.keep()
        best = _keep_best(study)
    return Launched(study, spec.trials, best, signal)


def _run(
    study: Study,
    spec: StudySpec,
    device: str,
    engine: Wanted,
    console: Console | None,
    start: Start,
    keep: Callable[[], None],
) -> int:
    orphans = reconcile(study)
    if orphans:
        log.info("%d trials were left running by an earlier owner; marked interrupted", orphans)
    study.pruner = spec.pruner.make(spec.goal)
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
            lambda trial: spec.sampler.make(spec.seed, trial),
            workers,
            [watcher, _Keeper(study)],
            keep,
        )
        return owner.run(spec.trials, spec.timeout)


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
