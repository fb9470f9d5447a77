"""How likely a config is to be confirmed, if it gets all the fresh seeds that it may have.

The search's own training is one look at the config, taken because it was good: by luck too. So it
is weighed with what the search has seen of the others. With y the logarithm of the worst error of
the last epochs, as the referee has it, the configs of a search are taken for normally distributed
about their mean, and the trainings of each about its own; the posterior of that is normal, and so
is what the mean of further seeds will be. A config is confirmed after n seeds where that mean lies
low enough; the likeliest n counts.

Which config gets the next seed decides what a search costs: replayed on the tuning half of the
table of trainings, three quarters of all epochs went into confirming what had been lucky where each
trial that held its goal was tried to the end, and two fifths where the most promising one was,
and none that promised less than `LEAST` (`tests/benchmarks/search.py`).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.chance import referee

LEAST = 0.04
"""A config that promises less is not worth a seed: the search finds a better one for less. Replayed
on the tuning half (60 orders, 10 % of the configs hold the goal), 0.86 of the cost of 0.07, which
gives up on some that a few seeds would confirm; 0.02 and 0.04 differ by less than chance."""
_SPREAD = 0.15  # of ln error, from config to config: no less is believed


@dataclass(frozen=True)
class Population:
    """The configs of a search, by the logarithm of their error."""

    mean: float
    variance: float

    @classmethod
    def of(cls, worst: Sequence[float], images: int) -> "Population":
        """worst: of the last epochs of each trial that was trained to its end, percent. Raises
        ValueError where there is none."""
        errors = [referee.log_error(each, images) for each in worst]
        if not errors:
            raise ValueError("no trial to judge by")
        return cls(statistics.fmean(errors), max(_SPREAD**2, statistics.pvariance(errors)))


def promise(
    searched: float | None,
    fresh: Sequence[float],
    population: Population,
    accuracy: float,
    images: int,
    most: int = referee.MOST,
) -> float:
    """The probability that a config is confirmed by `most` seeds, from 0 to 1.

    searched: worst of the last epochs of the training that it was picked for, percent; None where
    that is not known. fresh: the same of its fresh seeds so far. accuracy: the goal's, percent.
    images: that each was counted on.
    """
    errors = [referee.log_error(each, images) for each in fresh]
    seen = errors if searched is None else [referee.log_error(searched, images), *errors]
    seeds = referee.deviation(errors)  # of one config; the search's own was picked, and says less
    weight = 1 / population.variance + len(seen) / seeds**2
    total = population.mean / population.variance + math.fsum(seen) / seeds**2
    mean, variance = total / weight, 1 / weight
    allowed = referee.log_allowed(accuracy, images)
    chances = [0.0]
    for count in range(max(referee.LEAST_TO_CONFIRM, len(errors) + 1), most + 1):
        left = count - len(errors)
        expected = (math.fsum(errors) + left * mean) / count
        deviation = left / count * math.sqrt(variance + seeds**2 / left)
        enough = allowed - _margin(count) * seeds
        chances.append(statistics.NormalDist(expected, deviation).cdf(enough))
    return max(chances)


@lru_cache
def _margin(seeds: int) -> float:
    """By how many deviations the mean of so many seeds must be better than the goal asks."""
    low, high = 0.0, 10.0
    for _ in range(30):
        middle = (low + high) / 2
        if referee.confirms(middle, seeds):
            high = middle
        else:
            low = middle
    return high
