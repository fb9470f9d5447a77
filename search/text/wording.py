"""Numbers and names as a report's Markdown has them, and the numbers as tables have them too."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mnist_core.config import Config, Data
from mnist_core.record import Environment
from mnist_core.words import beside, of
from search.text.markdown import code, escaped
from spaces import layouts
from spaces.catalogue import described
from spaces.dimensions import Choice, Dimension

HELD_OUT = "Judged by held-out training images of other writers, not by the test images"


def points(size: float, *marks: float) -> str:
    """A difference of accuracies, which is not negative, as `beside` others."""
    shown = beside(size, *marks)
    return f"{shown} points" if float(shown) else "less than 0.01 points"


def change(size: float, *marks: float) -> str:
    """A difference with its sign, points, its size as `beside` others."""
    shown = beside(abs(size), *marks)
    return f"{'-' if size < 0 and float(shown) else '+'}{shown}"


def share(probability: float | None) -> str:
    """A probability with two decimals, never as the 0 or 1 that it is not; nothing where it is not
    known."""
    if probability is None:
        return ""
    if not 0.005 <= probability < 0.995:
        return "<0.01" if probability < 0.5 else ">0.99"
    return f"{probability:.2f}"


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


def plain(given: Any) -> str:
    """A value of a dimension where no Markdown is read."""
    return digits(given) if isinstance(given, float) else str(given)


def reduced(data: Data | None) -> str:
    """What of MNIST is trained and tested on; nothing where that is all that there is with this
    judge, or not known."""
    if data is None or data.whole:
        return ""
    there = Data(judge=data.judge)
    return (
        f"{data.train:,} of {there.train:,} training images, "
        f"{data.test:,} of {there.test:,} {data.images}"
    )


def not_whole(data: Data | None) -> list[str]:
    """The lines that come first wherever results are told that are on less than MNIST, or not on
    its test images; none for all of it."""
    said = reduced(data)
    lines = [f"Not the whole of MNIST: {said}"] if said else []
    return [*lines, *[HELD_OUT] * (data is not None and data.judge == "holdout")]


def judged_by(data: Data, unsealed: bool) -> list[str]:
    """The lines that come first wherever trainings on fresh seeds are told of. unsealed: whether
    what is judged by the test images was found without them."""
    trained = f", after training on all {data.train:,} training images" if data.whole else ""
    said = f"Found without the test images, and judged by them here{trained}"
    return [*not_whole(data), *[said] * unsealed]


def network(config: Config) -> str:
    """A config's net in one word."""
    return layouts.network(config.layers)


def recipe(config: Config) -> str:
    """How a config trains its net, in one line; what is idle or zero is left out."""
    told = {name: given for name, given in described(config).items() if given not in (None, 0)}
    told["lr"] = f"{config.optimizer.kind} {plain(config.optimizer.lr)}"
    named = ("layout", "activation", "lr", "schedule", "averaging")
    said = [str(told[name]) for name in named if told.get(name, "none") != "none"]
    rest = [
        f"{name.replace('_', ' ')} {plain(given)}"
        for name, given in told.items()
        if name not in named
    ]
    return ", ".join([*said, *rest])


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
