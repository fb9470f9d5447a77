"""One loop for whoever has trainings to be done: it starts jobs on free workers, passes on what
they report, says whether they go on, and tells what became of each. A `Client` says which jobs and
how far, any kind of `Workers` does them, and neither needs to know of signals, deaths or faults.
"""

import logging
import math
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

from mnist_core.config import Config
from mnist_core.record import Environment
from mnist_core.result import EpochResult
from mnist_core.words import part
from search.workers import signals
from search.workers.protocol import Began, Ended, Message, Ready, Workers

log = logging.getLogger(__name__)
_TICK = 0.25  # seconds between looks at the client's jobs and at signals


@dataclass(frozen=True)
class Job:
    """A training to be done: the first `epochs` epochs of a config, which has at least as many.

    number: another one for each job of a client. name: what people call it.
    """

    number: int
    name: str
    config: Config
    epochs: int


@dataclass(frozen=True)
class Trained:
    """A job that did what was asked of it.

    results: one an epoch, accuracies all finite; as many as the job has epochs, or fewer where it
    was `stopped`: its client wanted no more of it. environment: that of this very training.
    """

    job: Job
    results: tuple[EpochResult, ...]
    environment: Environment
    stopped: bool


@dataclass(frozen=True)
class Failed:
    """A job that came to nothing, and why.

    results: of the epochs that it got through, whatever they are worth. environment: None where it
    failed before it had one.
    """

    job: Job
    results: tuple[EpochResult, ...]
    environment: Environment | None
    reason: str


Outcome = Trained | Failed


class Client(Protocol):
    """Whose jobs they are. An exception of any of its methods ends the loop, jobs and all."""

    def next_job(self) -> Job | None:
        """What a free worker is to start now; None: nothing at present. If nothing runs then
        either, the work is done."""

    def began(self, job: Job, remark: str) -> None:
        """Its training has begun; the remark is for people, and empty where there is nothing to
        say."""

    def epoch(self, job: Job, result: EpochResult) -> bool:
        """Whether the job goes on; it is over after its last epoch in any case."""

    def ended(self, outcome: Outcome) -> None:
        """Called once for each job, but for those that still ran when a signal came."""


@dataclass
class _Running:
    job: Job
    environment: Environment | None = None
    results: list[EpochResult] = field(default_factory=list)
    stopped: bool = False

    def outcome(self, reason: str) -> Outcome:
        """reason: why it failed, as its worker says; empty where the worker knows of nothing."""
        results = tuple(self.results)
        if self.environment is None:
            return Failed(self.job, results, None, reason or "ended without having begun")
        reason = reason or _fault(self.job, results, self.stopped)
        if reason:
            return Failed(self.job, results, self.environment, reason)
        return Trained(self.job, results, self.environment, self.stopped)


class Crew:
    """The jobs of one client, on workers that somebody else starts and closes."""

    def __init__(self, workers: Workers, client: Client) -> None:
        self._workers, self._client = workers, client
        self._running: dict[int, _Running] = {}

    def run(self) -> int:
        """Go on until the client has no more jobs and none runs; returns 0, or the number of the
        signal, SIGINT, SIGTERM or SIGHUP, that ended it before.

        After a signal the client hears no more than what had come already. To be called in the main
        thread, which is the one that gets signals. Raises UserError where no worker can start.
        """
        with _signals() as caught:
            while not caught:
                while self._workers.idle() and (job := self._client.next_job()):
                    self._running[job.number] = _Running(job)
                    self._workers.submit(job.number, job.config)
                if not self._running:
                    return 0
                for number, message in self._workers.messages(_TICK):
                    if caught and isinstance(message, Ended) and message.reason:
                        continue  # the signal may have been for all processes of the group
                    self._handle(number, message)
            return caught[0]

    def _handle(self, number: int | None, message: Message) -> None:
        if isinstance(message, Ready):
            return
        if number is None:
            log.warning("a worker without a job: %s", message)
        elif isinstance(message, Began):
            running = self._running[number]
            running.environment = message.environment
            self._client.began(running.job, message.remark)
        elif isinstance(message, EpochResult):
            self._workers.answer(number, self._goes_on(self._running[number], message))
        else:
            self._client.ended(self._running.pop(number).outcome(message.reason))

    def _goes_on(self, running: _Running, result: EpochResult) -> bool:
        """Whether the training makes another epoch. One of a whole config ends of itself, so that
        what goes wrong at its very end is still heard of."""
        job = running.job
        running.results.append(result)
        wanted = self._client.epoch(job, result)
        running.stopped = not wanted and result.epoch < job.epochs
        return wanted and (result.epoch < job.epochs or job.epochs >= job.config.epochs)


def _fault(job: Job, results: Sequence[EpochResult], stopped: bool) -> str:
    """Why a curve is of no use, though its training did not say so; empty where it is of use."""
    judge, epochs = job.config.data.judge, 0 if stopped else job.epochs
    for result in results:
        for what, accuracy in ((judge, result.test_acc), ("training", result.train_acc)):
            if not math.isfinite(accuracy):
                return f"the {what} accuracy is {accuracy} in epoch {result.epoch}"
    if len(results) < epochs:
        return f"ended after {part(len(results), epochs, 'epoch')}"
    return ""


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects SIGINT, SIGTERM and SIGHUP instead of letting them break into a write; the second of
    a kind acts at once, for whoever cannot wait."""
    caught: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        signal.signal(number, before[number])

    heeded = [signal.SIGINT, *signals.to_heed()]
    before = {int(number): signal.getsignal(number) for number in heeded}
    for number in before:
        signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
