"""Reading TOML: every fault of a file said in one line."""

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mnist_core.errors import UserError
from mnist_core.faults import dotted, explain, named, suggest

__all__ = [
    "COMMANDS",
    "dotted",
    "explain",
    "inline",
    "kind_of",
    "mistaken",
    "named",
    "parsed",
    "read_toml",
    "suggest",
]

T = TypeVar("T")
COMMANDS = {"study": "launch", "drill": "drill", "config": "train"}
"""What a file may be -> the command that runs it."""
_MARKS = {"study": "space", "drill": "stage", "config": "layers"}  # what no other kind of file has
_OF_STAGES = ("[vary]", "[fix]", "[sampler]", "[pruner]", "[search]")
_NO_TEXT = ("yes", "no", "on", "off", "none", "null", "nan", "inf", "infinity")
"""Bare words for which quotes may be no remedy."""
_LARGEST = 1_000_000  # bytes; the longest config there is has about 5,000


def read_toml(path: Path) -> dict[str, Any]:
    """The file's values. Raises UserError, naming the file, where it cannot be read as TOML."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise UserError(f"{path}: is too large for a TOML file (over {_LARGEST:,} bytes)")
        return _loaded(content.decode("utf-8-sig"))  # some editors begin with a byte-order mark
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, not a TOML file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except RecursionError:
        raise UserError(f"{path}: is nested too deeply") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        raise UserError(f"{path}: is not valid TOML: {error}") from None


def _loaded(text: str) -> dict[str, Any]:
    """Raises ValueError, with the remedy where it is plain."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{error}{_hint(text, str(error))}") from None


def _hint(text: str, said: str) -> str:
    """`; remedy` from the line that a fault of TOML names; "" where it may be another one."""
    lines = text.replace("\r\n", "\n").split("\n")
    place = re.search(r"line (\d+), column (\d+)\)$", said)
    if not place:
        missing = said.startswith("Invalid value") and text.rstrip(" \t").endswith("=")
        return "; a value is missing" if missing else ""
    number, column = int(place[1]) - 1, int(place[2]) - 1
    line = lines[number]
    if said.startswith("Invalid value"):
        return _hint_of_value(line[:column].rstrip(), line[column:].strip())
    header = line.partition("#")[0].strip()
    above = {each.partition("#")[0].strip() for each in lines[:number]}
    if header == "[stage]" or (header == "[[stage]]" and "[stage]" in above):
        return "; a stage is [[stage]]"
    if said.startswith("Cannot declare") and header in _OF_STAGES and "[[stage]]" in above:
        return f"; a stage's is [stage.{header[1:-1]}]"
    return ""


def _hint_of_value(before: str, value: str) -> str:
    if before.endswith("=") and (not value or value.startswith("#")):
        return "; a value is missing"
    word = re.split(r"[^\w.-]", value)[0]
    if word.lower() in ("true", "false"):
        return "; true and false are written small"
    return "; text needs quotes" if word[:1].isalpha() and word.lower() not in _NO_TEXT else ""


def parsed(
    path: Path, parse: Callable[[Mapping[str, Any]], T], *models: type[BaseModel], what: str
) -> T:
    """`parse` of the file's values. Raises UserError naming the file, the field and the remedy.

    models: see `explain`. what: it should be, one of `COMMANDS`.
    """
    values = None
    try:
        values = read_toml(path)
        _check_kind(path, values, what)
        return parse(values)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, *models, values=values)}") from None
    except RecursionError:
        raise UserError(f"{path}: is nested too deeply") from None


def inline(value: Any) -> str:
    """A value as TOML has it, in one line; `none` of what TOML has no word for."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name} = {inline(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(inline, value))}]"
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _check_kind(path: Path, values: Mapping[str, Any], what: str) -> None:
    """A whole file of another kind is told by what it is, not by its first field."""
    others = _kinds(values)
    if others and what not in others:
        raise UserError(f"{path}: {mistaken(what, others[0], shlex.quote(str(path)))}")


def kind_of(path: Path) -> str | None:
    """Which of `COMMANDS` a file is of; None where it cannot be read, or is none."""
    with suppress(UserError):
        return next(iter(_kinds(read_toml(path))), None)
    return None


def _kinds(values: Mapping[str, Any]) -> list[str]:
    return [kind for kind, mark in _MARKS.items() if mark in values]


def mistaken(what: str, kind: str, given: str) -> str:
    """What is said of something of another kind than is wanted. given: as it is typed."""
    said = f"is a {kind}, not a {what}; run it with: drilldown {COMMANDS[kind]} {given}"
    found = "; what it found is one: drilldown export NAME" if what == "config" else ""
    return f"{said}{found}"
