"""What drilldown adds to a study in optuna-dashboard: a note with the goal, how far the study is
and how its best trial is trained again, and a figure of the best trials near the goal."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna_dashboard
from optuna.exceptions import ExperimentalWarning

from mnist_core.goal import Goal
from mnist_core.words import does, percent
from search.study import memo
from search.study.study import Study
from search.study.trials import COUNTED, Complete, Trial, fates
from search.text.markdown import escaped, fenced
from search.text.wording import network, not_whole, recipe

METRIC = "score (%)"  # what the dashboard calls a trial's value
FIGURE = "best-trials"
_VERSION = "dashboard:note_ver"  # the note's, which the dashboard counts
_DRAWN = 8  # best trials in the figure: no more than can be told apart


def annotate(study: Study, command: str, mattered: str = "") -> None:
    """Write note and figure anew: at a study's start, after each new best trial and at its end.

    command: what trains the best trial again; shown once there is one. mattered: what can be said
    of the importance of the dimensions, in Markdown.
    """
    if study.optuna.metric_names is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.optuna.set_metric_names([METRIC])
    goal, trials = study.goal, study.trials()
    complete = [trial for trial in trials if isinstance(trial, Complete)]
    if not isinstance(study.kept(_VERSION), int | None):
        study.keep(_VERSION, 0)  # others have written there what the dashboard cannot add 1 to
    text = _text(study, trials, complete, command, mattered)
    optuna_dashboard.save_note(study.optuna, _memo(memo.of(study)) + text)
    if complete:
        figure = _Figure(_drawing(goal, complete[:_DRAWN]))
        optuna_dashboard.save_plotly_graph_object(study.optuna, figure, graph_object_id=FIGURE)


@dataclass
class _Figure:
    """What the dashboard asks of a plotly figure, without plotly, which it does not bring along."""

    content: dict[str, Any]

    def to_json(self) -> str:
        return json.dumps(self.content)


def _drawing(goal: Goal, best: Sequence[Complete]) -> dict[str, Any]:
    """The curves as plotly's JSON, with the goal half-way up: the dashboard's own plot of all
    epochs of all trials starts so low that nobody can see who reaches it."""
    lowest = min(trial.ending.worst for trial in best)
    bottom = min(2 * goal.accuracy - 100, lowest) - 0.05
    title = f"Best trials, and the goal of {goal.wanted} in the {goal.ends}"
    measured = f"{goal.judge} accuracy (%)"
    axis = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
    counted = {
        "type": "rect",
        "x0": goal.epochs - goal.last + 0.5,
        "x1": goal.epochs + 0.5,
        "y0": bottom,
        "y1": 100,
        "fillcolor": "gray",
        "opacity": 0.12,
        "line": {"width": 0},
    }
    reached = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": goal.accuracy,
        "y1": goal.accuracy,
        "line": {"dash": "dash", "color": "crimson"},
    }
    return {
        "data": [
            {
                "name": f"trial {trial.number}: {percent(trial.score, goal.accuracy)}",
                "x0": 1,
                "dx": 1,
                "y": [round(value, 4) for value in trial.test_acc],
                "mode": "lines+markers",
            }
            for trial in best
        ],
        "layout": {
            "title": {"text": title, "font": {"size": 15}, "x": 0.02, "xanchor": "left"},
            "margin": {"l": 60, "r": 10, "t": 60, "b": 50},
            "xaxis": {"title": {"text": "epoch"}, "range": [0.5, goal.epochs + 0.5], **axis},
            "yaxis": {
                "title": {"text": measured},
                "range": [bottom, 100],
                **axis,
            },
            "shapes": [counted, reached],
            "font": {"color": "gray"},  # on white and, in the dark mode, on black
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
        },
    }


def _text(
    study: Study,
    trials: Sequence[Trial],
    complete: Sequence[Complete],
    command: str,
    mattered: str,
) -> str:
    """The note in Markdown. Nothing but `command` is free text, and that stands in a code block."""
    goal = study.goal
    parts = [f"**{line}.**" for line in not_whole(study.data)]
    parts += [f"**Goal:** {goal}.", _progress(trials)]
    if complete:
        best = complete[0]
        parts += [_best(goal, best), "Train it again with:", fenced([command])]
        holder = next((trial for trial in complete if trial.holds_goal), best)
        if holder is not best:
            parts.append(f"The best trial that holds the goal is number {holder.number}.")
    parts += [mattered] * bool(mattered)
    parts.append(
        "*drilldown rewrites this note; anything added here is lost. What `drilldown note` keeps "
        "is not.*"
    )
    return "\n\n".join(parts)


def _memo(text: str) -> str:
    """What a person has noted, quoted: whatever signs it has, they are shown as they stand."""
    from search.text.markdown import escaped  # loads a parser, which a worker's owner need not

    lines = [f"> {escaped(line)}  " for line in text.splitlines()]
    return "\n".join([*lines, "", ""]) if text else ""


def _progress(trials: Sequence[Trial]) -> str:
    ended = fates(trials)
    said = ", ".join(f"{count} {COUNTED[state]}" for state, count in ended.items())
    holding = sum(trial.holds_goal for trial in trials)
    progress = f"**Trials:** {ended.total()} ended ({said})"
    if not ended:
        progress = "**Trials:** none has ended yet"
    return f"{progress}. **{holding or 'None'} of them {does(holding or 1, 'holds')} the goal.**"


def _best(goal: Goal, trial: Complete) -> str:
    verdict = "holds the goal" if trial.holds_goal else "does not hold the goal"
    ending = trial.ending
    mark = goal.accuracy
    final = " · ".join(percent(value, mark) for value in ending.test_acc)
    table = {
        "score": f"**{percent(trial.score, mark)} %**",
        f"accuracy in the {goal.ends}": f"{final} %",
        "worst of these": f"**{percent(ending.worst, mark)} %**",
        "mean of these": f"{percent(ending.mean, mark)} %",
        "parameters": "not known" if trial.params is None else f"{trial.params:,}",
    }
    if trial.has_config:
        table |= {"net": network(trial.config), "recipe": escaped(recipe(trial.config))}
    lines = [f"## Best trial: number {trial.number}, which {verdict}", "", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in table.items())])
