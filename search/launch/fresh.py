"""What a person sees of trainings on fresh seeds beside a study's trials."""

import logging
from collections.abc import Sequence
from time import monotonic

from mnist_core.goal import Goal
from mnist_core.result import EpochResult
from mnist_core.words import does, part, percent
from search.chance.referee import Verdict
from search.confirm.race import Standing, best_first
from search.launch.running import Running
from search.text.wording import share
from search.workers.crew import Failed, Job, Outcome

log = logging.getLogger("drilldown")


def sentence(standing: Standing) -> str:
    """What fresh seeds say of a config."""
    said, name = standing.statement, standing.contender.name
    failed = f", {standing.failed} failed" if standing.failed else ""
    where = ", judged by the test images" * standing.contender.unsealed
    if not said.seeds:
        return f"{str(standing.verdict).capitalize()}: {name}, no fresh seed yet{failed}"
    low, high = share(said.low), share(said.high)
    return (
        f"{str(standing.verdict).capitalize()}: {name}, P(goal) {share(said.probability)} "
        f"({low} to {high}), {part(said.held, said.seeds, 'fresh seed')} "
        f"{does(said.held, 'holds')} it{failed}{where}"
    )


class FreshSeeds:
    """Follows them: what runs, and the best confirmed config and the best open one."""

    def __init__(self, goal: Goal, level: int, standings: Sequence[Standing] = ()) -> None:
        """level: of the line for an epoch. standings: of configs that have been on fresh seeds."""
        self.running: dict[int, tuple[Job, Running]] = {}
        self._goal, self._level = goal, level
        self._standings = {each.contender.name: each for each in standings}

    def confirming(self, job: Job, standing: Standing) -> None:
        self.running[job.number] = job, Running(job.config.params, job.epochs, monotonic())
        self._standings[job.name] = standing

    def seed_epoch(self, job: Job, result: EpochResult) -> None:
        running = self.running[job.number][1]
        running.latest, running.seen = result, monotonic()
        log.log(
            self._level,
            "%s, seed %d: epoch %d/%d, %s %s %%, train %s %%, %.1f s",
            job.name,
            job.config.seed,
            result.epoch,
            job.epochs,
            job.config.data.judge,
            percent(result.test_acc, self._goal.accuracy),
            percent(result.train_acc),
            result.seconds,
        )

    def judged(self, outcome: Outcome, standing: Standing) -> None:
        self.running.pop(outcome.job.number)
        self._standings[outcome.job.name] = standing
        if not isinstance(outcome, Failed) and not outcome.stopped:
            log.info("%s", sentence(standing))

    def best(self) -> list[str]:
        """The best confirmed config and the best open one, in a sentence each."""
        found = best_first(list(self._standings.values()))
        first = [
            next((each for each in found if each.verdict == verdict), None)
            for verdict in (Verdict.CONFIRMED, Verdict.OPEN)
        ]
        return [sentence(each) for each in first if each is not None]
