"""`launch`, `list`, `show`, `export` and `drill`, as a person meets them."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import fakes
import pandas
import pytest
from command_line import STAGES, TINY, Drilldown, in_a_terminal, one_line

from mnist_core import record
from mnist_core.native import library
from mnist_core.seeds import derived_seed

# --- launch ----------------------------------------------------------------------------------


def test_launch_prints_lines_and_the_result(drilldown: Drilldown, tiny: Path, home: Path) -> None:
    done = drilldown("launch", tiny)
    assert done.code == 0
    assert "trial 0: epoch 1/2, test 9" in done.err
    assert "tiny: 2 of 2 trials ended: 2 complete, 0 pruned, 0 failed" in done.out
    assert f"drilldown train {home}/runs/tiny/best.toml --check" in done.out
    said = done.out.replace(str(home), "").replace(str(tiny), tiny.name)
    short = [line for line in said.splitlines() if " launch " not in line]  # that is to be copied
    assert max(map(len, short)) <= 100


def test_quiet_launch_prints_the_result_only(drilldown: Drilldown, tiny: Path) -> None:
    done = drilldown("launch", tiny, "--quiet")
    assert done.err == ""
    assert "2 of 2 trials ended" in done.out


def test_options_change_the_study(drilldown: Drilldown, tiny: Path, tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path}/other.db"
    options = f"--trials 3 --workers 2 --seed 5 --name mine --timeout 1000 --storage {where}"
    done = drilldown("launch", tiny, *options.split(), "--verbose")
    assert f"drilldown show mine --storage {where}" in done.out
    seeds = re.findall(r"^trial (\d): [\d,]+ parameters, seed (\d+)$", done.err, re.MULTILINE)
    assert dict(seeds) == {str(number): str(derived_seed(5, number)) for number in range(3)}
    shown = drilldown("show", "mine", "--storage", where, "--format", "json").out
    assert len(json.loads(shown)) == 3


@pytest.mark.parametrize(
    ("options", "wanted"),
    [("", "torch"), ("--device cpu --engine auto", "torch" if library.unavailable() else "auto")],
)
def test_engine_of_the_command_line_comes_before_the_studys(
    drilldown: Drilldown, tiny: Path, home: Path, options: str, wanted: str
) -> None:
    tiny.write_text(f'engine = "torch"\n{TINY}')
    drilldown("launch", tiny, *options.split(), start=fakes.telling)
    environment = record.load(home / "runs" / "tiny" / "best.toml").environment
    assert environment is not None
    assert environment.machine == f"{wanted} on cpu"


@pytest.mark.usefixtures("no_data")
def test_a_launch_says_once_why_torch_stands_in(
    drilldown: Drilldown, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "unavailable", lambda *_: "the native engine was not built")
    said = drilldown("launch", tiny, "--trials", "3").err
    assert re.findall("on torch.*\n", said) == ["on torch: the native engine was not built\n"]
    assert "on torch" not in drilldown("launch", tiny, "--name", "x", "--engine", "torch").err


LIVE = "import fakes; from search.cli import main; main(fakes.slow)"


def test_live_view_in_a_terminal(tiny: Path) -> None:
    code, text = in_a_terminal([sys.executable, "-c", LIVE, "launch", str(tiny)], 100)
    assert code == 0, text
    assert "Traceback" not in text
    for shown in (
        r"trial +parameters +epoch +test accuracy +time left",
        r"0 +1,\d\d\d +0/2",
        r"0 +1,\d\d\d +1/2 +9\d\.\d\d % +\d s",
        r"0 of 2 trials ended: 0 complete, 0 pruned, 0 failed; no best yet",
        r"1 of 2 trials ended: 1 complete, .*; best score 9\d\.\d\d % \(trial 0\)",
        r"trial 0: complete, score 9",
    ):
        assert re.search(shown, text), shown
    assert "epoch 1/2, test" not in text  # no line an epoch: the view shows it
    assert re.search(r"^\W*tiny: 2 of 2 trials ended: 2 complete", text, re.MULTILINE)


def test_live_view_of_a_drill_says_stage_and_finalists(stages: Path) -> None:
    code, text = in_a_terminal([sys.executable, "-c", LIVE, "drill", str(stages)], 80)
    assert code == 0, text
    for shown in (
        r"\nstage 1 of 2: net\r?\n",
        r"\nstage 2 of 2: pace\r?\n",
        r"down: finalists on fresh seeds, after 2 stages",
        r"\nnet +seed +epoch +test accuracy +time left\r?\n",
        r"\d of [12] trainings? ended: 0 failed",
        r"seed \d+: test 9\d\.\d\d % in\s+its last epoch",
        r"Goal: not held yet",
    ):
        assert re.search(shown, text), shown
    ended = re.findall(r"trial \d: (?:complete|pruned|failed)", text)
    assert len(ended) == 4


# --- list, show and export -------------------------------------------------------------------


@pytest.fixture
def there(launched: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the home of a study that has been run; returns its folder."""
    monkeypatch.setenv("DRILLDOWN_HOME", str(launched.parents[1]))
    return launched


def test_list_of_no_studies_says_so(drilldown: Drilldown) -> None:
    assert "No study has been run yet" in drilldown("list").out


