"""A study's TOML: goal, space, sampler, pruner, number of trials."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from mnist_core.config import Data
from mnist_core.errors import UserError
from mnist_core.files import parsed, suggest
from mnist_core.frozen import Frozen, Positive, tuples
from search.choices import Choice, ChoiceError, make_pruner, make_sampler
from search.goal import Goal
from spaces import SPACES, Frame, Space, SpaceError

PACKAGED = resources.files("studies")


class SpaceChoice(Frozen):
    """`vary` narrows dimensions ([low, high] or choices), `fix` holds them at one value."""

    name: str
    vary: dict[str, tuple[Any, ...]] = {}
    fix: dict[str, float | str] = {}


class StudySpec(Frozen):
    """One study, as its TOML says it."""

    title: str = ""
    trials: Annotated[int, Field(ge=1, le=1_000_000)]
    """The study is over when so many are finished: complete, pruned or failed."""
    workers: Annotated[int, Field(ge=1, le=1024)] = 2
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    timeout: Positive | None = None
    """Seconds after which no further trial is started."""
    goal: Goal = Goal()
    data: Data = Data()
    space: SpaceChoice
    sampler: Choice = Choice(kind="tpe")
    pruner: Choice = Choice(kind="goal")

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        """Everything that a launch would trip over is said when the file is read."""
        self.make_space()
        for table, make in (
            ("sampler", lambda: make_sampler(self.sampler, self.seed, 0)),
            ("pruner", lambda: make_pruner(self.pruner, self.goal)),
        ):
            try:
                make()
            except ChoiceError as error:
                raise ValueError(f"{table}.{error}") from None
        return self

    def make_space(self) -> Space:
        """The space, narrowed as asked. Raises SpaceError (a ValueError) naming the field."""
        name = self.space.name
        if name not in SPACES:
            raise SpaceError(f"space.name: no space {name!r}{suggest(name, list(SPACES))}")
        frame = Frame(self.goal.params, self.goal.epochs, self.data)
        return SPACES[name](frame).narrowed(self.space.vary, self.space.fix)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises pydantic's ValidationError."""
        return cls.model_validate(tuples(dict(values)))


def changed(spec: StudySpec, options: Mapping[str, Any]) -> StudySpec:
    """The study with options of the command line instead of its own; None leaves one as it is."""
    given = {name: value for name, value in options.items() if value is not None}
    return spec.model_copy(update=given)


def packaged() -> dict[str, StudySpec]:
    """The studies that come with drilldown, by name."""
    names = sorted(
        file.name.removesuffix(".toml")
        for file in PACKAGED.iterdir()
        if file.name.endswith(".toml")
    )
    return {name: load(name)[1] for name in names}


def load(study: str) -> tuple[str, StudySpec]:
    """(name, study) for the name of a packaged study or the path of a TOML file.

    Raises UserError naming the file, the field and the remedy.
    """
    path = Path(study)
    if path.suffix != ".toml" and not path.exists():
        inside = PACKAGED / f"{study}.toml"
        if not study.isidentifier() and not study.replace("-", "_").isidentifier():
            raise UserError(f"{study!r} is neither a packaged study nor a TOML file")
        if not inside.is_file():
            known = [f.name.removesuffix(".toml") for f in PACKAGED.iterdir() if ".toml" in f.name]
            raise UserError(f"no packaged study {study!r}{suggest(study, known)}; a file ends .toml")
        path = Path(str(inside))
    return path.stem, parsed(path, StudySpec.from_dict, StudySpec)
