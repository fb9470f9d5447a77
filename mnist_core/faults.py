"""What is wrong with values that were read from a file, in one line for the person who wrote it."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mnist_core.frozen import shortened
from mnist_core.words import ordinal

Schema = dict[str, Any]
_FEW = 8  # words that an error lists
_PLAIN = re.compile(r"[\w-]{1,60}")


def explain(
    error: ValidationError, *models: type[BaseModel], values: Mapping[str, Any] | None = None
) -> str:
    """`field: fault; remedy` for the first fault of several, with the number of the others.

    An unknown field comes before all other faults: where one is missing too, it is most likely
    the same one, mistyped.

    models: what the file may hold: the one that `error` comes from, and others whose fields stand
    at the top level beside its own. values: of the file; items of its arrays of tables are called
    by their names, and others counted from the 1st.

    A model's `json_schema_extra` may say of fields of other kinds of files, as `foreign`, what it
    has instead.
    """
    faults = _causes(error.errors(include_url=False))
    first = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    root = next((_schema(model) for model in models if model.__name__ == error.title), {})
    beside = {field for model in models for field in model.model_fields}
    return " ".join(f"{_explained(first, root, beside, values or {})}{more}".split())


def _causes(faults: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without arrays that are too short only because an item of theirs is at fault."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(
            len(place) > (end := len(fault["loc"])) and place[:end] == fault["loc"]
            for place in places
        )
    ]


def named(path: Sequence[str | int], values: Mapping[str, Any]) -> list[str | int]:
    """The path with the names of the tables of an array, where they have some, instead of their
    numbers."""
    found: list[str | int] = []
    node: Any = values
    for part in path:
        if isinstance(node, list | tuple) and str(part).isdecimal() and int(part) < len(node):
            node = node[int(part)]
            name = node.get("name") if isinstance(node, Mapping) else None
            found.append(name if isinstance(name, str) and _PLAIN.fullmatch(name) else part)
        else:
            node = node.get(part) if isinstance(node, Mapping) else None
            found.append(part)
    return found


def dotted(path: Sequence[str | int]) -> str:
    """A field's path as a person says it: items of an array are counted from the 1st, and a key
    that is no plain word is quoted."""
    return ".".join(_part(each) for each in path)


def _part(part: str | int) -> str:
    if isinstance(part, int):
        return ordinal(part + 1)
    return part if _PLAIN.fullmatch(part) else shortened(part)


def suggest(word: str, known: Iterable[str], listed: str = "") -> str:
    """`; did you mean 'x'?` for the known word nearest to a mistyped one, else the known words.

    listed: the command that has them all, which is named instead of more than a few.
    """
    others = sorted(set(known) - {word})
    if near := _near(word, others):
        return near
    many = listed and len(others) > _FEW
    return f"; see them all: {listed}" if many else f"; known are {', '.join(others)}"


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _explained(
    fault: ErrorDetails, root: Schema, beside: set[str], values: Mapping[str, Any]
) -> str:
    given = fault["input"]

    def at(*path: str | int, said: str) -> str:
        return _at(*named(path, values), said=said)

    match fault["type"]:
        case "extra_forbidden":
            *above, word = fault["loc"]
            path, table = _place(above, root)
            known = set(table.get("properties", ())) | (set() if path else beside)
            return at(*path, word, said=_unknown(str(word), path, known, given, root))
        case "union_tag_not_found":
            path, union = _place(fault["loc"], root)
            near = difflib.get_close_matches("kind", given, n=1)
            if near:
                return at(*path, near[0], said="is not a field here; did you mean 'kind'?")
            return at(*path, "kind", said=f"is missing{suggest('', _mapping(union))}")
        case "union_tag_invalid":
            path, union = _place(fault["loc"], root)
            remedy = _nearest_kind(str(given["kind"]), union)
            return at(*path, "kind", said=f"{shortened(given['kind'])} is unknown{remedy}")
        case "missing":
            *above, word = fault["loc"]
            path, table = _place(above, root)
            if path and isinstance(path[-1], int):  # a table that has no name
                which = f"the {ordinal(path[-1] + 1)} [[{path[-2]}]]"
                return at(*path, word, said=f"is missing from {which}{_to_add(table, word)}")
            outer = _place(above[:-1], root)[1] if path and _has_only_tables(given) else {}
            add = (outer and _to_add(outer, path[-1])) or _to_add(table, word)
            return at(*path, word, said=f"is missing{add}")
        case "model_type":
            path = _place(fault["loc"], root)[0]
            add = _to_add(_place(path[:-1], root)[1], path[-1]) if path else ""
            return at(*path, said=f"{_in_words_of_toml(fault)}{add}")
        case _:
            return at(*_place(fault["loc"], root)[0], said=_in_words_of_toml(fault))


def _to_add(table: Schema, word: str | int) -> str:
    """As `json_schema_extra` of the field has it."""
    add = _inside(table, word).get("add")
    return f"; add {add}" if add else ""


def _has_only_tables(given: Any) -> bool:
    """Whether a table may have no header of its own, only tables in it: a line added at the
    file's end would fall into the last of those."""
    inner = given.values() if isinstance(given, dict) else ()
    return bool(inner) and all(isinstance(each, dict) for each in inner)


