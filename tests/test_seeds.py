"""The fifty experiments of the five write-ups are what their authors ran: nets, augmentation and
rates against programs of torch's and torchvision's own parts, so that nothing is approximated
without a word."""

import hashlib
import json
import random
import tomllib
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from scipy.stats import ks_2samp
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, StepLR
from torchvision.transforms import (
    ColorJitter,
    Compose,
    Normalize,
    PILToTensor,
    RandomAffine,
    RandomRotation,
    ToTensor,
)
from torchvision.transforms import functional as pil

from mnist_core import augment as module
from mnist_core import optim, record
from mnist_core.augment import augment
from mnist_core.augment_ops import Affine, Augmentation, Jitter, Rotation
from mnist_core.config import Data, NoAveraging, Sgd
from mnist_core.data import Mnist
from mnist_core.model import build
from mnist_core.pace import Pace
from mnist_core.torch_engine import normalise
from search import cli

FOLDER = Path(__file__).parents[1] / "studies" / "seeds"
SEEDS = {path.stem: record.load(path) for path in sorted(FOLDER.glob("*.toml"))}
TEXTS = {name: tomllib.loads((FOLDER / f"{name}.toml").read_text())["layers"] for name in SEEDS}

REDUCED = [f"003-f1-reduce-lr0.0{n}" for n in range(1, 6)]
CONSTANT = [f"003-f1-const-lr{n / 1000:g}" for n in (6, 7, 8, 9, *range(10, 60, 5))]
BY_PARAMS = {
    7922: "000-file1-net1 000-file1-net2 000-file1-net3 000-file2-net1 000-file3-a-net1 "
    "000-file3-c-net1 000-file3-d-net1",
    9977: "000-file1-net4 000-file2-net4 000-file3-b-net4 000-file3-e-net4",
    7918: "000-file1-net5",
    7910: "000-file1-net6",
    7864: "001-code1",
    8016: "001-code2 001-code3 001-code4",
    13590: "002-step1",
    13730: "002-step2 002-step3",
    5422: "002-step4",
    7758: "002-step5",
    8892: " ".join(CONSTANT + REDUCED),
    9780: "003-f2",
    9680: "003-f3",
    6379786: "004-exp1",
    4572: "004-exp2",
    4652: "004-exp3",
    4708: "004-exp4",
    6124: "004-exp5 004-exp6",
    7364: "004-exp7",
}
PARAMS = {name: params for params, names in BY_PARAMS.items() for name in names.split()}
UNCOUNTED = {"000-file1-net2", "000-file1-net3"}
"""Their authors wrote down no number of parameters."""


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _global_generator() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


# --- the files -------------------------------------------------------------------------------


def test_there_are_fifty():
    assert len(SEEDS) == 50
    assert SEEDS.keys() == PARAMS.keys()


def test_parameters_are_those_of_the_notebook():
    """The authors of Net4 print 9,972 for a net that has 9,977, by arithmetic and in torch."""
    for name, params in PARAMS.items():
        printed = None if name in UNCOUNTED else 9972 if params == 9977 else params
        assert (SEEDS[name].config.params, _reported(name).params) == (params, printed), name


def test_curves_are_whole():
    for name, seed in SEEDS.items():
        epochs = {"000": 20, "002": 16}.get(name[:3], 19 if name == "004-exp1" else 15)
        curves = _reported(name).test_acc, _reported(name).train_acc
        assert [seed.config.epochs, len(curves[0])] == [epochs, epochs], name
        assert len(curves[1]) == (0 if name == "004-exp1" else epochs), name  # it prints none


def test_what_no_experiment_varies():
    for name, seed in SEEDS.items():
        config = seed.config
        assert (config.batch_size, config.data) == (128, Data(train=60_000, test=10_000)), name
        assert (config.label_smoothing, config.averaging) == (0, NoAveraging()), name
        momentum = 0.8 if name == "003-f3" else 0.9
        assert config.optimizer == Sgd(lr=config.optimizer.lr, momentum=momentum), name


def test_nothing_has_changed_since_all_was_compared_with_the_notebooks():
    """Layer by layer, figure by figure. Who corrects a file compares it again, and says so here."""
    compared = hashlib.sha256()
    for name, seed in SEEDS.items():
        facts = [name, {**seed.config.to_dict(), "seed": None}]
        facts += [_reported(name).test_acc, _reported(name).train_acc]
        compared.update(json.dumps(facts, sort_keys=True).encode())
    assert (
        compared.hexdigest() == "561df4758fe45a2de0c9aef4ca3598ab996b4f92319a37475fef2213909a48f0"
    )


