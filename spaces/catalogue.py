"""Every dimension there is: what it can be, what it changes in a config, and when it is idle.

The spaces of a study change all parts of a plain config at once; a stage of a drill changes a few
parts of the configs that it starts from. Both say with the same names the same things. A stage
offers all that stand here; the other spaces name those that they have.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mnist_core.augment_ops import Affine, Augmentation, Jitter, Rotation
from mnist_core.config import Config, Ema, NoAveraging, Sgd
from mnist_core.layers import Activation, Dropout, parse
from mnist_core.schedule import Cosine, Linear, LossDip, OneCycle, Schedule, Step, factor_at
from spaces import layouts
from spaces.budget import share_dimensions
from spaces.dimensions import Choice, Dimension, Real, Whole
from spaces.edit import retimed, with_dropout
from spaces.space import Frame, Sample

WARMUP = 0.2  # share of the steps, where nothing else says it
AVERAGE_OVER = 500.0  # updates, likewise
_DEGREES = 8.0  # of an augmentation of strength 1: a power of two, which strengths come back from
WIDTH_NAMES = tuple(share_dimensions(layouts.CONVOLUTIONS))

Needs = tuple[str, tuple[str, ...]]
"""(part of a config, the kinds of it with which alone a dimension does something)."""


@dataclass(frozen=True)
class Entry:
    """One dimension."""

    kind: Dimension | Callable[[Frame], Dimension]
    """What it can be, within the bounds of sense."""
    change: Callable[[Config, Any], Config] | None
    """From a config and a value to the config with that value; None for the parts of the net, which
    share a budget: `edited` makes it of them all. Raises pydantic's ValidationError where there is
    nothing to change, as Adam has no momentum."""
    read: Callable[[Config], Any] | None
    """The way back: what the dimension is in a config; None where it is nothing there. The widths
    have none of their own: see `spaces.reading`."""
    needs: Needs | Callable[[Iterable[Config]], Needs] | None = None
    """What it is idle without, perhaps as the configs have it that are changed; None where no kind
    of anything makes it idle."""
    unit: str = ""
    """Of a number that has one, in the plural."""
    meaning: str = field(kw_only=True)
    """In a line, for people who choose what to vary."""
    acts: Callable[[Config], bool] = lambda _: True
    """Whether it does something in a config that has what it needs."""


def _step_size(config: Config, epochs: int) -> Config:
    """In epochs, also where the schedule is stepped after each batch."""
    if not isinstance(config.schedule, Step):
        return config
    per_epoch = config.batches if config.schedule.per == "batch" else 1
    return config.changed(schedule=config.schedule.changed(size=epochs * per_epoch))


def _read_step_size(config: Config) -> int | None:
    """None also where it is no whole number of epochs."""
    if not isinstance(config.schedule, Step):
        return None
    per_epoch = config.batches if config.schedule.per == "batch" else 1
    epochs, rest = divmod(config.schedule.size, per_epoch)
    return None if rest else epochs


def _schedule(config: Config, kind: str) -> Config:
    fresh: dict[str, Schedule] = {
        "linear": Linear(per="batch", warmup=WARMUP),
        "cosine": Cosine(per="batch", warmup=WARMUP),
        "onecycle": OneCycle(rise=WARMUP),
        "step": Step(size=1, gamma=0.1),
    }
    return config if kind == config.schedule.kind else config.changed(schedule=fresh[kind])


def _of_schedule(
    kind: Dimension,
    meaning: str,
    unit: str = "",
    acts: Callable[[Config], bool] = lambda _: True,
    **fields: str,
) -> Entry:
    """A dimension that is another field in each kind of schedule, and idle with all the others."""

    def change(config: Config, value: Any) -> Config:
        name = fields.get(config.schedule.kind)
        if name is None:
            return config
        return config.changed(schedule=config.schedule.changed(**{name: value}))

    def read(config: Config) -> Any:
        name = fields.get(config.schedule.kind)
        return None if name is None else getattr(config.schedule, name)

    needs = ("schedule", tuple(fields))
    return Entry(kind, change, read, needs, unit, acts=acts, meaning=meaning)


def _steps(config: Config) -> bool:
    """Whether a step comes before the training is over, so that its height counts."""
    if isinstance(config.schedule, LossDip):
        return True  # which nobody knows beforehand
    last = config.epochs * config.batches - 1
    heights = (config.schedule.changed(gamma=gamma) for gamma in (1.0, 0.5))
    high, low = (factor_at(each, last, config.epochs, config.batches) for each in heights)
    return high != low


def _of_optimizer(
    kind: Dimension,
    name: str,
    meaning: str,
    needs: Needs | Callable[[Iterable[Config]], Needs] | None = None,
    acts: Callable[[Config], bool] = lambda _: True,
) -> Entry:
    """A dimension that is a field of the optimizer."""

    def change(config: Config, value: Any) -> Config:
        return config.changed(optimizer=config.optimizer.changed(**{name: value}))

    def read(config: Config) -> Any:
        return getattr(config.optimizer, name, None)

    return Entry(kind, change, read, needs, acts=acts, meaning=meaning)


def _momentum_needs(bases: Iterable[Config]) -> Needs:
    """OneCycle moves the momentum itself, unless told not to in one of the bases."""
    kinds = ("linear", "cosine", "step", "none", "multistep", "loss_dip")
    schedules = [config.schedule for config in bases]
    left_alone = any(isinstance(one, OneCycle) and not one.cycle_momentum for one in schedules)
    return "schedule", (*kinds, *["onecycle"] * left_alone)


def _activation(config: Config, name: str) -> Config:
    new = Activation(name)
    layers = (new if isinstance(layer, Activation) else layer for layer in config.layers)
    return config.changed(layers=tuple(layers))


def _read_activation(config: Config) -> str | None:
    return next((str(layer) for layer in config.layers if isinstance(layer, Activation)), None)


def _read_dropout(config: Config) -> float:
    return next((layer.p for layer in config.layers if isinstance(layer, Dropout)), 0.0)


def _augmentation(config: Config, strength: float) -> Config:
    """Strength 1 is what the first probes used: all four parts grow together, since the study's
    trials are too few to weigh them one by one."""
    affine = Affine(
        degrees=_DEGREES * strength,
        translate=(strength * 1.5 / 28, strength * 1.5 / 28),
        scale=(1 - 0.08 * strength, 1 + 0.08 * strength),
        shear=(5.0 * strength, 5.0 * strength),
        interpolation="bilinear",
    )
    return config.changed(augment=(affine,))


def _read_augmentation(config: Config) -> float | None:
    """None where it is no augmentation like the one above."""
    if not config.augment:
        return 0.0
    first = config.augment[0]
    strength = first.degrees / _DEGREES if isinstance(first, Affine) else -1.0
    same = strength >= 0 and config.augment == _augmentation(config, strength).augment
    return strength if same else None


def augmentation_strength(config: Config) -> float:
    """What `augmentation` is in a config: of the parts of its operations the strongest, where 1 is
    what `_augmentation` makes of strength 1 and a factor of 1 +- 1 in brightness or contrast."""
    return max((part for each in config.augment for part in _parts(each)), default=0.0)


def _parts(operation: Augmentation) -> tuple[float, ...]:
    match operation:
        case Rotation(degrees=degrees):
            return (degrees / _DEGREES,)
        case Affine(degrees=degrees, translate=shifts, scale=(low, high), shear=shears):
            moved = (*(shift * 28 / 1.5 for shift in shifts), *(shear / 5 for shear in shears))
            return (degrees / _DEGREES, *moved, abs(1 - low) / 0.08, abs(high - 1) / 0.08)
        case Jitter(brightness=brightness, contrast=contrast):
            return brightness, contrast


def _averaging(config: Config, kind: str) -> Config:
    if kind == config.averaging.kind:
        return config
    return config.changed(
        averaging=NoAveraging() if kind == "none" else Ema(decay=1 - 1 / AVERAGE_OVER)
    )


def _average_over(config: Config, updates: float) -> Config:
    """The number of updates that the average looks back on."""
    if isinstance(config.averaging, NoAveraging):
        return config
    return config.changed(averaging=Ema(decay=1 - 1 / updates))


def _read_average_over(config: Config) -> float | None:
    return None if isinstance(config.averaging, NoAveraging) else 1 / (1 - config.averaging.decay)


CATALOGUE: dict[str, Entry] = {
    **{
        name: Entry(
            share,
            None,
            None,
            meaning=f"how wide convolution {number} is beside the others: 0 is the least "
            f"({layouts.LEAST} channels), 1 the most",
        )
        for number, (name, share) in enumerate(
            share_dimensions(layouts.CONVOLUTIONS).items(), start=1
        )
    },
    "layout": Entry(
        Choice(list(layouts.PLANS)),
        None,
        lambda config: layouts.known_plan(config.layers),
        meaning="where the pools and the narrow 1x1 convolutions stand",
    ),
    "activation": Entry(
        Choice(["relu", "silu"]),
        _activation,
        _read_activation,
        acts=lambda config: any(isinstance(layer, Activation) for layer in config.layers),
        meaning="the function behind each batch norm",
    ),
    "lr": _of_optimizer(Real(0.02, 1.0, log=True), "lr", "the learning rate at its highest"),
    "schedule": Entry(
        Choice(["linear", "cosine", "onecycle", "step"]),
        _schedule,
        lambda config: config.schedule.kind,
        meaning="how the learning rate goes: up, then down in a line, along a cosine or as "
        "PyTorch's OneCycleLR; or down in steps",
    ),
    "warmup": _of_schedule(
        Real(0.05, 0.4),
        "the part of the training in which the learning rate rises",
        "share of the updates",
        linear="warmup",
        cosine="warmup",
        onecycle="rise",
    ),
    "step_size": Entry(
        lambda frame: Whole(1, max(1, frame.epochs - 1)),
        _step_size,
        _read_step_size,
        ("schedule", ("step",)),
        "epochs",
        meaning="from one step of the learning rate to the next",
    ),
    "gamma": _of_schedule(
        Real(0.05, 0.9, log=True),
        "what each step multiplies the learning rate by",
        acts=_steps,
        step="gamma",
        multistep="gamma",
        loss_dip="gamma",
    ),
    "dropout": Entry(
        Real(0.0, 0.1),
        lambda config, rate: config.changed(layers=with_dropout(config.layers, rate)),
        _read_dropout,
        acts=lambda config: with_dropout(config.layers, 0.1) != with_dropout(config.layers, 0.0),
        meaning="the share of values that each block but the last drops in training",
    ),
    "weight_decay": _of_optimizer(
        Real(1e-5, 2e-3, log=True), "weight_decay", "how strongly weights are drawn to 0"
    ),
    "label_smoothing": Entry(
        Real(0.0, 0.1),
        lambda config, share: config.changed(label_smoothing=share),
        lambda config: config.label_smoothing,
        meaning="the share of each label that is spread over all ten digits",
    ),
    "augmentation": Entry(
        Real(0.0, 2.0),
        _augmentation,
        _read_augmentation,
        meaning="how far images are turned, shifted, scaled and sheared at random: 0 is not at "
        f"all, 1 up to {_DEGREES:.0f} degrees, 1.5 pixels, 8 % and 5 degrees",
    ),
    "averaging": Entry(
        Choice(["none", "ema"]),
        _averaging,
        lambda config: config.averaging.kind,
        meaning="which weights are tested: the latest, or their exponential moving average",
    ),
    "average_over": Entry(
        Real(50.0, 2000.0, log=True),
        _average_over,
        _read_average_over,
        ("averaging", ("ema",)),
        "updates",
        meaning="how far back the moving average looks",
    ),
    "momentum": _of_optimizer(
        Real(0.5, 0.99),
        "momentum",
        "how much of the last update goes on in the next",
        _momentum_needs,
        lambda config: isinstance(config.optimizer, Sgd),
    ),
    "batch_size": Entry(
        Choice([32, 64, 128, 256, 512]),
        lambda config, size: retimed(config, batch_size=size),
        lambda config: config.batch_size,
        unit="images",
        meaning="how many an update sees",
    ),
}
"""By name, in the order in which they are sampled and changed. A study is held by the order and the
bounds of what it varies: what is new stands last."""


def all_dimensions(frame: Frame) -> dict[str, Dimension]:
    """Every dimension of the catalogue, as it can be in this frame."""
    return {
        name: entry.kind(frame) if callable(entry.kind) else entry.kind
        for name, entry in CATALOGUE.items()
    }


def unit(name: str) -> str:
    """Of a dimension's numbers; empty where they have none."""
    return CATALOGUE[name].unit if name in CATALOGUE else ""


