"""The space of a stage: a few dimensions around configs that are already there."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from mnist_core.config import Config, Sgd
from mnist_core.faults import explain
from mnist_core.schedule import OneCycle
from spaces import free, layouts
from spaces.budget import share_dimensions
from spaces.dimensions import Choice, Dimension, Real
from spaces.edit import edited, retimed
from spaces.space import Frame, Params, Space, SpaceError, check_names

ALL = "all"
"""As a dimension's bounds: all that it can be."""
WIDTHS = "widths"
"""All the widths at once: one alone says nothing, since they share the budget."""
BASE = "base"
"""The dimension that says which config a sample starts from, where there are several."""


def make(
    bases: Mapping[str, Config],
    frame: Frame,
    vary: Mapping[str, Any],
    fix: Params,
    table: str = "space",
) -> Space:
    """Configs that differ from one of `bases` in the dimensions named, and else only in what the
    frame says.

    bases: name -> config, at least one. vary: name -> `ALL`, [low, high] or choices; `WIDTHS`
    stands for all widths. fix: name -> the value that every sample gets. table: where the two
    stand, as messages name it.

    Raises SpaceError naming the field, also where a base has not fewer parameters than the budget,
    lacks what a dimension changes, or cannot be trained on the frame's data in some batch size.
    """
    known = all_dimensions(frame)
    check_names(vary, {*known, WIDTHS}, f"{table}.vary", _STAGE)
    vary = _spelled_out(vary)
    check_names(fix, known, f"{table}.fix", _STAGE)
    named = {*vary, *fix}
    for name, config in bases.items():
        _check_base(name, config, frame, named, table)
    bases = {name: _framed(name, config, frame) for name, config in bases.items()}
    dimensions = {name: kind for name, kind in known.items() if name in named}
    if len(bases) > 1:
        dimensions[BASE] = Choice(list(bases))
    given = _given(bases, named)
    switches = {
        name: (switch, choices)
        for name, (switch, choices) in _switches(bases).items()
        if name in named and (switch in named or switch in given)
    }
    bounded = {
        name: _whole(known[name]) if bounds == ALL else bounds for name, bounds in vary.items()
    }
    space = Space(_STAGE, frame, dimensions, given, _builder(bases), switches, _digest(bases))
    narrowed = space.narrowed(bounded, fix, table)
    _check_batches(bases, narrowed, table)
    return narrowed


_STAGE = "a stage"
_SWITCHES = {
    **free.SWITCHES,
    "gamma": ("schedule", ("step", "multistep", "loss_dip")),
    # OneCycle moves the momentum itself, unless told not to: see `_switches`.
    "momentum": ("schedule", ("linear", "cosine", "step", "none", "multistep", "loss_dip")),
}
_WIDTH_NAMES = tuple(share_dimensions(layouts.CONVOLUTIONS))


def _spelled_out(vary: Mapping[str, Any]) -> dict[str, Any]:
    """One entry a dimension; what is said of a single width comes before what is said of all."""
    widths = dict.fromkeys(_WIDTH_NAMES, vary[WIDTHS]) if WIDTHS in vary else {}
    return {**widths, **{name: bounds for name, bounds in vary.items() if name != WIDTHS}}


def _whole(kind: Dimension) -> Sequence[Any]:
    """All that a dimension can be, as `narrowed` is told it."""
    if isinstance(kind, Choice):
        return kind.choices
    return [kind.low, kind.high]


def all_dimensions(frame: Frame) -> dict[str, Dimension]:
    """Every dimension that a stage may vary, within the bounds of sense."""
    return {
        **free.dimensions(frame),
        "momentum": Real(0.5, 0.99),
        "batch_size": Choice([32, 64, 128, 256, 512]),
    }


def _switches(bases: Mapping[str, Config]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """`_SWITCHES`, where OneCycle is among those that need a momentum if it is so in some base."""
    switches = dict(_SWITCHES)
    schedules = [config.schedule for config in bases.values()]
    if any(isinstance(each, OneCycle) and not each.cycle_momentum for each in schedules):
        switch, choices = switches["momentum"]
        switches["momentum"] = (switch, (*choices, "onecycle"))
    return switches


def _given(bases: Mapping[str, Config], named: set[str]) -> dict[str, str]:
    """What the bases agree on, of the choices that make other dimensions idle or not."""
    kinds: dict[str, set[str]] = {
        "schedule": {config.schedule.kind for config in bases.values()},
        "averaging": {config.averaging.kind for config in bases.values()},
    }
    return {
        switch: next(iter(found))
        for switch, found in kinds.items()
        if len(found) == 1 and switch not in named
    }


def _builder(bases: Mapping[str, Config]) -> Callable[[Params, int, Frame], Config]:
    first = next(iter(bases))

    def build(params: Params, seed: int, frame: Frame) -> Config:
        config = edited(bases[params.get(BASE, first)], params, frame.budget)
        return config.changed(seed=seed)

    return build


def _check_base(name: str, config: Config, frame: Frame, named: set[str], table: str) -> None:
    if config.params >= frame.budget:
        raise SpaceError(
            f"base: {name} has {config.params:,} parameters, and the goal wants fewer than "
            f"{frame.budget:,}; leave it out, or raise goal.params"
        )
    if "momentum" in named and not isinstance(config.optimizer, Sgd):
        raise SpaceError(
            f"{table}.vary.momentum: {name} is trained by {config.optimizer.kind}, which has none; "
            "leave it out"
        )
    widths = named & set(_WIDTH_NAMES)
    if ("layout" in named or widths) and len(widths) < len(_WIDTH_NAMES):
        raise SpaceError(f"{table}.vary: another net needs {WIDTHS}; add {WIDTHS} = {ALL!r}")
    if widths and "layout" not in named:
        try:
            layouts.plan_of(config.layers)
        except SpaceError as error:
            raise SpaceError(f"{table}.vary.{WIDTHS}: {name}: {error}") from None


def _framed(name: str, config: Config, frame: Frame) -> Config:
    """The base in the frame's epochs and on its data."""
    try:
        return retimed(config, epochs=frame.epochs, data=frame.data)
    except ValidationError as error:
        raise SpaceError(f"base: {name}: {explain(error, Config)}") from None


def _check_batches(bases: Mapping[str, Config], space: Space, table: str) -> None:
    """Raises SpaceError where some batch size of the stage leaves a net of the bases a batch that
    it cannot be trained on; nets of our own layouts can be trained on any."""
    field = f"{table}.{'fix' if 'batch_size' in space.fixed else 'vary'}.batch_size"
    dimension = space.dimensions.get("batch_size")
    sizes = dimension.choices if isinstance(dimension, Choice) else [space.fixed.get("batch_size")]
    for size in filter(None, sizes):
        for name, config in bases.items():
            try:
                retimed(config, batch_size=size)
            except ValidationError as error:
                raise SpaceError(f"{field}: {size}: {name}: {explain(error, Config)}") from None


def _digest(bases: Mapping[str, Config]) -> str:
    """Equal only for the same configs under the same names; what the frame sets is left out."""
    framed = {"seed", "epochs", "data"}
    content = {
        name: {field: value for field, value in config.to_dict().items() if field not in framed}
        for name, config in bases.items()
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
