"""The write-ups' own search: widths, learning rate, step size, gamma and dropout."""

from functools import cache

from mnist_core.augment_ops import Rotation
from mnist_core.config import Config, Sgd
from mnist_core.schedule import Step
from spaces import free, layouts
from spaces.catalogue import WIDTH_NAMES, all_dimensions, edited
from spaces.dimensions import Real
from spaces.space import Frame, Sample, Space


def make(frame: Frame) -> Space:
    """SGD with momentum 0.9, StepLR, rotation by +-7 degrees: what the write-ups used."""
    layouts.check_budget(frame.budget)
    known = all_dimensions(frame)
    dimensions = {
        **{name: known[name] for name in WIDTH_NAMES},
        "lr": Real(0.003, 0.3, log=True),
        "step_size": known["step_size"],
        "gamma": known["gamma"],
        "dropout": Real(0.0, 0.15),
    }
    return Space("classic", frame, dimensions, {}, _build)


def _build(sample: Sample, seed: int, frame: Frame) -> Config:
    return edited(_plain(frame), sample, frame.budget).changed(seed=seed)


@cache
def _plain(frame: Frame) -> Config:
    return free.plain(frame).changed(
        augment=(Rotation(degrees=7.0),),
        optimizer=Sgd(lr=0.01, momentum=0.9),
        schedule=Step(size=1, gamma=0.1),
    )
