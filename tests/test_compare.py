"""Experiments of others beside our own runs: what counts, what is run, and how it is shown."""

import csv
import io
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import fakes
import pytest
from command_line import Drilldown, one_line, typed
from fakes import ENVIRONMENT, curve

from mnist_core import fetch
from mnist_core.record import EngineUsed
from search.chance.noise import ASSUMED, estimate
from search.compare import compare, experiments
from search.compare.compare import GOAL_EPOCHS, Results
from search.compare.experiments import Experiment, select
from search.text import wording
from search.workers.ledger import Ledger, Run, key

NAMES = ("001-code1", "001-code4", "003-f1-const-lr0.05", "004-exp1")
LONG = "004-exp1"  # its config has 19 epochs


@pytest.fixture(autouse=True)
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four of the experiments, without any results; no data is looked for."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(experiments.SEEDS / f"{name}.toml", folder)
    monkeypatch.setattr(experiments, "SEEDS", folder)
    monkeypatch.setattr(compare, "DIFFERED", frozenset())
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)
    return folder


@pytest.fixture
def own(home: Path) -> Path:
    return home / "runs" / "seeds" / "results.jsonl"


@pytest.fixture
def drilldown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Drilldown]:
    """The command, in this process; nothing is trained."""
    with typed(monkeypatch, capfd, "/some/where/drilldown", fakes.quick) as run:
        yield run


