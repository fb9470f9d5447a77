"""Where a study lies and who may read it: homes, URLs, rights, locks, and how things are called."""

import json
import os
import pwd
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fakes
import filelock
import optuna
import pytest
from command_line import Done, Drilldown, typed

from mnist_core import fetch, locks, paths
from mnist_core.errors import UserError
from mnist_core.files import read_toml
from search.study import sqlite, storage
from search.study.session import opened
from search.study.spec import load
from search.study.storage import open_storage

TINY = """
trials = 1
workers = 1
[goal]
accuracy = 20.0
last = 1
epochs = 1
params = 2_000
[data]
train = 200
test = 200
[space]
name = "open"
[sampler]
kind = "random"
"""
SIGNS = ["a?b", "a%41", "a#b", "a b", "a'b", 'a"b', "ä→", "a&b=c", "a@b:c", "a\\b", "{a}", "%", "+"]
HERE = Path(__file__).parent


@pytest.fixture
def drilldown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Drilldown]:
    """The command, in this process; its studies train nothing."""
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)
    with typed(monkeypatch, capfd, start=fakes.quick) as run:
        yield run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def _one_line(done: Done, *parts: str) -> None:
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("Error: "), done.err
    assert done.err.count("\n") == 1, done.err
    for part in parts:
        assert part in done.err, done.err


# --- homes and URLs --------------------------------------------------------------------------


