"""Reading TOML: every fault of a file said in one line."""

import json
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
_LARGEST = 1_000_000  # bytes; the longest config there is has about 5,000


def read_toml(path: Path) -> dict[str, Any]:
    """The file's values. Raises UserError, naming the file, where it cannot be read as TOML."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise UserError(f"{path}: is too large for a TOML file (over {_LARGEST:,} bytes)")
        return tomllib.loads(
            content.decode("utf-8-sig")
        )  # some editors begin with a byte-order mark
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
