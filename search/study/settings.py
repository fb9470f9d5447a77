"""`--set KEY=VALUE`: what a study's or a drill's file says, said otherwise on the command line.

KEY is a field as messages name it (`goal.params`, `space.vary.lr`); an item of an array goes by its
number, counted from 1, or its name (`stage.3.trials`, `stage.optimizer.trials`). VALUE is TOML; a
word that is none is text.
"""

import copy
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mnist_core.errors import UserError
from mnist_core.files import dotted, explain, named
from mnist_core.frozen import shortened
from mnist_core.words import does
from spaces import SPACES, Frame
from spaces.catalogue import all_dimensions
from spaces.dimensions import Choice, Dimension, Whole
from spaces.space import owners_of

T = TypeVar("T")
_QUOTING = "[{\"'"  # what begins like this is meant as TOML


@dataclass(frozen=True)
class Setting:
    """One `--set`."""

    key: str
    value: Any

    @property
    def option(self) -> str:
        """As messages name it."""
        return f"--set {self.key}"


def read(text: str) -> Setting:
    """Raises UserError where it is not KEY=VALUE, or VALUE begins as TOML and is none."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not re.fullmatch(r"[\w-]+(\.[\w-]+)*", key):
        raise UserError(f"--set {shortened(text)}: must be KEY=VALUE, as in goal.params=8000")
    return Setting(key, _value(key, value.strip()))


def _value(key: str, text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        if not text or text[0] in _QUOTING or not text.isprintable():
            why = "nested too deeply" if isinstance(error, RecursionError) else error
            said = f"--set {key}: {shortened(text)} is not valid TOML: {why}{_quoted(key, text)}"
            raise UserError(said) from None
        return text
    if found.keys() != {"value"}:  # of several lines
        raise UserError(f"--set {key}: {shortened(text)} is more than one value")
    return found["value"]


def _quoted(key: str, text: str) -> str:
    """What to type where a shell has taken blanks or quotes out of an array."""
    if text[:1] != "[":
        return ""
    meant = _array(text[1:-1]) if text.endswith("]") else None
    if meant is None:
        return f"; quote it, as in {option([f'{key}=[0.1, 0.4]'])}"
    return f"; did you mean {option([f'{key}={meant}'])}?"


def _array(text: str) -> str | None:
    """Words and numbers as an array of TOML; None where they are anything else."""
    items = re.split(r"[,\s]+", text.strip(", "))
    if not all(re.fullmatch(r"[\w.+/-]+", item) for item in items):
        return None
    return json.dumps([_value("", item) for item in items])


def option(texts: Sequence[str]) -> str:
    """As it is typed."""
    return " ".join(f"--set {shlex.quote(text)}" for text in texts)


def check_apart(texts: Sequence[str], options: Mapping[str, Any]) -> None:
    """What an option of its own says (None is nothing) is not said by `--set` too. Raises
    UserError."""
    for setting in map(read, texts):
        name = setting.key
        if options.get(name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"{setting.option}: {option} says that too; keep one of the two")


def applied(
    texts: Sequence[str], parse: Callable[[Mapping[str, Any]], T], *models: type[BaseModel]
) -> Callable[[Mapping[str, Any]], T]:
    """`parse` for a file's values, with these settings in place of its own.

    models: see `explain`. It raises UserError naming the setting where one is at fault, and else
    what `parse` raises.
    """
    settings = [read(text) for text in texts]

    def parse_set(values: Mapping[str, Any]) -> T:
        table = copy.deepcopy(dict(values))
        places = [_put(table, setting) for setting in settings]
        _check_dimensions(settings, table)
        try:
            return parse(table)
        except ValidationError as error:
            said = explain(error, *models, values=table)
            said += _besides(said, settings) + _bracketed(said, settings)
            option = _blamed(said, settings, [_named(place, table) for place in places])
            if option is None:
                parse(values)  # raises too, where the file itself is at fault
                option = " ".join(setting.option for setting in settings)
            raise UserError(_joined(option, said)) from None

    return parse_set


def blamed(texts: Sequence[str], said: str, values: Mapping[str, Any]) -> str | None:
    """What is said of a setting at fault, given what is said of the field; None where it is none
    of the settings that names it. values: what was parsed, with the settings."""
    settings = [read(text) for text in texts]
    places = [_named(_place(setting.key, values), values) for setting in settings]
    found = _blamed(said, settings, places)
    return None if found is None else _joined(found, said)


def _place(key: str, values: Mapping[str, Any]) -> list[str | int]:
    """The field that is set, as far as there is one, items of arrays by their place."""
    place: list[str | int] = []
    node: Any = values
    for part in key.split("."):
        found = _item(node, part) if isinstance(node, list | tuple) else None
        place.append(part if found is None else found)
        if isinstance(node, Mapping):
            node = node.get(part)
        else:
            node = None if found is None else node[found]
    return place


def _named(place: Sequence[str | int], values: Mapping[str, Any]) -> str:
    """As messages say it: items of arrays by their names."""
    return dotted(named(place, values))


def _blamed(said: str, settings: Sequence[Setting], places: Sequence[str]) -> str | None:
    """The setting of the field that is at fault, or of what stands in it or around it."""
    field = said.partition(": ")[0]
    for setting, place in zip(settings, places, strict=True):
        if f"{field}.".startswith(f"{place}.") or f"{place}.".startswith(f"{field}."):
            return setting.option
    return None


def _besides(said: str, settings: Sequence[Setting]) -> str:
    """What to set too where one of the settings does not fit to another field of its table."""
    unfit = re.match(r"(\w+): (\w+) = \S+ is more than (\w+) = ", said)
    if unfit is None:
        return ""
    table, *fields = unfit.groups()
    missing = {f"{table}.{field}" for field in fields} - {setting.key for setting in settings}
    return f"; set {missing.pop()} too" if len(missing) == 1 else ""


def _bracketed(said: str, settings: Sequence[Setting]) -> str:
    """The array that is meant where there is text instead of one."""
    for setting in settings:
        text = setting.value
        if isinstance(text, str) and said.endswith(f"an array, not {shortened(text)}"):
            meant = _array(text)
            return f"; did you mean {option([f'{setting.key}={meant}'])}?" if meant else ""
    return ""


def _check_dimensions(settings: Sequence[Setting], table: Mapping[str, Any]) -> None:
    """Raises UserError, saying how a dimension is fixed and varied, where one is set as a field."""
    for setting in settings:
        place, _, name = setting.key.rpartition(".")
        if place in ("", "space"):
            where = "stage.NAME" if "stage" in table else "space"
        elif re.fullmatch(r"stage\.[\w-]+", place):
            where = place
        else:
            continue
        known = _dimensions(table)
        kind = known.get(name)
        if kind is None and known and (owners := owners_of(name)):
            raise UserError(
                f"{setting.option}: {name} is a dimension; only {' and '.join(owners)} "
                f"{does(len(owners), 'has')} it"
            )
        if kind is not None:
            fix = f"{where}.fix.{name}={_toml(setting.value)}"
            vary = f"{where}.vary.{name}={_toml(_around(kind, setting.value))}"
            ways = f"{option([fix])} or {option([vary])}"
            raise UserError(f"{setting.option}: {name} is a dimension: {ways}")


def _dimensions(table: Mapping[str, Any]) -> Mapping[str, Dimension]:
    """Those that a study or a drill can vary; none where it says no space that there is."""
    frame = Frame(budget=10_000, epochs=15)
    if "stage" in table:
        return all_dimensions(frame)
    space = table.get("space")
    name = space.get("name") if isinstance(space, Mapping) else None
    return SPACES[name](frame).dimensions if isinstance(name, str) and name in SPACES else {}


def _around(kind: Dimension, value: Any) -> list[Any]:
    """Bounds or choices of a dimension that have the value, if it can be one."""
    if isinstance(kind, Choice):
        others = [choice for choice in kind.choices if choice != value]
        return [value, others[0]] if value in kind.choices and others else list(kind.choices[:2])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not kind.low <= value <= kind.high or value == 0:
        return [kind.low, kind.high]
    low, high = max(value / 2, kind.low), min(value * 2, kind.high)
    return [int(low), int(high)] if isinstance(kind, Whole) else [low, high]


def _toml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _joined(option: str, said: str) -> str:
    """The field is not named twice."""
    field, _, fault = said.partition(": ")
    return f"{option}: {fault}" if option == f"--set {field}" else f"{option}: {said}"


def _put(table: dict[str, Any], setting: Setting) -> list[str | int]:
    """Say it in the table; returns the field, items of arrays by their place."""
    place: list[str | int] = []
    node: Any = table
    *above, last = setting.key.split(".")
    for part in above:
        key = _key(node, part, setting)
        place.append(key)
        if isinstance(node, dict):
            node.setdefault(key, {})
        node = node[key]
        if not isinstance(node, dict | list):
            raise UserError(f"{setting.option}: {dotted(place)} is no table")
    key = _key(node, last, setting)
    node[key] = setting.value
    return [*place, key]


def _key(node: dict[str, Any] | list[Any], part: str, setting: Setting) -> str | int:
    if isinstance(node, dict):
        return part
    found = _item(node, part)
    if found is not None:
        return found
    known = ", ".join(str(name) for name in _names(node) if name is not None)
    there = f"there are 1 to {len(node)}" if node else "the array is empty"
    raise UserError(f"{setting.option}: no item {part!r}; {there}{f' ({known})' * bool(known)}")


def _item(items: Sequence[Any], part: str) -> int | None:
    """The place of the one that goes by this name, or by this number from 1 (`2`, `2nd`)."""
    names = _names(items)
    if part in names:
        return names.index(part)
    number = re.fullmatch(r"0*([1-9][0-9]{0,5})(st|nd|rd|th)?", part)
    return int(number[1]) - 1 if number and int(number[1]) <= len(items) else None


def _names(items: Sequence[Any]) -> list[Any]:
    return [item.get("name") if isinstance(item, Mapping) else None for item in items]
