"""A space's dimensions as Optuna's distributions, and back."""

from collections.abc import Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from spaces.dimensions import Choice, Dimension, Real, Whole


def distributions(dimensions: Mapping[str, Dimension]) -> dict[str, BaseDistribution]:
    """What Optuna is asked for a sample of."""
    return {name: _distribution(dimension) for name, dimension in dimensions.items()}


def dimensions(distributions: Mapping[str, BaseDistribution]) -> dict[str, Dimension]:
    """What a trial was a sample of. Raises TypeError where it is a kind that no space has."""
    return {name: _dimension(kind) for name, kind in distributions.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    match dimension:
        case Choice(choices):
            return CategoricalDistribution(choices)
        case Whole(low, high, log):
            return IntDistribution(low, high, log=log)
        case Real(low, high, log):
            return FloatDistribution(low, high, log=log)


def _dimension(kind: BaseDistribution) -> Dimension:
    match kind:
        case CategoricalDistribution():
            return Choice(kind.choices)
        case IntDistribution():
            return Whole(kind.low, kind.high, kind.log)
        case FloatDistribution():
            return Real(kind.low, kind.high, kind.log)
    raise TypeError(f"no space has a dimension such as {kind}")
