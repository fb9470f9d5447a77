"""A config with some of its parts changed, each by the dimension of that name.

The spaces of a study change all parts of a plain config at once; a stage of a drill changes a few
parts of the configs that it starts from. Both say with the same names the same things.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from mnist_core.augment_ops import Affine
from mnist_core.config import Averaging, Config, Ema, NoAveraging
from mnist_core.frozen import Frozen
from mnist_core.layers import Activation, Conv, Dropout, Layer, Pool, parse
from mnist_core.schedule import Cosine, MultiStep, OneCycle, Schedule, Step
from mnist_core.schedule import Linear as LinearSchedule
from spaces import layouts
from spaces.space import Params

T = TypeVar("T", bound=Frozen)

WARMUP = 0.2  # share of the steps, where nothing else says it
AVERAGE_OVER = 500.0  # updates, likewise

_FRESH: dict[str, Schedule] = {
    "linear": LinearSchedule(per="batch", warmup=WARMUP),
    "cosine": Cosine(per="batch", warmup=WARMUP),
    "onecycle": OneCycle(rise=WARMUP),
    "step": Step(size=1, gamma=0.1),
}
_SCHEDULE_FIELDS = {
    # Kind -> what each dimension is called in it.
    "linear": {"warmup": "warmup"},
    "cosine": {"warmup": "warmup"},
    "onecycle": {"warmup": "rise"},
    "step": {"step_size": "size", "gamma": "gamma"},
    "multistep": {"gamma": "gamma"},
    "loss_dip": {"gamma": "gamma"},
}


def edited(config: Config, params: Params, budget: int) -> Config:
    """`config` with every part that `params` names changed, and the rest as it is.

    budget: what a net of new widths stays below. Raises pydantic's ValidationError (a ValueError)
    where a part has no such thing, as Adam no momentum.
    """
    if "batch_size" in params:
        config = retimed(config, batch_size=params["batch_size"])
    changes: dict[str, Any] = {
        "layers": _layers(config.layers, params, budget),
        "optimizer": _changed(config.optimizer, params, ("lr", "momentum", "weight_decay")),
        "schedule": _schedule(config, params),
        "averaging": _averaging(config.averaging, params),
    }
    if "augmentation" in params:
        changes["augment"] = (_augmentation(params["augmentation"]),)
    return _changed(config, {**params, **changes}, ("label_smoothing", *changes))


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


def _changed(part: T, params: Params, fields: Iterable[str]) -> T:
    """`part` with those of `fields` that `params` has."""
    given = {field: params[field] for field in fields if field in params}
    return part.changed(**given) if given else part


def _layers(layers: tuple[Layer, ...], params: Params, budget: int) -> tuple[Layer, ...]:
    if "width_1" in params:
        plan = params.get("layout") or layouts.plan_of(layers)
        widths = layouts.sampled_widths(plan, params, budget)
        activation = next((str(layer) for layer in layers if isinstance(layer, Activation)), "relu")
        rate = next((layer.p for layer in layers if isinstance(layer, Dropout)), 0.0)
        layers = tuple(parse(line) for line in layouts.layers(plan, widths, activation, rate))
    if "activation" in params:
        new = Activation(params["activation"])
        layers = tuple(new if isinstance(layer, Activation) else layer for layer in layers)
    if "dropout" in params:
        layers = with_dropout(layers, params["dropout"])
    return layers


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


def _schedule(config: Config, params: Params) -> Schedule:
    """`step_size` is in epochs, also where the schedule is stepped after each batch."""
    schedule = config.schedule
    kind = params.get("schedule", schedule.kind)
    if kind != schedule.kind:
        schedule = _FRESH[kind]
    names = _SCHEDULE_FIELDS.get(kind, {})
    given = {field: params[name] for name, field in names.items() if name in params}
    if "size" in given and isinstance(schedule, Step) and schedule.per == "batch":
        given["size"] *= config.batches
    return _changed(schedule, given, tuple(given))


def _averaging(averaging: Averaging, params: Params) -> Averaging:
    """`average_over` is the number of updates that the average looks back on."""
    if params.get("averaging", averaging.kind) == "none":
        return NoAveraging()
    if "average_over" in params or isinstance(averaging, NoAveraging):
        return Ema(decay=1 - 1 / params.get("average_over", AVERAGE_OVER))
    return averaging


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
