"""A report's figures as SVG: the same bytes for the same numbers, without text that a missing font
could change; on white, and where a screen is dark, dark.

Accuracies stand on a logarithmic scale of the error, so that the last tenth of a point before the
goal is as wide as the first point of a training.
"""

import io
import math
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation, Transform

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.schedule import LossDip, factor_at
from mnist_core.words import does
from search.chance.importance import Importance
from search.study.trials import Complete

# Okabe & Ito's, which people of all kinds of colour vision tell apart; markers say it again.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_GOAL, _INK, _PALE, _IDLE, _GRID = "#B00020", "#333333", "#9A9A9A", "#BDBDBD", "#E3E3E3"
_DARK = {  # what becomes of them on a dark screen
    "#ffffff": "#14171a",
    _INK: "#d5dadf",
    _PALE: "#7d8790",
    _IDLE: "#565f68",
    _GRID: "#2c3238",
    _GOAL: "#ff6b7f",
    **dict(
        zip(
            _COLOURS,
            ("#4aa8e8", "#ff8642", "#2fc795", "#e59ac4", "#f2b134", "#9bd8fa"),
            strict=True,
        )
    ),
}
_DRAWN = len(_COLOURS)  # nets in one figure: no more than can be told apart
_EXPLAINED = "explained of the trials' ranking by score (%)"
_UPDATES = 50  # of an epoch, at most: so many the learning rate is drawn at
STYLE = {
    "font.size": 9.5,
    "figure.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "text.parse_math": False,  # a $ in a name is a $
}


@dataclass(frozen=True)
class Size:
    """Of a figure: what can be read depends on how wide it is shown."""

    suffix: str
    """Of its ids and its name."""
    inches: float
    letters: int
    """So many of a title's are in one line."""
    named: int
    """So many are seen of a name."""

    @property
    def narrow(self) -> bool:
        return bool(self.suffix)


WIDE, NARROW = Size("", 6.6, 85, 60), Size("-narrow", 3.5, 42, 22)


def dark_style() -> str:
    """CSS that has the figures dark on a dark screen; on paper they are as they are drawn."""
    rules = [
        f'[style*="{what}: {light.lower()}"] {{ {what}: {dark} !important }}'
        for light, dark in _DARK.items()
        for what in ("fill", "stroke")
    ]
    inner = "\n".join(f"  {rule}" for rule in rules)
    return f"@media screen and (prefers-color-scheme: dark) {{\n{inner}\n}}\n"


@dataclass(frozen=True)
class Curve:
    """A net as the curves show it. Accuracies are percent, one an epoch."""

    name: str
    config: Config
    test_acc: Sequence[float]
    fresh: Sequence[Sequence[float]] = ()
    """Those of other seeds."""


@dataclass(frozen=True)
class Dot:
    """A trial among all others."""

    params: int
    mean: float
    """Of the last k epochs, percent."""
    worst: float
    leads: bool
    """Whether it is one of those that the report is about."""

    @classmethod
    def of(cls, trial: Complete, leads: bool) -> Self:
        return cls(trial.config.params, trial.ending.mean, trial.ending.worst, leads)


def curves(found: Sequence[Curve], goal: Goal, size: Size = WIDE) -> str:
    """Accuracy by epoch, and the learning rate below it."""
    with _drawing(size, 6.3 if size.narrow else 5.8) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        for number, curve in enumerate(found[:_DRAWN]):
            colour, marker = _COLOURS[number], _MARKERS[number]
            epochs = range(1, len(curve.test_acc) + 1)
            for accuracies in curve.fresh:
                above.plot(epochs, _shown(accuracies), color=colour, linewidth=0.8, alpha=0.75)
            (own,) = above.plot(
                epochs, _shown(curve.test_acc), color=colour, label=_cut(curve.name, size)
            )
            own.set(marker=marker, markersize=4, linewidth=1.8)
            if not isinstance(curve.config.schedule, LossDip):
                thin = 2.4 - 1.4 * number / _DRAWN  # equal ones lie on top of each other
                below.plot(*_rates(curve.config), color=colour, linewidth=thin)
        if any(curve.fresh for curve in found):
            above.plot([], [], color=_PALE, linewidth=0.8, label="fresh seeds")
        _goal_line(above, goal, f"goal: {goal.wanted}")
        for axes in (above, below):
            axes.axvspan(goal.epochs - goal.last + 0.5, goal.epochs + 0.5, color=_INK, alpha=0.09)
        _titled(figure, f"Learning curves; grey: the {goal.ends}, which {_count(goal)}", size)
        above.set(ylabel=_accuracy(goal))
        below.set(ylabel="learning rate", xlabel="epoch", xlim=(0, goal.epochs + 0.5))
        below.set_ylim(bottom=0)
        below.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8 if size.narrow else 16))
        shown = [c for curve in found for c in (curve.test_acc, *curve.fresh)]
        worst = min((goal.ending(curve).worst for curve in shown), default=0.0)
        _error_scale(above, goal, worst, max(map(max, shown), default=100.0))
        figure.legend(loc="outside lower center", ncols=2 if size.narrow else 4, fontsize=9)
        return _svg(figure, "curves", size)


