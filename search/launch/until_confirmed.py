"""A study's trials and the race of those that are complete, for one crew."""

from dataclasses import replace

from mnist_core.result import EpochResult
from search.launch.confirming import Confirming
from search.workers.crew import Client, Job, Outcome


class UntilConfirmed:
    """The client of a crew: a free worker gets a seed where a config is worth one, else the next
    trial; nothing once a config is confirmed. Each of the two knows its jobs by its own numbers."""

    def __init__(self, trials: Client, race: Confirming) -> None:
        self._trials, self._race = trials, race
        self._begun: list[tuple[Client, Job]] = []

    def next_job(self) -> Job | None:
        if self._race.confirmed is not None:
            return None
        clients: tuple[Client, ...] = (self._race, self._trials)
        for client in clients:
            job = client.next_job()
            if job is not None:
                self._begun.append((client, job))
                return replace(job, number=len(self._begun) - 1)
        return None

    def began(self, job: Job, remark: str) -> None:
        client, own = self._begun[job.number]
        client.began(own, remark)

    def epoch(self, job: Job, result: EpochResult) -> bool:
        client, own = self._begun[job.number]
        return client.epoch(own, result)

    def ended(self, outcome: Outcome) -> None:
        client, own = self._begun[outcome.job.number]
        client.ended(replace(outcome, job=own))
