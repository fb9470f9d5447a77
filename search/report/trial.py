"""What `show --trial` prints: all that is known of one trial, a line for each thing."""

import json
from typing import Any

from search.report.columns import Column, columns
from search.report.shown import FULL, above, as_left
from search.study.export import again, find, trains_again
from search.study.study import Study
from search.study.trials import Trial
from search.text.console import records, width, wrapped
from search.text.wording import recipe
from spaces import catalogue
from spaces.catalogue import WIDTH_NAMES

_LABELS = {"test_acc": "curve", "holds_goal": "goal"}
_FIRST = (
    "trial", "state", "reason", "score", "worst", "mean", "spread", "holds_goal", "test_acc",
    "epochs", "seconds", "seed", "params", "network",
)  # fmt: skip
"""What a person looks for first; the hyperparameters come after it."""
_NONE = "-"


def trial(study: Study, number: int, form: str, where: str, runs: bool | None) -> str:
    """The trial of this number, for people or as `json` or `csv`.

    where: what a command needs to find the same storage. runs: whether some process runs the study,
    None where that is not known.

    Raises UserError where there is no such trial.
    """
    [found] = as_left([find(study, number, where)], runs)
    commands = again(study.name, number, where) if trains_again(found) else []
    known = {column.name: column for column in columns(study.trials()) if column.name}
    if form == "table":
        ordered = [
            known[name] for name in [*_FIRST, *(each for each in known if each not in _FIRST)]
        ]
        return _lines(study, found, ordered, commands)
    row: dict[str, Any] = {name: column.value(found) for name, column in known.items()}
    row |= {"recipe": _recipe(found), "train_again": commands or None}
    return json.dumps(row, indent=2) if form == "json" else records([row], list(row), form)


def _lines(study: Study, found: Trial, known: list[Column], commands: list[str]) -> str:
    told = {_label(column): _cell(column, found, study) for column in known}
    told["recipe"] = _recipe(found) or _NONE
    if not commands:
        told["train it again"] = f"{_NONE} (it has no curve to expect)"
    longest = max(map(len, told)) + 2
    first, title = above(study)
    lines = [*first, title]
    for label, cell in told.items():
        line = f"{label:<{longest}}{cell}"
        lines.append(wrapped(line, width() or FULL, " " * longest))
    # A command is a line of its own, which is copied as one.
    return "\n".join([*lines, *["Train it again with:"] * bool(commands), *commands])


def _label(column: Column) -> str:
    return _LABELS.get(str(column.name)) or column.head or str(column.name)


def _cell(column: Column, found: Trial, study: Study) -> str:
    if column.value(found) is False:
        return "not held"
    shown = column.shown(found, study.goal) or _NONE
    kind = "share" if column.name in WIDTH_NAMES else catalogue.unit(str(column.name))
    unit = column.unit or kind
    return f"{shown} ({unit})" if unit and shown != _NONE else shown


def _recipe(found: Trial) -> str | None:
    return recipe(found.config) if found.config else None
