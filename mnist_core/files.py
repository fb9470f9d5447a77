"""Reading and writing TOML: every fault of a file said in one line, never a torn file left."""

import difflib
import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mnist_core.errors import UserError

T = TypeVar("T")
_LARGEST = 1_000_000  # bytes; the longest config there is has about 5,000


def read_toml(path: Path) -> dict[str, Any]:
    """The file's values. Raises UserError, naming the file, where it cannot be read as TOML."""
    try:
        if path.is_file() and path.stat().st_size > _LARGEST:
            raise UserError(f"{path}: {path.stat().st_size:,} bytes is too large for a TOML file")
        return tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, not a TOML file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{path}: is not valid TOML: {error}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None


def write_text(path: Path, text: str) -> None:
    """Write `path` whole or not at all: a reader, or a crash, meets the old file or the new."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.")
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def parsed(path: Path, parse: Callable[[Mapping[str, Any]], T], *models: type[BaseModel]) -> T:
    """`parse` of the file's values. Raises UserError naming the file, the field and the remedy.

    models: where the right spelling of an unknown field is looked for.
    """
    try:
        return parse(read_toml(path))
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, *models)}") from None


def explain(error: ValidationError, *models: type[BaseModel]) -> str:
    """The first fault of several in one line, with the number of the others."""
    faults = error.errors(include_url=False)
    first = faults[0]
    field = ".".join(str(part) for part in first["loc"] if part not in _kinds(models))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "is not a field here" + _suggestion(str(first["loc"][-1]), _fields(models))
    elif first["type"] == "missing":
        message = "is missing"
    elif first["type"] not in {"value_error", "union_tag_not_found", "union_tag_invalid"}:
        message = f"{message[0].lower()}{message[1:]}, not {_short(first['input'])}"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return " ".join(f"{field}: {message}{more}".removeprefix(": ").split())


def suggest(word: str, known: list[str]) -> str:
    """`; did you mean 'x'?` for the known word nearest to a mistyped one, else the known words."""
    return _suggestion(word, set(known)) or f"; known are {', '.join(sorted(known))}"


def _suggestion(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _fields(models: tuple[type[BaseModel], ...]) -> set[str]:
    """Names of all fields of the models and of every model inside them."""
    return {
        field
        for keyword, value in _keywords([m.model_json_schema() for m in models])
        if keyword == "properties"
        for field in value
    }


def _kinds(models: tuple[type[BaseModel], ...]) -> set[str]:
    """The values of `kind`, which pydantic puts between the names of a field's path."""
    keywords = _keywords([m.model_json_schema() for m in models])
    return {str(value) for keyword, value in keywords if keyword == "const"} | {"adam", "adamw"}


def _keywords(schema: Any) -> list[tuple[str, Any]]:
    """Every (keyword, value) of a JSON schema, at any depth."""
    if isinstance(schema, dict):
        return [*schema.items(), *(pair for v in schema.values() for pair in _keywords(v))]
    if isinstance(schema, list):
        return [pair for item in schema for pair in _keywords(item)]
    return []
