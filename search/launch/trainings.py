"""What a person sees while trainings outside a study run, such as finalists' on fresh seeds."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.text import Text

from mnist_core.result import EpochResult
from mnist_core.words import part, percent
from search.confirm.race import Standing, best_first
from search.launch.running import Running, said_time, time_left
from search.launch.terminal import shown
from search.text.console import Grid
from search.text.wording import share
from search.workers.crew import Failed, Job, Outcome

log = logging.getLogger("drilldown")


class LiveTrainings:
    """Follows them in a terminal: what runs, what is over, how long it will take."""

    def __init__(self, title: str, workers: int, first: Sequence[str] = ()) -> None:
        """workers: how many run at once. first: lines that come before all others."""
        self._title, self._workers, self._first = title, workers, first
        self._all = self._ended = self._failed = 0
        self._running: dict[int, tuple[Job, Running]] = {}
        self._since, self._took = monotonic(), list[float]()

    def todo(self, left: int, done: int) -> None:
        self._all, self._ended = left + done, done

    def started(self, job: Job) -> None:
        self._running[job.number] = job, Running(job.config.params, job.epochs, monotonic())

    def epoch(self, job: Job, result: EpochResult) -> None:
        running = self._running[job.number][1]
        running.latest, running.seen = result, monotonic()

    def ended(self, outcome: Outcome) -> None:
        job, running = self._running.pop(outcome.job.number)
        self._took.append(monotonic() - running.since)
        self._ended += 1
        if isinstance(outcome, Failed):
            self._failed += 1  # and is said already
        else:
            said = "%s, seed %d: %s %s %% in its last epoch"
            accuracy = percent(outcome.results[-1].test_acc)
            log.info(said, job.name, job.config.seed, job.config.data.judge, accuracy)

    def attach(self, console: Console) -> AbstractContextManager[None]:
        """The view on this console, shown while the context that it is lasts."""
        return shown(self.view, console)

    def view(self) -> RenderableType:
        """The live view."""
        running = [each for _, each in self._running.values()]
        waiting = max(0, self._all - self._ended - len(running))
        left = time_left(running, self._took, waiting, self._workers)
        ended = f"{part(self._ended, self._all, 'training')} ended: {self._failed} failed"
        judges = {job.config.data.judge for job, _ in self._running.values()}
        judge = f"{judges.pop()} " if len(judges) == 1 else ""
        heads = ("net", "seed", "epoch", f"{judge}accuracy", "time left")
        lines = [
            [job.name, str(job.config.seed), *each.cells()]
            for _, (job, each) in sorted(self._running.items())
        ]
        return Group(
            *map(Text, self._first),
            Text(self._title, "bold"),
            Text(ended),
            Text(said_time(len(running), monotonic() - self._since, left)),
            *self.results(),
            Grid(heads, lines, {"net"}),
        )

    def results(self) -> Sequence[RenderableType]:
        """What has come of those that ended, between the counts and what runs."""
        return ()


class LiveRace(LiveTrainings):
    """Follows a race: how each contender stands, too."""

    def __init__(self, title: str, workers: int, first: Sequence[str] = ()) -> None:
        super().__init__(title, workers, first)
        self._standings: Sequence[Standing] = ()

    def stand(self, standings: Sequence[Standing]) -> None:
        self._standings = standings

    def results(self) -> Sequence[RenderableType]:
        heads = ("net", "referee", "held", "P(goal)", "at least", "at most")
        lines = [
            [
                each.contender.name,
                str(each.verdict),
                f"{each.statement.held} of {each.statement.seeds}",
                *map(share, (each.statement.probability, each.statement.low, each.statement.high)),
            ]
            for each in best_first(self._standings)
        ]
        return (Grid(heads, lines, {"net"}), Text())
