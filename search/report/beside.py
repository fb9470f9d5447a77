"""Studies side by side: what `compare` prints of their names."""

import ast
import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.words import accuracies, part, percent
from search.report.dimensions import can_be
from search.report.shown import broken
from search.study.differences import BASES
from search.study.fingerprint import told
from search.study.runs import Run
from search.study.settings import option as option_of
from search.study.storage import option
from search.study.study import Study
from search.study.trials import COUNTED, fates
from search.text import markdown
from search.text.commands import program
from search.text.console import records, table
from search.text.wording import duration, not_whole, plain
from spaces import dimensions

_YES_OR_NO = {"True": "yes", "False": "no"}


def compared(runs: Sequence[Run], form: str, url: str | None) -> str:
    """As `table`, `json`, `csv` or `markdown`. url: of the storage, where it was given.

    Raises UserError where one is a drill, or a study that drilldown did not launch.
    """
    studies = [_study(run) for run in runs]
    figures, differences = [_figures(study) for study in studies], _differences(studies)
    if form == "json":
        return json.dumps({"studies": figures, "differences": differences}, indent=2)
    if form == "csv":
        rows = [
            {**each, **{name: values[number] for name, values in differences.items()}}
            for number, each in enumerate(figures)
        ]
        return records(rows, list(rows[0]), form)
    cells = [_cells(study, each) for study, each in zip(studies, figures, strict=True)]
    heads = ["", *(study.name for study in studies)]
    lines = [[head, *(each[head] for each in cells)] for head in cells[0]]
    others = [
        [name, *(_said(name, value) for value in values)]
        for name, values in differences.items()
        if name != BASES or len({*values} - {None}) > 1  # else `base` says it, in words
    ]
    return _page(_reduced(studies), heads, lines, others, form, _remarks(studies, url))


def _reduced(studies: Sequence[Study]) -> list[str]:
    """Which of them use less than the whole of MNIST, and how much."""
    data = [study.data for study in studies]
    if all(each == data[0] for each in data):
        return not_whole(data[0])
    return [
        f"{study.name}: {line}"
        for study, each in zip(studies, data, strict=True)
        for line in not_whole(each)
    ]


def _study(run: Run) -> Study:
    if run.kind == "drill":
        stages = ", ".join(study.name for study in run.studies)
        raise UserError(f"{run.said}: compare its stages: {stages}")
    run.studies[0].goal  # noqa: B018 - says it where drilldown did not launch it
    return run.studies[0]


def _figures(study: Study) -> dict[str, Any]:
    """In full precision: accuracies percent, spread (highest less lowest of the epochs that count)
    in points, epochs and seconds of training over all trials."""
    trials, best = study.trials(), study.best()
    ended = fates(trials)
    return {
        "study": study.name,
        "best": best.number if best else None,
        "score": best.score if best else None,
        "mean": best.ending.mean if best else None,
        "worst": best.ending.worst if best else None,
        "spread": best.ending.spread if best else None,
        "held": best.holds_goal if best else None,
        "params": best.params if best else None,
        "holding": sum(trial.holds_goal for trial in trials),
        **{name: ended[state] for state, name in COUNTED.items()},
        "epochs": sum(len(trial.test_acc) for trial in trials),
        "seconds": round(sum(trial.seconds or 0.0 for trial in trials), 1),
    }


def _cells(study: Study, figures: Mapping[str, Any]) -> dict[str, str]:
    """What a person reads, by its head."""
    best, goal = study.best(), study.goal
    counted = sum(figures[name] for name in COUNTED.values())
    ended = ", ".join(f"{figures[name]} {name}" for name in COUNTED.values())
    return {
        "best trial": "none yet" if best is None else str(best.number),
        "its score (%)": percent(figures["score"]),
        "last epochs (%)": "" if best is None else accuracies(best.ending.test_acc),
        "their mean (%)": percent(figures["mean"]),
        "their spread (points)": percent(figures["spread"]),
        "goal": "" if best is None else "held" if best.holds_goal else "missed",
        "parameters": "" if best is None or best.params is None else f"{best.params:,}",
        "goal held by": part(figures["holding"], counted, "trial"),
        "trials": ended,
        "epochs trained": f"{figures['epochs']:,}",
        "time trained": duration(figures["seconds"]),
        "accuracy asked": f"{goal.wanted} in the {goal.ends}",
    }


def _differences(studies: Sequence[Study]) -> dict[str, list[str | None]]:
    """What the studies were launched with and do not have in common: name -> value of each, None
    where it has none."""
    found = [told(study) for study in studies]
    names = dict.fromkeys(name for each in found for name in each)
    values = {name: [each.get(name) for each in found] for name in names}
    return {name: each for name, each in values.items() if any(v != each[0] for v in each)}


def _said(name: str, value: str | None) -> str:
    """What a study keeps as text, as people read it: dimensions as `space` says them."""
    if value is None:
        return "–"
    if name == BASES:
        return "its own configs"
    kind = dimensions.read(value)
    if kind is not None:
        return can_be(name, kind)
    if value in _YES_OR_NO:
        return _YES_OR_NO[value]
    if name.startswith("fix."):
        with suppress(ValueError, SyntaxError):
            return plain(ast.literal_eval(value))
    return value


def _page(
    first: Sequence[str],
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    others: Sequence[Sequence[str]],
    form: str,
    remarks: Sequence[str],
) -> str:
    differing = ["what differs", *heads[1:]]
    if form == "markdown":
        parts = [
            markdown.table([markdown.escaped(cell) for cell in head], _escaped(rows), left=head)
            for head, rows in ((heads, lines), (differing, others))
            if rows
        ]
        said = [[markdown.escaped(line) for line in each] for each in (first, remarks)]
        return "\n\n".join([*said[0], *parts, *said[1]])
    parts = [*broken(first), table("", heads, lines, left=heads), ""]
    if others:
        parts += [table("", differing, others, left=differing), ""]
    return "\n".join([*parts, *remarks])


def _escaped(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[markdown.escaped(cell) for cell in row] for row in rows]


def _remarks(studies: Sequence[Study], url: str | None) -> list[str]:
    """How far the figures can be believed, and compared."""
    lines = ["Each best is one run on one seed, picked for being high: train it on others too."]
    goal = studies[0].goal
    if len({study.goal.judge for study in studies}) > 1:
        said = "; ".join(f"{study.name} by {study.goal.images}" for study in studies)
        lines.append(f"Not judged by the same images, so no score is above another: {said}.")
    differing = [
        study
        for study in studies
        if (study.goal.accuracy, study.goal.last) != (goal.accuracy, goal.last)
    ]
    if differing:
        every = "both" if len(studies) == 2 else "all"
        lines.append(f"Each score is by its own goal; the same for {every}:")
        lines += [_rescored(study, goal, option(url)) for study in differing]
    return lines


def _rescored(study: Study, goal: Goal, where: str) -> str:
    """What shows a study as it is under another's accuracy and last epochs."""
    if goal.last > study.goal.epochs:
        return f"{study.name}: has too few epochs to be asked for the {goal.ends}"
    asked = option_of([f"goal.accuracy={goal.accuracy:g}", f"goal.last={goal.last}"])
    return f"{program()} rescore {shlex.quote(study.name)} {asked}{where}"
