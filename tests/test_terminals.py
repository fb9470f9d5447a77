"""What a person sees wherever output goes: encodings, logs, narrow terminals, pipes that close."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import fakes
import pytest
from command_line import Drilldown, in_a_terminal, typed
from rich.cells import cell_len
from rich.console import Console
from test_places import TINY

from mnist_core import fetch
from mnist_core.goal import Goal
from mnist_core.record import Record
from mnist_core.words import last, of, part
from search.launch.progress import Progress
from search.text import console

HERE = Path(__file__).parent
NAME = "ü测试"
PROGRAM = "import fakes; from search.cli import main; main(fakes.quick)"
COMMANDS = {
    "show": ["show", NAME],
    "list": ["list"],
    "export": ["export", NAME, "-o", "{tmp}/→.toml"],
    "launch": ["launch", "{tmp}/tiny.toml", "--name", f"{NAME}2"],
    "compare": ["compare", "001"],
    "count": ["count", "silu-squeeze"],
}


@pytest.fixture
def drilldown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Drilldown]:
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)
    with typed(monkeypatch, capfd, start=fakes.quick) as run:
        yield run


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, mnist_dir: Path) -> Path:
    """Runs with a study in them, under a name of many alphabets; to be copied."""
    home = tmp_path_factory.mktemp("once")
    (home / "data").mkdir()
    (home / "data" / "mnist").symlink_to(mnist_dir)
    (home / "tiny.toml").write_text(TINY)
    words = ["launch", str(home / "tiny.toml"), "--name", NAME]
    env = {**os.environ, "DRILLDOWN_HOME": str(home)}
    subprocess.run([sys.executable, "-c", PROGRAM, *words], check=True, cwd=HERE, env=env)
    return home / "runs"


@pytest.fixture
def launched(once: Path, home: Path, tmp_path: Path) -> Path:
    """The folder of a study's file; it has been launched as `NAME`."""
    (tmp_path / "tiny.toml").write_text(TINY)
    shutil.copytree(once, home / "runs")
    return tmp_path


def _words(command: str, tmp_path: Path) -> list[str]:
    words = [word.format(tmp=tmp_path) for word in COMMANDS[command]]
    return [sys.executable, "-c", PROGRAM, *words]


# --- encodings -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["show", "list", "export", "launch"])
@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C"},
    ],
    ids=str,
)
def test_a_sign_that_the_encoding_lacks_ends_nothing(
    launched: Path, command: str, settings: dict[str, str]
) -> None:
    done = subprocess.run(
        _words(command, launched), env={**os.environ, **settings}, cwd=HERE, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    sign = "→" if command == "export" else NAME
    spelled = sign.encode("ascii", "backslashreplace").removeprefix(b"\\xfc")
    assert sign.encode() in done.stdout or spelled in done.stdout


# --- logs ------------------------------------------------------------------------------------

CURSOR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-ln-z]")  # all but colours


@pytest.mark.parametrize("variable", ["TTY_COMPATIBLE", "TTY_INTERACTIVE"])
@pytest.mark.parametrize("command", ["launch", "show"])
def test_no_cursor_codes_get_into_a_log(launched: Path, command: str, variable: str) -> None:
    env = {**os.environ, "FORCE_COLOR": "1", variable: "1", "TERM": "xterm-256color"}
    done = subprocess.run(_words(command, launched), env=env, cwd=HERE, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert not CURSOR.search(done.stdout + done.stderr), done.stderr
    if command == "launch":
        assert b"epoch 1/1, test 9" in done.stderr  # the lines of a log, not a live view


# --- narrow terminals ------------------------------------------------------------------------

HEADS = ["trial", "score", "worst", "mean", "spread", "parameters", "epochs", "goal", "state"]
LINES = [
    ["12", "99.46", "99.40", "99.48", "0.20", "9,987", "15", "held", "complete"],
    ["3", "", "", "", "", "19,987", "7", "", "fail: the worker died: killed by SIGKILL"],
]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _table(monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", _Terminal())
    shown = console.table("tiny", HEADS, LINES)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


@pytest.mark.parametrize("width", [20, 25, 30, 40, 60, 69, 70, 80, 100, 200])
def test_no_word_of_a_table_is_broken(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shown = _table(monkeypatch, width)
    assert max(map(cell_len, shown.splitlines())) <= width
    words = Counter(shown.split())
    for line in LINES:
        for cell in line:
            for word in cell.split():
                assert words[word], f"{word} is missing:\n{shown}"


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80])
def test_no_number_of_the_live_view_is_broken(width: int) -> None:
    study = fakes.study()
    space = study.make_space()
    params = {
        name: getattr(kind, "high", None) or kind.choices[0]  # type: ignore[attr-defined]
        for name, kind in space.dimensions.items()
    }
    config = space.config(params, seed=3)
    watcher = Progress("tiny", study.goal, 100, [])
    for number in range(98, 101):
        watcher.started(number, config)
        watcher.epoch(number, fakes.result(1, 93.25))
    drawing = Console(width=width, force_terminal=False)
    with drawing.capture() as capture:
        drawing.print(watcher.view())
    shown = capture.get()
    assert max(map(cell_len, shown.splitlines())) <= width
    words = Counter(shown.split())
    assert words["93.25"] == words[f"{config.params:,}"] == words["1/3"] == 3, shown
    assert {"98", "99", "100"} <= set(words)


@pytest.mark.parametrize("columns", [20, 40])
@pytest.mark.parametrize("command", ["show", "launch"])
def test_a_narrow_terminal_shows_the_result(launched: Path, command: str, columns: int) -> None:
    code, text = in_a_terminal(_words(command, launched), columns)
    assert code == 0, text
    assert "Traceback" not in text
    score = r"score:? 9\d\.\d\d\b" if command == "launch" else r"\n *0 +9\d\.\d\d\b"
    assert re.search(score, text), text


# --- pipes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_leaves_ends_nothing(
    launched: Path, home: Path, command: str, stream: str
) -> None:
    read, write = os.pipe()
    os.close(read)
    other = "stderr" if stream == "stdout" else "stdout"
    done = subprocess.run(
        _words(command, launched), cwd=HERE, **{stream: write, other: subprocess.PIPE}
    )  # type: ignore[call-overload]
    os.close(write)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in (done.stderr or b"")
    if command == "launch":
        assert (home / "runs" / f"{NAME}2" / "best.toml").is_file()
    if command == "export":
        assert (launched / "→.toml").is_file()


