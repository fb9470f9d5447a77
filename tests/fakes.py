"""Trainings that take no time, and workers that are no processes: for tests of everything above.

The functions that take a device and an engine are what `launch(..., start=...)` and `LocalWorkers`
begin with in a spawned process, which imports this file: so it imports neither torch nor Optuna at
its top.
"""

import math
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.record import Environment
from mnist_core.result import EpochResult, NonFiniteLoss
from search.workers.protocol import Began, Ended, Message, Ready, Trainer

if TYPE_CHECKING:
    from search.study.spec import StudySpec

ENVIRONMENT = Environment(
    device="cpu", threads=1, versions={"drilldown": "0"}, machine="none", data_sha256={}
)
FIT = 99.5  # percent: training accuracy in evaluation mode at the end of every fate


def _beginning(training: Callable[[Config], Iterator[EpochResult]]) -> Trainer:
    return lambda config: (Began(ENVIRONMENT), training(config))


def curve(config: Config) -> list[float]:
    """Test accuracies, percent, that follow from the config's seed alone."""
    chance = random.Random(config.seed)
    return [90 + epoch / 10 + round(chance.random(), 2) for epoch in range(1, config.epochs + 1)]


def result(
    epoch: int,
    test_acc: float,
    seconds: float = 0.0,
    fit_acc: float | None = None,
    train_acc: float = 99.0,
) -> EpochResult:
    return EpochResult(epoch, 0.1, train_acc, 0.1, test_acc, 0.1, seconds, fit_acc)


def _trained(config: Config, pause: float = 0.0) -> Iterator[EpochResult]:
    for epoch, accuracy in enumerate(curve(config), start=1):
        time.sleep(pause)
        yield result(epoch, accuracy, pause, FIT if epoch == config.epochs else None)


def quick(device: str, engine: Wanted) -> Trainer:
    return _beginning(_trained)


def telling(device: str, engine: Wanted) -> Trainer:
    """Its environment says what it was started with."""
    environment = ENVIRONMENT.model_copy(update={"machine": f"{engine} on {device}"})
    return lambda config: (Began(environment, f"wants {engine}"), _trained(config))


def best_at_a_fifth(device: str, engine: Wanted) -> Trainer:
    """The nearer the learning rate is to 0.2, the higher the accuracies."""
    return _beginning(_peaked)


def _peaked(config: Config) -> Iterator[EpochResult]:
    for epoch in range(1, config.epochs + 1):
        yield result(epoch, 99 - abs(config.optimizer.lr - 0.2))


def ending_at_once(device: str, engine: Wanted) -> Trainer:
    """No training gets as far as an epoch."""
    return _beginning(lambda config: iter(()))


def slow(device: str, engine: Wanted) -> Trainer:
    """Half a second an epoch."""
    return _beginning(lambda config: _trained(config, 0.5))


def brisk(device: str, engine: Wanted) -> Trainer:
    """A twentieth of a second an epoch."""
    return _beginning(lambda config: _trained(config, 0.05))


def failing(device: str, engine: Wanted) -> Trainer:
    """Diverges in the second epoch of every training with an odd seed."""
    return _beginning(_failing)


def _failing(config: Config) -> Iterator[EpochResult]:
    for epoch in _trained(config):
        if config.seed % 2 and epoch.epoch == 2:
            raise NonFiniteLoss("the training loss became nan in epoch 2, batch 7")
        yield epoch


def nan(device: str, engine: Wanted) -> Trainer:
    return _beginning(lambda config: _ending_in(config, math.nan))


def infinite(device: str, engine: Wanted) -> Trainer:
    return _beginning(lambda config: _ending_in(config, math.inf))


def _ending_in(config: Config, accuracy: float) -> Iterator[EpochResult]:
    """The last epoch's accuracy is this one, of every training with an odd seed."""
    for epoch in _trained(config):
        odd = config.seed % 2 and epoch.epoch == config.epochs
        yield result(epoch.epoch, accuracy) if odd else epoch


def suicidal(device: str, engine: Wanted) -> Trainer:
    """Every process kills itself in the second epoch of its first training with an odd seed."""
    return _beginning(_suicidal)


def _suicidal(config: Config) -> Iterator[EpochResult]:
    for epoch in _trained(config):
        if config.seed % 2 and epoch.epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        yield epoch


def hanging(device: str, engine: Wanted) -> Trainer:
    """Goes to sleep for ever in the second epoch of every training with an odd seed."""
    return _beginning(_hanging)


def _hanging(config: Config) -> Iterator[EpochResult]:
    for epoch in _trained(config):
        if config.seed % 2 and epoch.epoch == 2:
            time.sleep(1e6)
        yield epoch


