"""The augmentation of the fifty experiments, beside torchvision's transforms of pictures."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from notebooks import SEEDS
from PIL import Image
from scipy.stats import ks_2samp
from torch import Generator, Tensor
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
from mnist_core.augment import augment
from mnist_core.augment_ops import Affine, Augmentation, Jitter, Rotation
from mnist_core.data import Mnist
from mnist_core.torch_engine import normalise

pytestmark = pytest.mark.usefixtures("one_thread", "seeded")


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
