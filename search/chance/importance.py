"""Which dimensions of a study mattered, how sure that is, and in which direction.

The measure is the share of the variance of the trials' *ranks* by score that a dimension explains:
by a parabola in the rank of its value where it is a number (so that an optimum between the bounds
is seen too), by the mean of each choice where it is not. Ranks, because one trial that came to
nothing would otherwise be all that is seen, and because a logarithm changes nothing then.

A sampler that learns moves all dimensions at once, so that one which does nothing rises with the
scores beside one that does. Therefore the dimensions are taken one by one, the clearest first, and
each is judged by what it explains *beyond* those before it. With TPE, 32 trials and one of five
dimensions that matters, some other passed beside it in 37 of 100 studies when each was judged
alone, and in 8 of 100 so.

A dimension is judged on the trials that have it, ranked among themselves: where it does nothing,
as `average_over` without averaging, a trial says nothing of it. A strong effect of `average_over`
among the averaged nets, about half of 40, is found in 60 of 60 studies so, and in 21 when it is
judged on all trials.

Optuna's PED-ANOVA, which optuna-dashboard shows, compares the best tenth of the trials with all,
and asks for five trials in that tenth: a stage has ten to forty in all. Where one of five
dimensions explains 60 % of the variance of 12 trials, what is below finds it in 54 of 100 studies;
PED-ANOVA of the best half, judged by shuffles in the same way, in 18.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spaces.dimensions import Choice, Dimension
from spaces.space import Sample

Floats = NDArray[np.float64]

LEAST = 8
"""Complete trials that have a dimension, below which nothing can be told of it."""
_SHUFFLES = 1000
_SHUFFLED = 0.95  # in so many of them, no dimension passes its mark
_DEVIATIONS = 1.645  # normally distributed: 90 % lie within


@dataclass(frozen=True)
class Importance:
    """What a dimension explains of the order of the trials."""

    name: str
    share: float
    """Of the variance of the ranks by score, 0 to 1: what it explains beyond the dimensions that
    matter and come before it."""
    low: float
    """Where the share would lie in nine of ten such studies, from here to `high`: the jackknife's
    standard error (Tukey 1958), times 1.645. A bootstrap's trials that come twice explain each
    other: its interval never holds a share of 0."""
    high: float
    mark: float
    """What shuffled scores reach: of 100 shuffles of what is not explained before it (Freedman &
    Lane 1983), 95 have every dimension below its mark (Westfall & Young 1993, on shares less their
    mean, over their standard deviation)."""
    correlation: float | None
    """Spearman's, of value and score; None of choices."""
    best: Any
    """The choice with the best mean rank; of numbers the least and the greatest among the best
    third of the trials."""
    trials: int
    """So many have the dimension. All that is said here is of these alone."""
    of: int
    """And so many trials there are."""

    @property
    def matters(self) -> bool:
        """Whether it is told from chance. What is not may matter all the same."""
        return self.share > self.mark + 1e-9  # a shuffle that gives the same is not beaten


def importances(
    kinds: Mapping[str, Dimension], samples: Sequence[Sample], scores: Sequence[float]
) -> list[Importance]:
    """Of the dimensions with two values or more in the trials that have them: those that matter as
    they were taken, then the others, the largest share first. None of a dimension that fewer than
    `LEAST` trials have, or only such as are worth the same.

    samples, scores: of each complete trial, its value in each dimension that does something there,
    and its score.
    """
    left = {name: _Lived.of(name, kind, samples, scores) for name, kind in kinds.items()}
    left = {name: each for name, each in left.items() if each.tells}
    before, found = np.empty((len(scores), 0)), list[Importance]()
    while left:
        judged = _judged(left, before)
        clearest = max(judged, key=lambda name: judged[name].clear)
        first = _importance(left[clearest], judged[clearest], before)
        if not first.matters:
            break
        found.append(first)
        before = np.hstack([before, left.pop(clearest).effect()])
    others = sorted(left, key=lambda name: (-judged[name].share, name))
    return found + [_importance(left[name], judged[name], before) for name in others]


@dataclass(frozen=True)
class _Lived:
    """A dimension, and the trials that have it."""

    name: str
    numeric: bool
    trials: int
    """All, those included that do not have it."""
    places: NDArray[np.intp]
    """Which of them have it."""
    values: Sequence[Any]
    """One of each of these, as all that follows."""
    ranks: Floats
    """By score, among these; less their mean."""
    columns: Floats
    """See `_columns`."""

    @classmethod
    def of(
        cls, name: str, kind: Dimension, samples: Sequence[Sample], scores: Sequence[float]
    ) -> Self:
        places = np.array([n for n, sample in enumerate(samples) if name in sample], dtype=np.intp)
        values = [samples[place][name] for place in places]
        return cls(
            name=name,
            numeric=not isinstance(kind, Choice),
            trials=len(samples),
            places=places,
            values=values,
            ranks=_ranks([scores[place] for place in places]),
            columns=_columns(values, kind),
        )

    @property
    def tells(self) -> bool:
        """Whether anything can be told of it."""
        return len(self.places) >= LEAST and bool(self.ranks.any()) and self.columns.shape[1] > 0

    def effect(self) -> Floats:
        """(all trials, terms): the columns, none of it where it did nothing."""
        effect = np.zeros((self.trials, self.columns.shape[1]))
        effect[self.places] = self.columns - self.columns.mean(axis=0)
        return effect


def _ranks(values: Sequence[float]) -> Floats:
    """Less their mean; the same for equal values."""
    if not values:
        return np.empty(0)
    from scipy.stats import rankdata  # takes a second to load, which only a report needs

    ranks = rankdata(values)
    centred: Floats = ranks - ranks.mean()
    return centred


