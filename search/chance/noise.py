"""Whether two results of one recipe differ by more than chance.

The model: in epoch e of a run with seed s, a recipe's test accuracy is

    recipe's own + seed's luck (variance v_seed) + epoch's luck (variance v_epoch)

so that one run's mean of its last k epochs has the variance v_epoch / k + v_seed. v_epoch is the
recipe's own: a constant learning rate jitters from epoch to epoch, one that has fallen does not.
v_seed follows from the recipe's error, 100 less its accuracy: its root is a share of the error, the
same for every recipe, since a seed that moves a net of 98 % by 0.2 points leaves one of 99.5 %
almost where it was, and no recipe has runs enough to tell its own.

Known limits: neighbouring epochs are not quite independent, and a trend within the last epochs
counts as jitter.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LAST = 5
"""The last so many epochs are what a result is judged by, as in the goal."""
ASSUMED = 0.1
"""Share of the error, one standard deviation: what another seed changes, where too few
recipes have two seeds. It is 0.05 points at 99.5 %."""
FLOOR = 97.0
"""Percent. A net whose last epochs have a lower mean is not judged. Of the 19 skeletons of 3x3
layers without batch norm, whose output passes a relu, as reported, 12 end anywhere from 9.80 % to
89.03 %, a class or more being dead, and 7 at 97.04 % or above. Where such a net ends is a lottery
that no variance describes."""
FREEDOM = 5
"""Degrees of freedom below which an estimate of the seeds' noise is worth less than `ASSUMED`."""
_DEVIATIONS = 2.0  # about 95 % of normally distributed differences lie within
_HALVINGS = 100  # of an interval of at most some points squared: to the last bit


@dataclass(frozen=True)
class Pair:
    """Test accuracies, percent, of the same last epochs of one recipe: of their only run, and of
    ours, one run a seed."""

    theirs: Sequence[float]
    ours: Sequence[Sequence[float]]

    @property
    def theirs_mean(self) -> float:
        return statistics.fmean(self.theirs)

    @property
    def ours_mean(self) -> float:
        """Over the seeds, of the mean of the last epochs."""
        return statistics.fmean(_means(self.ours))

    @property
    def error(self) -> float:
        """100 less the mean of theirs and ours, in points; at least one image of 10,000."""
        return max(0.01, 100 - (self.theirs_mean + self.ours_mean) / 2)

    @property
    def worst(self) -> float:
        """The lowest of ours, over all seeds."""
        return min(map(min, self.ours))

    @property
    def difference(self) -> float:
        """Ours less theirs, in points."""
        return self.ours_mean - self.theirs_mean

    def below(self) -> str:
        """Whose mean is below `FLOOR`: 'theirs', 'ours' (on any seed), 'both' or ''."""
        theirs, ours = self.theirs_mean < FLOOR, min(_means(self.ours)) < FLOOR
        return "both" if theirs and ours else "theirs" if theirs else "ours" if ours else ""

    def epoch_variance(self) -> float:
        """v_epoch: the variance about each run's own mean, pooled over their run and all of ours:
        sum of squares / sum of (k - 1). It is 0 where there is one epoch only: all of its luck
        then counts as the seed's."""
        runs = [self.theirs, *self.ours]
        freedom = sum(len(run) - 1 for run in runs)
        return sum(map(_squares, runs)) / freedom if freedom else 0.0


@dataclass(frozen=True)
class Noise:
    """seed_share: the root of v_seed, as a share of a recipe's error. recipes: how many it was
    estimated from; none where it is assumed."""

    seed_share: float
    recipes: int

    def within(self, pair: Pair) -> bool:
        """Whether chance alone explains the difference: at most two standard deviations of it.

        Ours is a mean of n runs and theirs one run, so its variance is (1 + 1/n) times that of one
        run's mean.
        """
        one = pair.epoch_variance() / len(pair.theirs) + (self.seed_share * pair.error) ** 2
        deviation = math.sqrt((1 + 1 / len(pair.ours)) * one)
        return abs(pair.difference) <= _DEVIATIONS * deviation

    def __str__(self) -> str:
        size = f"{100 * self.seed_share:.1f} % of its error"
        if not self.recipes:
            return f"{size} (assumed: too few have been run on two seeds or more)"
        return f"{size} (estimated from those with two seeds or more: {self.recipes})"


def estimate(pairs: Iterable[Pair], least: int = FREEDOM) -> Noise:
    """The share of the error that seeds move, from the recipes that have two seeds or more.

    It is the one for which the runs' means m_is scatter about their recipe's mean m_i just as much
    as they should, over recipes i of n_i seeds:

        sum_i sum_s (m_is - m_i)^2 / ((share * error_i)^2 + v_epoch_i / k) = sum_i (n_i - 1)

    or 0 where they scatter less than the epochs alone would have them (Paule and Mandel, Journal of
    Research of the National Bureau of Standards 87, 1982). Where v_epoch and error are the same for
    all, v_seed is the pooled variance of the means less v_epoch / k; where they are not, the
    restless recipes do not drown the quiet ones.

    pairs: only of nets that reach `FLOOR`. least: degrees of freedom below which `ASSUMED`
    stands.
    """
    several = [pair for pair in pairs if len(pair.ours) > 1]
    freedom = sum(len(pair.ours) - 1 for pair in several)
    if freedom < max(1, least):
        return Noise(ASSUMED, 0)
    scatter = [
        (_squares(_means(s.ours)), s.error**2, s.epoch_variance() / len(s.theirs)) for s in several
    ]
    low, high = 0.0, sum(squares / error for squares, error, _ in scatter) / freedom
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = sum(
            squares / (middle * error + luck) for squares, error, luck in scatter if squares
        )
        if middle and found > freedom:
            low = middle
        else:
            high = middle
    return Noise(math.sqrt(high), len(several))


def _means(runs: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.fmean(run) for run in runs]


def _squares(values: Sequence[float]) -> float:
    """Sum of the squared deviations from the mean."""
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values)
