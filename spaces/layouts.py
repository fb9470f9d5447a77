"""Layouts: where the convolutions and pools stand; their widths are left to the search.

All have seven convolutions, so that one set of width dimensions serves them all. Sides of the maps
from the 28x28 image on are given beside each.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from mnist_core.layers import Activation, Conv, Dropout, Layer, Linear, parse
from spaces.budget import WidthBudget
from spaces.space import SpaceError

PLANS: Final = {
    # A 1x1 after the only pool narrows what four more convolutions see.   26 24 12 12 10 8 6 4
    "squeeze": ("3", "3", "pool", "1", "3", "3", "3", "3"),
    # Two 1x1 squeezes, each before a pool (seed 000, Net 1).         26 24 24 12 10 8 8 4 2
    "two-squeezes": ("3", "3", "1", "pool", "3", "3", "1", "pool", "3"),
    # Padded after the first pool: more is seen of a map that stays.  26 24 12 12 12 6 6 4 2
    "two-pools": ("3", "3", "pool", "3 p1", "3 p1", "pool", "1", "3", "3"),
}
CONVOLUTIONS: Final = 7
LEAST: Final = 4  # channels of any layer
_MANY = 12  # widths that one word says


def layers(plan: str, widths: Sequence[int], activation: str, dropout: float) -> tuple[str, ...]:
    """The net in layer notation: conv, bn, activation (and dropout) a block, global average pool,
    linear classifier. The last block has no dropout: the classifier sees whole features."""
    notation: list[str] = []
    inputs, remaining = 1, list(widths)
    for part in PLANS[plan]:
        if part == "pool":
            notation.append("maxpool 2")
            continue
        outputs = remaining.pop(0)
        notation += [f"conv {inputs}->{outputs} k{part} bias=false", "bn", activation]
        if dropout and remaining:
            notation.append(f"dropout {dropout!r}")
        inputs = outputs
    return (*notation, "gap", "flatten", f"linear {inputs}->10")


def network(net: Sequence[Layer]) -> str:
    """A net in one word: what its convolutions and hidden linear layers put out, one after the
    other, `16-16-7-8-32-11-21`; of many only the first."""
    weighted = [layer for layer in net if isinstance(layer, Conv | Linear)]
    if weighted and isinstance(weighted[-1], Linear):
        weighted = weighted[:-1]  # the classifier
    widths = [str(layer.outputs) for layer in weighted]
    if len(widths) > _MANY:
        widths = [*widths[: _MANY - 1], f"...({len(widths)})"]
    return "-".join(widths) or "linear"


def known_plan(net: Sequence[Layer]) -> str | None:
    """The layout of a net that `layers` makes, whatever its widths; None for others."""
    widths = widths_of(net)
    activation = next((str(layer) for layer in net if isinstance(layer, Activation)), "relu")
    rate = next((layer.p for layer in net if isinstance(layer, Dropout)), 0.0)
    for plan in PLANS:
        same = len(widths) == CONVOLUTIONS and [*net] == [
            parse(line) for line in layers(plan, widths, activation, rate)
        ]
        if same:
            return plan
    return None


def plan_of(net: Sequence[Layer]) -> str:
    """As `known_plan`. Raises SpaceError where it is none."""
    plan = known_plan(net)
    if plan is not None:
        return plan
    raise SpaceError("a net that is of no layout of ours has no widths to vary; vary layout too")


def widths_of(net: Sequence[Layer]) -> list[int]:
    """The channels that each convolution puts out."""
    return [layer.outputs for layer in net if isinstance(layer, Conv)]


def count(plan: str, widths: Sequence[int]) -> int:
    """Parameters of `layers(plan, widths, ...)`, without making it: the budget's search counts
    some forty nets a sample."""
    kernels = [int(part[0]) ** 2 for part in PLANS[plan] if part != "pool"]
    total = 10 * widths[-1] + 10  # the classifier
    inputs = 1
    for kernel, outputs in zip(kernels, widths, strict=True):
        total += kernel * inputs * outputs + 2 * outputs  # weights; batch norm's scale and shift
        inputs = outputs
    return total


def sampled_widths(plan: str, params: Mapping[str, Any], budget: int) -> tuple[int, ...]:
    """The widths that a sample's shares come to under the budget."""
    shares = [params[f"width_{i}"] for i in range(1, CONVOLUTIONS + 1)]
    return _width_budget(plan, budget).widths(shares)


def check_budget(budget: int) -> None:
    """Raises SpaceError where some layout's narrowest net does not fit the budget."""
    for plan in PLANS:
        least = _width_budget(plan, budget).smallest
        if least >= budget:
            raise SpaceError(
                f"goal.params: {budget} is too few: the narrowest net of layout {plan!r} has "
                f"{least}; ask for more than that"
            )


def largest_widths(plan: str, budget: int) -> Sequence[int]:
    """The width that a share of 1 stands for, of each layer."""
    return _width_budget(plan, budget).highs


def _width_budget(plan: str, budget: int) -> WidthBudget:
    """The largest width is about twice that of a net of equal widths (32 for 10,000 parameters,
    which grow with the square of the width); before the first pool half of that, since a channel
    costs four times the arithmetic there."""
    high = max(8, int(0.32 * math.sqrt(budget)))
    early = PLANS[plan].index("pool")
    highs = [max(8, high // 2)] * early + [high] * (CONVOLUTIONS - early)
    return WidthBudget(partial(count, plan), budget, highs, LEAST)