def test_runs_of_one_recipe_differ_in_their_seed():
    """The 19 skeletons ran one after another, without seeding again."""
    assert len({SEEDS[name].config.seed for name in CONSTANT + REDUCED}) == 19
    assert len({SEEDS[name].config for name in SEEDS}) == 50


def test_there_and_back():
    """And a file spells out every field of its config: no default can change it."""
    for name, seed in SEEDS.items():
        again = tomllib.loads(seed.to_toml())
        assert record.Record.from_dict(again) == seed, name
        values = tomllib.loads((FOLDER / f"{name}.toml").read_text())
        assert {**values, "reported": None} == {**seed.config.to_dict(), "reported": None}, name
        assert {"train_acc": [], **values["reported"]} == again["reported"], name


def test_count_says_the_same():
    for name, params in PARAMS.items():
        done = CliRunner().invoke(cli.cli, ["count", str(FOLDER / f"{name}.toml")])
        assert done.exit_code == 0, done.output
        assert done.output.splitlines()[-1].split() == ["total", f"{params:,}"], name


def _reported(name: str) -> record.Reported:
    reported = SEEDS[name].reported
    assert reported is not None
    return reported


# --- the nets --------------------------------------------------------------------------------


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


# --- augmentation ----------------------------------------------------------------------------


def _rotation(degrees: float) -> RandomRotation:
    return RandomRotation((-degrees, degrees), fill=(1,))


def _much() -> list[Any]:
    shaken = RandomAffine(degrees=7, translate=(0.1, 0.1), scale=(0.8, 1.2), shear=10)
    return [_rotation(6), shaken, ColorJitter(0.4, 0.4, 0.4, 0.1)]


def _little(degrees: float) -> list[Any]:
    return [ColorJitter(0.1, 0.1, 0.1, 0.1), _rotation(degrees)]


PROGRAMS: dict[str, Callable[[], list[Any]]] = {
    **dict.fromkeys([name for name in SEEDS if "-file2" in name], lambda: [_rotation(7)]),
    **dict.fromkeys([name for name in SEEDS if "-file3" in name], lambda: [_rotation(7)]),
    **dict.fromkeys(["001-code3", "001-code4"], lambda: [_rotation(7)]),
    "002-step4": lambda: _little(10),
    "002-step5": lambda: _little(13),
    "003-f2": lambda: _little(7),
    "003-f3": lambda: _little(7),
    "004-exp6": _much,
    "004-exp7": _much,
}
"""What stood before ToTensor in the notebooks' training transforms."""
DISTINCT = ["001-code3", "002-step4", "002-step5", "003-f2", "004-exp6"]
OPERATIONS = {Rotation: RandomRotation, Affine: RandomAffine, Jitter: ColorJitter}


def test_augmentation_is_where_the_notebooks_have_one():
    assert {name for name in SEEDS if SEEDS[name].config.augment} == PROGRAMS.keys()
    for name, program in PROGRAMS.items():
        kinds = [OPERATIONS[type(operation)] for operation in SEEDS[name].config.augment]
        assert kinds == [type(transform) for transform in program()], name
    kinds_of = {SEEDS[name].config.augment for name in PROGRAMS}
    assert kinds_of == {SEEDS[name].config.augment for name in DISTINCT}
    assert len(kinds_of) == len(DISTINCT)


Draws = list[tuple[Tensor, ...]]
"""For each operation what it drew for every image: (angle, shift, scale, shear) as the matrix gets
them, or (brightness, contrast, whether the contrast comes first)."""


def _augmented(
    images: Tensor, operations: Sequence[Augmentation], generator: Generator
) -> tuple[Tensor, Draws]:
    draws: Draws = []
    matrix, jitter = module.inverse_matrix, module.jitter

    def warped(*drawn: Tensor) -> Tensor:
        draws.append(drawn)
        return matrix(*drawn)

    def jittered(before: Tensor, *drawn: Tensor) -> Tensor:
        draws.append(drawn)
        return jitter(before, *drawn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "inverse_matrix", warped)
        patch.setattr(module, "jitter", jittered)
        return augment(images, operations, generator), draws


