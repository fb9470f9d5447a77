"""What the next stage should change, and why: rules from a stage's findings."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from mnist_core.config import Config, NoAveraging
from mnist_core.goal import Goal
from mnist_core.layers import Dropout
from mnist_core.words import apart
from search.report.findings import AtBound, Findings
from search.text.markdown import code
from search.text.wording import digits, listed
from spaces.around import ALL_WIDTHS, BASE
from spaces.catalogue import augmentation_strength
from spaces.dimensions import Dimension, Number

REGULARISERS = ("augmentation", "dropout", "label_smoothing", "weight_decay")
RATES = ("schedule", "gamma", "lr")
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
    """What is most in the way of the goal first; none where no trial is complete.

    There is one counsel for a dimension at most, the surest: what its own values say comes before
    what is said of all like it, and any of these before what is said of that which shows no effect.
    """
    if not found.leaders:
        return []
    free = set(spelled(list(found.open)))
    given: dict[Rule, list[Advice]] = {}
    for rule in (_bounds, _fit, _steadiness, _unmoved):
        given[rule] = rule(found, goal, free)
        free = free.difference(*(each.dimensions for each in given[rule]))
    return [each for rule in (_fit, _steadiness, _bounds, _unmoved) for each in given[rule]]


Rule = Callable[[Findings, Goal, Set[str]], list[Advice]]
"""From findings, goal and the dimensions that nothing is said of yet, to what is said of some."""


def spelled(names: Sequence[str]) -> list[str]:
    """Dimensions as a stage's table has them, where the widths are one; without the base."""
    tables = (ALL_WIDTHS if name.startswith("width_") else name for name in names if name != BASE)
    return list(dict.fromkeys(tables))


Way = tuple[str, Sequence[str]]
"""Something to do, and the dimensions that it is done with; nothing where there are none."""


def _counsel(ways: Sequence[Way], why: str, hold: bool = False) -> list[Advice]:
    """To go one of these ways; none where there is none."""
    open_ = [way for way in ways if way[1]]
    if not open_:
        return []
    change = ", or ".join(said for said, _ in open_)
    names = [name for _, names in open_ for name in names]
    return [Advice(change[0].upper() + change[1:], why, tuple(names), hold)]


def _fit(found: Findings, goal: Goal, free: Set[str]) -> list[Advice]:
    """Of the first leader. More regularisation narrows the gap and lowers the training accuracy,
    so that neither more nor less is a remedy where both are wrong."""
    first, fit = found.leaders[0], found.fits[0]
    if fit is None or fit.verdict == "neither":
        return []
    name, gap = code(first.name), f"{fit.gap:.2f} points"
    bounds = {each: found.open[each] for each in REGULARISERS if each in free}
    now = {each: _strength(each, first.config) for each in bounds}
    if fit.verdict == "overfits":
        more = [each for each, kind in bounds.items() if now[each] < _ends(kind)[1]]
        return _counsel([_by("raise", more)], f"{name} overfits by {gap}")
    less = [each for each, kind in bounds.items() if now[each] > _ends(kind)[0]]
    other = ("try other nets", [each for each in NETS if each in free])
    if fit.gapes:
        return _counsel(
            [other], f"{name} underfits, and less regularisation would widen its gap of {gap}"
        )
    return _counsel([_by("lower", less), other], f"{name} underfits")


def _by(verb: str, names: Sequence[str]) -> Way:
    said = listed([name.replace("_", " ") for name in names], "or") if names else ""
    return f"{verb} {said}", names


def _ends(kind: Dimension) -> tuple[float, float]:
    """Between which a stage can ask for a value; of choices none is more than another."""
    return (kind.low, kind.high) if isinstance(kind, Number) else (0.0, 0.0)


def _strength(name: str, config: Config) -> float:
    """Of a regulariser, as its dimension has it."""
    match name:
        case "augmentation":
            return augmentation_strength(config)
        case "dropout":
            rates = (layer.p for layer in config.layers if isinstance(layer, Dropout))
            return max(rates, default=0.0)
        case "label_smoothing":
            return config.label_smoothing
        case _:
            return config.optimizer.weight_decay


def _steadiness(found: Findings, goal: Goal, free: Set[str]) -> list[Advice]:
    """Where the epochs of one training differ by more than chance makes trainings differ."""
    first = found.leaders[0]
    if found.noise is None or goal.last < 2:
        return []
    deviation, size = first.trial.ending.deviation, found.noise.size
    if deviation <= size:
        return []
    shown, noise = apart(deviation, size)
    why = (
        f"the {goal.ends} of {code(first.name)} have a standard deviation of {shown} points, more "
        f"than the noise of {noise}"
    )
    rates = [each for each in RATES if each in free]
    slower = ("lower the learning rate towards the end", rates)
    return _counsel([_averaging(first.config, found, free), slower], why)


def _averaging(config: Config, found: Findings, free: Set[str]) -> Way:
    """To average, or over more."""
    if isinstance(config.averaging, NoAveraging):
        return "average the weights", ["averaging"] * ("averaging" in free)
    most = _ends(found.open["average_over"])[1] if "average_over" in free else 0.0
    now = 1 / (1 - config.averaging.decay)
    return "average over more updates", ["average_over"] * (now < most)


def _bounds(found: Findings, goal: Goal, free: Set[str]) -> list[Advice]:
    """Widths share the budget, so that a bound of one of them is no end."""
    return [_bound(at) for at in found.at_bounds if at.name in free]


def _bound(at: AtBound) -> Advice:
    end = "upper" if at.upper else "lower"
    why = f"the best values lie at its {end} bound, {digits(at.bound)}"
    if at.widens:
        return Advice(f"Widen {code(at.name)}", why, (at.name,))
    change = f"Fix {code(at.name)} near {digits(at.bound)}"
    return Advice(change, f"{why}, beyond which it cannot go", (at.name,), True)


def _unmoved(found: Findings, goal: Goal, free: Set[str]) -> list[Advice]:
    """What shows no effect is as good as the best has it."""
    mattering = spelled([each.name for each in found.importances if each.matters])
    names = spelled([each.name for each in found.importances if not each.matters])
    still = [name for name in names if name in free and name not in mattering]
    held = listed([code(name) for name in still]) if still else ""
    way = (f"hold {held} as in {code(found.leaders[0].name)}", still)
    return _counsel([way], "no effect can be told from chance", hold=True)
