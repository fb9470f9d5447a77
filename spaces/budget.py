"""Fixed distributions -> channel widths that fit a parameter budget, by construction.

A range that depends on an earlier width would leave the joint model of multivariate TPE, and a
constraint would reject samples. So every layer has one dimension with fixed bounds, its *share*,
which says how wide it is relative to the others; the common scale is then the largest that fits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spaces.dimensions import Dimension, Real


def share_dimensions(layers: int) -> dict[str, Dimension]:
    """One share in [0, 1] a layer: 0 is the least width, 1 the largest, geometric between."""
    return {f"width_{i}": Real(0.0, 1.0) for i in range(1, layers + 1)}


@dataclass(frozen=True)
class WidthBudget:
    """Turns shares into widths for one layout.

    count: the exact number of parameters of a net with given widths; it never falls when a width
    grows. budget: the net has strictly fewer. highs: the largest width of each layer. low: the
    least width of any.
    """

    count: Callable[[Sequence[int]], int]
    budget: int
    highs: Sequence[int]
    low: int = 4

    @property
    def smallest(self) -> int:
        """Parameters of the net whose every width is `low`; the budget must exceed it."""
        return self.count([self.low] * len(self.highs))

    def widths(self, shares: Sequence[float]) -> tuple[int, ...]:
        """Widths in the proportions asked for that use the budget as far as they can.

        Every width is the share's, times one scale, cut to `low`..`high` and to a whole number.
        The scale is found by bisection, then single channels fill what the cutting left over,
        first where it took most.
        """
        wanted = [
            self.low * (high / self.low) ** share
            for high, share in zip(self.highs, shares, strict=True)
        ]
        narrow, wide = 1 / 64, 64.0  # scales at which every width is the least, or the largest
        while wide / narrow > 1.001:
            middle = (narrow * wide) ** 0.5
            if self._fits(self._scaled(wanted, middle)):
                narrow = middle
            else:
                wide = middle
        return self._filled(self._scaled(wanted, narrow), [narrow * width for width in wanted])

    def _scaled(self, wanted: Sequence[float], scale: float) -> list[int]:
        return [
            min(high, max(self.low, int(scale * width)))
            for high, width in zip(self.highs, wanted, strict=True)
        ]

    def _filled(self, widths: list[int], wanted: Sequence[float]) -> tuple[int, ...]:
        by_loss = sorted(range(len(widths)), key=lambda i: widths[i] - wanted[i])
        grown = True
        while grown:
            grown = False
            for i in by_loss:
                wider = [*widths[:i], widths[i] + 1, *widths[i + 1 :]]
                if wider[i] <= self.highs[i] and self._fits(wider):
                    widths, grown = wider, True
        return tuple(widths)

    def _fits(self, widths: Sequence[int]) -> bool:
        return self.count(widths) < self.budget
