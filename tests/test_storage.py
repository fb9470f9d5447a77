"""The storage: URLs, passwords, names, an SQLite file and its lock; rows 6, 21 and 24.

What holds for every storage stands in test_storages.py.
"""

import os
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState

from mnist_core.errors import UserError
from mnist_core.paths import runs_dir
from search.study import storage
from search.study.storage import check_name, explained, has_storage, open_storage, shown

CANARY = "cAnArY-77"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'studies.sqlite3'}"


def test_default_is_a_file_among_the_runs_or_what_the_environment_says(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert not has_storage()
    open_storage(create=True).storage.engine.dispose()
    assert (home / "runs" / "drilldown.sqlite3").is_file()
    assert has_storage()
    monkeypatch.setenv("DRILLDOWN_STORAGE", url)
    assert not has_storage()
    open_storage(create=True).storage.engine.dispose()
    assert Path(url.removeprefix("sqlite:///")).is_file()


def test_file_that_is_not_there_is_made_only_where_that_is_meant(url: str) -> None:
    with pytest.raises(UserError, match=r"no study has been run here yet; start one with"):
        open_storage(url)
    assert not Path(url.removeprefix("sqlite:///")).exists()
    open_storage(url, create=True).storage.engine.dispose()
    open_storage(url).storage.engine.dispose()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("studies.sqlite3", "is not a database URL; it looks like sqlite:///"),
        ("://", "is not a database URL"),
        ("postgresql://h:port/x", "is not a database URL"),
        ("sqlite://", "SQLite without a file would forget all"),
        ("sqlite:///:memory:", "SQLite without a file would forget all"),
        ("sqlite:///{tmp}", "is a folder"),
        ("sqlite:///{tmp}/text/x.sqlite3", "cannot be made: "),
        ("sqlite:///{tmp}/text", "cannot be opened: file is not a database"),
        ("nonesuch://u@h/x", "nonesuch://u@h/x: cannot be opened: no database is called 'non"),
        ("mssql+pyodbc://u@h/x", "needs a driver that is missing: pyodbc$"),
        ("mysql://u@h/x", r"pip install mysqlclient \(drilldown is not tested with mysql\)"),
        ("mysql+pymysql://u@h/x", "pip install pymysql "),
        ("postgresql+psycopg2://u@h/x", r"\[postgresql\]' and write postgresql\+psycopg://"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_line(tmp_path: Path, url: str, said: str) -> None:
    (tmp_path / "text").write_text("this is a text and no database" * 100)
    with pytest.raises(UserError, match=said) as caught:
        open_storage(url.format(tmp=tmp_path), create=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://me:{CANARY}@127.0.0.1:1/x",
        f"postgresql+psycopg://me@127.0.0.1:1/x?password={CANARY}",
        f"postgresql+psycopg://me:first@{CANARY}@127.0.0.1:1/x",
        f"postgresql://me:{CANARY}",
        f"mysql+pymysql://me:{CANARY}@127.0.0.1:1/x",
        f"sqlite://me:{CANARY}@host/file",
        f"nonesuch://me:{CANARY}@h/x",
        f"me:{CANARY}@h/x",
        f"{CANARY}",
    ],
)
def test_password_of_a_storage_that_cannot_be_opened_is_never_said(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 21."""
    monkeypatch.chdir(tmp_path)
    assert CANARY not in shown(url)
    with pytest.raises(UserError) as caught:
        open_storage(url, create=True)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg"])
def test_missing_driver_of_postgresql_says_which_extra_to_install(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UserError) as caught:
        open_storage(f"{kind}://me:{CANARY}@h/x")
    assert str(caught.value) == (
        "postgresql+psycopg://me:***@h/x: needs a driver that is missing: "
        "pip install 'drilldown[postgresql]'"
    )


def test_password_that_a_driver_says_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 21."""

    def refuse(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception(f"login me/{CANARY} failed\nmore"))

    monkeypatch.setattr(storage.sa, "create_engine", refuse)
    with pytest.raises(UserError) as caught:
        open_storage(f"postgresql+psycopg://me:{CANARY}@h/x")
    assert str(caught.value).endswith("me:***@h/x: cannot be opened: login me/*** failed")


def test_shown_url_is_the_same_where_there_is_nothing_to_hide(url: str) -> None:
    assert shown(url) == url
    assert shown("postgresql+psycopg://me@h:5/x") == "postgresql+psycopg://me@h:5/x"
    assert shown(f"postgresql+psycopg://me:{CANARY}@h:5/x") == "postgresql+psycopg://me:***@h:5/x"


def test_storage_that_stops_answering_is_explained() -> None:
    gone = sa.exc.OperationalError("SELECT", {}, Exception("server closed the connection\nmore"))
    wrapped = StorageInternalError("An exception is raised during the commit.")
    wrapped.__cause__ = gone
    for error in (gone, wrapped):
        assert str(explained(error)).startswith("the storage failed: server closed the connection;")
    assert explained(ValueError("a bug")) is None


def _said_of(name: str) -> str | None:
    try:
        check_name(name)
    except UserError as error:
        return str(error)
    return None


@given(st.text(max_size=300))
@example("../x")
@example("..")
@example(".")
@example("")
@example("a/b")
@example("a\\b")
@example("x" * 600)
@example("ä" * 150)
@example("a\0b")
@example("a\n")
@example("\udcff")
@example("-rf")
@example(".hidden")
@example("C:")
def test_name_is_refused_or_a_path_inside_the_runs(name: str) -> None:
    """Row 24."""
    said = _said_of(name)
    if said is not None:
        assert "\n" not in said
        assert len(said) < 250
        said.encode()
        return
    root = runs_dir().absolute()
    path = Path(os.path.normpath(root / name / "launch.log"))
    assert path.parent.parent == root
    assert len(os.fsencode(path.parent.name)) <= 255
    assert "\0" not in name


@given(st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,199}", fullmatch=True))
@example("zürich")
@example("研究-1")
@example("under-10k")
def test_plain_name_is_taken(name: str) -> None:
    check_name(name)


def test_storage_locked_by_another_is_waited_for(url: str) -> None:
    """Row 6, in small: reading and writing wait; opening too."""
    study = open_storage(url, create=True).make("tiny").optuna
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False)
    connection.isolation_level = None
    connection.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(3.0, lambda: connection.execute("COMMIT"))
    timer.start()
    start = time.monotonic()
    trial = study.ask()
    assert time.monotonic() - start >= 2.5
    trial.report(90.0, 1)
    study.tell(trial, 90.0)
    timer.join()
    connection.close()
    [kept] = open_storage(url).get("tiny").optuna.trials
    assert kept.state == TrialState.COMPLETE
