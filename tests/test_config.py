"""Config files: the same object both ways, and every fault of a file said in one line."""

import copy
import datetime
import json
import math
import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from pydantic import ValidationError
from strategies import configs, examples, records

from mnist_core import record
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.record import Record

WHOLE: dict[str, Any] = {
    "epochs": 15,
    "batch_size": 64,
    "seed": 7,
    "label_smoothing": 0.05,
    "layers": [
        "conv 1->8 k3 p0 bias=false",
        "bn",
        "relu",
        "dropout 0.05",
        "maxpool 2",
        "conv 8->10 k3 p0 bias=true",
        "gap",
        "flatten",
    ],
    "data": {"train": 6000, "test": 1000},
    "augment": [
        {"kind": "rotation", "degrees": 7.0, "fill": 1.0, "interpolation": "bilinear"},
        {
            "kind": "affine",
            "degrees": 5.0,
            "translate": [0.1, 0.2],
            "whole_pixels": True,
            "scale": [0.9, 1.1],
            "shear": [10.0, 0.0],
            "fill": 0.0,
            "interpolation": "nearest",
        },
        {"kind": "jitter", "brightness": 0.4, "contrast": 0.3},
    ],
    "optimizer": {
        "kind": "sgd",
        "lr": 0.1,
        "weight_decay": 1e-4,
        "decay": "weights",
        "momentum": 0.9,
        "nesterov": True,
    },
    "schedule": {
        "kind": "multistep",
        "per": "epoch",
        "when": "before",
        "warmup": 0.1,
        "milestones": [6, 12],
        "gamma": 0.1,
    },
    "averaging": {"kind": "ema", "decay": 0.99},
    "environment": {
        "device": "cpu",
        "threads": 1,
        "versions": {"torch": "2.7"},
        "machine": "a processor",
        "data_sha256": {"train-images": "00ff"},
    },
    "origin": {"study": "quick", "trial": 3, "score": 99.2, "goal": "99.4 % in the last 5"},
    "expected": {"test_acc": [97.5, 99.0, 99.41]},
}
OTHER_KINDS: list[dict[str, Any]] = [
    {"optimizer": {"kind": "adamw", "lr": 0.01, "betas": [0.9, 0.99]}},
    {"schedule": {"kind": "none"}},
    {"schedule": {"kind": "step", "size": 6, "gamma": 0.1}},
    {"schedule": {"kind": "cosine", "per": "batch", "when": "after", "final": 0.01}},
    {"schedule": {"kind": "linear", "warmup": 0.2, "final": 0.0}},
    {
        "schedule": {
            "kind": "onecycle",
            "per": "batch",
            "rise": 0.3,
            "div": 10.0,
            "final_div": 100.0,
            "anneal": "linear",
            "cycle_momentum": True,
            "base_momentum": 0.8,
            "max_momentum": 0.9,
        }
    },
    {"schedule": {"kind": "loss_dip", "gamma": 0.9}},
]
SGD = {"kind": "sgd", "lr": 0.1}
VALID = b"""
epochs = 1
layers = ["gap", "flatten", "linear 1->10"]
optimizer = {kind = "sgd", lr = 1}
"""
REQUIRED = {"epochs", "layers", "optimizer", "lr", "kind", "size", "milestones", "gamma", "decay"}
REQUIRED |= {"degrees", "device", "threads", "versions", "machine", "data_sha256", "study"}
REQUIRED |= {"trial", "goal", "test_acc"}
OPTIONAL_HERE = {("optimizer", "decay"), ("augment", 1, "degrees")}
FREE_TABLES = {("environment", "versions"), ("environment", "data_sha256")}
FREE_TEXTS = {("environment", "device"), ("environment", "machine"), ("origin", "study")}
FREE_TEXTS |= {("origin", "goal")}
NEVER = [math.nan, math.inf, -math.inf, -1.5, {"a": {}}, [[]], datetime.date(2020, 1, 1)]
ODD = [-1, 0, 2, 10**30, 2**63, 1e308, 0.5, True, "", "text", "nan", "ü\n\u2028\x1b", [], {}]

