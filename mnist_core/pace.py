"""The rate and momentum of every update, along a config's schedule. No torch."""

from mnist_core.config import Config
from mnist_core.schedule import LossDip, factor_at, momentum_at


class Pace:
    """Leads a training; it knows the losses, but no optimizer. Updates are counted from 0."""

    def __init__(self, config: Config, batches: int) -> None:
        """batches: of an epoch."""
        self._config = config
        self._batches = batches
        self._factor = 1.0  # what loss-driven drops have come to
        self._losses: list[float] = []

    def lr(self, update: int) -> float:
        """The rate of an update, after the epochs that have ended."""
        config = self._config
        factor = factor_at(config.schedule, update, config.epochs, self._batches)
        return config.optimizer.lr * self._factor * factor

    def momentum(self, update: int) -> float | None:
        """The momentum (Adam's beta 1) of an update; None where it stays the optimizer's own."""
        return momentum_at(self._config.schedule, update, self._config.epochs, self._batches)

    def ended(self, loss: float) -> bool:
        """An epoch is over, with this sum of the training losses of its batches. Returns whether
        the optimizer is to forget what it has gathered."""
        schedule = self._config.schedule
        self._losses.append(round(loss / max(1, self._batches - 1), 6))  # see LossDip
        if not (isinstance(schedule, LossDip) and schedule.dips(self._losses)):
            return False
        self._factor *= schedule.gamma
        return True
