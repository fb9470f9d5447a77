"""What a worker does with a config: real training on MNIST. Imported in the workers only."""

from collections.abc import Iterator

from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.result import EpochResult
from search.workers.protocol import Began, Trainer


def start(device: str, engine: Wanted) -> Trainer:
    """One thread, the data loaded once. Two workers of one thread beat one of two threads."""
    from mnist_core import data, machine
    from mnist_core.train import Training

    machine.settle(threads=1)
    mnist = data.load()

    def trainer(config: Config) -> tuple[Began, Iterator[EpochResult]]:
        training = Training(config, mnist, device, engine)
        environment = machine.environment(device, training.engine.used)
        return Began(environment, training.remark), training.run()

    return trainer