def lives(name: str, config: Config) -> bool:
    """Whether a dimension does anything in such a config: `average_over` does not where no weights
    are averaged. What is none of the catalogue's, as the choice of a base, always does."""
    entry = CATALOGUE.get(name)
    if entry is None:
        return True
    if entry.needs:
        part, kinds = entry.needs([config]) if callable(entry.needs) else entry.needs
        if getattr(config, part).kind not in kinds:
            return False
    return entry.acts(config)


def described(config: Config) -> dict[str, Any]:
    """Dimension -> what a config has of it; None where it does nothing, or has no value that it
    could be. Of the widths there is no way back to their shares: see `spaces.reading`."""
    return {
        name: entry.read(config) if lives(name, config) else None
        for name, entry in CATALOGUE.items()
        if entry.read
    }


def switches(bases: Iterable[Config] = ()) -> dict[str, Needs]:
    """What a dimension is idle without, for each that can be idle, in changes of `bases`."""
    return {
        name: entry.needs(bases) if callable(entry.needs) else entry.needs
        for name, entry in CATALOGUE.items()
        if entry.needs
    }


def edited(config: Config, sample: Sample, budget: int) -> Config:
    """`config` with every part that `sample` names changed, and the rest as it is.

    budget: what a net of new widths stays below. Raises pydantic's ValidationError (a ValueError)
    where there is nothing of a name to change.
    """
    if WIDTH_NAMES[0] in sample:
        config = _other_net(config, sample, budget)
    for name, entry in CATALOGUE.items():
        if entry.change and name in sample:
            config = entry.change(config, sample[name])
    return config


def _other_net(config: Config, sample: Sample, budget: int) -> Config:
    """In a layout of ours, with the activation and the dropout that the net has."""
    plan = sample.get("layout") or layouts.plan_of(config.layers)
    widths = layouts.sampled_widths(plan, sample, budget)
    lines = layouts.layers(plan, widths, _read_activation(config) or "relu", _read_dropout(config))
    return config.changed(layers=tuple(map(parse, lines)))