Place = tuple[str | int, ...]
"""Where a value lies in a file: keys of tables and indexes of arrays."""


def _whole_variants() -> list[dict[str, Any]]:
    """Valid files which have every field of every kind between them."""
    return [WHOLE, *({**WHOLE, **other} for other in OTHER_KINDS)]


def _places(value: Any, above: Place = ()) -> Iterator[Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*above, key)
        if isinstance(inner, dict | list):
            yield from _places(inner, (*above, key))


def _at(values: Any, place: Place) -> Any:
    for key in place:
        values = values[key]
    return values


def _with(values: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    _at(changed, place[:-1])[place[-1]] = value
    return changed


def _without(values: dict[str, Any], place: Place) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    del _at(changed, place[:-1])[place[-1]]
    return changed


def _renamed(values: dict[str, Any], place: Place, name: str) -> dict[str, Any]:
    """The same file with another name for a field, in the same place of its table."""
    changed = copy.deepcopy(values)
    table = _at(changed, place[:-1])
    renamed = {name if key == place[-1] else key: value for key, value in table.items()}
    table.clear()
    table.update(renamed)
    return changed


class Files:
    """Loads texts as config files, checks the form of every refusal, and counts them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "some config.toml"
        self.count = 0

    def fault(self, content: bytes | dict[str, Any]) -> str | None:
        """What is said of a file, without the file's name; None where it loads."""
        text = content if isinstance(content, bytes) else tomli_w.dumps(content).encode()
        self.path.write_bytes(text)
        return self.fault_of(self.path)

    def fault_of(self, path: Path) -> str | None:
        self.count += 1
        try:
            record.load(path)
        except UserError as error:
            said = str(error)
        else:
            return None
        assert len(said.splitlines()) == 1, said
        assert said.startswith(f"{path}: "), said
        assert len(said) < 600, said
        return said.removeprefix(f"{path}: ")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def _names(fault: str, place: Place) -> bool:
    """Whether the fault is said of this field, of one inside it or of the table around it."""
    dotted = ".".join(str(key) for key in place)
    field = fault.split(":")[0]
    return f"{field}.".startswith(f"{dotted}.") or f"{dotted}.".startswith(f"{field}.")


# --- the same object both ways ---------------------------------------------------------------


def _assert_same_both_ways(whole: Record) -> None:
    text = whole.to_toml()
    again = Record.from_dict(tomllib.loads(text))
    assert again == whole
    assert again.to_toml() == text  # an int that became a float would be equal, but not here
    config = whole.config
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert hash(Config.from_dict(config.to_dict())) == hash(config)


@given(records())
@examples(200)
def test_toml_and_back(whole: Record):
    _assert_same_both_ways(whole)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(records())
@examples(10_000)
def test_toml_and_back_10000_times(whole: Record):
    _assert_same_both_ways(whole)


@given(configs())
@examples(30)
def test_a_config_is_a_record_without_the_rest(config: Config):
    assert tomllib.loads(Record(config=config).to_toml()) == config.to_dict()
    assert Record.from_dict(config.to_dict()) == Record(config=config)


def test_every_kind_is_read_whole(files: Files):
    """What is in the file is in the object: nothing is dropped or replaced by a default."""
    for values in _whole_variants():
        assert files.fault(values) is None
        written = tomllib.loads(record.load(files.path).to_toml())
        for place in _places(values):
            if not isinstance(_at(values, place), dict):
                assert _at(written, place) == _at(values, place)


def test_save_and_load(tmp_path: Path):
    whole = Record.from_dict(WHOLE)
    path = tmp_path / "new" / "folder" / "config.toml"
    record.save(path, whole)
    assert record.load(path) == whole
    record.save(path, Record(config=whole.config))
    assert record.load(path) == Record(config=whole.config)
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_defaults():
    config = Config.from_dict(
        {"epochs": 1, "layers": ["gap", "flatten", "linear 1->10"], "optimizer": SGD}
    )
    assert config.batch_size == 128
    assert (config.data.train, config.data.test) == (60_000, 10_000)
    assert (config.augment, config.schedule.kind, config.averaging.kind) == ((), "none", "none")
    assert config.params == 20


def test_a_config_never_changes():
    config = Config.from_dict({k: v for k, v in WHOLE.items() if k in Config.model_fields})
    with pytest.raises(ValidationError):
        config.epochs = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        config.optimizer.lr = 3.0  # type: ignore[misc]


@pytest.mark.parametrize("value", [0, True, "15", 15.0, None, 1001])
def test_values_are_not_converted(value: Any):
    with pytest.raises(ValidationError):
        Config.from_dict({"epochs": value, "layers": ["flatten"], "optimizer": SGD})


# --- what is wrong with a file ---------------------------------------------------------------


def _typos(word: str) -> list[str]:
    """One letter dropped, doubled, replaced, or swapped with the next."""
    i = len(word) // 2
    swapped = word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :]
    typos = [
        word[:i] + word[i + 1 :],
        word[:i] + word[i] + word[i:],
        word[:i] + "x" + word[i + 1 :],
    ]
    return [typo for typo in [*typos, swapped] if typo not in (word, "")]


