"""What to try after a drill, as it follows from its winner."""

import shlex
from collections.abc import Mapping, Sequence

from mnist_core import packaged
from search.drill import spec
from search.drill.result import DrillResult
from search.report import findings, next_steps
from search.report.next_steps import Step
from search.text.commands import Command, program


def following(result: DrillResult) -> Sequence[Step]:
    """The first ones first. result: of a drill that has finalists."""
    goal, best = result.spec.goal, result.finalists[0]
    endings = best.endings(goal)
    fit = findings.fit(best.candidate, goal)
    varied = {
        name: (kind, f"stage.{stage.stage.name}.vary")
        for stage in result.stages
        for trial in stage.trials[:1]
        for name, kind in trial.dimensions.items()
    }
    outcome = next_steps.Outcome(
        goal=goal,
        data=result.spec.data,
        held=all(ending.held for ending in endings),
        params=best.candidate.config.params,
        worst=min(ending.worst for ending in endings),
        trials=sum(stage.counted for stage in result.stages),
        dimensions={name: kind for name, (kind, _) in varied.items()},
        verdict=fit.verdict if fit else None,
        tables={name: table for name, (_, table) in varied.items()},
    )
    return next_steps.steps(outcome)


def again(result: DrillResult) -> Command:
    """The drill by its name. One that comes along is read from its own file then, and not as it was
    launched: what options said of its seed and its first stage is said again."""
    more = ""
    if result.name in packaged.names(packaged.DRILLS):
        _, file, _ = spec.load(result.name, result.settings)
        if file.base != result.spec.base:
            more += "".join(f" --start {shlex.quote(word)}" for word in result.spec.base)
        if file.seed != result.spec.seed:
            more += f" --seed {result.spec.seed}"
    return Command("drill", result.name, result.name, tuple(result.settings), more + result.where)


def own(result: DrillResult, again: Command) -> Mapping[Step, str]:
    """What to type for more of the same. again: the drill, to be typed again."""
    # A stage that is over stays as it was: more trials make another drill.
    trials = [f"stage.{stage.name}.trials={2 * stage.trials}" for stage in result.spec.stage]
    return {
        next_steps.MORE_SEEDS: f"{program()} confirm {shlex.quote(result.name)}{result.where}",
        next_steps.MORE_TRIALS: again.changed(trials, "longer"),
    }


def why(result: DrillResult) -> str:
    """Whether the goal is held, as sentences say it from which the steps follow."""
    endings = result.finalists[0].endings(result.spec.goal)
    verdict = "held" if all(ending.held for ending in endings) else "not held"
    every = "on its seed" if len(endings) == 1 else f"on every one of {len(endings)} seeds"
    return f"the goal is {verdict} {every}"
