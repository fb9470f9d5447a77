"""Which dimensions of a study mattered, how sure that is, and in which direction.

The measure is the share of the variance of the trials' *ranks* by score that a dimension explains
alone: by a parabola in the rank of its value where it is a number (so that an optimum between the
bounds is seen too), by the mean of each choice where it is not. Ranks, because one trial that came
to nothing would otherwise be all that is seen, and because a logarithm changes nothing then.

Optuna's PED-ANOVA, which optuna-dashboard shows, compares the best tenth of the trials with all,
and asks for five trials in that tenth. A stage has ten to forty trials in all. Where one of five
dimensions explains 60 % of the variance of 12 trials, what is below finds it in 54 of 100 studies;
PED-ANOVA of the best half, judged in the same way, in 18.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

Floats = NDArray[np.float64]

LEAST = 8
"""Complete trials below which nothing can be told."""
_SHUFFLES = 1000
_SHUFFLED = 0.95  # in so many of them, no dimension of the study passes its mark
_DEVIATIONS = 1.645  # normally distributed: 90 % lie within


@dataclass(frozen=True)
class Importance:
    """What a dimension explains of the order of the trials."""

    name: str
    share: float
    """Of the variance of the ranks by score, 0 to 1."""
    low: float
    """Where the share would lie in nine of ten such studies, from here to `high`: the jackknife's
    standard error (Tukey 1958), times 1.645. A bootstrap's trials that come twice would explain
    each other."""
    high: float
    mark: float
    """What shuffled scores reach: of 100 shuffles of the study, 95 have every dimension below its
    mark (Westfall & Young 1993, on shares less their mean, over their standard deviation)."""
    correlation: float | None
    """Spearman's, of value and score; None of choices."""
    best: Any
    """The choice with the best mean rank; None of numbers."""

    @property
    def matters(self) -> bool:
        """Whether it is told from chance. What is not may matter all the same."""
        return self.share > self.mark + 1e-9  # a shuffle that gives the same share is not beaten


def importances(study: Study) -> list[Importance]:
    """Of all dimensions that had two values or more, the largest share first; none where fewer than
    `LEAST` trials are complete."""
    trials = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(trials) < LEAST:
        return []
    columns = {
        name: _columns([trial.params[name] for trial in trials], kind)
        for name, kind in _dimensions(trials).items()
    }
    columns = {name: column for name, column in columns.items() if column.shape[1]}
    scores = _ranks([trial.value or 0.0 for trial in trials])
    if not columns or not scores.any():
        return []
    bases = [_basis(column) for column in columns.values()]
    marks = _marks(bases, scores)
    found = [
        _importance(name, columns[name], basis, scores, float(mark), trials)
        for (name, basis, mark) in zip(columns, bases, marks, strict=True)
    ]
    return sorted(found, key=lambda each: (-each.share, each.name))


def _dimensions(trials: Sequence[FrozenTrial]) -> Mapping[str, BaseDistribution]:
    """Those that every trial has, in the order of the first."""
    first, *others = (trial.distributions for trial in trials)
    return {name: kind for name, kind in first.items() if all(name in each for each in others)}


def _ranks(values: Sequence[float]) -> Floats:
    """Less their mean; the same for equal values."""
    given = np.asarray(values, dtype=float)
    below = (given[:, None] > given).sum(axis=1) + (given[:, None] >= given).sum(axis=1)
    ranks: Floats = (below - below.mean()) / 2
    return ranks


def _columns(values: Sequence[Any], kind: BaseDistribution) -> Floats:
    """(trials, terms) that the scores' ranks are explained by, besides a constant."""
    if isinstance(kind, CategoricalDistribution):
        places = np.array([kind.to_internal_repr(value) for value in values])
        chosen: Floats = (places[:, None] == np.unique(places)[1:]).astype(float)
        return chosen
    ranks = _ranks(values)
    terms = np.stack([ranks, ranks**2], axis=1)
    return terms[:, : min(2, len(set(values)) - 1)]


def _basis(columns: Floats) -> Floats:
    """Orthonormal, of the space that the columns span about their means."""
    vectors, sizes, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
    return np.asarray(vectors[:, sizes > 1e-9 * max(1.0, sizes.max(initial=0.0))])


def _shares(basis: Floats, scores: Floats) -> Floats:
    """Of each column of `scores`, which are less their means: how much the basis explains."""
    return np.asarray(((basis.T @ scores) ** 2).sum(axis=0) / (scores**2).sum(axis=0))


def _marks(bases: Sequence[Floats], scores: Floats) -> Floats:
    """One a dimension; see `Importance.mark`."""
    chance = np.random.default_rng(0)
    shuffled = np.stack([chance.permutation(scores) for _ in range(_SHUFFLES)], axis=1)
    shares = np.array([_shares(basis, shuffled) for basis in bases])
    mean = shares.mean(axis=1)
    deviation = np.maximum(shares.std(axis=1), 1e-12)
    highest = ((shares - mean[:, None]) / deviation[:, None]).max(axis=0)
    return np.asarray(mean + np.quantile(highest, _SHUFFLED) * deviation)


def _importance(
    name: str,
    columns: Floats,
    basis: Floats,
    scores: Floats,
    mark: float,
    trials: Sequence[FrozenTrial],
) -> Importance:
    share = float(_shares(basis, scores))
    error = _DEVIATIONS * _jackknife(lambda kept: _share_of(columns[kept], scores[kept]), scores)
    kind = trials[0].distributions[name]
    values = [trial.params[name] for trial in trials]
    numeric = not isinstance(kind, CategoricalDistribution)
    return Importance(
        name=name,
        share=share,
        low=max(0.0, share - error),
        high=min(1.0, share + error),
        mark=mark,
        correlation=_correlation(_ranks(values), scores) if numeric else None,
        best=None if numeric else _best(values, scores),
    )


def _share_of(columns: Floats, scores: Floats) -> float:
    scores = scores - scores.mean()
    return float(_shares(_basis(columns), scores)) if scores.any() else 0.0


def _jackknife(estimate: Callable[[NDArray[np.bool_]], float], scores: Floats) -> float:
    """The standard error of an estimate, from what it becomes without each trial in turn."""
    n = len(scores)
    without = np.array([estimate(np.arange(n) != left_out) for left_out in range(n)])
    return float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))


def _correlation(values: Floats, scores: Floats) -> float:
    return float(values @ scores / np.sqrt((values @ values) * (scores @ scores)))


def _best(values: Sequence[Any], scores: Floats) -> Any:
    choices = list(dict.fromkeys(values))
    means = [
        np.mean([score for value, score in zip(values, scores, strict=True) if value == choice])
        for choice in choices
    ]
    return choices[int(np.argmax(means))]
