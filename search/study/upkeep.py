"""What a person does to a run that is there: delete, rename, copy, with its folder.

Nobody else runs it meanwhile. The steps are in such an order that a kill between any two leaves
something whole, or something that the same command finishes.
"""

import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import optuna

from mnist_core import record
from mnist_core.errors import UserError
from mnist_core.paths import runs_dir
from search.study import folder, identity, memo, rows, runs
from search.study.export import default_path, export
from search.study.identity import IDENTITY
from search.study.note import annotate
from search.study.ownership import OR_STOP, owned
from search.study.rows import Rescoring
from search.study.runs import Run
from search.study.session import held
from search.study.storage import check_name
from search.study.studies import Studies
from search.text.commands import command_for, program

log = logging.getLogger("drilldown")
Verb = Literal["delete", "rename", "copy"]


def whole(studies: Studies, name: str, verb: Verb, where: str = "") -> Run:
    """The run of this name, which can be deleted, renamed or copied.

    where: what a command needs to find the same storage. Raises UserError, with what to do instead,
    for a stage alone of a drill, and for what is left of a drill without its first stage, which can
    only be deleted.
    """
    run = runs.find(studies, name)
    drill = runs.of_drill(run.studies[0]) if run.kind == "study" else None
    if drill is not None:
        bound = (
            "without which it cannot go on" if verb == "copy" else "which cannot go on without it"
        )
        new = "" if verb == "delete" else " NEW"
        raise UserError(
            f"{name!r} is a stage of drill {drill!r}, {bound}; {verb} the whole: "
            f"{program()} {verb} {shlex.quote(drill)}{new}{where}"
        )
    if run.first_is_gone and verb != "delete":
        raise UserError(
            f"{run.said} cannot go on, as its first stage was deleted; delete the rest: "
            f"{program()} delete {shlex.quote(name)}{where}"
        )
    return run


def delete(studies: Studies, name: str) -> None:
    """Delete a run and its folder, unless that is another's.

    The folder goes first, and last of it what says whose it is: what a kill leaves is a study with
    the rest of its folder, which deletes like any other. Raises UserError as `whole`, and where
    somebody runs it.
    """
    with _held(studies, name, "delete") as run:
        if _has_folder(studies, run):
            folder.remove(name)
        elif (runs_dir() / name).exists():
            log.warning("%s: is left as it is: it holds results of another", runs_dir() / name)
        for study in reversed(run.studies):
            optuna.delete_study(study_name=study.name, storage=studies.storage)


def rename(studies: Studies, name: str, new: str) -> None:
    """Give a run, and its folder, another name; its identity stays.

    The folder is moved first: after a kill the same command finds it moved and goes on. Raises
    UserError as `whole`, where somebody runs it, and where the name is no safe one, or taken.
    """
    check_name(new, f"{new!r}:")
    with _held(studies, name, "rename") as run:
        moved = _was_moved(studies, run, new)
        _check_free(studies, new, folder_too=not moved)
        _sign(run)
        if not moved and _has_folder(studies, run):
            folder.claim(studies, name, run.kind, run.studies[0])
            folder.move(name, new)
        rows.rename(studies.storage.engine, _names(run, new))
        _settle(studies, run, new)


def copy(studies: Studies, name: str, new: str, rescoring: Rescoring | None = None) -> None:
    """Copy a run under another name, with an identity of its own; its trials stay ours.

    rescoring: another goal for the copy, whose best is exported anew instead of the folder copied.
    What a kill leaves is the whole study without some files of its folder. Raises UserError as
    `rename`.
    """
    check_name(new, f"{new!r}:")
    with _held(studies, name, "copy") as run:
        _check_free(studies, new)
        rows.copy(studies.storage.engine, _names(run, new), rescoring)
        folder.claim(studies, new, run.kind, runs.find(studies, new).studies[0])
        if rescoring is None and _has_folder(studies, run):
            folder.copy(name, new)
        _settle(studies, run, new)


def note(studies: Studies, name: str, text: str) -> None:
    """Keep what a person notes of a run (of a drill, with its first stage), which may run: then the
    dashboard has it from the next best trial on. Empty text clears it. Raises UserError where it is
    too long."""
    study = runs.find(studies, name).studies[0]
    memo.write(study, text)
    with suppress(UserError), owned(study, studies, OR_STOP):
        annotate(study, command_for(default_path(study.name)))


@contextmanager
def _held(studies: Studies, name: str, verb: Verb) -> Iterator[Run]:
    """The run, which nobody else runs as long as this lasts."""
    run = whole(studies, name, verb)
    for study in run.studies:
        study.goal  # noqa: B018 - refuses another program's
    with held(studies, run):
        now = runs.find(studies, name)  # as it has come to be until nobody else had it
        if [study.name for study in now.studies] != [study.name for study in run.studies]:
            raise UserError(f"{run.said} has just been run on by another process; try again")
        yield now


def _sign(run: Run) -> None:
    """Have a run of an older version say who it is, by which its folder is known again."""
    for study in run.studies:
        if study.identity is None:
            study.keep(IDENTITY, identity.made(study.name, study.size))


def _names(run: Run, new: str) -> dict[str, str]:
    return {study.name: run.renamed(study, new) for study in run.studies}


def _has_folder(studies: Studies, run: Run) -> bool:
    return folder.is_ours(studies, run.name, run.kind, run.studies[0])


def _was_moved(studies: Studies, run: Run, new: str) -> bool:
    """Whether a kill has left the run's folder under its new name."""
    ours, marked = run.studies[0].identity, folder.marked(new)
    if ours is None or marked is None or (runs_dir() / run.name).exists():
        return False
    return (marked.kind, marked.identity) == (run.kind, ours.id)


def _check_free(studies: Studies, new: str, folder_too: bool = True) -> None:
    if runs.there(studies, new):
        raise UserError(f"{new!r} is there already; delete that first, or take another name")
    if folder_too and (runs_dir() / new).exists():
        raise UserError(f"{runs_dir() / new} is there already; move it away, or take another name")


def _settle(studies: Studies, before: Run, new: str) -> None:
    """Have the folder and the notes say what the run is called now."""
    run = runs.find(studies, new)
    if (runs_dir() / new).is_dir():
        folder.claim(studies, new, run.kind, run.studies[0])
        for path in sorted((runs_dir() / new).glob("*.toml")):
            _rename_origin(path, before, new)
    for study in run.studies:
        if not study.launched:
            continue
        path = default_path(study.name)
        if run.kind == "study" and study.best() is not None and not path.exists():
            export(study, None, path)
        annotate(study, command_for(path))


def _rename_origin(path: Path, before: Run, new: str) -> None:
    with suppress(UserError):  # whatever else a person has put there
        kept = record.load(path)
        for study in before.studies:
            if kept.origin is not None and kept.origin.study == study.name:
                origin = kept.origin.changed(study=before.renamed(study, new))
                record.save(path, kept.changed(origin=origin))
