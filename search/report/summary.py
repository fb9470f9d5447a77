"""What a person reads when a drill is over."""

import shlex
from pathlib import Path

from mnist_core.goal import Goal
from mnist_core.words import accuracies, of, part, percent
from search.drill.result import DrillResult, Finalist
from search.drill.run import Drilled
from search.report import confirmed, drill_steps, next_steps
from search.study import storage
from search.text.commands import COLUMN, Command, command_for, program
from search.text.wording import not_whole


def summary(drilled: Drilled, command: str, url: str | None, again: Command) -> str:
    """What a person reads when a drill is over: each stage's best, the winner, what to type next.

    command: what started the drill, which resumes it too. url: of the storage, where it was given.
    again: the same command, to be changed.
    """
    result, where = drilled.result, storage.option(url)
    goal = result.spec.goal
    lines = [*not_whole(result.spec.data), f"{result.name}: {goal}"]
    for stage in result.stages:
        best = stage.winners[0] if stage.winners else None
        scored = "not over yet"
        if best:
            scored = f"best {best.name}, score {percent(best.trial.score, goal.accuracy)} %"
        ended = f"{of(stage.counted, 'trial')} ended"
        lines.append(f"Stage {stage.number}, {stage.stage.name}: {ended}, {scored}")
    if drilled.best is not None:
        lines += _winner_lines(result.finalists[0], goal, result.spec.confirm, drilled.best)
    if drilled.best is not None and not result.spec.confirm:
        lines.append("Fresh seeds: none asked for (confirm = 0); it may be high by luck alone")
    if result.failed:
        lines.append(f"Finalists: {of(result.failed, 'training')} on fresh seeds failed")
        lines.append("Try those again:".ljust(COLUMN) + command)
    if drilled.signal or drilled.out_of_time:
        why = "Interrupted" if drilled.signal else "Out of time"
        lines.append(f"{why}; go on with:".ljust(COLUMN) + command)
    stages = f"{program()} show {shlex.quote(result.name)}{where}"
    lines.append("Stages:".ljust(COLUMN) + stages)
    lines.append("Report:".ljust(COLUMN) + str(drilled.report))
    name = result.stages[-1].study
    lines.append("In a browser:".ljust(COLUMN) + f"{program()} dashboard {name}{where}")
    if drilled.best is not None:
        lines += _next_lines(result, again)
    return "\n".join(lines)


def _winner_lines(best: Finalist, goal: Goal, wanted: int, path: Path) -> list[str]:
    endings, judged = best.endings(goal), best.judged(goal, wanted)
    worst = accuracies((ending.worst for ending in endings), goal.accuracy)
    held = sum(ending.held for ending in endings)
    return [
        f"Winner: {best.candidate.name}, {best.candidate.config.params:,} parameters, worst of the "
        f"{goal.ends} on {of(len(endings), 'seed')} {worst} %",
        f"Goal: held on {part(held, len(endings), 'seed')}",
        *[confirmed.verdict(judged)] * bool(judged.runs),
        "Config of the winner:".ljust(COLUMN) + str(path),
        "Train it again:".ljust(COLUMN) + command_for(path),
    ]


def _next_lines(result: DrillResult, again: Command) -> list[str]:
    """What to try next, and what to type for it."""
    steps, own = drill_steps.following(result), drill_steps.own(result, again)
    said = next_steps.lines(steps, again, own, COLUMN)
    return ["", f"What next, since {drill_steps.why(result)}:", *said] if said else []
