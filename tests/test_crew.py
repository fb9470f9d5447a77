"""The crew, on every kind of workers there is: what a client sees must not depend on the kind."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import fakes
import pytest
from fakes import FATES, Dying, FakeWorkers, Fate, Terminated, environment_of

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.record import Environment
from mnist_core.result import EpochResult
from search.workers.crew import Crew, Failed, Job, Outcome, Trained
from search.workers.local import LocalWorkers
from search.workers.protocol import Workers

EPOCHS = 3
WHOLE = 0  # the seed, and so the fate, of a training that nothing is wrong with
Kind = Callable[[int], AbstractContextManager[Workers]]
"""From a number of workers to as many, whose trainings have the fates of `fakes.FATES`."""


class Fated(FakeWorkers):
    """Its environments are those of `fakes.fated`, by the seed that `job` gives a number."""

    def environment(self, job: int) -> Environment:
        return environment_of(job % 10)


@contextmanager
def fake(count: int) -> Iterator[Workers]:
    yield Fated(count, lambda _, config: FATES[config.seed], remark="so it begins")


@contextmanager
def local(count: int) -> Iterator[Workers]:
    with LocalWorkers(count, "cpu", "auto", fakes.fated) as workers:
        yield workers


@pytest.fixture(params=[fake, local])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


def job(number: int, epochs: int = EPOCHS) -> Job:
    """Its seed is the last digit of its number."""
    layers = ("flatten", "linear 784->10 bias=true")
    config = {"epochs": EPOCHS, "seed": number % 10, "layers": layers}
    sgd = {"kind": "sgd", "lr": 0.1}
    return Job(number, f"job {number}", Config.from_dict({**config, "optimizer": sgd}), epochs)


@dataclass
class Listed:
    """A client with a list of jobs, which keeps what it is told."""

    jobs: Sequence[Job]
    handed: int = 0
    most: int = 0
    """Jobs that ran at once."""
    remarks: dict[int, str] = field(default_factory=dict)
    epochs: list[tuple[int, int]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def next_job(self) -> Job | None:
        if self.handed == len(self.jobs):
            return None
        self.handed += 1
        self.most = max(self.most, self.handed - len(self.outcomes))
        return self.jobs[self.handed - 1]

    def began(self, job: Job, remark: str) -> None:
        self.remarks[job.number] = remark

    def epoch(self, job: Job, result: EpochResult) -> bool:
        self.epochs.append((job.number, result.epoch))
        return True

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def by_number(self) -> list[Outcome]:
        return sorted(self.outcomes, key=lambda outcome: outcome.job.number)


# --- what becomes of a job -------------------------------------------------------------------

REASONS = {
    1: "it failed",
    2: "ended after 2 of 3 epochs",
    3: "the test accuracy is inf in epoch 2",
    4: "the training accuracy is -inf in epoch 1",
    5: "it never began",
}


@pytest.mark.parametrize("count", [1, 3])
def test_same_jobs_come_to_the_same_whoever_does_them(kind: Kind, count: int) -> None:
    client = Listed([job(seed) for seed in range(len(FATES))])
    with kind(count) as workers:
        assert Crew(workers, client).run() == 0
    whole, *failed = client.by_number()
    assert whole == Trained(job(WHOLE), FATES[WHOLE].results(), environment_of(WHOLE), False)
    assert failed == [
        Failed(
            job(seed),
            FATES[seed].results(),
            environment_of(seed) if FATES[seed].begins else None,
            REASONS[seed],
        )
        for seed in range(1, len(FATES))
    ]
    began = [seed for seed, fate in enumerate(FATES) if fate.begins]
    assert client.remarks == dict.fromkeys(began, "so it begins")


class Choosy(Listed):
    """Wants no second epoch of odd jobs."""

    def epoch(self, job: Job, result: EpochResult) -> bool:
        super().epoch(job, result)
        return job.number % 2 == 0


def test_job_that_its_client_stops_is_no_failure(kind: Kind) -> None:
    """Also one that would have failed, had it gone on; the others are not touched."""
    client = Choosy([job(1), job(10), job(3)])
    with kind(2) as workers:
        assert Crew(workers, client).run() == 0
    one, three, ten = client.by_number()
    for number, stopped in ((1, one), (3, three)):
        first = FATES[number].results()[:1]
        assert stopped == Trained(job(number), first, environment_of(number), True)
    assert ten == Trained(job(10), FATES[WHOLE].results(), environment_of(WHOLE), False)


@pytest.mark.parametrize("epochs", [1, 2])
def test_job_of_fewer_epochs_than_its_config_is_whole_with_them(kind: Kind, epochs: int) -> None:
    """And what would be wrong with the others is nobody's business."""
    client = Listed([job(WHOLE, epochs), job(1, 1)])
    with kind(1) as workers:
        assert Crew(workers, client).run() == 0
    whole, other = client.by_number()
    results = FATES[WHOLE].results()[:epochs]
    assert whole == Trained(job(WHOLE, epochs), results, environment_of(WHOLE), False)
    assert other == Trained(job(1, 1), FATES[1].results(), environment_of(1), False)


