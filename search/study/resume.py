"""What `launch` is given: a packaged study, a study's file, or one that has been run, whose file it
needs no more."""

import difflib
import shlex
from collections.abc import Sequence

from mnist_core import packaged
from mnist_core.errors import UserError
from mnist_core.files import COMMANDS
from mnist_core.frozen import shortened
from mnist_core.paths import is_there
from search.study import runs, storage
from search.study.fingerprint import is_stage, launched_with
from search.study.settings import read
from search.study.spec import StudySpec, has_file
from search.study.spec import load as load_file
from search.study.studies import Studies
from search.text.commands import latest, program


def load(
    study: str, changes: Sequence[str], url: str | None
) -> tuple[str, StudySpec, tuple[str, ...]]:
    """(name, study, what `--set` says of it), as `search.study.spec.load`, or of a study in the
    storage at `url`, which keeps what it said before.

    changes: what `--set` says now.

    Raises UserError where it is none of these, or keeps no longer what it was launched with.
    """
    check_moved(study, "study", url)
    if has_file(study) or not storage.has_storage(url):
        return *load_file(study, changes), tuple(changes)
    studies = storage.open_storage(url, read_only=True)
    if not runs.there(studies, study):
        check_spelling(study, "study", packaged.names(packaged.STUDIES), studies)
        return *load_file(study, changes), tuple(changes)
    run = runs.find(studies, study)
    if run.kind == "drill":
        raise UserError(f"{study!r} is a drill; resume it with: drilldown drill {study}")
    (found,) = run.studies
    if is_stage(found):
        drill = runs.drill_of(study) or "NAME"
        raise UserError(
            f"study {study!r} is a stage of a drill; resume that: drilldown drill {drill}"
        )
    plan = launched_with(found, changes)
    if not any(read(text).key.partition(".")[0] == "start" for text in changes):
        plan = plan.changed(start=())  # what it began with, it has tried
    return study, plan, tuple(latest([*found.settings, *changes]))


def check_moved(given: str, what: str, url: str | None) -> None:
    """Of the path of a file. what: is wanted, `study` or `drill`.

    Raises UserError where it is gone, and one of its name has been run, which needs it no more.
    """
    path = packaged.path_of(given)
    if path is None or is_there(path) or not storage.has_storage(url):
        return
    studies = storage.open_storage(url, read_only=True)
    run = runs.find(studies, path.stem) if runs.there(studies, path.stem) else None
    if run is not None and run.kind == what and (what == "drill" or not is_stage(run.studies[0])):
        again = f"{program()} {COMMANDS[what]} {shlex.quote(run.name)}{storage.option(url)}"
        raise UserError(f"{path}: no such file; {run.said} has been run: {again}")


def check_spelling(given: str, what: str, come_along: Sequence[str], studies: Studies) -> None:
    """Of a name that nothing has. what: is wanted, `study` or `drill`; come_along: those that do.

    Raises UserError where the nearest name is of one that has been run.
    """
    run = {run.name for run in runs.every(studies) if run.kind == what} - {*come_along}
    near = difflib.get_close_matches(given, [*come_along, *run], n=1)
    if near and near[0] in run:
        raise UserError(
            f"no packaged {what} {shortened(given)}, and none that has been run; did you mean "
            f"{near[0]!r}? (the path of a {what}'s file ends in .toml)"
        )
