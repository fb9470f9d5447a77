"""What every storage has to do: SQLite, and a real PostgreSQL that also restarts."""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import fakes
import postgres
import pytest
from fakes import study
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from mnist_core import fetch
from mnist_core.errors import UserError
from search.launch.run import launch
from search.report import listing
from search.study import storage
from search.study import trials as results
from search.study.ownership import owned

HOLD = """
import sys, time, optuna
from search.study.ownership import owned
from search.study.storage import open_storage
storage = open_storage(sys.argv[1], create=True)
study = optuna.create_study(study_name="tiny", storage=storage, load_if_exists=True)
with owned(study, storage):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    try:
        with postgres.server() as made:
            yield made
    except postgres.Missing as missing:
        if os.environ.get("DRILLDOWN_REQUIRE_POSTGRESQL"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'studies.sqlite3'}"
    return request.getfixturevalue("server").new_database()


@pytest.fixture
def database(server: postgres.Server) -> str:
    return server.new_database()


@pytest.fixture(autouse=True)
def _connections_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A launch leaves its pool to the end of its process, which here goes on."""
    opened = []

    def opening(*words, **options):
        opened.append(RDBStorage(*words, **options))
        return opened[-1]

    monkeypatch.setattr(storage, "RDBStorage", opening)
    yield
    for made in opened:
        made.engine.dispose()


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)


def _launch(url: str, trials: int = 4, start: Callable = fakes.quick):
    return launch("tiny", study(trials=trials, workers=2), url, start=start).study


def _exactly(url: str, trials: int) -> None:
    kept = storage.load_study(storage.open_storage(url), "tiny").trials
    assert results.counted(kept) == trials
    assert not [trial for trial in kept if trial.state == TrialState.RUNNING]


def test_launch_makes_exactly_its_trials_and_resumes(url: str) -> None:
    first = _launch(url, 3).trials
    again = _launch(url, 5).trials
    assert again[:3] == first
    assert len(again) == 5
    _exactly(url, 5)
    assert storage.has_storage(url)


def test_rows_of_the_trials(url: str) -> None:
    made = _launch(url)
    assert [row.state for row in results.rows(made)] == ["complete"] * 4
    assert listing.trials(made, "csv").count("\n") >= 4


def test_interrupted_trials_are_reconciled(url: str) -> None:
    _launch(url, 2).ask()
    made = _launch(url, 4)
    assert [row.state for row in results.rows(made)].count("interrupted") == 1
    _exactly(url, 4)


def test_unknown_study_is_refused_with_the_nearest_name(url: str) -> None:
    _launch(url, 1)
    with pytest.raises(UserError, match=r"no study named 'tinny' .* did you mean 'tiny'\?"):
        storage.load_study(storage.open_storage(url), "tinny")


def test_second_owner_is_refused_and_a_killed_one_holds_nothing(url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"'tiny' is being run by process {owner.pid} on "):
            _launch(url)
        owner.kill()
    deadline = monotonic() + 10
    while True:  # a server sees a moment later that its client is gone
        try:
            _launch(url)
        except UserError:
            assert monotonic() < deadline
        else:
            break
    _exactly(url, 4)


def _broken(server: postgres.Server, database: str, kind: str) -> None:
    """Once somebody holds the study, and has had a moment to begin."""
    deadline = monotonic() + 60
    while not server.ask("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"):
        assert monotonic() < deadline
        sleep(0.1)
    sleep(1.0)
    if kind == "restart":
        server.control("restart")
    else:
        assert server.terminate(database, holders=kind == "holder")


@pytest.mark.parametrize("kind", ["restart", "all", "holder"])
def test_owner_keeps_its_study_when_its_connection_breaks(
    server: postgres.Server, database: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = storage.open_storage(database, create=True)
    made = _launch(database, 1)
    with owned(made, store) as hold:
        _broken(server, database, kind)
        with caplog.at_level("WARNING", "drilldown"):
            hold.keep()
            hold.keep()
        assert [line for line in caplog.messages if "held again" in line] == caplog.messages[-1:]
        with pytest.raises(UserError, match="is being run by process"):
            _launch(database)


def test_owner_stops_where_another_took_its_study(server: postgres.Server, database: str) -> None:
    first, second = _launch(database, 1), storage.open_storage(database)
    with owned(first, storage.open_storage(database)) as hold:
        server.terminate(database, holders=True)
        with owned(storage.load_study(second, "tiny"), second):
            for _ in range(2):
                with pytest.raises(UserError, match=r"'tiny' was taken by process .* to resume"):
                    hold.keep()
    _launch(database, 4)
    _exactly(database, 4)


@pytest.mark.parametrize("kind", ["all", "holder"])
def test_launch_outlives_broken_connections(
    server: postgres.Server, database: str, kind: str
) -> None:
    slow = functools.partial(_launch, database, 4, fakes.slow)
    timer = threading.Timer(0.0, lambda: _broken(server, database, kind))
    timer.start()
    slow()
    timer.join()
    _exactly(database, 4)
