"""What the replays come to, as Markdown. Every figure is of the run; nothing is written by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from benchmarks.confirming import CAP
from benchmarks.strategies import MEDIAN, OURS, RANDOM, Result, Results
from benchmarks.world import Halves

RESAMPLES, COVERED = 2000, 0.9
REACH = {MEDIAN.name: 0.5, RANDOM.name: 0.25}
"""What ours is to cost at most, as a share of what these do."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A value, and where nine in ten bootstraps over orders put it."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, draws: Floats) -> "Figure":
        outside = (1 - COVERED) / 2
        low, high = np.quantile(draws, (outside, 1 - outside))
        return cls(value, float(low), float(high))

    def said(self, digits: int) -> str:
        value, low, high = (f"{each:,.{digits}f}" for each in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def mean(costs: Sequence[float]) -> Figure:
    """Of the costs of all orders."""
    known = np.array(costs)
    return Figure.of(known.mean(), known[_resampled(len(known))].mean(axis=1))


def ratio(costs: Sequence[float], others: Sequence[float]) -> Figure:
    """Of the means of two strategies, on the orders that both have."""
    count = min(len(costs), len(others))
    one, other = np.array(costs[:count]), np.array(others[:count])
    drawn = _resampled(count)
    draws = one[drawn].mean(axis=1) / other[drawn].mean(axis=1)
    return Figure.of(one.mean() / other.mean(), draws)


def _resampled(count: int) -> NDArray[np.int64]:
    """(bootstraps, orders): the same for all strategies."""
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, count))


def _costs(results: Iterable[Result]) -> list[float]:
    return [each.spent.cost for each in results]


class Report:
    """Of a run."""

    def __init__(self, halves: Halves, results: Results) -> None:
        self._halves, self._results = halves, results
        self.shares = list(dict.fromkeys(share for share, _ in results))
        self.names = list(dict.fromkeys(name for _, name in results))

    def table(self, share: float) -> str:
        against = [name for name in (MEDIAN.name, RANDOM.name) if name in self.names]
        heads = ["strategy", "orders", "cost", "of it search", "confirmation", "trials", "capped"]
        heads += ["false", *(f"of {name}" for name in against)]
        rows = [heads, [":---", *["---:"] * (len(heads) - 1)]]
        for name in self.names:
            found = self._results[share, name]
            if found:
                ratios = [self._ratio(share, name, other).said(2) for other in against]
                rows.append([name, *_cells(found), *ratios])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def _ratio(self, share: float, name: str, other: str) -> Figure:
        return ratio(*(_costs(self._results[share, each]) for each in (name, other)))

    def goal(self, share: float) -> str:
        """What share of the configs hold the goal in truth, in words."""
        accuracy = self._halves.accuracy(share)
        held = self._halves.played.share(accuracy)
        there = "" if self._halves.played is self._halves.tuning else f", of these {held:.1%}"
        return f"{accuracy:.3f} %, which {share:.0%} of the tuning half hold in truth{there}"

    def sentence(self, share: float) -> str:
        """What follows for ours."""
        said = []
        for other, reach in REACH.items():
            found = self._ratio(share, OURS.name, other)
            met = "reached" if found.value <= reach else "not reached"
            sure = "" if (found.high <= reach) == (found.low <= reach) else ", but not for sure"
            said.append(f"{found.said(2)} of {other} ({reach:g} is {met}{sure})")
        return f"Where {share:.0%} hold the goal, ours costs {' and '.join(said)}."

    def false(self) -> str:
        """How often ours confirmed what does not hold."""
        found = [each for share in self.shares for each in self._results[share, OURS.name]]
        confirmed = [each for each in found if each.found]
        wrong = fmean(each.false for each in confirmed) if confirmed else 0.0
        return f"Of what ours confirmed {wrong:.1%} does not hold its goal in truth."

    def text(self) -> str:
        """All of it."""
        parts = []
        for share in self.shares:
            parts += [f"## Goal: {self.goal(share)}", self.table(share)]
            if all(name in self.names for name in (OURS.name, *REACH)):
                parts.append(self.sentence(share))
        return "\n\n".join([*parts, self.false()] if OURS.name in self.names else parts)


def _cells(found: Sequence[Result]) -> list[str]:
    confirmed = [each.false for each in found if each.found]
    return [
        str(len(found)),
        mean(_costs(found)).said(0),
        f"{fmean(each.spent.search for each in found):,.0f}",
        f"{fmean(each.spent.confirmation for each in found):,.0f}",
        f"{fmean(each.spent.trials for each in found):,.0f}",
        f"{1 - len(confirmed) / len(found):.0%}",
        f"{fmean(confirmed):.0%}" if confirmed else "–",
    ]


def page(halves: Halves, results: Results, trainings: int, half: str, cap: float = CAP) -> str:
    """Markdown, for `studies/fidelity/search.md`."""
    played, tuning = halves.played, halves.tuning
    orders = max(map(len, results.values()))
    return f"""# What a search costs

Until a config is confirmed that holds the goal: epochs times the share of the images, confirmation
included, the mean over {orders} orders. From the first {trainings:,} trainings of the ledger
`tests/data/fidelity.jsonl`, on the {half} half of its configs: {len(played.configs)} of them are
trained whole. `python tests/benchmarks/search.py --write` makes this page anew.

- **Replayed**: every curve. A sampler proposes anywhere in the space, and is given the nearest of
  the configs that it has not tried; once all are, it begins anew. An order draws its configs with
  replacement.
- **Modelled**: what fresh seeds would say. ln(error) of the worst of the last five epochs is normal
  among configs (deviation {played.spread:.2f}) and among the seeds of each ({played.noise:.2f}, by
  the {played.pairs} good ones of two seeds or more). The goals are set so that 3 %, 10 % and 25 %
  of the {len(tuning.configs)} configs of the tuning half hold them in nine of ten trainings.
- **Confirmed** is what the referee of `drilldown confirm` says so of, on fresh seeds. *Plainly*: a
  trial that held its goal gets seeds until there is a word, at most ten, before the search goes on;
  so do all that are not ours. *Capped* is a search that was given up at a cost of {cap:,.0f},
  which then counts; *false* is what was confirmed and does not hold the goal in truth.
- **Intervals** are where {COVERED:.0%} of {RESAMPLES:,} bootstraps over the orders lie, ratios on
  the same orders. They do not say how much another table of trainings would differ.

{Report(halves, results).text()}
"""
