"""A config as the native engine is told it; the structs are those of the C header."""

import random
import re
from ctypes import Structure, byref, c_double, c_int32, c_uint64
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from strategies import configs, examples
from test_config import SGD
from test_spaces import sampled

from mnist_core import layers as notation
from mnist_core import packaged, record
from mnist_core.config import Config, Data
from mnist_core.data import Mnist
from mnist_core.engine import choose
from mnist_core.errors import UserError
from mnist_core.native import library, structs
from mnist_core.native.plan import ACTIVATIONS, Plan, plan
from mnist_core.native.structs import Kind, Operation, Optimizer
from mnist_core.native_engine import NativeEngine
from mnist_core.streams import Streams
from spaces import SPACES, Frame

HEADER = re.sub(
    r"/\*.*?\*/", "", (Path(library.__file__).parent / "src" / "binding.h").read_text(), flags=re.S
)
TYPES = {"int32_t": c_int32, "double": c_double, "uint64_t": c_uint64}
NET = ["flatten", "linear 784->10"]
STATUS = Path("/proc/self/status")


def _block(kind: str, name: str) -> str:
    found = re.search(rf"{kind} {name} \{{(.*?)\}};", HEADER, re.S)
    assert found is not None, name
    return found[1]


@pytest.mark.parametrize(
    ("name", "struct"),
    [
        ("dd_layer", structs.Layer),
        ("dd_augmentation", structs.Augmentation),
        ("dd_recipe", structs.Recipe),
    ],
)
def test_structs_are_those_of_the_header(name: str, struct: type[Structure]):
    fields: list[tuple[str, Any]] = []
    for kind, names in re.findall(r"(\w+) ([\w, \[\]]+);", _block("struct", name)):
        for field in names.split(", "):
            word, _, length = field.partition("[")
            fields.append((word, TYPES[kind] * int(length[:-1]) if length else TYPES[kind]))
    assert fields == [(field[0], field[1]) for field in struct._fields_]


@pytest.mark.parametrize(
    ("name", "enum"),
    [
        ("dd_kind", Kind),
        ("dd_augmentation_kind", Operation),
        ("dd_optimizer", Optimizer),
        ("dd_which", structs.Which),
    ],
)
def test_enumerations_are_those_of_the_header(name: str, enum: type[IntEnum]):
    words = re.findall(r"DD_(\w+)", _block("enum", name))
    assert [member.name for member in enum] == words
    assert list(enum) == list(range(len(words)))


def test_activations_are_those_of_the_header():
    words = re.findall(r"DD_(\w+)", _block("enum", "dd_activation"))
    assert [word.lower() for word in words] == list(ACTIVATIONS)
    assert set(ACTIVATIONS) <= notation.ACTIVATIONS.keys()


def _plan(**changes: Any) -> Plan:
    return plan(Config.from_dict({"epochs": 1, "layers": NET, "optimizer": SGD, **changes}))


def _said(struct: Structure, *names: str) -> list[Any]:
    values = (getattr(struct, name) for name in names)
    return [value if isinstance(value, int | float) else list(value) for value in values]


def test_every_layer_of_the_notation_is_told():
    layers = [
        "conv 1->6 k5 p2 s3 bias=false",
        "conv 6->4 k3 p1 g2",
        "bn",
        "mish",
        "dropout 0.25",
        "dropout2d 0.5",
        "maxpool 3 s2",
        "avgpool 2",
        "gap",
        "flatten",
        "linear 4->10",
    ]
    kinds = [Kind.CONV, Kind.CONV, Kind.BN, Kind.ACTIVATION, Kind.DROPOUT, Kind.DROPOUT]
    kinds += [Kind.MAXPOOL, Kind.AVGPOOL, Kind.GAP, Kind.FLATTEN, Kind.LINEAR]
    told = _plan(layers=layers).layers
    assert [layer.kind for layer in told] == kinds
    shape = ("inputs", "outputs", "kernel", "padding", "stride", "groups", "bias")
    assert _said(told[0], *shape) == [1, 6, 5, 2, 3, 1, 0]
    assert _said(told[1], *shape) == [6, 4, 3, 1, 1, 2, 1]
    assert _said(told[10], *shape) == [4, 10, 1, 0, 1, 1, 1]
    assert ACTIVATIONS[told[3].activation] == "mish"
    assert _said(told[4], "rate", "whole_channels") == [0.25, 0]
    assert _said(told[5], "rate", "whole_channels") == [0.5, 1]
    assert _said(told[6], "kernel", "stride") == [3, 2]
    assert _said(told[7], "kernel", "stride") == [2, 2]


