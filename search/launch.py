"""Launch or resume a study: storage, ownership, workers, and what is left when it is over."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.study import Study
from rich.console import Console

from mnist_core import fetch
from mnist_core.errors import UserError
from mnist_core.paths import data_dir, runs_dir
from search import choices, results, storage
from search.note import annotate
from search.export import default_path, export
from search.goal import Goal
from search.progress import LiveProgress, Progress
from search.scheduler import Owner, reconcile
from search.spec import StudySpec
from search.workers import training
from search.workers.local import LocalWorkers, Start

log = logging.getLogger("drilldown")


@dataclass(frozen=True)
class Launched:
    """How a launch ended: the study as it is now, where its best lies, the signal if any."""

    study: Study
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

    Raises UserError where the name is no safe one, another process runs the study, or it was
    launched with another goal, space or seed.
    """
    check_name(name)
    choices.quiet_optuna()
    fetch.ensure(data_dir() / "mnist")  # once, before workers in parallel find it missing
    store = storage.open_storage(url, create=True)
    study = optuna.create_study(
        study_name=name, storage=store, direction="maximize", load_if_exists=True
    )
    with storage.owned(study, store), _log_file(runs_dir() / name / "launch.log"):
        _same_or_refused(study, spec)
        signal = _run(study, spec, device, console, start)
        best = _keep_best(study)
    return Launched(study, best, signal)


def report(launched: Launched, command: str) -> str:
    """What a person reads when a launch is over: the best trial, the goal, what to type next.

    command: what launched the study, which resumes it too.
    """
    study = launched.study
    name, goal, rows = study.study_name, results.goal_of(study), results.rows(study)
    trials = study.get_trials(deepcopy=False)
    lines = [f"{name}: {results.counted(trials)} trials finished"]
    if launched.best is None:
        lines.append("No trial is complete, so there is no best yet.")
    else:
        lines += _best_lines(goal, rows, launched.best)
    if launched.signal:
        lines.append(f"Interrupted. Resume with:  {command}")
    lines.append(f"See all trials with:       drilldown show {name}")
    lines.append(f"Look at them in a browser: drilldown dashboard {name}")
    return "\n".join(lines)


def _best_lines(goal: Goal, rows: list[results.Row], path: Path) -> list[str]:
    best = rows[0]
    final = " ".join(f"{accuracy:.2f}" for accuracy in goal.final(best.test_acc))
    holders = [row.number for row in rows if row.holds_goal]
    if best.holds_goal:
        met = "held by this trial" + f", {len(holders)} in all" * (len(holders) > 1)
    elif holders:
        met = f"not held by this trial, but by trial {holders[0]} (drilldown export {holders[0]})"
    else:
        met = "not held by any trial yet"
    return [
        f"Best: trial {best.number}, score {best.score:.2f}, {best.params:,} parameters, "
        f"last epochs {final} % (one seed)",
        f"Goal ({goal}): {met}",
        f"Its config:                {path}",
        f"Run it again with:         drilldown train {path} --check",
    ]


def check_name(name: str) -> None:
    """A study's name is a folder's and a URL's too. Raises UserError on any that is not safe."""
    plain = unicodedata.normalize("NFC", name)
    if not re.fullmatch(r"\w[\w.-]*", plain) or len(name.encode()) > 200:
        raise UserError(
            f"--name {name[:60]!r}: use letters, digits, '_', '-' and '.', beginning with a letter "
            "or a digit, 200 bytes at most"
        )


def _run(
    study: Study, spec: StudySpec, device: str, console: Console | None, start: Start
) -> int:
    orphans = reconcile(study)
    if orphans:
        log.info("%d trials were left running by an earlier owner; marked interrupted", orphans)
    study.pruner = choices.make_pruner(spec.pruner, spec.goal)
    progress = _progress(study, spec, live=console is not None)
    annotate(study, _command(study))
    if results.counted(study.get_trials(deepcopy=False)) >= spec.trials:
        return 0
    with LocalWorkers(spec.workers, device, start) as workers, _view(progress, console):
        owner = Owner(
            study,
            spec.make_space(),
            spec.goal,
            spec.seed,
            lambda trial: choices.make_sampler(spec.sampler, spec.seed, trial),
            workers,
            progress,
        )
        return owner.run(spec.trials, spec.timeout)


def _same_or_refused(study: Study, spec: StudySpec) -> None:
    """A study keeps the goal, space and seed it began with; a change is refused by name."""
    ours = {
        **{f"goal.{field}": str(value) for field, value in spec.goal},
        "seed": str(spec.seed),
        **spec.make_space().fingerprint(),
    }
    theirs = study.user_attrs.get(results.FINGERPRINT)
    if theirs is None:
        study.set_user_attr(results.GOAL, spec.goal.model_dump(mode="json"))
        study.set_user_attr(results.FINGERPRINT, ours)
        return
    changed = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    if changed:
        key = changed[0]
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise UserError(
            f"study {study.study_name!r} was launched with {key} = {theirs.get(key, 'absent')}, "
            f"now it is {ours.get(key, 'absent')}{more}; change it back or launch under another "
            "--name"
        )


def _keep_best(study: Study) -> Path | None:
    annotate(study, _command(study))
    if results.best(study) is None:
        return None
    path = default_path(study.study_name)
    export(study, None, path)
    return path


def _command(study: Study) -> str:
    return f"drilldown train {default_path(study.study_name)} --check"


def _progress(study: Study, spec: StudySpec, live: bool) -> Progress:
    names = {"complete": "finished", "pruned": "pruned", "fail": "failed"}
    rows = results.rows(study)
    done = Counter(names[row.state] for row in rows if row.state in names)
    kind = LiveProgress if live else Progress
    progress = kind(study.study_name, str(spec.goal), spec.trials, done)
    if rows and rows[0].score is not None:
        progress.best_before(rows[0].score, rows[0].number)
    return progress


def _view(progress: Progress, console: Console | None) -> AbstractContextManager[object]:
    if console is not None and isinstance(progress, LiveProgress):
        return progress.attach(console)
    return nullcontext()


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Every line of the launch, epochs included, is kept beside its results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
