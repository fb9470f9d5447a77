"""A study's note in optuna-dashboard: its goal, how far it is, its best trial and the command that
trains that again."""

import re
import warnings
from collections import Counter

import optuna_dashboard
from optuna.exceptions import ExperimentalWarning
from optuna.study import Study

from search import results
from search.goal import Goal
from search.results import Row

METRIC = "score (%)"  # what the dashboard calls a trial's value

_FATES = {  # states of trials that have ended, as the note counts them
    "complete": "trained to the end",
    "pruned": "pruned",
    "fail": "failed",
    "interrupted": "interrupted",
}


def annotate(study: Study, command: str) -> None:
    """Write the study's note anew: at its start, after each new best trial and at its end.

    command: what trains the best trial again; shown once there is one.
    """
    if study.metric_names is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names([METRIC])
    optuna_dashboard.save_note(study, _text(results.goal_of(study), results.rows(study), command))


def _text(goal: Goal, rows: list[Row], command: str) -> str:
    """The note in Markdown. Nothing but `command` is free text, and that stands in a code block."""
    parts = [f"**Goal:** {goal}.", _progress(rows)]
    best = next((row for row in rows if row.score is not None), None)
    if best is not None:
        parts += [_best(goal, best), "It is trained again with:", _code(command)]
        holder = next((row for row in rows if row.holds_goal), best)
        if holder is not best:
            parts.append(f"The best trial that holds the goal is number {holder.number}.")
    parts.append("*drilldown writes this note; what is added here is lost.*")
    return "\n\n".join(parts)


def _progress(rows: list[Row]) -> str:
    states = Counter(row.state for row in rows)
    fates = ", ".join(f"{states[state]} {fate}" for state, fate in _FATES.items() if states[state])
    ended = sum(states[state] for state in _FATES)
    holding = sum(row.holds_goal for row in rows)
    progress = f"**Trials:** {ended} ended ({fates})" if ended else "**Trials:** none has ended yet"
    return f"{progress}. **{holding or 'None'} of them hold{'s' * (holding < 2)} the goal.**"


def _best(goal: Goal, row: Row) -> str:
    verdict = "holds the goal" if row.holds_goal else "does not hold the goal"
    final = " · ".join(f"{value:.2f}" for value in goal.final(row.test_acc))
    table = {
        "score": f"**{row.score:.3f} %**",
        f"accuracy in the last {goal.last} epochs": f"{final} %",
        "worst of these": f"**{row.worst:.2f} %**",
        "mean of these": f"{row.mean:.3f} %",
        "parameters": "not known" if row.params is None else f"{row.params:,}",
    }
    lines = [f"## Best trial: number {row.number}, which {verdict}", "", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in table.items())])


def _code(command: str) -> str:
    """A code block that `command` cannot end: on one line, fenced by more backticks than it has."""
    line = " ".join(command.split())
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence}sh\n{line}\n{fence}"
