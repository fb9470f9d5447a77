"""What a launch is told of a study, and a study's TOML, which says it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from mnist_core import packaged
from mnist_core.config import Data
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.files import explain, parsed, suggest
from mnist_core.frozen import Frozen, Positive, shortened, tuples
from mnist_core.goal import Goal, check_percent
from search.study import settings
from search.study.pruners import GoalPruning, Pruner
from search.study.rungs import Search
from search.study.samplers import Sampler, Tpe
from spaces import SPACES, Frame, Space, SpaceError

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

Spec = TypeVar("Spec", bound=Frozen)


def _number_or_auto(given: Any) -> Any:
    if isinstance(given, str) and given != "auto":
        raise ValueError(f'must be a whole number or "auto", not {shortened(given)}')
    return None if given == "auto" else given


def array(given: Any) -> Any:
    """What a `vary` says of a dimension. Raises ValueError, with the remedy, where it is none."""
    if not isinstance(given, list | tuple):
        several = isinstance(given, dict) or len(str(given).replace(",", " ").split()) > 1
        held = "" if several else "; what is held at one value stands in fix"
        raise ValueError(f"must be an array, not {shortened(given)}{held}")
    return given


_Array = Annotated[tuple[Any, ...], BeforeValidator(array)]


def _as_the_goal_says(given: Any, known: ValidationInfo) -> Any:
    """Raises ValueError where a table names another judge than the goal."""
    goal: Goal | None = known.data.get("goal")  # none where it is at fault itself
    if goal is None:
        return given
    if isinstance(given, Data):
        return given.judged_by(goal.judge)
    if not isinstance(given, Mapping):
        return given
    if given.get("judge", goal.judge) != goal.judge:
        raise ValueError(
            f"judge = {shortened(given['judge'])} is for the goal to say: goal.judge (now "
            f"{goal.judge!r})"
        )
    return {**given, "judge": goal.judge}


def _numbers(data: Data) -> dict[str, int]:
    return {"train": data.train, "test": data.test}


Images = Annotated[Data, BeforeValidator(_as_the_goal_says), PlainSerializer(_numbers)]
"""What all configs are trained on and judged by: how many stands in `data`, by what in the `goal`,
which is a field before it."""
Trials = Annotated[int, Field(ge=1, le=1_000_000, json_schema_extra={"add": "trials = 60"})]
Workers = Annotated[
    Annotated[int, Field(ge=1, le=1024)] | None,
    BeforeValidator(_number_or_auto),
]
"""None, which is written "auto", is as many as there are cores."""
Seed = Annotated[int, Field(ge=0, lt=2**63)]
_OF_A_LAUNCH = ("trials", "timeout", "until_held", "until_confirmed", "workers", "engine")
"""What options of the command line say of one launch, and no study keeps."""


class Searching(Frozen):
    """How many trials there are, and how they are chosen."""

    trials: Trials
    """The study is over when so many are finished: complete, pruned or failed."""
    timeout: Positive | None = None
    """Seconds after which no further trial is started."""
    until_held: bool = False
    """Whether no further trial is started either once one holds the goal."""
    sampler: Sampler = Tpe()
    pruner: Pruner = GoalPruning()
    search: Search | None = None
    """None, and no rungs, leave all to these two."""


class Plan(Searching, ABC):
    """One study as it can be launched, whatever its space is made of."""

    title: str = ""
    until_confirmed: bool = False
    """Whether its configs are tried on fresh seeds meanwhile, and it ends once one is confirmed."""
    workers: Workers = None
    engine: Wanted = "auto"
    seed: Seed = 0
    goal: Goal = Goal()
    data: Images = Data()

    @abstractmethod
    def make_space(self) -> Space:
        """The space, narrowed as asked. Raises ValueError, in a line that names the field."""

    @property
    def frame(self) -> Frame:
        """What every config of the space has in common."""
        return Frame(self.goal.params, self.goal.epochs, self.data)

    def make_pruner(self) -> "BasePruner":
        """What stops trials: the pruner, and the rungs where there are any."""
        pruner = self.pruner.make(self.goal)
        return self.search.pruner(self.goal, pruner) if self.search else pruner

    def make_sampler(self, trial: int) -> "BaseSampler":
        """What chooses the trial of this number."""
        sampler = self.sampler.make(self.seed, trial)
        return self.search.sampler(self.goal, sampler, self.seed, trial) if self.search else sampler

    @model_validator(mode="after")
    def _can_be_launched(self) -> Self:
        """What a launch would trip over is said when the file is read."""
        check_percent(self.goal)
        if self.search:
            self.search.check(self.goal)
        self.make_space()
        return self


class SpaceChoice(Frozen):
    """`vary` narrows dimensions ([low, high] or choices), `fix` holds them at one value."""

    name: Annotated[str, Field(json_schema_extra={"add": 'name = "open"'})]
    vary: dict[str, _Array] = Field(default_factory=dict)
    fix: dict[str, Any] = Field(default_factory=dict)


class StudySpec(Plan):
    """One study, as its TOML says it."""

    model_config = ConfigDict(
        json_schema_extra={
            "foreign": {
                "stage": "a study has no [[stage]]; a file of stages, with no [space], is a drill"
            }
        }
    )
    space: Annotated[SpaceChoice, Field(json_schema_extra={"add": '[space] with name = "open"'})]
    start: tuple[str, ...] = ()
    """Configs that are tried first, as `search.study.starts` finds them; files stand beside the
    study's."""

    def make_space(self) -> Space:
        name = self.space.name
        if name not in SPACES:
            raise SpaceError(f"space.name: no space {shortened(name)}{suggest(name, SPACES)}")
        return SPACES[name](self.frame).narrowed(self.space.vary, self.space.fix)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises pydantic's ValidationError."""
        return cls.model_validate(tuples(dict(values)))


