"""The native engine's layers against torch's in float64: loss, every gradient, running statistics,
and the net as it is tested, over random nets of the whole notation.

Three things make a comparison of gradients unfair. Where a value lies within rounding of the kink
of a ReLU or of a tie of a maximum, the two may take different sides: such a net is tried on other
images. A gradient that is a sum of large numbers which cancel has no four digits in float32: what
counts there is that ours are off by no more than ten times what torch's own are, from parameters
that differ by a few roundings. And of a batch norm that sees a constant channel, or fewer than
eight values, only rounding is left, made larger: a net of the first kind is replaced by another,
one of the second is judged on a batch of 16.
"""

from ctypes import POINTER, byref, c_double, c_float, c_int64, c_uint8, cast
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import examples, nets
from threefry import kept
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_core import layers as notation
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.dropout import Dropout
from mnist_core.layers import Layer, parse
from mnist_core.model import build
from mnist_core.native import library
from mnist_core.native.structs import Which
from mnist_core.native_engine import NativeEngine
from mnist_core.streams import Streams
from mnist_core.torch_engine import normalise

pytestmark = [
    pytest.mark.skipif(bool(library.unavailable()), reason=str(library.unavailable())),
    pytest.mark.usefixtures("one_thread"),
]
SETS = [name for name in library.INSTRUCTION_SETS if not library.unavailable(name)]
BATCHES = (1, 2, 3, 16, 17, 128, 129)
TOLERANCE = 1e-4
TRIES = 3
STEP = 7


class ConstantChannel(Exception):
    """A batch norm sees one: only rounding is left of it, made 300 times as large."""


class Masked(nn.Module):
    """Dropout by given factors: [N, C, H, W], [N, C, 1, 1] or [N, F]."""

    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factors.to(x.dtype) if self.training else x


def _config(layers: tuple[Layer, ...], batch: int, smoothing: float = 0.0) -> Config:
    return Config.from_dict(
        {
            "epochs": 1,
            "batch_size": batch,
            "seed": 5,
            "label_smoothing": smoothing,
            "layers": [str(layer) for layer in layers],
            "data": {"train": batch, "test": batch},
            "optimizer": {"kind": "sgd", "lr": 0.1},
        }
    )


def _images(config: Config, seed: int) -> Mnist:
    """Random pixels: a net of any depth has something to tell them apart by."""
    draw = torch.Generator().manual_seed(seed)
    n = config.data.train
    images = torch.randint(0, 256, (n, 1, 28, 28), dtype=torch.uint8, generator=draw)
    labels = torch.randint(0, 10, (n,), generator=draw)
    return Mnist(images, labels, images, labels)


def _net(config: Config, seed: int) -> nn.Sequential:
    """In float64, with batch norms that differ from doing nothing, and our masks for dropout."""
    torch.manual_seed(seed)
    net = build(config).double()
    shape = notation.IMAGE
    for place, row in enumerate(config.trace()):
        module = net[place]
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
        if isinstance(module, Dropout):
            stream = Streams.of(config.seed).dropout
            factors = kept(row.layer, shape, config.data.train, stream, STEP, place)
            net[place] = Masked(torch.from_numpy(factors))
        shape = row.shape
    return net


def _passed(net: nn.Module, mnist: Mnist, config: Config) -> dict[str, Tensor]:
    """What torch makes of the images: loss, gradients, new statistics, the loss in evaluation."""
    dtype = next(net.parameters()).dtype
    images = ((mnist.train_images.to(dtype) / 255) - 0.1307) / 0.3081
    net.train()
    smoothing = config.label_smoothing
    loss = F.cross_entropy(net(images), mnist.train_labels, label_smoothing=smoothing)
    loss.backward()
    found = {f"gradient of {name}": p.grad for name, p in net.named_parameters()}
    found |= {name: b for name, b in net.named_buffers() if name.endswith(("_mean", "_var"))}
    net.eval()
    with torch.no_grad():
        tested = F.cross_entropy(net(images), mnist.train_labels)
    return {"loss": loss.detach()[None], "tested": tested[None], **found}


