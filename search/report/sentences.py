"""A drill in words: how far it is, who won, and what each stage set out to do."""

import statistics
from collections.abc import Mapping
from typing import Any

from mnist_core.goal import Goal
from mnist_core.words import does, of, part, percent
from search.chance.leads import SeedNoise
from search.drill.result import DrillResult, StageResult, Trained
from search.report import confirmed, leads
from search.report.analysis import VERDICTS, lead, shortfall
from search.report.findings import Findings
from search.study.trials import COUNTED, fates
from search.text.markdown import code, escaped
from search.text.wording import duration, listed, points, seeds, value, within
from spaces.around import BASE
from spaces.dimensions import Dimension


def status(result: DrillResult) -> str:
    """How many stages are over, and what is missing."""
    over = sum(bool(stage.winners) for stage in result.stages)
    stages = part(over, len(result.spec.stage), "stage")
    said = f"{stages} {does(over, 'is')} over"
    missing = [_rest(stage) for stage in result.stages if not stage.winners]
    later = list(enumerate(result.spec.stage, start=1))[len(result.stages) :]
    missing += [f"stage {number} ({escaped(stage.name)})" for number, stage in later]
    wanted = result.spec.confirm
    if not result.finalists and wanted:
        missing.append(f"the finalists on {seeds(wanted, 'fresh ')}")
    if result.failed:
        missing.append(f"{of(result.failed, 'training')} of finalists, which failed")
    return f"{said}. Missing: {listed(missing)}." if missing else f"{said}; nothing is missing."


def _rest(stage: StageResult) -> str:
    left = max(0, stage.stage.trials - stage.counted)
    name = f"stage {stage.number} ({escaped(stage.stage.name)})"
    if not left:
        return f"a winner of {name}"
    return f"{part(left, stage.stage.trials, 'trial')} of {name}"


def trials(trained: Trained) -> str:
    """How many were run, how they ended, and how long they took."""
    ended = fates(trained.trials)
    if not ended:
        return "No trial has ended yet."
    said = ", ".join(f"{count} {COUNTED[state]}" for state, count in ended.items())
    seconds = sum(trial.seconds or 0.0 for trial in trained.trials)
    return f"Trials: {ended.total()} ({said}). Training time of them all: {duration(seconds)}."


def winner(result: DrillResult, chance: SeedNoise | None) -> str:
    """Who won, how surely, and whether the goal is held."""
    first, goal = result.finalists[0], result.spec.goal
    endings = first.endings(goal)
    means = [ending.mean for ending in endings]
    mean = percent(statistics.fmean(means), goal.accuracy)
    spread = ""
    if len(means) > 1:
        size = points(statistics.stdev(means))
        spread = f" (standard deviation between seeds: {size})"
    worst = min(ending.worst for ending in endings)
    held = sum(ending.held for ending in endings)
    said = (
        f"**{code(first.candidate.name)}** wins, with {first.candidate.config.params:,} "
        f"parameters. It holds the goal on **{held} of {seeds(len(endings))}** (its own and "
        f"{len(first.runs)} fresh): {goal.judged} "
        f"{mean} %{spread}, worst {percent(worst, goal.accuracy)} %."
    )
    judged = first.judged(goal, result.spec.confirm)
    if judged.runs:
        said += f" {confirmed.verdict(judged, name=code(first.candidate.name))}"
    found = leads.over_second(result, chance) if chance else None
    if found is None:
        return said
    where = f"{seeds(len(first.runs), 'fresh ')} each"
    return f"{said} {lead('Its lead over the next', found, goal, where)}"


def leading(result: DrillResult, found: Findings) -> str:
    """What is best as long as there are no finalists."""
    first = found.leaders[0]
    return (
        f"So far **{code(first.name)}** is best, with {first.config.params:,} parameters: it "
        f"{shortfall(first.trial.ending.worst, result.spec.goal)}."
    )


def target(stage: StageResult, kinds: Mapping[str, Dimension]) -> str:
    """What is varied, and around what. kinds: of the dimensions, none where no trial says so."""
    varied = listed(bounds(kinds) or [code(name) for name in stage.stage.vary])
    around = listed([code(base.name) for base in stage.bases])
    said = f"Vary {varied}, around {around}."
    if stage.stage.fix:
        said += f" {held(stage.stage.fix)}"
    return said


def bounds(kinds: Mapping[str, Dimension]) -> list[str]:
    """What each dimension may be; of the widths, which share the budget, how many there are."""
    widths = [name for name in kinds if name.startswith("width_")]
    parts = [f"{_the(len(widths), 'width')} (as far as the budget goes)"] if widths else []
    return parts + [
        f"{code(name)} ({within(kind)})"
        for name, kind in kinds.items()
        if name not in widths and name != BASE
    ]


def held(fixed: Mapping[str, Any]) -> str:
    """What is at one value in every trial."""
    return f"Held: {listed([f'{code(name)} = {value(given)}' for name, given in fixed.items()])}."


def _the(count: int, what: str) -> str:
    return f"the {what}" if count == 1 else f"the {of(count, what)}"


def left_open(number: int, found: Findings, goal: Goal) -> str:
    """What a stage, the one before, handed on besides its winners."""
    first, fit = found.leaders[0], found.fits[0]
    short = shortfall(first.trial.ending.worst, goal)
    said = f"Stage {number} left this open: {code(first.name)} {short}"
    return f"{said} and {VERDICTS[fit.verdict]}." if fit else f"{said}."
