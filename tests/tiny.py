"""Configs that train in a moment, and their trainings."""

import dataclasses
from typing import Any

from torch import nn

from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.result import EpochResult
from mnist_core.torch_engine import TorchEngine
from mnist_core.train import Training

SMALL = ["conv 1->6 k5 s2 bias=false", "bn", "relu", "maxpool 2", "conv 6->10 k3 bias=true"]
SMALL += ["gap", "flatten"]
QUICK = [*SMALL[:4], "flatten", "linear 216->10"]
LINEAR = ["flatten", "linear 784->10"]
RUIN = {"kind": "sgd", "lr": 1e37}
EVERYTHING: dict[str, Any] = {
    "layers": [*SMALL[:3], "dropout 0.1", "dropout2d 0.05", *SMALL[3:]],
    "augment": [
        {"kind": "rotation", "degrees": 7, "fill": 1},
        {"kind": "affine", "translate": [0.1, 0.1], "shear": [5, 0], "interpolation": "bilinear"},
        {"kind": "jitter", "brightness": 0.2, "contrast": 0.2},
    ],
    "schedule": {"kind": "onecycle"},
    "averaging": {"kind": "ema", "decay": 0.9},
    "label_smoothing": 0.05,
}


def tiny_config(images: int = 320, test: int = 200, **changes: Any) -> Config:
    """images, test: how many it trains and is tested on."""
    values: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 64,
        "layers": SMALL,
        "data": {"train": images, "test": test},
        "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9},
    }
    return Config.from_dict({**values, **changes})


def timeless(results: list[EpochResult]) -> list[EpochResult]:
    """Without the seconds that they took, which no two trainings share."""
    return [dataclasses.replace(result, seconds=0.0) for result in results]


def on_torch(config: Config, mnist: Mnist, device: str = "cpu") -> Training:
    """For tests that look into its net; test_engine.py has what holds for any engine."""
    return Training(config, mnist, device, "torch")


def net(training: Training) -> nn.Module:
    """The tested one, of a training on torch."""
    assert isinstance(training.engine, TorchEngine)
    return training.engine.model


def curve(training: Training) -> list[EpochResult]:
    return timeless(list(training.run()))
