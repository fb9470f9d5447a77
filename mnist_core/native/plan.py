"""A config as the native engine is told it. No torch."""

from collections.abc import Sequence
from ctypes import Array, Structure, byref
from dataclasses import dataclass
from typing import TypeVar

from mnist_core import augment_ops as augment
from mnist_core import config as configs
from mnist_core import layers as notation
from mnist_core import memory
from mnist_core.native.library import Library
from mnist_core.native.structs import Augmentation, Kind, Layer, Operation, Optimizer, Recipe
from mnist_core.streams import Streams

Struct = TypeVar("Struct", bound=Structure)
ACTIVATIONS = ("relu", "silu", "gelu", "elu", "leaky_relu", "hardswish", "mish", "tanh")
"""In the order of the library's own."""
_POOLS = {"max": Kind.MAXPOOL, "avg": Kind.AVGPOOL}
_OPTIMIZERS = {"sgd": Optimizer.SGD, "adam": Optimizer.ADAM, "adamw": Optimizer.ADAMW}


@dataclass(frozen=True)
class Plan:
    """What `dd_create` takes."""

    layers: Array[Layer]
    augmentations: Array[Augmentation]
    recipe: Recipe


class Unsupported(ValueError):
    """Something that the notation has and the native engine has not."""


def plan(config: configs.Config) -> Plan:
    """Raises Unsupported where the library has no such layer."""
    streams = Streams.of(config.seed)
    return Plan(
        _array(Layer, [_layer(layer) for layer in config.layers]),
        _array(Augmentation, [_augmentation(operation) for operation in config.augment]),
        _recipe(config, streams),
    )


def _array(kind: type[Struct], items: Sequence[Struct]) -> Array[Struct]:
    array: type[Array[Struct]] = kind * len(items)
    return array(*items)


def _layer(layer: notation.Layer) -> Layer:
    match layer:
        case notation.Conv(inputs, outputs, kernel, padding, stride, groups, bias):
            return Layer(Kind.CONV, inputs, outputs, kernel, padding, stride, groups, bias)
        case notation.Linear(inputs, outputs, bias):  # a convolution of one pixel
            return Layer(Kind.LINEAR, inputs, outputs, 1, 0, 1, 1, bias)
        case notation.BatchNorm():
            return Layer(Kind.BN)
        case notation.Activation(name) if name in ACTIVATIONS:
            return Layer(Kind.ACTIVATION, activation=ACTIVATIONS.index(name))
        case notation.Dropout(p, whole_channels):
            return Layer(Kind.DROPOUT, whole_channels=whole_channels, rate=p)
        case notation.Pool(kind, kernel, stride):
            return Layer(_POOLS[kind], kernel=kernel, stride=stride)
        case notation.GlobalAvgPool():
            return Layer(Kind.GAP)
        case notation.Flatten():
            return Layer(Kind.FLATTEN)
    raise Unsupported(f"'{layer}' is none of its layers")


def _augmentation(operation: augment.Augmentation) -> Augmentation:
    match operation:
        case augment.Rotation(degrees=degrees, fill=fill, interpolation=interpolation):
            return _augmentation(
                augment.Affine(degrees=degrees, fill=fill, interpolation=interpolation)
            )
        case augment.Affine():
            return Augmentation(
                kind=Operation.AFFINE,
                bilinear=operation.interpolation == "bilinear",
                whole_pixels=operation.whole_pixels,
                degrees=operation.degrees,
                translate=operation.translate,
                scale=operation.scale,
                shear=operation.shear,
                fill=operation.fill,
            )
        case augment.Jitter():
            return Augmentation(
                kind=Operation.JITTER,
                brightness=operation.brightness,
                contrast=operation.contrast,
            )


def _recipe(config: configs.Config, streams: Streams) -> Recipe:
    optimizer, averaging = config.optimizer, config.averaging
    return Recipe(
        batch_size=memory.batch(config),
        optimizer=_OPTIMIZERS[optimizer.kind],
        decay_all=optimizer.decay == "all",
        nesterov=isinstance(optimizer, configs.Sgd) and optimizer.nesterov,
        averaging=isinstance(averaging, configs.Ema),
        average_decay=averaging.decay if isinstance(averaging, configs.Ema) else 0.0,
        weight_decay=optimizer.weight_decay,
        beta2=optimizer.betas[1] if isinstance(optimizer, configs.Adam) else 0.0,
        label_smoothing=config.label_smoothing,
        augmentation_seed=streams.augmentation,
        dropout_seed=streams.dropout,
    )


def refusal(library: Library, config: configs.Config) -> str:
    """Why the library cannot run the config, in one line; empty where it can.

    Raises UserError where there is not memory enough.
    """
    try:
        planned = plan(config)
    except Unsupported as error:
        return f"the native engine cannot run this net: {error}"
    needed = library.dd_bytes(planned.layers, len(planned.layers), byref(planned.recipe))
    if needed < 0:
        return f"the native engine cannot run this net: {library.dd_error().decode()}"
    memory.check(needed)
    return ""
