"""The rate and momentum of every update, along a config's schedule. No torch."""

from collections.abc import Iterator

from mnist_core.config import Config
from mnist_core.schedule import LossDip, factors


class Pace:
    """Leads a training; it knows the losses, but no optimizer."""

    def __init__(self, config: Config, batches: int) -> None:
        """batches: of an epoch."""
        self._config = config
        self._batches = batches
        self._factor = 1.0  # what loss-driven drops have come to
        self._losses: list[float] = []
        self.lr = config.optimizer.lr
        """The rate of the latest update."""

    def epoch(self, epoch: int) -> Iterator[tuple[float, float | None]]:
        """(rate, momentum) of every update of the epoch, counted from 0; the momentum (Adam's
        beta 1) is None where it stays the optimizer's own."""
        schedule, epochs = self._config.schedule, self._config.epochs
        for factor, momentum in factors(schedule, epoch, epochs, self._batches):
            self.lr = self._config.optimizer.lr * self._factor * factor
            yield self.lr, momentum

    def ended(self, loss: float) -> bool:
        """An epoch is over, with this sum of the training losses of its batches. Returns whether
        the optimizer is to forget what it has gathered."""
        schedule = self._config.schedule
        self._losses.append(round(loss / max(1, self._batches - 1), 6))  # see LossDip
        if not (isinstance(schedule, LossDip) and schedule.dips(self._losses)):
            return False
        self._factor *= schedule.gamma
        return True
