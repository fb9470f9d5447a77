"""Tables for people, JSON and CSV for programs: what `list` and `show` print."""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from mnist_core.errors import UserError
from mnist_core.frozen import shortened
from mnist_core.goal import Goal
from mnist_core.words import of, part, percent
from search.drill.spec import DrillSpec
from search.study.fingerprint import check_same
from search.study.runs import every
from search.study.spec import StudySpec, come_along
from search.study.storage import has_storage, open_storage, option
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import Complete, State, Trial
from search.text.commands import program
from search.text.console import records, table


def studies(packaged: dict[str, StudySpec], drills: dict[str, DrillSpec], url: str | None) -> str:
    """What can be launched or drilled, and what has been run in the storage at `url`."""
    lines = [[name, str(spec.trials), *_goal_cells(spec.goal)] for name, spec in packaged.items()]
    stages = [
        [name, " + ".join(str(stage.trials) for stage in spec.stage), *_goal_cells(spec.goal)]
        for name, spec in drills.items()
    ]
    parts = [
        table("Studies to launch", ["name", "trials", *_GOAL_HEADS], lines),
        "",
        *_titles(packaged),
        "",
        table("Drills, in stages", ["name", "trials", *_GOAL_HEADS], stages),
        "",
        *_titles(drills),
    ]
    run = _run(open_storage(url, read_only=True)) if url or has_storage() else []
    none = [f"No study has been run yet; start with: {program()} launch{option(url)}"]
    return "\n".join([*parts, "", *(run or none)])


def _titles(specs: Mapping[str, StudySpec] | Mapping[str, DrillSpec]) -> list[str]:
    return [
        textwrap.fill(f"{name}: {spec.title}", 80, subsequent_indent="  ")
        for name, spec in specs.items()
    ]


_GOAL_HEADS = ["accuracy", "in the last", "parameters"]


def _goal_cells(goal: Goal) -> list[str]:
    return [goal.wanted, part(goal.last, goal.epochs, "epoch"), f"< {goal.params:,}"]


def _run(studies: Studies) -> list[str]:
    """What has been run, which of it runs, and which studies are none of ours."""
    lines = []
    notes: dict[str, list[str]] = {_RUNNING: [], _LEFT: [], "Not drilldown's": []}
    for run in every(studies):
        if run.kind == "drill":
            lines.append(_line(run.name, run.studies))
        for study in run.studies:
            name = study.name if study.name.isprintable() else shortened(study.name)
            lines.append(_line("  " * (run.kind == "drill") + name, [study]))
            running = studies.running(study)
            if running:
                notes[_RUNNING].append(name)
            elif running is False and _still_running(study.trials()):
                notes[_LEFT].append(name)
    others = [study.name for study in studies.all() if not study.launched]
    notes["Not drilldown's"] = [name if name.isprintable() else shortened(name) for name in others]
    heads = ["name", "ended", *_GOAL_HEADS, "best score", "at goal"]
    shown = [table("What has been run", heads, lines)] if lines else []
    return shown + [
        textwrap.fill(
            f"{what}: {', '.join(names)}", 80, subsequent_indent="  ", break_on_hyphens=False
        )
        for what, names in notes.items()
        if names
    ]


_RUNNING, _LEFT = "Running now", "Left by an owner that is gone"


def _still_running(trials: Sequence[Trial]) -> int:
    return sum(trial.state == State.RUNNING for trial in trials)


def _line(name: str, studies: Sequence[Study]) -> list[str]:
    """What these have come to in all."""
    trials = [trial for study in studies for trial in study.trials()]
    best = max((trial.score for trial in trials if trial.score is not None), default=None)
    return [
        name,
        str(sum(trial.counts for trial in trials)),
        *_goal_cells(studies[-1].goal),
        "" if best is None else f"{_percent(best, studies[-1].goal)} %",
        str(sum(trial.holds_goal for trial in trials)),
    ]


