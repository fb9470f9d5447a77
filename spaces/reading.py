"""The way back: from a config to the sample of a space that it is."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mnist_core.config import Config
from mnist_core.frozen import shortened
from spaces import layouts
from spaces.catalogue import CATALOGUE, WIDTH_NAMES
from spaces.dimensions import Choice, Dimension
from spaces.space import Space, SpaceError

_SCALES = [2.0 ** (step / 8) for step in sorted(range(-24, 25), key=abs)]


def sample_of(config: Config, space: Space) -> dict[str, Any]:
    """A sample with which `space` makes this config, but for its seed; of dimensions that are idle
    in it, any value.

    Raises SpaceError, which says what keeps it out of the space, where there is none.
    """
    _check_frame(config, space)
    plan = _plan(config, space)
    sample: dict[str, Any] = {}
    for name in [*space.fixed, *space.dimensions]:
        if name in WIDTH_NAMES:
            continue
        read = CATALOGUE[name].read
        value = read(config) if read else None
        if name in space.dimensions:
            sample[name] = _within(name, space.dimensions[name], value)
        elif value is not None and value != space.fixed[name]:
            raise SpaceError(f"{name} is {shortened(value)}, here {space.fixed[name]!r}")
    recipe, nearest = config.recipe, None
    for shares in _shares(config, space, plan):
        found = {name: shares.get(name, sample.get(name)) for name in space.dimensions}
        made = space.config(found, 0)
        if made == recipe:
            return found
        if nearest is None or made.layers == recipe.layers:
            nearest = made
    assert nearest is not None
    raise SpaceError(_difference(recipe, nearest, space))


def _check_frame(config: Config, space: Space) -> None:
    """All at once that keeps it out: each of them can be set, and one alone does not help."""
    frame, faults = space.frame, []
    if config.params >= frame.budget:
        faults.append(
            f"has {config.params:,} parameters, and the goal wants fewer than {frame.budget:,}"
        )
    if config.epochs != frame.epochs:
        faults.append(f"is trained for {config.epochs} epochs, here it is {frame.epochs}")
    if config.data != frame.data:
        theirs, ours = (f"{data.train:,} and {data.test:,}" for data in (config.data, frame.data))
        faults.append(f"is trained and tested on {theirs} images, here it is {ours}")
    if faults:
        raise SpaceError("; ".join(faults))


def _within(name: str, kind: Dimension, value: Any) -> Any:
    """The value as the dimension has it; its middle where it is none in the config."""
    if isinstance(kind, Choice):
        if value is None:
            return kind.choices[0]
        if value not in kind.choices:
            known = " or ".join(map(repr, kind.choices))
            raise SpaceError(f"{name} is {shortened(value)}, here {known}")
        return value
    if value is None:
        return kind.middle
    nearest = min(max(value, kind.low), kind.high)
    if not math.isclose(value, nearest, rel_tol=1e-12):  # the way back rounds
        raise SpaceError(f"{name} is {value:.6g}, here from {kind.low:g} to {kind.high:g}")
    return nearest


def _shares(config: Config, space: Space, plan: str | None) -> Iterator[Mapping[str, float]]:
    """Shares of the layers that may come to the config's widths, the most likely first.

    Widths are the largest of their proportions that fit the budget, so that any common factor of
    the proportions comes to the same; one may lie within narrowed bounds where another does not.
    Half a channel more than there is, as the shares are rounded down.
    """
    if plan is None:
        yield {}
        return
    widths = layouts.widths_of(config.layers)
    highs = layouts.largest_widths(plan, space.frame.budget)
    for scale in _SCALES:
        shares = {}
        for name, width, high in zip(WIDTH_NAMES, widths, highs, strict=True):
            if name not in space.dimensions:
                continue
            kind = space.dimensions[name]
            assert not isinstance(kind, Choice)
            wanted = scale * (width + 0.5)
            share = math.log(wanted / layouts.LEAST) / math.log(high / layouts.LEAST)
            shares[name] = min(max(share, kind.low), kind.high)
        yield shares


def _plan(config: Config, space: Space) -> str | None:
    """The layout of a net whose widths the space has; None where it varies none."""
    if set(WIDTH_NAMES).isdisjoint({*space.dimensions, *space.fixed}):
        return None
    try:
        return layouts.plan_of(config.layers)
    except SpaceError:
        known = ", ".join(layouts.PLANS)
        raise SpaceError(f"its net is of none of the layouts ({known})") from None


def _difference(config: Config, made: Config, space: Space) -> str:
    """The first field in which a config differs from the nearest of the space."""
    ours, theirs = _flat(made.to_dict()), _flat(config.to_dict())
    field = next(name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name))
    if field == "layers":
        return _net_difference(config, made, space)
    return f"{field} is {_said(theirs.get(field))}, here {_said(ours.get(field))}"


def _net_difference(config: Config, made: Config, space: Space) -> str:
    widths = ["-".join(map(str, layouts.widths_of(each.layers))) for each in (config, made)]
    if widths[0] == widths[1]:
        pairs = zip(config.layers, made.layers, strict=False)
        one, other = next(((a, b) for a, b in pairs if a != b), ("more or fewer layers", "others"))
        return f"its net has {one}, here {other}"
    return (
        f"its widths are {widths[0]}; nets of their proportions use the budget of "
        f"{space.frame.budget:,} parameters here, as {widths[1]}"
    )


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def _said(value: Any) -> str:
    return "absent" if value is None or value == [] else shortened(value)
