"""A comparison as text: a table for people, JSON and CSV for programs."""

import statistics
from collections import Counter
from typing import Any

from mnist_core.words import accuracies, does, part, percent
from search.chance.noise import FLOOR, LAST
from search.compare.compare import Compared, Comparison
from search.text.console import folded, left_out, records, table, width, wrapped
from search.text.wording import change

NEAR = 0.15
"""Points: how near to a reported result ours is hoped to come."""
HEADS = [
    "experiment",
    "parameters",
    "theirs: last epochs",
    "mean",
    "ours: mean",
    "worst",
    "difference",
    "within noise",
    "seeds",
    "epochs",
]
LEFT = {"experiment", "within noise"}
"""The heads of columns that hold no numbers."""
_RANKS = [0, 3, 5, 1, 1, 4, 1, 2, 4, 4]
"""Of the columns, as a narrow terminal leaves them out: the highest first."""


def listed(comparison: Comparison, form: str) -> str:
    """The rows as `table`, `json` or `csv`."""
    if form != "table":
        told = _whole if form == "json" else _flat
        rows = [told(comparison, row) for row in comparison.rows]
        return records(rows, list(rows[0]), form)
    title = (
        "Test accuracies in percent, of the last five epochs that both ran; differences in points"
    )
    named = ["theirs: mean" if head == "mean" else head for head in HEADS]
    lines = [cells(comparison, row) for row in comparison.rows]
    heads, lines, dropped = folded(named, lines, _RANKS)
    more = [*left_out(dropped), *["See all with --format csv"] * bool(dropped)]
    room = min(100, width() or 100)
    remarks = [wrapped(sentence, room) for sentence in summary(comparison)]
    return "\n".join([table(title, heads, lines, LEFT), *more, "", *remarks])


def cells(comparison: Comparison, row: Compared) -> list[str]:
    """A row under `HEADS`; what only a run of ours can say is empty without one."""
    shown = [
        row.experiment.name,
        f"{row.experiment.config.params:,}",
        accuracies(row.theirs),
        percent(statistics.fmean(row.theirs), FLOOR),
    ]
    pair = row.pair
    if pair is None:
        return shown + [""] * (len(HEADS) - len(shown))
    return [
        *shown,
        percent(pair.ours_mean, FLOOR),
        percent(pair.worst),
        change(pair.difference),
        comparison.verdict(row),
        str(len(row.runs)),
        f"{row.end} of {row.experiment.config.epochs}",
    ]


def summary(comparison: Comparison) -> list[str]:
    """Sentences: how near ours come to theirs in all, which are too bad to be judged, and how the
    noise was estimated."""
    noise = [_noise(comparison)] if comparison.judged() else []
    return [_near(comparison), *_low(comparison), *noise]


def _near(comparison: Comparison) -> str:
    run = [row for row in comparison.rows if row.runs]
    judged = comparison.judged()
    have = does(1 if 1 in (len(run), len(comparison.rows)) else 2, "has")
    text = f"{part(len(run), len(comparison.rows), 'experiment')} {have} been run"
    short = sum(not row.whole for row in run)
    if short:
        text += f", {short} of them not long enough to be judged"
    if not judged:
        return f"{text}."
    sizes = {row.experiment.name: abs(pair.difference) for row, pair in judged}
    largest = max(sizes, key=sizes.__getitem__)
    near = sum(size <= NEAR + 1e-9 for size in sizes.values())  # 99.40 - 99.25 is 0.15 and a bit
    noise = sum(comparison.noise.within(pair) for _, pair in judged)
    return (
        f"{text}; in {len(judged)} both sides reach {FLOOR:.0f} %, in {near} of these they lie "
        f"within {NEAR} points of each other and in {noise} within run-to-run noise; the median of "
        f"the absolute differences is {statistics.median(sizes.values()):.2f} points, the largest "
        f"{sizes[largest]:.2f} ({largest})."
    )


def _low(comparison: Comparison) -> list[str]:
    pairs = [row.pair for row in comparison.rows if row.whole]
    whose = Counter(pair.below() for pair in pairs if pair)
    theirs, ours, both = whose["theirs"], whose["ours"], whose["both"]
    if not theirs + ours + both:
        return []
    return [
        f"Not judged are nets whose last epochs have a mean below {FLOOR:.0f} %: {theirs + both} "
        f"as reported, {ours + both} as run here, {both} in both."
    ]


def _noise(comparison: Comparison) -> str:
    text = (
        "Within noise is a difference of at most two standard deviations. One run's variance is "
        f"taken to be the experiment's own between its last {LAST} epochs, over {LAST}, and that "
        f"between seeds, of a standard deviation of {comparison.noise}."
    )
    if not comparison.noise.recipes:
        return text
    return f"{text} Those that were given further seeds because they differed most do not count."


def _flat(comparison: Comparison, row: Compared) -> dict[str, Any]:
    """A row's figures in full precision; None for what only a run of ours can say."""
    pair = row.pair
    return {
        "name": row.experiment.name,
        "write_up": row.experiment.reported.write_up,
        "params": row.experiment.config.params,
        "theirs_last": list(row.theirs),
        "theirs_mean": statistics.fmean(row.theirs),
        "ours_mean": pair.ours_mean if pair else None,
        "ours_worst": pair.worst if pair else None,
        "difference": pair.difference if pair else None,
        "within_noise": comparison.verdict(row) or None,
        "seeds": len(row.runs),
        "epochs": row.end if row.runs else None,
        "config_epochs": row.experiment.config.epochs,
    }


def _whole(comparison: Comparison, row: Compared) -> dict[str, Any]:
    """A row's figures, all that was reported, and our runs with their curves."""
    return {
        **_flat(comparison, row),
        "reported": row.experiment.reported.model_dump(mode="json"),
        "runs": [run.model_dump(mode="json") for run in row.runs],
    }
