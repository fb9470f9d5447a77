"""What the next stage should change, and why: rules from a stage's findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from mnist_core.config import Config, NoAveraging
from mnist_core.goal import Goal
from mnist_core.layers import Dropout
from search.report.findings import AtBound, Findings
from search.text.markdown import code
from search.text.wording import digits, listed
from spaces.around import ALL_WIDTHS, BASE

REGULARISERS = ("augmentation", "dropout", "label_smoothing", "weight_decay")
STEADIERS = ("averaging", "average_over", "schedule", "gamma", "lr")
OTHER_NETS = "Try other nets"
NETS = (ALL_WIDTHS, "layout", "activation")


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
    tables = (ALL_WIDTHS if name.startswith("width_") else name for name in names if name != BASE)
    return list(dict.fromkeys(tables))


def _fit(found: Findings) -> Advice | None:
    """Of the first leader. More regularisation narrows the gap and lowers the training accuracy, so
    it is no remedy where both are wrong."""
    first, fit = found.leaders[0], found.fits[0]
    if fit is None or fit.verdict == "neither":
        return None
    name, gap = code(first.name), f"{fit.gap:.2f} points"
    if fit.verdict == "overfits":
        change = f"Raise {listed(_spoken(REGULARISERS), 'or')}"
        return Advice(change, f"{name} overfits by {gap}", REGULARISERS)
    if fit.verdict == "underfits":
        used = _in_use(first.config)
        change = f"Lower {listed(_spoken(used), 'or')}, or try other nets" if used else OTHER_NETS
        return Advice(change, f"{name} underfits", (*used, *NETS))
    why = f"{name} overfits and underfits, and regularisation mends one at the other's cost"
    return Advice(OTHER_NETS, why, NETS)


def _in_use(config: Config) -> tuple[str, ...]:
    """The regularisers that can be lowered."""
    strengths = {
        "augmentation": len(config.augment),
        "dropout": max(
            (layer.p for layer in config.layers if isinstance(layer, Dropout)), default=0
        ),
        "label_smoothing": config.label_smoothing,
        "weight_decay": config.optimizer.weight_decay,
    }
    return tuple(name for name in REGULARISERS if strengths[name])


def _spoken(names: Sequence[str]) -> list[str]:
    return [name.replace("_", " ") for name in names]


def _steadiness(found: Findings, goal: Goal) -> Advice | None:
    """Where the epochs of one training differ by more than chance makes trainings differ."""
    first = found.leaders[0]
    if found.noise is None or goal.last < 2:
        return None
    deviation = first.trial.ending.deviation
    if deviation <= found.noise.size:
        return None
    averaged = not isinstance(first.config.averaging, NoAveraging)
    start = "Average over more updates" if averaged else "Average the weights"
    why = (
        f"the {goal.ends} of {code(first.name)} have a standard deviation of "
        f"{deviation:.2f} points, more than the noise of {found.noise.size:.2f}"
    )
    return Advice(f"{start}, or let the learning rate end lower", why, STEADIERS)


def _bound(at: AtBound) -> Advice | None:
    """Widths share the budget, so that a bound of one of them is no end."""
    end = "upper" if at.upper else "lower"
    why = f"the best values lie at its {end} bound, {digits(at.bound)}"
    if at.widens:
        return Advice(f"Widen {code(at.name)}", why, tuple(spelled([at.name])))
    if spelled([at.name]) == [ALL_WIDTHS]:
        return None
    change = f"Fix {code(at.name)} near {digits(at.bound)}"
    return Advice(change, f"{why}, beyond which no stage can go", tuple(spelled([at.name])), True)


def _idle(found: Findings) -> Advice | None:
    mattering = spelled([each.name for each in found.importances if each.matters])
    names = spelled([each.name for each in found.importances if not each.matters])
    idle = [name for name in names if name not in mattering]
    if not idle:
        return None
    change = f"Hold {listed([code(name) for name in idle])} as in {code(found.leaders[0].name)}"
    return Advice(change, "no effect can be told from chance", tuple(idle), True)