def _accuracy(goal: Goal) -> str:
    return f"{goal.judge} accuracy (%); scale: logarithm of the error"


def _count(goal: Goal) -> str:
    return does(goal.last, "counts")


def accuracy_by_parameters(
    stages: Sequence[tuple[str, Sequence[Dot]]],
    goal: Goal,
    size: Size = WIDE,
    cloud: Sequence[Dot] = (),
) -> str:
    """Every complete trial: the mean of its last epochs, and a line down to the worst of them.
    Stages stand a little beside each other, since many have nets of the same size.

    cloud: nets of others, small and grey behind them; of those in sight.
    """
    every = [dot for _, dots in stages for dot in dots]
    with _drawing(size, 5.4 if size.narrow else 4.4) as figure:
        axes = figure.subplots()
        if cloud:
            x, mean = [dot.params for dot in cloud], _shown([dot.mean for dot in cloud])
            label = "others' nets" + ", on test images" * (goal.judge != "test")
            axes.scatter(x, mean, 14, color=_PALE, alpha=0.6, linewidth=0, label=label)
        for number, (name, dots) in enumerate(stages):
            aside = 5 * (number - (len(stages) - 1) / 2) / 72  # inches
            beside = axes.transData + ScaledTranslation(aside, 0, figure.dpi_scale_trans)
            _dots(axes, _cut(name, size), dots, number % len(_COLOURS), beside)
        axes.scatter([], [], s=110, edgecolor=_INK, facecolor="none", label="in the curves")
        _goal_line(axes, goal, f"goal: {goal.wanted} in the worst epoch")
        axes.axvline(goal.params, color=_INK, linestyle=":", label=f"budget: {goal.params:,}")
        worst = ", down to the worst of them" * (goal.last > 1)
        _titled(figure, f"Each trial's {goal.judged}{worst}", size)
        axes.set(
            xlabel="parameters",
            ylabel=_accuracy(goal),
            xlim=_with_room([goal.params, *(dot.params for dot in every)]),
        )
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4 if size.narrow else 6, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        means = sorted(dot.mean for dot in every)
        better = [dot.worst for dot in every if dot.mean >= means[len(means) // 4]]
        lowest = _error_scale(axes, goal, min(better), means[-1])
        if hidden := sum(dot.mean < lowest for dot in every):
            text = f"{hidden} below this range"
            axes.annotate(text, (0.01, 0.02), xycoords="axes fraction", color=_INK, fontsize=8.5)
        columns = 1 if size.narrow else 3
        figure.legend(loc="outside lower center", ncols=columns, fontsize=9)
        return _svg(figure, "accuracy-by-parameters", size)


def _dots(axes: Axes, name: str, dots: Sequence[Dot], style: int, place: Transform) -> None:
    """A stage's trials; those of the curves ringed."""
    colour, x = _COLOURS[style], [dot.params for dot in dots]
    mean, worst = _shown([dot.mean for dot in dots]), _shown([dot.worst for dot in dots])
    axes.vlines(x, worst, mean, color=colour, linewidth=0.9, alpha=0.6, transform=place)
    axes.scatter(x, worst, color=colour, marker="_", alpha=0.6, transform=place)
    marker = _MARKERS[style]
    axes.scatter(x, mean, 26, color=colour, marker=marker, label=name, transform=place)
    leading = [dot for dot in dots if dot.leads]
    x, mean = [dot.params for dot in leading], _shown([dot.mean for dot in leading])
    axes.scatter(x, mean, 110, edgecolor=_INK, facecolor="none", transform=place)


def _with_room(values: Sequence[float]) -> tuple[float, float]:
    """The limits of an axis that shows all of them."""
    room = max(1.0, 0.05 * (max(values) - min(values)))
    return min(values) - room, max(values) + room


def importance(found: Sequence[Importance], name: str, title: str, size: Size = WIDE) -> str:
    """What each dimension explains, and what shuffled scores reach. name: the figure's, which no
    other in its page has."""
    inches = 1.6 + 0.36 * len(found) if size.narrow else 1.4 + 0.27 * len(found)
    with _drawing(size, inches) as figure:
        axes = figure.subplots()
        places = np.arange(len(found))[::-1]
        colours = [_COLOURS[0] if each.matters else _IDLE for each in found]
        shares = np.array([100 * each.share for each in found])
        axes.barh(places, shares, color=colours, height=0.62)
        low = shares - [100 * each.low for each in found]
        high = [100 * each.high for each in found] - shares
        axes.errorbar(shares, places, xerr=[low, high], fmt="none", ecolor=_INK, elinewidth=1)
        marks = [min(100, 100 * each.mark) for each in found]  # one beyond all: at the edge
        label = "reached by one in twenty shuffles"
        axes.scatter(marks, places, 170, color=_GOAL, marker="|", linewidth=2, label=label)
        axes.set_yticks(places, [_named(each, size) for each in found])
        what = "explained of the ranking (%)" if size.narrow else _EXPLAINED
        axes.set(xlim=(0, 100), xlabel=what)
        _titled(figure, title, size)
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside lower right", fontsize=9)
        return _svg(figure, name, size)


def _named(each: Importance, size: Size) -> str:
    """A dimension, and in how many trials it does something where that is not so in all."""
    name = _cut(each.name, size)
    if each.trials == each.of:
        return name
    return f"{name}{chr(10) if size.narrow else ' '}({each.trials} of {each.of})"


def _cut(name: str, size: Size) -> str:
    return name if len(name) <= size.named else f"{name[: size.named - 1]}…"


def _titled(figure: Figure, title: str, size: Size) -> None:
    text = textwrap.fill(title, size.letters, break_on_hyphens=False)
    figure.suptitle(text, x=0.02, horizontalalignment="left")


@contextmanager
def _drawing(size: Size, high: float) -> Iterator[Figure]:
    """A figure of so many inches that no settings of the user's change."""
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # shown as a box
        yield Figure(figsize=(size.inches, high), layout="constrained")


def _shown(accuracies: Iterable[float]) -> list[float]:
    """Where no error is made there is no logarithm of it."""
    return [min(accuracy, 99.995) for accuracy in accuracies]


def _rates(config: Config) -> tuple[list[float], list[float]]:
    """(epochs, learning rates) of updates, of each epoch's last among others."""
    epochs, batches = config.epochs, config.batches
    every = math.ceil(batches / _UPDATES)
    shown = [
        update
        for update in range(epochs * batches)
        if (batches - 1 - update % batches) % every == 0
    ]
    factors = [factor_at(config.schedule, update, epochs, batches) for update in shown]
    rates = [config.optimizer.lr * factor for factor in factors]
    return [(update + 1) / batches for update in shown], rates


def _goal_line(axes: Axes, goal: Goal, label: str) -> None:
    axes.axhline(*_shown([goal.accuracy]), color=_GOAL, linestyle="--", linewidth=1.2, label=label)


def _error_scale(axes: Axes, goal: Goal, lowest: float, highest: float) -> float:
    """Fill the axis with four times the goal's error and less, and with all from `lowest` on;
    returns where it begins."""
    most = max(4 * (100 - goal.accuracy), 1.15 * (100 - lowest), 0.02)
    least = min(100 - highest, 100 - goal.accuracy) / 1.25
    bottom, top = 100 - min(most, 100.0), min(100 - least, 99.997)
    axes.set_yscale("function", functions=(_to_scale, _from_scale))
    axes.set_ylim(bottom, top)
    ticks = [100 - error for error in _round_errors(100 - top, 100 - bottom)]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    return bottom


def _to_scale(accuracy: np.ndarray) -> np.ndarray:
    return np.asarray(-np.log10(np.maximum(100 - np.asarray(accuracy, dtype=float), 1e-3)))


def _from_scale(scaled: np.ndarray) -> np.ndarray:
    return np.asarray(100 - 10 ** -np.asarray(scaled, dtype=float))


def _round_errors(least: float, most: float) -> list[float]:
    """Errors with one digit, the roundest first, none closer to another than a tenth of the
    range."""
    found: list[float] = []
    apart = math.log(most / least) / 10
    for digits in ((1, 2, 5), (3, 4, 6, 8), (1.5, 7, 9)):
        for error in (digit * 10.0**power for power in range(-3, 2) for digit in digits):
            clear = all(abs(math.log(error / other)) >= apart for other in found)
            if least <= error <= most and clear:
                found.append(error)
    return found


def _svg(figure: Figure, name: str, size: Size) -> str:
    """The figure, whose ids begin with its name: several of them may stand in one page."""
    name += size.suffix
    with matplotlib.rc_context({"svg.hashsalt": name}):
        content = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(content, format="svg", metadata=nothing)
    text = re.sub(r"<!--.*?-->\n?", "", content.getvalue(), flags=re.DOTALL)
    text = text.replace("</style>", f"\n{dark_style()}</style>", 1)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    return re.sub(r'(href="|url\()#', rf"\1#{name}-", text)
