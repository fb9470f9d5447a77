"""Augmentation of whole batches on the device, no Python per image.

Images are float32 [N, 1, H, W] with grey values 0..255, H = W, before and after. The geometry is
torchvision's: the same parameters give the same pixels.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mnist_core.augment_ops import Affine, Augmentation, Interpolation, Jitter, Rotation


def augment(images: Tensor, operations: Sequence[Augmentation], generator: Generator) -> Tensor:
    """Every operation in order, with numbers drawn anew for each image."""
    for operation in operations:
        match operation:
            case Rotation():
                images = _rotated(images, operation, generator)
            case Affine():
                images = _affine(images, operation, generator)
            case Jitter():
                images = _jittered(images, operation, generator)
    return images


def warp(images: Tensor, matrix: Tensor, fill: float, interpolation: Interpolation) -> Tensor:
    """Resample through `matrix` [N, 2, 3]: output pixel -> input pixel, in pixels from the centre.

    What comes from outside the image is `fill`: it is taken off before the resampling, which pads
    with 0, and put back after it.
    """
    theta = matrix.clone()
    theta[:, :, 2] /= images.shape[-1] / 2  # grid_sample's image runs from -1 to 1
    warped = F.grid_sample(
        images - fill if fill else images,
        _grid(theta, images.shape[-1]),
        mode=interpolation,
        align_corners=False,
    )
    return warped + fill if fill else warped


def _grid(theta: Tensor, side: int) -> Tensor:
    """F.affine_grid(theta, [N, 1, side, side], align_corners=False), with x and y in planes of
    their own, which is how grid_sample likes them best: [N, side, side, 2]."""
    axis = (torch.arange(side, device=theta.device) * 2 + 1) / side - 1
    ones = torch.ones(side * side, device=theta.device)
    pixels = torch.stack([axis.repeat(side), axis.repeat_interleave(side), ones])
    return (theta.reshape(-1, 3) @ pixels).view(-1, 2, side, side).permute(0, 2, 3, 1)


def inverse_matrix(angle: Tensor, shift: Tensor, scale: Tensor, shear: Tensor) -> Tensor:
    """[N, 2, 3] from output to input pixels, about the centre, for `warp`.

    angle [N] in degrees clockwise, shift [N, 2] in pixels, scale [N], shear [N, 2] in degrees. The
    forward map is T * R * Shear * Scale, as in torchvision's `affine`.
    """
    rotation, (shear_x, shear_y) = torch.deg2rad(angle), torch.deg2rad(shear).unbind(1)
    turned = rotation - shear_y
    a = turned.cos() / shear_y.cos()
    b = -turned.cos() * shear_x.tan() / shear_y.cos() - rotation.sin()
    c = turned.sin() / shear_y.cos()
    d = -turned.sin() * shear_x.tan() / shear_y.cos() + rotation.cos()
    linear = torch.stack([d, -b, -c, a], dim=1).view(-1, 2, 2) / scale.view(-1, 1, 1)
    return torch.cat([linear, -linear @ shift.unsqueeze(2)], dim=2)


def jitter(images: Tensor, brightness: Tensor, contrast: Tensor, contrast_first: Tensor) -> Tensor:
    """Factors [N] (1 = unchanged) and, for each image, whether the contrast comes first [N].

    Like Pillow's ImageEnhance: contrast is about the rounded mean grey, and each step cuts its
    result to whole grey values.
    """
    first = _blend(images, brightness, contrast, contrast_first)
    return _blend(first, brightness, contrast, ~contrast_first)


def _blend(images: Tensor, brightness: Tensor, contrast: Tensor, to_contrast: Tensor) -> Tensor:
    mean = (images.mean(dim=(1, 2, 3), keepdim=True) + 0.5).floor()
    pivot = torch.where(to_contrast.view(-1, 1, 1, 1), mean, 0.0)
    factor = torch.where(to_contrast, contrast, brightness).view(-1, 1, 1, 1)
    return (pivot + factor * (images - pivot)).clamp(0, 255).floor()


def _rotated(images: Tensor, rotation: Rotation, generator: Generator) -> Tensor:
    n = len(images)
    angle = _uniform(images, generator, n) * rotation.degrees
    none = images.new_zeros(n, 2)
    matrix = inverse_matrix(-angle, none, images.new_ones(n), none)
    return warp(images, matrix, rotation.fill, rotation.interpolation)


def _affine(images: Tensor, affine: Affine, generator: Generator) -> Tensor:
    n, side = len(images), images.shape[-1]
    angle = _uniform(images, generator, n) * affine.degrees
    shift = _uniform(images, generator, n, 2) * images.new_tensor(affine.translate) * side
    low, high = affine.scale
    scale = (low + high) / 2 + _uniform(images, generator, n) * (high - low) / 2
    shear = _uniform(images, generator, n, 2) * images.new_tensor(affine.shear)
    if affine.whole_pixels:
        shift = shift.round()
    matrix = inverse_matrix(angle, shift, scale, shear)
    return warp(images, matrix, affine.fill, affine.interpolation)


def _jittered(images: Tensor, ranges: Jitter, generator: Generator) -> Tensor:
    n = len(images)
    contrast_first = _uniform(images, generator, n) > 0
    brightness = _factor(images, ranges.brightness, generator)
    contrast = _factor(images, ranges.contrast, generator)
    return jitter(images, brightness, contrast, contrast_first)


def _factor(images: Tensor, spread: float, generator: Generator) -> Tensor:
    low = max(0.0, 1 - spread)
    half = (1 + spread - low) / 2
    return low + half + _uniform(images, generator, len(images)) * half


def _uniform(like: Tensor, generator: Generator, *size: int) -> Tensor:
    """Uniform in [-1, 1)."""
    return 2 * torch.rand(*size, generator=generator, device=like.device) - 1
