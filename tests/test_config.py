"""Configs and their files: the same object both ways."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from pydantic import ValidationError
from strategies import configs, examples, records
from whole import VARIANTS, WHOLE, at, places

from mnist_core import record
from mnist_core.config import Config
from mnist_core.record import Record

SGD = {"kind": "sgd", "lr": 0.1}


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


def test_every_kind_is_read_whole(tmp_path: Path):
    """What is in the file is in the object: nothing is dropped or replaced by a default."""
    path = tmp_path / "some.toml"
    for values in VARIANTS:
        path.write_text(tomli_w.dumps(values))
        written = tomllib.loads(record.load(path).to_toml())
        for place in places(values):
            if not isinstance(at(values, place), dict):
                assert at(written, place) == at(values, place)


def test_save_and_load(tmp_path: Path):
    whole = Record.from_dict(WHOLE)
    path = tmp_path / "new" / "folder" / "config.toml"
    for kept in (whole, Record(config=whole.config)):
        record.save(path, kept)
        assert record.load(path) == kept
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
    config = Record.from_dict(WHOLE).config
    with pytest.raises(ValidationError):
        config.epochs = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        config.optimizer.lr = 3.0  # type: ignore[misc]


@pytest.mark.parametrize("value", [0, True, "15", 15.0, None, 1001])
def test_values_are_not_converted(value: Any):
    with pytest.raises(ValidationError):
        Config.from_dict({"epochs": value, "layers": ["flatten"], "optimizer": SGD})
