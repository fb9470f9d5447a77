"""What can be said of the importance of a study's dimensions, for its note in the dashboard."""

from mnist_core.words import of
from search.chance.importance import LEAST, importances
from search.study.study import Study
from search.study.trials import Complete
from search.text.markdown import code
from search.text.wording import listed

_HEAD = "## What mattered"


def told(study: Study) -> str:
    """In Markdown. The dashboard's own figure shows shares of dimensions of which chance explains
    as much."""
    complete = [trial for trial in study.trials() if isinstance(trial, Complete)]
    count = of(len(complete), "complete trial")
    if len(complete) < LEAST:
        return f"{_HEAD}\n\nNothing can be told from {count}; {LEAST} are the least."
    kinds = max(complete, key=lambda trial: trial.number).dimensions
    found = importances(
        kinds, [trial.living for trial in complete], [trial.score for trial in complete]
    )
    said = [
        f"{code(each.name)} {each.share:.0%} ({each.low:.0%} to {each.high:.0%})"
        for each in found
        if each.matters
    ]
    if not said:
        return (
            f"{_HEAD}\n\nNothing is told from chance in {count}: what the figure *Hyperparameter "
            "Importance* shows, chance shows too."
        )
    return (
        f"{_HEAD}\n\nTold from chance in {count}, as shares of what makes their order: "
        f"{listed(said)}. Of all others the figure *Hyperparameter Importance* shows no more than "
        "chance does."
    )
