"""How well each cheap look at a training ranks configs as an independent whole training does.

From the ledger of `fidelity.py`; `fidelity_page.py` writes it up. A config counts once each of its
five trainings is there; what it has of two seeds is used both ways. A whole run is never judged by
a look at the same run unless the figure says so (`Look.own`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Self

import numpy as np
from fidelity import FIDELITIES, GOAL, WHOLE, Line
from numpy.typing import NDArray

from mnist_core.config import Config

Floats = NDArray[np.float64]
RESAMPLES, COVERED = 1000, 0.9
"""Bootstraps over configs behind an interval, and how much of them lies in it."""
LEAST = 8
"""Configs, below which no correlation is stated."""
FIRST = 1 / 3
"""The share of configs that a rung promotes, where nothing else is said."""
PENALTY = 1.0
"""Of the ridge, on standardised features, in configs."""
_DIGITS = 9  # so that what is equal is so on every machine, and is rounded alike
Pairs = tuple[tuple[int, int], ...]
"""Of seeds: the one a look is of, and that of the whole run which it is held against."""
_BOTH: Pairs = ((0, 0), (0, 1), (1, 0), (1, 1))
_OTHER: Pairs = ((0, 1), (1, 0))
_OWN: Pairs = ((0, 0), (1, 1))


@dataclass(frozen=True)
class View:
    """What is seen of a config before it is trained whole."""

    name: str
    epochs: int
    """The epoch it is seen at, from 1."""
    images: int = WHOLE[1]
    cut: bool = False
    """Whether the training is a whole one, cut there; else its schedule ends there."""
    over: int = 1
    """Epochs whose accuracies are averaged, up to that one; 0: the goal's score of them."""

    @property
    def cost(self) -> float:
        """Epochs times the share of the images."""
        return self.epochs * self.images / WHOLE[1]

    @property
    def fidelity(self) -> tuple[int, int]:
        return WHOLE if self.cut else (self.epochs, self.images)

    def of(self, line: Line) -> float:
        """Percent."""
        seen = line.test_acc[: self.epochs]
        found = fmean(seen[-self.over :]) if self.over else GOAL.ending(seen).score
        return round(found, _DIGITS)

    def read(self, over: int) -> "View":
        """The same, by the mean of so many of its last epochs."""
        return replace(self, name=f"{self.name}: last {over}", over=over)


