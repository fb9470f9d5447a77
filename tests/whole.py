"""Config files which have every field of every kind between them, and where each value lies."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mnist_core.words import ordinal

WHOLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "data/whole.toml").read_text())
OTHER_KINDS = """
optimizer = {kind = "adamw", lr = 0.01, betas = [0.9, 0.99]}
schedule = {kind = "none"}
schedule = {kind = "step", size = 6, gamma = 0.1}
schedule = {kind = "cosine", per = "batch", when = "after", final = 0.01}
schedule = {kind = "linear", warmup = 0.2, final = 0.0}
schedule = {kind = "onecycle", rise = 0.3, div = 10.0, final_div = 100.0, anneal = "linear", \
per = "batch", cycle_momentum = true, base_momentum = 0.8, max_momentum = 0.9}
schedule = {kind = "loss_dip", gamma = 0.9}
data = {judge = "holdout", train = 6000, test = 1000}
"""
VARIANTS = [WHOLE, *(WHOLE | tomllib.loads(line) for line in OTHER_KINDS.strip().splitlines())]

Place = tuple[str | int, ...]
"""Where a value lies in a file: keys of tables and indexes of arrays."""


def fields(again: bool = False) -> Iterator[tuple[dict[str, Any], Place]]:
    """Each variant with each of its places. again: also those that an earlier one had the same."""
    for values in VARIANTS:
        for place in places(values):
            if again or values is WHOLE or values[str(place[0])] != WHOLE[str(place[0])]:
                yield values, place


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*above, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*above, key))


def at(values: Any, place: Place) -> Any:
    for key in place:
        values = values[key]
    return values


def dotted(place: Place) -> str:
    """As a refusal names it."""
    return ".".join(part if isinstance(part, str) else ordinal(part + 1) for part in place)