def test_everything_lies_under_the_home_whatever_it_is_called(
    drilldown: Drilldown, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above, signs = tmp_path / "homes", "".join(SIGNS)
    monkeypatch.setenv("DRILLDOWN_HOME", str(above / signs))
    assert drilldown("launch", tiny, "--quiet").code == 0
    assert list(above.iterdir()) == [above / signs]
    runs = above / signs / "runs"
    assert {"drilldown.sqlite3", "tiny"} <= {path.name for path in runs.iterdir()}
    assert len(json.loads(drilldown("show", "tiny", "--format", "json").out)) == 1
    assert drilldown("export", "tiny").out.startswith(str(runs / "tiny" / "best.toml"))


@pytest.mark.parametrize("signs", [*SIGNS, "".join(SIGNS)])
def test_a_url_that_is_printed_leads_to_the_same_file(tmp_path: Path, signs: str) -> None:
    file = tmp_path / "in" / f"{signs}.sqlite3"
    url = sqlite.default_url(file)
    open_storage(url, create=True).storage.engine.dispose()
    assert file.is_file()
    assert storage.shown(url) == url
    assert shlex.split(storage.option(url)) == ["--storage", url]
    open_storage(url, read_only=True).storage.engine.dispose()
    assert {path.name for path in file.parent.iterdir()} == {file.name, f".{file.name}.lock"}


@pytest.mark.parametrize("options", ["?b.sqlite3", "?timeout=5", "?uri=true&mode=ro"])
def test_options_of_an_sqlite_url_are_refused(
    drilldown: Drilldown, tiny: Path, tmp_path: Path, options: str
) -> None:
    """The database of `sqlite:////x/a?b` would be /x/a."""
    url = f"sqlite:///{tmp_path}/in/a{options}"
    _one_line(drilldown("launch", tiny, "--storage", url), "'?' in its file's name is written %3F")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize("home", ["~nobody-of-this-name/x", "~nobody-of-this-name"])
@pytest.mark.parametrize("words", ["show tiny", "list", "compare 001", "export tiny", "launch"])
def test_home_of_an_unknown_user_is_one_line(
    drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch, home: str, words: str
) -> None:
    monkeypatch.setenv("DRILLDOWN_HOME", home)
    _one_line(drilldown(*words.split()), f"DRILLDOWN_HOME={home}: there is no such user's home")


def test_a_user_that_the_system_does_not_know_is_asked_for_a_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container, whose user has a number and no more; a folder called ~ was made."""

    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    for name in ("HOME", "XDG_CACHE_HOME", "DRILLDOWN_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no home folder for the data; set DRILLDOWN_HOME"):
        fetch.mnist()
    assert not (tmp_path / "~").exists()
    assert paths.runs_dir() == Path("runs")


# --- rights ----------------------------------------------------------------------------------

PROGRAM = "import fakes; from search.cli import main; main(fakes.quick)"
PROGRAMS = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
import fakes
from search.cli import main
done = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["drilldown", *words]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            main(fakes.quick)
        except SystemExit as ended:
            code = ended.code or 0
    done.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(done))
"""


def _without_rights(*commands: str) -> list[Done]:
    """The commands in a process for which the modes of files hold, even if it is root's."""
    override = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root without setpriv reads and writes everything")
        override = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    words = json.dumps([command.split() for command in commands])
    done = subprocess.run(
        [*override, sys.executable, "-c", PROGRAMS, words],
        capture_output=True, text=True, cwd=HERE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [Done(*each) for each in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, mnist_dir: Path) -> Path:
    """Runs with a study in them, to be copied."""
    home = tmp_path_factory.mktemp("once")
    (home / "data").mkdir()
    (home / "data" / "mnist").symlink_to(mnist_dir)
    (home / "tiny.toml").write_text(TINY)
    command = [sys.executable, "-c", PROGRAM, "launch", str(home / "tiny.toml")]
    env = {**os.environ, "DRILLDOWN_HOME": str(home)}
    subprocess.run(command, check=True, cwd=HERE, env=env)
    return home / "runs"


@pytest.fixture
def launched(once: Path, home: Path) -> Iterator[Path]:
    """The folder of the runs, with a study in it."""
    runs = home / "runs"
    shutil.copytree(once, runs)
    yield runs
    for path in [home, runs, *(home / "runs").iterdir()]:
        path.chmod(0o755)


MODES = [(0o444, 0o555), (0o444, 0o755), (0o644, 0o555)]  # of the database and its folder


@pytest.mark.parametrize(("file", "folder"), MODES)
def test_reading_needs_no_right_to_write(
    launched: Path, tmp_path: Path, file: int, folder: int
) -> None:
    (launched / "drilldown.sqlite3").chmod(file)
    before = set(launched.iterdir())
    launched.chmod(folder)
    out = tmp_path / "out.toml"
    shown, listed, exported, compared = _without_rights(
        "show tiny --format csv", "list", f"export tiny -o {out}", "compare 001"
    )
    assert (shown.code, shown.err) == (0, "")
    assert "0,complete,9" in shown.out
    assert "tiny" in listed.out.splitlines()[-1]
    assert (exported.code, exported.err) == (0, "")
    assert "[expected]" in out.read_text()
    assert compared.code == 0
    assert set(launched.iterdir()) == before  # no file of a reader's is in a writer's way


@pytest.mark.parametrize(("file", "folder"), MODES)
def test_who_may_not_write_is_told_so_before_a_launch(
    launched: Path, tiny: Path, file: int, folder: int
) -> None:
    (launched / "drilldown.sqlite3").chmod(file)
    launched.chmod(folder)
    for done in _without_rights(f"launch {tiny}", f"launch {tiny} --name other"):
        _one_line(done, "cannot be written: you have no right to")


def test_a_study_that_another_runs_is_read_without_a_right_to_write(
    launched: Path, tiny: Path
) -> None:
    """Its newest trials are in the log beside the database."""
    studies = open_storage()
    [lock] = set(launched.glob(".*.lock")) - {launched / ".drilldown.sqlite3.lock"}
    with opened(studies, "tiny", load(str(tiny))[1]) as session:
        session.ask(2)
        (launched / "drilldown.sqlite3").chmod(0o444)
        launched.chmod(0o555)
        lock.chmod(0o444)
        assert (launched / "drilldown.sqlite3-wal").exists()
        [shown] = _without_rights("show tiny")
        assert shown.out.endswith("\nRunning now: 1 trial\n"), shown
    lock.chmod(0)
    [untold] = _without_rights("show tiny")
    assert "Running now" not in untold.out
    assert "running" in untold.out, untold
    lock.chmod(0o444)
    [left] = _without_rights("show tiny")
    assert "Left by an owner that is gone: 1 trial; resume with" in left.out, left
    studies.storage.engine.dispose()


@pytest.mark.parametrize(
    ("locked", "commands"),
    [
        ("runs/drilldown.sqlite3", ["show tiny", "list", "export tiny", "dashboard"]),
        (
            "runs",
            [
                "show tiny",
                "list",
                "export tiny",
                "compare 001",
                "dashboard",
                "launch {tiny}",
                "drill",
                "train silu-squeeze --epochs 1 --save {home}/runs/x",
                "train silu-squeeze --epochs 1 --save {home}/runs/in/x",
                "compare 001 -o {home}/runs/x --results {tiny}.jsonl",
                "compare 001 --results {home}/runs/x",
                "show tiny --storage sqlite:///{home}/runs/x.sqlite3",
                "list --storage sqlite:///{home}/runs/x.sqlite3",
                "launch {tiny} --storage sqlite:///{home}/runs/in/x.sqlite3",
            ],
        ),
        (
            ".",
            [
                "show tiny",
                "list",
                "compare 001",
                "launch {tiny}",
                "launch {home}/tiny.toml",
                "launch {home}/tiny",
                "drill {home}/x.toml",
                "count {home}/x",
                "train silu-squeeze --epochs 1",
            ],
        ),
    ],
)
def test_what_may_not_be_entered_is_one_line(
    launched: Path, home: Path, tiny: Path, locked: str, commands: list[str]
) -> None:
    (home / locked).chmod(0)
    done = _without_rights(*(command.format(home=home, tiny=tiny) for command in commands))
    (home / locked).chmod(0o755)
    for command, each in zip(commands, done, strict=True):
        assert "Permission denied" in each.err or "you have no right to" in each.err, command
        _one_line(each)


def test_a_reader_makes_no_tables_in_a_database_of_others(
    drilldown: Drilldown, tmp_path: Path
) -> None:
    file = tmp_path / "others.sqlite3"
    with sqlite3.connect(file) as others:
        others.execute("CREATE TABLE theirs (x)")
    before = file.read_bytes()
    for words in (["show", "tiny"], ["list"], ["export", "tiny"]):
        _one_line(drilldown(*words, "--storage", f"sqlite:///{file}"), "no study has been run here")
    assert file.read_bytes() == before


def test_a_reader_waits_for_no_writer(
    launched: Path, drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LIMIT", 0.0)
    writer = sqlite3.connect(launched / "drilldown.sqlite3", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    done = drilldown("show", "tiny")
    assert (done.code, done.err) == (0, "")
    writer.close()


# --- locks -----------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    "words",
    [
        "launch {tiny} --storage sqlite:////proc/x.sqlite3",
        "compare 001 --seeds 9 --results /proc/x.jsonl",
        "drill --storage sqlite:////proc/x.sqlite3",
    ],
)
def test_a_lock_that_cannot_be_made_is_not_waited_for(
    drilldown: Drilldown, tiny: Path, words: str
) -> None:
    done = drilldown(*(word.format(tiny=tiny) for word in words.split()))
    _one_line(done, "cannot be written: No such file or directory")


def test_a_lock_is_waited_for_aloud_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(locks, "_SILENT", 0.05)
    path = tmp_path / "lock"
    with filelock.FileLock(path):
        refused = pytest.raises(UserError, match="another process has held this lock for")
        with refused, locks.locked(path, 0.1):
            pass
    assert caplog.messages == [f"waiting for another process, which holds {path}"]
    with locks.locked(path, 0.1):
        pass
    assert len(caplog.messages) == 1


def test_a_locked_database_is_waited_for_aloud_and_not_for_ever(
    launched: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite, "_SILENT", 0.05)
    opened = open_storage()
    writer = sqlite3.connect(
        launched / "drilldown.sqlite3", isolation_level=None, check_same_thread=False
    )
    writer.execute("BEGIN IMMEDIATE")
    threading.Timer(1.0, writer.rollback).start()
    opened.get("tiny").optuna.set_user_attr("waited", True)
    assert caplog.messages == ["waiting for another process, which has locked the storage"]
    monkeypatch.setattr(sqlite, "LIMIT", 0.2)
    writer.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(optuna.exceptions.StorageInternalError) as caught:
        opened.get("tiny").optuna.set_user_attr("waited", False)
    assert time.monotonic() - began < 20
    assert "the storage failed: database is locked" in str(storage.explained(caught.value))
    writer.close()


# --- how files are called --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["launch", "{in}/my study.toml"],
            "my study.toml: a run cannot be called 'my study'; give",
        ),
        (["drill", "{in}/my drill.toml"], "my drill.toml: a run cannot be called 'my drill'; give"),
        (["launch", "{in}/tiny.toml", "--name", "a b"], "--name 'a b': use letters"),
        (["launch", "{in}/tiny.toml", "--name", ""], "--name '': use letters"),
        (["drill", "{in}/down.toml", "--name", ""], "--name '': use letters"),
        (["launch", "{in}/folder"], "folder: is a folder, not a TOML file"),
        (["launch", "{in}/folder/"], "folder: is a folder, not a TOML file"),
        (["launch", "{in}/folder.toml"], "folder.toml: is a folder, not a TOML file"),
        (["launch", "."], ".: is a folder, not a TOML file"),
        (["drill", "{in}/folder"], "folder: is a folder, not a TOML file"),
        (["count", "{in}/folder"], "folder: is a folder, not a TOML file"),
        (["launch", "{in}/None.TOML"], "None.TOML: no such file"),
        (["drill", "{in}/None.Toml"], "None.Toml: no such file"),
        (["count", "{in}/None.TOML"], "None.TOML: no such file"),
        (["launch", ".toml"], ".toml: no such file"),
        (["launch", ""], "no packaged study ''; known are quick"),
        (["launch", "smok"], "no packaged study 'smok'; did you mean 'smoke'?"),
    ],
)
def test_what_is_wrong_with_a_name_is_said_as_a_person_would(
    drilldown: Drilldown, tmp_path: Path, words: list[str], said: str
) -> None:
    place = tmp_path / "place"
    (place / "folder").mkdir(parents=True)
    (place / "folder.toml").mkdir()
    for name in ("tiny", "my study"):
        (place / f"{name}.toml").write_text(TINY)
    stages = TINY.partition("[space]")[0].replace("trials = 1\n", "")
    stages += '[[stage]]\nname = "net"\ntrials = 1\nvary = { widths = "all" }\n'
    for name in ("down", "my drill"):
        (place / f"{name}.toml").write_text(stages)
    _one_line(drilldown(*(word.replace("{in}", str(place)) for word in words)), said)


@pytest.mark.parametrize("name", ["Tiny.TOML", "tiny.Toml", "tiny"])
def test_a_file_is_a_study_whatever_its_ending(
    drilldown: Drilldown, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(TINY)
    done = drilldown("launch", tmp_path / name, "--quiet")
    assert done.code == 0, done.err
    assert f"\n{Path(name).stem}: 1 of 1 trial ended" in done.out


def test_a_byte_order_mark_is_no_part_of_a_file(drilldown: Drilldown, tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8-sig")
    assert read_toml(path)["trials"] == 1
    assert drilldown("launch", path, "--quiet").code == 0