def test_a_typo_in_any_field_is_named_with_the_right_spelling(files: Files):
    for values in _whole_variants():
        for place in _places(values):
            *table, word = place
            if isinstance(word, int) or tuple(table) in FREE_TABLES or _seen(values, place):
                continue
            for typo in _typos(word):
                fault = files.fault(_renamed(values, place, typo))
                assert fault is not None, (place, typo)
                where = ".".join(str(key) for key in (*table, typo))
                assert fault.startswith(f"{where}: is not a field here; "), fault
                if len(word) > 2:
                    assert f"did you mean {word!r}?" in fault
                else:
                    assert re.search(rf"\b{word}\b", fault.removeprefix(where)), fault
    assert files.count > 300


def _seen(values: dict[str, Any], place: Place) -> bool:
    """Whether the field was tried in the first variant already."""
    return values is not WHOLE and values.get(str(place[0])) == WHOLE.get(str(place[0]))


def test_a_value_that_never_fits_is_refused_naming_the_field(files: Files):
    for values in _whole_variants():
        for place in _places(values):
            for value in [] if _seen(values, place) else NEVER:
                fault = files.fault(_with(values, place, value))
                assert fault is not None, (place, value)
                assert _names(fault, place), (place, value, fault)
    assert files.count > 500


def test_an_odd_value_is_taken_or_refused_naming_the_field(files: Files):
    for values in _whole_variants():
        for place in _places(values):
            for value in [] if _seen(values, place) else ODD:
                fault = files.fault(_with(values, place, value))
                assert fault is None or _names(fault, place), (place, value, fault)
    assert files.count > 1000


def test_text_for_anything_else_is_refused(files: Files):
    for values in _whole_variants():
        for place in _places(values):
            free = place in FREE_TEXTS or place[:-1] in FREE_TABLES
            fault = files.fault(_with(values, place, "text"))
            assert (fault is None) == free, (place, fault)


def test_a_missing_field_is_named_where_it_is_needed(files: Files):
    for values in _whole_variants():
        for place in _places(values):
            if isinstance(place[-1], int) or place[:-1] in FREE_TABLES:
                continue
            fault = files.fault(_without(values, place))
            optional = place in OPTIONAL_HERE or (
                place == ("schedule", "gamma") and values["schedule"]["kind"] == "loss_dip"
            )
            if place[-1] in REQUIRED and not optional:
                dotted = ".".join(str(key) for key in place)
                assert fault is not None, place
                assert fault.startswith(f"{dotted}: is missing"), fault
            else:  # without its momentum, nesterov cannot be
                assert fault is None or place == ("optimizer", "momentum"), fault


