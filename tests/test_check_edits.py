"""Which edits of an exported config does `--check` not notice? Every field of three exports, that
hold every kind of part between them, is changed, one at a time."""

import copy
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from mnist_core import data, machine
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.record import Confirmed, Expected, Origin, Record, Statement
from mnist_core.result import EpochResult
from mnist_core.train import Training
from search.confirm.retrain import Changes, retrain

HARMLESS = {
    "optimizer.momentum": "OneCycle moves it, as long as it is above 0",
    "environment.threads": "the native engine trains on one, whatever is said",
    "environment.versions": "named where a curve differs; equal is equal, whatever they are",
    "environment.machine": "as the versions",
    "environment.processor": "as the versions",
    "environment.torch_instruction_set": "as the versions",
    "environment.data_sha256": "as the versions; the data are checked whenever they are loaded",
    "environment.engine": "the check says that the builds differ, and compares the means in a band",
    "origin": "says where the config came from; no training follows from it",
    "confirmed": "curves of other seeds, with which this one is not compared",
    "statement": "what the referee says of these",
}
"""Beginnings of the fields whose edit `--check` lets pass, and why."""
COMMON = {
    "epochs": 2,
    "batch_size": 32,
    "seed": 5,
    "label_smoothing": 0.2,
    "layers": [
        "conv 1->6 k5",
        "bn",
        "relu",
        "dropout 0.1",
        "maxpool 2",
        "conv 6->8 k3",
        "relu",
        "gap",
        "flatten",
        "linear 8->10",
    ],
    "data": {"train": 2000, "test": 5000},
}
ADAM = {"lr": 0.01, "weight_decay": 0.1, "betas": [0.8, 0.95]}
EXPORTS: dict[str, dict[str, Any]] = {
    "sgd, onecycle, averaged": {
        **COMMON,
        "augment": [
            {
                "kind": "affine",
                "degrees": 15.0,
                "translate": [0.1, 0.05],
                "scale": [0.8, 1.2],
                "shear": [10.0, 20.0],
                "fill": 20.0,
                "interpolation": "bilinear",
            }
        ],
        "optimizer": {
            "kind": "sgd",
            "lr": 0.1,
            "momentum": 0.8,
            "nesterov": True,
            "weight_decay": 0.02,
            "decay": "weights",
        },
        "schedule": {"kind": "onecycle", "rise": 0.3, "div": 5.0, "final_div": 10.0},
        "averaging": {"kind": "ema", "decay": 0.8},
    },
    "adamw, multistep": {
        **COMMON,
        "augment": [{"kind": "jitter", "brightness": 0.5, "contrast": 0.5}],
        "optimizer": {"kind": "adamw", **ADAM},
        "schedule": {
            "kind": "multistep",
            "per": "batch",
            "milestones": [60, 100],
            "gamma": 0.3,
            "warmup": 0.1,
        },
    },
    "adam, cosine": {
        **COMMON,
        "augment": [{"kind": "rotation", "degrees": 40.0, "fill": 50.0}],
        "optimizer": {"kind": "adam", **ADAM, "weight_decay": 0.01},
        "schedule": {"kind": "cosine", "per": "batch", "final": 0.3, "warmup": 0.4},
    },
}
OTHER = {
    "open": "refuted",
    "sgd": "adam",
    "adam": "adamw",
    "adamw": "adam",
    "weights": "all",
    "all": "weights",
    "bilinear": "nearest",
    "nearest": "bilinear",
    "cosine": "linear",
    "batch": "epoch",
    "after": "before",
    "bn": "tanh",
    "relu": "silu",
    "dropout 0.1": "dropout 0.4",
    "maxpool 2": "avgpool 2",
    "native": "torch",
    "torch": "native",
}
"""Text -> another one that its field may hold; any other text gets a letter more."""


@pytest.fixture(autouse=True)
def _quick(mnist: Mnist, one_thread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST is loaded once, and what a config comes to is trained once."""
    curves: dict[Any, list[EpochResult]] = {}
    run = Training.run

    def remembered(training: Training) -> Iterator[EpochResult]:
        which = training.config, training.engine.used, torch.get_num_threads()
        if which not in curves:
            curves[which] = list(run(training))
        yield from curves[which]

    monkeypatch.setattr(data, "load", lambda: mnist)
    monkeypatch.setattr(Training, "run", remembered)


def _export(config: Config, mnist: Mnist) -> dict[str, Any]:
    """As of a complete trial, as a table."""
    training = Training(config, mnist)
    curve = tuple(result.test_acc for result in training.run())
    record = Record(
        config=config,
        environment=machine.environment("cpu", training.engine.used),
        origin=Origin(study="quick", trial=3, score=90.0, goal=Goal()),
        expected=Expected(test_acc=curve),
        confirmed=(Confirmed(seed=7, test_acc=curve),),
        statement=Statement(
            verdict="open", rule=2, seeds=1, held=1, probability=0.7, low=0.2, high=0.9, goal=Goal()
        ),
    )
    return tomllib.loads(record.to_toml())


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of all that is neither table nor array."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        here = f"{path}.{key}" if path else str(key)
        if isinstance(item, dict | list | tuple):
            yield from _leaves(item, here)
        else:
            yield here, item


def _changed(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value / 2 if value else 0.3
        case str() if "bias=true" in value:
            return value.replace("bias=true", "bias=false")
        case _:
            return OTHER.get(value, f"{value}x")


def _edited(table: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    whole = copy.deepcopy(table)
    *above, last = path.split(".")
    place: Any = whole
    for key in above:
        place = place[int(key) if isinstance(place, list) else key]
    place[int(last) if isinstance(place, list) else last] = value
    return whole


def _passes(table: dict[str, Any]) -> bool:
    try:
        return retrain(Record.from_dict(table), Changes(), True, None, lambda _: None).passed
    except (UserError, ValidationError):
        return False


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", EXPORTS)
def test_an_edit_is_noticed_or_harmless(name: str, mnist: Mnist) -> None:
    table = _export(Config.from_dict(EXPORTS[name]), mnist)
    assert _passes(table)
    noticed = {path: not _passes(_edited(table, path, _changed(v))) for path, v in _leaves(table)}
    harmless = {path for path in noticed if path.startswith(tuple(HARMLESS))}
    if "onecycle" not in name:
        harmless.discard("optimizer.momentum")
    if table["environment"]["engine"]["name"] == "torch":  # which may round otherwise on two
        del noticed["environment.threads"]
        harmless.discard("environment.threads")
    assert {path for path, seen in noticed.items() if not seen} == harmless


def test_every_harmless_field_is_one_of_an_export(mnist: Mnist) -> None:
    table = _export(Config.from_dict(EXPORTS["sgd, onecycle, averaged"]), mnist)
    paths = [path for path, _ in _leaves(table)]
    for field in HARMLESS:
        assert any(path.startswith(field) for path in paths), field