SECOND = View("a second whole run", 15, cut=True, over=0)
CUT = tuple(View(f"cut at {epochs}", epochs, cut=True) for epochs in (3, 5, 9))
ANNEALED = (
    View("annealed to 3, third", 3, images=20_000),
    *(View(f"annealed to {epochs}", epochs) for epochs in (3, 5, 9)),
)
CUT_LAST, CUT_TWO = (tuple(view.read(over) for view in CUT) for over in (1, 2))
LAST = tuple(view.read(1) for view in ANNEALED)
HALF = tuple(view.read((view.epochs + 1) // 2) for view in ANNEALED)
"""The annealed ones by the mean of their later half: of 3, 5 and 9 epochs the last 2, 3 and 5."""


@dataclass(frozen=True)
class Configs:
    """The configs whose trainings are all there, and what these came to."""

    known: Mapping[str, Config]
    lines: Mapping[tuple[str, tuple[int, int]], Sequence[Line]]
    """By config and fidelity: of one seed, or of two."""

    @classmethod
    def of(cls, known: Mapping[str, Config], done: Iterable[Line]) -> Self:
        lines: dict[tuple[str, tuple[int, int]], list[Line]] = {}
        for line in done:
            lines.setdefault((line.config, (line.epochs, line.images)), []).append(line)
        whole = {
            name: config
            for name, config in known.items()
            if all((name, fidelity) in lines for fidelity in FIDELITIES)
        }
        for name in whole:
            seeds = min(2, min(len(lines[name, fidelity]) for fidelity in FIDELITIES))
            for fidelity in FIDELITIES:  # a third seed is a finalist's
                del lines[name, fidelity][seeds:]
        return cls(whole, lines)

    def where(self, wanted: Callable[[str, Config], bool]) -> Self:
        known = {name: config for name, config in self.known.items() if wanted(name, config)}
        return type(self)(known, self.lines)

    @property
    def twice(self) -> Self:
        """Those of two seeds."""
        return self.where(lambda name, _: len(self.lines[name, WHOLE]) == 2)

    def seen(self, view: View) -> Floats:
        """(configs, 2): percent, of either seed; the same twice where there is one seed."""
        runs = [self.lines[name, view.fidelity] for name in self.known]
        return np.array([[view.of(each[0]), view.of(each[-1])] for each in runs])


@dataclass(frozen=True)
class Look:
    """What configs are ranked by. values: (configs, 2), of either seed."""

    values: Floats
    pairs: Pairs

    @property
    def own(self) -> bool:
        """Whether runs are held against themselves, of which there is no second one."""
        return self.pairs == _OWN

    @property
    def itself(self) -> "Look":
        """The same, held against the runs that it is of."""
        return replace(self, pairs=_OWN)


@dataclass(frozen=True)
class Estimate:
    """A figure, and where nine in ten bootstraps over configs put it."""

    value: float
    draws: Floats

    @classmethod
    def of(cls, found: Floats) -> Self:
        """found: of the configs as they are, and of each bootstrap."""
        value, *draws = np.round(found, _DIGITS)
        return cls(float(value), np.array(draws))

    @property
    def interval(self) -> tuple[float, float]:
        outside = (1 - COVERED) / 2
        low, high = np.nanquantile(self.draws, (outside, 1 - outside))
        return float(low), float(high)

    def differs(self, mark: float) -> int:
        """1 where the whole interval is above the mark, -1 where it is below, else 0."""
        low, high = self.interval
        return int(low > mark) - int(high < mark)

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The difference on the same configs."""
        return Estimate.of(np.append(self.value, self.draws) - np.append(other.value, other.draws))


class Ranking:
    """Configs that looks are judged on. The first of the `counts` is the configs as they are, the
    others are bootstraps: how often each config is drawn.

    truth: (configs, 2): what came out of whole runs.
    """

    def __init__(self, truth: Floats) -> None:
        self.truth, self.size = truth, len(truth)
        chance = np.random.default_rng(0)
        drawn = chance.multinomial(self.size, np.full(self.size, 1 / self.size), RESAMPLES)
        self._counts = np.vstack([np.ones(self.size), drawn])
        self._true = [_ranks(column, self._counts) for column in truth.T]
        self._drawn_true = [self._counts * self._standard(ranks) for ranks in self._true]
        self._found: dict[tuple[bytes, Pairs], Estimate] = {}

    def correlation(self, look: Look) -> Estimate:
        """Spearman's, the mean over the look's pairs."""
        key = look.values.tobytes(), look.pairs
        if key not in self._found:
            self._found[key] = self._correlation(look)
        return self._found[key]

    def error(self, look: Look) -> float:
        """Points by which every other value of the look, a predicted score, misses the whole run:
        the median."""
        seen, whole = zip(*look.pairs, strict=True)
        return float(np.median(abs(look.values[:, seen] - self.truth[:, whole])))

    def survival(self, ladder: Sequence[Look], top: float, keep: float = FIRST) -> Estimate:
        """What is left of the true top share where each look of the ladder, one after another,
        keeps so much of what the one before it kept (and shares are rounded up)."""
        best = [self._counts * (ranks > (1 - top) * self.size) for ranks in self._true]
        kept = []
        for seed in (0, 1):
            left = self._counts
            for look in ladder:
                least = (1 - keep) * left.sum(axis=1, keepdims=True)
                left = left * (_ranks(look.values[:, seed], left) > least)
            kept.append((left > 0).astype(float))
        with np.errstate(invalid="ignore"):  # a bootstrap whose best are all one config
            return self._mean(
                np.einsum("rc,rc->r", kept[seed], best[whole]) / best[whole].sum(axis=1)
                for seed, whole in ladder[-1].pairs
            )

    def _correlation(self, look: Look) -> Estimate:
        seen = [self._standard(_ranks(column, self._counts)) for column in look.values.T]
        return self._mean(
            np.einsum("rc,rc->r", seen[seed], self._drawn_true[whole]) for seed, whole in look.pairs
        )

    def _mean(self, found: Iterable[Floats]) -> Estimate:
        return Estimate.of(np.mean(list(found), axis=0))

    def _standard(self, ranks: Floats) -> Floats:
        """Less their middle, and so that their squares sum to 1."""
        centred = ranks - (self.size + 1) / 2
        length = np.sqrt(np.einsum("rc,rc,rc->r", self._counts, centred, centred))
        with np.errstate(invalid="ignore"):  # a bootstrap of one config ranks nothing
            return np.asarray(centred / length[:, None])


def _ranks(values: Floats, counts: Floats) -> Floats:
    """(bootstraps, configs): from 1, among what is drawn; equal ones in their middle."""
    order = np.argsort(values, kind="stable")
    first = np.flatnonzero(np.diff(values[order], prepend=-np.inf))  # of those that are equal
    each = np.add.reduceat(counts[:, order], first, axis=1)
    ranks = np.empty_like(counts)
    middle = each.cumsum(axis=1) - (each - 1) / 2
    ranks[:, order] = np.repeat(middle, np.diff(first, append=len(order)), axis=1)
    return ranks


def looked(configs: Configs, view: View) -> Look:
    return Look(configs.seen(view), _pairs(configs, [view]))


def foreseen(configs: Configs, views: Sequence[View], recipe: bool = True) -> Look:
    """What a regression says of each config from the others, see `predicted`."""
    return Look(predicted(configs, views, recipe), _pairs(configs, views))


@dataclass(frozen=True)
class Group:
    """Configs that are judged together."""

    name: str
    configs: Configs

    @property
    def size(self) -> int:
        return len(self.configs.known)

    @cached_property
    def ranking(self) -> Ranking:
        """By the goal's score."""
        return Ranking(self.configs.seen(SECOND))

    @cached_property
    def _looks(self) -> dict[View, Look]:
        return {}

    def look(self, view: View) -> Look:
        if view not in self._looks:
            self._looks[view] = looked(self.configs, view)
        return self._looks[view]

    def correlation(self, view: View) -> Estimate:
        return self.ranking.correlation(self.look(view))


def _pairs(configs: Configs, views: Sequence[View]) -> Pairs:
    """A view of a whole run is held against the config's other one if all configs have one."""
    if not any(view.cut for view in views):
        return _BOTH
    return _OTHER if configs.twice.known.keys() == configs.known.keys() else _OWN


def predicted(configs: Configs, views: Sequence[View], recipe: bool) -> Floats:
    """(configs, 2): scores of a whole run, percent, by a ridge regression on the other configs: of
    ln(100 - score) on ln(100 - accuracy) of each view and, if so wanted, on the recipe: its
    schedule, whether it averages, and ln(parameters).

    A cut run predicts the config's other one where it has one, in the regression as well.
    """
    truth = _errors(configs.seen(SECOND))
    twice = np.array([len(configs.lines[name, WHOLE]) == 2 for name in configs.known])
    if any(view.cut for view in views):
        target = np.where(twice[:, None], truth[:, ::-1], truth)
    else:
        target = np.broadcast_to(truth.mean(axis=1, keepdims=True), truth.shape)
    seen = [_errors(configs.seen(view)) for view in views]
    features = np.stack(seen, axis=2) if seen else np.empty((*truth.shape, 0))
    if recipe:
        recipes = _recipes(configs.known.values())
        twofold = np.broadcast_to(recipes[:, None], (len(recipes), 2, recipes.shape[1]))
        features = np.concatenate([features, twofold], axis=2)
    flat = features.reshape(-1, features.shape[-1])
    features = (features - flat.mean(axis=0)) / np.maximum(flat.std(axis=0), 1e-12)
    features = np.concatenate([np.ones((*features.shape[:2], 1)), features], axis=2)
    squares = np.einsum("csi,csj->cij", features, features) / 2
    products = np.einsum("csi,cs->ci", features, target) / 2
    ridge = PENALTY * np.diag([0.0, *np.ones(features.shape[2] - 1)])
    others = squares.sum(axis=0) - squares + ridge
    weights = np.linalg.solve(others, (products.sum(axis=0) - products)[..., None])
    return np.asarray(100 - np.exp(np.einsum("csi,ci->cs", features, weights[..., 0])))


def _errors(accuracies: Floats) -> Floats:
    return np.log(np.maximum(100 - accuracies, 0.005))  # an image has 0.01 %


def _recipes(configs: Iterable[Config]) -> Floats:
    """(configs, features)."""
    known = list(configs)
    kinds = sorted({config.schedule.kind for config in known})
    return np.array(
        [
            [
                *(config.schedule.kind == kind for kind in kinds),
                config.averaging.kind != "none",
                np.log(config.params),
            ]
            for config in known
        ],
        dtype=float,
    )
