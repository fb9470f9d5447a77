"""Images per second of one training epoch, three ways in turn, on this machine:

(a) the write-ups' loop: torchvision's MNIST, Pillow transforms in a DataLoader with one worker,
    plain modules, torch's default threads;
(b) one worker of drilldown;
(c) two of them side by side.

The net is seed experiment 001 "Code 4" (8,016 parameters), batch 128, rotation by +-7 degrees,
channel dropout 0.02. The three take turns, because a machine's speed drifts; ratios are taken
round by round. Also the share of the matrix-multiply peak, measured in the same run, that (c)
reaches.

`python tests/benchmarks/test_throughput.py` prints the figures; `pytest -m benchmark` judges them.
"""

import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

from mnist_core import data, machine
from mnist_core.augment_ops import Rotation
from mnist_core.config import Config, Data, Sgd
from mnist_core.paths import data_dir
from mnist_core.train import Training

ROUNDS, IMAGES = 5, 12_800
_CHANNELS = (1, 8, 10, 12, 14, 16, 16)
_MULTIPLY_ADDS = 3 * 880_272  # of an image: forward, and twice as much backward


def code_4() -> Config:
    """As drilldown says it."""
    layers: list[str] = []
    for i, (inputs, outputs) in enumerate(pairwise(_CHANNELS)):
        padding = 1 if i == 4 else 0
        conv = f"conv {inputs}->{outputs} k3 p{padding} bias=false"
        layers += [conv, "relu", "bn", "dropout2d 0.02"] + ["maxpool 2"] * (i == 1)
    return Config(
        epochs=1,
        layers=(*layers, "avgpool 6", "conv 16->10 k1 bias=false", "flatten"),
        data=Data(train=IMAGES, test=1),
        augment=(Rotation(degrees=7.0, fill=1.0),),
        optimizer=Sgd(lr=0.01, momentum=0.9),
    )


def plain_code_4() -> nn.Sequential:
    """As the write-ups say it."""
    modules: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(_CHANNELS)):
        conv = nn.Conv2d(inputs, outputs, 3, padding=int(i == 4), bias=False)
        modules += [conv, nn.ReLU(), nn.BatchNorm2d(outputs), nn.Dropout2d(0.02)]
        modules += [nn.MaxPool2d(2)] * (i == 1)
    return nn.Sequential(
        *modules, nn.AvgPool2d(6), nn.Conv2d(16, 10, 1, bias=False), nn.Flatten(), nn.LogSoftmax(1)
    )


def write_ups_loop(dataset: MNIST) -> float:
    """Images per second."""
    net = plain_code_4().train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    loader = DataLoader(Subset(dataset, range(IMAGES)), batch_size=128, shuffle=True, num_workers=1)
    start = perf_counter()
    for images, labels in loader:
        optimizer.zero_grad()
        F.nll_loss(net(images), labels).backward()
        optimizer.step()
    return IMAGES / (perf_counter() - start)


def our_epoch(_: int) -> float:
    """Seconds; in a worker process."""
    return next(Training(code_4(), data.load()).run()).seconds


def ours(pool: ProcessPoolExecutor, workers: int) -> float:
    """Images per second of so many workers side by side."""
    return workers * IMAGES / max(pool.map(our_epoch, range(workers)))


def matmul_peak() -> float:
    """Multiply-adds per second of a large float32 matrix product, best of 10."""
    n = 2048
    a, b = torch.randn(n, n), torch.randn(n, n)
    seconds = []
    for _ in range(10):
        start = perf_counter()
        a @ b
        seconds.append(perf_counter() - start)
    return float(n**3 / min(seconds))


def measure() -> dict[str, float]:
    """Medians over the rounds: images per second, ratios, share of the peak."""
    found: dict[str, list[float]] = {"a": [], "b": [], "c": [], "c/a": [], "b/a": [], "peak": []}
    with _mnist_of_torchvision() as dataset, _workers() as pool:
        ours(pool, 2)  # not counted: processes start, caches fill
        for _ in range(ROUNDS):
            a, b, c = write_ups_loop(dataset), ours(pool, 1), ours(pool, 2)
            share = c * _MULTIPLY_ADDS / matmul_peak()
            for name, value in zip(found, (a, b, c, c / a, b / a, share), strict=True):
                found[name].append(value)
    return {name: statistics.median(values) for name, values in found.items()}


@contextmanager
def _workers() -> Iterator[ProcessPoolExecutor]:
    context = get_context("spawn")
    with ProcessPoolExecutor(2, context, initializer=machine.settle, initargs=(1,)) as pool:
        yield pool


@contextmanager
def _mnist_of_torchvision() -> Iterator[MNIST]:
    """torchvision's own reader on the verified files."""
    data.load()
    transform = transforms.Compose(
        [
            transforms.RandomRotation((-7, 7), fill=(1,)),
            transforms.ToTensor(),
            transforms.Normalize((0.1307,), (0.3081,)),
        ]
    )
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "MNIST").mkdir()
        (Path(root) / "MNIST" / "raw").symlink_to(data_dir().absolute() / "mnist")
        yield MNIST(root, train=True, transform=transform)


@pytest.mark.benchmark
def test_two_workers_are_three_times_the_write_ups_loop() -> None:
    assert measure()["c/a"] >= 3


if __name__ == "__main__":
    median = measure()
    print(f"(a) the write-ups' loop  {median['a']:7,.0f} images/s")  # noqa: T201
    print(f"(b) one worker           {median['b']:7,.0f} images/s  {median['b/a']:.1f} x (a)")  # noqa: T201
    print(f"(c) two workers          {median['c']:7,.0f} images/s  {median['c/a']:.1f} x (a)")  # noqa: T201
    print(f"(c) reaches {median['peak']:.1%} of the matrix-multiply peak")  # noqa: T201
