"""The goal, and what the last epochs of a curve come to beside it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from mnist_core.judge import Judged
from mnist_core.words import exact, last


@dataclass(frozen=True)
class Ending:
    """What a curve comes to in the epochs that the goal is about. Accuracies are percent."""

    test_acc: tuple[float, ...]
    """Of these epochs: the goal's `last`, or as many as the curve has."""
    mean: float
    worst: float
    spread: float
    """Highest less lowest."""
    score: float
    """See `steady_mean`."""
    held: bool
    """Whether the goal is held: by each of these epochs, and by as many as it asks for."""
    first_at_goal: int | None
    """The first epoch of the whole curve, from 1, that reaches the goal's accuracy."""

    @property
    def deviation(self) -> float:
        """The standard deviation, in points, from one epoch to another; 0 of a single one."""
        return statistics.stdev(self.test_acc) if len(self.test_acc) > 1 else 0.0


class Goal(Judged):
    """At least `accuracy` percent of the judge's images recognised in every one of the last `last`
    epochs, of at most `epochs`, with strictly fewer than `params` parameters.
    """

    accuracy: Annotated[float, Field(gt=0, le=100)] = 99.4
    last: Annotated[int, Field(ge=1, le=1000)] = 5
    epochs: Annotated[int, Field(ge=1, le=1000)] = 15
    params: Annotated[int, Field(ge=2, le=1_000_000)] = 10_000

    @model_validator(mode="after")
    def _last_within_epochs(self) -> Self:
        if self.last > self.epochs:
            raise ValueError(f"last = {self.last} is more than epochs = {self.epochs}")
        return self

    def __str__(self) -> str:
        if self.epochs == 1:
            where = "its one epoch"
        elif self.last == 1:
            where = f"the last of {self.epochs} epochs"
        else:
            where = f"every one of the last {self.last} of {self.epochs} epochs"
        what = self.wanted if self.judge == "test" else f"{self.wanted} of {self.images}"
        return f"{what} in {where}, fewer than {self.params:,} parameters"

    @property
    def wanted(self) -> str:
        """The accuracy, with all the decimals that it has: `99.40 %`."""
        return f"{exact(self.accuracy)} %"

    @property
    def ends(self) -> str:
        """The epochs that count, in words: `last 5 epochs`."""
        return last(self.last, "epoch")

    @property
    def judged(self) -> str:
        """What two curves are compared by, in words: `mean of the last 5 epochs`."""
        return f"mean of the {self.ends}" if self.last > 1 else self.ends

    def ending(self, test_acc: Sequence[float]) -> Ending:
        """Of a curve, percent, one an epoch. Raises ValueError where it has none."""
        final = tuple(test_acc[-self.last :])
        score = steady_mean(final)
        reached = (n for n, value in enumerate(test_acc, start=1) if value >= self.accuracy)
        return Ending(
            test_acc=final,
            mean=statistics.fmean(final),
            worst=min(final),
            spread=max(final) - min(final),
            score=score,
            held=len(final) == self.last and all(value >= self.accuracy for value in final),
            first_at_goal=next(reached, None),
        )


def check_percent(goal: Goal) -> None:
    """Raises ValueError, which asks, where a person has most likely given the accuracy as a share.

    It is asked of a goal that somebody types, not of one that is kept.
    """
    if goal.accuracy <= 1:
        raise ValueError(
            f"goal.accuracy: {goal.accuracy:g} is a share? accuracies are percent: did you mean "
            f"{100 * goal.accuracy:g}?"
        )


def steady_mean(values: Sequence[float]) -> float:
    """The mean less its own standard error: sum(x) / k - sqrt(sum((x - mean)^2) / (k (k - 1))).

    Why this one. Of two trials with the same mean the one that spreads less scores higher, so a
    penalty on the standard deviation is wanted: mean - c * deviation. But with a large c a trial
    would lose by doing *better* in one epoch. The largest c for which raising any one accuracy
    never lowers the score is 1 / sqrt(k - 1) (of the population deviation, since no value lies
    further than sqrt(k - 1) deviations above the mean: Samuelson 1968), and that is just the
    standard error of the mean. By the same inequality the score is never below the worst value.
    It is in percent like the accuracies: 99.50 99.50 99.50 scores 99.50; 99.40 99.50 99.60, 99.44.
    """
    if not values:
        raise ValueError("no accuracies to score")
    k = len(values)
    mean = statistics.mean(values)  # rounded once: a sum's quotient may lie outside the values
    if k == 1:
        return mean
    deviations = math.fsum((value - mean) ** 2 for value in values)
    # Rounding can take the difference below the worst value by a few ulps; the bound is promised.
    return max(min(values), mean - math.sqrt(deviations / (k * (k - 1))))
