"""torch as an engine: the reference, for every layer and every device."""

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mnist_core import memory, optim
from mnist_core.augment import augment
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.model import check_state, initial
from mnist_core.record import EngineUsed
from mnist_core.streams import Streams

MEAN, STD = 0.1307, 0.3081  # of the 60,000 training images, grey values scaled to 0..1
_TEST_BATCH = 500


class TorchEngine:
    """See `mnist_core.engine.Engine`.

    The same config, machine, device and number of threads give the same bits. Nothing depends on,
    or changes, torch's global random generator.
    """

    used = EngineUsed(name="torch")

    def __init__(self, config: Config, mnist: Mnist) -> None:
        """mnist: on the device that trains."""
        device = mnist.train_labels.device
        if device.type == "cpu":
            memory.check(memory.least(config))
        streams = Streams.of(config.seed)
        self._config = config
        self._mnist = mnist
        self._augmentation = Generator(device).manual_seed(streams.augmentation)
        net = initial(config, Generator(device).manual_seed(streams.dropout))
        self._net = net.to(device).to(memory_format=torch.channels_last)
        self._average = optim.averaged(self._net, config.averaging)
        self.reset_optimizer()

    @property
    def model(self) -> nn.Module:
        """The net that is tested: the averaged one where the config asks for averaging."""
        return self._net if self._average is None else self._average.module

    def step(
        self, chosen: Tensor, number: int, lr: float, momentum: float | None
    ) -> tuple[float, int]:
        images, labels = self._mnist.train_images[chosen], self._mnist.train_labels[chosen]
        images = augment(images.float(), self._config.augment, self._augmentation)
        if not self._net.training:
            self._net.train()
        scores = self._net(normalise(images))
        loss = F.cross_entropy(scores, labels, label_smoothing=self._config.label_smoothing)
        if math.isfinite(loss.item()):
            self._update(loss, lr, momentum)
        return loss.item(), _hits(scores, labels)

    def evaluate(self, images: Tensor, labels: Tensor) -> tuple[float, float]:
        return evaluate(self.model, images, labels)

    def reset_optimizer(self) -> None:
        self._optimizer = optim.make(self._config.optimizer, self._net)

    def state(self) -> dict[str, Tensor]:
        return {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in self.model.state_dict().items()
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        check_state(state, self.model.state_dict())
        self._net.load_state_dict(state)
        self.model.load_state_dict(state)

    def _update(self, loss: Tensor, lr: float, momentum: float | None) -> None:
        optim.set_pace(self._optimizer, lr, momentum)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        if self._average is not None:
            self._average.update_parameters(self._net)


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