def _told(transform: Any, drawn: Sequence[Tensor], chance: random.Random) -> None:
    """Have torchvision's transform draw the numbers that ours drew for an image."""
    match transform:
        case RandomRotation():
            numbers: Any = -drawn[0].item()
        case RandomAffine():
            angle, shift, scale, shear = (d.tolist() for d in drawn)
            numbers = angle, [int(s) for s in shift], scale, shear
        case ColorJitter():
            brightness, contrast, contrast_first = (d.item() for d in drawn)
            order = [1, 0] if contrast_first else [0, 1]
            for other in (2, 3):  # saturation and hue, which act on colours only
                order.insert(chance.randrange(len(order) + 1), other)
            spare = chance.uniform(*transform.saturation), chance.uniform(*transform.hue)
            numbers = torch.tensor(order), brightness, contrast, *spare
    transform.get_params = lambda *limits: numbers


def _through(transforms: Sequence[Any], images: Tensor, draws: Draws, *ends: Any) -> Tensor:
    """Each image as a picture of 8 bits through torchvision's transforms, with our draws."""
    chance, pipeline = random.Random(1), Compose([*transforms, *ends])
    results = []
    for number, image in enumerate(images.byte().squeeze(1).numpy()):
        for transform, drawn in zip(transforms, draws, strict=True):
            _told(transform, [d[number] for d in drawn], chance)
        results.append(pipeline(Image.fromarray(image)))
    return torch.stack(results)


def _from_an_edge(drawn: tuple[Tensor, ...]) -> Tensor:
    """[N, 1, 28, 28]: how far from a pixel's edge each pixel's value is looked up, in pixels."""
    matrix = module.inverse_matrix(*(d.double() for d in drawn))
    axis = torch.arange(28, dtype=torch.float64) - 13.5
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    pixels = torch.stack([x, y, torch.ones(28, 28)])
    points = torch.einsum("nij,jhw->nihw", matrix, pixels)  # the centre is an edge
    return (points - points.round()).abs().amin(dim=1, keepdim=True)


@pytest.mark.parametrize("name", DISTINCT)
def test_each_operation_gives_torchvisions_pixels(name: str, mnist: Mnist):
    """Of the jitter all. Of the geometry all but 1 in 10,000 (in fact 3 in 100,000): those that
    are looked up within 0.0005 pixels of an edge between two, where Pillow, which counts in
    65536ths of a pixel, comes down on the other side."""
    images, generator = mnist.train_images[:300].float(), Generator().manual_seed(4)
    for operation, transform in zip(SEEDS[name].config.augment, PROGRAMS[name](), strict=True):
        before, (images, draws) = images, _augmented(images, [operation], generator)
        different = images != _through([transform], before, draws, PILToTensor())
        assert (images != before).double().mean() > 0.05
        if isinstance(operation, Jitter):
            assert not different.any()
        else:
            assert different.double().mean() < 1e-4
            assert (_from_an_edge(draws[0])[different] < 5e-4).all()


@pytest.mark.parametrize("name", DISTINCT)
def test_operations_together_are_the_notebooks_program(name: str, mnist: Mnist):
    """To the numbers that the net gets, in the order of the file and in no other. A jitter after
    the geometry spreads a differing pixel, by the mean, over its image; so images are counted."""
    images, operations = mnist.train_images[:200], SEEDS[name].config.augment
    ours, draws = _augmented(images.float(), operations, Generator().manual_seed(5))
    scaled = [ToTensor(), Normalize((0.1307,), (0.3081,))]
    program = PROGRAMS[name]()
    theirs = _through(program, images, draws, *scaled)
    assert _share_of_equal_images(normalise(ours), theirs) > 0.95
    if len(program) > 1:
        turned = _through(program[::-1], images, draws[::-1], *scaled)
        assert _share_of_equal_images(normalise(ours), turned) < 0.6


def _share_of_equal_images(ours: Tensor, theirs: Tensor) -> float:
    return float(((ours - theirs).abs() < 1e-5).flatten(1).all(dim=1).double().mean())


