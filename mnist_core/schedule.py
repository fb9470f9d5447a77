"""Learning-rate schedules as pure functions of how far a training has come. No torch.

A schedule is stepped once per batch or once per epoch (`per`); an epoch's step may come after the
epoch's training, as torch's documentation has it, or before (`when`). `n` is the number of steps
taken before the update at hand and `total` their number over the whole training. The factor is
relative to the optimizer's `lr`.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mnist_core.frozen import Fraction, Frozen

Per = Literal["batch", "epoch"]


class _Stepped(Frozen):
    per: Per = "epoch"
    when: Literal["after", "before"] = "after"

    @model_validator(mode="after")
    def _one_moment_a_batch(self) -> Self:
        if self.per == "batch" and self.when == "before":
            raise ValueError("when = 'before' goes with per = 'epoch' only")
        return self

    def steps(self, update: int, epochs: int, batches: int) -> tuple[int, int]:
        """(steps taken before an update, steps in all); updates are counted from 0 over a training
        of `epochs` of `batches` each."""
        if self.per == "batch":
            return update, epochs * batches
        return update // batches + (self.when == "before"), epochs


class _Course(_Stepped):
    warmup: Fraction = 0.0
    """Share of the steps over which the rate first rises, in equal steps, to its full height."""

    def factor(self, n: int, total: int) -> float:
        """The rate of the update after `n` steps, relative to the optimizer's."""
        rise = round(self.warmup * total)
        if n < rise:
            return (n + 1) / rise
        return self.course(n, (n - rise) / max(1, total - rise))

    def course(self, n: int, part: float) -> float:
        """The factor once the warm-up is over: `part` of what follows it lies behind."""
        return 1.0

    def momentum(self, n: int, total: int) -> float | None:
        """The momentum (Adam's beta 1) of the update, where the schedule moves it too."""
        return None


class Constant(_Course):
    kind: Literal["none"] = "none"


class Step(_Course):
    """Times `gamma` after every `size` steps (torch's StepLR)."""

    kind: Literal["step"] = "step"
    size: Annotated[int, Field(ge=1)]
    gamma: Annotated[float, Field(gt=0, le=1)]

    def course(self, n: int, part: float) -> float:
        return float(self.gamma ** (n // self.size))


class MultiStep(_Course):
    """Times `gamma` after each of `milestones` steps (torch's MultiStepLR)."""

    kind: Literal["multistep"] = "multistep"
    milestones: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    gamma: Annotated[float, Field(gt=0, le=1)]

    def course(self, n: int, part: float) -> float:
        return float(self.gamma ** sum(n >= milestone for milestone in self.milestones))


class Cosine(_Course):
    """Half a cosine from 1 to `final` (torch's CosineAnnealingLR; Loshchilov & Hutter 2017)."""

    kind: Literal["cosine"] = "cosine"
    final: Fraction = 0.0

    def course(self, n: int, part: float) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * part)) / 2


class Linear(_Course):
    """A straight line from 1 down to `final` (torch's LinearLR)."""

    kind: Literal["linear"] = "linear"
    final: Fraction = 0.0

    def course(self, n: int, part: float) -> float:
        return 1 - (1 - self.final) * part


class OneCycle(_Stepped):
    """Up from 1 / `div` to the optimizer's rate, down to 1 / (`div` x `final_div`), the momentum
    the other way round (torch's OneCycleLR, two phases; Smith & Topin 2018)."""

    kind: Literal["onecycle"] = "onecycle"
    per: Per = "batch"
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the steps on the way up (torch's `pct_start`)."""
    div: Annotated[float, Field(ge=1)] = 25.0
    final_div: Annotated[float, Field(ge=1)] = 1e4
    anneal: Literal["cosine", "linear"] = "cosine"
    cycle_momentum: bool = True
    base_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.85
    max_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95

    def factor(self, n: int, total: int) -> float:
        low = 1 / self.div
        return self._between(low, 1.0, low / self.final_div, n, total)

    def momentum(self, n: int, total: int) -> float | None:
        if not self.cycle_momentum:
            return None
        high = self.max_momentum
        return self._between(high, self.base_momentum, high, n, total)

    def _between(self, start: float, peak: float, end: float, n: int, total: int) -> float:
        top = self.rise * total - 1
        if n <= top:
            return self._anneal(start, peak, n / top if top > 0 else 1.0)
        # Stepped before each epoch, the last step lies one past the end: the rate stays there.
        return self._anneal(peak, end, min(1.0, (n - top) / max(total - 1 - top, 1e-9)))

    def _anneal(self, start: float, end: float, part: float) -> float:
        if self.anneal == "linear":
            return start + (end - start) * part
        return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


class LossDip(Frozen):
    """Times `gamma` after each epoch in which the training loss fell by a smaller share than in
    the epoch before, from the fourth on, with a new optimizer that has lost its momentum.

    The rule of seed experiments 003 F1: with the last three epochs' losses L2, L1, L0 and the
    falls a = (L1 - L0) / L1, b = (L2 - L1) / L2, it acts where (a - b) / b < 0. Its authors divided
    the sum of an epoch's 469 batch losses by 468 and rounded that to six digits; so do we, since
    the rounding decides where a training stands still.
    """

    kind: Literal["loss_dip"] = "loss_dip"
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.9

    def dips(self, losses: Sequence[float]) -> bool:
        """Whether the rate drops now, after an epoch; `losses` of the epochs so far, in order."""
        if len(losses) < 4:
            return False
        oldest, middle, newest = losses[-3:]
        if not (oldest and middle):
            return False  # no share of a loss that is 0
        fall, before = (middle - newest) / middle, (oldest - middle) / oldest
        return before != 0 and (fall - before) / before < 0


Schedule = Annotated[
    Constant | Step | MultiStep | Cosine | Linear | OneCycle | LossDip,
    Field(discriminator="kind"),
]


def factor_at(schedule: Schedule, update: int, epochs: int, batches: int) -> float:
    """The factor of an update, counted from 0 over a training of `epochs` of `batches` each.

    A `LossDip` has none of its own here (1): whoever leads the training knows the losses.
    """
    if isinstance(schedule, LossDip):
        return 1.0
    return schedule.factor(*schedule.steps(update, epochs, batches))


def momentum_at(schedule: Schedule, update: int, epochs: int, batches: int) -> float | None:
    """The momentum (Adam's beta 1) of an update, counted as in `factor_at`; None where it stays the
    optimizer's own."""
    if isinstance(schedule, LossDip):
        return None
    return schedule.momentum(*schedule.steps(update, epochs, batches))


def epoch_factors(schedule: Schedule, epochs: int, batches: int) -> list[float]:
    """The factor at the end of each epoch, of `batches` updates: what the rate has fallen to when
    it is tested."""
    lasts = range(batches - 1, epochs * batches, batches)
    return [factor_at(schedule, last, epochs, batches) for last in lasts]
