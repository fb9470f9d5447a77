"""What a person reads when a drill is over."""

from pathlib import Path

from mnist_core.goal import Goal
from mnist_core.words import accuracies, of, part, percent
from search.drill.result import Finalist
from search.drill.run import Drilled
from search.report import leads
from search.report.launched import COLUMN
from search.study import storage
from search.text.commands import command_for, program


def summary(drilled: Drilled, command: str, url: str | None) -> str:
    """What a person reads when a drill is over: each stage's best, the winner, what to type next.

    command: what started the drill, which resumes it too. url: of the storage, where it was given.
    """
    result, where = drilled.result, storage.option(url)
    goal = result.spec.goal
    lines = [f"{result.name}: {goal}"]
    for stage in result.stages:
        best = stage.winners[0] if stage.winners else None
        scored = "not over yet"
        if best:
            scored = f"best {best.name}, score {percent(best.trial.score, goal.accuracy)} %"
        ended = f"{of(stage.counted, 'trial')} ended"
        lines.append(f"Stage {stage.number}, {stage.stage.name}: {ended}, {scored}")
    if drilled.best is not None:
        lines += _winner_lines(result.finalists[0], goal, drilled.best)
    if result.failed:
        lines.append(f"Finalists: {of(result.failed, 'training')} on fresh seeds failed")
        lines.append("Try those again:".ljust(COLUMN) + command)
    if drilled.signal:
        lines.append("Interrupted; go on with:".ljust(COLUMN) + command)
    lines.append("Report:".ljust(COLUMN) + str(drilled.report))
    name = result.stages[-1].study
    lines.append("In a browser:".ljust(COLUMN) + f"{program()} dashboard {name}{where}")
    return "\n".join(lines)


def _winner_lines(best: Finalist, goal: Goal, path: Path) -> list[str]:
    endings = [goal.ending(curve) for curve in leads.curves(best)]
    worst = accuracies((ending.worst for ending in endings), goal.accuracy)
    held = sum(ending.held for ending in endings)
    return [
        f"Winner: {best.candidate.name}, {best.candidate.config.params:,} parameters, worst of the "
        f"{goal.ends} on {of(len(endings), 'seed')} {worst} %",
        f"Goal: held on {part(held, len(endings), 'seed')}",
        "Config of the winner:".ljust(COLUMN) + str(path),
        "Train it again:".ljust(COLUMN) + command_for(path),
    ]
