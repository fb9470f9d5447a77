"""Nets: each layer and the whole against torch's own modules, on the same weights."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, nets
from torch import Generator, Tensor, nn

from mnist_core.config import Config
from mnist_core.dropout import Dropout
from mnist_core.layers import ACTIVATIONS, Layer, parse
from mnist_core.layers import Dropout as DropoutLayer
from mnist_core.model import build, save_weights

EVERY_KIND = (
    "conv 1->8 k3 p1 bias=false",
    "bn",
    "relu",
    "dropout 0.0",
    "conv 8->8 k3 p0 g8 bias=true",
    "silu",
    "maxpool 2",
    "conv 8->12 k3 p2 s2 g2 bias=false",
    "bn",
    "gelu",
    "dropout2d 0.0",
    "avgpool 3 s2",
    "elu",
    "conv 12->16 k1 p0 bias=true",
    "leaky_relu",
    "hardswish",
    "gap",
    "mish",
    "flatten",
    "linear 16->20 bias=false",
    "bn",
    "tanh",
    "linear 20->10 bias=true",
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _global_generator() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


def _config(layers: Sequence[str | Layer]) -> Config:
    return Config(epochs=1, layers=tuple(layers), optimizer={"kind": "sgd", "lr": 0.1})


def _reference(texts: Sequence[str]) -> nn.Sequential:
    """The net that a person would write by hand for these lines; dropout is left out."""
    by_name = {
        "relu": nn.ReLU,
        "silu": nn.SiLU,
        "gelu": nn.GELU,
        "elu": nn.ELU,
        "leaky_relu": nn.LeakyReLU,
        "hardswish": nn.Hardswish,
        "mish": nn.Mish,
        "tanh": nn.Tanh,
        "flatten": nn.Flatten,
    }
    modules: list[nn.Module] = []
    channels, flat = 1, False
    for text in texts:
        word = text.split()[0]
        number = {key: int(value) for key, value in re.findall(r"\b([kpsg])(\d+)", text)}
        bias = "bias=true" in text
        if word in by_name:
            modules.append(by_name[word]())
            flat = flat or word == "flatten"
        elif word in ("conv", "linear"):
            inputs, channels = map(int, re.findall(r"(\d+)->(\d+)", text)[0])
            modules.append(
                nn.Linear(inputs, channels, bias=bias)
                if word == "linear"
                else nn.Conv2d(
                    inputs,
                    channels,
                    kernel_size=number["k"],
                    padding=number["p"],
                    stride=number.get("s", 1),
                    groups=number.get("g", 1),
                    bias=bias,
                )
            )
        elif word == "bn":
            modules.append(nn.LazyBatchNorm1d() if flat else nn.BatchNorm2d(channels))
        elif word in ("maxpool", "avgpool"):
            kernel = int(text.split()[1])
            pool = nn.MaxPool2d if word == "maxpool" else nn.AvgPool2d
            modules.append(pool(kernel, number.get("s", kernel)))
        else:
            modules.append(nn.AdaptiveAvgPool2d(1) if word == "gap" else nn.Identity())
    net = nn.Sequential(*modules)
    net.eval()(torch.zeros(1, 1, 28, 28))  # the lazy ones look at their input
    return net


def _pair(texts: Sequence[str]) -> tuple[nn.Sequential, nn.Sequential]:
    """Ours and the reference, with the same weights, none of them a default."""
    ours, theirs = build(_config(texts)), _reference(texts)
    state = theirs.state_dict()
    for name, tensor in ours.state_dict().items():
        values = tensor + 0.1 * torch.rand(tensor.shape) if tensor.is_floating_point() else tensor
        assert state[name].shape == tensor.shape
        state[name] = values
    ours.load_state_dict(state)
    theirs.load_state_dict(state)
    return ours, theirs


def _close(ours: Tensor, theirs: Tensor, tolerance: float = 1e-4) -> bool:
    """To float32's rounding, relative to the largest value."""
    return bool((ours - theirs).abs().max() <= tolerance * (theirs.abs().max() + 1e-3))