class Last(Listed):
    """Wants nothing more after the last epoch, when there is nothing to stop."""

    def epoch(self, job: Job, result: EpochResult) -> bool:
        return result.epoch < job.epochs


def test_no_after_the_last_epoch_stops_nothing(kind: Kind) -> None:
    client = Last([job(WHOLE), job(10, 2)])
    with kind(1) as workers:
        Crew(workers, client).run()
    assert [type(outcome) for outcome in client.outcomes] == [Trained, Trained]
    assert not any(outcome.stopped for outcome in client.outcomes if isinstance(outcome, Trained))


# --- how many, and when ----------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "count"), [(0, 2), (1, 3), (7, 1), (20, 3)])
def test_every_job_is_done_once_on_no_more_workers_than_there_are(
    kind: Kind, jobs: int, count: int
) -> None:
    client = Listed([job(10 * number) for number in range(jobs)])
    with kind(count) as workers:
        assert Crew(workers, client).run() == 0
    numbers = [10 * number for number in range(jobs)]
    assert [outcome.job.number for outcome in client.by_number()] == numbers
    assert sorted(client.epochs) == [(n, epoch) for n in numbers for epoch in (1, 2, 3)]
    assert client.most == min(jobs, count)


class Careful(Listed):
    """Has no further job as long as one runs."""

    def next_job(self) -> Job | None:
        return None if self.handed > len(self.outcomes) else super().next_job()


def test_client_that_has_nothing_at_present_is_asked_again(kind: Kind) -> None:
    client = Careful([job(10 * number) for number in range(4)])
    with kind(2) as workers:
        assert Crew(workers, client).run() == 0
    assert [outcome.job.number for outcome in client.outcomes] == [0, 10, 20, 30]
    assert client.most == 1


# --- signals, and what goes wrong ------------------------------------------------------------


def _handlers() -> list[object]:
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


@dataclass
class Signalling(Listed):
    """Sends this process a signal, as a person does, in the first epoch of its second job."""

    number: signal.Signals = signal.SIGINT
    times: int = 1

    def epoch(self, job: Job, result: EpochResult) -> bool:
        if self.handed == 2:
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)
        return super().epoch(job, result)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_loop_and_no_job(kind: Kind, number: signal.Signals) -> None:
    client, before = Signalling([job(0), job(10), job(20)], number=number), _handlers()
    with kind(1) as workers:
        assert Crew(workers, client).run() == number
    assert [outcome.job.number for outcome in client.outcomes] == [0]
    assert client.handed == 2
    assert _handlers() == before


def test_second_signal_acts_at_once(kind: Kind) -> None:
    client, before = Signalling([job(0), job(10)], times=2), _handlers()
    with kind(1) as workers, pytest.raises(KeyboardInterrupt):
        Crew(workers, client).run()
    assert [number for number, _ in client.epochs] == [0] * EPOCHS
    assert _handlers() == before


class Raising(Listed):
    def ended(self, outcome: Outcome) -> None:
        raise UserError("the disk is full")


def test_what_a_client_raises_ends_the_loop(kind: Kind) -> None:
    before = _handlers()
    with kind(2) as workers, pytest.raises(UserError, match="the disk is full"):
        Crew(workers, Raising([job(0), job(10)])).run()
    assert _handlers() == before


def test_worker_that_dies_fails_its_job_and_no_other() -> None:
    """Of processes only: nothing else can be killed."""
    client = Listed([job(seed) for seed in range(4)])
    with LocalWorkers(2, "cpu", "auto", fakes.suicidal) as workers:
        assert Crew(workers, client).run() == 0
    died = {outcome.job.number: outcome for outcome in client.outcomes}
    for number in (1, 3):
        assert isinstance(failed := died[number], Failed)
        assert failed.reason == "the worker died: killed by SIGKILL"
        assert len(failed.results) == 1
    assert isinstance(died[0], Trained)
    assert isinstance(died[2], Trained)


# --- what only a broken kind of workers does -------------------------------------------------


def test_training_that_ends_without_having_begun_has_failed() -> None:
    for test_acc in ([], [91.0, 92.0, 93.0]):
        client = Listed([job(0)])
        mute = Fate(test_acc, begins=False)
        assert Crew(FakeWorkers(1, lambda *_, fate=mute: fate), client).run() == 0
        results = mute.results()
        assert client.outcomes == [Failed(job(0), results, None, "ended without having begun")]


def test_death_of_an_idle_worker_is_logged_and_no_jobs_business(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = Listed([job(0)])
    assert Crew(Dying(2, lambda *_: FATES[WHOLE]), client).run() == 0
    assert [type(outcome) for outcome in client.outcomes] == [Trained]
    died = "a worker without a job: Ended(reason='the worker died: killed by SIGKILL')"
    assert set(caplog.messages) == {died}


def test_workers_that_die_of_the_same_signal_fail_no_job() -> None:
    client = Listed([job(0), job(10)])
    assert Crew(Terminated(2, lambda *_: FATES[WHOLE]), client).run() == signal.SIGTERM
    assert client.outcomes == []
