"""SQLite files as storages: what a reader needs, what a writer needs, and how long either waits.

A reader never makes a file nor a table, and needs no right to write; with the log ahead of the
database (`journal_mode=WAL`) it waits for no writer.
"""

import logging
import math
import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import monotonic
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from optuna.storages._rdb.models import StudyModel, TrialModel

from mnist_core.errors import UserError
from mnist_core.locks import LIMIT, locked
from mnist_core.paths import is_there, make_folder
from search.text.commands import program

_log = logging.getLogger("drilldown")
_SILENT = 2.0  # seconds that SQLite waits for another's lock before a line says so


def default_url(path: Path) -> str:
    """Of a file, whatever signs its name has."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def file_of(database: sa.URL) -> Path:
    """The SQLite file of a URL. Raises UserError where it names none."""
    if database.database in (None, "", ":memory:"):
        raise UserError(
            "--storage (or DRILLDOWN_STORAGE): SQLite without a file would forget all; use "
            "sqlite:///FILE"
        )
    if database.query.get("uri"):  # as `readable` makes them
        return Path(unquote(urlsplit(database.database).path))
    return Path(str(database.database))


def readable(database: sa.URL, where: str = "") -> sa.URL:
    """The URL by which an SQLite file that is there is read. where: what a command needs to find
    the same file.

    Raises UserError where it is not there, or may not be read.
    """
    path = file_of(database)
    _check_there(path, where)
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: cannot be read: you have no right to")
    options = {"uri": "true", "mode": "rw"}  # rw: for the files of the log, if nothing else
    if not _writable(path):
        options["mode"] = "ro"
        if not is_there(path.with_name(f"{path.name}-wal")):
            options["immutable"] = "1"  # nobody writes at present: there is no log to be read too
    return sa.URL.create("sqlite", database=path.absolute().as_uri(), query=options)


def making(database: sa.URL, create: bool, where: str = "") -> AbstractContextManager[object]:
    """What to hold while a file that will be written is opened: two who make its tables at once
    would both fail. where: as in `readable`.

    Raises UserError where the file cannot be made or written; or is not there, unless `create`.
    """
    path = file_of(database)
    if not create:
        _check_there(path, where)
    if is_there(path):
        if path.is_dir():
            raise UserError(f"{path}: is a folder, not an SQLite file")
        if not _writable(path):
            raise UserError(f"{path}: cannot be written: you have no right to, or to its folder")
        if not create:
            return nullcontext()
    make_folder(path.parent)
    return locked(path.with_name(f".{path.name}.lock"))


def number_once() -> None:
    """Tables that are made from now on hand out no number of a study or trial twice: else those of
    a deleted study come to another."""
    for model in (StudyModel, TrialModel):
        model.__table__.dialect_options["sqlite"]["autoincrement"] = True


def numbers_once(engine: sa.Engine) -> bool:
    """Whether the tables that are there hand out no number twice; those that Optuna made do."""
    with engine.connect() as connection:
        wanted = sa.text("SELECT sql FROM sqlite_master WHERE name IN ('studies', 'trials')")
        return all("AUTOINCREMENT" in made for made in connection.scalars(wanted))


def connect_args() -> dict[str, object]:
    return {"timeout": LIMIT}


def wait_for(url: str, write: bool) -> None:
    """Return once no other process keeps us from the file; see `tame`. Raises SQLAlchemyError."""
    engine = sa.create_engine(url, connect_args=connect_args())
    tame(engine, write)
    with engine.begin():
        pass
    engine.dispose()


def tame(engine: sa.Engine, write: bool) -> None:
    """Every transaction that may write takes the lock at once, else two could both read first and
    then block each other for good. Another's lock is waited for, as a line says, for `LIMIT`
    seconds."""

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # no BEGIN behind our back
        connection.execute(f"PRAGMA busy_timeout={1000 * _SILENT:.0f}")
        if write:
            _patiently(lambda: connection.execute("PRAGMA journal_mode=WAL"))

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        begin = _begin_to_write if write else _begin_to_read
        _patiently(lambda: begin(connection))

    engine.dispose()  # connections made before the listeners were there


def _begin_to_write(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_to_read(connection: sa.Connection) -> None:
    """With the lock that the first question takes."""
    connection.exec_driver_sql("BEGIN")
    try:
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")
    except sa.exc.DatabaseError:
        connection.exec_driver_sql("ROLLBACK")
        raise


def _patiently(take: Callable[[], object]) -> None:
    """Take a lock, which SQLite itself waits `_SILENT` seconds for."""
    deadline = math.inf
    while True:
        try:
            take()
        except (sqlite3.OperationalError, sa.exc.OperationalError) as error:
            if "locked" not in str(error) or monotonic() >= deadline:
                raise
            if deadline == math.inf:
                deadline = monotonic() + LIMIT
                _log.warning("waiting for another process, which has locked the storage")
        else:
            return


def _check_there(path: Path, where: str) -> None:
    if not is_there(path):
        launch = f"{program()} launch{where}"
        raise UserError(f"{path}: no study has been run here yet; start one with: {launch}")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, not an SQLite file")


def _writable(path: Path) -> bool:
    """SQLite makes files beside the one that it writes, and others may have to read them."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