@pytest.mark.parametrize(
    "word", ["zzz", "config", "", "a b", 'q"uote', "a.b", "ü", "é\n\x1b", "x" * 99]
)
def test_an_unknown_field_is_named_in_every_table(files: Files, word: str):
    tables = [(), *(p for p in _places(WHOLE) if isinstance(_at(WHOLE, p), dict))]
    for table in tables:
        fault = files.fault(_with(WHOLE, (*table, word), 1))
        assert fault is not None
        if table in FREE_TABLES:
            assert _names(fault, (*table, word)) or "valid string" in fault, fault
        else:
            assert "is not a field here; " in fault, fault
            assert f"did you mean {word!r}" not in fault
            assert fault.startswith(".".join(str(key) for key in table)), fault


LONE = ["flatten", "bn", "linear 784->10"]
"""A batch norm that sees one value of each channel of an image."""


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": LONE, "batch_size": 128, "data": {"train": 130}},
        {"layers": ["bn", "flatten", "linear 784->10"], "batch_size": 1},
    ],
)
def test_a_batch_of_one_image_is_refused_only_where_a_batch_norm_cannot_have_it(
    files: Files, changes: dict[str, Any]
):
    assert files.fault({**WHOLE, **changes}) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "epochs: must be greater than or equal to 1, not 0"),
        ({"epochs": 1.0}, "epochs: must be a valid integer, not 1.0"),
        ({"epochs": [3, 4]}, "epochs: must be a valid integer, not (3, 4)"),
        ({"label_smoothing": 1}, "label_smoothing: must be less than 1, not 1"),
        ({"layers": []}, "layers: must have at least 1 item, not 0"),
        ({"layers": "relu"}, "layers: must be an array, not 'relu'"),
        ({"layers": [3]}, "layers.0: must be a line of text such as 'bn', not 3"),
        ({"layers": ["rleu"]}, "layers.0: layer 'rleu': unknown kind 'rleu'; known are conv,"),
        ({"layers": ["flatten"]}, "layers: the last one puts out (784,), not (10,) scores"),
        (
            {"layers": ["flatten", "linear 783->10"]},
            "layers: layer 2 'linear 783->10 bias=true' gets 784 features and declares 783",
        ),
        *(
            (
                {"batch_size": size, "data": {"train": images}, "layers": LONE},
                "layers: layer 2 'bn' sees a single value of each channel where a batch has 1 "
                f"image, as the last of {images} in batches of {size} has; change batch_size or "
                "data.train",
            )
            for size, images in ((1, 60), (100, 1), (128, 129), (7, 59_998))
        ),
        ({"data": 3}, "data: must be a table, not 3"),
        ({"data": {"train": 60_001}}, "data.train: must be less than or equal to 60000"),
        ({"optimizer": 3}, "optimizer: must be a table, not 3"),
        ({"optimizer": {}}, "optimizer.kind: is missing; known are adam, adamw, sgd"),
        (
            {"optimizer": {"lr": 1}},
            "optimizer.kind: is missing; known are adam, adamw, sgd",
        ),
        (
            {"optimizer": {"kind": "sdg", "lr": 1}},
            "optimizer.kind: 'sdg' is unknown; did you mean 'sgd'?",
        ),
        (
            {"optimizer": {"kind": 3, "lr": 1}},
            "optimizer.kind: 3 is unknown; known are adam, adamw, sgd",
        ),
        (
            {"optimizer": {**SGD, "nesterov": True}},
            "optimizer: nesterov needs a momentum above 0",
        ),
        (
            {"optimizer": {**SGD, "decay": "al"}},
            "optimizer.decay: must be 'all' or 'weights', not 'al'",
        ),
        (
            {"schedule": {"kind": "step", "size": 3, "gamma": 0.1, "cosine": 1}},
            "schedule.cosine: is not a field here; ",
        ),
        (
            {"schedule": {"kind": "linear", "per": "batch", "when": "before"}},
            "schedule: when = 'before' goes with per = 'epoch' only",
        ),
        (
            {"augment": [{"kind": "jitter"}, {"kind": "affine", "scale": [1.1, 0.9]}]},
            "augment.1: scale [1.1, 0.9] runs from large to small; swap the two",
        ),
        (
            {"augment": [{"kind": "affine", "shear": [1]}]},
            "augment.0.shear.1: is missing",
        ),
        (
            {"augment": [{"kind": "affine", "shear": [1, 2, 3]}]},
            "augment.0.shear: must have at most 2 items, not 3",
        ),
        (
            {"epohcs": 3, "lerning_rate": 3},
            "epohcs: is not a field here; did you mean 'epochs'? (and 1 more)",
        ),
    ],
)
def test_message(files: Files, changes: dict[str, Any], said: str):
    fault = files.fault({**WHOLE, **changes})
    assert fault is not None
    assert fault.startswith(said), fault


