"""Finalists race on fresh seeds until the referee has a word for each.

Whatever is judged follows from the ledger alone, so that a race that was stopped goes on as if it
had not been, and nothing is trained twice.
"""

import logging
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from mnist_core import record as files
from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.goal import Ending, Goal
from mnist_core.record import Record
from mnist_core.result import EpochResult
from mnist_core.words import part
from search.chance.referee import LEAST_TO_REFUTE, VERSION, Statement, Verdict, judge
from search.confirm.fresh import trained_fresh
from search.workers import ledger as trainings
from search.workers.crew import Failed, Job, Outcome
from search.workers.ledger import Ledger, Run
from search.workers.protocol import Start

log = logging.getLogger("drilldown")
_RANKS = (Verdict.CONFIRMED, Verdict.OPEN, Verdict.REFUTED)


@dataclass(frozen=True)
class Contender:
    """A config that is to be confirmed."""

    name: str
    kept: Record
    """What is known of it, with the curve that it was picked for, if there is one."""
    used: Collection[int] = ()
    """Seeds that are not fresh besides its own: what the search has seen."""
    seeds: Sequence[int] = ()
    """Fresh ones, in the order in which they are trained."""
    picked_for: tuple[float, ...] | None = None
    """The curve of the search, where it was found without the test images, and so is no curve of
    this config; see `search.launch.unsealed`."""

    @property
    def unsealed(self) -> bool:
        """Whether it was found without the test images, by which it is judged now."""
        return self.picked_for is not None

    @property
    def config(self) -> Config:
        return self.kept.config

    @property
    def trial(self) -> int | None:
        """Its number in its study; None of what is no trial."""
        return None if self.kept.origin is None else self.kept.origin.trial

    @property
    def test_acc(self) -> tuple[float, ...]:
        """Of the training that it was picked for, percent, one an epoch; none where that is not
        known to its end."""
        expected = self.kept.expected
        own = expected.test_acc if expected is not None else ()
        curve = own if self.picked_for is None else self.picked_for
        return curve if len(curve) == self.config.epochs else ()

    def trained(self, runs: Sequence[Run]) -> list[Run]:
        """Its trainings on fresh seeds, each seed's first, as they come among the runs."""
        return trained_fresh(self.config, runs, self.used)


@dataclass(frozen=True)
class Standing:
    """What is known of a contender. Accuracies are percent, differences points."""

    contender: Contender
    runs: Sequence[Run]
    """On fresh seeds, in the order in which they ended."""
    goal: Goal
    failed: int = 0
    """Trainings on fresh seeds that came to nothing."""

    @cached_property
    def endings(self) -> list[Ending]:
        """What each fresh curve comes to."""
        return [self.goal.ending(run.test_acc) for run in self.runs]

    @property
    def worst(self) -> list[float]:
        """Of the last epochs, on each fresh seed."""
        return [ending.worst for ending in self.endings]

    @property
    def mean(self) -> float | None:
        """Of `worst`; None without a seed."""
        return statistics.fmean(self.worst) if self.runs else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of `worst`; None of fewer than two seeds."""
        return statistics.stdev(self.worst) if len(self.runs) > 1 else None

    @property
    def score(self) -> float:
        """What contenders are ranked by: the mean score over the fresh seeds; without one that of
        the training that it was picked for, which was picked for being high."""
        if self.runs:
            return statistics.fmean(ending.score for ending in self.endings)
        curve = self.contender.test_acc
        return self.goal.ending(curve).score if curve else 0.0

    @property
    def searched(self) -> float | None:
        """Worst of the last epochs of the training that it was picked for."""
        curve = self.contender.test_acc
        return self.goal.ending(curve).worst if curve else None

    @property
    def optimism(self) -> float | None:
        """By how much that promised more than the fresh seeds hold."""
        if self.searched is None or self.mean is None:
            return None
        return self.searched - self.mean

    @cached_property
    def statement(self) -> Statement:
        """The referee's."""
        return judge(self.worst, self.goal.accuracy, self.contender.config.data.test)

    @property
    def verdict(self) -> Verdict:
        """As the statement has it; but what failed on a seed is not confirmed."""
        found = self.statement.verdict
        return Verdict.OPEN if self.failed and found == Verdict.CONFIRMED else found

    @property
    def record(self) -> Record:
        """The contender's config with all its fresh curves and the statement, if there is one. That
        of one that was found without the test images expects its first fresh curve, as it has no
        other."""
        kept = self.contender.kept
        if self.contender.unsealed and self.runs:
            first = self.runs[0]
            kept = kept.changed(
                config=kept.config.changed(seed=first.seed),
                environment=first.environment,
                expected=files.Expected(test_acc=first.test_acc),
            )
        curves = tuple(files.Confirmed(seed=run.seed, test_acc=run.test_acc) for run in self.runs)
        return kept.changed(confirmed=curves, statement=self._statement)

    @property
    def _statement(self) -> files.Statement | None:
        said = self.statement
        if said.probability is None:
            return None
        return files.Statement(
            verdict=self.verdict.value,
            rule=VERSION,
            seeds=said.seeds,
            held=said.held,
            probability=said.probability,
            low=said.low,
            high=said.high,
            goal=self.goal,
        )


