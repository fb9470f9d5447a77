"""What the version before the rooms left behind still opens, resumes, shows and checks.

`data/before-rooms` was made with it: the storage of `launch smoke` and of a drill, as SQL; the
drill's file, ledger and winner; and an exported trial, all with the goal as a sentence.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import fakes
import pytest
from command_line import Drilldown, typed

from mnist_core import record
from mnist_core.errors import UserError
from mnist_core.files import read_toml

LEFT = Path(__file__).parent / "data" / "before-rooms"


@pytest.fixture
def drilldown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], home: Path
) -> Iterator[Drilldown]:
    """In a home with the old storage and ledger, where no training is made anew."""
    runs = home / "runs"
    (runs / "mini").mkdir(parents=True)
    shutil.copy(LEFT / "confirmed.jsonl", runs / "mini")
    with sqlite3.connect(runs / "drilldown.sqlite3") as database:
        database.executescript((LEFT / "drilldown.sql").read_text())
    database.close()
    with typed(monkeypatch, capfd, start=fakes.unstartable) as run:
        yield run


def test_an_old_study_is_listed_and_shown(drilldown: Drilldown) -> None:
    listed = drilldown("list")
    assert listed.code == 0
    assert all(name in listed.out for name in ("smoke", "mini.1.net", "mini.2.pace"))
    shown = json.loads(drilldown("show", "smoke", "--format", "json").out)
    assert [row["trial"] for row in shown] == [3, 0, 1, 2]
    assert shown[0]["score"] == 86.3
    assert shown[0]["test_acc"] == [31.0, 86.3]
    assert shown[0]["params"] == 3947
    assert all(row["state"] == "complete" for row in shown)


def test_an_old_study_is_exported(drilldown: Drilldown, home: Path) -> None:
    assert drilldown("export", "smoke", "--trial", "1").code == 0
    ours = record.load(home / "runs" / "smoke" / "trial-1.toml")
    theirs = record.load(LEFT / "trial-1.toml")
    assert ours.config == theirs.config
    assert (ours.expected, ours.environment) == (theirs.expected, theirs.environment)


def test_an_old_study_that_is_over_is_launched_without_a_training(drilldown: Drilldown) -> None:
    ended = drilldown("launch", "smoke", "--quiet")
    assert ended.code == 0
    assert "4 of 4 trials ended: 4 complete" in ended.out


def test_an_old_study_goes_on_where_it_stopped(drilldown: Drilldown) -> None:
    """It is held by the same goal, space and seed: it comes as far as a worker, which cannot."""
    ended = drilldown("launch", "smoke", "--trials", "6", "--quiet")
    assert ended.code == 2
    assert "nothing can be trained" in ended.err


def test_an_old_drill_that_is_over_is_reported_without_a_training(
    drilldown: Drilldown, home: Path
) -> None:
    ended = drilldown("drill", LEFT / "mini.toml", "--quiet")
    assert ended.code == 0, ended.err
    assert "Winner: net/3, 3,962 parameters" in ended.out
    ours, theirs = record.load(home / "runs" / "mini" / "best.toml"), LEFT / "mini-best.toml"
    assert ours.config == record.load(theirs).config
    assert ours.confirmed == record.load(theirs).confirmed


def test_an_old_drill_keeps_its_stages(drilldown: Drilldown, tmp_path: Path) -> None:
    other = (LEFT / "mini.toml").read_text().replace("keep = 2", "keep = 1", 1)
    (tmp_path / "mini.toml").write_text(other)
    refused = drilldown("drill", tmp_path / "mini.toml", "--quiet")
    assert refused.code == 2
    assert "stage 'net' is over, with keep = 2; now it is 1" in refused.err


@pytest.mark.parametrize("file", ["trial-1.toml", "mini-best.toml"])
def test_an_old_export_comes_to_its_curve(drilldown: Drilldown, file: str) -> None:
    checked = drilldown("train", LEFT / file, "--check")
    same_bits = "Every epoch equals the expected curve" in checked.out
    assert same_bits or "The curve was made elsewhere" in checked.out or "band" in checked.out


def test_an_export_whose_goal_is_neither_sentence_nor_table_is_refused(tmp_path: Path) -> None:
    old = (LEFT / "trial-1.toml").read_text()
    sentence = read_toml(LEFT / "trial-1.toml")["origin"]["goal"]
    (tmp_path / "bad.toml").write_text(old.replace(f'"{sentence}"', "3"))
    with pytest.raises(UserError, match=r"bad\.toml: origin\.goal: must be "):
        record.load(tmp_path / "bad.toml")
