"""The house can be read from its folder names: few rooms, few floors, few arrows, no circle."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from rooms import Rooms, floors, rooms


@pytest.fixture(scope="module")
def house() -> Rooms:
    return rooms()


def test_rooms_floors_and_arrows_are_few(house: Rooms) -> None:
    assert len(house) <= 12
    assert max(floors(house).values()) <= 8
    assert sum(map(len, house.values())) <= 50


def test_each_room_says_what_it_is_for(house: Rooms) -> None:
    for room in house:
        said = importlib.import_module(room).__doc__
        assert said, f"{room}/__init__.py says nothing"
        assert len(said.split()) > 8, room


def test_each_room_says_what_is_behind_its_door(house: Rooms) -> None:
    """In its `__init__` just as in the contracts, which hold it."""
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]
    shut = {
        contract["name"].removeprefix("Behind the door of "): contract["protected_modules"]
        for contract in settings["contracts"]
        if contract["type"] == "protected"
    }
    assert shut
    for room in house:
        said = importlib.import_module(room).__doc__ or ""
        names = re.findall(r"`(\w+)`", said.partition("Behind the door:")[2])
        assert [f"{room}.{name}" for name in names] == shut.get(room, []), room


def test_a_circle_is_found() -> None:
    with pytest.raises(ValueError, match=r"a circle among \['a', 'b'\]"):
        floors({"a": {"b"}, "b": {"a"}, "c": set()})
