"""Augmentation: torchvision's and Pillow's pixels for the same parameters, own numbers an image."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as pil
from torchvision.transforms.v2 import functional as tensors

from mnist_core import augment as module
from mnist_core.augment import augment, inverse_matrix, jitter, warp
from mnist_core.augment_ops import Affine, Augmentation, Jitter, Rotation
from mnist_core.data import Mnist

MODES = {"nearest": InterpolationMode.NEAREST, "bilinear": InterpolationMode.BILINEAR}
OPERATIONS = [
    Rotation(degrees=20),
    Rotation(degrees=20, fill=1, interpolation="bilinear"),
    Affine(degrees=7, translate=(0.1, 0.2), scale=(0.8, 1.2), shear=(10, 5)),
    Affine(translate=(0.2, 0.1), whole_pixels=True, fill=9),
    Jitter(brightness=0.4, contrast=0.4),
]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def images(mnist: Mnist) -> Tensor:
    """200, of which some have ink at the very edge."""
    return mnist.train_images[:200].float()


@pytest.fixture(scope="module")
def black_edged(images: Tensor) -> Tensor:
    """Where a fill meets ink at the edge, torchvision's bilinear is another: see the last test."""
    return torch.nn.functional.pad(images[..., 1:-1, 1:-1], (1, 1, 1, 1))


def _draws(rows: int, *spreads: float, seed: int = 0) -> list[list[float]]:
    """For each row one number uniform in +- each spread."""
    numbers = 2 * torch.rand(rows, len(spreads), generator=Generator().manual_seed(seed)) - 1
    return (numbers * torch.tensor(spreads)).tolist()


def _warped(images: Tensor, rows: list[list[float]], fill: float, mode: Any) -> Tensor:
    """One row of (angle, shift x, shift y, scale - 1, shear x, shear y) for each image."""
    parameters = torch.tensor(rows)
    matrix = inverse_matrix(
        parameters[:, 0], parameters[:, 1:3], 1 + parameters[:, 3], parameters[:, 4:6]
    )
    return warp(images, matrix, fill, mode)


# --- against torchvision and Pillow ----------------------------------------------------------


@pytest.mark.parametrize("fill", [0.0, 1.0, 255.0])
@pytest.mark.parametrize("mode", MODES)
def test_affine_is_torchvisions(images: Tensor, black_edged: Tensor, mode: str, fill: float):
    """Pixel by pixel for 200 draws: nearest exactly, bilinear to float32's rounding."""
    if mode == "bilinear" and fill:
        images = black_edged
    rows = _draws(len(images), 30, 4, 4, 0.2, 20, 20)
    ours = _warped(images, rows, fill, mode)
    theirs = torch.cat(
        [
            tensors.affine(
                image.unsqueeze(0),
                angle=angle,
                translate=[x, y],
                scale=1 + scale,
                shear=[shear_x, shear_y],
                interpolation=MODES[mode],
                fill=[fill] if fill else None,
            )
            for image, (angle, x, y, scale, shear_x, shear_y) in zip(images, rows, strict=True)
        ]
    )
    different = (ours - theirs).abs()
    if mode == "nearest":
        assert (different > 0).float().mean() < 1e-5  # ties between two pixels
    else:
        assert different.max() < (1e-3 if fill < 255 else 5e-3)


@pytest.mark.parametrize("mode", MODES)
def test_rotation_is_torchvisions(images: Tensor, black_edged: Tensor, mode: str):
    if mode == "bilinear":
        images = black_edged
    rows = _draws(len(images), 180)
    ours = _warped(images, [[-angle, 0, 0, 0, 0, 0] for (angle,) in rows], 1.0, mode)
    theirs = torch.cat(
        [
            tensors.rotate(image.unsqueeze(0), angle, MODES[mode], fill=[1.0])
            for image, (angle,) in zip(images, rows, strict=True)
        ]
    )
    different = (ours - theirs).abs()
    if mode == "nearest":
        assert (different > 0).float().mean() < 1e-5
    else:
        assert different.max() < 1e-3


def _through_pillow(images: Tensor, transform: Any, rows: list[list[float]]) -> Tensor:
    pictures = [Image.fromarray(image.byte().squeeze(0).numpy()) for image in images]
    results = [transform(picture, *row) for picture, row in zip(pictures, rows, strict=True)]
    return torch.stack([torch.from_numpy(np.array(r)) for r in results]).unsqueeze(1).float()


