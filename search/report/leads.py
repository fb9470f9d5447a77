"""What chance does to the results of a drill, and who is ahead of whom."""

import statistics
from collections.abc import Sequence

from mnist_core.config import Data
from search.chance.leads import Lead, SeedNoise, pooled, sampling_error
from search.drill.result import DrillResult, Trained
from search.study.trials import Complete


def noise(result: DrillResult) -> SeedNoise | None:
    """Between seeds, pooled over the finalists, each with the search's own run. Where there are
    none, the sampling error at the best mean there is; None where no trial is complete."""
    goal = result.spec.goal
    found = pooled([[ending.mean for ending in each.endings(goal)] for each in result.finalists])
    if found is not None:
        return found
    return of_sampling(
        [trial for stage in result.stages for trial in stage.complete], result.spec.data
    )


def of_sampling(complete: Sequence[Complete], data: Data) -> SeedNoise | None:
    """What stands for the noise between seeds where none was repeated; None without a trial."""
    if not complete:
        return None
    best = max(trial.ending.mean for trial in complete)
    return SeedNoise(sampling_error(best, data.test), 0)


def over_runner_up(trained: Trained, chance: SeedNoise) -> Lead | None:
    """Of the best trial; None where no other is complete."""
    if len(trained.complete) < 2:
        return None
    first, second = trained.complete[:2]
    return _lead(trained.called(second.number), first, second, chance)


def over_base(trained: Trained, chance: SeedNoise) -> Lead | None:
    """Of the best trial over the best base; None where no base was trained here."""
    if not trained.complete or not trained.tried_bases:
        return None
    base = max(trained.tried_bases, key=lambda base: base.trial.score)
    return _lead(base.name, trained.complete[0], base.trial, chance)


def _lead(name: str, best: Complete, other: Complete, chance: SeedNoise) -> Lead:
    return chance.lead(name, best.ending.mean - other.ending.mean)


def over_second(result: DrillResult, chance: SeedNoise) -> Lead | None:
    """Of the first finalist on fresh seeds, which the search has not picked it for; None where the
    two have not been trained on the same number of them."""
    if len(result.finalists) < 2:
        return None
    first, second = result.finalists[:2]
    seeds = len(first.runs)
    if not seeds or len(second.runs) != seeds:
        return None
    goal = result.spec.goal
    means = [
        statistics.fmean(goal.ending(run.test_acc).mean for run in each.runs)
        for each in (first, second)
    ]
    return chance.lead(second.candidate.name, means[0] - means[1], seeds)
