"""From a config's layers to a net in torch, and from a trained net to a file."""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Generator, Tensor, nn

from mnist_core import layers as notation
from mnist_core.config import Config
from mnist_core.dropout import Dropout
from mnist_core.errors import UserError
from mnist_core.files import write_whole
from mnist_core.streams import Streams

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


def initial(config: Config, dropout: Generator | None = None) -> nn.Sequential:
    """The net as a training of the config begins with it; torch's global generator stays as it
    is."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(Streams.of(config.seed).init)  # not CUDA's too
        return build(config, dropout)


def save_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Weights and batch-norm statistics as safetensors: data only, with nothing to unpickle."""
    tensors = {name: tensor.contiguous().cpu() for name, tensor in state.items()}
    write_whole(path, safetensors.torch.save(tensors))


def check_state(state: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> None:
    """Raises UserError, naming the first tensor, where `state` is not of a net like ours."""
    for name in [*ours, *state]:
        if name not in state:
            raise UserError(f"weights of another net: {name} is missing")
        if name not in ours:
            raise UserError(f"weights of another net: there is no {name} here")
        theirs, wanted = tuple(state[name].shape), tuple(ours[name].shape)
        if theirs != wanted:
            raise UserError(f"weights of another net: {name} is {theirs}, not {wanted}")


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
