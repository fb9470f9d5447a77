"""The figure of studies/fidelity: what a view of a config costs, and how well it ranks."""

import io
from collections.abc import Sequence

import matplotlib.style
from fidelity_views import CUT_LAST, HALF, LAST, LEAST, SECOND, Group, View
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from search.report.figures import STYLE, dark_style

_INK, _PALE = "#333333", "#9A9A9A"
SERIES = (
    ("annealed, mean of the later half", HALF, "#0072B2", "o", 1.0),
    ("annealed, last epoch", LAST, "#D55E00", "s", 1.07),
    ("cut, last epoch", CUT_LAST, "#009E73", "^", 0.935),
)
"""Label, views, colour, marker, and by what they are moved aside, for the bars to be seen. The
colours are of those that become lighter on a dark screen."""
_STYLE = {**STYLE, "axes.titlesize": 9.5, "svg.hashsalt": "fidelity"}


def drawn(twice: Group, every: Group, trainings: int) -> str:
    """SVG, on white, and where a screen is dark, dark."""
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(8.2, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _panel(left, twice, f"{twice.size} configs of two seeds: each against another run")
        _panel(right, every, f"all {every.size} configs: cut runs against themselves")
        low, high = left.get_ylim()
        left.set_ylim(max(low, -0.5), min(high, 1.02))
        left.set_ylabel("rank correlation with a whole run")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
        content = io.StringIO()
        said = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        about = f"From the first {trainings} trainings of the ledger."
        figure.savefig(content, format="svg", metadata={**said, "Description": about})
    return content.getvalue().replace("</style>", f"\n{dark_style()}</style>", 1)


def _panel(axes: Axes, group: Group, title: str) -> None:
    if group.size >= LEAST:
        for label, views, colour, marker, aside in SERIES:
            own = any(group.look(view).own for view in views)
            _line(axes, group, views, colour, marker, aside, "--" if own else "-", label)
        if not group.look(SECOND).own:
            _line(axes, group, [SECOND], _INK, "D", 1.0, "-", "a second whole run")
            ceiling = group.correlation(SECOND).value
            axes.axhline(ceiling, color=_PALE, linestyle=":", linewidth=1.2)
    axes.set_title(title, loc="left")
    axes.set(xscale="log", xlabel="cost (epochs of all 60,000 images)", xlim=(0.8, 18.5))
    axes.xaxis.set_major_locator(FixedLocator([1, 3, 5, 9, 15]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")


def _line(
    axes: Axes,
    group: Group,
    views: Sequence[View],
    colour: str,
    marker: str,
    aside: float,
    style: str,
    label: str,
) -> None:
    found = [group.correlation(view) for view in views]
    values = [each.value for each in found]
    below = [each.value - each.interval[0] for each in found]
    above = [each.interval[1] - each.value for each in found]
    axes.errorbar(
        [view.cost * aside for view in views],
        values,
        yerr=[below, above],
        color=colour,
        marker=marker,
        markersize=6,
        linestyle=style,
        linewidth=1.6,
        elinewidth=1,
        label=label,
    )
