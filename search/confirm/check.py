"""Whether a training comes to the curve that its config keeps.

On the engine that made the curve, in the same build, every epoch has to be equal to the last bit.
On another, for another instruction set or from another compiler, rounding leads two trainings apart
as another seed would; then the means of their last epochs have to agree within a band. It is as
wide as two standard deviations of what chance makes of such a difference (`search.chance.noise`),
each seed moving a mean by about a tenth of the error: 0.15 points at 99.5 %, 0.3 at 99 %.
"""

import statistics
from dataclasses import dataclass

from mnist_core.judge import Judge
from mnist_core.words import apart, does, last, part
from search.chance.noise import LAST

BAND = 0.15
"""Points; at least so wide is the band."""
BAND_OF_ERROR = 0.3
"""Share of the curve's error, 100 less the mean of its last epochs: so wide it is where that is
more."""


@dataclass(frozen=True)
class Check:
    """test_acc: percent, one an epoch. expected: of the first epochs, as many as are compared; none
    where no check was asked for. exact: whether the same bits are to be expected. elsewhere: what
    is known to differ from where the expected curve was made; None where the config does not say
    where that was. judge: of the config."""

    test_acc: tuple[float, ...]
    expected: tuple[float, ...] = ()
    exact: bool = True
    elsewhere: tuple[str, ...] | None = ()
    judge: Judge = "test"

    @property
    def passed(self) -> bool:
        if not self.expected:
            return True
        if self.exact:
            return not self.differing
        ours, theirs = self.means
        return abs(ours - theirs) <= self.band

    @property
    def differing(self) -> list[int]:
        """The epochs, from 1, whose accuracy is not the expected one to the last bit."""
        pairs = enumerate(zip(self.test_acc, self.expected, strict=False), start=1)
        return [epoch for epoch, (got, wanted) in pairs if got != wanted]

    @property
    def means(self) -> tuple[float, float]:
        """Of the last five epochs compared, or as many as there are: ours, and as expected."""
        ours = self.test_acc[: len(self.expected)]
        return statistics.fmean(ours[-LAST:]), statistics.fmean(self.expected[-LAST:])

    @property
    def band(self) -> float:
        """Points by which the means may differ where not the same bits are expected."""
        return max(BAND, BAND_OF_ERROR * (100 - self.means[1]))

    def remarks(self) -> list[str]:
        """What was found, in lines to print; none where nothing was compared."""
        if not self.expected:
            return []
        found = self._epochs() if self.exact else [self._last_epochs()]
        return found if self.passed else found + self._reasons()

    def _reasons(self) -> list[str]:
        """What may have led the two apart."""
        if self.elsewhere is None:
            return ["The config does not say where its curve was made (environment)."]
        if self.elsewhere:
            return [f"The curve was made elsewhere: {what}" for what in self.elsewhere]
        return [
            "Nothing that is known of where the curve was made differs from here: not the device, "
            "threads, versions, processor, instruction sets, variables or data. Either the config "
            "or its curve was changed, or something that is not known changes the arithmetic."
        ]

    def _epochs(self) -> list[str]:
        compared = len(self.expected)
        if self.passed:
            return [f"Every epoch equals the expected curve ({compared} compared)."]
        lines = [
            f"epoch {epoch:3d}  {self.judge} {self.test_acc[epoch - 1]:.4f} %, "
            f"expected {self.expected[epoch - 1]:.4f} %"
            for epoch in self.differing
        ]
        count = len(self.differing)
        said = f"{part(count, compared, 'epoch')} {does(count, 'differs')} from the curve:"
        return [said, *lines]

    def _last_epochs(self) -> str:
        ours, theirs = self.means
        count = min(LAST, len(self.expected))
        which = last(count, "epoch") if count > 1 else "only epoch"
        where = "within" if self.passed else "outside"
        size, band = apart(abs(ours - theirs), self.band)
        return (
            f"The mean of the {which} is {ours:.3f} %, expected {theirs:.3f} %: "
            f"{size} points apart, {where} the band of {band}."
        )