@pytest.mark.parametrize("name", DISTINCT)
def test_draws_are_distributed_as_torchvisions(name: str):
    """Inside the limits, up to both ends, and alike between them (Kolmogorov and Smirnov); each
    number without regard to the others; anew for each image, and when an image comes again."""
    generator, images = Generator().manual_seed(6), torch.zeros(2000, 1, 28, 28)
    operations = SEEDS[name].config.augment
    epochs = [_augmented(images, operations, generator)[1] for _ in range(2)]
    for transform, *both in zip(PROGRAMS[name](), *epochs, strict=True):
        ours = _rows(transform, [torch.cat(halves) for halves in zip(*both, strict=True)])
        theirs = np.array([_drawn_by(transform) for _ in range(4000)]).T
        for mine, other, (low, high) in zip(ours, theirs, _limits(transform), strict=True):
            slack = 0.01 * (high - low)
            assert low - 1e-6 <= mine.min() < low + slack
            assert high - slack < mine.max() <= high + 1e-6
            assert ks_2samp(mine, other).statistic < 2.2 * (2 / 4000) ** 0.5  # p is 1e-4
        assert len(np.unique(ours[0])) > 3990
        correlations = np.atleast_2d(np.corrcoef(ours)) - np.eye(len(ours))
        assert np.abs(correlations).max() < 5 / 4000**0.5


def _rows(transform: Any, drawn: Sequence[Tensor]) -> np.ndarray:
    """What ours drew: a row for each number, a column for each image."""
    match transform:
        case RandomRotation():
            angle, shift, scale, shear = drawn
            assert not shift.any()
            assert not shear.any()
            assert (scale == 1).all()
            rows = [-angle]
        case RandomAffine():
            angle, shift, scale, shear = drawn
            assert not shear[:, 1].any()  # along x only
            assert torch.equal(shift, shift.round())
            rows = [angle, *shift.T, scale, shear[:, 0]]
        case _:
            rows = list(drawn)
    return torch.stack([row.double() for row in rows]).numpy()


def _drawn_by(transform: Any) -> list[float]:
    """The same numbers, by torchvision, for one image."""
    match transform:
        case RandomRotation():
            return [transform.get_params(transform.degrees)]
        case RandomAffine():
            limits = transform.degrees, transform.translate, transform.scale, transform.shear
            angle, shift, scale, (shear_x, _) = transform.get_params(*limits, [28, 28])
            return [angle, *shift, scale, shear_x]
    order, brightness, contrast, *_ = transform.get_params(
        transform.brightness, transform.contrast, transform.saturation, transform.hue
    )
    return [brightness, contrast, order.tolist().index(1) < order.tolist().index(0)]


def _limits(transform: Any) -> list[tuple[float, float]]:
    """As the notebooks have them: +-2.8 pixels come to whole ones of at most 3."""
    match transform:
        case RandomRotation():
            return [transform.degrees]
        case RandomAffine():
            return [transform.degrees, (-3, 3), (-3, 3), transform.scale, transform.shear]
    return [transform.brightness, transform.contrast, (0, 1)]


def test_saturation_and_hue_do_nothing_to_grey_pictures(mnist: Mnist):
    """The reason why a config has no word for what the notebooks ask of ColorJitter there."""
    for image in mnist.train_images[:50].squeeze(1).numpy():
        picture = Image.fromarray(image)
        for factor in (0.0, 0.6, 0.9, 1.1, 1.4, 3.0):
            assert np.array_equal(pil.adjust_saturation(picture, factor), image)
        for turn in (-0.5, -0.1, 0.1, 0.5):
            assert np.array_equal(pil.adjust_hue(picture, turn), image)


# --- learning rates --------------------------------------------------------------------------

STEP_LR = {
    "000-file3-a-net1": (4, 0.1, "before"),
    "000-file3-b-net4": (4, 0.5, "after"),
    "000-file3-c-net1": (3, 0.5, "before"),
    "000-file3-d-net1": (4, 0.5, "before"),
    "000-file3-e-net4": (4, 0.5, "before"),
    "001-code4": (10, 0.1, "after"),
    "002-step5": (5, 0.5, "never"),
    "003-f3": (6, 0.1, "never"),
}
"""Step size, gamma, and when the notebook steps: before or after an epoch's training. 003-f2 has a
MultiStepLR in a comment."""
RATES = {
    "000-file3-a-net1": 0.1,
    "000-file3-b-net4": 0.1,
    "000-file3-c-net1": 0.2,
    "000-file3-d-net1": 0.2,
    "000-file3-e-net4": 0.2,
    "002-step5": 0.02,
    "003-f2": 0.03,
    "003-f3": 0.025,
    **{name: float(name.split("lr")[1]) for name in CONSTANT + REDUCED},
}
"""Of the notebooks' SGD where it is not 0.01."""
Updates = list[list[tuple[float, float]]]
"""For each epoch (rate, momentum) of each of its updates."""


