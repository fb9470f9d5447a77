"""What a worker does with a config: real training on MNIST. Imported in the workers only."""

from collections.abc import Iterator

from mnist_core.config import Config
from mnist_core.record import Environment
from mnist_core.result import EpochResult
from search.workers.local import Trainer


def start(device: str) -> tuple[Trainer, Environment]:
    """One thread, the data loaded once. Two workers of one thread beat one of two threads."""
    from mnist_core import data, machine
    from mnist_core.train import train

    machine.settle(threads=1)
    mnist = data.load()

    def trainer(config: Config) -> Iterator[EpochResult]:
        return train(config, mnist, device)

    return trainer, machine.environment(device)