def _ours(net: nn.Module, mnist: Mnist, config: Config, name: str) -> dict[str, Tensor]:
    """The same from the native engine."""
    engine = NativeEngine(config, mnist, name)
    state = {key.replace(".factors", ""): tensor for key, tensor in net.state_dict().items()}
    engine.load(state)
    loss = _backward(engine, mnist)
    found = {"loss": torch.tensor([loss])}
    shapes = {key: t.shape for key, t in state.items() if not key.endswith("tracked")}
    for number, (key, shape) in enumerate(shapes.items()):
        if not key.endswith(("_mean", "_var")):
            found[f"gradient of {key}"] = _read(engine, Which.GRADIENT, number, shape)
    after = engine.state()
    found |= {key: after[key] for key in shapes if key.endswith(("_mean", "_var"))}
    tested, _ = engine.evaluate(mnist.train_images, mnist.train_labels)
    return {**found, "tested": torch.tensor([tested])}


def _backward(engine: NativeEngine, mnist: Mnist) -> float:
    loss, correct = c_double(), c_int64()
    chosen = torch.arange(len(mnist.train_labels))
    engine._call(
        engine._library.dd_backward,
        _pointer(mnist.train_images, c_uint8),
        _pointer(mnist.train_labels, c_int64),
        len(mnist.train_labels),
        _pointer(chosen, c_int64),
        len(chosen),
        STEP,
        byref(loss),
        byref(correct),
    )
    return loss.value


def _read(engine: NativeEngine, which: Which, number: int, shape: torch.Size) -> Tensor:
    values = torch.empty(shape)
    engine._call(engine._library.dd_read, which, number, _pointer(values, c_float), values.numel())
    return values


def _pointer(tensor: Tensor, kind: Any) -> Any:
    return cast(tensor.data_ptr(), POINTER(kind))


def _distance(ours: Tensor, true: Tensor, least: float) -> float:
    """Relative, of the whole tensor, where it is not next to nothing; infinite where ours is no
    number."""
    distance = (ours.double() - true).norm() / max(float(true.norm()), least, 1e-30)
    return float(distance) if torch.isfinite(ours).all() else float("inf")


