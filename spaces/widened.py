"""What a study has to say of its space so that a config may lie in it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from mnist_core.config import Config
from spaces.catalogue import CATALOGUE, WIDTH_NAMES
from spaces.dimensions import Choice, Dimension

_DIGITS = 2  # of a bound that is moved


def widened(
    vary: Mapping[str, tuple[Any, ...]],
    fix: Mapping[str, Any],
    whole: Mapping[str, Dimension],
    config: Config,
    widths: bool,
) -> tuple[dict[str, tuple[Any, ...]], dict[str, Any]]:
    """`vary` and `fix` of a study with room for what a config has. whole: the dimensions of the
    space where nothing is said of them. widths: whether each width varies as far as it can."""
    there = {name: entry.read(config) for name, entry in CATALOGUE.items() if entry.read}
    wider = {name: _wider(whole[name], vary[name], there.get(name)) for name in vary}
    if widths:
        wider |= {name: (0.0, 1.0) for name in vary if name in WIDTH_NAMES}
    held = {name: value if there.get(name) is None else there[name] for name, value in fix.items()}
    return wider, held


def _wider(kind: Dimension, bounds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if value is None:
        return bounds
    if isinstance(kind, Choice):
        return bounds if value in bounds else (*bounds, value)
    low, high = bounds
    if value < low and not math.isclose(value, low):
        low = max(kind.low, _rounded(value, math.floor))
    elif value > high and not math.isclose(value, high):
        high = min(kind.high, _rounded(value, math.ceil))
    return low, high


def _rounded(value: float, way: Callable[[float], float]) -> float:
    """To a few digits; a whole number stays one."""
    if isinstance(value, int) or value == 0:
        return value
    places = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    return float(round(way(value * 10.0**places) / 10.0**places, max(places, 0)))
