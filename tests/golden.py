"""A short training with a bit of everything in it, and the curve that it comes to on each engine.

`python tests/golden.py` trains it anew on everything that this machine has, and writes the curves
to `data/golden.json`: for when the training is meant to change. Take a machine with AVX-512.
"""

import json
import platform
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch

from mnist_core import data, machine
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.native import library
from mnist_core.record import EngineUsed
from mnist_core.train import Training

PATH = Path(__file__).parent / "data" / "golden.json"
CONFIG = Config.from_dict(
    {
        "epochs": 3,
        "batch_size": 64,
        "seed": 5,
        "label_smoothing": 0.05,
        "layers": [
            "conv 1->6 k5 s2 bias=false",
            "bn",
            "relu",
            "dropout2d 0.05",
            "maxpool 2",
            "conv 6->12 k3",
            "bn",
            "silu",
            "dropout 0.1",
            "avgpool 2",
            "flatten",
            "linear 48->10",
        ],
        "data": {"train": 1000, "test": 1203},  # the last batch and the last slice are smaller
        "augment": [
            {"kind": "rotation", "degrees": 7, "fill": 1},
            {"kind": "affine", "translate": [0.1, 0.1], "shear": [5, 0]},
            {"kind": "jitter", "brightness": 0.2, "contrast": 0.2},
        ],
        "optimizer": {
            "kind": "sgd",
            "lr": 0.1,
            "nesterov": True,
            "momentum": 0.9,
            "weight_decay": 1e-3,
            "decay": "weights",
        },
        "schedule": {"kind": "onecycle", "div": 10, "final_div": 5},
        "averaging": {"kind": "ema", "decay": 0.8},
    }
)
"""Its last rate is high enough that the weights feel it."""

Name = Literal["torch", "avx512", "avx2", "portable"]
"""torch, or an instruction set of the native engine."""

Epoch = dict[str, float | None]
"""What an epoch came to, by its names in `EpochResult`."""
_FIGURES = ("train_loss", "train_acc", "test_loss", "test_acc", "lr", "fit_acc")


class Golden(NamedTuple):
    """made: all that the bits of the curve depend on, but for the sources."""

    made: str
    curve: list[Epoch]


def missing(name: Name) -> str:
    """Why it cannot be had here; empty where it can."""
    return "" if name == "torch" else library.unavailable(name) or ""


def train(name: Name, mnist: Mnist) -> Golden:
    """In as many threads as torch has."""
    engine, instruction_set = ("torch", None) if name == "torch" else ("native", name)
    training = Training(CONFIG, mnist, "cpu", engine, instruction_set)
    curve = [{figure: getattr(r, figure) for figure in _FIGURES} for r in training.run()]
    return Golden(_made(training.engine.used), curve)


def _made(used: EngineUsed) -> str:
    """torch has kernels for each instruction set, and those of oneDNN and MKL, which choose by the
    processor. A native training begins with torch's weights, whose last bit is another where torch
    multiplies and adds in one operation."""
    kernels = torch.backends.cpu.get_cpu_capability()
    if used.name == "native":
        weights = "plain" if kernels == "DEFAULT" else "fused"
        return f"{used} for {platform.machine()}, {weights} initial weights"
    return f"torch {torch.__version__} ({kernels}, {machine.environment('cpu', used).machine})"


def load() -> dict[Name, Golden]:
    return {name: Golden(**golden) for name, golden in json.loads(PATH.read_text()).items()}


def main() -> None:
    machine.settle(threads=1)
    mnist = data.load()
    names = [name for name in get_args(Name) if not missing(name)]
    curves = {name: train(name, mnist)._asdict() for name in names}
    PATH.write_text(json.dumps(curves, indent=1) + "\n")


if __name__ == "__main__":
    main()
