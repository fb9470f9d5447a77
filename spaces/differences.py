"""What makes one config another, in words."""

from collections.abc import Mapping, Set
from typing import Any

from mnist_core.config import Config
from mnist_core.frozen import shortened
from spaces import layouts
from spaces.space import Space


def differences(config: Config, made: Config, space: Space, said: Set[str]) -> list[str]:
    """The fields in which a config differs from the nearest that a space makes. said: parts of a
    config of which it has been said already."""
    ours, theirs = _flat(made.to_dict()), _flat(config.to_dict())
    fields = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
    kinds = {name.partition(".")[0] for name in fields if name.endswith(".kind")}
    return [
        _net_difference(config, made, space)
        if field == "layers"
        else f"{field} is {_said(theirs.get(field))}, here {_said(ours.get(field))}"
        for field in fields
        if (part := field.partition(".")[0]) not in said
        and (part not in kinds or field.endswith(".kind"))  # another kind has other fields
    ]


def _net_difference(config: Config, made: Config, space: Space) -> str:
    widths = ["-".join(map(str, layouts.widths_of(each.layers))) for each in (config, made)]
    if widths[0] == widths[1]:
        pairs = zip(config.layers, made.layers, strict=False)
        one, other = next(((a, b) for a, b in pairs if a != b), ("more or fewer layers", "others"))
        return f"its net has {one}, here {other}"
    return (
        f"its widths are {widths[0]}; nets of their proportions use the budget of "
        f"{space.frame.budget:,} parameters here, as {widths[1]}"
    )


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def _said(value: Any) -> str:
    return "absent" if value is None or value == [] else shortened(value)