def test_torn_and_damaged_files(files: Files):
    """Cut short at any place; any quote, bracket, sign or line gone; any byte another."""
    text = tomli_w.dumps(WHOLE).encode()
    draw = random.Random(1)
    lines = text.splitlines(keepends=True)
    damaged = [text[:end] for end in range(0, len(text), 5)]
    damaged += [text[:i] + text[i + 1 :] for i, byte in enumerate(text) if byte in b"\"'[]{}=,.\n"]
    damaged += [b"".join(lines[:i] + lines[i + 1 :]) for i in range(len(lines))]
    damaged += [b"".join(lines[: i + 1] + lines[i:]) for i in range(len(lines))]
    for _ in range(200):
        i = draw.randrange(len(text))
        damaged.append(text[:i] + bytes([draw.randrange(256)]) + text[i + 1 :])
    refused = sum(files.fault(content) is not None for content in damaged)
    assert files.count > 600
    assert refused > files.count / 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
        (b"epochs = 1 # \xc3", "is not UTF-8 text (byte 13)"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "is not valid TOML"),
        (bytes(range(128)), "is not valid TOML"),
        (b"epochs 3", "is not valid TOML"),
        (b"epochs = 1\nepochs = 2", "is not valid TOML"),
        (b"# comment\n" * 200_000, "is too large for a TOML file (over 1,000,000 bytes)"),
        (b"seed = " + b"9" * 5000, "is not valid TOML"),
        (VALID + b"seed = 0x" + b"f" * 5000, "seed: must be less than 9223372036854775808"),
        (VALID + b"label_smoothing = 0x" + b"f" * 5000, "label_smoothing: must be"),
        (b"a = " + b"[" * 50_000, "is nested too deeply"),
        (b"a = " + b"{a=" * 50_000, "is nested too deeply"),
        (b".".join([b"a"] * 2_000) + b" = 1", "is nested too deeply"),
        (VALID + b"seed" + b".a" * 300 + b" = 1", "seed: must be a valid integer"),
        (VALID + b"seed = " + b"[" * 300 + b"]" * 300, "seed: must be a valid integer"),
        (b"", "epochs: is missing (and 2 more)"),
        (b"\xef\xbb\xbfepochs = 1", "is not valid TOML"),
    ],
)
def test_contents_that_are_no_config(files: Files, content: bytes, said: str):
    fault = files.fault(content)
    assert fault is not None
    assert fault.startswith(said), fault


def test_paths_that_are_no_config(files: Files, tmp_path: Path):
    assert files.fault_of(tmp_path / "none.toml") == "no such file"
    assert files.fault_of(tmp_path) == "is a folder, not a TOML file"
    assert files.fault_of(tmp_path / "none" / "none.toml") == "no such file"
    (tmp_path / "file").touch()
    fault = files.fault_of(tmp_path / "file" / "config.toml")
    assert fault == "cannot be read: Not a directory"
    fault = files.fault_of(tmp_path / ("x" * 300))
    assert fault == "cannot be read: File name too long"
    assert files.fault_of(Path("/dev/zero")) == (
        "is too large for a TOML file (over 1,000,000 bytes)"
    )
    assert (files.fault_of(tmp_path / "nul\0l.toml") or "").startswith("is not valid TOML")
