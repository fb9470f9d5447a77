"""The names of what has been run, as fast as a shell wants them that completes a word: without
Optuna, which takes a second to load."""

import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote

from mnist_core.errors import UserError
from mnist_core.paths import is_there, runs_dir

STAGE = re.compile(r"(.+)\.([1-9]\d*)\.(\w[\w-]*)")
"""What a drill's stage is called: the drill, the stage's number from 1, its own name."""
_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///([^?]+)")


def known(url: str | None = None) -> list[str]:
    """Of studies, and of drills by the names of their stages, in the order of the alphabet; of an
    SQLite file only, and none where it cannot be read."""
    found: set[str] = set()
    with suppress(OSError, UserError, sqlite3.Error):
        path = _file(url or os.environ.get("DRILLDOWN_STORAGE"))
        if path is not None and path.is_file():
            # A reader leaves files of its own, unless there is no log that it would have to read.
            way = "mode=ro" if is_there(path.with_name(f"{path.name}-wal")) else "immutable=1"
            address = f"{path.absolute().as_uri()}?{way}"
            with closing(sqlite3.connect(address, uri=True, timeout=0.2)) as database:
                found.update(row[0] for row in database.execute("SELECT study_name FROM studies"))
    return sorted(found | set(drills(found)))


def drills(found: Iterable[str]) -> list[str]:
    """Of these names, those of drills: what stages are called by."""
    matches = (STAGE.fullmatch(name) for name in found)
    return sorted({match[1] for match in matches if match})


def studies(found: Iterable[str]) -> list[str]:
    """Of these names, those of no drill and no stage."""
    left = [name for name in found if not STAGE.fullmatch(name)]
    return sorted({*left} - {*drills(found)})


def _file(url: str | None) -> Path | None:
    """The SQLite file at a URL; None where that is another database's."""
    if not url:
        return runs_dir() / "drilldown.sqlite3"
    match = _SQLITE.fullmatch(url)
    return Path(unquote(match[1])) if match else None
