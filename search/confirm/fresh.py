"""Configs on seeds that no search has seen: what tells a net that is good from one that was
lucky."""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import count, islice

from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.seeds import derived_seed
from search.workers import training
from search.workers.crew import Job
from search.workers.ledger import Ledger, Run, Watcher, does, train_missing
from search.workers.protocol import Start

LEDGER = "confirmed.jsonl"  # in the folder of a search: its finalists' trainings on fresh seeds
_FRESH = 1  # the end of a fresh seed's derivation: those of stages have one part less


def fresh_seeds(seed: int, wanted: int, used: Collection[int] = ()) -> list[int]:
    """The first so many fresh seeds of a search that has this seed, but for those it has used: of
    32 bits two may be the same by chance."""
    derived = (derived_seed(seed, number, _FRESH) for number in count())
    return list(islice((each for each in derived if each not in used), wanted))


def trained_fresh(config: Config, runs: Sequence[Run], used: Collection[int] = ()) -> list[Run]:
    """A config's whole trainings on fresh seeds, each seed's first, in the order of the runs.

    used: seeds that are not fresh, besides the config's own.
    """
    found: dict[int, Run] = {}
    for run in runs:
        stale = run.seed == config.seed or run.seed in used or run.seed in found
        if not stale and does(run, Job(0, run.name, config.changed(seed=run.seed), config.epochs)):
            found[run.seed] = run
    return list(found.values())


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