def _columns(values: Sequence[Any], kind: Dimension) -> Floats:
    """(trials, terms) that the ranks by score are explained by, besides a constant; no terms where
    all values are one."""
    if isinstance(kind, Choice):
        places = np.array([kind.choices.index(value) for value in values])
        chosen: Floats = (places[:, None] == np.unique(places)[1:]).astype(float)
        return chosen
    ranks = _ranks(values)
    terms = np.stack([ranks, ranks**2], axis=1)
    return terms[:, : min(2, max(1, len(set(values))) - 1)]


def _basis(columns: Floats, taken: Floats | None = None) -> Floats:
    """Orthonormal, of what the columns span about their means and beyond `taken`, which is such a
    basis itself."""
    centred = columns - columns.mean(axis=0)
    beyond = centred if taken is None else centred - taken @ (taken.T @ centred)
    vectors, sizes, _ = np.linalg.svd(beyond, full_matrices=False)
    return np.asarray(vectors[:, sizes > 1e-6 * np.linalg.norm(columns)])


@dataclass(frozen=True)
class _Judged:
    share: float
    mark: float
    clear: float
    """Standard deviations of shuffled shares by which the share is above the mark."""


def _judged(left: Mapping[str, _Lived], before: Floats) -> dict[str, _Judged]:
    """What each dimension explains beyond those before it, and what shuffled scores reach.

    before: (trials, terms). A shuffle puts all trials into an order, and so those that have a
    dimension.
    """
    chance, trials = np.random.default_rng(0), len(before)
    orders = np.stack([chance.permutation(trials) for _ in range(_SHUFFLES)])
    groups: dict[bytes, _Group] = {}  # many dimensions live in the same trials
    for each in left.values():
        if each.places.tobytes() not in groups:
            groups[each.places.tobytes()] = _Group(each, before, orders)
    explained = [groups[each.places.tobytes()].explained(each.columns) for each in left.values()]
    shares = np.array([share for share, _ in explained])
    by_chance = np.stack([shuffled for _, shuffled in explained])
    mean, deviation = by_chance.mean(axis=1), np.maximum(by_chance.std(axis=1), 1e-12)
    highest = ((by_chance - mean[:, None]) / deviation[:, None]).max(axis=0)
    reach = np.quantile(highest, _SHUFFLED)
    columns = (shares, mean + reach * deviation, (shares - mean) / deviation - reach)
    lines = zip(*(column.tolist() for column in columns), strict=True)
    return {name: _Judged(*line) for name, line in zip(left, lines, strict=True)}


class _Group:
    """The trials that some dimensions have: their ranks as far as nothing before explains them, and
    these shuffled."""

    def __init__(self, lived: _Lived, before: Floats, orders: NDArray[np.intp]) -> None:
        taken, ranks, places = _basis(before[lived.places]), lived.ranks, lived.places
        self._taken, self._rest = taken, ranks - taken @ (taken.T @ ranks)
        self._scale = float(self._rest @ self._rest / (ranks @ ranks))
        own = orders[np.isin(orders, places)].reshape(len(orders), len(places))
        self._shuffled = self._rest[np.searchsorted(places, own)].T
        self._shuffled -= taken @ (taken.T @ self._shuffled)

    def explained(self, columns: Floats) -> tuple[float, Floats]:
        """The share of the ranks' variance that these explain; and of each shuffle's."""
        basis = _basis(columns, self._taken)
        share, by_chance = _explained(basis, self._rest), _explained(basis, self._shuffled)
        return self._scale * float(share), self._scale * by_chance


def _explained(basis: Floats, scores: Floats) -> Any:
    """The share of each column's variance that lies in the span of the basis."""
    return ((basis.T @ scores) ** 2).sum(axis=0) / np.maximum((scores**2).sum(axis=0), 1e-12)


def _importance(lived: _Lived, judged: _Judged, before: Floats) -> Importance:
    numeric, values, ranks = lived.numeric, lived.values, lived.ranks
    error = _DEVIATIONS * _jackknife(lived.columns, before[lived.places], ranks)
    return Importance(
        name=lived.name,
        share=judged.share,
        low=max(0.0, judged.share - error),
        high=min(1.0, judged.share + error),
        mark=judged.mark,
        correlation=_correlation(values, ranks) if numeric else None,
        best=_best_third(values, ranks) if numeric else _best_choice(values, ranks),
        trials=len(lived.places),
        of=lived.trials,
    )


def _jackknife(columns: Floats, before: Floats, scores: Floats) -> float:
    """The standard error of the share, from what it becomes without each trial in turn."""
    n = len(scores)
    without = []
    for left_out in range(n):
        kept = np.arange(n) != left_out
        centred = scores[kept] - scores[kept].mean()
        basis = _basis(columns[kept], _basis(before[kept]))
        without.append(float(_explained(basis, centred)))
    shares = np.array(without)
    return float(np.sqrt((n - 1) / n * ((shares - shares.mean()) ** 2).sum()))


def _correlation(values: Sequence[Any], scores: Floats) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(values, scores).statistic)


def _best_third(values: Sequence[Any], scores: Floats) -> tuple[Any, Any]:
    best = sorted(range(len(values)), key=lambda n: -scores[n])[: math.ceil(len(values) / 3)]
    third = [values[n] for n in best]
    return min(third), max(third)


def _best_choice(values: Sequence[Any], scores: Floats) -> Any:
    choices = list(dict.fromkeys(values))
    means = [
        np.mean([score for value, score in zip(values, scores, strict=True) if value == choice])
        for choice in choices
    ]
    return choices[int(np.argmax(means))]
