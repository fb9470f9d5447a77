"""What a trial that was stopped would have come to, judged by those that were not.

On the tuning half of the table of cheap trainings (`studies/fidelity/README.md`) the logarithm of
the final error is a straight line in that of the lowest error by the same epoch; schedule,
averaging and parameters add nothing to it. The line of each epoch is fitted anew to the complete
trials of the study, and held near what the table says, which a few trials cannot overrule.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 3
"""Complete trials that a forecast needs."""
FLOOR = 0.01
"""Percent: one image of 10,000; an error rate is not taken to be lower."""
_SLOPE, _SLOPE_WORTH = 0.6, 0.3  # of the line, and what that is worth, in squares of ln error
_DEVIATION, _DEVIATION_WORTH = 0.2, 4  # about the line, and in trials


@dataclass(frozen=True)
class Forecast:
    """score: percent. deviation: its standard error, points."""

    score: float
    deviation: float


class Forecaster:
    """Knows complete trials by their curves and scores, percent."""

    def __init__(self, complete: Sequence[tuple[Sequence[float], float]]) -> None:
        self._complete = [(curve, _log(score)) for curve, score in complete]
        self._lines: dict[int, _Line | None] = {}

    def of(self, test_acc: Sequence[float]) -> Forecast | None:
        """Of a trial that was stopped after these epochs, percent; None where fewer than `LEAST`
        trials went further, or where there is no epoch."""
        epoch = len(test_acc)
        if not epoch:
            return None
        if epoch not in self._lines:
            self._lines[epoch] = self._line(epoch)
        line = self._lines[epoch]
        if line is None:
            return None
        final = line.at(_log(max(test_acc)))
        error = min(100.0, math.exp(final))
        return Forecast(100 - error, error * line.deviation)

    def _line(self, epoch: int) -> "_Line | None":
        known = [(max(curve[:epoch]), end) for curve, end in self._complete if len(curve) > epoch]
        if len(known) < LEAST:
            return None
        return _Line.through([(_log(best), end) for best, end in known])


@dataclass(frozen=True)
class _Line:
    """Final error as a function of the one so far, both as natural logarithms of percent.

    deviation: of a further trial about it.
    """

    mean: float
    final: float
    slope: float
    deviation: float

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> "_Line":
        """Ridge regression towards the slope that the table says, by squares."""
        mean, final = (statistics.fmean(each) for each in zip(*points, strict=True))
        apart = [(now - mean, end - final) for now, end in points]
        squares = math.fsum(x * x for x, _ in apart) + _SLOPE_WORTH
        slope = _SLOPE + math.fsum(x * (y - _SLOPE * x) for x, y in apart) / squares
        left = math.fsum((y - slope * x) ** 2 for x, y in apart)
        freedom = _DEVIATION_WORTH + len(points) - 1
        variance = (_DEVIATION_WORTH * _DEVIATION**2 + left) / freedom
        return cls(mean, final, slope, math.sqrt(variance * (1 + 1 / len(points))))

    def at(self, error: float) -> float:
        return self.final + self.slope * (error - self.mean)


def _log(accuracy: float) -> float:
    return math.log(max(FLOOR, 100 - accuracy))
