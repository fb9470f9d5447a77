"""The nets of the fifty experiments, beside what a person would write with torch alone."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch
from notebooks import SEEDS, TEXTS
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from mnist_core.data import Mnist
from mnist_core.model import build
from mnist_core.torch_engine import normalise

pytestmark = pytest.mark.usefixtures("one_thread", "seeded")


class Plain(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.forward = function


class Replayed(nn.Module):
    """Dropout by its definition, with the decisions of the net it is compared with.

    That one rounds p to a 65536th, which is the only approximation there is: p moves by less than
    0.00001.
    """

    def __init__(self, p: float, whole_channels: bool) -> None:
        super().__init__()
        self.p = round(p * 65536) / 65536
        assert abs(self.p - p) < 1e-5
        self.whole_channels = whole_channels
        self.kept = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.kept / (1 - self.p) if self.training else x

    def foretold(
        self, generator: Generator, dropout: nn.Module, inputs: tuple[Tensor, ...]
    ) -> None:
        """Just before `dropout` draws: see what it will draw, and leave its generator as it was."""
        if not dropout.training:
            return
        state = generator.get_state()
        self.kept = dropout.forward(torch.ones_like(inputs[0])) != 0
        generator.set_state(state)
        decisions = self.kept[:, :, :1, :1] if self.whole_channels else self.kept
        assert torch.equal(decisions.expand_as(self.kept), self.kept)
        error = (self.p * (1 - self.p) / decisions.numel()) ** 0.5
        assert abs(decisions.double().mean() - (1 - self.p)) < 5 * error


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: x * (x > 0),
    "gap": lambda x: x.mean(dim=(2, 3), keepdim=True),
    "flatten": lambda x: x.reshape(len(x), -1),
}


def _by_hand(texts: Sequence[str]) -> nn.Sequential:
    """What a person reads in these lines, written with torch alone."""
    layers: list[nn.Module] = []
    channels = 1
    for text in texts:
        match text.split():
            case ["conv", ends, kernel, padding, bias]:
                inputs, channels = map(int, ends.split("->"))
                k, p = int(kernel.removeprefix("k")), int(padding.removeprefix("p"))
                conv = nn.Conv2d(inputs, channels, k, padding=p, bias=bias == "bias=true")
                layers.append(conv)
            case ["linear", ends, bias]:
                layers.append(nn.Linear(*map(int, ends.split("->")), bias=bias == "bias=true"))
            case ["bn"]:
                layers.append(nn.BatchNorm2d(channels))
            case ["maxpool", k]:
                layers.append(Plain(partial(F.max_pool2d, kernel_size=int(k))))
            case ["avgpool", k]:
                layers.append(Plain(partial(F.avg_pool2d, kernel_size=int(k))))
            case [word, p]:
                layers.append(Replayed(float(p), {"dropout": False, "dropout2d": True}[word]))
            case _:
                layers.append(Plain(FUNCTIONS[text]))
    return nn.Sequential(*layers)


NETS = {tuple(texts): name for name, texts in TEXTS.items()}
"""Each net once, with the last experiment that has it."""


def test_there_are_24_nets():
    assert len(NETS) == 24


@pytest.mark.parametrize("name", ["000-file1-net1", "001-code2", "004-exp1"])
def test_first_weights_are_torchs(name: str):
    torch.manual_seed(3)
    ours = build(SEEDS[name].config)
    torch.manual_seed(3)
    theirs = _by_hand(TEXTS[name])
    assert _far(ours.state_dict(), theirs.state_dict()) == 0


@pytest.mark.parametrize("name", NETS.values())
def test_net_is_torchs(name: str, mnist: Mnist):
    """Scores, loss and gradients of two batches in training, the statistics after them, and the
    scores in evaluation; in float64, where the order of a sum hardly shows."""
    generator = Generator().manual_seed(1)
    ours, theirs = build(SEEDS[name].config, generator).double(), _by_hand(TEXTS[name]).double()
    _scatter(ours)
    theirs.load_state_dict(ours.state_dict())
    ours = ours.to(memory_format=torch.channels_last)
    for mine, other in zip(ours, theirs, strict=True):
        if isinstance(other, Replayed):
            mine.register_forward_pre_hook(partial(other.foretold, generator))
    size = 2 if name == "004-exp1" else 24
    images = normalise(mnist.train_images[: 3 * size]).double().split(size)
    for batch, labels in zip(images[:2], mnist.train_labels.split(size), strict=False):
        mine, other = ours.train()(batch), theirs.train()(batch)
        losses = F.cross_entropy(mine, labels), F.nll_loss(F.log_softmax(other, dim=1), labels)
        assert _far({"scores": mine}, {"scores": other}) < 1e-9
        assert _far({"loss": losses[0]}, {"loss": losses[1]}) < 1e-9
        for loss in losses:
            loss.backward()
    assert _far(_gradients(ours), _gradients(theirs)) < 1e-9
    assert _far(ours.state_dict(), theirs.state_dict()) < 1e-9
    scores = ours.eval()(images[2])
    assert scores.shape == (size, 10)
    assert _far({"scores": scores}, {"scores": theirs.eval()(images[2])}) < 1e-9


def _scatter(net: nn.Module) -> None:
    """Scales, shifts, biases and statistics that are not what they start as."""
    with torch.no_grad():
        for tensor in net.state_dict().values():
            if tensor.dim() == 1:
                tensor += torch.rand_like(tensor) / 5


def _gradients(net: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}


def _far(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """The largest difference between tensors of one name, relative to the largest value of any
    (some are 0 but for their rounding: the gradient of a shift that the next norm takes away)."""
    assert ours.keys() == theirs.keys()
    largest = max(float(tensor.detach().abs().max()) for tensor in theirs.values())
    assert largest > 0
    return max(float((ours[k] - theirs[k]).detach().abs().max()) for k in ours) / largest


PECULIARITIES = {
    "dropout behind the activation": ("000-file1-net1", "relu | bn | dropout 0.02"),
    "dropout before the activation": ("002-step3", "bn | dropout 0.08 | relu"),
    "whole channels dropped": ("001-code2", "bn | dropout2d 0.1"),
    "one block the other way round": ("000-file1-net1", "p0 bias=false | bn | relu | conv 14->24"),
    "no classifier": ("000-file1-net5", "conv 14->10 k3 p1 bias=false | relu | bn | avgpool 5"),
    "not even a norm": ("003-f1-const-lr0.01", "bias=false | relu | avgpool 7 | flatten"),
    "no activation between": ("003-f2", "conv 16->10 k1 p0 bias=false | conv 10->10 k1 p0"),
    "a classifier before the pool": ("004-exp2", "conv 16->10 k1 p0 bias=false | avgpool 6"),
    "a norm of single pixels": ("004-exp7", "avgpool 6 | conv 18->16 k1 p0 bias=false | relu | bn"),
    "biases": ("004-exp1", "conv 1->32 k3 p1 bias=true"),
    "a hidden linear layer": ("000-file1-net6", "linear 15->45 bias=true | relu | linear 45->10"),
    "a pool by its mean": ("000-file1-net2", "relu | bn | gap | flatten"),
    "no pool at all": ("002-step1", "conv 20->10 k6 p0 bias=false | flatten"),
}


def test_peculiarities_are_kept():
    for what, (name, lines) in PECULIARITIES.items():
        assert lines in " | ".join(TEXTS[name]), what


def test_a_pool_that_looks_at_one_corner():
    """Net3's kernel of 3 on a map of 4x4: 7 of the 16 places count for nothing."""
    rows = SEEDS["000-file1-net3"].config.trace()
    place = [str(row.layer) for row in rows].index("avgpool 3")
    assert [rows[place - 1].shape, rows[place].shape] == [(15, 4, 4), (15, 1, 1)]
    pool = build(SEEDS["000-file1-net3"].config)[place]
    ignored = torch.zeros(1, 15, 4, 4)
    ignored[..., 3, :] = ignored[..., :, 3] = 1
    assert not pool(ignored).any()
