"""What a dimension of a space can be: a real number, a whole one, or one of several choices.

They are ours, so that a space needs no Optuna, which takes a second to load; `search.study` turns
them into its distributions.
"""

import ast
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`, both included. log: whether its logarithm is what is even."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))
        _check(self)

    @property
    def middle(self) -> float:
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2

    def __str__(self) -> str:
        return f"step=None low={self.low} high={self.high} log={self.log}"


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both included; `log` as in `Real`."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check(self)

    @property
    def middle(self) -> int:
        return round(math.sqrt(self.low * self.high)) if self.log else (self.low + self.high) // 2

    def __str__(self) -> str:
        return f"log={self.log} step=1 low={self.low} high={self.high}"


@dataclass(frozen=True)
class Choice:
    """One of several values, without an order."""

    choices: tuple[Any, ...]

    def __init__(self, choices: Sequence[Any]) -> None:
        object.__setattr__(self, "choices", tuple(choices))

    def __str__(self) -> str:
        return f"choices={list(self.choices)}"


Number = Real | Whole
Dimension = Real | Whole | Choice
"""As text it is what studies keep of their space, in the words of Optuna's JSON: whoever changes
them refuses every study that was launched before."""
_NUMBER = re.compile(
    r"step=None low=(?P<low>\S+) high=(?P<high>\S+) log=(?P<log>True|False)"
    r"|log=(?P<whole_log>True|False) step=1 low=(?P<whole_low>\S+) high=(?P<whole_high>\S+)"
)


def read(text: str) -> Dimension | None:
    """The way back from a dimension as text; None where it is none."""
    with suppress(ValueError, SyntaxError):
        if text.startswith("choices="):
            return Choice(ast.literal_eval(text.removeprefix("choices=")))
        if (found := _NUMBER.fullmatch(text)) is None:
            return None
        if found["low"]:
            return Real(float(found["low"]), float(found["high"]), found["log"] == "True")
        low, high = int(found["whole_low"]), int(found["whole_high"])
        return Whole(low, high, found["whole_log"] == "True")
    return None


def _check(number: Number) -> None:
    if number.low > number.high:
        raise ValueError(f"a dimension from {number.low} to {number.high} is empty")
