"""What a study was launched with and what it is asked for now, in the words of its TOML file."""

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mnist_core.files import inline
from search.study.names import STAGE
from search.study.settings import option
from search.text.commands import program
from spaces.around import ALL_WIDTHS
from spaces.catalogue import WIDTH_NAMES
from spaces.dimensions import Choice, read

_OF_GOAL = ("goal.accuracy", "goal.last")
"""What a study that has run can be asked anew, from its curves."""
BASES = "bases"  # of a drill's stage: a digest of the configs that it starts from
_SEED = "seed"


def differing(
    name: str,
    theirs: Mapping[str, str],
    ours: Mapping[str, str],
    settings: Sequence[str],
    where: str,
) -> str | None:
    """What has changed and what to do, in one line; None where nothing has.

    name: of the study. theirs, ours: its fingerprint, and that of what it is asked for now.
    settings: what `--set` said in its latest launch. where: what a command needs to find its
    storage.
    """
    changed = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    if not changed:
        return None
    match = STAGE.fullmatch(name) if BASES in theirs else None
    table = f"stage.{match[3]}" if match else "space"
    key, *others = changed
    first = _in_file(key, table)
    rest = dict.fromkeys(other for each in others if (other := _in_file(each, table)) != first)
    also = f" (changed too: {', '.join(rest)})" if rest else ""
    begun = f" (it was launched with {option(settings)})" if settings else ""
    verb = "drill" if match else "launch"
    whose = (
        f"drill {match[1]!r}: stage {match[3]!r} was run"
        if match
        else f"study {name!r} was launched"
    )
    said = (
        f"{whose} with {_contrast(key, first, theirs.get(key), ours.get(key), bool(match))}{also}; "
        f"change it back{begun}, or {verb} under another --name"
    )
    if all(each in _OF_GOAL for each in changed):
        asked = option([f"{each}={ours[each]}" for each in changed])
        said += f"; to ask its curves for this goal: {program()} rescore {name} {asked}{where}"
    return said


def _in_file(key: str, table: str) -> str:
    """The field of the file that a part of a fingerprint is."""
    if key.startswith("goal.") or key in (_SEED, "data"):
        return key
    if key == BASES:
        return "base"
    if key == "space":
        return "space.name"
    if key.startswith("fix."):
        return f"{table}.{key}"
    widths = table != "space" and key in WIDTH_NAMES
    return f"{table}.vary.{ALL_WIDTHS if widths else key}"


def _contrast(key: str, field: str, was: str | None, now: str | None, of_stage: bool) -> str:
    if key == BASES:  # of which only a digest is kept
        return "other configs to start from (base in the drill's file, or --start)"
    if key == _SEED and of_stage:  # it is a stage's own, which follows from the drill's
        return "another seed of the drill"
    if was is None:
        return f"no {field}, now it is {_value(key, now)}"
    then = "there is none" if now is None else f"it is {_value(key, now)}"
    return f"{field} = {_value(key, was)}, now {then}"


def _value(key: str, text: str | None) -> str:
    """As TOML has it."""
    if key == "data" and text:
        train, _, test = text.partition("+")
        return inline({"train": int(train), "test": int(test)})
    kind = read(text or "")
    if kind is not None:
        return inline(list(kind.choices) if isinstance(kind, Choice) else [kind.low, kind.high])
    value: Any = text
    if key != "space":
        with suppress(ValueError, SyntaxError):
            value = ast.literal_eval(text or "")
    return inline(value)
