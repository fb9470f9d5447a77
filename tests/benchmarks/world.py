"""The world that searches are replayed in: a half of the table of trainings, and what is drawn of
it.

Replayed is every curve: a trial of a search has the recorded curve of a config of the table, one
of its seeds. Modelled is what fresh seeds would say of the config. With y the logarithm of the
worst error of the last epochs, as the referee has it, the configs of the half are taken for
normally distributed about their mean and the trainings of each about its own; the mean of a config
is drawn from what its recorded seeds leave open, and fresh seeds about that. Mean and deviation of
the configs and the noise of seeds are estimated from the recorded seeds of the same half.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import NormalDist, fmean, pvariance
from typing import Any, Self

import fidelity
import numpy as np
from fidelity import Line
from numpy.typing import NDArray

from mnist_core.config import Config
from search.chance import referee
from spaces.dimensions import Choice, Dimension

IMAGES = 10_000
"""That every accuracy of the table was counted on."""
SHARES = (0.03, 0.1, 0.25)
"""Of the configs of the tuning half, those that hold the benchmark's goals in truth."""
HOLDS = referee.SHARE
"""Of all trainings of a config that holds a goal in truth, those that do."""
_GOOD = 1.0  # percent: the noise is that of configs with less error; it is larger in bad ones
_CHANCE = 12  # what all draws are derived from
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """A config of the table. curves: of its whole trainings, percent, one an epoch."""

    name: str
    sample: Mapping[str, Any]
    config: Mapping[str, Any]
    curves: Sequence[tuple[float, ...]]

    @cached_property
    def errors(self) -> list[float]:
        """y of each curve."""
        return [_error(curve) for curve in self.curves]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A config as a search meets it: new each time, as its truth and its fresh seeds are.

    mean: of y, in truth. fresh: the worst of the last epochs on each fresh seed, percent.
    """

    recorded: Recorded
    curve: tuple[float, ...]
    mean: float
    fresh: Sequence[float]

    @cached_property
    def worst(self) -> float:
        """Of the last epochs of the recorded curve, percent."""
        return fidelity.GOAL.ending(self.curve).worst

    @cached_property
    def score(self) -> float:
        return fidelity.GOAL.ending(self.curve).score


class World:
    """Some configs, and what is estimated of them all."""

    def __init__(self, configs: Sequence[Recorded]) -> None:
        """Raises ValueError where too few of them have two seeds."""
        self.configs = configs
        pairs = [each.errors for each in configs if len(each.errors) > 1]
        good = [each for each in pairs if fmean(each) < math.log(_GOOD)]
        freedom = sum(len(each) - 1 for each in good)
        if not freedom:
            raise ValueError("no good config has two seeds: the noise of seeds is not known")
        self.pairs = len(good)
        squares = math.fsum((y - fmean(each)) ** 2 for each in good for y in each)
        self.noise = math.sqrt(squares / freedom)
        self.mean = fmean(fmean(each.errors) for each in configs)
        seeds = fmean(1 / len(each.errors) for each in configs)
        between = pvariance([fmean(each.errors) for each in configs]) - seeds * self.noise**2
        self.spread = math.sqrt(max(between, self.noise**2))
        self._posterior = [self._known(each.errors) for each in configs]

    def _known(self, errors: Sequence[float]) -> tuple[float, float]:
        """(mean, deviation) of what the mean of a config may be in truth."""
        weight = 1 / self.spread**2 + len(errors) / self.noise**2
        total = self.mean / self.spread**2 + math.fsum(errors) / self.noise**2
        return total / weight, math.sqrt(1 / weight)

    def most(self, accuracy: float) -> float:
        """The highest mean of y with which a config holds this goal, percent, in truth."""
        allowed = referee.log_allowed(accuracy, IMAGES)
        return allowed - NormalDist().inv_cdf(HOLDS) * self.noise

    def holds(self, drawn: Drawn, accuracy: float) -> bool:
        """In truth."""
        return drawn.mean <= self.most(accuracy)

    def share(self, accuracy: float) -> float:
        """Of what is drawn, that which holds this goal in truth."""
        most = self.most(accuracy)
        return fmean(NormalDist(*known).cdf(most) for known in self._posterior)

    def accuracy(self, share: float) -> float:
        """Of the goal that such a share holds in truth, percent."""
        low, high = 50.0, 100.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.share(middle) > share else (low, middle)
        return high

    def pool(self, order: int) -> "Pool":
        """What the search of this number draws from, whatever its strategy."""
        return Pool(self, order)


class Pool:
    """As many configs as there are, drawn with replacement: one bootstrap. Once all have been tried
    a new pass begins, in which the truth of each is drawn anew, and which of its recorded seeds is
    replayed."""

    def __init__(self, world: World, order: int) -> None:
        self._world, self._order = world, order
        chance = np.random.default_rng([_CHANCE, order])
        self.size = len(world.configs)
        self.places: Sequence[int] = chance.integers(self.size, size=self.size).tolist()
        """Of each of them among the configs of the world."""
        self._passes: list[list[Drawn]] = []

    def drawn(self, number: int) -> list[Drawn]:
        """All of them, in the pass of this number."""
        while len(self._passes) <= number:
            self._passes.append(self._draw(len(self._passes)))
        return self._passes[number]

    def _draw(self, number: int) -> list[Drawn]:
        chance = np.random.default_rng([_CHANCE, self._order, number])
        found = []
        for place in self.places:
            recorded = self._world.configs[place]
            mean = chance.normal(*self._world._posterior[place])
            fresh = 100 - np.exp(chance.normal(mean, self._world.noise, referee.MOST))
            curve = recorded.curves[chance.integers(len(recorded.curves))]
            found.append(Drawn(recorded, curve, mean, fresh.tolist()))
        return found


class Walk:
    """One search's way through a pool: it is given the nearest config to what it proposes that it
    has not tried in this pass."""

    def __init__(self, pool: Pool, dimensions: Mapping[str, Dimension]) -> None:
        self._pool, self._dimensions = pool, dimensions
        known: dict[int, Floats] = {}
        for drawn, place in zip(pool.drawn(0), pool.places, strict=True):
            if place not in known:
                known[place] = point(drawn.recorded.sample, dimensions)
        self._points = np.array([known[place] for place in pool.places])
        self._pass, self._tried = 0, np.zeros(pool.size, bool)

    def nearest(self, sample: Mapping[str, Any]) -> Drawn:
        if self._tried.all():
            self._pass, self._tried = self._pass + 1, np.zeros(self._pool.size, bool)
        away = ((self._points - point(sample, self._dimensions)) ** 2).sum(axis=1)
        found = int(np.where(self._tried, np.inf, away).argmin())
        self._tried[found] = True
        return self._pool.drawn(self._pass)[found]


def point(sample: Mapping[str, Any], dimensions: Mapping[str, Dimension]) -> Floats:
    """A sample in a space whose dimensions are 1 long each; two choices are 1 apart."""
    found: list[float] = []
    for name, kind in dimensions.items():
        if isinstance(kind, Choice):
            found += [math.sqrt(0.5) * (sample[name] == choice) for choice in kind.choices]
        else:
            scale = math.log if kind.log else float
            low, high = scale(kind.low), scale(kind.high)
            found.append((scale(sample[name]) - low) / (high - low) if high > low else 0.0)
    return np.array(found)


def half(
    lines: Iterable[Line], held_out: bool, path: Path = fidelity.CONFIGS
) -> Sequence[Recorded]:
    """The configs of a half of the table that have been trained whole."""
    curves: dict[str, list[tuple[float, ...]]] = {}
    for line in lines:
        if (line.epochs, line.images) == fidelity.WHOLE:
            curves.setdefault(line.config, []).append(line.test_acc)
    known = {line["id"]: line for line in map(json.loads, path.read_text().splitlines())}
    return [
        Recorded(
            name, line["params"], Config.from_dict(line["config"]).to_dict(), tuple(curves[name])
        )
        for name, line in known.items()
        if name in curves and fidelity.held_out(name) == held_out
    ]


@dataclass(frozen=True)
class Halves:
    """The world that a benchmark is run in, and that which its goals were set in."""

    played: World
    tuning: World

    @classmethod
    def of(cls, lines: Sequence[Line], held_out: bool) -> Self:
        tuning = World(half(lines, held_out=False))
        return cls(World(half(lines, held_out=True)) if held_out else tuning, tuning)

    def accuracy(self, share: float) -> float:
        """Of the goal that such a share of the tuning half holds in truth, percent."""
        return self.tuning.accuracy(share)


def _error(curve: Sequence[float]) -> float:
    return referee.log_error(min(curve[-fidelity.GOAL.last :]), IMAGES)
