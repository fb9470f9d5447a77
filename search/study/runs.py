"""Runs by the names that people give them: a study, or a drill with the studies of its stages."""

import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from mnist_core import files, packaged
from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.paths import is_there
from search.study.fingerprint import is_stage
from search.study.folder import Kind
from search.study.names import STAGE
from search.study.studies import Studies
from search.study.study import Study


@dataclass(frozen=True)
class Run:
    """What was launched or drilled under a name."""

    name: str
    kind: Kind
    studies: tuple[Study, ...]
    """At least one; a drill's are those of its stages as far as it came, in their order."""

    @property
    def said(self) -> str:
        """As sentences call it."""
        return f"{self.kind} {self.name!r}"

    @property
    def first_is_gone(self) -> bool:
        """Whether it is a drill whose first stage somebody has deleted, and with it what the drill
        was launched with."""
        return self.kind == "drill" and stage_number(self.studies[0]) != 1

    def renamed(self, study: Study, name: str) -> str:
        """What a study of the run is called in a run of another name."""
        return name + study.name.removeprefix(self.name)


def stage_name(study: Study) -> str:
    """Of a drill's stage, without the drill's name and the stage's number."""
    match = STAGE.fullmatch(study.name)
    return match[3] if match else study.name


def stage_number(study: Study) -> int:
    """Of a drill's stage, counted from 1, as its name has it; 0 of what is not called as one."""
    match = STAGE.fullmatch(study.name)
    return int(match[2]) if match else 0


def of_drill(study: Study) -> str | None:
    """The drill that a study is a stage of; None where it is none."""
    return _stage_of(study)[0]


def resumed_by(study: Study) -> str:
    """The words that resume a study, or the drill that it is a stage of."""
    drill, _ = _stage_of(study)
    verb, name = ("launch", study.name) if drill is None else ("drill", drill)
    return f"{verb} {shlex.quote(name)}"


def drill_of(name: str) -> str | None:
    """The drill whose stage would be called so; None where it is no stage's name."""
    match = STAGE.fullmatch(name)
    return match[1] if match else None


def every(studies: Studies) -> list[Run]:
    """All runs that drilldown launched, in the order of their names."""
    found = [study for study in studies.all() if study.launched]
    grouped: dict[tuple[str, Kind], list[tuple[int, Study]]] = {}
    for study in found:
        drill, number = _stage_of(study)
        key: tuple[str, Kind] = (study.name, "study") if drill is None else (drill, "drill")
        grouped.setdefault(key, []).append((number, study))
    return [_run(name, kind, grouped[name, kind]) for name, kind in sorted(grouped)]


def find(studies: Studies, name: str) -> Run:
    """The run of this name; of a study and a drill the study.

    Raises UserError, with the nearest name, where there is none.
    """
    study = studies.find(name)
    if study is not None:
        return Run(name, "study", (study,))
    drills = set()
    stages = []
    known = studies.names()
    for found in known:
        match = STAGE.fullmatch(found)
        if match is None:
            continue
        drills.add(match[1])
        if match[1] == name:
            stage = studies.get(found)
            if is_stage(stage):
                stages.append((int(match[2]), stage))
    if stages:
        return _run(name, "drill", stages)
    if said := mistake(name, {*known, *drills}):
        raise UserError(said)
    listed = suggest(name, {*known, *drills}, "drilldown list")
    remedy = listed if known else "; none has been run yet"
    raise UserError(f"no study named {name!r} has been run{remedy}")


def mistake(given: str, known: Collection[str]) -> str | None:
    """What is said of something that is given instead of a run's name: a file, or the name of what
    comes along; None of all else. known: the names of all runs. It raises UserError where it cannot
    be told whether there is such a file."""
    path, typed = Path(given), shlex.quote(given)
    if packaged.path_of(given) and path.is_file():
        if path.stem in known:
            return f"{given} is a file, and a run goes by its name: did you mean {path.stem!r}?"
        kind, what = files.kind_of(path), "the file of a"
    else:
        kind, what = packaged.kind_of(given), "a"
    if kind is None:
        return None
    if kind == "config":
        return f"{given} {files.mistaken('study', kind, typed)}"
    run = f"drilldown {files.COMMANDS[kind]} {typed}"
    return f"{given} is {what} {kind} that has not been run; run it with: {run}"


def of_file(studies: Studies, path: Path) -> Run | None:
    """What has been run under the name of a study's or a drill's file, and is of its kind."""
    kind = files.kind_of(path) if is_there(path) and path.is_file() else None
    run = find(studies, path.stem) if kind and there(studies, path.stem) else None
    return run if run is not None and run.kind == kind else None


def there(studies: Studies, name: str) -> bool:
    """Whether a study or a drill has this name."""
    stages = (STAGE.fullmatch(each) for each in studies.names())
    return studies.find(name) is not None or any(match and match[1] == name for match in stages)


def _stage_of(study: Study) -> tuple[str | None, int]:
    """(name of its drill, its number), or (None, 0) where it is no drill's stage."""
    match = STAGE.fullmatch(study.name)
    if match is None or not is_stage(study):
        return None, 0
    return match[1], int(match[2])


def _run(name: str, kind: Kind, numbered: Iterable[tuple[int, Study]]) -> Run:
    return Run(name, kind, tuple(study for _, study in sorted(numbered, key=lambda each: each[0])))
