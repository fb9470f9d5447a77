"""What the benchmark holds against one another: a search, and a way to confirm what it finds."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import fidelity
from optuna.samplers._tpe import _truncnorm
from scipy.special import log_ndtr, ndtr

from benchmarks.confirming import CAP, Confirming, Plain, Race, Spent, run
from benchmarks.searches import Optuna, Searcher, Tried
from benchmarks.world import SHARES, Halves
from mnist_core.goal import Goal
from search.study import goal_pruner
from search.study.pruners import GoalPruning, Hyperband, Median, NoPruning, SuccessiveHalving
from search.study.rungs import Search
from search.study.samplers import Gp, Random, Tpe

Confirm = Callable[[Goal], Confirming]


@dataclass(frozen=True)
class Strategy:
    name: str
    searcher: Searcher
    confirm: Confirm


OURS = Strategy("**ours**", Optuna(Tpe(), GoalPruning(), Search()), Race)
RANDOM = Strategy("random", Optuna(Random(), NoPruning()), Plain)
MEDIAN = Strategy("TPE + Median", Optuna(Tpe(), Median()), Plain)
STRATEGIES = (
    OURS,
    Strategy("ours, confirmed plainly", OURS.searcher, Plain),
    Strategy(
        "ours, not learning from stopped trials",
        Optuna(Tpe(), GoalPruning(), Search(), learns=False),
        Race,
    ),
    Strategy("ours, without rungs", Optuna(Tpe(), GoalPruning(), Search(rungs=())), Race),
    Strategy("TPE + Median, with our race", MEDIAN.searcher, Race),
    MEDIAN,
    Strategy("TPE + Hyperband", Optuna(Tpe(), Hyperband()), Plain),
    Strategy("TPE + ASHA", Optuna(Tpe(), SuccessiveHalving()), Plain),
    Strategy("TPE", Optuna(Tpe(), NoPruning()), Plain),
    Strategy("GP", Optuna(Gp(), NoPruning(), slow=True), Plain),
    RANDOM,
)


@dataclass(frozen=True)
class Result:
    """Of one order. false: whether what was confirmed does not hold the goal in truth."""

    spent: Spent
    false: bool

    @property
    def found(self) -> bool:
        return self.spent.confirmed is not None


Results = dict[tuple[float, str], list[Result]]
"""By (share that holds the goal in the tuning half, name of the strategy): one an order."""


class _Shared:
    """Trials that are made once, whoever asks for them first."""

    def __init__(self, made: Iterator[Tried]) -> None:
        self._made, self._kept = made, list[Tried]()

    def __iter__(self) -> Iterator[Tried]:
        place = 0
        while True:
            if place == len(self._kept):
                self._kept.append(next(self._made))
            yield self._kept[place]
            place += 1


def replay(
    halves: Halves,
    strategies: tuple[Strategy, ...],
    orders: range,
    slow: int,
    shares: tuple[float, ...] = SHARES,
    cap: float = CAP,
    told: Callable[[int], None] = lambda _: None,
) -> Results:
    """All strategies in the same orders. slow: below which orders the slow ones are replayed too.
    told: of each order, before it is."""
    results: Results = {(share, each.name): [] for share in shares for each in strategies}
    goals = {share: fidelity.GOAL.changed(accuracy=halves.accuracy(share)) for share in shares}
    with quicker():
        for order in orders:
            told(order)
            these = tuple(each for each in strategies if order < slow or not each.searcher.slow)
            for key, result in _order(halves, these, goals, order, cap):
                results[key].append(result)
    return results


def _order(
    halves: Halves,
    strategies: tuple[Strategy, ...],
    goals: dict[float, Goal],
    order: int,
    cap: float,
) -> Iterator[tuple[tuple[float, str], Result]]:
    pool = halves.played.pool(order)
    made: dict[tuple[int, float | None], _Shared] = {}
    for strategy in strategies:
        for share, goal in goals.items():
            key = id(strategy.searcher), share if strategy.searcher.by_goal else None
            if key not in made:
                made[key] = _Shared(strategy.searcher.trials(pool, goal, order))
            spent = run(made[key], strategy.confirm(goal), goal, cap)
            drawn = spent.confirmed
            false = drawn is not None and not halves.played.holds(drawn, goal.accuracy)
            yield (share, strategy.name), Result(spent, false)


@contextmanager
def quicker() -> Iterator[None]:
    """Optuna's TPE has its normal distribution in Python; SciPy's is the same, to rounding. The
    goal's pruner reads each config as JSON, in every epoch."""
    said: dict[int, str] = {}  # by the identity of a recorded config, of which there are few

    def dumps(config: Any) -> str:
        return said.get(id(config)) or said.setdefault(id(config), json.dumps(config))

    reading = SimpleNamespace(dumps=dumps, loads=json.loads)
    normal = patch.multiple(_truncnorm, _ndtr=ndtr, _log_ndtr=log_ndtr)
    with normal, patch.object(goal_pruner, "json", reading):
        yield
