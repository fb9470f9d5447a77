"""Trainings outside any study: configs run side by side, and a ledger of those that are finished.

A ledger is a file of JSON lines, one a training, only ever added to: what it holds is never run
again.
"""

import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import IO, Annotated, Protocol

from pydantic import Field, ValidationError

from mnist_core import engine as engines
from mnist_core import fetch
from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.files import explain
from mnist_core.frozen import Frozen, tuples
from mnist_core.locks import locked
from mnist_core.record import Environment, Percent
from mnist_core.result import EpochResult
from mnist_core.words import percent
from search.workers import cores, training
from search.workers.crew import Client, Crew, Failed, Job, Outcome, Trained
from search.workers.local import LocalWorkers
from search.workers.protocol import Start

log = logging.getLogger(__name__)


class Run(Frozen):
    """A finished training: its curves, percent, one an epoch."""

    name: str
    """What people call it: an experiment, or a trial of a study."""
    config: str
    """Key of its config; see `key`."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    test_acc: Annotated[tuple[Percent, ...], Field(min_length=1)]
    """Of as many epochs as were asked for, which may be fewer than the config has."""
    train_acc: tuple[Percent, ...]
    fit_acc: Percent | None = None
    """See `EpochResult`."""
    seconds: Annotated[float, Field(ge=0)]
    environment: Environment


def key(config: Config) -> str:
    """Equal for equal configs only: runs of one key count as one, wherever they were made."""
    content = json.dumps(config.to_dict(), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def does(run: Run, job: Job) -> bool:
    """Whether the run is all that the job asks for."""
    return run.config == key(job.config) and len(run.test_acc) >= job.epochs


class Ledger:
    """The finished trainings that a file holds; none where there is no such file."""

    def __init__(self, path: Path) -> None:
        """Raises UserError, naming file and line, where it holds anything else."""
        self._path = path
        self.runs: list[Run] = list(self._read())

    def prepare(self) -> None:
        """Raises UserError where runs cannot be added: to be known before an hour of training."""
        self._append(b"")

    def add(self, run: Run) -> None:
        """Keep a run, on the disk before anything else is done."""
        self._append(run.model_dump_json().encode() + b"\n")
        self.runs.append(run)

    def _append(self, line: bytes) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._path.with_name(f".{self._path.name}.lock")
            with locked(lock), self._path.open("a+b") as file:
                end_last_line(file)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written: {error.strerror}") from None

    def _read(self) -> Iterator[Run]:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(f"{self._path}: cannot be read: {error.strerror}") from None
        for number, line in enumerate(lines, start=1):
            if number == len(lines) and not _is_whole(line):
                return  # it is empty, or torn
            try:
                yield Run.model_validate(tuples(json.loads(line)))
            except ValidationError as error:
                reason = explain(error, Run)
            except (ValueError, RecursionError) as error:
                reason = f"is not JSON: {error}"
            else:
                continue
            raise UserError(f"{self._path}: line {number}: {reason}; delete the line") from None


def missing(jobs: Iterable[Job], runs: Sequence[Run]) -> list[Job]:
    """The jobs that none of the runs has done, one of those that are the same training."""
    longest: dict[str, int] = {}
    for run in runs:
        longest[run.config] = max(longest.get(run.config, 0), len(run.test_acc))
    left = []
    for job in jobs:
        config = key(job.config)
        if longest.get(config, 0) < job.epochs:
            longest[config] = job.epochs
            left.append(job)
    return left


class Watcher(Protocol):
    """Told of trainings as they happen; what it makes of it is its own affair."""

    def todo(self, left: int, done: int) -> None:
        """How many are to be done, and how many were before."""

    def started(self, job: Job) -> None: ...
    def epoch(self, job: Job, result: EpochResult) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...


class Lines:
    """Says each epoch in a line."""

    def todo(self, left: int, done: int) -> None:
        log.info("trainings to do: %d, done before: %d", left, done)

    def started(self, job: Job) -> None: ...

    def epoch(self, job: Job, result: EpochResult) -> None:
        log.info(
            "%s, seed %d: epoch %d/%d, %s %s %%, %.1f s",
            job.name,
            job.config.seed,
            result.epoch,
            job.epochs,
            job.config.data.judge,
            percent(result.test_acc),
            result.seconds,
        )

    def ended(self, outcome: Outcome) -> None: ...


def train_missing(
    jobs: Sequence[Job],
    known: Sequence[Run],
    ledger: Ledger,
    workers: int | None,
    device: str,
    engine: Wanted = "auto",
    start: Start = training.start,
    watcher: Watcher | None = None,
    deadline: float = math.inf,
) -> int:
    """Do the jobs that none of the known runs has done, keeping each in the ledger as it is
    finished; returns how many failed, or were not begun by the deadline. watcher: None for a line
    an epoch. workers: None is one for each core. deadline: see `run_all`.

    Raises UserError where the device is not there, the native engine is wanted and cannot run every
    job, the ledger cannot be written, the data cannot be had, or no worker starts.
    """
    left = missing(jobs, known)
    if not left or monotonic() >= deadline:
        return len(left)
    engine = prepare(left, ledger, device, engine)
    watcher = watcher or Lines()
    watcher.todo(len(left), len(jobs) - len(left))
    before = len(ledger.runs)
    count = cores.workers(workers, len(left), device)
    if workers is None:
        log.info("workers: %d", count)
    run_all(left, count, device, engine, ledger.add, start, watcher, deadline)
    return len(left) - (len(ledger.runs) - before)


def prepare(jobs: Sequence[Job], ledger: Ledger, device: str, engine: Wanted) -> Wanted:
    """See to all that the trainings take, before the first; returns the engine that is to be had.

    Raises UserError as `train_missing`, but for the workers.
    """
    if device != "cpu":
        from mnist_core import machine  # imports torch, which this process else never needs

        machine.check_device(device)
    engine, remark = engines.settle(engine, device)
    if engine == "native":
        _check_native(jobs, device)
    ledger.prepare()
    fetch.mnist()  # once, before workers in parallel find it missing
    if remark:
        log.info(remark)
    return engine


def run_all(
    jobs: Sequence[Job],
    workers: int,
    device: str,
    engine: Wanted,
    keep: Callable[[Run], None],
    start: Start = training.start,
    watcher: Watcher | None = None,
    deadline: float = math.inf,
) -> None:
    """Do every job, `workers` at a time; `keep` gets each as it is finished. deadline: of the
    monotonic clock, seconds, after which none is begun.

    One that fails is logged with its reason and left out. Where SIGINT, SIGTERM or SIGHUP comes,
    raises SystemExit with a shell's exit code for it; what was finished before is kept.
    """
    client = _Client(jobs, keep, watcher or Lines(), deadline)
    work(client, min(workers, len(jobs)), device, engine, start)


def work(client: Client, workers: int, device: str, engine: Wanted, start: Start) -> None:
    """Do all that a client asks for, on so many workers of this machine. Raises SystemExit as
    `run_all`."""
    with LocalWorkers(workers, device, engine, start) as pool:
        number = Crew(pool, client).run()
    if number:
        raise SystemExit(128 + number)


class Keeper:
    """What a client does about each training outside any study: hands on what has ended well as a
    `Run`, and logs the rest."""

    def __init__(self, keep: Callable[[Run], None]) -> None:
        self._keep = keep

    def began(self, job: Job, remark: str) -> None:
        if remark:
            log.info("%s, seed %d: %s", job.name, job.config.seed, remark)

    def ended(self, outcome: Outcome) -> None:
        """One that was stopped is no run of its config."""
        if isinstance(outcome, Failed):
            job = outcome.job
            log.warning("%s, seed %d: failed: %s", job.name, job.config.seed, outcome.reason)
        elif not outcome.stopped:
            self._keep(_run(outcome))


def _run(ended: Trained) -> Run:
    config, results = ended.job.config, ended.results
    return Run(
        name=ended.job.name,
        config=key(config),
        seed=config.seed,
        test_acc=tuple(result.test_acc for result in results),
        train_acc=tuple(round(result.train_acc, 4) for result in results),
        fit_acc=results[-1].fit_acc,
        seconds=round(sum(result.seconds for result in results), 1),
        environment=ended.environment,
    )


class _Client:
    """Has each job done once, in the order given, as long as there is time."""

    def __init__(
        self,
        jobs: Sequence[Job],
        keep: Callable[[Run], None],
        watcher: Watcher,
        deadline: float,
    ) -> None:
        self._waiting, self._keeper, self._watcher = iter(jobs), Keeper(keep), watcher
        self._deadline = deadline

    def next_job(self) -> Job | None:
        if monotonic() >= self._deadline:
            return None
        job = next(self._waiting, None)
        if job is not None:
            self._watcher.started(job)
        return job

    def began(self, job: Job, remark: str) -> None:
        self._keeper.began(job, remark)

    def epoch(self, job: Job, result: EpochResult) -> bool:
        self._watcher.epoch(job, result)
        return True

    def ended(self, outcome: Outcome) -> None:
        self._watcher.ended(outcome)
        self._keeper.ended(outcome)


def _check_native(jobs: Iterable[Job], device: str) -> None:
    """Raises UserError naming the first job that the native engine cannot run."""
    for job in jobs:
        try:
            engines.choose(job.config, "native", device)
        except UserError as error:
            raise UserError(f"{job.name}: {error}") from None


def end_last_line(file: IO[bytes]) -> None:
    """Have a file of JSON lines, opened as a+b, end with a newline: a last line that lacks it gets
    one if it is whole, and is cut off if it is what a crash has left of one."""
    file.seek(0)
    content = file.read()
    end = content.rfind(b"\n") + 1
    if _is_whole(content[end:]):
        file.write(b"\n")
    else:
        file.truncate(end)


def _is_whole(line: bytes) -> bool:
    """Whether this is JSON, as no beginning of a table is."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
