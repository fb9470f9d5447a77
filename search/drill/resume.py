"""What `drill` is given: a packaged drill, a drill's file, or one that has been run, whose file it
needs no more."""

from collections.abc import Sequence

from pydantic import ValidationError

from mnist_core import packaged
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.files import explain
from search.drill.spec import DrillSpec
from search.drill.spec import load as load_file
from search.study import runs, storage
from search.study.resume import check_moved, check_spelling
from search.study.settings import applied
from search.study.study import Study
from search.text.commands import latest, program

_DRILL = "drilldown:drill"  # with the study of the first stage: the whole table, and its bases


def keep(first: Study, spec: DrillSpec, bases: dict[str, Config]) -> None:
    """Have a drill's first stage say what its latest launch said. bases: of that stage, by name;
    none where it starts from a plain recipe."""
    table = {
        "spec": spec.model_dump(mode="json", exclude_none=True),
        "bases": {name: config.to_dict() for name, config in bases.items()},
    }
    if first.kept(_DRILL) != table:
        first.keep(_DRILL, table)


def load(
    drill: str, changes: Sequence[str], url: str | None
) -> tuple[str, DrillSpec, dict[str, Config], tuple[str, ...]]:
    """(name, drill, bases of the first stage, what `--set` says of it), as
    `search.drill.spec.load`, or of a drill in the storage at `url`, which keeps what it said
    before.

    changes: what `--set` says now.

    Raises UserError where it is none of these, or keeps no longer what it was launched with.
    """
    check_moved(drill, "drill", url)
    known = drill in packaged.names(packaged.DRILLS) or packaged.path_of(drill) is not None
    if known or not storage.has_storage(url):
        return *load_file(drill, changes, url), tuple(changes)
    studies = storage.open_storage(url, read_only=True)
    if not runs.there(studies, drill):
        check_spelling(drill, "drill", packaged.names(packaged.DRILLS), studies)
        return *load_file(drill, changes, url), tuple(changes)
    run = runs.find(studies, drill)
    if run.kind == "study":
        raise UserError(f"{drill!r} is a study; resume it with: drilldown launch {drill}")
    first = run.studies[0]
    settings = tuple(latest([*first.settings, *changes]))
    return drill, *told(drill, first, changes), settings


def told(
    drill: str, first: Study, changes: Sequence[str] = ()
) -> tuple[DrillSpec, dict[str, Config]]:
    """(drill, bases of the first stage) as its latest launch said. first: the study of that stage.

    Raises UserError where it is another's, as that was deleted, or does not keep that, or it cannot
    be read.
    """
    if runs.stage_number(first) != 1:
        raise UserError(
            f"drill {drill!r} cannot go on: its first stage, which kept its file, was deleted; "
            f"drill its file under another --name, or delete the rest: {program()} delete {drill}"
        )
    table = first.kept(_DRILL)
    if not isinstance(table, dict):
        raise UserError(
            f"drill {drill!r} does not keep its file, as it was run by an older version; resume it "
            f"with: drilldown drill FILE.toml --name {drill}"
        )
    try:
        bases = {name: Config.from_dict(config) for name, config in table["bases"].items()}
        return applied(changes, DrillSpec.from_dict, DrillSpec)(table["spec"]), bases
    except ValidationError as error:
        said = explain(error, DrillSpec, Config, values=table["spec"])
        raise UserError(
            f"drill {drill!r} was launched with what cannot be read now: "
            f"{said}; drill its TOML file under another --name"
        ) from None