@dataclass(frozen=True)
class Column:
    """One thing to see of each trial."""

    name: str | None
    """In JSON and CSV; None where it is for people only."""
    head: str | None
    """In the table; None where it is for programs only."""
    value: Callable[[Trial], Any]
    """As JSON and CSV have it; None where there is none."""
    cell: Callable[[Any, Goal], str] = lambda value, _: str(value)
    """A value that is not None, as the table of a study with this goal has it."""


def _of_ending(name: str) -> Callable[[Trial], float | None]:
    return lambda trial: getattr(trial.ending, name) if isinstance(trial, Complete) else None


def _percent(accuracy: float, goal: Goal) -> str:
    return percent(accuracy, goal.accuracy)


def _finite(accuracy: float) -> float | None:
    """JSON has no nan, which others may have reported."""
    return accuracy if math.isfinite(accuracy) else None


COLUMNS = (
    Column("trial", "trial", lambda trial: trial.number),
    Column("state", None, lambda trial: str(trial.state)),
    Column("score", "score", lambda trial: trial.score, _percent),
    Column("worst", "worst", _of_ending("worst"), _percent),
    Column("mean", "mean", _of_ending("mean"), _percent),
    Column("spread", "spread", _of_ending("spread"), "{:.2f}".format),
    Column("params", "parameters", lambda trial: trial.params, "{:,}".format),
    Column("epochs", "epochs", lambda trial: len(trial.test_acc)),
    Column("seconds", None, lambda trial: trial.seconds),
    Column("holds_goal", "goal", lambda trial: trial.holds_goal, lambda held, _: "held" * held),
    Column("reason", None, lambda trial: trial.reason),
    Column(
        None,
        "state",
        lambda trial: (
            str(trial.state)
            if trial.reason in ("", trial.state)
            else f"{trial.state}: {trial.reason}"
        ),
    ),
    Column("test_acc", None, lambda trial: [_finite(each) for each in trial.test_acc]),
)


def trials(studies: Studies, name: str, form: str, url: str | None) -> str:
    """The trials of a study, best first, as `table`, `json` or `csv`; the first says too whether it
    runs now. What its owner left is interrupted, as the next launch will say. url: of the storage,
    where it was given.

    Raises UserError where there is no such study, or drilldown never launched it.
    """
    study = studies.get(name)
    found = study.trials()
    running = studies.running(study)  # in this order: an owner who comes now leaves none
    count = _still_running(found)
    if running is False:
        found = [_without_owner(trial) for trial in found]
    if form != "table":
        named = {column.name: column.value for column in COLUMNS if column.name}
        rows = [{name: value(trial) for name, value in named.items()} for trial in found]
        return records(rows, list(named), form)
    shown = [(column.head, column) for column in COLUMNS if column.head]
    lines = [[_cell(column, trial, study.goal) for _, column in shown] for trial in found]
    title = f"{study.name}: {study.goal}; accuracies in percent, spread in points"
    parts = [table(title, [head for head, _ in shown], lines)]
    if running:
        parts.append(f"{_RUNNING}: {of(count, 'trial')}")
    elif running is False and count:
        parts.append(f"{_LEFT}: {of(count, 'trial')}; {_resume(study, url)}")
    return "\n".join(parts)


def _without_owner(trial: Trial) -> Trial:
    if trial.state != State.RUNNING:
        return trial
    return replace(trial, state=State.INTERRUPTED, reason="its owner is gone")


def _resume(study: Study, url: str | None) -> str:
    """How to go on with a study, as far as it says what it was launched with."""
    with suppress(KeyError, UserError):
        check_same(study, come_along()[study.name])
        return f"resume with: {program()} launch {study.name}{option(url)}"
    return "the command that launched it resumes it"


def _cell(column: Column, trial: Trial, goal: Goal) -> str:
    value = column.value(trial)
    return "" if value is None else column.cell(value, goal)
