"""The race of a study that goes on until one of its configs is confirmed.

Which config gets the next fresh seed, and whether any does, follows from the study's trials and the
ledger alone: a launch that was killed at any moment decides as it would have.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from time import monotonic
from typing import Protocol

from mnist_core.config import Config
from mnist_core.result import EpochResult
from search.chance import promise
from search.chance.promise import Population
from search.chance.referee import MOST, Verdict
from search.confirm.fresh import fresh_seeds
from search.confirm.race import Lane, Race, Standing, best_first
from search.launch import finalists, unsealed
from search.study.session import Session
from search.study.trials import Complete
from search.workers.crew import Failed, Job, Outcome
from search.workers.ledger import Keeper, Ledger, Run

_promise = lru_cache(1 << 16)(promise.promise)  # it is asked whenever a worker is free


class Watcher(Protocol):
    """Told of trainings on fresh seeds as they happen; what it makes of it is its own affair."""

    def confirming(self, job: Job, standing: Standing) -> None:
        """One begins."""

    def seed_epoch(self, job: Job, result: EpochResult) -> None: ...

    def judged(self, outcome: Outcome, standing: Standing) -> None:
        """One has ended, and this is how its config stands now."""


@dataclass(frozen=True)
class Confirmation:
    """How far a study has come on the way to a confirmed config."""

    standings: Sequence[Standing]
    """Of the configs that have been on a fresh seed, best first."""
    trained: int
    """Trainings on fresh seeds that this launch has finished, well or not."""
    failed: int
    """How many of them came to nothing."""
    left: bool
    """Whether a config is still worth a seed."""

    @property
    def confirmed(self) -> Standing | None:
        """The best that is."""
        return next((each for each in self.standings if each.verdict == Verdict.CONFIRMED), None)

    @property
    def open(self) -> list[Standing]:
        """Those of which more seeds would tell more, best first."""
        found = (each for each in self.standings if each.verdict == Verdict.OPEN)
        return [each for each in found if not each.failed]


class Confirming(Race):
    """The client of a crew that has a study's complete trials confirmed, which enter as they end.

    A free worker gets a seed for the config that most likely is confirmed in the end
    (`search.chance.promise`), as long as that is likely enough to be worth it; there is no seed for
    any once one is confirmed.
    """

    def __init__(self, session: Session, ledger: Ledger) -> None:
        goal = unsealed.goal(session.study.goal)
        super().__init__([], goal, ledger, MOST)
        self.watcher = _Unseen()
        self._session = session
        self._watchers: Sequence[Watcher] = ()
        self._deadline = math.inf
        self._keeper = Keeper(self._keep)
        self._lane_of: dict[Config, Lane] = {}  # by recipe
        self._trial_of: dict[Lane, Complete] = {}
        self._entered: set[int] = set()  # numbers of trials
        self._used: frozenset[int] = frozenset()
        self._population: Population | None = None
        self._trained = self._failed = 0
        self._enter()

    def prepare(self, watchers: Sequence[Watcher], deadline: float) -> None:
        """To be called before it is run. deadline: of the monotonic clock, seconds, after which no
        training is begun. Raises UserError where the ledger cannot be written."""
        self._watchers, self._deadline = watchers, deadline
        self._ledger.prepare()

    @property
    def standings(self) -> list[Standing]:
        """Of those that have been, or are, on a fresh seed."""
        return [lane.standing for lane in self._lanes if lane.begun]

    @property
    def confirmation(self) -> Confirmation:
        """How far it has come."""
        self._enter()
        standings = best_first([each for each in self.standings if each.runs or each.failed])
        return Confirmation(standings, self._trained, self._failed, bool(self.waiting()))

    def waiting(self) -> list[Lane]:
        """Those that are worth a seed, the likeliest first; of equals the best of the search."""
        if self.confirmed is not None or self._population is None:
            return []
        told = ((self._promise(lane, self._population), lane) for lane in self._lanes)
        found = [each for each in told if each[0] >= promise.LEAST and each[1].waiting(MOST)]
        return [lane for _, lane in sorted(found, key=self._place)]

    def _place(self, told: tuple[float, Lane]) -> tuple[float, float, int]:
        trial = self._trial_of[told[1]]
        return -told[0], -trial.score, trial.number

    def _promise(self, lane: Lane, population: Population) -> float:
        if not lane.open:
            return 0.0
        stands, images = lane.standing, lane.contender.config.data.test
        return _promise(
            stands.searched, tuple(stands.worst), population, self._goal.accuracy, images
        )

    def next_job(self) -> Job | None:
        if monotonic() >= self._deadline:
            return None
        self._enter()
        job = super().next_job()
        if job is not None:
            for watcher in self._watchers:
                watcher.confirming(job, self._jobs[job.number].standing)
        return job

    def epoch(self, job: Job, result: EpochResult) -> bool:
        for watcher in self._watchers:
            watcher.seed_epoch(job, result)
        return super().epoch(job, result)

    def ended(self, outcome: Outcome) -> None:
        super().ended(outcome)
        self._failed += isinstance(outcome, Failed)
        self._trained += isinstance(outcome, Failed) or not outcome.stopped
        for watcher in self._watchers:
            watcher.judged(outcome, self._jobs[outcome.job.number].standing)

    def announce(self, standing: Standing) -> None:
        """Its watchers say that, with all else."""

    def _keep(self, run: Run) -> None:
        with self._session.ours():
            self._ledger.add(run)

    def _enter(self) -> None:
        """Have all enter that are complete by now."""
        study = self._session.study
        with self._session.ours():
            found = study.trials()
        complete = [trial for trial in found if isinstance(trial, Complete)]
        used = finalists.used(found)
        if used == self._used and len(complete) == len(self._entered):
            return
        self._used = used
        fresh = fresh_seeds(finalists.seed_of(study), MOST, used)
        for lane in self._lanes:
            lane.becomes(replace(lane.contender, used=used, seeds=fresh))
        for trial in complete:
            if trial.number not in self._entered:
                self._add(trial, fresh)
        if complete:
            worst = [trial.ending.worst for trial in complete]
            self._population = Population.of(worst, complete[0].config.data.test)

    def _add(self, trial: Complete, fresh: Sequence[int]) -> None:
        """One that has just ended, or that was there before."""
        self._entered.add(trial.number)
        recipe = trial.config.recipe
        contender = finalists.contender(self._session.study, trial, self._used, fresh)
        if recipe not in self._lane_of:
            self._lanes.append(Lane(contender, self._goal))
        lane = self._lane_of.setdefault(recipe, self._lanes[-1])
        first = self._trial_of.setdefault(lane, trial)
        if (-trial.score, trial.number) < (-first.score, first.number):
            self._trial_of[lane] = trial
            lane.becomes(contender)
        if any(run.name == contender.name for run in self._ledger.runs):
            lane.look(self._ledger.runs)  # of all, which takes long


class _Unseen:
    """All that a race tells, its own watchers are told otherwise."""

    def todo(self, left: int, done: int) -> None: ...
    def started(self, job: Job) -> None: ...
    def epoch(self, job: Job, result: EpochResult) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...
    def stand(self, standings: Sequence[Standing]) -> None: ...
