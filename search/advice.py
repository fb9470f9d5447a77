"""What the next stage should change, and why: rules from a stage's findings."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from search.findings import AtBound, Findings
from search.goal import Goal
from search.markdown import code
from search.wording import listed
from spaces.around import BASE, WIDTHS

REGULARISERS = ("augmentation", "dropout", "label_smoothing", "weight_decay")
STEADIERS = ("averaging", "average_over", "schedule", "gamma", "lr")
NETS = (WIDTHS, "layout", "activation")


@dataclass(frozen=True)
class Advice:
    """One thing to change, in Markdown: "`change`: `why`."."""

    change: str
    why: str
    dimensions: tuple[str, ...]
    """A stage that varies any of them does something about it."""
    hold: bool = False
    """Whether it is the other way round: a stage should vary none of them."""


def advice(found: Findings, goal: Goal) -> list[Advice]:
    """What is most in the way of the goal first; none where no trial is complete."""
    if not found.leaders:
        return []
    parts = (_fit(found), _steadiness(found, goal), *map(_bound, found.at_bounds), _idle(found))
    return [part for part in parts if part is not None]


def spelled(names: Sequence[str]) -> list[str]:
    """Dimensions as a stage's table has them, where the widths are one; without the base."""
    tables = (WIDTHS if name.startswith("width_") else name for name in names if name != BASE)
    return list(dict.fromkeys(tables))


def _fit(found: Findings) -> Advice | None:
    """Of the first leader. More regularisation narrows the gap and lowers the training accuracy, so
    it is no remedy where both are wrong."""
    name, fit = code(found.leaders[0].name), found.fits[0]
    if fit is None or fit.verdict == "neither":
        return None
    if fit.verdict == "overfits":
        change = "Raise augmentation, dropout, label smoothing or weight decay"
        return Advice(change, f"{name} overfits by {fit.gap:.2f} points", REGULARISERS)
    if fit.verdict == "underfits":
        change = "Lower augmentation, dropout, label smoothing or weight decay, or try other nets"
        return Advice(change, f"{name} underfits", (*REGULARISERS, *NETS))
    change = "Try other nets"
    why = f"{name} overfits and underfits, and regularisation mends one at the other's cost"
    return Advice(change, why, NETS)


def _steadiness(found: Findings, goal: Goal) -> Advice | None:
    """Where the epochs of one training differ by more than chance makes trainings differ."""
    first = found.leaders[0]
    if first.row is None or found.noise is None or goal.last < 2:
        return None
    deviation = statistics.stdev(goal.final(first.row.test_acc))
    if deviation <= found.noise.size:
        return None
    why = (
        f"the last {goal.last} epochs of {code(first.name)} have a standard deviation of "
        f"{deviation:.2f} points, more than the noise of {found.noise.size:.2f}"
    )
    return Advice("Average the weights, or let the learning rate end lower", why, STEADIERS)


def _bound(at: AtBound) -> Advice:
    end = "upper" if at.upper else "lower"
    why = f"the best values lie at its {end} bound, {at.bound:.3g}"
    if at.widens:
        return Advice(f"Widen {code(at.name)}", why, tuple(spelled([at.name])))
    change = f"Fix {code(at.name)} near {at.bound:.3g}"
    return Advice(change, f"{why}, beyond which no stage can go", tuple(spelled([at.name])), True)


def _idle(found: Findings) -> Advice | None:
    mattering = spelled([each.name for each in found.importances if each.matters])
    names = spelled([each.name for each in found.importances if not each.matters])
    idle = [name for name in names if name not in mattering]
    if not idle:
        return None
    change = f"Hold {listed([code(name) for name in idle])} as in {code(found.leaders[0].name)}"
    return Advice(change, "no effect can be told from chance", tuple(idle), True)