def _unknown(
    word: str, path: Sequence[str | int], known: Iterable[str], given: Any, root: Schema
) -> str:
    """What is said of a field that the table at `path` does not have. known: those it has."""
    if not path and word in root.get("foreign", {}):
        return str(root["foreign"][word])
    if above_all := _above_all(word, path, given, root):
        return above_all
    inner = "" if path else _in_a_table(word, root)
    return f"is not a field here{f'; it stands in {inner}' if inner else suggest(word, known)}"


def _above_all(word: str, path: Sequence[str | int], given: Any, root: Schema) -> str:
    """Where a field of the whole file belongs that stands in one of its tables; "" of any other."""
    field = root.get("properties", {}).get(word)
    if not path or field is None or _is_table(_resolved(field, root)) != isinstance(given, dict):
        return ""
    if isinstance(given, dict):
        return f"is a table of the whole file: [{word}]"
    header = f"[[{path[0]}]]" if isinstance(path[-1], int) else f"[{path[0]}]"
    return f"stands at the top of the file, above {header}"


def _in_a_table(word: str, root: Schema) -> str:
    """The table that has a field which stands at the top of the file; "" where none or several
    have."""
    found = []
    for name, field in root.get("properties", {}).items():
        node = _resolved(field, root)
        items = node.get("items")
        table = _resolved(items, root) if isinstance(items, dict) else node
        if word in table.get("properties", {}):
            found.append(f"[{name}]" if table is node else f"a [[{name}]], {name}.NAME.{word}")
    return found[0] if len(found) == 1 else ""


def _is_table(node: Schema) -> bool:
    return "discriminator" in node or node.get("type") == "object"


def _nearest_kind(word: str, union: Schema) -> str:
    """As `suggest`, of kinds that people know by other names too: those that a union lists as
    `also_called`, name -> kinds."""
    others = union.get("also_called", {})
    near = difflib.get_close_matches(word.lower(), [*others, *_mapping(union)], n=1)
    if near and near[0] in others:
        return f"; did you mean {' or '.join(map(repr, others[near[0]]))}?"
    return suggest(word, _mapping(union))


def _in_words_of_toml(fault: ErrorDetails) -> str:
    """A fault of type, range or length, or one that a validator of ours has put into words."""
    message = fault["msg"].removeprefix("Value error, ").replace("Input should", "must")
    given, remedy = shortened(fault["input"]), ""
    match fault["type"]:
        case "value_error":
            return message
        case "too_short" | "too_long":
            return message.replace("Tuple should", "must").replace(" after validation", "")
        case "tuple_type":
            message = "must be an array"
            if isinstance(fault["input"], dict):
                remedy = f"; each of its tables begins with [[{fault['loc'][-1]}]]"
        case "dict_type" | "model_type" | "model_attributes_type":
            message = "must be a table"
        case "literal_error":
            known = re.findall("'(.*?)'", fault["ctx"]["expected"])
            remedy = _near(given.strip("'"), known)
    return f"{message}, not {given}{remedy}"


def _at(*path: str | int, said: str) -> str:
    """A field's path before what is said of it."""
    return f"{dotted(path)}: {said}" if path else said


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _place(loc: Sequence[str | int], root: Schema) -> tuple[list[str | int], Schema]:
    """(path as the user wrote it, schema of what stands there) for a fault's `loc`, in which
    pydantic puts the tag of a union's member behind the union."""
    path: list[str | int] = []
    node = root
    for part in loc:
        if "discriminator" in node:
            node = _resolved({"$ref": _mapping(node)[str(part)]}, root)
        elif "anyOf" not in node:  # behind an undiscriminated union comes a tag
            path.append(part)
            node = _resolved(_inside(node, part), root)
    return path, node


def _inside(node: Schema, part: str | int) -> Schema:
    """The schema of one field of a table or one item of an array."""
    if isinstance(part, str):
        inner = node.get("properties", {}).get(part, node.get("additionalProperties"))
    else:
        items = node.get("prefixItems", [])
        inner = items[part] if part < len(items) else node.get("items")
    return inner if isinstance(inner, dict) else {}


def _resolved(node: Schema, root: Schema) -> Schema:
    """`node` itself where it is a reference, or may be null."""
    members = [member for member in node.get("anyOf", ()) if member != {"type": "null"}]
    if len(members) == 1:
        node = members[0]
    if "$ref" in node:
        return dict(root["$defs"][node["$ref"].rpartition("/")[2]])
    return node


def _mapping(union: Schema) -> dict[str, str]:
    """Kind -> reference to its model."""
    return dict(union.get("discriminator", {}).get("mapping", {}))
