"""Numbers and names as a report's Markdown has them, and the numbers as tables have them too."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mnist_core.record import Environment
from mnist_core.words import beside, of
from search.text.markdown import code, escaped
from spaces.dimensions import Choice, Dimension


def points(size: float, *marks: float) -> str:
    """A difference of accuracies, which is not negative, as `beside` others."""
    shown = beside(size, *marks)
    return f"{shown} points" if float(shown) else "less than 0.01 points"


def change(size: float, *marks: float) -> str:
    """A difference with its sign, points, its size as `beside` others."""
    shown = beside(abs(size), *marks)
    return f"{'-' if size < 0 and float(shown) else '+'}{shown}"


def duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if not minutes:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def seeds(count: int, kind: str = "") -> str:
    return of(count, f"{kind}seed")


def digits(given: float) -> str:
    """Three digits that count, without an exponent where a reader needs none."""
    return f"{given:,.0f}" if abs(given) >= 999.5 else f"{given:.3g}"


def value(given: Any) -> str:
    """Of a dimension."""
    return digits(given) if isinstance(given, float) else code(str(given))


def within(kind: Dimension) -> str:
    """What a dimension may be."""
    if isinstance(kind, Choice):
        return ", ".join(map(value, kind.choices))
    return f"{digits(kind.low)} to {digits(kind.high)}"


def environments(found: Iterable[Environment]) -> list[str]:
    """Where trainings were made, and how many there; the most first."""
    where = Counter(map(_environment, found))
    return [
        f"{text}: {of(count, 'training')}"
        for text, count in sorted(where.items(), key=lambda item: (-item[1], item[0]))
    ]


def _environment(environment: Environment) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in environment.versions.items())
    if environment.engine.name != "torch":  # which is among the versions
        versions += f", {environment.engine}"
    threads = of(environment.threads, "thread")
    return escaped(f"{environment.machine} ({environment.device}, {threads}); {versions}")


def listed(names: Sequence[str], word: str = "and") -> str:
    """'a, b and c'."""
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last
