"""`--log jsonl`: what happens in a launch, for programs."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import fakes
import pytest
from command_line import STAGES, Done, Drilldown, in_a_terminal, one_line

from mnist_core.seeds import derived_seed
from search.launch.events import Events

JSONL = ("--log", "jsonl")


def _events(done: Done) -> list[dict[str, Any]]:
    """Every line of standard output; each has what all have."""
    events = [json.loads(line) for line in done.out.splitlines()]
    assert all({"event", "time", "study"} <= event.keys() for event in events)
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    return events


@pytest.mark.usefixtures("no_data")
def test_each_event_is_a_line_of_json_and_nothing_else_is_said(
    drilldown: Drilldown, tiny: Path, home: Path
) -> None:
    done = drilldown("launch", tiny, "--log", "jsonl")
    assert (done.code, done.err) == (0, "")
    events = _events(done)
    one = ["started", "epoch", "epoch", "ended"]
    assert [event["event"] for event in events] == [*one, *one, "over"]
    assert {event["study"] for event in events} == {"tiny"}
    started, first, last, ended = events[:4]
    assert started["seed"] == derived_seed(7, 0)
    assert [first["epoch"], last["epoch"]] == [1, started["epochs"]] == [1, 2]
    assert ended["score"] == ended["worst"] == last["test_acc"]  # the goal's is the last epoch
    over = events[-1]
    assert (over["complete"], over["holding"], over["signal"]) == (2, 2, 0)
    assert over["score"] == max(event["score"] for event in (events[3], events[7]))
    assert over["config"] == str(home / "runs" / "tiny" / "best.toml")
    again = _events(drilldown("launch", tiny, "--log", "jsonl"))
    assert [event["event"] for event in again] == ["over"]


@pytest.mark.usefixtures("no_data")
def test_the_readme_has_every_field(drilldown: Drilldown, tmp_path: Path) -> None:
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    told = {each["event"]: each.keys() for each in _events(drilldown("drill", path, *JSONL))}
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    _, _, said = readme.partition("\n### Events\n")
    fields = {
        event: {"event", "time", "study", *re.findall("`([a-z_]+)`", row)} - {"null"}
        for event, row in re.findall(r"^\| `(\w+)` \| (.*) \|$", said.partition("\n#")[0], re.M)
    }
    assert {event: fields[event] for event in told} == told
    assert fields.keys() - told.keys() == {"confirming", "judged"}  # of a launch alone


@pytest.mark.usefixtures("no_data")
def test_a_study_that_is_not_complete_says_what_resumes_it(
    drilldown: Drilldown, tiny: Path
) -> None:
    def over(*words: object) -> dict[str, Any]:
        return _events(drilldown("launch", tiny, *JSONL, "--trials", 3, *words))[-1]

    held = over("--until-held")
    assert (held["complete"], held["resume"]) == (1, "drilldown launch tiny --trials 3")
    tiny.write_text(f"until_held = true\n{tiny.read_text()}")
    held = over("--workers", "2", "--engine", "torch")
    words = "--trials 3 --no-until-held --workers 2 --engine torch"
    assert held["resume"] == f"drilldown launch tiny {words}"
    assert over("--no-until-held")["resume"] is None


def test_the_accuracy_while_training_has_four_decimals() -> None:
    lines: list[str] = []
    Events("tiny", lines.append).epoch(0, fakes.result(1, 90.0, train_acc=91.11111111))
    assert json.loads(lines[0])["train_acc"] == 91.1111


@pytest.mark.usefixtures("no_data")
def test_what_is_not_finite_is_null(drilldown: Drilldown, tiny: Path) -> None:
    trials = 4
    done = drilldown("launch", tiny, "--log", "jsonl", "--trials", trials, start=fakes.nan)
    failed = [number for number in range(trials) if derived_seed(7, number) % 2]
    assert failed
    events = _events(done)
    missing = [each["trial"] for each in events if each.get("test_acc", 0) is None]
    assert missing == failed
    ended = {each["trial"]: each for each in events if each["event"] == "ended"}
    assert all(ended[number]["state"] == "fail" for number in failed)
    assert all(ended[number]["score"] is None for number in failed)
    assert "nan in epoch 2" in ended[failed[0]]["reason"]
    assert "failed: the test accuracy is nan" in done.err  # as --quiet says it too


@pytest.mark.usefixtures("no_data")
def test_a_drill_tells_of_its_stages_and_its_winner(
    drilldown: Drilldown, tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    events = _events(drilldown("drill", path, "--log", "jsonl"))
    assert [e["study"] for e in events if e["event"] == "over"] == ["down.1.net", "down.2.pace"]
    drilled = events[-1]
    assert (drilled["event"], drilled["study"], drilled["failed"]) == ("drilled", "down", 0)
    assert drilled["winner"].split("/")[0] in ("net", "pace")
    assert drilled["config"] == str(home / "runs" / "down" / "best.toml")
    assert Path(drilled["report"]).exists()


def test_there_is_no_live_view_then(tiny: Path) -> None:
    program = "import fakes; from search.cli import main; main(fakes.quick)"
    words = ["launch", str(tiny), "--log", "jsonl"]
    code, text = in_a_terminal([sys.executable, "-c", program, *words], 100)
    assert code == 0
    assert all(json.loads(line) for line in text.splitlines())


def test_no_other_log_is_known(drilldown: Drilldown, tiny: Path) -> None:
    one_line(drilldown("launch", tiny, "--log", "xml"), "--log", "'text', 'jsonl'")
