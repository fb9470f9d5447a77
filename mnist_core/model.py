"""From a config's layers to a net in torch."""

from pathlib import Path

import safetensors.torch
from torch import Generator, nn

from mnist_core import layers as notation
from mnist_core.config import Config
from mnist_core.dropout import Dropout
from mnist_core.files import write_whole

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "hardswish": nn.Hardswish,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
}


def build(config: Config, dropout: Generator | None = None) -> nn.Sequential:
    """One module a layer, in PyTorch's default initialisation from its global generator.

    Maps images float32 [N, 1, 28, 28] to scores [N, 10].

    dropout: where the dropout masks come from (torch's global generator unless given).
    """
    modules = []
    shape = notation.IMAGE
    for row in config.trace():
        modules.append(_module(row.layer, shape, dropout))
        shape = row.shape
    return nn.Sequential(*modules)


def save_weights(model: nn.Module, path: Path) -> None:
    """Weights and batch-norm statistics as safetensors: data only, with nothing to unpickle."""
    tensors = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    write_whole(path, safetensors.torch.save(tensors))


def _module(layer: notation.Layer, shape: notation.Shape, dropout: Generator | None) -> nn.Module:
    """shape: what comes in."""
    match layer:
        case notation.Conv(inputs, outputs, kernel, padding, stride, groups, bias):
            return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=bias)
        case notation.Linear(inputs, outputs, bias):
            return nn.Linear(inputs, outputs, bias)
        case notation.BatchNorm():
            return nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0])
        case notation.Activation(name):
            return _ACTIVATIONS[name]()
        case notation.Dropout(p, whole_channels):
            return Dropout(p, whole_channels, dropout)
        case notation.Pool(kind, kernel, stride):
            return nn.MaxPool2d(kernel, stride) if kind == "max" else nn.AvgPool2d(kernel, stride)
        case notation.GlobalAvgPool():
            return nn.AdaptiveAvgPool2d(1)
        case notation.Flatten():
            return nn.Flatten()
