"""The way back: from a config to the sample of a space that it is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnist_core.config import Config, Data
from mnist_core.frozen import shortened
from spaces import layouts
from spaces.catalogue import CATALOGUE, WIDTH_NAMES, all_dimensions
from spaces.differences import differences
from spaces.dimensions import Choice
from spaces.space import Space, SpaceError

_SCALES = [2.0 ** (step / 8) for step in sorted(range(-24, 25), key=abs)]
_NET = "layers"
_PARTS = {"schedule": "schedule", "averaging": "averaging", "layout": _NET, "activation": _NET}
"""Dimension with choices -> the part of a config that is another thing with each of them."""


def sample_of(config: Config, space: Space) -> dict[str, Any]:
    """A sample with which `space` makes this config, but for its seed; of dimensions that are idle
    in it, any value.

    Raises SpaceError, which says all that keeps it out of the space, where there is none.
    """
    plan, faults = _plan(config, space)
    said = {_NET} if faults else set()  # parts of the config of which no more is to be said
    if config.params >= space.frame.budget:
        said.add(_NET)
    faults = [*_frame_faults(config, space), *faults]
    values: dict[str, Any] = {}  # as the config has them, outside the space too
    for name in {**space.fixed, **space.dimensions}:
        if name in WIDTH_NAMES:
            continue
        values[name], fault = _value(name, config, space)
        faults += [fault] if fault else []
        if fault and name == "augmentation":
            said.add("augment")
        if fault and name in _PARTS and values[name] not in _choices(name, space):
            said.add(_PARTS[name])
            values[name] = _choices(name, space)[0]
    for name in space.switches.keys() - values.keys():  # idle, but for a switch that is at fault
        value = _read(name, config)
        values |= {} if value is None else {name: value}
    nearest = None
    for shares in _shares(config, space, plan):
        made = _made(config, space, {**values, **shares})
        if made == config.recipe and not faults:
            return {name: shares.get(name, values.get(name)) for name in space.dimensions}
        if nearest is None or made.layers == config.layers:
            nearest = made
    assert nearest is not None
    raise SpaceError("; ".join([*faults, *differences(config.recipe, nearest, space, said)]))


def _made(config: Config, space: Space, values: Mapping[str, Any]) -> Config:
    """What the space makes of these, in the config's epochs and on its data."""
    frame = replace(space.frame, epochs=config.epochs, data=config.data)
    middles = dict.fromkeys(WIDTH_NAMES, 0.5)  # where a net of another kind has no widths
    return space.build({**middles, **space.fixed, **values}, 0, frame)


def _choices(name: str, space: Space) -> Sequence[Any]:
    """All that a dimension with choices can be in any space."""
    kind = all_dimensions(space.frame)[name]
    assert isinstance(kind, Choice)
    return kind.choices


def _frame_faults(config: Config, space: Space) -> list[str]:
    frame, faults = space.frame, []
    if config.params >= frame.budget:
        faults.append(
            f"has {config.params:,} parameters, and the goal wants fewer than {frame.budget:,}"
        )
    if config.epochs != frame.epochs:
        faults.append(f"is trained for {config.epochs} epochs, here it is {frame.epochs}")
    if config.data != frame.data:
        theirs, ours = map(_images, (config.data, frame.data))
        faults.append(f"is trained and tested on {theirs} images, here it is {ours}")
    return faults


def _images(data: Data) -> str:
    held_out = " held-out" if data.judge == "holdout" else ""
    return f"{data.train:,} and {data.test:,}{held_out}"


def _read(name: str, config: Config) -> Any:
    read = CATALOGUE[name].read
    return read(config) if read else None


def _value(name: str, config: Config, space: Space) -> tuple[Any, str]:
    """(what a dimension is in the config, why the space does not have it); something that it has,
    where it is nothing in the config."""
    value, kind = _read(name, config), space.dimensions.get(name)
    if kind is None:
        fixed = space.fixed[name]
        other = value is not None and value != fixed
        fault = f"{name} is {shortened(value)}, here {fixed!r}" if other else ""
        return fixed if value is None else value, fault
    if isinstance(kind, Choice):
        if value is None or value in kind.choices:
            return kind.choices[0] if value is None else value, ""
        return value, f"{name} is {shortened(value)}, here {' or '.join(map(repr, kind.choices))}"
    if value is None:
        return kind.middle, ""
    nearest = min(max(value, kind.low), kind.high)
    if math.isclose(value, nearest, rel_tol=1e-12):  # the way back rounds
        return nearest, ""
    return value, f"{name} is {value:.6g}, here from {kind.low:g} to {kind.high:g}"


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


def _plan(config: Config, space: Space) -> tuple[str | None, list[str]]:
    """(the layout of a net whose widths the space has, or None where it varies none; what is said
    of a net that is of no layout)."""
    if set(WIDTH_NAMES).isdisjoint({*space.dimensions, *space.fixed}):
        return None, []
    plan = layouts.known_plan(config.layers)
    known = ", ".join(layouts.PLANS)
    return plan, [] if plan else [f"its net is of none of the layouts ({known})"]
