"""Workers as spawned processes of this machine: each trains one config at a time and streams.

Over its pipe a worker says what `search.workers.protocol` has it say; in place of the `Ready` comes
an `Ended`, saying why, from one that could not start.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Self

from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from search.workers.protocol import Ended, Message, Ready, Start, Trainer

_PATIENCE = 2.0  # seconds that workers have to go once they are told to
_LONGEST = 300  # characters of a reason: an exception may quote a whole tensor


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    ready: bool = False
    job: int | None = None
    heard: float = 0.0  # monotonic time of the latest message, or of the job's start


class LocalWorkers:
    """`count` processes. A job is known by a number; at most one runs on each worker."""

    def __init__(
        self, count: int, device: str, engine: Wanted, start: Start, silence: float = 3600.0
    ) -> None:
        """silence: seconds without a message after which a worker counts as hung."""
        self._device, self._engine = device, engine
        self._start, self._silence = start, silence
        self._context = get_context("spawn")
        self._workers = [self._spawn() for _ in range(count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def idle(self) -> bool:
        """Whether a worker is free for a job."""
        return any(worker.job is None for worker in self._workers)

    def submit(self, job: int, config: Config) -> None:
        """Start a job on a free worker; its config travels as plain values."""
        worker = next(worker for worker in self._workers if worker.job is None)
        worker.job, worker.heard = job, monotonic()
        _send(worker.pipe, config.to_dict())

    def answer(self, job: int, go_on: bool) -> None:
        """What the worker does after the epoch it has just sent."""
        _send(next(w.pipe for w in self._workers if w.job == job), go_on)

    def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]:
        """(job, message) of all that came within `timeout` seconds; a job ends with `Ended`.

        A worker that died or hung ends its job with the reason, and is replaced. Raises UserError
        where one cannot start of itself: its successors could not either.
        """
        pipes = [worker.pipe for worker in self._workers]
        for pipe in connection.wait(pipes, timeout):
            worker = next(worker for worker in self._workers if worker.pipe is pipe)
            job, message = worker.job, self._receive(worker)
            if isinstance(message, Ended):
                worker.job = None
            yield job, message
        for worker in self._workers:
            if worker.job is not None and monotonic() - worker.heard > self._silence:
                job = worker.job
                worker.process.kill()
                self._replace(worker)
                yield job, Ended(f"the worker sent nothing for {self._silence:g} s")

    def close(self) -> None:
        """End every process: asked first, then killed."""
        for worker in self._workers:
            worker.process.terminate()
        _gone(self._workers)
        self._workers = []

    def _receive(self, worker: _Worker) -> Message:
        try:
            message: Message = worker.pipe.recv()
        except (EOFError, OSError):
            return self._dead(worker)
        if isinstance(message, Ended) and not worker.ready:
            raise UserError(f"a worker could not start: {message.reason}")
        worker.heard, worker.ready = monotonic(), True
        return message

    def _dead(self, worker: _Worker) -> Ended:
        """The end of a worker's job by its death. A kill may come at any time, also while it
        starts; one that ends of itself then would do so for ever."""
        ready, code = worker.ready, self._replace(worker)
        if not ready and code >= 0:
            raise UserError(f"a worker could not start: {_fate(code)}")
        return Ended(f"the worker died: {_fate(code)}")

    def _replace(self, worker: _Worker) -> int:
        """A new process in the worker's place; returns the exit code of the old one."""
        _gone([worker])
        code = worker.process.exitcode
        fresh = self._spawn()
        worker.process, worker.pipe = fresh.process, fresh.pipe
        worker.ready, worker.job = False, None
        return code or 0

    def _spawn(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, self._device, self._engine, self._start), daemon=True
        )
        with _deaf_to_interrupts():
            process.start()
        theirs.close()  # so that the worker's end is the only one, and its death is seen
        return _Worker(process, ours)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process started in here never sees Ctrl-C, which reaches the whole group, not even before
    its first line runs: what it means is the owner's to decide. The owner's own is only put off."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # multiprocessing's; as it starts it lifts any such block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fate(code: int) -> str:
    """An exit code in words; it is negative where a signal ended the process."""
    try:
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    except ValueError:  # most real-time signals have no name
        return f"killed by signal {-code}"


def _gone(workers: list[_Worker]) -> None:
    """Return when the processes are gone: they have a moment, all together, then are killed."""
    deadline = monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, deadline - monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.pipe.close()


def _send(pipe: Connection, what: object) -> None:
    try:
        pipe.send(what)
    except OSError:
        logging.getLogger(__name__).debug("a worker is gone; its death is seen on reading")


def _work(pipe: Connection, device: str, engine: Wanted, start: Start) -> None:
    """The life of a worker."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with suppress(EOFError, ConnectionError):  # the owner is gone: there is nobody to tell
        try:
            trainer = start(device, engine)
        except Exception as error:
            pipe.send(Ended(_in_a_line(error)))
            return
        pipe.send(Ready())
        while True:
            config = Config.from_dict(pipe.recv())
            pipe.send(Ended(_run(trainer, config, pipe)))


def _run(trainer: Trainer, config: Config, pipe: Connection) -> str:
    """Train, asking after each epoch whether to go on; returns why it failed, if it did."""
    try:
        began, results = trainer(config)
        pipe.send(began)
        for result in results:
            pipe.send(result)
            if not pipe.recv():
                break
    except (EOFError, ConnectionError):
        raise
    except Exception as error:  # whatever it is, it is this trial's end and not the worker's
        return _in_a_line(error)
    return ""


def _in_a_line(error: Exception) -> str:
    said = " ".join(str(error).split("\n\n")[0].split())
    text = said if isinstance(error, UserError) else f"{type(error).__name__}: {said}"
    return text.removesuffix(": ")[:_LONGEST]


def _die_with_parent() -> None:
    """A worker whose owner was killed must not train on."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
