"""The owner: has a study's trials done by a crew, and tells the study and all who watch what became
of them."""

import logging
import math
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from mnist_core.config import Config
from mnist_core.result import EpochResult
from search.launch.confirming import Confirming
from search.launch.until_confirmed import UntilConfirmed
from search.study.session import Session
from search.study.trials import Trial
from search.workers.crew import Crew, Failed, Job, Outcome
from search.workers.protocol import Workers

log = logging.getLogger("drilldown")


class Watcher(Protocol):
    """Told of everything as it happens; what it makes of it is its own affair."""

    def started(self, number: int, config: Config) -> None: ...
    def epoch(self, number: int, result: EpochResult) -> None: ...
    def ended(self, trial: Trial) -> None: ...


class Owner:
    """Runs a study until a number of its trials are finished, a time is over, or a signal comes."""

    def __init__(self, session: Session, workers: Workers, watchers: Sequence[Watcher]) -> None:
        self._session, self._workers, self._watchers = session, workers, watchers
        self._trials, self._deadline = 0, math.inf
        self._until_held = self._held = False

    def run(
        self,
        trials: int,
        timeout: float | None = None,
        until_held: bool = False,
        race: Confirming | None = None,
    ) -> int:
        """Go on until `trials` of the study are finished; returns 0, or the signal that ended it.

        timeout: seconds after which no further trial is started; those running are finished.
        until_held: whether none is started either once one that ends here holds the goal. race:
        has the complete ones confirmed meanwhile, and ends all once one is.

        On SIGINT, SIGTERM or SIGHUP what is running is marked interrupted, and everything finished
        is kept.
        """
        self._trials, self._until_held = trials, until_held
        self._deadline = math.inf if timeout is None else monotonic() + timeout
        try:
            client = self if race is None else UntilConfirmed(self, race)
            return Crew(self._workers, client).run()
        finally:
            self._session.interrupt()

    def next_job(self) -> Job | None:
        """The next trial, as long as there is time and the study wants one."""
        if not self._going_on():
            return None
        asked = self._session.ask(self._trials)
        if asked is None:
            return None
        number, config = asked
        for watcher in self._watchers:
            watcher.started(number, config)
        return Job(number, f"trial {number}", config, config.epochs)

    def _going_on(self) -> bool:
        return monotonic() < self._deadline and not (self._until_held and self._held)

    def began(self, job: Job, remark: str) -> None:
        if remark:
            log.info("%s: %s", job.name, remark)

    def epoch(self, job: Job, result: EpochResult) -> bool:
        """Whether the trial goes on: here it is stopped where the pruner says so."""
        for watcher in self._watchers:
            watcher.epoch(job.number, result)
        if not math.isfinite(result.test_acc):
            return False  # nothing that a pruner, or the storage, should see
        if not self._session.report(job.number, result):
            return False  # somebody else has ended it
        return result.epoch >= job.epochs or not self._session.hopeless(job.number)

    def ended(self, outcome: Outcome) -> None:
        """Tell the study, and all who watch."""
        number, results = outcome.job.number, outcome.results
        if isinstance(outcome, Failed):
            trial = self._session.failed(number, results, outcome.environment, outcome.reason)
        elif outcome.stopped:
            trial = self._session.pruned(number, results, outcome.environment)
        else:
            trial = self._session.complete(number, results, outcome.environment)
        self._held = self._held or trial.holds_goal
        for watcher in self._watchers:
            watcher.ended(trial)
