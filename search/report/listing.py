"""Tables for people, JSON and CSV for programs: what `list` and `show` print."""

import textwrap
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.study import Study

from mnist_core.goal import Goal
from search.drill.spec import DrillSpec
from search.study import trials as results
from search.study.spec import StudySpec
from search.study.storage import has_storage, open_storage
from search.study.trials import Row
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
    run = _launched(open_storage(url)) if url or has_storage() else []
    heads = ["name", "ended", *_GOAL_HEADS, "best score", "at goal"]
    none = "No study has been run yet; start with: drilldown launch"
    return "\n".join([*parts, "", table("Studies that have been run", heads, run) if run else none])


def _titles(specs: Mapping[str, StudySpec] | Mapping[str, DrillSpec]) -> list[str]:
    return [
        textwrap.fill(f"{name}: {spec.title}", 80, subsequent_indent="  ")
        for name, spec in specs.items()
    ]


_GOAL_HEADS = ["accuracy", "in the last", "parameters"]


def _goal_cells(goal: Goal) -> list[str]:
    return [f"{goal.accuracy:.2f} %", f"{goal.last} of {goal.epochs} epochs", f"< {goal.params:,}"]


def _launched(storage: RDBStorage) -> list[list[str]]:
    lines = []
    for name in sorted(optuna.get_all_study_names(storage)):
        study = optuna.load_study(study_name=name, storage=storage)
        if results.GOAL not in study.user_attrs:
            continue  # not one of ours
        rows, goal = results.rows(study), _goal_cells(results.goal_of(study))
        best = next((f"{row.score:.2f}" for row in rows if row.score is not None), "")
        ended = str(results.counted(study.get_trials(deepcopy=False)))
        lines.append([name, ended, *goal, best, str(sum(row.holds_goal for row in rows))])
    return lines


def trials(study: Study, form: str) -> str:
    """The trials of a study, best first, as `table`, `json` or `csv`."""
    rows = results.rows(study)
    if form != "table":
        return records([_plain(row) for row in rows], _FIELDS, form)
    return table(
        f"{study.study_name}: {results.goal_of(study)}; accuracies in percent",
        ["trial", "score", "worst", "mean", "spread", "parameters", "epochs", "goal", "state"],
        [_cells(row) for row in rows],
    )


_FIELDS = [
    "trial",
    "state",
    "score",
    "worst",
    "mean",
    "spread",
    "params",
    "epochs",
    "seconds",
    "holds_goal",
    "reason",
    "test_acc",
]


def _plain(row: Row) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in _FIELDS if hasattr(row, name)},
        "trial": row.number,
        "epochs": len(row.test_acc),
        "test_acc": list(row.test_acc),
    }


def _cells(row: Row) -> list[str]:
    return [
        str(row.number),
        _percent(row.score),
        _percent(row.worst),
        _percent(row.mean),
        _percent(row.spread),
        f"{row.params:,}" if row.params is not None else "",
        str(len(row.test_acc)),
        "held" if row.holds_goal else "",
        f"{row.state}: {row.reason}" if row.reason else row.state,
    ]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
