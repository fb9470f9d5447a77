"""How a search confirms what it finds, and what that costs.

Fresh seeds go to nobody but the referee: no search learns from them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.searches import Tried
from benchmarks.world import IMAGES, Drawn
from mnist_core.goal import Goal
from search.chance import promise, referee
from search.chance.promise import Population
from search.chance.referee import Verdict

CAP = 3000.0
"""Cost at which a search is given up: that of 200 whole trainings."""


@dataclass
class Spent:
    """By a search so far, and its end. Costs are epochs times the share of the images."""

    search: float = 0.0
    confirmation: float = 0.0
    trials: int = 0
    confirmed: Drawn | None = None
    """None where it came to the cap."""

    @property
    def cost(self) -> float:
        return self.search + self.confirmation


class Confirming(Protocol):
    """A way to confirm; made anew for each search."""

    def look(self, tried: Tried) -> Iterator[Drawn]:
        """Whoever is to have a fresh seed next, now that this trial is over; what its seeds say is
        told by `tell` before the next is asked for."""

    def tell(self, drawn: Drawn, seeds: int, verdict: Verdict) -> None: ...


def run(trials: Iterable[Tried], confirming: Confirming, goal: Goal, cap: float = CAP) -> Spent:
    """Until one is confirmed, or the cap is reached."""
    spent, seeds = Spent(), dict[Drawn, int]()
    for tried in trials:
        spent.search += tried.cost
        spent.trials += 1
        for drawn in confirming.look(tried):
            if spent.cost >= cap:
                break
            given = seeds[drawn] = seeds.get(drawn, 0) + 1
            spent.confirmation += len(drawn.curve)
            verdict = referee.judge(drawn.fresh[:given], goal.accuracy, IMAGES).verdict
            if verdict == Verdict.CONFIRMED:
                spent.confirmed = drawn
                return spent
            confirming.tell(drawn, given, verdict)
        if spent.cost >= cap:
            break
    return spent


@dataclass
class Plain:
    """A trial that held its goal has fresh seeds until the referee has a word, at most ten, before
    the search goes on."""

    goal: Goal
    _open: bool = False

    def look(self, tried: Tried) -> Iterator[Drawn]:
        self._open = tried.complete and tried.drawn.worst >= self.goal.accuracy
        while self._open:
            yield tried.drawn

    def tell(self, drawn: Drawn, seeds: int, verdict: Verdict) -> None:
        self._open = verdict == Verdict.OPEN and seeds < referee.MOST


@dataclass
class Race:
    """Ours: after each complete trial whoever promises most has the next seed, as long as that is
    worth one (`search.chance.promise`)."""

    goal: Goal
    least: float = promise.LEAST
    _worst: list[float] = field(default_factory=list)
    _new: list[Drawn] = field(default_factory=list)
    """Without a seed, the best last: of these none promises more than that one."""
    _raced: dict[Drawn, int] = field(default_factory=dict)
    """Open ones, with how many seeds they have."""

    def look(self, tried: Tried) -> Iterator[Drawn]:
        if not tried.complete:
            return
        self._worst.append(tried.drawn.worst)
        self._new.append(tried.drawn)
        self._new.sort(key=lambda each: each.worst)
        population = Population.of(self._worst, IMAGES)
        while True:
            promised, drawn = self._best(population)
            if drawn is None or promised < self.least:
                return
            if drawn not in self._raced:
                self._new.pop()
            yield drawn

    def _best(self, population: Population) -> tuple[float, Drawn | None]:
        best: tuple[float, Drawn | None] = 0.0, None
        for drawn in (*self._new[-1:], *self._raced):
            fresh = drawn.fresh[: self._raced.get(drawn, 0)]
            found = promise.promise(drawn.worst, fresh, population, self.goal.accuracy, IMAGES)
            if found > best[0]:
                best = found, drawn
        return best

    def tell(self, drawn: Drawn, seeds: int, verdict: Verdict) -> None:
        if verdict == Verdict.OPEN and seeds < referee.MOST:
            self._raced[drawn] = seeds
        else:
            self._raced.pop(drawn, None)
