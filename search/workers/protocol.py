"""What a kind of workers is to those who use it, and what its workers say.

A worker sends a `Ready` once, then for each job `Began` and an `EpochResult` an epoch, waits after
each epoch for the word to go on or to stop, and ends the job with `Ended`. It holds no storage and
decides nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.record import Environment
from mnist_core.result import EpochResult


@dataclass(frozen=True)
class Ready:
    """The worker waits for jobs."""


@dataclass(frozen=True)
class Began:
    """Where and on what a job's training runs, which may depend on its config; `remark` is for
    people, and empty where there is nothing to say."""

    environment: Environment
    remark: str = ""


@dataclass(frozen=True)
class Ended:
    """A job is over; `reason` says why it failed, and is empty where it did not."""

    reason: str = ""


Message = Ready | Began | EpochResult | Ended
Trainer = Callable[[Config], tuple[Began, Iterator[EpochResult]]]
Start = Callable[[str, Wanted], Trainer]
"""Called once in each worker with device and engine; named by module, since a worker may be a
process of its own."""


class Workers(Protocol):
    """Where trainings run. A job is known by a number; at most one runs on each worker."""

    def idle(self) -> bool:
        """Whether a worker is free for a job."""

    def submit(self, job: int, config: Config) -> None:
        """Start a job on a free worker."""

    def answer(self, job: int, go_on: bool) -> None:
        """What the worker does after the epoch it has just sent; due after every one."""

    def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]:
        """(job, message) of all that came within `timeout` seconds; the job is None where the
        worker has none. Every job ends with one `Ended`, also if its worker died.

        Raises UserError where no worker can start.
        """
