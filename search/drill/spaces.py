"""What can vary under a name: a space, a study, a drill or one stage of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mnist_core import packaged
from mnist_core.config import Data
from mnist_core.errors import UserError
from mnist_core.files import read_toml, suggest
from mnist_core.frozen import shortened
from mnist_core.goal import Goal
from search.drill import resume as drills
from search.drill.spec import DrillSpec, Stage
from search.study import resume as studies
from search.study import runs, storage
from spaces import SPACES, Frame, Space
from spaces.around import ALL_WIDTHS
from spaces.catalogue import WIDTH_NAMES, all_dimensions, switches
from spaces.dimensions import Dimension

STAGE = "stage"
"""The name of all that a stage of a drill can vary."""
_FOLDERS = {"study": packaged.STUDIES, "drill": packaged.DRILLS}


@dataclass(frozen=True)
class Offer:
    """The dimensions that there are, and what a study or a stage makes of them."""

    name: str
    kind: Literal["space", "study", "stage"]
    goal: Goal
    data: Data
    whole: Mapping[str, Dimension]
    """All, within the bounds of sense."""
    left: Mapping[str, Dimension]
    """Those that vary, within the bounds that are left."""
    fixed: Mapping[str, Any]
    switches: Mapping[str, tuple[str, Sequence[str]]]
    """Dimension -> (another, the choices of it without which it is idle)."""


def find(name: str, changes: Sequence[str], url: str | None) -> list[Offer]:
    """Of a drill one offer a stage, of all else a single one.

    name: of a space, `STAGE`, a study, a drill or a stage of it (`shallow.2.regularisation`), or
    the path of a file. changes: what `--set` says of it. url: of the storage with what has been
    run. Raises UserError, with the nearest name, where there is nothing of this name, and what
    reading the file raises.
    """
    if name in SPACES or name == STAGE:
        if changes:
            raise UserError(f"--set: {name} is a space; --set is for what a study's file says")
        return [_of_space(name)]
    drill = runs.drill_of(name)
    if drill is not None and _kind(drill, url) == "drill":
        return [_stage_of(drill, name, changes, url)]
    kind = _kind(name, url)
    if kind == "study":
        return [_of_study(name, changes, url)]
    if kind == "drill":
        stem, spec, bases, _ = drills.load(name, changes, url)
        return list(_of_drill(stem, spec, bases))
    packaged.check_kind(name, "study")
    known = [
        *SPACES,
        STAGE,
        *(name for folder in _FOLDERS.values() for name in packaged.names(folder)),
    ]
    known += _run(url)
    raise UserError(
        f"no space, study or drill {shortened(name)}{suggest(name, known, 'drilldown list')} "
        "(the path of a file ends in .toml)"
    )


def _kind(name: str, url: str | None) -> str | None:
    """`study`, `drill`, or None where there is nothing of this name."""
    for kind, folder in _FOLDERS.items():
        if name in packaged.names(folder):
            return kind
    path = packaged.path_of(name)
    if path is not None:
        return "drill" if "stage" in read_toml(path) else "study"
    if not storage.has_storage(url):
        return None
    opened = storage.open_storage(url, read_only=True)
    return runs.find(opened, name).kind if runs.there(opened, name) else None


def _run(url: str | None) -> list[str]:
    if not storage.has_storage(url):
        return []
    return [run.name for run in runs.every(storage.open_storage(url, read_only=True))]


def _of_space(name: str) -> Offer:
    """As it is where a study says nothing of it, under the goal that is the default."""
    goal = Goal()
    frame = Frame(goal.params, goal.epochs)
    if name == STAGE:
        known = all_dimensions(frame)
        return Offer(name, "space", goal, frame.data, known, known, {}, switches())
    space = SPACES[name](frame)
    kinds = space.dimensions
    return Offer(name, "space", goal, frame.data, kinds, kinds, {}, space.switches)


def _of_study(name: str, changes: Sequence[str], url: str | None) -> Offer:
    stem, spec, _ = studies.load(name, changes, url)
    whole, space = SPACES[spec.space.name](spec.frame), spec.make_space()
    return Offer(
        stem,
        "study",
        spec.goal,
        spec.data,
        whole.dimensions,
        space.dimensions,
        space.fixed,
        space.switches,
    )


def _of_drill(name: str, spec: DrillSpec, bases: Mapping[str, Any]) -> Iterator[Offer]:
    for number, stage in enumerate(spec.stage, start=1):
        # Of later stages the bases are not known yet; those that stand in leave nothing idle.
        around = bases or {"plain": spec.plain()} if number == 1 else spec.stand_ins()
        space = spec.study(number, around).make_space()
        yield _of_stage(f"{name}.{number}.{stage.name}", spec, stage, space)


def _of_stage(name: str, spec: DrillSpec, stage: Stage, space: Space) -> Offer:
    known = all_dimensions(space.frame)
    varied = {*stage.vary, *(WIDTH_NAMES if ALL_WIDTHS in stage.vary else ())}
    left = {each: kind for each, kind in space.dimensions.items() if each in varied}
    return Offer(name, "stage", spec.goal, spec.data, known, left, stage.fix, space.switches)


def _stage_of(drill: str, name: str, changes: Sequence[str], url: str | None) -> Offer:
    stem, spec, bases, _ = drills.load(drill, changes, url)
    offers = {offer.name: offer for offer in _of_drill(stem, spec, bases)}
    if name not in offers:
        raise UserError(f"drill {drill!r} has no stage {shortened(name)}{suggest(name, offers)}")
    return offers[name]
