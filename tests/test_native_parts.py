"""The native engine's parts on their own: random numbers, augmentation, optimizers, averaging.

Each is compared with torch's, or with a few lines of numpy that say the same another way.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_double, c_float, c_int64, c_uint8, c_uint32
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from threefry import AUGMENTATION, DROPOUT, random_words, threefry
from torch import Tensor, nn
from torch.optim import Optimizer

from mnist_core import augment, optim
from mnist_core.augment_ops import Affine, Augmentation, Interpolation, Jitter, Rotation
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.model import build
from mnist_core.native import library
from mnist_core.native.plan import plan
from mnist_core.native.structs import Which
from mnist_core.torch_engine import normalise

pytestmark = [
    pytest.mark.skipif(bool(library.unavailable()), reason=str(library.unavailable())),
    pytest.mark.usefixtures("one_thread"),
]
SETS = [name for name in library.INSTRUCTION_SETS if not library.unavailable(name)]
SEED, STEP = 0x9E3779B97F4A7C15, 2**33 + 5
AFFINE = Affine(
    degrees=12,
    translate=(0.1, 0.2),
    scale=(0.8, 1.3),
    shear=(9, 4),
    fill=7,
    interpolation="bilinear",
)
OPERATIONS: list[tuple[Augmentation, ...]] = [
    (AFFINE,),
    (Affine(degrees=10, translate=(0.2, 0.1), whole_pixels=True, fill=0.5),),
    (Rotation(degrees=20, interpolation="bilinear"),),
    (Jitter(brightness=0.4, contrast=1.3),),
    (Rotation(degrees=7), Jitter(contrast=0.3), AFFINE),
]


# --- random numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rounds", "answer"),
    [
        (13, (0x4AA71D8F, 0x734738C2, 0x431FC6A8, 0xAE6DEBF1)),
        (20, (0x59CD1DBB, 0xB8879579, 0x86B5D00C, 0xAC8B6D84)),
    ],
)
def test_the_reference_gives_the_published_answers(rounds: int, answer: tuple[int, ...]):
    """Those of the C++ code are checked when it is compiled."""
    key = [0xA4093822, 0x299F31D0, 0x082EFA98, 0xEC4E6C89]
    counter = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]
    assert threefry(key, counter, rounds).tolist() == list(answer)


@pytest.mark.parametrize("name", SETS)
def test_words_are_those_of_seed_step_layer_image_and_index(name: str):
    draw = np.random.default_rng(0).integers
    words = (c_uint32 * 4)()
    for _ in range(200):
        seed, step = (int(draw(2**63)) * 2 + 1, int(draw(2**63)))
        layer, image, index = draw(2**32, size=3).tolist()
        library.load(name).dd_random_words(seed, step, layer, image, index, words)
        assert list(words) == random_words(seed, step, layer, image, index, DROPOUT).tolist()


# --- a net that shows what it was given -------------------------------------------------------


class Engine:
    """The C interface's engine for a config, with nothing added."""

    def __init__(self, config: Config, name: str) -> None:
        self._library = library.load(name)
        planned = plan(config)
        self.recipe = planned.recipe
        self._handle = self._library.dd_create(
            planned.layers,
            len(planned.layers),
            planned.augmentations,
            len(planned.augmentations),
            byref(planned.recipe),
        )
        assert self._handle, self._library.dd_error()

    def close(self) -> None:
        self._library.dd_destroy(self._handle)

    def backward(self, images: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> None:
        self._call(
            "dd_backward",
            images.ctypes.data_as(POINTER(c_uint8)),
            labels.ctypes.data_as(POINTER(c_int64)),
            len(labels),
            chosen.ctypes.data_as(POINTER(c_int64)),
            len(chosen),
            STEP,
            byref(c_double()),
            byref(c_int64()),
        )

    def update(self, lr: float, momentum: float) -> None:
        self._call("dd_update", lr, momentum)

    def reset_optimizer(self) -> None:
        self._library.dd_reset_optimizer(self._handle)

    def read(self, which: Which, tensor: int, like: Tensor) -> Tensor:
        values = torch.empty_like(like, memory_format=torch.contiguous_format)
        self._call("dd_read", which, tensor, _floats(values), values.numel())
        return values

    def write(self, which: Which, tensor: int, values: Tensor) -> None:
        self._call("dd_write", which, tensor, _floats(values.contiguous()), values.numel())

    def _call(self, function: str, *arguments: Any) -> None:
        assert getattr(self._library, function)(self._handle, *arguments) == 0, (
            self._library.dd_error()
        )


@contextmanager
def _engine(config: Config, name: str) -> Iterator[Engine]:
    engine = Engine(config, name)
    yield engine
    engine.close()


def _floats(tensor: Tensor) -> Any:
    return np.ctypeslib.as_ctypes(tensor.numpy().reshape(-1))


def _config(*layers: str, **values: Any) -> Config:
    return Config.from_dict(
        {"epochs": 1, "seed": 3, "layers": layers, "optimizer": {"kind": "sgd", "lr": 0.1}} | values
    )


PROBES = [0, 1, 3, 4, 8, 15, 16, 41]  # places in a batch of 43, in and between blocks of lanes


def _seen(engine: Engine, mnist: Mnist, weight: int, features: int) -> np.ndarray:
    """[len(PROBES), features]: what the last linear layer is given for some images of a batch.

    Its weights and biases are 0, so every class has probability 0.1: the gradient of class k's
    weights is the mean of input * (0.1 - [label is k]). Each probe has a label of its own, the
    others have label 9, and none has 8, whose gradient is taken off.
    """
    labels = np.full(43, 9, np.int64)
    labels[PROBES] = np.arange(len(PROBES))
    engine.write(Which.CURRENT, weight, torch.zeros(10, features))
    engine.write(Which.CURRENT, weight + 1, torch.zeros(10))
    images = mnist.train_images[:43].numpy()
    engine.backward(images, labels, np.arange(43, dtype=np.int64))
    gradient = engine.read(Which.GRADIENT, weight, torch.empty(10, features)).numpy()
    return (gradient[8] - gradient[: len(PROBES)]) * 43


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("operations", [(), OPERATIONS[-1]])
def test_blocks_are_augmented_normalised_and_in_order(
    name: str, operations: tuple[Augmentation, ...], mnist: Mnist
):
    config = _config("flatten", "linear 784->10", augment=[o.model_dump() for o in operations])
    with _engine(config, name) as engine:
        seen = _seen(engine, mnist, 0, 784)
        seed = engine.recipe.augmentation_seed
    images = _augmented(name, operations, mnist.train_images[:43], seed)
    expected = normalise(torch.from_numpy(images[PROBES])).reshape(len(PROBES), -1)
    np.testing.assert_allclose(seen, expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("p", [0.03, 0.5, 0.99999])
def test_dropout_is_that_of_the_contract(name: str, p: float, mnist: Mnist):
    with _engine(_config(f"dropout {p!r}", "flatten", "linear 784->10"), name) as engine:
        seen = _seen(engine, mnist, 0, 784)
        kept = _kept(engine.recipe.dropout_seed, p, 784)
    given = normalise(mnist.train_images[PROBES]).reshape(len(PROBES), -1).numpy()
    np.testing.assert_allclose(seen, given * kept, atol=2e-4 * kept.max())


@pytest.mark.parametrize("name", SETS)
def test_dropout_of_whole_channels_is_that_of_the_contract(name: str, mnist: Mnist):
    layers = ("conv 1->11 k1 bias=false", "dropout2d 0.4", "flatten", "linear 8624->10")
    with _engine(_config(*layers), name) as engine:
        engine.write(Which.CURRENT, 0, torch.ones(11, 1, 1, 1))
        seen = _seen(engine, mnist, 1, 8624)
        kept = _kept(engine.recipe.dropout_seed, 0.4, 11, layer=1)
    given = normalise(mnist.train_images[PROBES]).reshape(len(PROBES), 1, -1).numpy()
    expected = (given * kept[:, :, None]).reshape(len(PROBES), -1)
    np.testing.assert_allclose(seen, expected, atol=1e-3)


def _kept(seed: int, p: float, elements: int, layer: int = 0) -> np.ndarray:
    """[len(PROBES), elements]: the factors of dropout, as src/random.hpp has them."""
    index = np.arange(math.ceil(elements / 8))
    words = random_words(seed, STEP, layer, np.array(PROBES)[:, None], index, DROPOUT)
    halves = np.stack([words & 0xFFFF, words >> 16], axis=-1)  # [4, images, index, 2]
    halves = halves.transpose(1, 2, 0, 3).reshape(len(PROBES), -1)[:, :elements]
    cut = min(65535, round(p * 65536))
    return (halves >= cut) * 65536 / (65536 - cut)


# --- warp and jitter --------------------------------------------------------------------------


def _warped(name: str, image: np.ndarray, matrix: np.ndarray, fill: float, mode: str) -> np.ndarray:
    out = np.empty((28, 28), np.float32)
    library.load(name).dd_warp(
        np.ctypeslib.as_ctypes(image.reshape(-1)),
        np.ctypeslib.as_ctypes(matrix.reshape(-1)),
        fill,
        mode == "bilinear",
        np.ctypeslib.as_ctypes(out.reshape(-1)),
    )
    return out


def _augmented(
    name: str, operations: tuple[Augmentation, ...], images: Tensor, seed: int = SEED
) -> np.ndarray:
    """[N, 28, 28] of the first images at their places."""
    planned = plan(
        _config("flatten", "linear 784->10", augment=[o.model_dump() for o in operations])
    )
    out = np.empty((len(images), 28, 28), np.float32)
    failed = library.load(name).dd_augment(
        planned.augmentations,
        len(operations),
        seed,
        STEP,
        images.numpy().ctypes.data_as(POINTER(c_uint8)),
        np.ctypeslib.as_ctypes(np.arange(len(images))),
        len(images),
        out.ctypes.data_as(POINTER(c_float)),
    )
    assert not failed
    return out


@contextmanager
def _double() -> Iterator[None]:
    """torch in float64, for a reference that does not round."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _reference(images: Tensor, matrix: np.ndarray, fill: float, mode: Interpolation) -> np.ndarray:
    """[N, 28, 28] of images [N, 1, 28, 28] through matrix [N, 2, 3]."""
    with _double():
        warped = augment.warp(images.double(), torch.from_numpy(matrix), fill, mode)
    return warped.numpy()[:, 0]


def _from_ties(matrix: np.ndarray) -> np.ndarray:
    """[N, 28, 28]: by how much a source pixel's coordinates miss being between two pixels."""
    axis = np.arange(28) - 13.5
    y, x = np.meshgrid(axis, axis, indexing="ij")
    places = np.einsum("nij,jyx->niyx", matrix, np.stack([x, y, np.ones_like(x)])) + 13.5
    return np.abs(places - np.floor(places) - 0.5).min(axis=1)


def _matrices(count: int) -> np.ndarray:
    """[count, 2, 3], of which every third is extreme: scales of 1/100 to 100, far shifts."""
    generator = np.random.default_rng(1)
    linear = generator.normal(size=(count, 2, 2)) * 0.3 + np.eye(2)
    linear[::3] *= 100 ** generator.uniform(-1, 1, size=(len(linear[::3]), 1, 1))
    shift = generator.uniform(-12, 12, size=(count, 2, 1))
    shift[1::12] *= 1e6
    return np.concatenate([linear, shift], axis=2)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("fill", [0.0, 255.0, 13.7])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_warp_is_torchs(name: str, fill: float, mode: Interpolation, mnist: Mnist):
    images = mnist.train_images[:300]
    images = torch.where(images > 0, images, images.roll(5, 0))  # ink everywhere, also at edges
    matrix = _matrices(len(images))
    warped = np.stack(
        [_warped(name, images[i, 0].numpy(), matrix[i], fill, mode) for i in range(len(images))]
    )
    error = np.abs(warped - _reference(images, matrix, fill, mode))
    if mode == "nearest":
        error = error[_from_ties(matrix) > 5e-4]
    assert error.max() <= 1e-3


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_what_is_no_number_is_filled(mode: str, mnist: Mnist):
    image = mnist.train_images[0, 0].numpy()
    for value in (math.nan, math.inf, -math.inf, 1e300):
        matrix = np.array([[value, 0, 0], [0, 1, 0]])
        assert (_warped(SETS[0], image, matrix, 9.0, mode) == 9).all()


def _uniform(layer: int, images: int, index: int) -> np.ndarray:
    """[4, images] in [-1, 1)."""
    words = random_words(SEED, STEP, layer, np.arange(images), index, AUGMENTATION)
    return (words >> 8) * 2.0**-23 - 1


class Maps(NamedTuple):
    """Of each image; see `augment.inverse_matrix`."""

    angle: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    shear: np.ndarray

    def matrices(self) -> np.ndarray:
        return augment.inverse_matrix(*map(torch.from_numpy, self)).numpy()


def _maps(affine: Affine | Rotation, layer: int, images: int) -> Maps:
    """What the native engine draws, from the contract."""
    if isinstance(affine, Rotation):
        affine = Affine(degrees=affine.degrees)
    uniform, more = (_uniform(layer, images, index) for index in (0, 1))
    shift = uniform[1:3].T * affine.translate * 28
    low, high = affine.scale
    return Maps(
        uniform[0] * affine.degrees,
        shift.round() if affine.whole_pixels else shift,
        (low + high) / 2 + uniform[3] * (high - low) / 2,
        more[:2].T * affine.shear,
    )


def _factors(jitter: Jitter, layer: int, images: int) -> tuple[Tensor, Tensor, Tensor]:
    """(brightness, contrast, whether that comes first), the arguments of `augment.jitter`."""
    uniform = _uniform(layer, images, 0)

    def factor(spread: float, uniform: np.ndarray) -> Tensor:
        low = max(0.0, 1 - spread)
        half = (1 + spread - low) / 2
        return torch.from_numpy(low + half + uniform * half).float()

    return (
        factor(jitter.brightness, uniform[1]),
        factor(jitter.contrast, uniform[2]),
        torch.from_numpy(uniform[0] > 0),
    )


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("operations", OPERATIONS[:3])
def test_each_image_is_warped_with_numbers_of_its_own(
    name: str, operations: tuple[Affine | Rotation], mnist: Mnist
):
    (operation,) = operations
    images = mnist.train_images[:300]
    matrix = _maps(operation, 0, 300).matrices()
    warped = _augmented(name, operations, images)
    expected = _reference(images, matrix, operation.fill, operation.interpolation)
    error = np.abs(warped - expected)
    if operation.interpolation == "nearest":
        error = error[_from_ties(matrix) > 5e-4]
    assert error.max() <= 1e-3


def test_the_numbers_drawn_are_uniform_in_the_configs_ranges():
    n = 20_000
    maps = _maps(AFFINE, 0, n)
    drawn = np.column_stack([maps.angle, maps.shift, maps.scale, maps.shear])
    low = np.array([-12, -2.8, -5.6, 0.8, -9, -4])
    high = np.array([12, 2.8, 5.6, 1.3, 9, 4])
    assert (drawn >= low).all()
    assert (drawn <= high).all()
    unit = (drawn - low) / (high - low)
    for power in (1, 2, 3, 4):  # of a uniform number in 0..1 the mean of x^k is 1 / (k + 1)
        deviation = math.sqrt((1 / (2 * power + 1) - 1 / (power + 1) ** 2) / n)
        assert np.abs((unit**power).mean(axis=0) - 1 / (power + 1)).max() < 4 * deviation
    assert np.abs(np.corrcoef(unit.T) - np.eye(6)).max() < 4 / math.sqrt(n)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("ranges", [Jitter(brightness=0.4, contrast=1.3), Jitter(contrast=0.2)])
def test_jitter_is_that_of_augment(name: str, ranges: Jitter, mnist: Mnist):
    images = mnist.train_images[:300]
    expected = augment.jitter(images.float(), *_factors(ranges, 0, 300))
    assert (_augmented(name, (ranges,), images) == expected[:, 0].numpy()).all()


@pytest.mark.parametrize("name", SETS)
def test_operations_follow_one_another_each_with_its_own_numbers(name: str, mnist: Mnist):
    images = mnist.train_images[:100]
    blurred, jitter = Rotation(degrees=30, interpolation="bilinear"), Jitter(brightness=0.3)
    first = _augmented(name, (blurred,), images)
    expected = augment.jitter(torch.from_numpy(first)[:, None], *_factors(jitter, 1, 100))
    second = _augmented(name, (blurred, jitter), images)
    assert (second == expected[:, 0].numpy()).all()


@pytest.mark.parametrize("operations", OPERATIONS)
def test_instruction_sets_give_the_same_images(operations: tuple[Augmentation, ...], mnist: Mnist):
    best, *others = (_augmented(name, operations, mnist.train_images[:300]) for name in SETS)
    for other in others:
        np.testing.assert_allclose(other, best, atol=1e-3)


# --- optimizers and averaging -----------------------------------------------------------------

NET = ("conv 1->5 k3", "bn", "relu", "gap", "flatten", "linear 5->10")
OPTIMIZERS: list[dict[str, Any]] = [
    {"kind": "sgd"},
    {"kind": "sgd", "weight_decay": 0.1},
    {"kind": "sgd", "momentum": 0.9, "weight_decay": 0.05},
    {"kind": "sgd", "momentum": 0.9, "weight_decay": 0.05, "decay": "weights"},
    {"kind": "sgd", "momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
    {"kind": "adam"},
    {"kind": "adam", "betas": [0.8, 0.99], "weight_decay": 0.05},
    {"kind": "adamw", "weight_decay": 0.5},
    {"kind": "adamw", "weight_decay": 0.5, "decay": "weights"},
]


class Follower:
    """An engine and torch's optimizer that are given the same gradients."""

    def __init__(self, engine: Engine, config: Config) -> None:
        self._engine, self._config = engine, config
        self.net = build(config)
        self._generator = torch.Generator().manual_seed(0)
        self._optimizer = self._new()
        named = [n for n in self.net.state_dict() if not n.endswith("num_batches_tracked")]
        self._numbers = {name: number for number, name in enumerate(named)}
        for name, number in self._numbers.items():
            engine.write(Which.CURRENT, number, self.net.state_dict()[name])

    def _new(self) -> Optimizer:
        return optim.make(self._config.optimizer, self.net)

    def step(self, lr: float, momentum: float) -> None:
        for name, parameter in self.net.named_parameters():
            gradient = torch.randn(parameter.shape, generator=self._generator)
            parameter.grad = gradient
            self._engine.write(Which.GRADIENT, self._numbers[name], gradient)
        optim.set_pace(self._optimizer, lr, momentum)
        self._optimizer.step()
        self._engine.update(lr, momentum)

    def reset(self) -> None:
        self._optimizer = self._new()
        self._engine.reset_optimizer()

    def error(self, which: Which, net: nn.Module) -> float:
        """The largest difference from the net's tensors, relative to a tensor's largest value."""
        state = net.state_dict()
        errors = []
        for name, number in self._numbers.items():
            values = self._engine.read(which, number, state[name])
            errors.append(((values - state[name]).abs().max() / state[name].abs().max()).item())
        return max(errors)


def _momentum(config: Config) -> float:
    optimizer = config.optimizer
    return optimizer.momentum if optimizer.kind == "sgd" else optimizer.betas[0]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("options", OPTIMIZERS)
def test_optimizers_are_torchs(name: str, options: dict[str, Any]):
    config = _config(*NET, optimizer={"lr": 0.01} | options)
    momentum = _momentum(config)
    with _engine(config, name) as engine:
        follower = Follower(engine, config)
        for step in range(50):
            moved = momentum and momentum - 0.1 * math.sin(step / 5)  # as OneCycle moves it
            follower.step(0.01 * (1 + math.cos(step / 9)), moved)
            if step == 30:
                follower.reset()
        assert follower.error(Which.CURRENT, follower.net) <= 2e-6


@pytest.mark.parametrize("name", SETS)
def test_the_average_is_that_of_averaged(name: str):
    config = _config(*NET, averaging={"kind": "ema", "decay": 0.8})
    with _engine(config, name) as engine:
        follower = Follower(engine, config)
        average = optim.averaged(follower.net, config.averaging)
        assert average is not None
        for _ in range(60):
            follower.step(0.1, 0.0)
            average.update_parameters(follower.net)
        assert follower.error(Which.AVERAGE, average.module) <= 1e-6