def _same_state(ours: nn.Module, theirs: nn.Module) -> bool:
    other = theirs.state_dict()
    return ours.state_dict().keys() == other.keys() and all(
        _close(tensor.double(), other[name].double()) for name, tensor in ours.state_dict().items()
    )


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_every_layer_kind_in_one_net(memory_format: torch.memory_format):
    """Scores, gradients and statistics over three training batches, then the scores of a test."""
    ours, theirs = _pair(EVERY_KIND)
    ours = ours.to(memory_format=memory_format)
    ours.train()
    theirs.train()
    for batch in (16, 7, 32):
        images, upwards = torch.rand(batch, 1, 28, 28), torch.rand(batch, 10)
        scores, expected = ours(images), theirs(images)
        assert scores.shape == (batch, 10)
        assert _close(scores, expected)
        scores.backward(upwards)
        expected.backward(upwards)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert mine.grad is not None
        assert other.grad is not None
        assert _close(mine.grad, other.grad, 1e-3)
    assert _same_state(ours, theirs)
    images = torch.rand(9, 1, 28, 28)
    assert _close(ours.eval()(images), theirs.eval()(images))
    alone = torch.cat([ours(image.unsqueeze(0)) for image in images])
    assert _close(alone, theirs(images))  # in evaluation no image depends on another


def test_every_kind_is_in_that_net():
    words = {text.split()[0] for text in EVERY_KIND}
    assert words == {"conv", "linear", "bn", "gap", "flatten", "maxpool", "avgpool"} | {
        "dropout",
        "dropout2d",
        *ACTIVATIONS,
    }


def _without_dropout(layers: tuple[Layer, ...]) -> list[str]:
    return [str(layer) for layer in layers if not isinstance(layer, DropoutLayer)]


@given(nets(longest=8), st.booleans(), st.integers(2, 9))
@examples(60)
def test_each_layer_of_any_net(layers: tuple[Layer, ...], training: bool, batch: int):
    """One by one on the same input, so that no rounding adds up."""
    ours, theirs = (net.train(training) for net in _pair(_without_dropout(layers)))
    x = torch.rand(batch, 1, 28, 28)
    for mine, other in zip(ours, theirs, strict=True):
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        outputs = [mine(inputs[0] * 1), other(inputs[1] * 1)]
        assert _close(*outputs), other
        upwards = torch.rand(outputs[0].shape)
        for output in outputs:
            output.backward(upwards)
        assert _close(inputs[0].grad, inputs[1].grad, 1e-3), other
        for one, two in zip(mine.parameters(), other.parameters(), strict=True):
            assert _close(one.grad, two.grad, 1e-3), other
        assert _same_state(mine, other), other
        x = outputs[1].detach()


@pytest.mark.parametrize("between", [[], ["flatten"], ["dropout 0.0"]])
@pytest.mark.parametrize(
    "before", [*ACTIVATIONS, "bn", "dropout 0.5", "dropout2d 0.5", "maxpool 1", "avgpool 1"]
)
def test_relu_behind_any_layer_can_be_trained(before: str, between: list[str]):
    flat = between == ["flatten"]
    after = ["linear 98->10"] if flat else ["flatten", "linear 98->10"]
    texts = ["conv 1->2 k3 p3 s5", before, *between, "relu", *after]
    build(_config(texts)).train()(torch.rand(4, 1, 28, 28)).sum().backward()


def test_images_are_left_alone():
    images = torch.rand(2, 1, 28, 28) - 0.5
    before = images.clone()
    build(_config(["relu", "flatten", "linear 784->10"]))(images)
    assert torch.equal(images, before)


def test_initial_weights_are_torchs():
    torch.manual_seed(3)
    ours = build(_config(EVERY_KIND)).state_dict()
    torch.manual_seed(3)
    theirs = _reference(EVERY_KIND).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_dropout_rates_and_their_generator():
    texts = ["dropout 0.1", "dropout2d 0.3", "flatten", "dropout 0.2", "linear 784->10"]
    generator = Generator().manual_seed(1)
    net = build(_config(texts), generator)
    dropouts = [module for module in net if isinstance(module, Dropout)]
    assert [(d.p, d.whole_channels) for d in dropouts] == [(0.1, False), (0.3, True), (0.2, False)]
    images, state, own = torch.ones(2, 1, 28, 28), torch.get_rng_state(), generator.get_state()
    net.train()(images)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(generator.get_state(), own)


def test_weights_are_saved_as_safetensors(tmp_path: Path):
    net = build(_config(EVERY_KIND)).to(memory_format=torch.channels_last)
    save_weights(net.state_dict(), tmp_path / "weights.safetensors")
    loaded = safetensors.torch.load_file(tmp_path / "weights.safetensors")
    again = build(_config(EVERY_KIND))
    again.load_state_dict(loaded)
    images = torch.rand(3, 1, 28, 28)
    assert torch.allclose(net.eval()(images), again.eval()(images), atol=1e-6)
    assert loaded.keys() == net.state_dict().keys()


def test_parse_is_what_a_config_does_with_its_lines():
    assert _config(EVERY_KIND).layers == tuple(parse(text) for text in EVERY_KIND)
