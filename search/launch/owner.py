"""The owner: asks, dispatches, reports, prunes, tells. It alone touches the study."""

import logging
import math
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from types import FrameType
from typing import Protocol

from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import Trial, TrialState

from mnist_core.config import Config
from mnist_core.goal import Ending, Goal
from mnist_core.record import Environment
from mnist_core.result import EpochResult
from mnist_core.seeds import derived_seed
from search.study.dimensions import distributions
from search.study.trials import CONFIG, ENVIRONMENT, TRAINING, TrialAttr, attach, counted
from search.workers.local import Began, Ended, Message, Ready
from spaces import Space

log = logging.getLogger(__name__)
_TICK = 0.25  # seconds between looks at the clock and at signals


class Workers(Protocol):
    """Where trainings run; see `search.workers.local`."""

    def idle(self) -> bool: ...
    def submit(self, job: int, config: Config) -> None: ...
    def answer(self, job: int, go_on: bool) -> None: ...
    def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]: ...


class Watcher(Protocol):
    """Told of everything as it happens; what it makes of it is its own affair."""

    def started(self, number: int, config: Config) -> None: ...
    def epoch(self, number: int, result: EpochResult) -> None: ...
    def ended(self, number: int, state: TrialState, score: float | None, reason: str) -> None: ...


@dataclass
class _Running:
    trial: Trial
    config: Config
    environment: Environment | None = None
    test_acc: list[float] = field(default_factory=list)
    train_acc: list[float] = field(default_factory=list)
    fit_acc: float | None = None
    seconds: float = 0.0
    pruned: bool = False


class Owner:
    """Runs a study until a number of its trials are finished, a time is over, or a signal comes."""

    def __init__(
        self,
        study: Study,
        space: Space,
        goal: Goal,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        workers: Workers,
        watchers: Sequence[Watcher],
    ) -> None:
        """sampler: from the number of the next trial to the sampler that makes it."""
        self._study, self._space, self._goal, self._seed = study, space, goal, seed
        self._sampler, self._workers, self._watchers = sampler, workers, watchers
        self._running: dict[int, _Running] = {}

    def run(self, trials: int, timeout: float | None = None) -> int:
        """Go on until `trials` of the study are finished; returns 0, or the signal that ended it.

        timeout: seconds after which no further trial is started; those running are finished.

        On SIGINT or SIGTERM what is running is marked interrupted, and everything finished is kept.
        """
        deadline = math.inf if timeout is None else monotonic() + timeout
        try:
            with _signals() as caught:
                while not caught:
                    while self._workers.idle() and monotonic() < deadline and self._wanted(trials):
                        self._start()
                    if not self._running:
                        return 0
                    for job, message in self._workers.messages(_TICK):
                        if caught and isinstance(message, Ended) and message.reason:
                            continue  # the signal may have been for all processes of the group
                        self._handle(job, message)
                return caught[0]
        finally:
            for running in self._running.values():
                interrupt(self._study, running.trial, "interrupted")
            self._running.clear()

    def _wanted(self, trials: int) -> bool:
        return counted(self._study.get_trials(deepcopy=False)) + len(self._running) < trials

    def _start(self) -> None:
        self._study.sampler = self._sampler(len(self._study.get_trials(deepcopy=False)))
        trial = self._study.ask(distributions(self._space.dimensions))
        config = self._space.config(trial.params, trial_seed(self._seed, trial.number))
        trial.set_user_attr(TrialAttr.PARAMS, config.params)
        attach(trial, CONFIG, config.to_dict())
        self._running[trial.number] = _Running(trial, config)
        self._workers.submit(trial.number, config)
        for watcher in self._watchers:
            watcher.started(trial.number, config)

    def _handle(self, job: int | None, message: Message) -> None:
        if isinstance(message, Ready):
            return
        if job is None:
            log.warning("a worker without a job: %s", message)
        elif isinstance(message, Began):
            self._began(job, message)
        elif isinstance(message, EpochResult):
            self._workers.answer(job, self._report(job, message))
        else:
            self._end(job, message)

    def _began(self, job: int, began: Began) -> None:
        self._running[job].environment = began.environment
        if began.remark:
            log.info("trial %d: %s", job, began.remark)

    def _report(self, job: int, result: EpochResult) -> bool:
        """Whether the trial goes on."""
        running = self._running[job]
        running.test_acc.append(result.test_acc)
        running.train_acc.append(round(result.train_acc, 4))
        running.fit_acc = result.fit_acc
        running.seconds += result.seconds
        for watcher in self._watchers:
            watcher.epoch(job, result)
        if not math.isfinite(result.test_acc):
            return False  # nothing that a pruner, or the storage, should see
        running.trial.report(result.test_acc, result.epoch)
        last = result.epoch >= running.config.epochs
        running.pruned = not last and running.trial.should_prune()
        return not running.pruned

    def _end(self, job: int, ended: Ended) -> None:
        running = self._running.pop(job)
        reason = ended.reason or _fault(running)
        running.trial.set_user_attr(TrialAttr.SECONDS, round(running.seconds, 1))
        if running.environment is not None:
            attach(running.trial, ENVIRONMENT, running.environment.model_dump(mode="json"))
        training = {"train_acc": running.train_acc, "fit_acc": running.fit_acc}
        attach(running.trial, TRAINING, training)
        state, score = TrialState.FAIL, None
        if reason:
            running.trial.set_user_attr(TrialAttr.REASON, reason)
        elif running.pruned:
            state = TrialState.PRUNED
        else:
            ending = self._goal.ending(running.test_acc)
            state, score = TrialState.COMPLETE, ending.score
            self._summarise(running, ending)
        self._study.tell(running.trial, score, state)
        for watcher in self._watchers:
            watcher.ended(job, state, score, reason)

    def _summarise(self, running: _Running, ending: Ending) -> None:
        """What people sort by in the dashboard."""
        running.trial.set_user_attr(TrialAttr.WORST, round(ending.worst, 4))
        running.trial.set_user_attr(TrialAttr.MEAN, round(ending.mean, 4))
        if ending.first_at_goal is not None:
            running.trial.set_user_attr(TrialAttr.GOAL_EPOCH, ending.first_at_goal)


def trial_seed(study_seed: int, trial: int) -> int:
    """The seed of a trial's training: of (study seed, trial number) and nothing else, so that a
    resumed or parallel study trains trial 17 as a sequential one would."""
    return derived_seed(study_seed, trial)


def reconcile(study: Study) -> int:
    """Mark trials that an owner left running as interrupted; returns how many there were.

    To be called by the study's one owner before it starts any.
    """
    orphans = study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
    for orphan in orphans:
        interrupt(study, Trial(study, orphan._trial_id), "its owner went away")
    return len(orphans)


def interrupt(study: Study, trial: Trial, reason: str) -> None:
    """End a trial that could not finish; it does not count among the finished ones."""
    trial.set_user_attr(TrialAttr.REASON, reason)
    trial.set_user_attr(TrialAttr.INTERRUPTED, True)
    study.tell(trial, state=TrialState.FAIL)


def _fault(running: _Running) -> str:
    """Why a curve cannot be scored, though its training did not say so."""
    for epoch, accuracy in enumerate(running.test_acc, start=1):
        if not math.isfinite(accuracy):
            return f"the test accuracy is {accuracy} in epoch {epoch}"
    if len(running.test_acc) < running.config.epochs and not running.pruned:
        return f"ended after {len(running.test_acc)} of {running.config.epochs} epochs"
    return ""


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of letting them break into a write; the second of a
    kind acts at once, for whoever cannot wait."""
    caught: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        signal.signal(number, before[number])

    before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
