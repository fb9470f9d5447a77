"""Whether one training is ahead of another by more than chance."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from search.drill.result import DrillResult, Finalist, StageResult
from search.study.trials import Row


@dataclass(frozen=True)
class Noise:
    """What chance does to the mean of the last k epochs of one training."""

    size: float
    """Points, one standard deviation."""
    freedom: int
    """Degrees of freedom of the estimate; 0 where no seed was repeated and `size` is the sampling
    error of one accuracy."""

    def needed(self, seeds: int = 1) -> float:
        """Points by which the mean over so many seeds must be ahead of another: 5 % of the
        differences that chance makes are larger. sqrt(2 / seeds) times the size, times the 0.975
        quantile of Student's t (4.3 at 2 degrees of freedom, 2.0 at 60), or 2 where `freedom` is 0.
        """
        factor = float(stdtrit(self.freedom, 0.975)) if self.freedom else 2.0
        return factor * math.sqrt(2 / seeds) * self.size


def noise(result: DrillResult) -> Noise | None:
    """Between seeds, pooled over the finalists, each with the search's own run: sum of squares /
    sum of (seeds - 1). Where there are none, the sampling error at the best mean there is; None
    where no trial is complete."""
    goal = result.spec.goal
    means = [
        [goal.ending(curve).mean for curve in curves(finalist)] for finalist in result.finalists
    ]
    several = [each for each in means if len(each) > 1]
    freedom = sum(len(each) - 1 for each in several)
    if freedom:
        squares = math.fsum(statistics.variance(each) * (len(each) - 1) for each in several)
        return Noise(math.sqrt(squares / freedom), freedom)
    rows = [row for stage in result.stages for row in stage.rows]
    best = max((row.mean for row in rows if row.mean is not None), default=None)
    return Noise(sampling_error(best, result.spec.data.test), 0) if best is not None else None


def sampling_error(accuracy: float, images: int) -> float:
    """The standard error, percent, of an accuracy that was counted on so many images: sqrt(p (1 -
    p) / n), the binomial distribution's."""
    part = accuracy / 100
    return 100 * math.sqrt(part * (1 - part) / images)


def curves(finalist: Finalist) -> list[Sequence[float]]:
    """Test accuracies of one run a seed, the search's own first."""
    row = finalist.candidate.row
    return [*([row.test_acc] if row else []), *(run.test_acc for run in finalist.runs)]


@dataclass(frozen=True)
class Lead:
    """How far the best is ahead of another, in the mean of the last k epochs."""

    over: str
    points: float
    """Below 0 where it is behind."""
    needed: float
    """See `Noise.needed`."""

    @property
    def tie(self) -> bool:
        return abs(self.points) <= self.needed


def over_runner_up(stage: StageResult, chance: Noise) -> Lead | None:
    """Of the stage's best trial; None where no other is complete."""
    rows = stage.scored
    if len(rows) < 2:
        return None
    return _lead(f"{stage.stage.name}/{rows[1].number}", rows[0], rows[1], chance)


def over_base(stage: StageResult, chance: Noise) -> Lead | None:
    """Of the stage's best trial over the best base; None where no base was trained here."""
    rows = stage.scored
    bases = [(base.name, base.row) for base in stage.bases if base.row is not None]
    if not rows or not bases:
        return None
    name, row = max(bases, key=lambda base: base[1].score or 0.0)
    return _lead(name, rows[0], row, chance)


def _lead(name: str, best: Row, other: Row, chance: Noise) -> Lead:
    return Lead(name, (best.mean or 0.0) - (other.mean or 0.0), chance.needed())


def over_second(result: DrillResult, chance: Noise) -> Lead | None:
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
    return Lead(second.candidate.name, means[0] - means[1], chance.needed(seeds))