@pytest.mark.usefixtures("there")
def test_list_shows_what_can_be_launched_and_what_has_been_run(drilldown: Drilldown) -> None:
    done = drilldown("list")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    launchable, run = done.out.split("What has been run")
    for name in ("quick", "smoke", "under-10k"):
        assert re.search(rf"^{name} +\d+ ", launchable, re.MULTILINE)
    row = r"^tiny +200 \+ 200 +5 +20.00 % +1 of 2 epochs +< 2,000 +9\d\.\d\d % +5$"
    assert re.search(row, run, re.MULTILINE)


@pytest.mark.usefixtures("there")
def test_show_as_a_table_reads_best_first(drilldown: Drilldown) -> None:
    whole, title, head, *lines, same = drilldown("show", "tiny").out.splitlines()
    assert whole.startswith("Not the whole of MNIST: 200 of")
    assert same.startswith("The same in all trials: ")
    assert title.startswith("tiny: 20.00 % in the last of 2 epochs")
    assert head.split()[:6] == ["trial", "score", "worst", "mean", "spread", "parameters"]
    assert len(lines) == 5
    scores = [float(line.split()[1]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert all(line.split()[-2:] == ["held", "complete"] for line in lines)


@pytest.mark.usefixtures("there")
def test_show_as_json_and_csv_say_the_same(drilldown: Drilldown) -> None:
    listed = json.loads(drilldown("show", "tiny", "--format", "json").out)
    text = drilldown("show", "tiny", "--format", "csv").out
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line.keys() for line in lines] == [row.keys() for row in listed]
    for row, line in zip(listed, lines, strict=True):
        assert row["state"] == line["state"] == "complete"
        assert row["score"] == float(line["score"])
        assert row["params"] == int(line["params"])
        assert row["test_acc"] == json.loads(line["test_acc"])
        assert (row["epochs"], row["holds_goal"]) == (2, True)
    frame = pandas.read_csv(io.StringIO(text))
    assert list(frame["trial"]) == [row["trial"] for row in listed]
    assert frame["score"].is_monotonic_decreasing
    assert frame["params"].dtype.kind == "i"


def test_show_of_failed_trials_is_a_table_with_their_reasons(
    drilldown: Drilldown, tiny: Path
) -> None:
    drilldown("launch", tiny, "--trials", "6", start=fakes.nan)
    failed = [number for number in range(6) if derived_seed(7, number) % 2]
    reason = "the test accuracy is nan in epoch 2"
    lines = drilldown("show", "tiny").out.splitlines()[-len(failed) - 1 : -1]
    assert [int(line.split()[0]) for line in lines] == failed
    assert all(line.endswith(f"fail: {reason}") for line in lines)
    listed = json.loads(drilldown("show", "tiny", "--format", "json").out)
    assert {row["reason"] for row in listed if row["state"] == "fail"} == {reason}


def test_export_writes_the_best_or_the_trial_that_is_named(
    drilldown: Drilldown, there: Path, tmp_path: Path
) -> None:
    best, here = there / "best.toml", tmp_path / "a b.toml"
    done = drilldown("export", "tiny")
    assert done.out == f"{best}\nTrain it again: drilldown train {best} --check\n"
    drilldown("export", "tiny", "--trial", "1")
    other = record.load(there / "trial-1.toml").origin
    assert other is not None
    assert other.trial == 1
    done = drilldown("export", "tiny", "-o", here)
    assert record.load(here) == record.load(best)
    assert done.out.endswith(f"drilldown train '{here}' --check\n")


# --- drill -----------------------------------------------------------------------------------


@pytest.fixture
def stages(tmp_path: Path, no_data: None) -> Path:
    """A drill's file."""
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    return path


def test_drill_ends_with_a_winner_and_a_report(
    drilldown: Drilldown, stages: Path, home: Path
) -> None:
    done = drilldown("drill", stages, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert "Winner: " in done.out
    assert str(home / "runs" / "down" / "drill.html") in done.out
    assert "down.2.pace" in drilldown("list").out
    stages.write_text(STAGES.replace("[0.1, 0.5]", "[0.1, 0.4]"))
    one_line(
        drilldown("drill", stages, "--quiet"),
        "stage 'pace' was run with stage.pace.vary.lr = ",
        "--name",
    )


def test_drill_whose_finalists_failed_on_fresh_seeds_says_so_and_tries_them_again(
    drilldown: Drilldown, stages: Path
) -> None:
    words = ("drill", stages, "--quiet", "--seed", _seed_whose_fresh_one_alone_is_odd())
    done = drilldown(*words, start=fakes.failing)
    assert done.code == 1
    assert re.search("^Finalists: [12] trainings? on fresh seeds failed$", done.out, re.M)
    again = " ".join(map(str, words))
    assert re.search(f"^Try those again: +drilldown {again}$", done.out, re.M)
    done = drilldown(*words)
    assert done.code == 0
    assert "Try those again" not in done.out


def _seed_whose_fresh_one_alone_is_odd() -> str:
    """Of a drill: `fakes.failing` fails where a training's seed is odd."""
    for seed in range(1000):
        studies = [derived_seed(seed, stage) for stage in range(2)]
        trials = [derived_seed(study, number) for study in studies for number in range(2)]
        if derived_seed(seed, 0, 1) % 2 > max(trial % 2 for trial in trials):
            return str(seed)
    raise AssertionError("none of so many")
