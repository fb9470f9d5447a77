"""Tables for people, JSON and CSV for programs: what `list` and `show` print."""

import textwrap
from collections.abc import Mapping
from typing import Any

from mnist_core.goal import Goal
from search.drill.spec import DrillSpec
from search.study.spec import StudySpec
from search.study.storage import has_storage, open_storage
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import Complete, Trial
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


def _launched(studies: Studies) -> list[list[str]]:
    lines = []
    for study in map(studies.get, studies.names()):
        if not study.launched:
            continue  # not one of ours
        best, holding = study.best(), sum(trial.holds_goal for trial in study.trials())
        score = f"{best.score:.2f}" if best else ""
        goal = _goal_cells(study.goal)
        lines.append([study.name, str(study.finished), *goal, score, str(holding)])
    return lines


def trials(study: Study, form: str) -> str:
    """The trials of a study, best first, as `table`, `json` or `csv`."""
    found = study.trials()
    if form != "table":
        return records([_plain(trial) for trial in found], _FIELDS, form)
    return table(
        f"{study.name}: {study.goal}; accuracies in percent",
        ["trial", "score", "worst", "mean", "spread", "parameters", "epochs", "goal", "state"],
        [_cells(trial) for trial in found],
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


def _plain(trial: Trial) -> dict[str, Any]:
    ending = trial.ending if isinstance(trial, Complete) else None
    return {
        "trial": trial.number,
        "state": str(trial.state),
        "score": trial.score,
        "worst": ending.worst if ending else None,
        "mean": ending.mean if ending else None,
        "spread": ending.spread if ending else None,
        "params": trial.params,
        "epochs": len(trial.test_acc),
        "seconds": trial.seconds,
        "holds_goal": trial.holds_goal,
        "reason": trial.reason,
        "test_acc": list(trial.test_acc),
    }


def _cells(trial: Trial) -> list[str]:
    plain = _plain(trial)
    return [
        str(trial.number),
        *(_percent(plain[name]) for name in ("score", "worst", "mean", "spread")),
        f"{trial.params:,}" if trial.params is not None else "",
        str(len(trial.test_acc)),
        "held" if trial.holds_goal else "",
        f"{trial.state}: {trial.reason}" if trial.reason else trial.state,
    ]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