def _notebook(name: str, epochs: int, batches: int) -> Updates:
    """torch's optimizer and scheduler, driven as the notebook drives them."""
    weights = [torch.zeros(1, requires_grad=True)]
    sgd = SGD(weights, lr=RATES.get(name, 0.01), momentum=0.8 if name == "003-f3" else 0.9)
    moment, scheduler = "never", None
    if name == "004-exp7":
        moment = "batch"
        scheduler = OneCycleLR(sgd, max_lr=0.015, epochs=epochs, steps_per_epoch=batches)
    elif name in STEP_LR:
        size, gamma, moment = STEP_LR[name]
        scheduler = StepLR(sgd, step_size=size, gamma=gamma)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notebooks were warned too: stepped before any update
        return [_epoch(sgd, scheduler, moment, batches) for _ in range(epochs)]


def _epoch(
    sgd: SGD, scheduler: LRScheduler | None, moment: str, batches: int
) -> list[tuple[float, float]]:
    def step(now: str) -> None:
        if scheduler is not None and now == moment:
            scheduler.step()

    updates = []
    step("before")
    for _ in range(batches):
        updates.append((sgd.param_groups[0]["lr"], sgd.param_groups[0]["momentum"]))
        sgd.step()
        step("batch")
    step("after")
    return updates


def _ours(name: str, losses: Sequence[float], batches: int) -> Updates:
    """The same of our optimizer, which is plain SGD with no decay; a loss for each epoch."""
    config = SEEDS[name].config
    pace, sgd = Pace(config, batches), optim.make(config.optimizer, nn.Linear(2, 2))
    assert type(sgd) is SGD
    epochs: Updates = []
    for epoch, loss in enumerate(losses):
        epochs.append([])
        for update in pace.epoch(epoch):
            optim.set_pace(sgd, *update)
            groups = {
                (g["lr"], g["momentum"], g["weight_decay"], g["dampening"], g["nesterov"])
                for g in sgd.param_groups
            }
            ((lr, momentum, *others),) = groups
            assert others == [0, 0, False]
            epochs[-1].append((lr, momentum))
        pace.ended(loss)
    return epochs


def _flat(epochs: Updates) -> np.ndarray:
    return np.array(epochs).ravel()


def test_rates_are_the_notebooks():
    """In every update; what the losses are makes no difference."""
    for name in sorted(PARAMS.keys() - REDUCED):
        batches = 469 if name == "004-exp7" else 2
        losses = torch.rand(SEEDS[name].config.epochs).tolist()
        theirs = _notebook(name, len(losses), batches)
        assert _flat(_ours(name, losses, batches)) == pytest.approx(_flat(theirs), rel=1e-11), name
        constant = name not in STEP_LR or STEP_LR[name][2] == "never"
        assert (len({*_flat(theirs)}) == 2) == (constant and name != "004-exp7"), name


def test_first_drop_comes_an_epoch_early_where_the_notebook_steps_first():
    before, after = (
        [epoch[0][0] for epoch in _ours(name, [1.0] * 20, 1)]
        for name in ("000-file3-e-net4", "000-file3-b-net4")
    )
    fourths = [rate for n in range(5) for rate in [0.1 * 0.5**n] * 4]
    assert before == pytest.approx([0.2] * 3 + fourths[:16] + [0.00625])
    assert after == pytest.approx(fourths)


def test_rate_of_the_cycle_at_the_start_of_each_epoch():
    """As it was read off the scheduler of the notebook, to six digits."""
    starts = [0.0006, 0.002286, 0.006554, 0.011406, 0.014569, 0.014916, 0.014255, 0.012995]
    starts += [0.011246, 0.009164, 0.006935, 0.004756, 0.00282, 0.001301, 0.000332]
    epochs = _ours("004-exp7", [1.0] * 15, 469)
    assert [epoch[0][0] for epoch in epochs] == pytest.approx(starts, abs=5.1e-7)
    assert epochs[0][0][1] == epochs[-1][-1][1] == 0.95
    assert min(momentum for epoch in epochs for _, momentum in epoch) == pytest.approx(0.85)


