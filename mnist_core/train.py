"""The one training loop: a config in, one result per epoch out, whichever engine runs it."""

import logging
import math
from collections.abc import Iterator
from time import perf_counter

import torch
from torch import Generator, Tensor

from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.engine import Choice, Engine, Wanted, choose, on_torch
from mnist_core.pace import Pace
from mnist_core.result import EpochResult, NonFiniteLoss
from mnist_core.streams import Streams

log = logging.getLogger(__name__)


def train(
    config: Config, mnist: Mnist, device: str | torch.device = "cpu", engine: Wanted = "auto"
) -> Iterator[EpochResult]:
    """Train, and test after every epoch; stop by not asking for the next result.

    The same config, machine, engine, device and number of threads give the same results bit for
    bit. Nothing depends on, or changes, torch's global random generator.

    mnist: all images; the config says which of them are used.

    Raises NonFiniteLoss as soon as a loss is not finite, UserError where the config asks for more
    images or memory than there are, or the native engine is wanted and cannot run it.
    """
    training = Training(config, mnist, device, engine)
    if training.remark:
        log.info(training.remark)
    return training.run()


class Training:
    """A training whose net can be looked at between epochs; `train` where only the epochs count."""

    def __init__(
        self,
        config: Config,
        mnist: Mnist,
        device: str | torch.device = "cpu",
        engine: Wanted = "auto",
        instruction_set: str | None = None,
    ) -> None:
        """instruction_set: that the native engine is to use, if not the best there is."""
        choice = choose(config, engine, str(device), instruction_set)
        self.config = config
        self.remark = on_torch(choice.reason) if choice.reason else ""
        """Why torch stands in for the native engine, for people to read; empty if it does not."""
        data = config.data
        self._mnist = mnist.take(data.train, data.test, data.judge).to(device)
        self.engine = _made(choice, config, self._mnist, instruction_set)
        self._order = Generator().manual_seed(Streams.of(config.seed).order)

    def run(self) -> Iterator[EpochResult]:
        """See `train`."""
        pace = Pace(self.config, self.config.batches)
        for epoch in range(1, self.config.epochs + 1):
            start = perf_counter()
            train_loss, train_acc, lr = self._train_epoch(epoch, pace)
            test_loss, test_acc = self.engine.evaluate(
                self._mnist.test_images, self._mnist.test_labels
            )
            if not math.isfinite(test_loss):
                judge = self.config.data.judge
                raise NonFiniteLoss(f"the {judge} loss became {test_loss} after epoch {epoch}")
            fit_acc = self._fit_acc() if epoch == self.config.epochs else None
            seconds = perf_counter() - start
            yield EpochResult(
                epoch, train_loss, train_acc, test_loss, test_acc, lr, seconds, fit_acc
            )

    def _fit_acc(self) -> float:
        """See `EpochResult`."""
        some = len(self._mnist.test_labels)
        images, labels = self._mnist.train_images[:some], self._mnist.train_labels[:some]
        return self.engine.evaluate(images, labels)[1]

    def _train_epoch(self, epoch: int, pace: Pace) -> tuple[float, float, float]:
        """(mean loss, accuracy in percent) over the epoch's images, and the last update's rate."""
        losses: list[float] = []
        sizes: list[int] = []
        correct = 0
        first = (epoch - 1) * self.config.batches
        for update, chosen in enumerate(self._chosen(), start=first):
            lr = pace.lr(update)
            loss, hits = self.engine.step(chosen, update, lr, pace.momentum(update))
            if not math.isfinite(loss):
                where = f"epoch {epoch}, batch {len(losses) + 1}"
                raise NonFiniteLoss(f"the training loss became {loss} in {where}")
            losses.append(loss)
            sizes.append(len(chosen))
            correct += hits
        if pace.ended(sum(losses)):
            self.engine.reset_optimizer()
        images_seen = sum(sizes)
        mean = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / images_seen
        return mean, 100 * correct / images_seen, lr

    def _chosen(self) -> Iterator[Tensor]:
        """Which images each of the epoch's batches holds: all of them in all, in a fresh order."""
        labels = self._mnist.train_labels
        order = torch.randperm(len(labels), generator=self._order).to(labels.device)
        yield from order.split(self.config.batch_size)


def _made(choice: Choice, config: Config, mnist: Mnist, instruction_set: str | None) -> Engine:
    if choice.name == "torch":
        from mnist_core.torch_engine import TorchEngine

        return TorchEngine(config, mnist)
    from mnist_core.native_engine import NativeEngine

    return NativeEngine(config, mnist, instruction_set)
