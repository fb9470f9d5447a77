"""The referee: whether a config holds a goal on fresh seeds, in one of three words.

With x the worst of the last epochs of one training, percent, the logarithm of its error,
y = ln(100 - x), is taken for normally distributed from seed to seed. The config holds the goal when
it does so in at least nine of ten trainings: P(y <= t) >= 0.9, where t is the error that the goal
just allows. Of n seeds with mean m the bounds of that probability follow from the noncentral t
distribution, of which sqrt(n) (t - m) / s is one draw: a one-sided tolerance bound (G. J. Hahn and
W. Q. Meeker, Statistical Intervals, 1991, section 4.4). *Confirmed* is a config whose lower bound
is at least 0.9, *refuted* one whose upper bound is below, both at 95 %; all others are *open*, and
get another seed.

The deviation s is that of the seeds, pooled with `PRIOR`, worth `PRIOR_FREEDOM` degrees of freedom:
three seeds often agree by chance, and without it every sixth confirmation was wrong.

Asked after each seed, of 400,000 simulated configs whose error lies about the goal's (mean ln error
normal, 0.1 below it with a deviation of 0.1; the noise of seeds log-normal about 0.11), 7.2 % of
the confirmed and 2.0 % of the refuted ones are not so; 0.05 below with 0.15, 5.2 % and 1.1 %; about
the goal itself with 0.3, 2.1 % and 0.7 %. It took 6.2, 5.0 and 4.1 seeds on average, and 46 to 73 %
of those that hold it were confirmed. With a noise of 0.07, as nets have whose weights are averaged,
at most 1.7 % and 3.3 % are wrong (`tests/test_referee.py` does it again). The rarer good configs
are, the more of the confirmed are lucky ones: 0.1 above the goal's error with 0.15, where one in
seventeen holds it, 9.5 % of the few.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

VERSION = 3
"""Of the rule: exported with each statement, as another one may say another word."""
SHARE = 0.9
"""Of all trainings: what of them has to hold the goal."""
CONFIDENCE = 0.95
"""One-sided, of each bound."""
LEAST_TO_REFUTE, LEAST_TO_CONFIRM, MOST = 2, 4, 10
"""Seeds before the one word or the other is said, and after which a config stays open. What is far
off shows it at once; a lucky pair of seeds is no proof."""
PRIOR = 0.1
"""Standard deviation, from seed to seed, of the logarithm of the worst error of the last five
epochs: 0.06 points at 99.4 %. Two seeds each of the first 11 configs above 99 % in the table of
cheap trainings say 0.13; six seeds each of two recipes with averaged weights 0.04 and 0.07."""
PRIOR_FREEDOM = 2


class Verdict(StrEnum):
    """What is known of a config."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    OPEN = "open"


@dataclass(frozen=True)
class Statement:
    """What fresh seeds say of a config."""

    verdict: Verdict
    seeds: int
    held: int
    """How many of the seeds held the goal."""
    probability: float | None
    """That a further training holds it, estimated; None without a seed."""
    low: float
    high: float
    """Its interval of 90 %: each bound is one-sided at 95 %."""


def judge(worst: Sequence[float], accuracy: float, images: int) -> Statement:
    """Of a config, from the worst accuracy of the last epochs on each fresh seed, percent.

    accuracy: the goal's, percent. images: that each accuracy was counted on; half of one is between
    what holds the goal and what does not.
    """
    held = sum(each >= accuracy for each in worst)
    if not worst:
        return Statement(Verdict.OPEN, 0, 0, None, 0.0, 1.0)
    margin, freedom = _margin(worst, accuracy, images)
    low, high = _bounds(margin, len(worst), freedom)
    verdict = Verdict.OPEN
    if len(worst) >= LEAST_TO_CONFIRM and low >= SHARE:
        verdict = Verdict.CONFIRMED
    elif len(worst) >= LEAST_TO_REFUTE and high < SHARE:
        verdict = Verdict.REFUTED
    return Statement(verdict, len(worst), held, _normal(margin), low, high)


def log_error(accuracy: float, images: int) -> float:
    """The natural logarithm of an error in percent, of half an image at least."""
    return math.log(max(100 - accuracy, 50 / images))


def log_allowed(accuracy: float, images: int) -> float:
    """That of the error that a goal of this accuracy just allows."""
    return math.log(100 - accuracy + 50 / images)


def confirms(margin: float, seeds: int) -> bool:
    """Whether so many seeds are confirmed whose mean is better than the goal asks by so many of
    their deviations."""
    return _bounds(margin, seeds, PRIOR_FREEDOM + seeds - 1)[0] >= SHARE


def _margin(worst: Sequence[float], accuracy: float, images: int) -> tuple[float, int]:
    """By how many deviations the mean is better than the goal asks, and the degrees of freedom of
    that deviation."""
    errors = [log_error(each, images) for each in worst]
    allowed = log_allowed(accuracy, images)
    freedom = PRIOR_FREEDOM + len(errors) - 1
    return (allowed - statistics.fmean(errors)) / deviation(errors), freedom


def deviation(errors: Sequence[float]) -> float:
    """From seed to seed, of the logarithms of so many errors, pooled with `PRIOR`; that alone where
    there is none."""
    if not errors:
        return PRIOR
    mean = statistics.fmean(errors)
    squares = PRIOR_FREEDOM * PRIOR**2 + math.fsum((each - mean) ** 2 for each in errors)
    return math.sqrt(squares / (PRIOR_FREEDOM + len(errors) - 1))


def _bounds(margin: float, seeds: int, freedom: int) -> tuple[float, float]:
    from scipy.special import nctdtrinc  # takes long to load

    root = math.sqrt(seeds)
    low, high = (
        float(nctdtrinc(freedom, part, margin * root)) / root
        for part in (CONFIDENCE, 1 - CONFIDENCE)
    )
    return _normal(low), _normal(high)


def _normal(quantile: float) -> float:
    return statistics.NormalDist().cdf(quantile)
