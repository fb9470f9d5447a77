"""A comparison as a page that GitHub renders: what stands in studies/seeds/README.md.

It holds no date, so that the same runs give the same page.
"""

import shlex
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from mnist_core.words import of
from search.compare.compare import GOAL_EPOCHS, Compared, Comparison
from search.compare.listing import HEADS, LEFT, cells, summary
from search.text.markdown import escaped, table
from search.text.wording import environments


def page(comparison: Comparison, command: str) -> str:
    """command: what was typed to make it."""
    rows = comparison.rows
    groups = [list(group) for _, group in groupby(rows, lambda row: row.experiment.group)]
    parts = [
        f"# {of(len(rows), 'experiment')} of {of(len(groups), 'write-up')}, theirs and ours",
        _introduction(groups),
        f"This page is made by\n\n```sh\n{command}\n```\n\nWith `--seeds 2` it first trains what "
        "is missing of two seeds an experiment, and keeps it among the results.",
        *(_section(comparison, group) for group in groups),
        "## In all",
        *summary(comparison),
    ]
    where = environments(run.environment for row in rows for run in row.runs)
    if where:
        parts += ["## Where ours were made", "\n".join(f"- {line}" for line in where)]
    return "\n\n".join(parts)


def command_for(
    words: Sequence[str], epochs: int, results: Path | None, output: Path | None
) -> str:
    """What makes the page again, typed in a checkout: not how it was typed, which may name folders
    of this machine's."""
    typed = ["drilldown", "compare", *words]
    if epochs != GOAL_EPOCHS:
        typed += ["--epochs", str(epochs)]
    if results is not None:
        typed += ["--results", str(results)]
    typed += ["--format", "markdown"]
    if output is not None:
        typed += ["-o", str(output)]
    return shlex.join(typed)


def _introduction(groups: list[list[Compared]]) -> str:
    titles = [escaped(group[0].experiment.reported.write_up) for group in groups]
    return (
        "What people wrote down when they chased the goal by hand, and what the same recipes come "
        f"to when drilldown trains them. The write-ups are {', '.join(titles)}. Each experiment is "
        "a config in this folder: `drilldown train 001-code4` runs one, `drilldown compare 001` "
        "shows those of a write-up. All accuracies are of the test set, in percent. *Theirs* are "
        f"the last five of the first {GOAL_EPOCHS} epochs, or of as many as ours have run, from "
        "their one run; *ours* is the mean of the same epochs, over the seeds; *worst* the lowest "
        "of them; *difference* ours less theirs, in points."
    )


def _section(comparison: Comparison, rows: list[Compared]) -> str:
    first = rows[0].experiment
    lines = [cells(comparison, row) for row in rows]
    return "\n".join(
        [
            f"## {first.group}: {escaped(first.reported.write_up)}",
            "",
            f"Repository: [{first.repository}](https://github.com/{first.repository})",
            "",
            table(HEADS, [[f"[{name}]({name}.toml)", *others] for name, *others in lines], LEFT),
        ]
    )