@pytest.fixture
def _two_seeds_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise is estimated however few the seeds are."""
    monkeypatch.setattr("search.chance.noise.estimate", partial(estimate, least=1))


def _one(name: str) -> Experiment:
    (experiment,) = select([name])
    return experiment


def _run(name: str, test_acc: Sequence[float], seed: int | None = None, recipe: str = "") -> Run:
    """recipe: the experiment whose config it was, where it is not that of its name."""
    experiment = _one(recipe or name)
    seed = experiment.config.seed if seed is None else seed
    return Run(
        name=name, config=key(experiment.seeded(seed)), seed=seed, test_acc=tuple(test_acc),
        train_acc=(99.0,) * len(test_acc), seconds=1.0, environment=ENVIRONMENT,
    )  # fmt: skip


def _flat(last: float, epochs: int = 15) -> list[float]:
    """A curve whose last five accuracies are these, the others lower."""
    return [90.0] * (epochs - 5) + [last] * 5


def _compare(*runs: Run, epochs: int = GOAL_EPOCHS) -> dict[str, compare.Compared]:
    found = compare.compare(select([]), runs, epochs)
    return {row.experiment.name: row for row in found.rows}


def _verdicts(*runs: Run, epochs: int = GOAL_EPOCHS) -> dict[str, str]:
    found = compare.compare(select([]), runs, epochs)
    return {row.experiment.name: found.verdict(row) for row in found.rows}


# --- which runs count ------------------------------------------------------------------------


def test_experiments_not_run_have_theirs_alone() -> None:
    rows = _compare()
    assert tuple(rows) == NAMES
    for row in rows.values():
        assert row.theirs == row.experiment.reported.test_acc[10:15]
        assert (row.runs, row.pair, row.whole) == ((), None, False)
    assert set(_verdicts().values()) == {""}


def test_run_counts_for_the_recipe_whatever_it_is_called() -> None:
    mine = _run("something", _flat(98.0), recipe="001-code1")
    assert _compare(mine)["001-code1"].runs == (mine,)


def test_run_of_a_recipe_that_has_changed_does_not_count_and_is_said() -> None:
    stale = _run("001-code1", _flat(98.0), recipe="001-code4")
    other = stale.model_copy(update={"config": "0" * 16})
    wrong_seed = _run("001-code1", _flat(98.0)).model_copy(update={"seed": 2})
    good = _run("001-code1", _flat(98.4))
    runs = [stale, good, other, wrong_seed]
    assert _compare(*runs)["001-code1"].runs == (good,)
    said = "001-code1: 3 runs ignored: the recipe has changed since"
    assert compare.stale(select([]), runs) == [said]
    assert compare.stale(select([]), [good]) == compare.stale(select(["004"]), runs) == []


def test_of_one_seed_the_longest_run_counts_and_seeds_stand_in_order() -> None:
    short, long = _run("001-code1", [98.0] * 3), _run("001-code1", _flat(98.4))
    fresh = _run("001-code1", _flat(98.2), seed=0)
    assert _compare(long, short, fresh)["001-code1"].runs == (fresh, long)
    assert _compare(fresh, short, long)["001-code1"].runs == (fresh, long)


def test_both_files_of_results_are_read(packaged: Path, own: Path, tmp_path: Path) -> None:
    theirs, mine = _run("001-code1", _flat(98.0)), _run("001-code1", _flat(98.2), seed=2)
    assert Results(None).runs == []
    Ledger(packaged / "results.jsonl").add(theirs)
    Ledger(own).add(mine)
    assert Results(None).runs == [theirs, mine]
    elsewhere = tmp_path / "elsewhere.jsonl"
    assert Results(elsewhere).runs == [theirs]
    assert not elsewhere.exists()


# --- what a row says -------------------------------------------------------------------------


def test_row_is_about_the_last_five_of_the_first_fifteen_epochs() -> None:
    (row,) = [row for name, row in _compare(
        _run(LONG, [90.0] * 10 + [99.0, 99.1, 99.2, 99.3, 99.4] + [50.0] * 4),
        _run(LONG, [90.0] * 10 + [99.2, 99.3, 99.4, 99.5, 99.6], seed=2),
    ).items() if name == LONG]  # fmt: skip
    assert row.end == 15
    assert row.theirs == row.experiment.reported.test_acc[10:15]
    assert row.pair is not None
    assert row.pair.ours_mean == pytest.approx((99.2 + 99.4) / 2)
    assert row.pair.worst == 99.0
    theirs = statistics.fmean(row.experiment.reported.test_acc[10:15])
    assert row.pair.difference == pytest.approx(99.3 - theirs)


def test_more_epochs_are_compared_where_they_are_asked_for_and_there() -> None:
    whole, part = _run(LONG, _flat(99.2, 19)), _run("001-code1", _flat(98.4))
    rows = _compare(whole, part, epochs=1000)
    assert [rows[name].end for name in NAMES] == [15, 15, 15, 19]
    assert rows[LONG].theirs == rows[LONG].experiment.reported.test_acc[14:19]


@pytest.mark.parametrize("length", [1, 3, 5, 6, 14])
def test_shorter_run_is_compared_over_the_same_epochs_and_not_judged(length: int) -> None:
    run = _run(LONG, [99.0] * length)
    row = _compare(run)[LONG]
    reported = row.experiment.reported.test_acc
    assert row.end == length
    assert row.theirs == reported[max(0, length - 5) : length]
    assert row.pair is not None
    assert row.pair.ours == [tuple([99.0] * min(length, 5))]
    assert not row.whole
    assert _verdicts(run)[LONG] == ""


def test_seeds_that_were_cut_short_are_left_out_of_a_row_that_has_longer_ones() -> None:
    long, short = _run("001-code1", _flat(98.4)), _run("001-code1", [90.0] * 9, seed=2)
    row = _compare(long, short)["001-code1"]
    assert (row.runs, row.end) == ((long,), 15)


@pytest.mark.parametrize(
    ("name", "last", "verdict"),
    [
        ("001-code4", 99.426 + 0.05, "yes"),
        ("001-code4", 99.426 - 0.3, "no"),
        ("003-f1-const-lr0.05", 9.8, "below 97 % (both)"),
        ("003-f1-const-lr0.05", 98.0, "below 97 % (theirs)"),
        ("001-code1", 60.0, "below 97 % (ours)"),
    ],
)
def test_verdict_is_whether_chance_explains_the_difference(
    name: str, last: float, verdict: str
) -> None:
    """If the net is not too bad for it. 99.426: what was reported of 001-code4; of the second less
    than 97."""
    assert _verdicts(_run(name, _flat(last)))[name] == verdict


@pytest.mark.usefixtures("_two_seeds_tell")
def test_seeds_that_were_added_because_they_differed_say_nothing_of_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = [_run(name, _flat(98.0 + seed / 10), seed) for name in NAMES[:2] for seed in (1, 2)]
    assert compare.compare(select([]), runs, GOAL_EPOCHS).noise.recipes == 2
    monkeypatch.setattr(compare, "DIFFERED", frozenset(NAMES[:1]))
    assert compare.compare(select([]), runs, GOAL_EPOCHS).noise.recipes == 1


@pytest.mark.usefixtures("_two_seeds_tell")
def test_noise_is_estimated_from_whole_rows_that_are_judged() -> None:
    one = [_run("001-code1", _flat(98.4)), _run("003-f1-const-lr0.05", _flat(10.0))]
    lottery = [_run("003-f1-const-lr0.05", _flat(98.0), seed=2), _run(LONG, [99.0] * 9)]
    lottery += [_run(LONG, [99.5] * 9, seed=2)]
    noise = compare.compare(select([]), [*one, *lottery], GOAL_EPOCHS).noise
    assert (noise.recipes, noise.seed_share) == (0, ASSUMED)
    second = _run("001-code1", _flat(98.8), seed=2)  # means 98.4 and 98.8: variance 0.08
    found = compare.compare(select([]), [*one, *lottery, second], GOAL_EPOCHS)
    assert found.noise.recipes == 1
    pair = next(pair for _, pair in found.judged())
    seeds = (found.noise.seed_share * pair.error) ** 2
    assert seeds == pytest.approx(0.08 - pair.epoch_variance() / 5)


def test_noise_is_the_same_whichever_experiments_are_asked_for() -> None:
    runs = [_run("001-code1", _flat(98 + seed / 10), seed=seed) for seed in range(1, 8)]
    few, all_ = (compare.compare(select(words), runs, GOAL_EPOCHS) for words in (["004"], []))
    assert few.noise == all_.noise
    assert few.noise.recipes == 1


# --- what is run -----------------------------------------------------------------------------


def test_jobs_are_the_configs_own_seed_first_and_then_upwards() -> None:
    wanted = compare.jobs(select(["001-code4", "003", LONG]), 2, 15)
    names = ["001-code4", "003-f1-const-lr0.05", LONG]
    seeds = [_one(name).config.seed for name in names]
    assert [job.number for job in wanted] == list(range(6))
    assert [(job.name, job.config.seed) for job in wanted] == [
        *zip(names, seeds, strict=True),
        *zip(names, [seed + 1 for seed in seeds], strict=True),
    ]
    for job in wanted:
        assert job.epochs == 15
        assert job.config == _one(job.name).seeded(job.config.seed)
    assert [job.epochs for job in compare.jobs(select([LONG, "001"]), 1, 17)] == [15, 15, 17]
    assert compare.jobs(select([]), 0, 15) == []


# --- the command -----------------------------------------------------------------------------


def _filled(own: Path) -> None:
    """Runs of every kind of row: within noise on two seeds, beyond, not training, cut short."""
    ledger = Ledger(own)
    ledger.add(_run("001-code1", _flat(98.38)))
    ledger.add(_run("001-code1", _flat(98.44), seed=2))
    ledger.add(_run("001-code4", _flat(99.0)))
    ledger.add(_run("003-f1-const-lr0.05", _flat(9.8)))
    ledger.add(_run(LONG, [98.0, 98.5, 98.7]))


def test_table_of_what_is_not_run(drilldown: Drilldown, home: Path) -> None:
    done = drilldown("compare")
    assert (done.code, done.err) == (0, "")
    _, head, *lines = done.out.splitlines()
    assert head.startswith("experiment ")
    assert [line.split()[0] for line in lines[:4]] == list(NAMES)
    assert lines[1].split()[1:] == ["8,016", "99.41", "99.43", "99.44", "99.43", "99.42", "99.43"]
    assert lines[4:] == ["", "0 of 4 experiments have been run."]
    assert not (home / "runs").exists()


@pytest.mark.usefixtures("_two_seeds_tell")
def test_table_of_every_kind_of_row(drilldown: Drilldown, own: Path) -> None:
    _filled(own)
    done = drilldown("compare")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 150
    ends = [" ".join(line.split()[7:]) for line in lines[2:6]]
    assert ends == [
        "98.40 98.41 98.38 +0.01 yes 2 15 of 15",
        "99.43 99.00 99.00 -0.43 no 1 15 of 15",
        "9.80 9.80 9.80 +0.00 below 97 % (both) 1 15 of 15",
        "98.00 -0.17 1 3 of 19",  # two epochs fewer, so that two more columns are cut off
    ]
    said = " ".join(lines[7:])
    assert said.startswith(
        "4 of 4 experiments have been run, 1 of them not long enough to be judged; in 2 both "
        "sides reach 97 %, in 1 of these they lie within 0.15 points of each other and in 1 within "
        "run-to-run noise; the median of the absolute differences is 0.22 points, the largest 0.43 "
        "(001-code4). Not judged are nets whose last epochs have a mean below 97 %: 1 as "
        "reported, 1 as run here, 1 in both. Within noise is "
    )
    assert said.endswith(
        "(estimated from those with two seeds or more: 1). Those that were given further seeds "
        "because they differed most do not count."
    )


def test_words_choose_the_rows(drilldown: Drilldown) -> None:
    out = drilldown("compare", "004", "001-code4").out
    assert [line.split()[0] for line in out.splitlines()[2:4]] == ["001-code4", "004-exp1"]


def test_json_and_csv_say_the_same_in_full(drilldown: Drilldown, own: Path) -> None:
    _filled(own)
    listed = json.loads(drilldown("compare", "--format", "json").out)
    lines = list(csv.DictReader(io.StringIO(drilldown("compare", "--format", "csv").out)))
    assert [row["name"] for row in listed] == [line["name"] for line in lines] == list(NAMES)
    for row, line in zip(listed, lines, strict=True):
        assert row.keys() - line.keys() == {"reported", "runs"}
        for field, text in line.items():
            value = row[field]
            assert text == ("" if value is None else str(value))
    first, _, lost, short = listed
    assert first["within_noise"] == "yes"
    assert first["ours_mean"] == pytest.approx(98.41, abs=1e-9)
    assert first["difference"] == pytest.approx(98.41 - 98.402, abs=1e-9)
    assert [run["seed"] for run in first["runs"]] == [1, 2]
    assert first["runs"][1]["test_acc"] == _flat(98.44)
    assert first["reported"]["test_acc"] == list(_one("001-code1").reported.test_acc)
    assert lost["within_noise"] == "below 97 % (both)"
    assert (short["within_noise"], short["epochs"], short["config_epochs"]) == (None, 3, 19)


def test_markdown_is_a_whole_page_that_does_not_change(
    drilldown: Drilldown, own: Path, tmp_path: Path
) -> None:
    _filled(own)
    page = drilldown("compare", "--format", "markdown").out
    assert page == drilldown("compare", "--format", "markdown").out
    assert page.startswith("# 4 experiments of 3 write-ups, theirs and ours\n\n")
    assert "```sh\ndrilldown compare --format markdown\n```" in page
    assert "\n## 004: Coding\\_Drill\\_Down\\_MNIST (harshvs4)\n" in page
    assert "[gokul-pv/CodingDrill](https://github.com/gokul-pv/CodingDrill)" in page
    assert (
        "| [001-code4](001-code4.toml) | 8,016 | 99.41 99.43 99.44 99.43 99.42 | 99.43 | 99.00 | "
        "99.00 | -0.43 | no | 1 | 15 of 15 |\n"
    ) in page
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("| ")]
    assert [len(table) for table in tables] == [4, 3, 3]
    assert {line.count(" | ") for table in tables for line in table} == {9}
    assert page.endswith("- none (cpu, 1 thread); drilldown 0: 5 trainings\n")
    assert str(tmp_path) not in page


def test_page_names_an_engine_that_the_versions_do_not() -> None:
    native = EngineUsed(name="native", version="1", instruction_set="avx2", compiler="gcc 12")
    made = ENVIRONMENT.model_copy(update={"engine": native})
    assert wording.environments([made, ENVIRONMENT, made]) == [
        "none (cpu, 1 thread); drilldown 0, native 1 (avx2, gcc 12): 2 trainings",
        "none (cpu, 1 thread); drilldown 0: 1 training",
    ]


def test_page_names_the_command_that_makes_it_again(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["compare", "001", "--epochs", "14", "--results", "a b.jsonl"]
    done = drilldown(*words, "--seeds", "1", "--format", "markdown", "-o", "new/page.md")
    assert (done.code, done.out) == (0, "new/page.md\n")
    assert (
        "\ndrilldown compare 001 --epochs 14 --results 'a b.jsonl' --format markdown "
        "-o new/page.md\n"
    ) in (tmp_path / "new" / "page.md").read_text()


def test_output_is_written_whole_or_not_at_all(drilldown: Drilldown, tmp_path: Path) -> None:
    shown = drilldown("compare").out
    drilldown("compare", "-o", tmp_path / "table.txt")
    assert (tmp_path / "table.txt").read_text() == shown
    done = drilldown("compare", "-o", tmp_path)
    assert done.code == 2
    assert "cannot be written: it is a folder" in done.err


def test_seeds_that_are_missing_are_trained_and_shown(
    drilldown: Drilldown, own: Path, packaged: Path
) -> None:
    Ledger(packaged / "results.jsonl").add(_run("001-code1", _flat(98.0)))
    Ledger(own).add(_run("001-code4", [98.0] * 7))
    words = ["compare", "001", "--seeds", "2", "--epochs", "8"]
    done = drilldown(*words)
    assert done.code == 0
    assert "trainings to do: 3, done before: 1" in done.err
    assert "001-code1, seed 2: epoch 8/8, test 9" in done.err
    ends = [line.split()[-4:] for line in done.out.splitlines()[2:4]]
    assert ends == [["2", "8", "of", "15"]] * 2
    kept, seed = own.read_bytes(), _one("001-code1").config.seed
    runs = sorted((run.name, run.seed, len(run.test_acc)) for run in Ledger(own).runs)
    assert runs == [
        ("001-code1", seed + 1, 8),
        ("001-code4", seed, 7),
        ("001-code4", seed, 8),
        ("001-code4", seed + 1, 8),
    ]
    again = drilldown(*words, start=fakes.exiting)
    assert (again.code, again.err, again.out) == (0, "", done.out)
    assert drilldown("compare", "001", "--epochs", "8").out == done.out
    assert own.read_bytes() == kept


def test_training_stops_after_the_epochs_but_keeps_its_schedule(
    drilldown: Drilldown, own: Path
) -> None:
    drilldown("compare", LONG, "--seeds", "1", "--epochs", "2")
    (run,) = Ledger(own).runs
    config = _one(LONG).config
    assert config.epochs == 19
    assert run.config == key(config)
    assert run.test_acc == tuple(curve(config)[:2])


def test_what_is_trained_is_trained_on_the_engine_that_is_asked_for(
    drilldown: Drilldown, own: Path
) -> None:
    words = ("compare", "001-code1", "--seeds", "1", "--epochs", "2", "--engine", "torch")
    done = drilldown(*words, start=fakes.telling)
    assert done.code == 0
    assert [run.environment.machine for run in Ledger(own).runs] == ["torch on cpu"]
    assert "on torch" not in done.err


def test_failed_trainings_are_said_and_the_rest_is_shown(drilldown: Drilldown, own: Path) -> None:
    done = drilldown("compare", "001", "--seeds", "2", "--epochs", "3", start=fakes.failing)
    assert done.code == 1
    assert "2 of 2 experiments have been run" in done.out
    assert "001-code1, seed 1: failed: NonFiniteLoss: the training loss became nan" in done.err
    assert done.err.endswith("2 trainings failed; type the same to try again.\n")
    assert len(Ledger(own).runs) == 2


def test_file_that_cannot_be_written_is_said_before_any_training(
    drilldown: Drilldown, own: Path
) -> None:
    own.with_name(f".{own.name}.lock").mkdir(parents=True)  # in the way
    done = drilldown("compare", "001", "--seeds", "1", start=fakes.exiting)
    one_line(done, f".{own.name}.lock: cannot be written: Is a directory")


def test_results_go_to_the_file_that_is_named(
    drilldown: Drilldown, home: Path, packaged: Path
) -> None:
    """As maintainers write those that come along."""
    for _ in range(2):
        drilldown("compare", "001-code4", "--seeds", "1", "--epochs", "1",
                  "--results", packaged / "results.jsonl")  # fmt: skip
    assert len(Ledger(packaged / "results.jsonl").runs) == 1
    assert not (home / "runs").exists()
    assert "1 of 4 experiments" in drilldown("compare").out


@pytest.mark.parametrize("place", ["own", "packaged"])
def test_broken_line_is_one_line(
    drilldown: Drilldown, own: Path, packaged: Path, place: str
) -> None:
    path = own if place == "own" else packaged / "results.jsonl"
    Ledger(path).add(_run("001-code1", _flat(98.0)))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"name": 5}\n')
    one_line(drilldown("compare"), f"{path}: line 2: ", "; delete the line")
    path.write_bytes(whole + b'{"name": "torn')
    assert "1 of 4 experiments" in drilldown("compare").out


@pytest.mark.parametrize("more", [False, True])
def test_a_finished_line_without_its_newline_is_kept(own: Path, more: bool) -> None:
    ledger = Ledger(own)
    for name in ("001-code1", "001-code4"):
        ledger.add(_run(name, _flat(98.0)))
    whole = own.read_bytes()
    own.write_bytes(whole[:-1])
    again = Ledger(own)
    assert again.runs == ledger.runs
    again.prepare()
    if more:
        again.add(_run("001-code4", _flat(97.0)))
    assert own.read_bytes().startswith(whole)
    assert Ledger(own).runs == again.runs


def test_of_a_line_that_ends_anywhere_only_the_whole_one_is_kept(own: Path) -> None:
    ledger = Ledger(own)
    for name in ("001-code1", "001-code4"):
        ledger.add(_run(name, _flat(98.0)))
    whole = own.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole) - 1, 7):
        own.write_bytes(whole[:end])
        torn = Ledger(own)
        torn.prepare()
        assert own.read_bytes() == whole[:first]
        assert len(torn.runs) == 1


def test_a_last_line_of_something_else_is_not_deleted(drilldown: Drilldown, own: Path) -> None:
    Ledger(own).add(_run("001-code1", _flat(98.0)))
    content = own.read_bytes() + b'{"name": 5}'
    own.write_bytes(content)
    one_line(drilldown("compare"), f"{own}: line 2: ", "; delete the line")
    assert own.read_bytes() == content


def test_stale_results_are_said_and_trained_again(drilldown: Drilldown, own: Path) -> None:
    Ledger(own).add(_run("001-code1", _flat(98.0)).model_copy(update={"config": "0" * 16}))
    done = drilldown("compare", "001-code1")
    assert done.err == "001-code1: 1 run ignored: the recipe has changed since\n"
    assert "0 of 1 experiment has been run" in done.out
    done = drilldown("compare", "001-code1", "--seeds", "1", "--epochs", "2")
    assert "trainings to do: 1, done before: 0" in done.err
    assert "1 of 1 experiment has been run" in done.out


SLOW = """
import sys
sys.path.insert(0, {tests!r})
import fakes
from search.cli import main
main(fakes.slow)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_keeps_what_is_finished_and_says_how_to_go_on(
    own: Path, number: signal.Signals
) -> None:
    program = SLOW.format(tests=str(Path(__file__).parent))
    words = ["compare", "001", "002", "--seeds", "9", "--epochs", "1", "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True
    )
    deadline = monotonic() + 60
    while not (own.exists() and Ledger(own).runs):
        assert monotonic() < deadline
        assert process.poll() is None
        sleep(0.1)
    os.kill(process.pid, number)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert out == f"Interrupted. Go on with: drilldown {' '.join(words)}\n"
    kept = Ledger(own).runs
    assert 1 <= len(kept) < 81