def test_nearest_rotation_is_pillows(images: Tensor):
    """Over 99.9 % of the pixels equal: 99.997 % of these."""
    rows = _draws(len(images), 30)
    ours = _warped(images, [[-angle, 0, 0, 0, 0, 0] for (angle,) in rows], 1.0, "nearest")
    theirs = _through_pillow(images, lambda p, angle: pil.rotate(p, angle, fill=1), rows)
    assert (ours == theirs).float().mean() > 0.999


def test_nearest_affine_is_pillows(images: Tensor):
    rows = [[a, round(x), round(y), *rest] for a, x, y, *rest in _draws(200, 7, 3, 3, 0.2, 10, 0)]
    ours = _warped(images, rows, 0.0, "nearest")
    theirs = _through_pillow(
        images, lambda p, a, x, y, scale, *shear: pil.affine(p, a, [x, y], 1 + scale, shear), rows
    )
    assert (ours == theirs).float().mean() > 0.999


def test_bilinear_rotation_is_pillows_to_one_grey_value(images: Tensor):
    """Pillow rounds to whole greys, and does not blend with the fill at the edge."""
    rows = _draws(len(images), 30)
    ours = _warped(images, [[-angle, 0, 0, 0, 0, 0] for (angle,) in rows], 0.0, "bilinear")
    theirs = _through_pillow(
        images, lambda p, angle: pil.rotate(p, angle, InterpolationMode.BILINEAR), rows
    )
    assert ((ours - theirs).abs() <= 1).float().mean() > 0.999


@pytest.mark.parametrize("contrast_first", [True, False])
def test_jitter_is_pillows(images: Tensor, contrast_first: bool):
    """Every pixel, for factors from 0 to 2 and the factors 0, 1 and 2 themselves."""
    rows = [[1 + b, 1 + c] for b, c in _draws(len(images) - 9, 1, 1)]
    rows += [[b, c] for b in (0.0, 1.0, 2.0) for c in (0.0, 1.0, 2.0)]

    def both(picture: Image.Image, brightness: float, contrast: float) -> Image.Image:
        if contrast_first:
            return pil.adjust_brightness(pil.adjust_contrast(picture, contrast), brightness)
        return pil.adjust_contrast(pil.adjust_brightness(picture, brightness), contrast)

    brightness, contrast = torch.tensor(rows).unbind(1)
    order = torch.full((len(images),), contrast_first)
    assert torch.equal(
        jitter(images, brightness, contrast, order), _through_pillow(images, both, rows)
    )


