"""What every storage has to do: SQLite, and a real PostgreSQL that also restarts.

What holds for all of them stands here once; what is SQLite's or a URL's alone, in test_storage.py.
"""

import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any

import fakes
import postgres
import pytest
import sqlalchemy as sa
from fakes import ENVIRONMENT
from optuna.exceptions import StorageInternalError

from mnist_core import fetch, record
from mnist_core.errors import UserError
from mnist_core.result import EpochResult
from search.launch.run import launch
from search.report import shown
from search.study import ownership
from search.study.dimensions import distributions
from search.study.export import export
from search.study.session import opened
from search.study.storage import explained, has_storage, open_storage
from search.study.study import Study
from search.study.trials import State
from search.workers.local import LocalWorkers


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the URL of another storage, which nobody has opened yet, as often as it is called."""
    if request.param == "sqlite":
        numbers = itertools.count()
        return lambda: f"sqlite:///{tmp_path / 'deep' / f'{next(numbers)}.sqlite3'}"
    return request.getfixturevalue("server").new_database


@pytest.fixture
def url(fresh: Callable[[], str]) -> str:
    return fresh()


@pytest.fixture
def database(server: postgres.Server) -> str:
    return server.new_database()


@pytest.fixture(autouse=True)
def connections() -> Iterator[list[Any]]:
    """All that this process makes, as the driver has them. A launch leaves its own to the end of
    its process, which here goes on."""
    made: list[Any] = []

    def note(connection: object, _record: object) -> None:
        made.append(connection)

    sa.event.listen(sa.Pool, "connect", note)
    yield made
    sa.event.remove(sa.Pool, "connect", note)
    for connection in made:
        connection.close()


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)


def _launch(url: str, trials: int = 4) -> Study:
    return launch("tiny", fakes.study(trials=trials, workers=2), url, start=fakes.quick).study


def _run(url: str, name: str, trials: int) -> None:
    """As a launch, but without workers."""
    with opened(open_storage(url, create=True), name, fakes.study()) as session:
        while asked := session.ask(trials):
            number, config = asked
            curve = enumerate(fakes.curve(config), start=1)
            results = [fakes.result(epoch, accuracy) for epoch, accuracy in curve]
            for result in results:
                session.report(number, result)
            session.complete(number, results, ENVIRONMENT)


def _exactly(url: str, trials: int) -> None:
    """So many are finished, each with its whole curve, and none runs."""
    study = open_storage(url).get("tiny")
    complete = [trial for trial in study.trials() if trial.state == State.COMPLETE]
    assert study.counted == len(complete) == trials
    assert not [trial for trial in study.trials() if trial.state == State.RUNNING]
    for trial in complete:
        assert trial.config is not None
        assert trial.test_acc == tuple(fakes.curve(trial.config))


# --- studies and their trials


def test_launch_makes_exactly_its_trials_and_resumes(url: str) -> None:
    first = _launch(url, 3).trials()
    again = _launch(url, 5).trials()
    assert [trial for trial in again if trial.number < 3] == first
    assert len(again) == 5
    _exactly(url, 5)


def test_interrupted_trials_are_reconciled(url: str) -> None:
    kinds = fakes.study().make_space().dimensions
    _launch(url, 2).optuna.ask(distributions(kinds))
    states = [trial.state for trial in _launch(url, 4).trials()]
    assert states == [State.COMPLETE] * 4 + [State.INTERRUPTED]
    _exactly(url, 4)


def test_trials_come_back_as_they_were_and_are_exported(url: str, tmp_path: Path) -> None:
    names = ["tiny", "zürich", "研究-1", "x.1.a_b", "ä" * 100]
    for name in names:
        _run(url, name, 2)
    studies = open_storage(url)
    for study in map(studies.get, names):
        assert shown.trials(study, shown.View("csv"), "show").count("\n") >= 2
        best = study.trials()[0]
        for number, trial in [(None, best), *((each.number, each) for each in study.trials())]:
            export(study, number, tmp_path / "trial.toml")
            exported = record.load(tmp_path / "trial.toml")
            assert (exported.config, exported.environment) == (trial.config, ENVIRONMENT)
            assert exported.expected.test_acc == trial.test_acc == tuple(fakes.curve(trial.config))
            origin = exported.origin
            assert (origin.study, origin.trial) == (study.name, trial.number)
            assert (origin.score, origin.goal) == (trial.score, fakes.study().goal)
        with pytest.raises(UserError, match=f"study '{study.name}' has no trial 2; see: drilldown"):
            export(study, 2, tmp_path / "none.toml")


def test_a_study_keeps_what_json_can_say(url: str) -> None:
    study = open_storage(url, create=True).make("tiny")
    assert study.kept("what") is None
    for value in ({"ä \u2028": [1, 0.1 + 0.2, None, True, "'; --"]}, "🙂" * 30_000, []):
        study.keep("what", value)
        assert open_storage(url).get("tiny").kept("what") == value


def test_study_that_drilldown_did_not_launch_is_refused(url: str) -> None:
    _run(url, "ours", 1)
    foreign = open_storage(url).make("foreign")
    assert not foreign.launched
    assert open_storage(url).get("ours").launched
    with pytest.raises(UserError, match="'foreign' has no goal: drilldown did not launch it"):
        foreign.trials()


# --- names

NAMES = [
    "tiny",
    "Tiny",
    "tiny ",
    "zürich",
    "zu\u0308rich",  # the same to look at
    "研究-1",
    "🙂",
    "\u202egnp",
    "a b",
    "a\nb",
    "a\\b",
    "../x",
    "it's",
    '"quoted"',
    "%s %(x)s :x ?",
    "a_b",
    "a%b",
    "x'; DROP TABLE studies; --",
    "x" * 500,
]


def test_a_name_is_one_studys_whatever_it_is(url: str) -> None:
    studies = open_storage(url, create=True)
    assert studies.names() == []
    for number, name in enumerate(NAMES):
        studies.make(name).keep("number", number)
    again = open_storage(url)
    assert again.names() == sorted(NAMES)
    for number, name in enumerate(NAMES):
        for study in (again.get(name), again.make(name)):
            assert (study.name, study.kept("number")) == (name, number)
    assert again.names() == sorted(NAMES)
    for unknown in ("TINY", "a-b", "axb", "zurich", "x" * 600, "", "\udcff"):
        assert again.find(unknown) is None


def test_unknown_study_is_refused_with_the_nearest_name(url: str) -> None:
    with pytest.raises(UserError, match=r"no study named 'x' has been run; none has been run yet"):
        open_storage(url, create=True).get("x")
    open_storage(url).make("smoke")
    with pytest.raises(UserError, match=r"no study named 'smoek' .* did you mean 'smoke'\?"):
        open_storage(url).get("smoek")
    with pytest.raises(UserError, match="no study named"):
        open_storage(url).get("\udcff")  # bytes of a command line that are no text


def test_only_a_file_can_be_known_not_to_be_there(url: str) -> None:
    assert has_storage(url) == url.startswith("postgresql")
    open_storage(url, create=True)
    assert has_storage(url)


def test_a_database_that_is_not_there_is_refused_in_one_line(server: postgres.Server) -> None:
    nowhere = server.url("nonesuch")
    assert has_storage(nowhere)
    for create in (False, True):
        with pytest.raises(UserError, match=r"^\S+/nonesuch: cannot be opened: [^\n]+$"):
            open_storage(nowhere, create)


# --- owners

HOLD = """
import sys, time
from pathlib import Path
from mnist_core.errors import UserError
from search.study.session import opened
from search.study.storage import open_storage
sys.path.insert(0, sys.argv[4])
import fakes
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
try:
    studies = open_storage(sys.argv[1], create=True)
    with opened(studies, "tiny", fakes.study()):
        print("held", flush=True)
        while not Path(sys.argv[3]).exists():
            time.sleep(0.02)
