"""What `show` prints of a drill: its stages, each with its best trial, and its finalists."""

import json
import statistics
from typing import Any

from mnist_core.words import part, percent
from search.drill.kept import KeptDrill, KeptStage
from search.drill.result import Finalist
from search.report.shown import broken
from search.text.commands import program
from search.text.console import records, table
from search.text.wording import listed, not_whole, share


def drill(kept: KeptDrill, form: str, where: str) -> str:
    """As `table`, `json` or `csv`; that is of the stages alone. where: what to add to a command so
    that it finds the same storage."""
    stages = [_stage(stage) for stage in kept.stages]
    finalists = [_finalist(kept, each) for each in kept.finalists]
    if form == "csv":
        return records(stages, list(stages[0]), form)
    if form == "json":
        return json.dumps({"drill": kept.name, "stages": stages, "finalists": finalists}, indent=2)
    return "\n".join(_lines(kept, stages, finalists, where))


def _stage(stage: KeptStage) -> dict[str, Any]:
    """score: percent, of its own best trial. winners: what it handed on, best first."""
    trials, best = stage.study.trials(), stage.study.best()
    return {
        "stage": stage.number,
        "name": stage.name,
        "study": stage.study.name,
        "ended": stage.study.counted,
        "best": best.number if best else None,
        "score": best.score if best else None,
        "worst": best.ending.worst if best else None,
        "params": best.params if best else None,
        "held": sum(trial.holds_goal for trial in trials),
        "winners": list(stage.handed_on),
    }


def _finalist(kept: KeptDrill, finalist: Finalist) -> dict[str, Any]:
    """Accuracies are percent. fresh_score: the mean over the fresh seeds; worst: of all seeds."""
    endings, judged = finalist.endings(kept.goal), finalist.judged(kept.goal)
    return {
        "finalist": finalist.candidate.name,
        "params": finalist.candidate.config.params,
        "score": finalist.candidate.trial.score,
        "fresh_seeds": [run.seed for run in finalist.runs],
        "fresh_score": statistics.fmean(each.score for each in endings[1:])
        if endings[1:]
        else None,
        "referee": str(judged.verdict),
        "probability": judged.statement.probability,
        "low": judged.statement.low,
        "high": judged.statement.high,
        "worst": min(ending.worst for ending in endings),
        "held": sum(ending.held for ending in endings),
        "seeds": len(endings),
    }


def _lines(
    kept: KeptDrill, stages: list[dict[str, Any]], finalists: list[dict[str, Any]], where: str
) -> list[str]:
    heads = ["stage", "ended", "best", "score", "worst", "parameters", "at goal", "handed on"]
    rows = [
        [
            f"{row['stage']}.{row['name']}",
            str(row["ended"]),
            "" if row["best"] is None else f"{row['name']}/{row['best']}",
            percent(row["score"], kept.goal.accuracy),
            percent(row["worst"], kept.goal.accuracy),
            "" if row["params"] is None else f"{row['params']:,}",
            str(row["held"]),
            ", ".join(row["winners"]) or "not over yet",
        ]
        for row in stages
    ]
    data = next((data for stage in kept.stages if (data := stage.study.data)), None)
    title = "\n".join(broken([f"{kept.name}, a drill: {kept.goal}; accuracies in percent"]))
    lines = [*broken(not_whole(data)), table(title, heads, rows, left=["stage", "best"]), ""]
    if finalists:
        heads = [
            "finalist",
            "parameters",
            "score",
            "score on fresh seeds",
            "worst",
            "referee",
            "P(goal)",
            "goal held",
        ]
        rows = [
            [
                row["finalist"],
                f"{row['params']:,}",
                percent(row["score"], kept.goal.accuracy),
                percent(row["fresh_score"], kept.goal.accuracy),
                percent(row["worst"], kept.goal.accuracy),
                row["referee"],
                share(row["probability"]),
                f"on {part(row['held'], row['seeds'], 'seed')}",
            ]
            for row in finalists
        ]
        lines += [table("Finalists, best first", heads, rows), ""]
    there = [row["stage"] for row in stages]
    gone = [str(number) for number in range(1, max(there)) if number not in there]
    if gone:
        which = f"{'stages' if len(gone) > 1 else 'stage'} {listed(gone)}"
        lines.append(f"Deleted since it ran: {which}; the drill cannot go on without")
    return [*lines, f"A stage's trials: {program()} show {stages[-1]['study']}{where}"]
