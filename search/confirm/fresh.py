"""Configs on seeds that no search has seen: what tells a net that is good from one that was
lucky."""

import math
from collections.abc import Mapping, Sequence

from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.seeds import derived_seed
from search.workers import training
from search.workers.crew import Job
from search.workers.ledger import Ledger, Run, Watcher, does, train_missing
from search.workers.protocol import Start

_FRESH = 1  # the end of a fresh seed's derivation: those of stages have one part less


def fresh_seeds(seed: int, count: int) -> list[int]:
    """The first so many fresh seeds of a search that has this seed."""
    return [derived_seed(seed, number, _FRESH) for number in range(count)]


def train_fresh(
    configs: Mapping[str, Config],
    seeds: Sequence[int],
    ledger: Ledger,
    workers: int | None,
    device: str = "cpu",
    engine: Wanted = "auto",
    start: Start = training.start,
    watcher: Watcher | None = None,
    deadline: float = math.inf,
) -> dict[str, list[Run]]:
    """Each config, known by a name, on each of the seeds; what the ledger holds is not run again.

    watcher, deadline: see `train_missing`.

    Returns the runs of each name, in the order of the seeds, without those that failed or were not
    begun. Raises
    UserError as `train_missing`.
    """
    jobs = _jobs(configs, seeds)
    train_missing(jobs, ledger.runs, ledger, workers, device, engine, start, watcher, deadline)
    return fresh_runs(configs, seeds, ledger)


def fresh_runs(
    configs: Mapping[str, Config], seeds: Sequence[int], ledger: Ledger
) -> dict[str, list[Run]]:
    """The same of what the ledger holds already; nothing is trained."""
    runs: dict[str, list[Run]] = {name: [] for name in configs}
    for job in _jobs(configs, seeds):
        done = next((run for run in ledger.runs if does(run, job)), None)
        if done is not None:
            runs[job.name].append(done)
    return runs


def _jobs(configs: Mapping[str, Config], seeds: Sequence[int]) -> list[Job]:
    each = [(name, config, seed) for name, config in configs.items() for seed in seeds]
    return [
        Job(number, name, config.changed(seed=seed), config.epochs)
        for number, (name, config, seed) in enumerate(each)
    ]