def changed(spec: Spec, options: Mapping[str, Any], apart: Sequence[str] = ()) -> Spec:
    """The study (or drill) with options of the command line instead of its own; None leaves one
    as it is.

    apart: what `--set` says, which is something else. Raises UserError naming the option.
    """
    settings.check_apart(apart, options)
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return spec.changed(**given)
    except ValidationError as error:
        raise UserError(f"--{explain(error, type(spec))}") from None


def options(now: Frozen, kept: Frozen) -> str:
    """What a launch (or a drill) was told for itself alone, as it is typed, each behind a blank:
    in what it is other than what is kept."""
    said = ""
    for name in _OF_A_LAUNCH:
        value = getattr(now, name, None)
        if value != getattr(kept, name, None):
            flag = name.replace("_", "-")
            no = "no-" if value is False else ""
            said += f" --{no}{flag}" if isinstance(value, bool) else f" --{flag} {value or 'auto'}"
    return said


def come_along() -> dict[str, StudySpec]:
    """The studies that come with drilldown, by name."""
    return {name: load(name)[1] for name in packaged.names(packaged.STUDIES)}


def load(study: str, changes: Sequence[str] = ()) -> tuple[str, StudySpec]:
    """(name, study) for the path of a file, which ends in .toml, or the name of a packaged study.

    changes: what `--set` says instead of the file. Raises UserError naming the file, the field and
    the remedy.
    """
    path = packaged.find(study, packaged.STUDIES, "study")
    parse = settings.applied(changes, StudySpec.from_dict, StudySpec)
    return path.stem, parsed(path, parse, StudySpec, what="study")


def has_file(study: str) -> bool:
    """Whether it comes along or is a path; else it can only be one that has been run."""
    return study in packaged.names(packaged.STUDIES) or packaged.path_of(study) is not None


def folder_of(study: str) -> Path:
    """Of the file that `load` reads, from which the paths in it lead on."""
    return packaged.find(study, packaged.STUDIES, "study").parent