except UserError as error:
    print(error, flush=True)
"""


def _owners(url: str, stop: Path, count: int, delay: float = 0.0) -> list[subprocess.Popen[str]]:
    """Processes that all try to own a study after so many seconds; the one that does holds it
    until there is a file `stop`."""
    command = [sys.executable, "-c", HOLD, url, str(time.time() + delay), str(stop)]
    command.append(str(Path(__file__).parent))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}  # who waits long says so
    return [subprocess.Popen(command, text=True, **pipes) for _ in range(count)]


def _race(url: str, stop: Path, owners: int) -> None:
    """One owner holds the study, and all others are told which."""
    started = _owners(url, stop, owners, delay=1.0)
    deadline = time.monotonic() + 120
    while sum(process.poll() is None for process in started) > 1:
        assert time.monotonic() < deadline, "more than one owner"
        time.sleep(0.05)
    stop.touch()
    # Before that, on a busy machine, that another process is waited for.
    said = {process.pid: process.communicate()[0].splitlines()[-1] for process in started}
    winners = [pid for pid, text in said.items() if text == "held"]
    assert len(winners) == 1, said
    holder = f"study 'tiny' is being run by process {winners[0]} on "
    assert all(text.startswith(holder) for pid, text in said.items() if pid != winners[0]), said


def test_second_owner_is_refused_and_told_who_holds_it(url: str) -> None:
    """Row 4, within one process: another open storage is another owner."""
    first, second = open_storage(url, create=True), open_storage(url, create=True)
    with opened(first, "tiny", fakes.study()):
        refused = pytest.raises(UserError, match=rf"'tiny' is being run by process {os.getpid()} ")
        with refused, opened(second, "tiny", fakes.study()):
            pytest.fail("two owners")
        with opened(second, "another", fakes.study()):
            pass
    with opened(second, "tiny", fakes.study()):
        pass


def test_who_looks_whether_a_study_runs_is_in_no_owners_way(url: str) -> None:
    studies, others = open_storage(url, create=True), open_storage(url)
    study = others.make("tiny")
    assert open_storage(url, read_only=True).running(study) is False
    over = Event()

    def look() -> None:
        while not over.wait(0.001):
            others.running(study)

    looking = Thread(target=look)
    looking.start()
    for _ in range(10):
        with opened(studies, "tiny", fakes.study()) as session:
            assert open_storage(url, read_only=True).running(study) is True
            with session.ours():
                pass
        assert others.running(study) is False
    over.set()
    looking.join()


def test_of_owners_that_race_one_wins(url: str, tmp_path: Path) -> None:
    """Row 4, from a storage that none of them finds ready made."""
    _race(url, tmp_path / "stop", owners=4)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_of_owners_that_race_one_wins_each_of_a_hundred_times(
    fresh: Callable[[], str], tmp_path: Path
) -> None:
    for race in range(100):
        _race(fresh(), tmp_path / f"stop-{race}", owners=2)


def test_a_killed_owner_holds_nothing(url: str, tmp_path: Path) -> None:
    (owner,) = _owners(url, tmp_path / "stop", 1)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=rf"'tiny' is being run by process {owner.pid} on "):
        _launch(url)
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 10
    while True:  # a server sees a moment later that its client is gone
        try:
            _launch(url)
        except UserError:
            assert time.monotonic() < deadline
        else:
            break
    _exactly(url, 4)


# --- connections to a server that break

Break = Callable[[], None]


@pytest.fixture(params=["restart", "all sessions", "the holder's session", "the client's side"])
def broken(
    request: pytest.FixtureRequest,
    server: postgres.Server,
    database: str,
    connections: list[Any],
) -> Iterator[Break]:
    """Breaks connections to `database` in one of the ways there are. A server that restarts is away
    for two seconds."""
    back = Timer(2.0, server.control, ["start"])

    def breaking() -> None:
        match request.param:
            case "restart":
                server.control("stop")
                back.start()
            case "the client's side":
                _cut(connections)
            case whose:
                assert server.terminate(database, holders=whose == "the holder's session")

    yield breaking
    if back.ident is not None:
        back.join()


def _cut(connections: list[Any]) -> None:
    """As a network does: neither the driver nor the server is told."""
    alive = [connection for connection in connections if not connection.closed]
    assert alive
    for connection in alive:
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)


def _held_again(caplog: pytest.LogCaptureFixture) -> int:
    return sum("held again" in line for line in caplog.messages)


def test_owner_keeps_its_study_when_its_connection_breaks(
    database: str, broken: Break, caplog: pytest.LogCaptureFixture
) -> None:
    studies = open_storage(database)
    with opened(studies, "tiny", fakes.study()) as hold:
        broken()
        with caplog.at_level("WARNING", "drilldown"):
            with hold.ours():
                pass
            with hold.ours():
                pass
        assert _held_again(caplog) == 1
        with pytest.raises(UserError, match="is being run by process"):
            _launch(database)


def test_launch_outlives_broken_connections(
    database: str,
    broken: Break,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Broken where it has heard of four epochs of its twelve, and waits for the next."""
    messages, epochs = LocalWorkers.messages, itertools.count(1)
    due = iter([broken])

    def breaking(workers: LocalWorkers, timeout: float) -> Iterator[Any]:
        for number, message in messages(workers, timeout):
            yield number, message
            if isinstance(message, EpochResult) and next(epochs) == 4:
                next(due)()

    monkeypatch.setattr(LocalWorkers, "messages", breaking)
    with caplog.at_level("WARNING", "drilldown"):
        _launch(database)
    assert not list(due)
    assert _held_again(caplog) == 1
    _exactly(database, 4)


def test_owner_stops_where_another_took_its_study(server: postgres.Server, database: str) -> None:
    _run(database, "tiny", 1)
    first, second = open_storage(database), open_storage(database)
    with opened(first, "tiny", fakes.study()) as hold:
        server.terminate(database, holders=True)
        with opened(second, "tiny", fakes.study()):
            for _ in range(2):
                with (
                    pytest.raises(UserError, match=r"'tiny' was taken by process .* to resume"),
                    hold.ours(),
                ):
                    pass
    _launch(database, 4)
    _exactly(database, 4)


def test_owner_gives_up_on_a_server_that_does_not_come_back(
    server: postgres.Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "_RETURN", 1.0)
    studies = open_storage(database)
    with opened(studies, "tiny", fakes.study()) as hold:
        server.control("stop")
        try:
            with pytest.raises((sa.exc.SQLAlchemyError, StorageInternalError)) as gone, hold.ours():
                pass
        finally:
            server.control("start")
        assert str(explained(gone.value)).startswith("the storage failed: ")
        with pytest.raises(type(gone.value)) as still, hold.ours():  # what is lost stays so
            pass
        assert still.value is gone.value
    _launch(database)
    _exactly(database, 4)