@pytest.mark.parametrize("closed", [[1], [2], [0, 1, 2]])
@pytest.mark.parametrize("command", ["launch", "show"])
def test_closed_streams_end_nothing_and_spoil_no_file(
    launched: Path, home: Path, command: str, closed: list[int]
) -> None:
    """The next file that is opened would else be standard output."""
    gaps = " ".join(f"{number}>&-" for number in closed)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {gaps}', "sh", *_words(command, launched)],
        cwd=HERE, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(_words("show", launched), cwd=HERE, capture_output=True, text=True)
    assert "complete" in shown.stdout, shown


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_result_that_cannot_be_said_is_one_line(launched: Path, command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            _words(command, launched), cwd=HERE, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    last_line = done.stderr.splitlines()[-1]
    assert last_line == b"Error: standard output: cannot be written: No space left on device"


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("command", ["launch", "show"])
def test_a_log_that_cannot_be_written_ends_nothing(launched: Path, command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            _words(command, launched), cwd=HERE, stderr=full, stdout=subprocess.PIPE
        )
    assert done.returncode == 0
    assert b"9" in done.stdout


def test_config_table_and_weights_go_to_standard_output_alone(
    launched: Path, drilldown: Drilldown
) -> None:
    done = drilldown("export", NAME, "-o", "-")
    assert done.code == 0
    assert Record.from_dict(tomllib.loads(done.out)).expected is not None
    assert done.err == ""
    table = drilldown("compare", "001")
    assert drilldown("compare", "001", "-o", "-").out == table.out
    assert not Path("-").exists()


# --- counts ----------------------------------------------------------------------------------


def test_counts_are_said_as_a_person_would() -> None:
    assert [of(n, "trial") for n in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
    assert [part(1, n, "seed") for n in (1, 2)] == ["1 of 1 seed", "1 of 2 seeds"]
    assert [last(n, "epoch") for n in (1, 5)] == ["last epoch", "last 5 epochs"]


@pytest.mark.parametrize(
    ("final", "epochs", "said"),
    [
        (5, 15, "99.40 % in every one of the last 5 of 15 epochs, fewer than 10,000 parameters"),
        (1, 15, "99.40 % in the last of 15 epochs, fewer than 10,000 parameters"),
        (1, 1, "99.40 % in its one epoch, fewer than 10,000 parameters"),
    ],
)
def test_a_goal_is_said_as_a_person_would(final: int, epochs: int, said: str) -> None:
    assert str(Goal(last=final, epochs=epochs)) == said


ONE = re.compile(r"(?<![\d.,])1 (of 1 )?(trials|epochs|seeds|stages|runs|experiments|trainings)\b")


def test_no_sentence_says_one_trials(drilldown: Drilldown, tmp_path: Path, home: Path) -> None:
    """All that a drill and a launch say of one trial, one epoch, one seed and one stage."""
    stages = TINY.partition("[space]")[0].replace("trials = 1\n", "confirm = 1\n")
    stages += '[[stage]]\nname = "net"\ntrials = 1\nkeep = 1\nvary = { widths = "all" }\n'
    (tmp_path / "down.toml").write_text(stages)
    (tmp_path / "tiny.toml").write_text(TINY)
    done = [drilldown("launch", tmp_path / "tiny.toml"), drilldown("drill", tmp_path / "down.toml")]
    done += [drilldown(*words) for words in (["show", "tiny"], ["list"], ["compare", "001-code4"])]
    texts = [each.out + each.err for each in done]
    texts += [path.read_text() for path in (home / "runs" / "down").glob("drill.*")]
    for text in texts:
        assert not ONE.search(text), ONE.search(text)
        assert "last 1 " not in text


def test_interrupted_is_said_once(drilldown: Drilldown, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY.replace("epochs = 1", "epochs = 9"))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("quick", "slow"), "launch", "tiny.toml"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )  # fmt: skip
    assert process.stderr is not None
    while "epoch" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP, err
    assert "Interrupted; go on with:" in out
    shown = drilldown("show", "tiny").out
    assert "interrupted" in shown
    assert "interrupted: interrupted" not in shown
