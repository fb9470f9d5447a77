"""Commands that are printed are right where they are typed, whatever the folders are called."""

import re
import shlex
import shutil
from pathlib import Path

import optuna_dashboard
import pytest
from command_line import STAGES, Drilldown

from search.study.storage import open_storage
from search.text import commands
from search.text.commands import command_for, program

HOME = 'it\'s "my" home; $HOME & `ls` Ä'


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """In a folder where `.venv/bin/drilldown` was typed, which no PATH leads to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands.sys, "argv", [".venv/bin/drilldown", "launch"])
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    return tmp_path


def test_what_is_typed_at_once_is_as_it_was_typed(started: Path) -> None:
    assert program() == ".venv/bin/drilldown"
    assert command_for(Path("runs/a b/best.toml")) == (
        ".venv/bin/drilldown train 'runs/a b/best.toml' --check"
    )


def test_what_is_kept_is_right_in_any_folder(started: Path) -> None:
    assert program(anywhere=True) == f"{started}/.venv/bin/drilldown"
    assert command_for(Path("runs/a b/best.toml"), anywhere=True) == (
        f"{started}/.venv/bin/drilldown train '{started}/runs/a b/best.toml' --check"
    )


def _printed(text: str) -> list[list[str]]:
    """The words of each command in a text."""
    found = re.findall(r"^(?:[A-Z][^:\n]*: +)?(drilldown .*)$", text, re.MULTILINE)
    return [shlex.split(command) for command in found]


@pytest.mark.usefixtures("no_data")
def test_the_commands_of_a_drill_are_right_wherever_the_home_is(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are printed, where they were printed; the report's, in its folder; the note's, in
    any."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILLDOWN_HOME", HOME)
    (tmp_path / "down.toml").write_text(STAGES)
    done = drilldown("drill", "down.toml", "--quiet")
    printed = [*_printed(done.out), *_printed(drilldown("export", "down.1.net").out)]
    trained = [words[2] for words in printed if words[1] == "train"]
    assert trained == [f"{HOME}/runs/down/best.toml", f"{HOME}/runs/down.1.net/best.toml"]
    assert all(Path(name).is_file() for name in trained)
    assert [words[1:] for words in printed if words[1] == "dashboard"] == [
        ["dashboard", "down.2.pace"]
    ]
    folder = tmp_path / HOME / "runs" / "down"
    written = _printed((folder / "drill.md").read_text())
    assert {words[1] for words in written} == {"confirm", "drill", "train"}
    report = next(words for words in written if "--check" in words)
    assert report == ["drilldown", "train", "best.toml", "--check"]
    monkeypatch.chdir(folder)
    assert drilldown("count", report[2]).code == 0
    monkeypatch.setenv("DRILLDOWN_HOME", str(tmp_path / HOME))
    study = open_storage().get("down.1.net")
    (noted,) = _printed(optuna_dashboard.get_note(study.optuna))
    assert Path(noted[2]) == tmp_path / HOME / "runs" / "down.1.net" / "best.toml"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list"], "launch --storage '{}'"),
        (["show", "tiny"], "launch --storage '{}'"),
    ],
)
def test_what_to_type_next_names_the_storage(
    drilldown: Drilldown, tmp_path: Path, words: list[str], said: str
) -> None:
    url = f"sqlite:///{tmp_path}/my studies.db"
    done = drilldown(*words, "--storage", url)
    assert said.format(url) in done.out + done.err


def test_a_trial_that_is_not_there_is_looked_for_in_the_same_storage(
    drilldown: Drilldown, tiny: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/my studies.db"
    drilldown("launch", tiny, "--storage", url, "--quiet")
    done = drilldown("export", "tiny", "--trial", "9", "--storage", url)
    assert f"see: drilldown show tiny --storage '{url}'" in done.err
