"""Whether one training is ahead of another by more than chance."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SeedNoise:
    """What chance does to the mean of the last epochs of one training."""

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
        from scipy.special import stdtrit  # takes long to load, which only a report needs

        factor = float(stdtrit(self.freedom, 0.975)) if self.freedom else 2.0
        return factor * math.sqrt(2 / seeds) * self.size


@dataclass(frozen=True)
class Lead:
    """How far the best is ahead of another, in the mean of the last epochs."""

    over: str
    points: float
    """Below 0 where it is behind."""
    needed: float
    """See `SeedNoise.needed`."""

    @property
    def tie(self) -> bool:
        return abs(self.points) <= self.needed


def pooled(recipes: Sequence[Sequence[float]]) -> SeedNoise | None:
    """Between seeds, of the means of recipes on several seeds each: sum of squares / sum of
    (seeds - 1). None where no recipe has a second seed."""
    several = [means for means in recipes if len(means) > 1]
    freedom = sum(len(means) - 1 for means in several)
    if not freedom:
        return None
    squares = math.fsum(statistics.variance(means) * (len(means) - 1) for means in several)
    return SeedNoise(math.sqrt(squares / freedom), freedom)


def sampling_error(accuracy: float, images: int) -> float:
    """The standard error, percent, of an accuracy that was counted on so many images: sqrt(p (1 -
    p) / n), the binomial distribution's."""
    part = accuracy / 100
    return 100 * math.sqrt(part * (1 - part) / images)
