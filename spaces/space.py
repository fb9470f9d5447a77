"""A space: named dimensions with fixed distributions, and the way from a sample to a config."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mnist_core.config import Config, Data
from mnist_core.files import suggest
from mnist_core.frozen import shortened
from spaces.dimensions import Choice, Dimension, Whole

Sample = Mapping[str, Any]
STAGE = "a stage"
"""What the space of a drill's stage is called."""


class SpaceError(ValueError):
    """`[space]` of a study asks for what the space does not have; one line, naming the field."""


@dataclass(frozen=True)
class Frame:
    """What the goal and the study fix for every config of a space."""

    budget: int
    """Every net has strictly fewer parameters."""
    epochs: int
    data: Data = field(default_factory=Data)


@dataclass(frozen=True)
class Space:
    """name: as in a study's TOML. dimensions: what varies. fixed: dimensions held at one value.
    build: from a value for each of them all, and a seed, to a config. switches: dimension ->
    (categorical dimension, the choices without which it is idle)."""

    name: str
    frame: Frame
    dimensions: Mapping[str, Dimension]
    fixed: Sample
    build: Callable[[Sample, int, Frame], Config]
    switches: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    bases: str = ""
    """What `build` starts from, where that differs from study to study."""

    def config(self, sample: Sample, seed: int) -> Config:
        """The config of a sample of `dimensions`; always under the frame's budget."""
        return self.build({**self.fixed, **sample}, seed, self.frame)

    def check(self, sample: Sample, where: str) -> None:
        """Raises SpaceError, naming it and where it stands, where a value is of no dimension or
        outside of its own."""
        check_names(sample, self.dimensions, where, self.name)
        for name, value in sample.items():
            _checked(f"{where}.{name}", self.dimensions[name], value)

    def narrowed(self, vary: Mapping[str, Any], fix: Sample, table: str = "space") -> "Space":
        """This space with other bounds (`vary`) and with dimensions held at a value (`fix`).

        What the choices that are left make idle is no dimension any more.

        vary: name -> [low, high], or the list of choices of a categorical dimension. fix: name ->
        value. table: where the two stand, as messages name it.

        Raises SpaceError on an unknown name, a value outside the dimension's bounds, or other
        bounds for what is idle.
        """
        dimensions = dict(self.dimensions)
        check_names(vary, dimensions, f"{table}.vary", self.name)
        check_names(fix, dimensions, f"{table}.fix", self.name)
        for name, bounds in vary.items():
            if name in fix:
                raise SpaceError(f"{table}.fix.{name}: is in {table}.vary too; keep one of the two")
            dimensions[name] = _rebound(f"{table}.vary.{name}", dimensions[name], bounds)
        fixed = dict(self.fixed)
        for name, value in fix.items():
            if isinstance(value, list | tuple):
                raise SpaceError(
                    f"{table}.fix.{name}: must be one value, not {shortened(list(value))}; what "
                    f"varies stands in {table}.vary"
                )
            fixed[name] = _checked(f"{table}.fix.{name}", dimensions.pop(name), value)
        for name, (switch, choices) in self.switches.items():
            left = getattr(dimensions.get(switch), "choices", (fixed.get(switch),))
            if set(left).isdisjoint(choices):
                if name in vary:
                    said = f"does nothing where {switch} is {_either(left)}; leave it out"
                    raise SpaceError(f"{table}.vary.{name}: {said}")
                dimensions.pop(name, None)
        return replace(self, dimensions=dimensions, fixed=fixed)

    def fingerprint(self) -> dict[str, str]:
        """Part -> what it is, as text: two spaces with the same fingerprint give a sample the
        same meaning. Kept with the study, so that a resumed one can be refused by name."""
        return {
            "space": self.name,
            "budget": str(self.frame.budget),
            "epochs": str(self.frame.epochs),
            "data": f"{self.frame.data.train}+{self.frame.data.test}",
            **({"bases": self.bases} if self.bases else {}),
            **{f"fix.{name}": repr(value) for name, value in sorted(self.fixed.items())},
            **{name: str(kind) for name, kind in sorted(self.dimensions.items())},
        }


def check_names(names: Iterable[str], dimensions: Iterable[str], field: str, space: str) -> None:
    """Raises SpaceError where one of `names`, given in `field`, is none of a space's dimensions."""
    for name in names:
        if name not in dimensions:
            owner = space if space == STAGE else f"the space {space!r}"
            said = f"{field}: {owner} has no dimension {shortened(name)}"
            listed = f"drilldown space {'stage' if space == STAGE else space}"
            other = "" if space == STAGE else _elsewhere(name)  # a stage has them all
            raise SpaceError(said + (other or suggest(name, dimensions, listed)))


def _elsewhere(name: str) -> str:
    """Who has such a dimension, as the end of a sentence; nothing where nobody does."""
    owners = owners_of(name)
    have = "has" if len(owners) == 1 else "have"
    return f"; only {' and '.join(owners)} {have} it" if owners else ""


def owners_of(name: str) -> list[str]:
    """All that have a dimension of this name, as people call them."""
    from spaces import SPACES  # which are made of what stands here
    from spaces.around import ALL_WIDTHS
    from spaces.catalogue import CATALOGUE

    spaces = {each: make(Frame(budget=10_000, epochs=15)) for each, make in SPACES.items()}
    found = [f"the space {each!r}" for each, made in spaces.items() if name in made.dimensions]
    return found + [f"{STAGE} of a drill"] * (name in {*CATALOGUE, ALL_WIDTHS})


def _rebound(field: str, old: Dimension, bounds: Any) -> Dimension:
    if not isinstance(bounds, list | tuple) or not bounds:
        raise SpaceError(f"{field}: must be a list of bounds or choices, not {shortened(bounds)}")
    checked = [_checked(field, old, bound) for bound in bounds]
    if isinstance(old, Choice):
        return Choice(checked)
    if len(checked) != 2 or checked[0] > checked[1]:
        raise SpaceError(f"{field}: must be [low, high], not {shortened(list(bounds))}")
    low, high = checked
    return type(old)(low, high, log=old.log)


def _checked(field: str, dimension: Dimension, value: Any) -> Any:
    """`value` as the dimension has it. The space's own bounds are those of sense (a rate above 0,
    a share up to 1): no study may leave them."""
    if isinstance(dimension, Choice):
        if value not in dimension.choices:
            known = _either(dimension.choices)
            if not isinstance(dimension.choices[0], str):
                known += " (choices, not a range)"
            raise SpaceError(f"{field}: must be {known}, not {shortened(value)}")
        return value
    whole = isinstance(dimension, Whole)
    kinds = (int,) if whole else (int, float)
    right = isinstance(value, kinds) and not isinstance(value, bool)
    if not right or not dimension.low <= value <= dimension.high:
        number = "a whole number" if whole else "a number"
        bounds = f"from {dimension.low} to {dimension.high}"
        raise SpaceError(f"{field}: must be {number} {bounds}, not {shortened(value)}")
    return value if whole else float(value)


def _either(choices: Iterable[Any]) -> str:
    return " or ".join(map(repr, choices))