def best_first(standings: Sequence[Standing]) -> list[Standing]:
    """Confirmed ones, then open ones, then refuted ones, each with the highest score first, and of
    equals as they stood; behind all those that failed on a seed, as nets not to be relied on."""
    return sorted(
        standings, key=lambda each: (each.failed, _RANKS.index(each.verdict), -each.score)
    )


class Watcher(trainings.Watcher, Protocol):
    """Told of a race as it happens."""

    def stand(self, standings: Sequence[Standing]) -> None:
        """How all stand now, in the order of the contenders."""


class Lines(trainings.Lines):
    """Says each epoch in a line; what the referee says, the race tells itself."""

    def todo(self, left: int, done: int) -> None:
        """Of a race it is not known beforehand."""

    def stand(self, standings: Sequence[Standing]) -> None: ...


class Race:
    """The client of a crew that has the contenders trained: a free worker gets the open one that
    promises most, and waits for nothing. A confirmed or refuted one gets no more, and what still
    runs of it is stopped."""

    def __init__(
        self,
        contenders: Sequence[Contender],
        goal: Goal,
        ledger: Ledger,
        seeds: int,
    ) -> None:
        """seeds: that a contender gets at most, those in the ledger included."""
        self._goal, self._ledger, self._most = goal, ledger, seeds
        self.watcher: Watcher = Lines()
        self._lanes = [Lane(each, goal, ledger.runs) for each in contenders]
        self._jobs: dict[int, Lane] = {}
        self._keeper = trainings.Keeper(ledger.add)

    def run(self, workers: int, device: str, engine: Wanted, start: Start) -> list[Standing]:
        """Go on to the end on so many workers of this machine; returns how all stand then, best
        first. Where nothing is left to be trained no worker is started.

        Raises UserError where the device is not there, the native engine is wanted and cannot run
        every config, the ledger cannot be written, the data cannot be had, or no worker starts;
        SystemExit where a signal ends it.
        """
        left = self.left
        if left:
            engine = trainings.prepare(left, self._ledger, device, engine)
            trainings.work(self, workers, device, engine, start)
        return best_first(self.standings)

    @property
    def standings(self) -> list[Standing]:
        """In the order of the contenders."""
        return [lane.standing for lane in self._lanes]

    @property
    def confirmed(self) -> Standing | None:
        """The first that is."""
        found = [each for each in self.standings if each.verdict == Verdict.CONFIRMED]
        return best_first(found)[0] if found else None

    @property
    def left(self) -> list[Job]:
        """The trainings that each contender may still get; their numbers mean nothing yet."""
        return [lane.job(seed) for lane in self.waiting() for seed in lane.waiting(self._most)]

    def waiting(self) -> list["Lane"]:
        """Who may get a seed now, in the order of their turns."""
        waiting = [lane for lane in self._lanes if lane.waiting(self._most)]
        return sorted(waiting, key=lambda each: each.place)

    def next_job(self) -> Job | None:
        waiting = self.waiting()
        if not waiting:
            return None
        lane = waiting[0]
        job = lane.begin(len(self._jobs), self._most)
        self._jobs[job.number] = lane
        self._tell()
        self.watcher.started(job)
        return job

    def began(self, job: Job, remark: str) -> None:
        self._keeper.began(job, remark)

    def epoch(self, job: Job, result: EpochResult) -> bool:
        """Whether the training is still asked for."""
        self.watcher.epoch(job, result)
        return self._jobs[job.number].open

    def ended(self, outcome: Outcome) -> None:
        lane, job = self._jobs[outcome.job.number], outcome.job
        before = lane.standing.verdict
        self.watcher.ended(outcome)
        lane.end(job, failed=isinstance(outcome, Failed))
        self._keeper.ended(outcome)
        lane.look(self._ledger.runs)
        if lane.standing.verdict != before:
            self.announce(lane.standing)
        self._tell()

    def announce(self, standing: Standing) -> None:
        """Somebody has another word now."""
        log.info("%s", said(standing))

    def _tell(self) -> None:
        done = sum(len(each.runs) for each in self.standings)
        running = sum(lane.running for lane in self._lanes)
        waiting = sum(len(lane.waiting(self._most)) for lane in self.waiting())
        self.watcher.todo(waiting + running, done)
        self.watcher.stand(self.standings)


