"""The folder of a run's results, which belongs to one study or one drill.

Two storages, or a study and a drill, may have the same name and would write over each other's best.
So the folder says whose it is, and whoever is another does not begin.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from mnist_core import record
from mnist_core.errors import UserError
from mnist_core.outputs import write_whole
from mnist_core.paths import make_folder, runs_dir
from search.study.studies import Studies
from search.study.study import Study

Kind = Literal["study", "drill"]
_MARK, _BEST = "run.json", "best.toml"


@dataclass(frozen=True)
class Tenant:
    """Whose a folder is. identity: of the study, or of a drill's first stage; None where that is
    still to be made, or older than identities. storage: see `Studies.place`; of a file among the
    runs, only from there, so that a copy of all of them is a whole."""

    kind: Kind
    name: str
    identity: str | None
    storage: str


def check(studies: Studies, name: str, kind: Kind = "study", study: Study | None = None) -> Tenant:
    """Whose the folder of this name is to be. study: the first stage that there is of a drill, if
    any; for a study it is found by its name.

    Raises UserError, saying what is there, where the folder is another's.
    """
    place = _folder(name)
    if place.exists() and not place.is_dir():
        raise UserError(f"{place}: cannot be made: a file is in the way")
    found = study if kind == "drill" else studies.find(name)
    us = Tenant(kind, name, _identity(name, kind, found), _seen_from_runs(studies.place))
    there = _tenant(name)
    if there is None:
        if (_folder(name) / _BEST).exists() and not _is_from(studies, us):
            raise _taken(us, f"a {_BEST} that is no trial of this {kind}")
    elif not _same(us, there):
        raise _taken(us, f"the results of {there.kind} {there.name!r} in {there.storage}")
    return us


def is_ours(studies: Studies, name: str, kind: Kind = "study", study: Study | None = None) -> bool:
    """Whether the folder of this name is there, and not another's; the rest as `check`."""
    try:
        check(studies, name, kind, study)
    except UserError:
        return False
    return _folder(name).is_dir()


def claim(studies: Studies, name: str, kind: Kind = "study", study: Study | None = None) -> None:
    """Say in the folder whose it is; where the study has no identity it stays as it is.

    Raises UserError as `check`, and where the folder cannot be written.
    """
    us = check(studies, name, kind, study)
    if us.identity is not None and us != _tenant(name):
        make_folder(_folder(name))
        write_whole(_folder(name) / _MARK, json.dumps(asdict(us), indent=1).encode())


def marked(name: str) -> Tenant | None:
    """Whose the folder of this name says that it is."""
    return _tenant(name)


def remove(name: str) -> None:
    """Delete the folder of this name and all in it, last what says whose it is; of a symbolic link
    only that. Raises UserError where something cannot be deleted."""
    place = _folder(name)
    with _faults(place, "deleted"):
        if place.is_symlink():
            place.unlink()
            return
        for path in place.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != _MARK:
                path.unlink()
        (place / _MARK).unlink(missing_ok=True)
        place.rmdir()


def move(name: str, new: str) -> None:
    """Give the folder of this name another one, that no folder has."""
    with _faults(_folder(name), "moved"):
        _folder(name).rename(_folder(new))


def copy(name: str, new: str) -> None:
    """Copy what is in the folder of this name into the new one, but for what says whose it is."""
    with _faults(_folder(name), "copied"):
        shutil.copytree(
            _folder(name),
            _folder(new),
            symlinks=True,
            ignore=lambda *_: {_MARK},
            dirs_exist_ok=True,
        )


@contextmanager
def _faults(place: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, shutil.Error) as error:
        said = getattr(error, "strerror", None) or "some of its files were refused"
        where = getattr(error, "filename", None) or place
        raise UserError(f"{where}: cannot be {what}: {said}") from None


def _folder(name: str) -> Path:
    return runs_dir() / name


def _identity(name: str, kind: Kind, study: Study | None) -> str | None:
    """By which the folder is known; None where that is still to be made. Of a drill whose first
    stage somebody has deleted nothing but the folder still says it."""
    if study is None:
        return None
    if kind == "drill" and not study.name.startswith(f"{name}.1."):
        there = _tenant(name)
        return there.identity if there is not None and there.name == name else None
    return study.identity.id if study.identity else None


def _tenant(name: str) -> Tenant | None:
    """None where the folder does not say whose it is."""
    with suppress(OSError, ValueError, TypeError):
        return Tenant(**json.loads((_folder(name) / _MARK).read_bytes()))
    return None


def _same(us: Tenant, there: Tenant) -> bool:
    """The same in another place was moved there, unless it is still where it was: then one is a
    copy of the other."""
    if (us.kind, us.identity) != (there.kind, there.identity):
        return False
    if us.storage == there.storage:
        return True
    before, now = runs_dir() / there.storage, runs_dir() / us.storage
    return not before.is_file() or (now.is_file() and before.samefile(now))


def _seen_from_runs(place: str) -> str:
    runs = runs_dir().resolve()
    return str(Path(place).relative_to(runs)) if Path(place).is_relative_to(runs) else place


def _is_from(studies: Studies, us: Tenant) -> bool:
    """Whether the best that a version without marks left is a trial of ours."""
    try:
        kept = record.load(_folder(us.name) / _BEST)
    except UserError:
        return False
    origin, expected = kept.origin, kept.expected
    if origin is None or expected is None or (origin.study == us.name) != (us.kind == "study"):
        return False
    study = studies.find(origin.study)
    return (
        study is not None
        and study.launched
        and any(
            (trial.number, trial.test_acc) == (origin.trial, expected.test_acc)
            for trial in study.trials()
        )
    )


def _taken(us: Tenant, what: str) -> UserError:
    return UserError(
        f"{_folder(us.name)} holds {what}; move that folder away, or use another --name"
    )
