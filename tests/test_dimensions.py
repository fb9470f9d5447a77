"""`drilldown space`: what can vary, and what a study or a stage makes of it."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import STAGES, TINY, Drilldown, in_a_terminal, one_line

from spaces import SPACES, Frame
from spaces.catalogue import CATALOGUE, WIDTH_NAMES, all_dimensions
from spaces.dimensions import read


def _rows(drilldown: Drilldown, *words: str | Path) -> dict[str, dict[str, Any]]:
    done = drilldown("space", *words, "--format", "json")
    assert (done.code, done.err) == (0, "")
    return {f"{row['of']}/{row['dimension']}": row for row in json.loads(done.out)}


def test_all_that_a_stage_can_vary_has_a_meaning_in_one_line(drilldown: Drilldown) -> None:
    rows = _rows(drilldown, "stage")
    assert [row["dimension"] for row in rows.values()] == list(CATALOGUE)
    for row in rows.values():
        assert row["meaning"].isprintable()
        assert 10 < len(row["meaning"]) < 140
        assert not row["meaning"].endswith(".")
        assert row["state"] == "varies"
        assert row["here"] == row["values"]


@pytest.mark.parametrize(
    ("name", "state", "here"),
    [
        ("lr", "narrowed", [0.1, 0.6]),
        ("warmup", "varies", [0.05, 0.4]),
        ("schedule", "fixed", "linear"),
        ("gamma", "idle", None),
    ],
)
def test_of_a_study_it_is_told_what_it_narrows_fixes_and_leaves_idle(
    drilldown: Drilldown, name: str, state: str, here: Any
) -> None:
    row = _rows(drilldown, "quick")[f"quick/{name}"]
    assert (row["state"], row["here"]) == (state, here)


def test_a_range_and_choices_are_told_apart(drilldown: Drilldown) -> None:
    rows = _rows(drilldown, "stage")
    lr, batch = rows["stage/lr"], rows["stage/batch_size"]
    assert (lr["kind"], lr["log"], lr["values"]) == ("range", True, [0.02, 1.0])
    assert (batch["kind"], batch["unit"], batch["values"]) == (
        "choices",
        "images",
        [32, 64, 128, 256, 512],
    )
    said = drilldown("space", "stage").out
    assert "0.02 to 1 (log)" in said
    assert "32, 64, 128, 256 or 512 (images)" in said


def test_a_file_and_what_is_set_are_told(drilldown: Drilldown, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TINY)
    rows = _rows(drilldown, path, "--set", "space.fix.schedule=step")
    assert rows["mine/warmup"]["state"] == "idle"
    assert rows["mine/step_size"]["values"] == [1, 1]
    assert (
        "idle: schedule is step" in drilldown("space", path, "--set", "space.fix.schedule=step").out
    )


def test_of_a_drill_each_stage_is_told_and_one_alone(drilldown: Drilldown, tmp_path: Path) -> None:
    rows = _rows(drilldown, "shallow")
    assert {row["of"] for row in rows.values()} == {
        "shallow.1.architecture",
        "shallow.2.regularisation",
        "shallow.3.optimizer",
    }
    alone = _rows(drilldown, "shallow.3.optimizer")
    assert alone == {key: row for key, row in rows.items() if row["of"] == "shallow.3.optimizer"}
    average = alone["shallow.3.optimizer/average_over"]
    assert (average["state"], average["idle_where"]) == ("narrowed", "averaging is none")
    path = tmp_path / "mine.toml"
    path.write_text(STAGES)
    mine = _rows(drilldown, path)
    assert [mine[f"mine.1.net/{name}"]["state"] for name in WIDTH_NAMES] == ["varies"] * 7
    assert mine["mine.1.net/lr"]["state"] == "as it was"
    assert mine["mine.2.pace/lr"]["here"] == [0.1, 0.5]


def test_what_has_been_run_is_told_without_its_file(
    drilldown: Drilldown, tmp_path: Path, home: Path
) -> None:
    for name, text, command in (("one", TINY, "launch"), ("down", STAGES, "drill")):
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        assert drilldown(command, path, "--quiet").code == 0
        path.unlink()
    assert _rows(drilldown, "one")["one/lr"]["state"] == "varies"
    assert _rows(drilldown, "down.2.pace")["down.2.pace/lr"]["here"] == [0.1, 0.5]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["001-code4"], ["001-code4 is a config, not a study"]),
        (["opne"], ["no space, study or drill 'opne'", "'open'"]),
        (["quikc"], ["did you mean 'quick'?"]),
        (["shallow.2.regular"], ["drill 'shallow' has no stage", "'shallow.2.regularisation'"]),
        (["missing.toml"], ["missing.toml: no such file"]),
        (["open", "--set", "goal.params=8000"], ["--set: open is a space"]),
        (["quick", "--set", "space.vary.lr=[0.1, 9.0]"], ["--set space.vary.lr"]),
    ],
)
def test_bad_names_are_one_line(drilldown: Drilldown, words: list[str], parts: list[str]) -> None:
    one_line(drilldown("space", *words), *parts)


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_it_is_legible_in_any_terminal(home: Path, columns: int) -> None:
    program = "import sys; sys.argv[0] = 'drilldown'; from search import cli; cli.main()"
    command = [sys.executable, "-c", program, *shlex.split("space deep")]
    code, written = in_a_terminal(command, columns)
    assert code == 0
    lines = [line for line in written.splitlines() if not line.startswith("deep.")]
    assert max(map(len, lines)) <= columns
    assert {"label_smoothing", "average_over", "momentum,"} <= {*written.split()} | {
        word.rstrip(":") for word in written.split()
    }


@pytest.mark.parametrize("name", ["open", "classic", "stage"])
def test_a_dimension_as_a_study_keeps_it_is_read_back(name: str) -> None:
    frame = Frame(10_000, 15)
    found = all_dimensions(frame) if name == "stage" else SPACES[name](frame).dimensions
    for kind in found.values():
        assert read(str(kind)) == kind


@pytest.mark.parametrize("text", ["", "open", "0.5", "choices=[", "low=1 high=2", "True"])
def test_what_is_no_dimension_is_none(text: str) -> None:
    assert read(text) is None