# --- what is drawn ---------------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_image_draws_its_own_numbers(images: Tensor, operation: Augmentation):
    same = images[:1].expand(64, -1, -1, -1)
    results = augment(same, [operation], Generator().manual_seed(0))
    assert len({result.numpy().tobytes() for result in results}) > 30


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_generator_decides(images: Tensor, operation: Augmentation):
    before, state = images.clone(), torch.get_rng_state()
    first, again, other = (
        augment(images, [operation], Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)
    generator = Generator().manual_seed(1)
    assert torch.equal(augment(images, [operation], generator), first)
    assert not torch.equal(augment(images, [operation], generator), first)


def test_operations_are_applied_in_order(images: Tensor):
    rotation, contrast = OPERATIONS[1], Jitter(contrast=0.9)
    generator = Generator().manual_seed(3)
    step_by_step = augment(augment(images, [rotation], generator), [contrast], generator)
    at_once = augment(images, [rotation, contrast], Generator().manual_seed(3))
    assert torch.equal(at_once, step_by_step)
    other_way = augment(images, [contrast, rotation], Generator().manual_seed(3))
    assert not torch.equal(at_once, other_way)


def test_nothing_asked_changes_nothing(images: Tensor):
    generator = Generator().manual_seed(0)
    assert torch.equal(augment(images, [], generator), images)
    greys = torch.arange(784.0).remainder(256).view(1, 1, 28, 28).repeat(50, 1, 1, 1)
    for operation in (Rotation(degrees=0), Affine(), Jitter()):
        assert torch.equal(augment(greys, [operation], generator), greys)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_results_are_grey_values(images: Tensor, operation: Augmentation):
    result = augment(images, [operation], Generator().manual_seed(0))
    assert result.dtype == torch.float32
    assert result.shape == images.shape
    assert result.min() >= -1e-3  # float32's rounding, where a fill is taken off and put back
    assert result.max() <= 255 + 1e-3


def _recorded(monkeypatch: pytest.MonkeyPatch, name: str, operation: Augmentation) -> list[Tensor]:
    """The parameters that `operation` draws for 4,000 images, as they reach the function."""
    calls: list[tuple[Tensor, ...]] = []
    real = getattr(module, name)

    def record(*parameters: Tensor) -> Tensor:
        calls.append(parameters)
        return real(*parameters)

    monkeypatch.setattr(module, name, record)
    augment(torch.zeros(4000, 1, 28, 28), [operation], Generator().manual_seed(5))
    assert len(calls) == 1
    return list(calls[0])


def _fills(numbers: Tensor, low: float, high: float) -> bool:
    """Inside the range, up to both of its ends, and with a uniform distribution's mean."""
    inside = low <= numbers.min() and numbers.max() <= high
    slack = 0.01 * (high - low)
    ends = numbers.min() < low + slack and numbers.max() > high - slack
    standard_error = (high - low) / 12**0.5 / len(numbers) ** 0.5
    return bool(inside and ends and abs(numbers.mean() - (low + high) / 2) < 5 * standard_error)


def test_rotation_fills_its_range(monkeypatch: pytest.MonkeyPatch):
    angle, shift, scale, shear = _recorded(
        monkeypatch, "inverse_matrix", Rotation(degrees=7, fill=1)
    )
    assert _fills(angle, -7, 7)
    assert shift.abs().max() == shear.abs().max() == 0
    assert torch.equal(scale, torch.ones(4000))


def test_affine_fills_its_ranges(monkeypatch: pytest.MonkeyPatch):
    affine = Affine(degrees=9, translate=(0.1, 0.25), scale=(0.7, 1.1), shear=(10, 4))
    angle, shift, scale, shear = _recorded(monkeypatch, "inverse_matrix", affine)
    drawn = torch.stack([angle, *shift.unbind(1), scale, *shear.unbind(1)])
    limits = [(-9, 9), (-2.8, 2.8), (-7, 7), (0.7, 1.1), (-10, 10), (-4, 4)]
    for numbers, (low, high) in zip(drawn, limits, strict=True):
        assert _fills(numbers, low, high)
    correlations = torch.corrcoef(drawn) - torch.eye(len(drawn))
    assert correlations.abs().max() < 5 / 4000**0.5


def test_shifts_by_whole_pixels(monkeypatch: pytest.MonkeyPatch):
    affine = Affine(translate=(0.1, 0.2), whole_pixels=True)
    _, shift, _, _ = _recorded(monkeypatch, "inverse_matrix", affine)
    assert shift[:, 0].unique().tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert shift[:, 1].unique().tolist() == list(range(-6, 7))


@pytest.mark.parametrize(("spread", "low", "high"), [(0.4, 0.6, 1.4), (1.5, 0.0, 2.5)])
def test_jitter_fills_its_ranges(
    monkeypatch: pytest.MonkeyPatch, spread: float, low: float, high: float
):
    _, brightness, contrast, order = _recorded(
        monkeypatch, "jitter", Jitter(brightness=spread, contrast=spread / 2)
    )
    assert _fills(brightness, low, high)
    assert _fills(contrast, 1 - spread / 2, 1 + spread / 2)
    assert 0.45 < order.float().mean() < 0.55


# --- the fill --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_fill_is_what_comes_from_outside(mode: Any):
    white = torch.full((1, 1, 28, 28), 255.0)
    rows = [[0.0, 5.0, 0.0, 0.0, 0.0, 0.0]]
    moved = _warped(white, rows, 40.0, mode)[0, 0]
    assert torch.allclose(moved[:, :5], torch.tensor(40.0))
    assert torch.allclose(moved[:, 5:], torch.tensor(255.0))


def test_bilinear_blends_with_the_fill_at_the_edge():
    """torchvision weighs what is inside the image twice here, and makes a dark rim."""
    grey = torch.full((20, 1, 28, 28), 100.0)
    turned = _warped(grey, _draws(20, 45, 3, 3, 0.2, 9, 9), 100.0, "bilinear")
    assert torch.allclose(turned, grey)
