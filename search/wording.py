"""Numbers and names as a report's Markdown has them."""

from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.markdown import code


def percent(accuracy: float | None) -> str:
    """An accuracy in a table; nothing where it is not known."""
    return "" if accuracy is None else f"{accuracy:.2f}"


def accuracies(values: Sequence[float]) -> str:
    return " ".join(map(percent, values))


def points(size: float) -> str:
    """A difference of accuracies, which is not negative."""
    return f"{size:.2f} points" if size >= 0.005 else "less than 0.01 points"


def change(size: float) -> str:
    """A difference with its sign, points."""
    return f"{round(size, 2) + 0.0:+.2f}"  # + 0.0: a rounded -0.001 is not -0.00


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if not minutes:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def seeds(count: int, kind: str = "") -> str:
    return f"{count} {kind}seed{'s' * (count != 1)}"


def value(given: Any) -> str:
    """Of a dimension."""
    return f"{given:.3g}" if isinstance(given, float) else code(str(given))


def within(kind: BaseDistribution) -> str:
    """What a dimension may be."""
    if isinstance(kind, CategoricalDistribution):
        return ", ".join(map(value, kind.choices))
    assert isinstance(kind, FloatDistribution | IntDistribution)
    return f"{kind.low:.3g} to {kind.high:.3g}"


def listed(names: Sequence[str], word: str = "and") -> str:
    """'a, b and c'."""
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last
