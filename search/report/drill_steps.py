"""What to try after a drill, as it follows from its winner."""

from collections.abc import Mapping, Sequence

from search.drill.result import DrillResult
from search.report import findings, next_steps
from search.report.next_steps import Step
from search.text.commands import Command


def following(result: DrillResult) -> Sequence[Step]:
    """The first ones first. result: of a drill that has finalists."""
    spec, best = result.spec, result.finalists[0]
    endings = best.endings(spec.goal)
    fit = findings.fit(best.candidate, spec.goal)
    varied = {
        name: (kind, f"stage.{stage.stage.name}.vary")
        for stage in result.stages
        for trial in stage.trials[:1]
        for name, kind in trial.dimensions.items()
    }
    outcome = next_steps.Outcome(
        goal=spec.goal,
        data=spec.data,
        held=all(ending.held for ending in endings),
        params=best.candidate.config.params,
        worst=min(ending.worst for ending in endings),
        trials=sum(stage.counted for stage in result.stages),
        dimensions={name: kind for name, (kind, _) in varied.items()},
        verdict=fit.verdict if fit else None,
        tables={name: table for name, (_, table) in varied.items()},
    )
    return next_steps.steps(outcome)


def own(result: DrillResult, again: Command) -> Mapping[Step, str]:
    """What to type for more of the same. again: the drill, to be typed again."""
    spec = result.spec
    # A stage that is over stays as it was: more trials make another drill.
    trials = [f"stage.{stage.name}.trials={2 * stage.trials}" for stage in spec.stage]
    return {
        next_steps.MORE_SEEDS: again.resumed(settings=[f"confirm={2 * spec.confirm or 2}"]),
        next_steps.MORE_TRIALS: again.changed(trials, "longer"),
    }


def why(result: DrillResult) -> str:
    """Whether the goal is held, as sentences say it from which the steps follow."""
    endings = result.finalists[0].endings(result.spec.goal)
    verdict = "held" if all(ending.held for ending in endings) else "not held"
    every = "on its seed" if len(endings) == 1 else f"on every one of {len(endings)} seeds"
    return f"the goal is {verdict} {every}"
