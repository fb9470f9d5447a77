"""Changes of a config that must keep something else as it was: the length of its schedule, the
features that its classifier sees."""

from typing import Any

from mnist_core.config import Config
from mnist_core.layers import Conv, Dropout, Layer, Pool
from mnist_core.schedule import MultiStep, Step


def retimed(config: Config, **values: Any) -> Config:
    """The config with other `epochs`, `data` or `batch_size`. What its schedule counts in batches
    stays as many epochs long, however many batches an epoch now has.

    Raises pydantic's ValidationError as `Config.changed` does.
    """
    new = config.changed(**values)
    part = new.batches / config.batches
    match config.schedule:
        case Step(per="batch", size=size) as steps if part != 1:
            return new.changed(schedule=steps.changed(size=_steps(size * part)))
        case MultiStep(per="batch", milestones=milestones) as steps if part != 1:
            moved = tuple(_steps(milestone * part) for milestone in milestones)
            return new.changed(schedule=steps.changed(milestones=moved))
        case _:
            return new


def _steps(number: float) -> int:
    return max(1, round(number))


def with_dropout(layers: tuple[Layer, ...], rate: float) -> tuple[Layer, ...]:
    """Every dropout of the net at this rate, none at rate 0. A net without any gets one at the end
    of each block but the last, after which the classifier sees whole features."""
    if any(isinstance(layer, Dropout) for layer in layers):
        new = [
            Dropout(rate, layer.whole_channels) if isinstance(layer, Dropout) else layer
            for layer in layers
        ]
    else:
        new = _between_blocks(layers, Dropout(rate))
    return tuple(layer for layer in new if rate or not isinstance(layer, Dropout))


def _between_blocks(layers: tuple[Layer, ...], dropout: Dropout) -> list[Layer]:
    """A block is what stands before a convolution or a pool, back to the one before it."""
    new: list[Layer] = []
    for place, layer in enumerate(layers):
        ends_block = isinstance(layer, Conv | Pool) and new and not isinstance(new[-1], Pool)
        if ends_block and any(isinstance(later, Conv) for later in layers[place:]):
            new.append(dropout)
        new.append(layer)
    return new
