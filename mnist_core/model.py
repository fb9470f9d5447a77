"""From a config's layers to a net in torch, and from a trained net to a file."""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Generator, Tensor, nn

from mnist_core import layers as notation
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.outputs import write_whole
from mnist_core.streams import Streams


def build(config: Config, dropout: Generator | None = None) -> nn.Sequential:
    """One module a layer, in PyTorch's default initialisation from its global generator.

    Maps images float32 [N, 1, 28, 28] to scores [N, 10].

    dropout: where the dropout masks come from (torch's global generator unless given).
    """
    modules = []
    shape = notation.IMAGE
    for row in config.trace():
        modules.append(row.layer.module(shape, dropout))
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
