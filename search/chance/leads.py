"""Whether one training is ahead of another by more than chance."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_DEVIATIONS = 2.0  # about 95 % of normally distributed differences lie within


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

        factor = float(stdtrit(self.freedom, 0.975)) if self.freedom else _DEVIATIONS
        return factor * math.sqrt(2 / seeds) * self.size

    def lead(self, over: str, points: float, seeds: int = 1) -> "Lead":
        """Of a mean over so many seeds over another's."""
        known = _DEVIATIONS * math.sqrt(2 / seeds) * self.size
        return Lead(over, points, self.needed(seeds), known, self.freedom)


@dataclass(frozen=True)
class Lead:
    """How far the best is ahead of another, in the mean of the last epochs."""

    over: str
    points: float
    """Below 0 where it is behind."""
    needed: float
    """See `SeedNoise.needed`."""
    known: float
    """What would be needed if the noise were as large as it is taken to be for certain, and not
    only as far as few seeds can tell."""
    freedom: int
    """See `SeedNoise`."""

    @property
    def tie(self) -> bool:
        """Whether chance explains it."""
        return abs(self.points) <= min(self.known, self.needed)

    @property
    def told(self) -> bool:
        """Whether there are seeds enough to tell a tie from a lead."""
        return self.tie or abs(self.points) > self.needed


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
    """The standard error, percent, of an accuracy that was counted on so many images: of Wilson's
    interval of z = 2 standard errors, half of what it reaches to either side of its middle,

        sqrt(p (1 - p) / n + z^2 / 4 n^2) / (1 + z^2 / n).

    On many images it is the binomial distribution's, sqrt(p (1 - p) / n); at 0 and 100 %, where
    that would be nought, about one image's."""
    part, square = accuracy / 100, _DEVIATIONS**2
    root = math.sqrt(part * (1 - part) / images + square / (4 * images**2))
    return 100 * root / (1 + square / images)
