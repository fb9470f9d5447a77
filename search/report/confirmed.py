"""What `confirm` prints: how the finalists stand, what the referee says of each, what to type
next."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_core.goal import Goal
from mnist_core.record import Record
from mnist_core.words import does, of, part, percent
from search.chance.referee import SHARE, Verdict
from search.confirm.race import Standing, best_first
from search.text.commands import COLUMN, command_for
from search.text.console import folded, left_out, records, table, width, wrapped
from search.text.wording import change, judged_by, share

_HEADS = {  # head -> rank; see `folded`
    "finalist": 0,
    "referee": 0,
    "held": 1,
    "P(goal)": 0,
    "interval": 2,
    "mean": 3,
    "deviation": 4,
    "in the search": 6,
    "optimism": 5,
    "parameters": 7,
}


def listed(
    name: str, goal: Goal, standings: Sequence[Standing], form: str, command: str = ""
) -> str:
    """The finalists, best first, as `table`, `json` or `csv`. command: what shows them, for those
    who want to see more."""
    rows = [row(each) for each in standings]
    if form != "table":
        return records(rows, list(rows[0]), form)
    room = width()
    first = standings[0].contender
    above = [
        *judged_by(first.config.data, first.unsealed),
        f"{name}: {goal}; {_judged(goal)} on fresh seeds, in percent, deviation and optimism "
        "in points",
    ]
    *before, title = above if room is None else [wrapped(line, room, "  ") for line in above]
    known = dict(zip(_HEADS, zip(*map(_cells, standings), strict=True), strict=True))
    shown = [head for head, cells in known.items() if any(cells)]
    cells = [list(line) for line in zip(*(known[head] for head in shown), strict=True)]
    heads, lines, dropped = folded(shown, cells, [_HEADS[head] for head in shown])
    return "\n".join(
        [
            *before,
            table(
                title if room is None else wrapped(title, room, "  "), heads, lines, {"finalist"}
            ),
            *_legend(heads, room),
            *left_out(dropped),
            *[f"See all:   {command} --format csv"] * bool(dropped and command),
        ]
    )


def _judged(goal: Goal) -> str:
    return f"worst of the {goal.ends}" if goal.last > 1 else f"accuracy of the {goal.ends}"


def _legend(heads: Sequence[str], room: int | None) -> list[str]:
    said = {
        "deviation": "Deviation: the standard deviation between the fresh seeds",
        "optimism": "Optimism: by how much the training that it was picked for is above the fresh "
        "ones' mean",
    }
    lines = [line for head, line in said.items() if head in heads]
    return [line if room is None else wrapped(line, room, "  ") for line in lines]


def row(standing: Standing) -> dict[str, Any]:
    """What is known of a finalist. Accuracies are percent; searched: of the training that it was
    picked for."""
    said = standing.statement
    return {
        "finalist": standing.contender.name,
        "referee": str(standing.verdict),
        "params": standing.contender.config.params,
        "seeds": said.seeds,
        "held": said.held,
        "failed": standing.failed,
        "probability": said.probability,
        "low": said.low,
        "high": said.high,
        "mean": standing.mean,
        "deviation": standing.deviation,
        "searched": standing.searched,
        "optimism": standing.optimism,
        "fresh_seeds": [run.seed for run in standing.runs],
        "worst": standing.worst,
    }


def _cells(standing: Standing) -> list[str]:
    said, mark = standing.statement, standing.goal.accuracy
    return [
        standing.contender.name,
        _word(standing),
        _cell(standing),
        share(said.probability),
        interval(standing),
        percent(standing.mean, mark),
        "" if standing.deviation is None else f"{standing.deviation:.2f}",
        percent(standing.searched, mark),
        "" if standing.optimism is None else change(standing.optimism),
        f"{standing.contender.config.params:,}",
    ]


def summary(standings: Sequence[Standing], seeds: int, path: Path | None, more: str) -> str:
    """What follows from it, and where the best is.

    standings: best first. seeds: that each could have at most. path: of the best's config, if it
    was written. more: the command that goes on with so many seeds more.
    """
    lines = [verdict(standings[0], len(standings))]
    room = width()
    lines = lines if room is None else [wrapped(line, room, "  ") for line in lines]
    if path is not None:
        lines.append("Config of the best:".ljust(COLUMN) + str(path))
        command = command_for(path)
        if not standings[0].contender.test_acc:  # a curve that could be compared with
            command = command.removesuffix(" --check")
        lines.append("Train it again:".ljust(COLUMN) + command)
    still = [each for each in standings if each.verdict == Verdict.OPEN and not each.failed]
    if still:
        lines.append(f"Go on, to {of(2 * seeds, 'seed')}:".ljust(COLUMN) + more)
    return "\n".join(lines)


def exported(kept: Record) -> str:
    """Which trial a config is, and why that one, in a line; nothing where no fresh seed says it."""
    said, origin = kept.statement, kept.origin
    if said is None or origin is None:
        return ""
    held = f"{part(said.held, said.seeds, 'fresh seed')} {does(said.held, 'holds')} the goal"
    return f"\nIt is trial {origin.trial}, {said.verdict}: {held}"


def verdict(best: Standing, contenders: int = 1, name: str = "") -> str:
    """The referee's sentence on the best of so many. name: as it is written there."""
    said, name = best.statement, name or best.contender.name
    needed = f"at least {10 * SHARE:.0f} of 10 trainings"
    if best.verdict == Verdict.CONFIRMED:
        return (
            f"Confirmed: {needed} of {name} hold the goal, as {_held(best)} say with 95 % "
            "confidence."
        )
    if best.verdict == Verdict.REFUTED:
        which = name if contenders == 1 else f"none of the {contenders}"
        does = "does not hold" if contenders == 1 else "holds"
        return f"Refuted: {which} {does} the goal in {needed}, with 95 % confidence in each."
    if said.probability is None:
        return f"Open: {name} has not been trained on any fresh seed."
    return (
        f"Open: whether {needed} of {name} hold the goal, {_held(best)} do not tell; a further one "
        f"holds it with a probability of {share(said.probability)} "
        f"({share(said.low)} to {share(said.high)})."
    )


def brief(standings: Sequence[Standing]) -> list[str]:
    """The referee's words in a line, best first; none of no standings."""
    if not standings:
        return []
    told = ", ".join(
        f"{each.contender.name} {_word(each)} ({_cell(each)} hold the goal, "
        f"P(goal) {share(each.statement.probability)})"
        for each in best_first(standings)
    )
    unsealed = " and the test images" * standings[0].contender.unsealed
    said, room = f"On fresh seeds{unsealed}: {told}", width()
    return [said if room is None else wrapped(said, room, "  ")]


def _word(standing: Standing) -> str:
    failed = f", {standing.failed} failed" if standing.failed else ""
    return f"{standing.verdict}{failed}"


def _cell(standing: Standing) -> str:
    """How many seeds hold the goal; nothing without a seed."""
    said = standing.statement
    return f"{said.held} of {said.seeds}" if said.seeds else ""


def interval(standing: Standing) -> str:
    """Of P(goal); nothing without a seed."""
    said = standing.statement
    return f"{share(said.low)} to {share(said.high)}" if said.seeds else ""


def _held(best: Standing) -> str:
    return part(best.statement.held, best.statement.seeds, "fresh seed")
