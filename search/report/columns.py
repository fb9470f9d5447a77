"""What there is to see of each trial: the columns of `show`."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.frozen import shortened
from mnist_core.goal import Goal
from mnist_core.words import accuracies, percent
from search.study.trials import Complete, Trial
from search.text.wording import network, plain
from spaces.catalogue import WIDTH_NAMES

VARIES, SAME = 3, 7
"""Ranks of hyperparameters; what is the same in all trials is said in a line."""


@dataclass(frozen=True)
class Column:
    """One thing to see of each trial."""

    name: str | None
    """In JSON and CSV; None where it is for people only."""
    head: str | None
    """In the table; None where it is for programs only, or for those who ask for it."""
    value: Callable[[Trial], Any]
    """As JSON and CSV have it; None where there is none."""
    cell: Callable[[Any, Goal], str] = lambda value, _: str(value)
    """A value that is not None, as the table of a study with this goal has it."""
    none: str = ""
    """What the table has where there is no value."""
    unit: str = ""
    """Of its numbers, where neither its head nor the table's title has it."""
    rank: int = 5
    """What a narrow terminal has no room for: the highest go first, what is 0 stays."""

    def headed(self, word: str) -> str:
        """The head of the column that goes by this word."""
        return f"{word} ({self.unit})" if self.unit else word

    def shown(self, trial: Trial, goal: Goal) -> str:
        """The cell of a trial in the table of a study with this goal."""
        value = self.value(trial)
        return self.none if value is None else self.cell(value, goal)


def _of_ending(name: str) -> Callable[[Trial], float | None]:
    return lambda trial: getattr(trial.ending, name) if isinstance(trial, Complete) else None


def _percent(accuracy: float, goal: Goal) -> str:
    return percent(accuracy, goal.accuracy)


def _accuracies(values: Sequence[float | None], goal: Goal) -> str:
    return accuracies([math.nan if each is None else each for each in values], goal.accuracy)


def _plain(value: Any, _: Goal) -> str:
    return plain(value)


def _finite(accuracy: float) -> float | None:
    """JSON has no nan, which others may have reported."""
    return accuracy if math.isfinite(accuracy) else None


def _said(trial: Trial) -> str:
    """Of a stopped trial the kind of what stopped it: `epochs` says when."""
    state = str(trial.state)
    reason = trial.stopped_by.removeprefix("pruner ") or trial.reason
    return state if reason in ("", state) else f"{state}: {reason}"


COST = "epochs of all 60,000 images"
COLUMNS = (
    Column("trial", "trial", lambda trial: trial.number, rank=0),
    Column("state", None, lambda trial: str(trial.state)),
    Column("score", "score", lambda trial: trial.score, _percent, rank=0),
    Column("worst", "worst", _of_ending("worst"), _percent, rank=4),
    Column("mean", "mean", _of_ending("mean"), _percent, rank=6),
    Column("spread", "spread", _of_ending("spread"), lambda points, _: f"{points:.2f}", rank=6),
    Column(
        "params", "parameters", lambda trial: trial.params, lambda count, _: f"{count:,}", rank=2
    ),
    Column("epochs", "epochs", lambda trial: len(trial.test_acc), rank=6),
    Column("cost", None, lambda trial: trial.cost, lambda cost, _: f"{cost:.1f}", unit=COST),
    Column("seed", None, lambda trial: trial.config.seed if trial.config else None),
    Column("seconds", None, lambda trial: trial.seconds, lambda seconds, _: f"{seconds:.0f}"),
    Column(
        "network", "network", lambda trial: network(trial.config) if trial.config else None, rank=1
    ),
    Column(
        "holds_goal", "goal", lambda trial: trial.holds_goal, lambda held, _: "held" * held, rank=2
    ),
    Column("reason", None, lambda trial: trial.reason),
    Column(None, "state", _said, rank=2),
    Column("test_acc", None, lambda trial: [_finite(each) for each in trial.test_acc], _accuracies),
)


FORECAST = Column("forecast", "forecast", lambda trial: trial.forecast, _percent, rank=6)
"""There where any trial has one."""


def columns(found: Sequence[Trial]) -> list[Column]:
    """All that there are of these trials: after the net, its hyperparameters, those first that are
    not the same in all."""
    stopped = [FORECAST] * any(trial.forecast is not None for trial in found)
    place = 1 + next(n for n, column in enumerate(COLUMNS) if column.name == "network")
    return [*COLUMNS[:place], *_hyperparameters(found), *stopped, *COLUMNS[place:]]


def same(found: Sequence[Trial]) -> list[str]:
    """What is the same in all trials, as a line, if anything is."""
    names = [each.head for each in _hyperparameters(found) if each.rank == SAME and each.head]
    said = [f"{name} {plain(value)}" for name in names for value in _values(found, name)]
    return [f"The same in all trials: {', '.join(said)}"] if said else []


def _hyperparameters(found: Sequence[Trial]) -> list[Column]:
    names = dict.fromkeys(name for trial in found for name in trial.hyperparameters)
    several = [name for name in names if len(_values(found, name)) > 1]
    return [
        *(_hyperparameter(name, VARIES) for name in several),
        *(_hyperparameter(name, SAME) for name in names if name not in several),
    ]


def _values(found: Sequence[Trial], name: str) -> list[Any]:
    """All that a hyperparameter was where it was not idle."""
    values = dict.fromkeys(trial.hyperparameters.get(name) for trial in found)
    return [value for value in values if value is not None]


def _hyperparameter(name: str, rank: int) -> Column:
    head = None if name in WIDTH_NAMES else name  # a share; the net says what they came to
    return Column(
        name, head, lambda trial: trial.hyperparameters.get(name), _plain, none="-", rank=rank
    )


def named(columns: Sequence[Column], form: str) -> dict[str, Column]:
    """What a column may be called; in a table by its head first."""
    names = {column.name: column for column in columns if column.name}
    if form != "table":
        aliases = {column.head: column for column in columns if column.name and column.head}
        return aliases | names
    return names | {column.head: column for column in columns if column.head}


def pick(word: str, known: Mapping[str, Column], option: str) -> Column:
    """The column of this name. Raises UserError, with the nearest name, where there is none."""
    if word not in known:
        raise UserError(
            f"{option}: no column {shortened(word)}{suggest(word, known, '--columns all')}"
        )
    return known[word]