def test_augmentation_is_told_and_a_rotation_is_an_affine_map():
    affine = {"degrees": 7, "translate": [0.1, 0.2], "scale": [0.9, 1.2], "shear": [3, 4]}
    rotation, whole, jitter = _plan(
        augment=[
            {"kind": "rotation", "degrees": 20, "fill": 9, "interpolation": "bilinear"},
            {"kind": "affine", **affine, "whole_pixels": True},
            {"kind": "jitter", "brightness": 0.2, "contrast": 0.4},
        ]
    ).augmentations
    names = ("kind", "degrees", "translate", "scale", "shear", "fill", "bilinear", "whole_pixels")
    none, one = [0.0, 0.0], [1.0, 1.0]
    assert _said(rotation, *names) == [Operation.AFFINE, 20, none, one, none, 9, 1, 0]
    assert _said(whole, *names) == [Operation.AFFINE, *affine.values(), 0, 0, 1]
    assert _said(jitter, "kind", "brightness", "contrast") == [Operation.JITTER, 0.2, 0.4]


def test_the_recipe_is_told():
    names = ("optimizer", "nesterov", "weight_decay", "decay_all", "beta2")
    sgd = {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.5}
    assert _said(_plan(optimizer=sgd).recipe, *names) == [Optimizer.SGD, 1, 0.5, 1, 0.0]
    adam = {"kind": "adamw", "lr": 0.1, "betas": [0.8, 0.99], "decay": "weights"}
    told = _plan(optimizer=adam, label_smoothing=0.1, averaging={"kind": "ema", "decay": 0.7})
    assert _said(told.recipe, *names) == [Optimizer.ADAMW, 0, 0.0, 0, 0.99]
    assert _said(told.recipe, "averaging", "average_decay", "label_smoothing") == [1, 0.7, 0.1]
    assert _said(_plan().recipe, "averaging", "batch_size") == [0, 128]
    assert _plan(data={"train": 50, "test": 1}).recipe.batch_size == 50


def test_seeds_are_the_configs_streams_without_a_sign():
    recipe, streams = _plan(seed=3).recipe, Streams.of(3)
    assert min(streams) < 0
    assert recipe.augmentation_seed == streams.augmentation % 2**64
    assert recipe.dropout_seed == streams.dropout % 2**64
    assert len({*streams, *Streams.of(4)}) == 8


@given(configs())
@examples(100)
def test_whatever_a_config_says_can_be_told(config: Config):
    told = plan(config)
    assert len(told.layers) == len(config.layers)
    assert len(told.augmentations) == len(config.augment)


@given(configs())
@examples(100)
def test_whatever_a_config_says_runs_natively_or_takes_too_much_memory(config: Config):
    if library.unavailable():
        pytest.skip("no native engine here")
    said = ""
    try:
        choose(config, "native", "cpu")
    except UserError as error:
        said = str(error)
    assert not said or "of memory, and this machine has" in said


def _refused(configs: list[Config]) -> list[str]:
    """Why those that cannot run natively cannot."""
    reason = library.unavailable()
    if reason:
        pytest.skip(reason)
    choices = [choose(config, "auto", "cpu") for config in configs]
    return [choice.reason for choice in choices if choice.name != "native"]


def test_every_experiment_and_winner_runs_natively():
    paths = [packaged.SEEDS / f"{name}.toml" for name in packaged.names(packaged.SEEDS)]
    paths += [packaged.WINNERS / f"{name}.toml" for name in packaged.names(packaged.WINNERS)]
    assert len(paths) > 50
    assert _refused([record.load(path).config for path in paths]) == []


@pytest.mark.parametrize("name", SPACES)
def test_every_sample_of_a_space_runs_natively(name: str):
    space, draw = SPACES[name](Frame(10_000, 15, Data())), random.Random(1)
    samples = [space.config(sampled(space, draw), seed) for seed in range(1000)]
    assert _refused(samples) == []


@pytest.mark.skipif(not STATUS.exists(), reason="this system does not say what a process takes")
@pytest.mark.parametrize(
    "lines",
    [
        ["conv 1->300 k4 s3", "conv 300->300 k3 p1", "gap", "flatten", "linear 300->10"],
        ["conv 1->64 k3 p1", "bn", "dropout 0.1", "relu", "gap", "flatten", "linear 64->10"],
    ],
)
def test_an_engine_takes_no_more_memory_than_was_said(lines: list[str], mnist: Mnist):
    if reason := library.unavailable():
        pytest.skip(reason)
    config = Config.from_dict({"epochs": 1, "layers": lines, "optimizer": SGD, "batch_size": 256})
    planned, loaded = plan(config), library.load()
    said = loaded.dd_bytes(planned.layers, len(planned.layers), byref(planned.recipe))
    before = _resident()
    engine = NativeEngine(config, mnist)
    engine.step(torch.arange(256), 0, 0.01, None)
    assert _resident() - before < 1.05 * said + 4e6  # torch's own initial net, for one


def _resident() -> int:
    """Bytes of this process in memory."""
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", STATUS.read_text())[1])  # type: ignore[index]
