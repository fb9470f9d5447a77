"""What `show` prints of a study: its trials, for people or for programs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnist_core.errors import UserError
from mnist_core.words import of
from search.report.columns import SAME, VARIES, Column, columns, named, pick, same
from search.study.settings import option
from search.study.study import Study
from search.study.trials import State, Trial
from search.text.console import folded, left_out, records, table, width, wrapped
from search.text.wording import not_whole

RUNNING, LEFT = "Running now", "Left by an owner that is gone"
_ALL = "all"  # every column, as a word of `--columns`
_ALIKE = 8  # the rank of a column that says the same in every line
FULL = 100  # characters of a line of words where no terminal says how many there are room for
_WORDS = {"network", "goal", "state"}  # heads of columns that are no numbers, whatever they look


@dataclass(frozen=True)
class View:
    """What a person wants to see."""

    form: str = "table"
    """Or `json` or `csv`."""
    columns: str | None = None
    """Names, with commas between, or `all`; None for all that there is room for."""
    sort: str | None = None
    """A column to sort by, with a - before it from the highest down."""
    reverse: bool = False
    pickable: bool = True
    """Whether the command that shows them can be told any of these three."""


def trials(
    study: Study,
    view: View,
    command: str,
    running: Callable[[], bool | None] = lambda: None,
    resume: str = "",
) -> str:
    """The trials of a study, best first unless sorted otherwise.

    command: what shows them, for those who want to see more. running: whether some process runs the
    study, None where that is not known: what an owner who is gone has left is interrupted, as the
    next launch will say. resume: the command that goes on with it.

    Raises UserError where a column is none, or drilldown never launched the study.
    """
    found = study.trials()
    runs = running()  # in this order: an owner who comes now leaves none
    left = still_running(found)
    found = as_left(found, runs)
    known = columns(found)
    found = _sorted(found, view, named(known, view.form))
    shown = _picked(known, view)
    if view.form != "table":
        rows = [{name: column.value(trial) for name, column in shown.items()} for trial in found]
        return records(rows, list(shown), view.form)
    told = [_table(study, found, shown, view, "" if view.columns else command)]
    if runs:
        told.append(f"{RUNNING}: {of(left, 'trial')}")
    elif runs is False and left:
        told.append(f"{LEFT}: {of(left, 'trial')}; resume with: {resume}")
    return "\n".join(told)


def still_running(found: Sequence[Trial]) -> int:
    """How many are being trained, or were when their owner went away."""
    return sum(trial.state == State.RUNNING for trial in found)


def as_left(found: Sequence[Trial], runs: bool | None) -> list[Trial]:
    """The trials as they are where no process runs their study. runs: whether one does, None where
    that is not known."""
    return [
        replace(trial, state=State.INTERRUPTED, reason="its owner is gone")
        if runs is False and trial.state == State.RUNNING
        else trial
        for trial in found
    ]


def _picked(known: Sequence[Column], view: View) -> dict[str, Column]:
    """By what each is called."""
    if view.columns is not None:
        words = [word for each in view.columns.split(",") if (word := each.strip())]
        if not words:
            raise UserError(f"--columns: names none; {_ALL} shows them all")
        if words == [_ALL]:
            return _all(known, view.form)
        names = named(known, view.form)
        return {word: pick(word, names, "--columns") for word in words}
    if view.form == "table":
        return {each.head: each for each in known if each.head and each.rank < SAME}
    return _all(known, view.form)


def _all(known: Sequence[Column], form: str) -> dict[str, Column]:
    if form == "table":
        return {name: each for each in known if (name := each.head or each.name)}
    return {each.name: each for each in known if each.name}


def _sorted(found: Sequence[Trial], view: View, known: Mapping[str, Column]) -> list[Trial]:
    """Those without a value last; of equals the best first."""
    if view.sort is None:
        return list(reversed(found)) if view.reverse else list(found)
    by: Callable[[Trial], Any] = pick(view.sort.removeprefix("-"), known, "--sort").value
    having = [trial for trial in found if by(trial) is not None]
    without = [trial for trial in found if by(trial) is None]
    descending = view.reverse != view.sort.startswith("-")
    return sorted(having, key=by, reverse=descending) + without


def _table(
    study: Study, found: Sequence[Trial], shown: Mapping[str, Column], view: View, command: str
) -> str:
    """command: what the columns are named with that there is no room for; without it all stay."""
    goal = study.goal
    lines = [[column.shown(trial, goal) for column in shown.values()] for trial in found]
    ranks = _ranks(shown, lines) if command else [0] * len(shown)
    told = {column.headed(word): word for word, column in shown.items()}
    heads, lines, dropped = folded(list(told), lines, ranks)
    first, title = above(study)
    parts = [*first, table(title, heads, lines, _WORDS)]
    if command:
        parts += [wrapped(line, width() or FULL, "  ") for line in same(found)]
        parts += left_out(dropped)
        if dropped and view.pickable:
            words = [told[head] for head in dropped]
            first = sorted(words, key=lambda word: shown[word].rank != VARIES)[:3]
            parts.append(f"See them:  {command} --columns {','.join(['trial', 'score', *first])}")
        if dropped:
            parts.append(f"See all:   {command} --format csv")
    return "\n".join(parts)


def above(study: Study) -> tuple[list[str], str]:
    """(lines that come first, title) of whatever is shown of a study's trials, in lines that the
    terminal has room for; where there is none, each is one line."""
    title = [f"{study.name}: {study.goal}; accuracies in percent, spread in points"]
    if study.settings:
        title.append(f"launched with {option(study.settings)}")
    return broken(not_whole(study.data)), "\n".join(broken(title))


def broken(lines: Sequence[str]) -> list[str]:
    """Words that the terminal has room for; where there is none, each line is one."""
    room = width()
    return list(lines) if room is None else [wrapped(line, room, "  ") for line in lines]


def _ranks(shown: Mapping[str, Column], lines: Sequence[Sequence[str]]) -> list[int]:
    """Of each column; one that says the same in every line goes first."""
    told = zip(*lines, strict=True) if len(lines) > 1 else [()] * len(shown)
    return [
        _ALIKE if len({*cells}) == 1 and column.rank else column.rank
        for column, cells in zip(shown.values(), told, strict=True)
    ]