def _shaken(net: nn.Module) -> nn.Module:
    """With parameters a few roundings away from what they were, so that no rounding error vanishes
    by the luck of a symmetry."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter *= 1 + 3e-7 * torch.randn_like(parameter)
    return net


def _faults(config: Config, seed: int, name: str) -> list[str]:
    """What lies further from float64 than it may, on these images."""
    mnist = _images(config, seed)
    net = _net(config, seed)
    ours = _ours(net, mnist, config, name)
    single = _passed(_shaken(_net(config, seed)).float(), mnist, config)
    true = _passed(net, mnist, config)
    assert ours.keys() == true.keys()
    variances = [tensor for what, tensor in true.items() if what.endswith("_var")]
    if any(float(running.min()) < 0.9 + 1e-6 for running in variances):  # from 1, a tenth anew
        raise ConstantChannel
    gradients = [tensor for what, tensor in true.items() if what.startswith("gradient")]
    # One that is next to nothing is judged against a hundredth of the whole gradient.
    least = 1e-2 * float(torch.cat([tensor.flatten() for tensor in gradients]).norm())
    faults = []
    for what in true:
        distance, torchs = (_distance(each[what], true[what], least) for each in (ours, single))
        if not distance <= max(TOLERANCE, 10 * torchs):
            faults.append(f"{what}: {distance:.2g}")
    return faults


def _check(layers: tuple[Layer, ...], batch: int, smoothing: float, name: str) -> None:
    config = _config(layers, 16 if _few_values(layers, batch) else batch, smoothing)
    faults = [_faults(config, 0, name)]
    while faults[-1] and len(faults) < TRIES:
        faults.append(_faults(config, len(faults), name))
    assert not faults[-1], (faults, config.batch_size, [str(layer) for layer in layers])


def _few_values(layers: tuple[Layer, ...], batch: int) -> bool:
    """Whether a batch norm sees so few values that only its epsilon keeps the gradient from
    vanishing: of two values one is always a standard deviation above the mean, one below."""
    return any(
        isinstance(row.layer, notation.BatchNorm) and batch * np.prod(row.shape[1:]) < 8
        for row in notation.trace(layers)
    )


def _random_nets(count: int, name: str) -> None:
    """So many nets that are judged, on every size of batch."""

    @examples(count)
    @given(nets(longest=10), st.sampled_from(BATCHES), st.just(0.0) | st.floats(0, 0.4))
    def check(layers: tuple[Layer, ...], batch: int, smoothing: float) -> None:
        try:
            _check(layers, batch, smoothing, name)
        except ConstantChannel:
            assume(False)

    check()


@pytest.mark.parametrize("name", SETS)
def test_random_nets(name: str):
    _random_nets(100, name)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", SETS)
def test_many_random_nets(name: str):
    _random_nets(600, name)


CONV = "conv 1->6 k5 s2;"
END = ";bn;silu;conv 6->10 k1 p0 bias=true;gap;flatten"
NETS = {
    "as the write-ups": "conv 1->8 k3 bias=false;relu;bn;dropout2d 0.1;conv 8->10 k3;relu;bn;"
    "dropout 0.1;maxpool 2;conv 10->10 k3;gap;flatten",
    "dropout before the activation": CONV + "bn;dropout 0.3;silu;conv 6->10 k3;gap;flatten",
    "dropout before the norm": CONV + "relu;dropout 0.2" + END,
    "two norms": CONV + "bn" + END,
    "two activations": CONV + "relu;tanh" + END,
    "two dropouts": CONV + "dropout 0.2;dropout2d 0.05" + END,
    "padding beyond the kernel": "conv 1->6 k2 p3 s3" + END,
    "stride beyond the kernel": "conv 1->6 k2 p1 s4" + END,
    "a stride before a plain kernel": "conv 1->6 k3 s2;conv 6->6 k3 p1" + END,
    "overlapping pools": "conv 1->6 k3;maxpool 3 s2;avgpool 3 s1" + END,
    "pools with gaps": "conv 1->6 k3;maxpool 2 s3;avgpool 2 s3" + END,
    "grouped": "conv 1->6 k3;conv 6->12 k3 p1 g3;relu;conv 12->6 k1 g6" + END,
    "flattened norms": "conv 1->3 k5 s4;bn;flatten;bn;relu;linear 108->10",
    "norm first": "bn;conv 1->6 k3 s2" + END,
    "norm last": "flatten;linear 784->10;bn",
    "wide kernels": "conv 1->6 k7 p3;relu;conv 6->6 k5 p2" + END,
    "wider than a run": "conv 1->2 k1 p30;relu;conv 2->6 k3 s4" + END,
    "small maps": "conv 1->8 k7 s4;conv 8->9 k3;conv 9->6 k3 p1;conv 6->6 k3" + END,
    "many widths of maps": "conv 1->7 k3;conv 7->5 k3;maxpool 2;conv 5->11 k3;conv 11->17 k3 p1;"
    "conv 17->3 k3;conv 3->6 k3" + END,
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("batch", [1, 3, 129])
@pytest.mark.parametrize("net", NETS)
def test_nets_with_a_corner(net: str, batch: int, name: str):
    _check(tuple(map(parse, NETS[net].split(";"))), batch, 0.1, name)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("activation", notation.ACTIVATIONS)
def test_every_activation(activation: str, name: str):
    net = f"conv 1->6 k5 s2;bn;{activation};conv 6->10 k3;{activation};gap;flatten"
    _check(tuple(map(parse, net.split(";"))), 16, 0.0, name)


def test_normalisation_is_torchs():
    """The two write its constants down apart."""
    assert float(normalise(torch.tensor([255]))) == pytest.approx((1 - 0.1307) / 0.3081)