# The loss-driven rule: "after each epoch's test, from the 4th epoch on, with L0 the newest epoch
# train loss and L1, L2 the two before, a = (L1 - L0) / L1, b = (L2 - L1) / L2; if (a - b) / b < 0
# the rate is multiplied by 0.9 and a new SGD is made". The epoch train loss is the sum of the 469
# batches' over 468, rounded to 6 digits.


def _told_losses(totals: Sequence[float]) -> list[float]:
    return [round(total / 468, 6) for total in totals]


def _rule(losses: Sequence[float]) -> bool:
    if len(losses) < 4:
        return False
    l2, l1, l0 = losses[-3:]
    a = (l1 - l0) / l1
    b = (l2 - l1) / l2
    return b != 0 and (a - b) / b < 0  # the notebook divides by 0 there, and would have ended


def _rates_by_the_rule(lr: float, totals: Sequence[float]) -> list[float]:
    rates, losses = [], _told_losses(totals)
    for epoch in range(1, len(losses) + 1):
        rates.append(lr)
        if _rule(losses[:epoch]):
            lr *= 0.9
    return rates


def _totals(chance: random.Random) -> list[float]:
    """Sums of the batches' losses in each of 15 epochs of a training that gets somewhere."""
    total = 469 * chance.uniform(0.5, 2.3)
    totals = []
    for _ in range(15):
        total *= chance.uniform(0.6, 0.999) if chance.random() < 0.8 else chance.uniform(1, 1.1)
        totals.append(total)
    return totals


@pytest.mark.parametrize("name", REDUCED)
def test_loss_driven_rates_are_the_notebooks(name: str):
    """Over 100 trainings that get somewhere."""
    lr, chance, drops = RATES[name], random.Random(name), 0
    for _ in range(100):
        totals = _totals(chance)
        ours = [epoch[0][0] for epoch in _ours(name, [total / 468 for total in totals], 1)]
        assert ours == pytest.approx(_rates_by_the_rule(lr, totals), rel=1e-12)
        drops += len(set(ours)) - 1
    assert 100 * 3 < drops < 100 * 9


def test_they_are_where_a_training_stands_still_and_the_rounding_decides():
    """Losses that differ in the last of the six digits, over one batch fewer than there are."""
    chance, name = random.Random(1), REDUCED[0]
    for _ in range(300):
        totals = [3 * (1.6 + chance.gauss(0, 1e-5)) for _ in range(15)]
        told = [total * 468 / 2 for total in totals]  # of 3 batches, as the rule divides
        ours = [epoch[0][0] for epoch in _ours(name, totals, 3)]
        assert ours == pytest.approx(_rates_by_the_rule(RATES[name], told), rel=1e-12)


@pytest.mark.parametrize("keeps_momentum", [False, True])
def test_weights_after_a_drop_are_those_of_a_new_optimizer(keeps_momentum: bool):
    """Training a layer as the notebook does; and not as with buffers that outlive the drop."""
    losses = [0.4, 0.2, 0.1, 0.04, 0.03, 0.02, 0.02, 0.02, 0.01]  # dips after epochs 5 and 7
    name, images = "003-f1-reduce-lr0.05", torch.rand(9, 2, 6, 4)
    ours, theirs = nn.Linear(4, 3), nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    config, lr = SEEDS[name].config, 0.05
    pace, optimizer = Pace(config, batches=2), optim.make(config.optimizer, ours)
    sgd = SGD(theirs.parameters(), lr=lr, momentum=0.9)
    for epoch in range(len(losses)):
        for batch, update in zip(images[epoch], pace.epoch(epoch), strict=True):
            optim.set_pace(optimizer, *update)
            _update(ours, optimizer, batch)
            _update(theirs, sgd, batch)
        if pace.ended(losses[epoch]):
            optimizer = optim.make(config.optimizer, ours)
        if _rule(losses[: epoch + 1]):
            lr *= 0.9
            sgd.param_groups[0]["lr"] = lr
            if not keeps_momentum:
                sgd = SGD(theirs.parameters(), lr=lr, momentum=0.9)
    assert lr == pytest.approx(0.05 * 0.9**2)
    assert (_far(ours.state_dict(), theirs.state_dict()) < 1e-5) != keeps_momentum


def _update(net: nn.Module, optimizer: torch.optim.Optimizer, batch: Tensor) -> None:
    optimizer.zero_grad()
    net(batch).square().mean().backward()
    optimizer.step()
