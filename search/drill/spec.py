"""A drill's TOML: a goal, and the stages that go down to it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from mnist_core import packaged
from mnist_core.config import Config, Data
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.files import explain, parsed
from mnist_core.frozen import Frozen, shortened, tuples
from mnist_core.goal import Goal, check_percent
from mnist_core.seeds import derived_seed
from search.study import settings, starts
from search.study.spec import Images, Plan, Searching, Seed, Workers, array
from spaces import Frame, Space, around, free, layouts

if TYPE_CHECKING:
    from search.study.runs import Run
    from search.study.studies import Studies


def _bounds(given: Any) -> Any:
    if isinstance(given, str) and given != around.ALL:
        raise ValueError(f"must be {around.ALL!r} or an array, not {shortened(given)}")
    return given if isinstance(given, str) else array(given)


class Stage(Searching):
    """One step down: which dimensions vary around the winners of the stage before."""

    name: Annotated[str, Field(json_schema_extra={"add": 'name = "optimizer"'})]
    keep: Annotated[int, Field(ge=1, le=100)] = 2
    """How many winners the next stage starts from; of the last stage, how many are finalists."""
    vary: Annotated[
        dict[str, Annotated[Literal["all"] | tuple[Any, ...], BeforeValidator(_bounds)]],
        Field(json_schema_extra={"add": "[stage.vary] with lr = [0.05, 0.5], or what else varies"}),
    ]
    fix: dict[str, Any] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _can_be_part_of_a_studys_name(cls, name: str) -> str:
        if not re.fullmatch(r"\w[\w-]{0,40}", name):
            raise ValueError(f"must be at most 41 letters, digits, - and _, not {shortened(name)}")
        return name

    @field_validator("vary")
    @classmethod
    def _varies_something(cls, vary: dict[str, Any]) -> dict[str, Any]:
        if not vary:
            raise ValueError("is empty; name what the stage varies, or leave the stage out")
        return vary


class StageStudy(Plan):
    """A stage as it can be launched: its space lies around configs."""

    stage: Stage
    bases: dict[str, Config]
    table: str
    """Where the stage stands in its file, as messages name it."""

    def make_space(self) -> Space:
        return around.make(self.bases, self.frame, self.stage.vary, self.stage.fix, self.table)


class DrillSpec(Frozen):
    """One drill, as its TOML says it."""

    model_config = ConfigDict(
        json_schema_extra={
            "foreign": {"space": "a drill has no [space]; what varies stands in [stage.vary]"}
        }
    )
    title: str = ""
    workers: Workers = None
    engine: Wanted = "auto"
    seed: Seed = 0
    confirm: Annotated[int, Field(ge=0, le=100)] = 2
    """On how many further seeds the finalists are trained in the end."""
    goal: Goal = Goal()
    data: Images = Data()
    base: tuple[str, ...] = ()
    """Configs that the first stage starts from, as `search.study.starts` finds them; a plain recipe
    where there are none. Files stand beside the drill's, or in a folder named from there."""
    stage: Annotated[
        tuple[Stage, ...],
        Field(min_length=1, json_schema_extra={"add": "[[stage]] with name, trials and vary"}),
    ]

    @model_validator(mode="after")
    def _stages_can_be_made(self) -> Self:
        """What a stage would trip over is said when the file is read, as far as that can be known
        without the bases that it will have."""
        check_percent(self.goal)
        names = [stage.name for stage in self.stage]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"stage: two stages are called {name!r}; rename one")
        layouts.check_budget(self.goal.params)
        for number in range(1, len(self.stage) + 1):
            self.study(number, self.stand_ins())
        return self

    def study(self, number: int, bases: Mapping[str, Config]) -> StageStudy:
        """The stage of this number, from 1, around these configs.

        Raises ValueError, in one line that names the field, where they do not fit together.
        """
        stage = self.stage[number - 1]
        table = f"stage.{stage.name}"  # as `--set` has it too
        try:
            return StageStudy(
                title=f"{self.title} (stage {number}: {stage.name})",
                trials=stage.trials,
                timeout=stage.timeout,
                until_held=stage.until_held,
                sampler=stage.sampler,
                pruner=stage.pruner,
                search=stage.search,
                workers=self.workers,
                engine=self.engine,
                seed=derived_seed(self.seed, number),
                goal=self.goal,
                data=self.data,
                stage=stage,
                bases=dict(bases),
                table=table,
            )
        except ValidationError as error:
            said = explain(error, StageStudy)
            which = "" if said.startswith(table) else f" (stage {stage.name!r})"
            raise ValueError(f"{said}{which}") from None

    def plain(self) -> Config:
        """What the first stage starts from where no base is named."""
        return free.plain(Frame(self.goal.params, self.goal.epochs, self.data))

    def stand_ins(self) -> dict[str, Config]:
        """For bases not yet known: all that a stage may vary does something in one of the two."""
        plain = self.plain()
        other = {"schedule": {"kind": "step", "size": 1, "gamma": 0.1}}
        averaged = {"averaging": {"kind": "ema", "decay": 0.9}}
        return {
            "one": plain,
            "another": Config.from_dict({**plain.to_dict(), **other, **averaged}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises pydantic's ValidationError."""
        return cls.model_validate(tuples(dict(values)))


def load(
    drill: str, changes: Sequence[str] = (), url: str | None = None
) -> tuple[str, DrillSpec, dict[str, Config]]:
    """(name, drill, bases of the first stage) for the path of a file, which ends in .toml, or the
    name of a packaged drill.

    changes: what `--set` says instead of the file. url: of the storage, for bases that are studies'
    best. Raises UserError naming the file, the field and the remedy.
    """
    path = packaged.find(drill, packaged.DRILLS, "drill")
    parse = settings.applied(changes, DrillSpec.from_dict, DrillSpec)
    spec = parsed(path, parse, DrillSpec, what="drill")
    bases = starts.find(spec.base, path.parent, url, f"{path}: base", _winner)
    try:
        spec.study(1, bases or {"plain": spec.plain()})
    except ValueError as error:
        said = settings.blamed(changes, str(error), spec.model_dump()) or f"{path}: {error}"
        raise UserError(said) from None
    return path.stem, spec, bases


def started(
    spec: DrillSpec, words: Sequence[str], changes: Sequence[str], url: str | None
) -> tuple[DrillSpec, dict[str, Config]]:
    """(drill, bases of the first stage) with the configs that `--start` names, instead of the base
    of its file. changes: what `--set` says besides. url: see `load`.

    Raises UserError naming what cannot be found, or started from.
    """
    for key in (settings.read(text).key for text in changes):
        if key.partition(".")[0] == "base":
            raise UserError(f"--set {key}: --start says that too; keep one of the two")
    bases = starts.find(words, Path(), url, "--start", _winner)
    spec = spec.changed(base=tuple(words))
    try:
        spec.study(1, bases)
    except ValueError as error:
        raise UserError(f"--start: {str(error).removeprefix('base: ')}") from None
    return spec, bases


def _winner(studies: "Studies", run: "Run") -> Config:
    from search.drill import kept  # which reads drills, and so needs what is above

    return kept.winner(studies, run)


def come_along() -> dict[str, DrillSpec]:
    """The drills that come with drilldown, by name."""
    return {name: load(name)[1] for name in packaged.names(packaged.DRILLS)}
