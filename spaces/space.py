"""A space: named dimensions with fixed distributions, and the way from a sample to a config."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from mnist_core.config import Config, Data
from mnist_core.files import suggest

Params = Mapping[str, Any]


class SpaceError(ValueError):
    """`[space]` of a study asks for what the space does not have; one line, naming the field."""


@dataclass(frozen=True)
class Frame:
    """What the goal and the study fix for every config of a space."""

    budget: int
    """Every net has strictly fewer parameters."""
    epochs: int
    data: Data = Data()


@dataclass(frozen=True)
class Space:
    """name: as in a study's TOML. dimensions: what varies. fixed: dimensions held at one value.
    build: from a value for each of them all, and a seed, to a config. switches: dimension ->
    (categorical dimension, the choice without which it is idle)."""

    name: str
    frame: Frame
    dimensions: Mapping[str, BaseDistribution]
    fixed: Params
    build: Callable[[Params, int, Frame], Config]
    switches: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def config(self, params: Params, seed: int) -> Config:
        """The config of a sample of `dimensions`; always under the frame's budget."""
        return self.build({**self.fixed, **params}, seed, self.frame)

    def narrowed(self, vary: Mapping[str, Any], fix: Params) -> "Space":
        """This space with other bounds (`vary`) and with dimensions held at a value (`fix`).

        What a fixed choice makes idle is no dimension any more.

        vary: name -> [low, high], or the list of choices of a categorical dimension. fix: name ->
        value. Raises SpaceError on an unknown name or a value outside the dimension's kind.
        """
        for name in (*vary, *fix):
            if name not in self.dimensions:
                remedy = suggest(name, list(self.dimensions))
                raise SpaceError(f"space {self.name!r} has no dimension {name!r}{remedy}")
            if name in vary and name in fix:
                raise SpaceError(f"space.fix.{name}: is in space.vary too; keep one of the two")
        dimensions = dict(self.dimensions)
        for name, bounds in vary.items():
            dimensions[name] = _rebound(f"space.vary.{name}", dimensions[name], bounds)
        for name, value in fix.items():
            _check(f"space.fix.{name}", dimensions.pop(name), value)
        for name, (switch, choice) in self.switches.items():
            if fix.get(switch, choice) != choice:
                dimensions.pop(name, None)
        return replace(self, dimensions=dimensions, fixed={**self.fixed, **fix})

    def fingerprint(self) -> dict[str, str]:
        """Part -> what it is, as text: two spaces with the same fingerprint give a sample the
        same meaning. Kept with the study, so that a resumed one can be refused by name."""
        return {
            "space": self.name,
            "budget": str(self.frame.budget),
            "epochs": str(self.frame.epochs),
            "data": f"{self.frame.data.train}+{self.frame.data.test}",
            **{f"fix.{name}": repr(value) for name, value in sorted(self.fixed.items())},
            **{name: _text(kind) for name, kind in sorted(self.dimensions.items())},
        }


def _text(distribution: BaseDistribution) -> str:
    attributes = json.loads(distribution_to_json(distribution))["attributes"]
    return " ".join(f"{key}={value}" for key, value in attributes.items())


def _rebound(field: str, old: BaseDistribution, bounds: Any) -> BaseDistribution:
    if not isinstance(bounds, list | tuple):
        raise SpaceError(f"{field}: must be a list, not {bounds!r}")
    if isinstance(old, CategoricalDistribution):
        if not bounds or any(choice not in old.choices for choice in bounds):
            raise SpaceError(f"{field}: choose from {list(old.choices)}, not {list(bounds)}")
        return CategoricalDistribution(bounds)
    assert isinstance(old, FloatDistribution | IntDistribution)
    if len(bounds) != 2 or bounds[0] > bounds[1]:
        raise SpaceError(f"{field}: must be [low, high], not {list(bounds)}")
    for bound in bounds:
        _check(field, old, bound)
    low, high = bounds
    if isinstance(old, IntDistribution):
        return IntDistribution(low, high, log=old.log)
    return FloatDistribution(float(low), float(high), log=old.log)


def _check(field: str, distribution: BaseDistribution, value: Any) -> None:
    """The space's own bounds are those of sense (a rate above 0, a share up to 1): no study may
    leave them."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    match distribution:
        case CategoricalDistribution():
            if value not in distribution.choices:
                raise SpaceError(f"{field}: choose from {list(distribution.choices)}, not {value!r}")
        case IntDistribution() if not whole:
            raise SpaceError(f"{field}: must be a whole number, not {value!r}")
        case FloatDistribution() | IntDistribution():
            number = whole or isinstance(value, float)
            if not number or not distribution.low <= value <= distribution.high:
                low, high = distribution.low, distribution.high
                raise SpaceError(f"{field}: must lie between {low} and {high}, not {value!r}")
