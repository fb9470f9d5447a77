"""The space of a stage: a few dimensions around configs that are already there."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from mnist_core.config import Config, Sgd
from mnist_core.faults import explain
from spaces import catalogue, layouts
from spaces.catalogue import all_dimensions, edited
from spaces.dimensions import Choice, Dimension
from spaces.edit import retimed
from spaces.space import STAGE, Frame, Sample, Space, SpaceError, check_names

ALL = "all"
"""As a dimension's bounds: all that it can be."""
ALL_WIDTHS = "widths"
"""All the widths at once: one alone says nothing, since they share the budget."""
BASE = "base"
"""The dimension that says which config a sample starts from, where there are several."""


def make(
    bases: Mapping[str, Config],
    frame: Frame,
    vary: Mapping[str, Any],
    fix: Sample,
    table: str = "space",
) -> Space:
    """Configs that differ from one of `bases` in the dimensions named, and else only in what the
    frame says.

    bases: name -> config, at least one. vary: name -> `ALL`, [low, high] or choices; `ALL_WIDTHS`
    stands for all widths. fix: name -> the value that every sample gets. table: where the two
    stand, as messages name it.

    Raises SpaceError naming the field, also where a base has not fewer parameters than the budget,
    lacks what a dimension changes, or cannot be trained on the frame's data in some batch size.
    """
    known = all_dimensions(frame)
    _check_widths(vary, table)
    check_names(vary, {*known, ALL_WIDTHS}, f"{table}.vary", STAGE)
    vary = _spelled_out(vary)
    check_names(fix, known, f"{table}.fix", STAGE)
    named = {*vary, *fix}
    for name, config in bases.items():
        _check_base(name, config, frame, named, table)
    bases = {name: _framed(name, config, frame) for name, config in bases.items()}
    dimensions = {name: kind for name, kind in known.items() if name in named}
    if len(bases) > 1:
        dimensions[BASE] = Choice(list(bases))
    needs = catalogue.switches(bases.values())
    given = _given(bases, [switch for switch, _ in needs.values() if switch not in named])
    switches = {
        name: (switch, choices)
        for name, (switch, choices) in needs.items()
        if name in named and (switch in named or switch in given)
    }
    bounded = {
        name: _whole(known[name]) if bounds == ALL else bounds for name, bounds in vary.items()
    }
    space = Space(STAGE, frame, dimensions, given, _builder(bases), switches, _digest(bases))
    narrowed = space.narrowed(bounded, fix, table)
    _check_batches(bases, narrowed, table)
    return narrowed


def _check_widths(vary: Mapping[str, Any], table: str) -> None:
    """Raises SpaceError where a single width is to vary but all of them are not, of which it can
    only be a part with bounds of its own; and where it says no bounds of its own."""
    named = [name for name in catalogue.WIDTH_NAMES if name in vary]
    alone = ALL_WIDTHS not in vary and len(named) < len(catalogue.WIDTH_NAMES)
    for name in named:
        if alone or vary[name] == vary.get(ALL_WIDTHS) == ALL:
            raise SpaceError(
                f"{table}.vary: a stage has no {name}; all widths together are `{ALL_WIDTHS}`"
            )


def _spelled_out(vary: Mapping[str, Any]) -> dict[str, Any]:
    """One entry a dimension; what is said of a single width comes before what is said of all."""
    widths = dict.fromkeys(catalogue.WIDTH_NAMES, vary[ALL_WIDTHS]) if ALL_WIDTHS in vary else {}
    return {**widths, **{name: bounds for name, bounds in vary.items() if name != ALL_WIDTHS}}


def _whole(kind: Dimension) -> Sequence[Any]:
    """All that a dimension can be, as `narrowed` is told it."""
    if isinstance(kind, Choice):
        return kind.choices
    return [kind.low, kind.high]


def _given(bases: Mapping[str, Config], switches: Iterable[str]) -> dict[str, str]:
    """What the bases agree on, of the choices that make other dimensions idle or not."""
    kinds = {
        switch: {getattr(config, switch).kind for config in bases.values()} for switch in switches
    }
    return {switch: kind for switch, (kind, *others) in kinds.items() if not others}


def _builder(bases: Mapping[str, Config]) -> Callable[[Sample, int, Frame], Config]:
    first = next(iter(bases))

    def build(sample: Sample, seed: int, frame: Frame) -> Config:
        config = edited(bases[sample.get(BASE, first)], sample, frame.budget)
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
    widths = named & set(catalogue.WIDTH_NAMES)
    if ("layout" in named or widths) and len(widths) < len(catalogue.WIDTH_NAMES):
        raise SpaceError(
            f"{table}.vary: another net needs {ALL_WIDTHS}; add {ALL_WIDTHS} = {ALL!r}"
        )
    if widths and "layout" not in named:
        try:
            layouts.plan_of(config.layers)
        except SpaceError as error:
            raise SpaceError(f"{table}.vary.{ALL_WIDTHS}: {name}: {error}") from None


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
