"""The table that decides how a search should work: what a cheap training says of a whole one.

`python tests/fidelity.py` trains what is missing of it, for hours, and can be stopped at any time:
180 random configs of the open space, each on five fidelities, from 15 epochs on all of MNIST down
to 3 on a third, a third of the configs on two seeds; the 20 best by 15 epochs on 8 more seeds.

`data/fidelity-configs.jsonl` holds the configs, drawn once: a change of the space changes none.
`data/fidelity.jsonl` is the ledger, one line a training, only ever added to.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core.config import Config, Data, Ema
from mnist_core.goal import Goal
from mnist_core.schedule import Step
from mnist_core.seeds import derived_seed
from search.workers import training
from search.workers.crew import Job
from search.workers.ledger import Run, end_last_line, run_all
from search.workers.protocol import Start

DATA = Path(__file__).parent / "data"
CONFIGS, LEDGER = DATA / "fidelity-configs.jsonl", DATA / "fidelity.jsonl"
GOAL = Goal()
WHOLE = (15, 60_000)
FIDELITIES = (WHOLE, (9, 60_000), (5, 60_000), (3, 60_000), (3, 20_000))
"""(epochs, training images): each a training whose schedule comes to its end."""
FINALISTS, SEEDS = 20, 8
_WORLD = 11  # what all seeds are derived from


@dataclass(frozen=True)
class Line:
    """A training of the ledger. test_acc: percent, one an epoch."""

    config: str
    seed: int
    epochs: int
    images: int
    engine: str
    test_acc: tuple[float, ...]
    fit_acc: float | None
    seconds: float

    @property
    def key(self) -> tuple[str, int, int, int]:
        return self.config, self.seed, self.epochs, self.images


@dataclass(frozen=True)
class Training:
    """One that the table wants. config: the id of the config that it is annealed from."""

    config: str
    trained: Config

    @property
    def key(self) -> tuple[str, int, int, int]:
        return self.config, self.trained.seed, self.trained.epochs, self.trained.data.train


def configs(path: Path = CONFIGS) -> dict[str, Config]:
    """By id, in the order in which they are trained."""
    lines = map(json.loads, path.read_text().splitlines())
    return {line["id"]: Config.from_dict(line["config"]) for line in lines}


def held_out(config: str) -> bool:
    """Whether the config of this id is of the held-out half, which nothing is chosen on; it follows
    from the id alone, so no config ever changes sides."""
    return hashlib.sha256(config.encode()).digest()[0] % 2 == 1


def ledger(path: Path = LEDGER) -> list[Line]:
    """What has been trained; a line that a crash tore is left out."""
    text = path.read_text() if path.exists() else ""
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    return [Line(**{**line, "test_acc": tuple(line["test_acc"])}) for line in lines]


def annealed(config: Config, epochs: int, images: int) -> Config:
    """The config on so many epochs and images, with its schedule whole: what is a length in it, the
    steps between two drops of the rate and those that the average looks back on, keeps its share of
    the run."""
    data = Data(train=images, test=config.data.test)
    steps = epochs * config.changed(data=data).batches
    part = steps / (config.epochs * config.batches)
    if part == 1:
        return config
    changes: dict[str, Any] = {}
    if isinstance(config.schedule, Step):
        size = max(1, round(config.schedule.size / config.epochs * steps))
        changes["schedule"] = Step(per="batch", size=size, gamma=config.schedule.gamma)
    if isinstance(config.averaging, Ema):
        over = part / (1 - config.averaging.decay)
        changes["averaging"] = Ema(decay=1 - 1 / max(1.0, over))
    return config.changed(epochs=epochs, data=data, **changes)


def wanted(known: dict[str, Config], done: Sequence[Line]) -> Iterator[Training]:
    """All of the table, in order: every config whole, the finalists, then the cheap trainings, of
    which those of the first 50 configs were made first."""
    yield from _each(known, [WHOLE])
    yield from _finalists(known, done)
    yield from _each(known, FIDELITIES[1:])


def _each(known: dict[str, Config], fidelities: Sequence[tuple[int, int]]) -> Iterator[Training]:
    """One config after another, a third of them on two seeds."""
    for number, (name, config) in enumerate(known.items()):
        for repeat in range(1 if number % 3 else 2):
            for epochs, images in fidelities:
                place = FIDELITIES.index((epochs, images))
                seed = derived_seed(_WORLD, number, place, repeat)
                yield Training(name, annealed(config, epochs, images).changed(seed=seed))


def _finalists(known: dict[str, Config], done: Sequence[Line]) -> Iterator[Training]:
    """The best by their first seed, once all have it."""
    first = {name: derived_seed(_WORLD, number, 0, 0) for number, name in enumerate(known)}
    scores = {
        line.config: GOAL.ending(line.test_acc).score
        for line in done
        if (line.epochs, line.images) == WHOLE and line.seed == first[line.config]
    }
    if len(scores) < len(known):
        return
    for name in sorted(scores, key=lambda name: -scores[name])[:FINALISTS]:
        for number in range(SEEDS):
            seed = derived_seed(_WORLD, number, 0, 2)  # no config is trained a third time above
            yield Training(name, known[name].changed(seed=seed))


def go_on(path: Path = LEDGER, workers: int = 2, start: Start = training.start) -> int:
    """Train what is missing, each kept as it is finished; returns how much that was."""
    done = ledger(path)
    keys = {line.key for line in done}
    left = {str(one.key): one for one in wanted(configs(), done) if one.key not in keys}
    jobs = [
        Job(number, name, one.trained, one.trained.epochs)
        for number, (name, one) in enumerate(left.items())
    ]

    def keep(run: Run) -> None:
        config, seed, epochs, images = left[run.name].key
        line = {
            "config": config,
            "seed": seed,
            "epochs": epochs,
            "images": images,
            "engine": str(run.environment.engine),
            "test_acc": run.test_acc,
            "fit_acc": run.fit_acc,
            "seconds": run.seconds,
        }
        with path.open("a+b") as file:
            end_last_line(file)
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    if jobs:
        run_all(jobs, workers, "cpu", "native", keep, start)
    return len(jobs)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    while go_on():
        pass
