"""Configs that a study tries first, or that a drill starts from: by file, by the name of one that
comes along, or by the name of a study or a drill, whose best it is."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mnist_core import packaged, record
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.frozen import shortened
from mnist_core.goal import Goal
from mnist_core.paths import is_there
from search.study.settings import option
from search.study.spec import StudySpec, folder_of, has_file
from search.text.commands import program
from spaces import SPACES, Frame, SpaceError
from spaces.reading import sample_of
from spaces.widened import widened

if TYPE_CHECKING:
    from search.study.runs import Run
    from search.study.studies import Studies

Winner = Callable[["Studies", "Run"], Config]
"""What finds the winner of a drill, of which this room knows nothing. It raises UserError where
there is none."""


def planned(
    study: str, plan: StudySpec, typed: bool, url: str | None, winner: Winner
) -> dict[str, dict[str, Any]]:
    """What a study tries first, as samples of its space by name.

    study: as it was typed. typed: whether `--start` says them, instead of the study's file. url: of
    the storage. Raises UserError naming the first that cannot be tried, and why.
    """
    if not plan.start:
        return {}
    if typed or not has_file(study):  # where one goes on without its file, --set says them
        where, folder = "--start" if typed else "--set start", Path()
    else:
        where, folder = f"{study}: start", folder_of(study)
    found = find(plan.start, folder, url, where, winner)
    bases = {_name(word): _base(word, folder) for word in plan.start}
    return samples(found, plan, where, bases, url)


def find(
    words: Sequence[str], folder: Path, url: str | None, where: str, winner: Winner
) -> dict[str, Config]:
    """The configs that the words stand for, by name. folder: from which paths lead on. url: of the
    storage with the studies.

    Raises UserError naming the word, and `where` it stands.
    """
    found: dict[str, Config] = {}
    for word in words:
        file = _file(word, folder)
        name = _name(word)
        config = _best(word, url, where, winner) if file is None else _read(file, where)
        if found.setdefault(name, config) != config:
            raise UserError(f"{where}: two configs are called {name!r}; rename one's file")
    return found


def samples(
    configs: Mapping[str, Config],
    plan: StudySpec,
    where: str,
    bases: Mapping[str, str] = MappingProxyType({}),
    url: str | None = None,
) -> dict[str, dict[str, Any]]:
    """As what the configs are tried in the study's space. bases: what a drill's `base` calls each,
    where that is not its name. url: of the storage, where it was given.

    Raises UserError naming the first that lies outside, all that keeps it out, and what to type
    instead: what to set so that it lies within or, where nothing does that, a drill around it.
    """
    found, space = {}, plan.make_space()
    for name, config in configs.items():
        try:
            found[name] = sample_of(config, space)
        except SpaceError as error:
            remedy = _settings(config, plan)
            base = bases.get(name, name)
            way = f"start with: {option(remedy)}" if remedy else _drill(name, config, base, url)
            said = f"{error}; {way}, or leave it out"
            raise UserError(f"{where}: {name} is not in the study's space: {said}") from None
    return found


def _settings(config: Config, plan: StudySpec) -> list[str]:
    """What to set so that the study's space has the config; nothing where nothing does that."""
    for budget in _budgets(config.params, plan.goal.params):
        for widths in (False, True):
            with suppress(ValueError):  # a SpaceError, or pydantic's of a plan without such a space
                wanted = _with_room(plan, config, budget, widths)
                sample_of(config, wanted.make_space())
                return [f"{field}={value}" for field, value in _changes(plan, wanted)]
    return []


def _drill(name: str, config: Config, base: str, url: str | None) -> str:
    """What begins a drill with the config, which need not be in any space."""
    from search.study import storage  # which not every file that is read needs

    settings = [f"base={json.dumps([base])}"]
    budget = next(_budgets(config.params, Goal().params))
    if budget > Goal().params:
        settings.append(f"goal.params={budget}")
    run = re.sub(r"[^\w.-]+", "-", f"around-{Path(name).name}")
    return (
        "no --set makes room for it; drill around it instead: "
        f"{program()} drill {option(settings)} --name {run}{storage.option(url)}"
    )


def _budgets(params: int, budget: int) -> Iterator[int]:
    """What a goal can ask for so that a net of so many parameters may be in a space, whose nets use
    the budget: the study's own, else the roundest."""
    if params < budget:
        yield budget
    for step in (10_000, 1_000, 100, 10, 1):
        yield (params // step + 1) * step


def _with_room(plan: StudySpec, config: Config, budget: int, widths: bool) -> StudySpec:
    """The study for a budget, a config's epochs and data, and with room for what else it has.
    widths: see `widened`. Raises pydantic's ValidationError."""
    last = min(plan.goal.last, config.epochs)
    goal = plan.goal.changed(
        last=last, epochs=config.epochs, params=budget, judge=config.data.judge
    )
    space = plan.space
    whole = SPACES[space.name](Frame(budget, config.epochs, config.data)).dimensions
    vary, fix = widened(space.vary, space.fix, whole, config, widths)
    return plan.changed(goal=goal, data=config.data, space=space.changed(vary=vary, fix=fix))


def _changes(plan: StudySpec, wanted: StudySpec) -> Iterator[tuple[str, str]]:
    """What makes of a study the other one: field -> value, as `--set` has them."""
    for table in ("goal", "data"):
        for field, value in getattr(wanted, table):
            if value != getattr(getattr(plan, table), field) and (table, field) != (
                "data",
                "judge",
            ):
                yield f"{table}.{field}", str(value)
    for table in ("vary", "fix"):
        before = getattr(plan.space, table)
        for name, value in getattr(wanted.space, table).items():
            if value != before[name]:
                yield (
                    f"space.{table}.{name}",
                    value if isinstance(value, str) else json.dumps(value),
                )


def _name(word: str) -> str:
    """What the config is called that a word stands for."""
    return str(Path(word).with_suffix("")) if word.lower().endswith(".toml") else word


def _base(word: str, folder: Path) -> str:
    """What a drill's `base` calls it, wherever that one's own file is."""
    file = None if packaged.packaged_config(word) else _file(word, folder)
    return word if file is None else str(file.absolute())


def _file(word: str, folder: Path) -> Path | None:
    """None where a study is meant."""
    path = folder / word
    is_path = word.lower().endswith(".toml") or (word != "" and is_there(path) and path.is_file())
    return packaged.packaged_config(word) or (path if is_path else None)


def _read(file: Path, where: str) -> Config:
    try:
        return record.load(file).config
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _best(name: str, url: str | None, where: str, winner: Winner) -> Config:
    """Of the study or the drill of this name."""
    from search.study import runs, storage  # which not every file that is read needs

    studies = None
    if url or storage.has_storage():
        studies = storage.open_storage(url, read_only=True)
    study = studies.find(name) if studies else None
    if studies and study is None and runs.there(studies, name):
        try:
            return winner(studies, runs.find(studies, name))
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
    if study is None or not study.launched:
        known = [run.name for run in runs.every(studies)] if studies else []
        near = packaged.nearest_config(name, known)
        raise UserError(f"{where}: no config and no study named {shortened(name)}{near}")
    best = study.best()
    if best is None:
        raise UserError(f"{where}: study {name!r} has no complete trial yet, and so no best")
    return best.config