def stubborn(device: str, engine: Wanted) -> Trainer:
    """Sleeps for ever, and minds no SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return _beginning(lambda config: _sleeping())


def _sleeping() -> Iterator[EpochResult]:
    time.sleep(1e6)
    yield result(1, 0.0)


def unstartable(device: str, engine: Wanted) -> Trainer:
    raise UserError(f"nothing can be trained on {device} today")


def unexpected(device: str, engine: Wanted) -> Trainer:
    raise KeyError("[/nothing] of\nthat name")


def exiting(device: str, engine: Wanted) -> Trainer:
    os._exit(3)


def study(**changes: Any) -> "StudySpec":
    """A study of 300 training images, which also a real training is through with in a second."""
    from search.study.spec import StudySpec

    values: dict[str, Any] = {
        "trials": 4,
        "workers": 1,
        "seed": 7,
        "goal": {"accuracy": 90.0, "last": 2, "epochs": 3, "params": 2_000},
        "data": {"train": 300, "test": 200},
        "space": {"name": "open"},
        "sampler": {"kind": "random"},
        "pruner": {"kind": "none"},
    }
    return StudySpec.from_dict({**values, **changes})


@dataclass(frozen=True)
class Fate:
    """What becomes of a job: the accuracies it reports, and why it then fails, if it does. One that
    never begins reports none."""

    test_acc: list[float]
    reason: str = ""
    train_acc: float = 99.0
    begins: bool = True

    def results(self) -> tuple[EpochResult, ...]:
        """The last one with a training accuracy in evaluation mode."""
        last = len(self.test_acc)
        return tuple(
            result(epoch, accuracy, 1.5, FIT if epoch == last else None, self.train_acc)
            for epoch, accuracy in enumerate(self.test_acc, start=1)
        )


FATES = (
    Fate([91.0, 92.0, 93.0]),
    Fate([91.0], "it failed"),
    Fate([91.0, 92.0]),
    Fate([91.0, math.inf, 93.0]),
    Fate([91.0, 92.0, 93.0], train_acc=-math.inf),
    Fate([], "it never began", begins=False),
)
"""By a config's seed: what every kind of workers has to come to terms with. Of three epochs."""


def environment_of(seed: int) -> Environment:
    """As different from one training to the next as it could be."""
    return ENVIRONMENT.model_copy(update={"machine": f"of seed {seed}"})


def fated(device: str, engine: Wanted) -> Trainer:
    """Every training has the one of `FATES` that its seed names."""

    def training(fate: Fate) -> Iterator[EpochResult]:
        yield from fate.results()
        if fate.reason:
            raise UserError(fate.reason)

    def trainer(config: Config) -> tuple[Began, Iterator[EpochResult]]:
        fate = FATES[config.seed]
        if not fate.begins:
            raise UserError(fate.reason)
        return Began(environment_of(config.seed), "so it begins"), training(fate)

    return trainer


@dataclass
class FakeWorkers:
    """`LocalWorkers` without processes. A job answers as its fate says; `chance` decides which jobs
    get on, how far, and in which order, so that messages come in every possible order."""

    count: int
    fate: Callable[[int, Config], Fate]
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    submitted: list[int] = field(default_factory=list)
    answers: list[tuple[int, int, bool]] = field(default_factory=list)
    """(job, epoch, whether it was to go on)."""
    remark: str = ""

    def environment(self, job: int) -> Environment:
        return ENVIRONMENT

    def __post_init__(self) -> None:
        self._fates: dict[int, Fate] = {}
        self._epochs: dict[int, int] = {}
        self._waiting: dict[int, bool] = {}  # job -> whether it may go on
        self._begun: set[int] = set()
        self._ready = False

    def idle(self) -> bool:
        return len(self._fates) < self.count

    def submit(self, job: int, config: Config) -> None:
        assert self.idle()
        self.submitted.append(job)
        self._fates[job], self._epochs[job] = self.fate(job, config), 0
        self._waiting[job] = True

    def answer(self, job: int, go_on: bool) -> None:
        self.answers.append((job, self._epochs[job], go_on))
        self._waiting[job] = go_on

    def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]:
        if not self._ready:
            self._ready = True
            yield None, Ready()
        jobs = self.chance.sample(sorted(self._fates), self.chance.randint(1, len(self._fates)))
        for job in jobs:
            if job not in self._begun and self._fates[job].begins:
                self._begun.add(job)
                yield job, Began(self.environment(job), self.remark)
            yield job, self._next(job)

    def _next(self, job: int) -> Message:
        fate, epoch = self._fates[job], self._epochs[job]
        if self._waiting[job] and epoch < len(fate.test_acc):
            self._epochs[job] += 1
            return fate.results()[epoch]
        del self._fates[job]
        return Ended(fate.reason if self._waiting[job] else "")


class Dying(FakeWorkers):
    """Says in every round that a worker without a job died."""

    def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]:
        yield from super().messages(timeout)
        yield None, Ended("the worker died: killed by SIGKILL")


class Terminated(FakeWorkers):
    """A signal comes that is for all processes: the workers die of it too."""

    def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]:
        os.kill(os.getpid(), signal.SIGTERM)
        yield from [(job, Ended("the worker died: killed by SIGTERM")) for job in self._fates]
