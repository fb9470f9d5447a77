"""Trainings that run, and how long they and those to come will take."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from time import monotonic

from mnist_core.result import EpochResult
from mnist_core.words import percent
from search.text.wording import duration


@dataclass
class Running:
    """A training that runs."""

    params: int
    epochs: int
    since: float
    latest: EpochResult | None = None
    seen: float = 0.0  # when the latest epoch came in

    def left(self) -> float | None:
        """Seconds to go, at the pace so far; None before the first epoch is over."""
        if self.latest is None:
            return None
        pace = (self.seen - self.since) / self.latest.epoch
        return max(0.0, self.since + pace * self.epochs - monotonic())

    def cells(self, *marks: float) -> list[str]:
        """Epoch, accuracy beside these, and time left, as the live view has them."""
        latest, left = self.latest, self.left()
        return [
            f"{latest.epoch if latest else 0}/{self.epochs}",
            f"{percent(latest.test_acc, *marks)} %" if latest else "",
            _seconds_or_minutes(left) if left is not None else "",
        ]


def time_left(
    running: Collection[Running], took: Sequence[float], waiting: int, workers: int
) -> float | None:
    """Seconds until all is done, at the pace so far; None where none is known.

    took: seconds of those that ended. waiting: how many have not begun.
    """
    left = [each.left() for each in running]
    known = [
        monotonic() - each.since + rest
        for each, rest in zip(running, left, strict=True)
        if rest is not None
    ]
    paces = took or known
    if not paces:
        return None
    usual = sum(paces) / len(paces)
    begun = sum(
        max(0.0, usual - (monotonic() - each.since)) if rest is None else rest
        for each, rest in zip(running, left, strict=True)
    )
    return (usual * waiting + begun) / workers


def said_time(running: int, gone: float, left: float | None) -> str:
    """A line of the live view."""
    said = f"{running} running; {duration(gone)} gone"
    return said if left is None else f"{said}, about {duration(left)} left"


def _seconds_or_minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