def said(standing: Standing) -> str:
    """The word, in a sentence for a log."""
    statement = standing.statement
    held = part(statement.held, statement.seeds, "fresh seed")
    return f"{standing.contender.name}: {standing.verdict}: holds the goal on {held}"


class Lane:
    """One contender's way through a race."""

    def __init__(self, contender: Contender, goal: Goal, runs: Sequence[Run] = ()) -> None:
        """runs: those of the contender, and perhaps of others."""
        self._goal = goal
        self._failed: set[int] = set()
        self._running: set[int] = set()
        self.standing = Standing(contender, contender.trained(runs), goal)

    def look(self, runs: Sequence[Run]) -> None:
        """Judge what there is now."""
        trained = self.contender.trained(runs)
        self.standing = Standing(self.contender, trained, self._goal, len(self._failed))

    def becomes(self, contender: Contender) -> None:
        """The same recipe from now on, with what else is known of it."""
        self.standing = replace(self.standing, contender=contender)

    @property
    def contender(self) -> Contender:
        return self.standing.contender

    @property
    def begun(self) -> bool:
        """Whether it has been, or is, on a fresh seed."""
        return bool(self.standing.runs or self._running or self._failed)

    @property
    def open(self) -> bool:
        """Whether more trainings would say more."""
        return self.standing.verdict == Verdict.OPEN and not self._failed

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def place(self) -> tuple[int, float]:
        """The lowest is next: who has the fewest seeds, until the referee could say something, then
        who most likely holds the goal."""
        given = len(self.standing.runs) + self.running
        return min(given, LEAST_TO_REFUTE), -(self.standing.statement.probability or 0.0)

    def waiting(self, most: int) -> list[int]:
        """Seeds that it may still get, so many in all."""
        if not self.open:
            return []
        done = {run.seed for run in self.standing.runs} | self._running
        fresh = [seed for seed in self.contender.seeds if seed not in done]
        return fresh[: max(0, most - len(done))]

    def job(self, seed: int, number: int = 0) -> Job:
        config = self.contender.config.changed(seed=seed)
        return Job(number, self.contender.name, config, config.epochs)

    def begin(self, number: int, most: int) -> Job:
        """Its next one."""
        seed = self.waiting(most)[0]
        self._running.add(seed)
        return self.job(seed, number)

    def end(self, job: Job, failed: bool) -> None:
        self._running.discard(job.config.seed)
        if failed:
            self._failed.add(job.config.seed)
