"""The open space: all that is known to matter, beyond what the write-ups varied."""

from functools import cache

from mnist_core.config import Config, Sgd
from mnist_core.schedule import Linear
from spaces import layouts
from spaces.budget import share_dimensions
from spaces.dimensions import Choice, Dimension, Real, Whole
from spaces.edit import WARMUP, edited
from spaces.space import Frame, Params, Space


def make(frame: Frame) -> Space:
    """Every dimension is there in every trial, also where a choice makes it idle (`gamma` without
    steps): with fixed distributions throughout, multivariate TPE models them jointly."""
    layouts.check_budget(frame.budget)
    return Space("open", frame, dimensions(frame), {}, _build, SWITCHES)


SWITCHES = {
    "warmup": ("schedule", ("linear", "cosine", "onecycle")),
    "step_size": ("schedule", ("step",)),
    "gamma": ("schedule", ("step",)),
    "average_over": ("averaging", ("ema",)),
}


def dimensions(frame: Frame) -> dict[str, Dimension]:
    """All that can vary, within the bounds of sense."""
    return {
        **share_dimensions(layouts.CONVOLUTIONS),
        "layout": Choice(list(layouts.PLANS)),
        "activation": Choice(["relu", "silu"]),
        "lr": Real(0.02, 1.0, log=True),
        "schedule": Choice(["linear", "cosine", "onecycle", "step"]),
        "warmup": Real(0.05, 0.4),
        "step_size": Whole(1, max(1, frame.epochs - 1)),
        "gamma": Real(0.05, 0.9, log=True),
        "dropout": Real(0.0, 0.1),
        "weight_decay": Real(1e-5, 2e-3, log=True),
        "label_smoothing": Real(0.0, 0.1),
        "augmentation": Real(0.0, 2.0),
        "averaging": Choice(["none", "ema"]),
        "average_over": Real(50.0, 2000.0, log=True),
    }


@cache
def plain(frame: Frame) -> Config:
    """The least that trains well: what the dimensions of this space are changes of."""
    plan = "squeeze"
    even = dict.fromkeys(share_dimensions(layouts.CONVOLUTIONS), 0.5)
    widths = layouts.sampled_widths(plan, even, frame.budget)
    return Config(
        epochs=frame.epochs,
        data=frame.data,
        layers=layouts.layers(plan, widths, "relu", 0.0),
        optimizer=Sgd(lr=0.1, momentum=0.9, nesterov=True, decay="weights"),
        schedule=Linear(per="batch", warmup=WARMUP),
    )


def _build(params: Params, seed: int, frame: Frame) -> Config:
    return edited(plain(frame), params, frame.budget).changed(seed=seed)
