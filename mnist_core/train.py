"""The one training loop: a config in, one result per epoch out."""

import math
from collections.abc import Iterator
from time import perf_counter

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mnist_core.augment import augment
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.model import build
from mnist_core.optim import Pace, averaged
from mnist_core.result import EpochResult, NonFiniteLoss

MEAN, STD = 0.1307, 0.3081  # of the 60,000 training images, grey values scaled to 0..1
_TEST_BATCH = 500


def train(
    config: Config, mnist: Mnist, device: str | torch.device = "cpu"
) -> Iterator[EpochResult]:
    """Train, and test after every epoch; stop by not asking for the next result.

    The same config, machine, device and number of threads give the same results bit for bit.
    Nothing depends on, or changes, torch's global random generator.

    mnist: all images; the config says how many of them are used.

    Raises NonFiniteLoss as soon as a loss is not finite, UserError where the config asks for more
    images than there are.
    """
    return Training(config, mnist, device).run()


class Training:
    """A training whose net can be looked at between epochs; most callers want `train`."""

    def __init__(self, config: Config, mnist: Mnist, device: str | torch.device = "cpu") -> None:
        streams = np.random.SeedSequence(config.seed).generate_state(4, np.uint64).astype(np.int64)
        init, order, augmentation, dropout = (int(stream) for stream in streams)
        self.config = config
        self._mnist = mnist.take(config.data.train, config.data.test).to(device)
        self._order = Generator().manual_seed(order)
        self._augmentation = Generator(device).manual_seed(augmentation)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(init)  # manual_seed would reseed CUDA's too
            net = build(config, Generator(device).manual_seed(dropout))
        self._net = net.to(device).to(memory_format=torch.channels_last)
        self._average = averaged(self._net, config.averaging)

    @property
    def model(self) -> nn.Module:
        """The net that is tested: the averaged one where the config asks for averaging."""
        return self._net if self._average is None else self._average.module

    def run(self) -> Iterator[EpochResult]:
        """See `train`."""
        batches = math.ceil(len(self._mnist.train_labels) / self.config.batch_size)
        pace = Pace(self.config, self._net, batches)
        for epoch in range(1, self.config.epochs + 1):
            start = perf_counter()
            train_loss, train_acc = self._train_epoch(epoch, pace)
            test_loss, test_acc = evaluate(
                self.model, self._mnist.test_images, self._mnist.test_labels
            )
            if not math.isfinite(test_loss):
                raise NonFiniteLoss(f"the test loss became {test_loss} after epoch {epoch}")
            fit_acc = self._fit_acc() if epoch == self.config.epochs else None
            seconds = perf_counter() - start
            yield EpochResult(
                epoch, train_loss, train_acc, test_loss, test_acc, pace.lr, seconds, fit_acc
            )

    def _fit_acc(self) -> float:
        """See `EpochResult`."""
        some = len(self._mnist.test_labels)
        images, labels = self._mnist.train_images[:some], self._mnist.train_labels[:some]
        return evaluate(self.model, images, labels)[1]

    def _train_epoch(self, epoch: int, pace: Pace) -> tuple[float, float]:
        """(mean loss, accuracy in percent) over the epoch's images."""
        self._net.train()
        losses: list[float] = []
        sizes: list[int] = []
        correct = 0
        for (images, labels), optimizer in zip(self._batches(), pace.epoch(epoch - 1), strict=True):
            scores = self._net(images)
            loss = F.cross_entropy(scores, labels, label_smoothing=self.config.label_smoothing)
            losses.append(_finite(loss, epoch, len(losses) + 1))
            sizes.append(len(labels))
            correct += _hits(scores, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if self._average is not None:
                self._average.update_parameters(self._net)
        pace.ended(sum(losses))
        images_seen = sum(sizes)
        mean = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / images_seen
        return mean, 100 * correct / images_seen

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's images in a fresh order, augmented and normalised, with their labels."""
        images, labels = self._mnist.train_images, self._mnist.train_labels
        order = torch.randperm(len(labels), generator=self._order).to(labels.device)
        for chosen in order.split(self.config.batch_size):
            batch = images[chosen].float()
            batch = augment(batch, self.config.augment, self._augmentation)
            yield normalise(batch), labels[chosen]


def normalise(images: Tensor) -> Tensor:
    """Grey values 0..255 to mean 0 and variance 1 over the training images."""
    return (images.float() / 255 - MEAN) / STD


@torch.inference_mode()
def evaluate(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """(mean cross entropy, accuracy in percent) of the net in evaluation mode.

    images: uint8 [N, 1, 28, 28]; labels: int64 [N].
    """
    model.eval()
    loss, correct = 0.0, 0
    for some, true in zip(images.split(_TEST_BATCH), labels.split(_TEST_BATCH), strict=True):
        scores = model(normalise(some))
        loss += F.cross_entropy(scores, true, reduction="sum").item()
        correct += _hits(scores, true)
    return loss / len(labels), 100 * correct / len(labels)


def _hits(scores: Tensor, labels: Tensor) -> int:
    return int((scores.argmax(dim=1) == labels).sum())


def _finite(loss: Tensor, epoch: int, batch: int) -> float:
    value = loss.item()
    if not math.isfinite(value):
        raise NonFiniteLoss(f"the training loss became {value} in epoch {epoch}, batch {batch}")
    return value
