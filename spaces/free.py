"""The open space: all that is known to matter, beyond what the write-ups varied."""

from functools import cache

from mnist_core.config import Config, Sgd
from mnist_core.schedule import Linear
from spaces import layouts
from spaces.catalogue import WARMUP, WIDTH_NAMES, all_dimensions, edited, switches
from spaces.space import Frame, Sample, Space

_NAMES = (
    *WIDTH_NAMES,
    "layout",
    "activation",
    "lr",
    "schedule",
    "warmup",
    "step_size",
    "gamma",
    "dropout",
    "weight_decay",
    "label_smoothing",
    "augmentation",
    "averaging",
    "average_over",
)


def make(frame: Frame) -> Space:
    """Every dimension is there in every trial, also where a choice makes it idle (`gamma` without
    steps): with fixed distributions throughout, multivariate TPE models them jointly."""
    layouts.check_budget(frame.budget)
    known, needs = all_dimensions(frame), switches()
    dimensions = {name: known[name] for name in _NAMES}
    idle = {name: needs[name] for name in _NAMES if name in needs}
    return Space("open", frame, dimensions, {}, _build, idle)


@cache
def plain(frame: Frame) -> Config:
    """The least that trains well: what the dimensions of this space are changes of."""
    plan = "squeeze"
    widths = layouts.sampled_widths(plan, dict.fromkeys(WIDTH_NAMES, 0.5), frame.budget)
    return Config(
        epochs=frame.epochs,
        data=frame.data,
        layers=layouts.layers(plan, widths, "relu", 0.0),
        optimizer=Sgd(lr=0.1, momentum=0.9, nesterov=True, decay="weights"),
        schedule=Linear(per="batch", warmup=WARMUP),
    )


def _build(sample: Sample, seed: int, frame: Frame) -> Config:
    return edited(plain(frame), sample, frame.budget).changed(seed=seed)
