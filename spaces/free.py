"""The open space: all that is known to matter, beyond what the write-ups varied."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from mnist_core.augment_ops import Affine
from mnist_core.config import Averaging, Config, Ema, NoAveraging, Sgd
from mnist_core.schedule import Cosine, Linear, OneCycle, Schedule, Step
from spaces import layouts
from spaces.budget import share_dimensions
from spaces.space import Frame, Params, Space


def make(frame: Frame) -> Space:
    """Every dimension is there in every trial, also where a choice makes it idle (`gamma` without
    steps): with fixed distributions throughout, multivariate TPE models them jointly."""
    layouts.check_budget(frame.budget)
    dimensions = {
        **share_dimensions(layouts.CONVOLUTIONS),
        "layout": CategoricalDistribution(list(layouts.PLANS)),
        "activation": CategoricalDistribution(["relu", "silu"]),
        "lr": FloatDistribution(0.02, 1.0, log=True),
        "schedule": CategoricalDistribution(["linear", "cosine", "onecycle", "step"]),
        "warmup": FloatDistribution(0.05, 0.4),
        "step_size": IntDistribution(1, max(1, frame.epochs - 1)),
        "gamma": FloatDistribution(0.05, 0.9, log=True),
        "dropout": FloatDistribution(0.0, 0.1),
        "weight_decay": FloatDistribution(1e-5, 2e-3, log=True),
        "label_smoothing": FloatDistribution(0.0, 0.1),
        "augmentation": FloatDistribution(0.0, 2.0),
        "averaging": CategoricalDistribution(["none", "ema"]),
        "average_over": FloatDistribution(50.0, 2000.0, log=True),
    }
    switches = {
        "warmup": ("schedule", ("linear", "cosine", "onecycle")),
        "step_size": ("schedule", ("step",)),
        "gamma": ("schedule", ("step",)),
        "average_over": ("averaging", ("ema",)),
    }
    return Space("open", frame, dimensions, {}, _build, switches)


def _build(params: Params, seed: int, frame: Frame) -> Config:
    plan = params["layout"]
    widths = layouts.sampled_widths(plan, params, frame.budget)
    return Config(
        epochs=frame.epochs,
        seed=seed,
        data=frame.data,
        label_smoothing=params["label_smoothing"],
        layers=layouts.layers(plan, widths, params["activation"], params["dropout"]),
        augment=(_augmentation(params["augmentation"]),),
        optimizer=Sgd(
            lr=params["lr"],
            momentum=0.9,
            nesterov=True,
            weight_decay=params["weight_decay"],
            decay="weights",
        ),
        schedule=_schedule(params),
        averaging=_averaging(params),
    )


def _augmentation(strength: float) -> Affine:
    """Strength 1 is what the first probes used: all four parts grow together, since the study's
    trials are too few to weigh them one by one."""
    return Affine(
        degrees=8.0 * strength,
        translate=(strength * 1.5 / 28, strength * 1.5 / 28),
        scale=(1 - 0.08 * strength, 1 + 0.08 * strength),
        shear=(5.0 * strength, 5.0 * strength),
        interpolation="bilinear",
    )


def _schedule(params: Params) -> Schedule:
    match params["schedule"]:
        case "linear":
            return Linear(per="batch", warmup=params["warmup"])
        case "cosine":
            return Cosine(per="batch", warmup=params["warmup"])
        case "onecycle":
            return OneCycle(rise=params["warmup"])
        case _:
            return Step(size=params["step_size"], gamma=params["gamma"])


def _averaging(params: Params) -> Averaging:
    """`average_over` is the number of updates that the average looks back on."""
    if params["averaging"] == "none":
        return NoAveraging()
    return Ema(decay=1 - 1 / params["average_over"])
