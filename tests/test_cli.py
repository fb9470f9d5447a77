"""The command line as a person meets it; rows 15, 21 and 24 of the reliability plan in part."""

import csv
import importlib.metadata
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import click
import fakes
import pytest
import sqlalchemy
from click.testing import CliRunner
from command_line import Done, Drilldown, typed

from mnist_core import fetch, record
from mnist_core.native import library
from search import cli
from search.study import storage
from search.study.session import trial_seed

ROOT = Path(cli.__file__).parents[2]
TINY = """
trials = 2
workers = 1
seed = 7
[goal]
accuracy = 20.0
last = 1
epochs = 2
params = 2_000
[data]
train = 200
test = 200
[space]
name = "open"
[sampler]
kind = "random"
"""


@pytest.fixture
def drilldown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Drilldown]:
    """The command, in this process; its studies train nothing."""
    with typed(monkeypatch, capfd, start=fakes.quick) as run:
        yield run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, mnist_dir: Path) -> Path:
    """The folder of a study that was really trained, with its export best.toml."""
    home = tmp_path_factory.mktemp("exported")
    (home / "data").mkdir()
    (home / "data" / "mnist").symlink_to(mnist_dir)
    (home / "tiny.toml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRILLDOWN_HOME", str(home))
        command = [sys.executable, "-c", "from search.cli import main; main()"]
        subprocess.run([*command, "launch", str(home / "tiny.toml")], check=True, cwd=home)
    return home / "runs" / "tiny"


def _one_line(done: Done, *parts: str) -> None:
    """A user's error: exit code 2, one line on standard error, nothing on standard output."""
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("Error: "), done.err
    assert done.err.count("\n") == 1, done.err
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.err, done.err


# --- help ------------------------------------------------------------------------------------


COMMANDS = sorted(cli.cli.commands)


def test_commands_are_those_that_are_promised() -> None:
    assert COMMANDS == [
        "compare",
        "count",
        "dashboard",
        "drill",
        "export",
        "launch",
        "list",
        "show",
        "train",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    command = cli.cli.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"
            assert len(parameter.help) > 10
        else:
            assert parameter.make_metavar(click.Context(command)).strip("[]").isupper()
    shown = CliRunner().invoke(cli.cli, [name, "--help"])
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"drilldown {name}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_is_shown_where_nothing_else_is_asked_for(
    drilldown: Drilldown, words: list[str]
) -> None:
    done = drilldown(*words)
    assert (done.code, done.err) == (0, "")
    for name in COMMANDS:
        line = next(line for line in done.out.splitlines() if line.split()[:1] == [name])
        assert not line.endswith("..."), line


def test_version(drilldown: Drilldown) -> None:
    assert drilldown("--version").out == importlib.metadata.version("drilldown") + "\n"


@pytest.mark.parametrize("words", [["--help"], ["launch", "--help"], ["shwo"]])
def test_quick_answers_load_nothing_slow(words: list[str]) -> None:
    """Neither may a worker, which loads this file before its own."""
    program = (
        "import sys; from search import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "slow = {'torch', 'optuna', 'pandas', 'numpy', 'sqlalchemy', 'rich', 'pydantic'}\n"
        "sys.exit(str(slow & set(sys.modules)) if slow & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_launch_does_not_load_torch_itself(home: Path) -> None:
    rooms = "search.launch.run, search.report.listing, search.study.export"
    program = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


# --- usage errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["launch", "--trails", "3"], ["--trails", "--trials", "drilldown launch --help"]),
        (["luanch"], ["'luanch'", "'launch'"]),
        (["launch", "quik"], ["no packaged study 'quik'; did you mean 'quick'?"]),
        (["launch", "none.toml"], ["none.toml: no such file"]),
        (["launch", "quick", "more"], ["unexpected extra argument"]),
        (["launch", "--trials", "0"], ["--trials", "0 is not in the range"]),
        (["launch", "--trials", "x"], ["--trials", "'x' is not a valid integer"]),
        (["launch", "--workers", "-1"], ["--workers"]),
        (["launch", "--seed", "-1"], ["--seed"]),
        (["launch", "--timeout", "0"], ["--timeout"]),
        (["launch", "--timeout", "nan"], ["--timeout"]),
        (["launch", "smoke", "--name", "../x"], ["--name '../x': use letters"]),
        (["launch", "smoke", "--name", ""], ["--name '': use letters"]),
        (["launch", "smoke", "--name", "x" * 600], ["--name 'xxx", "200 bytes at most"]),
        (["launch", "smoke", "--device", "nonsense"], ["--device", "'nonsense'", "cuda:N"]),
        (["launch", "smoke", "--device", "meta"], ["--device", "'meta'"]),
        (["launch", "smoke", "--engine", "nativ"], ["--engine", "'nativ'", "'auto', 'native'"]),
        (["drill", "shallow", "--engine", ""], ["--engine", "'auto', 'native', 'torch'"]),
        (["compare", "--engine", "cuda"], ["--engine", "'cuda'", "'auto', 'native', 'torch'"]),
        (["train", "x.toml", "--engine", "jax"], ["--engine", "'jax'"]),
        (["launch", "smoke", "--storage", "runs.db"], ["--storage", "is not a database URL"]),
        (["list", "--storage", "sqlite:///none.db"], ["none.db", "no study has been run here yet"]),
        (["show", "x"], ["drilldown.sqlite3: no study has been run here yet", "drilldown launch"]),
        (["show", "x", "--storage", "sqlite:///none.db"], ["none.db: no study has been run here"]),
        (["show", "x", "--format", "yaml"], ["--format", "'table', 'json', 'csv'"]),
        (["show"], ["NAME"]),
        (["export", "x"], ["no study has been run here yet"]),
        (["export", "x", "--trial", "-1"], ["--trial"]),
        (["train", "none.toml"], ["none.toml: no such file"]),
        (["train", "."], [".: is a folder, not a TOML file"]),
        (["train"], ["CONFIG"]),
        (["train", "x.toml", "--epochs", "0"], ["--epochs"]),
        (["train", "x.toml", "--device", "gpu"], ["--device", "'gpu'"]),
        (["count", "none.toml"], ["none.toml: no such file"]),
        (["count", "."], [".: is a folder"]),
        (["dashboard", "x"], ["no study has been run here yet"]),
        (["dashboard", "--port", "99999"], ["--port"]),
    ],
)
def test_usage_error_is_one_line_and_exit_code_2(
    drilldown: Drilldown, words: list[str], parts: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, no_data: None,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    _one_line(drilldown(*words), *parts)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ("trials = 2 -> trails = 2", ["trails: is not a field here; did you mean 'trials'?"]),
        ("epochs = 2 -> epochs = nan", ["tiny.toml: goal.epochs"]),
        ("params = 2_000 -> params = 100", ["goal.params: 100 is too few"]),
        ('name = "open" -> name = "opne"', ["space.name: no space 'opne'; did you mean 'open'?"]),
        (
            'kind = "random" -> kind = "randon"',
            ["sampler.kind: 'randon' is unknown; did you mean 'random'"],
        ),
        ('workers = 1 -> engine = "torhc"', ["tiny.toml: engine: must be", "mean 'torch'?"]),
        ("[goal] -> [goal", ["tiny.toml: is not valid TOML"]),
    ],
)
def test_bad_study_file_is_refused_by_its_field(
    drilldown: Drilldown, tiny: Path, change: str, parts: list[str]
) -> None:
    tiny.write_text(TINY.replace(*change.split(" -> "), 1))
    _one_line(drilldown("launch", tiny), "tiny.toml: ", *parts)


def test_what_is_no_study_or_trial_is_refused_with_the_nearest(
    drilldown: Drilldown, exported: Path
) -> None:
    where = f"--storage=sqlite:///{exported.parent}/drilldown.sqlite3"
    _one_line(drilldown("show", "tniy", where), "no study named 'tniy'", "did you mean 'tiny'?")
    _one_line(drilldown("export", "tniy", where), "did you mean 'tiny'?")
    _one_line(drilldown("dashboard", "tniy", where), "did you mean 'tiny'?")
    _one_line(
        drilldown("export", "tiny", where, "--trial", "9"), "has no trial 9", "drilldown show"
    )
    _one_line(
        drilldown("export", "tiny", where, "-o", exported), "cannot be written: Is a directory"
    )


@pytest.mark.parametrize("name", ["../x", "..", "a/b"])
def test_export_of_a_study_that_another_program_named_stays_among_the_runs(
    drilldown: Drilldown, home: Path, name: str
) -> None:
    """Row 24."""
    import optuna

    opened = storage.open_storage(create=True)
    optuna.create_study(study_name=name, storage=opened.storage)
    _one_line(drilldown("export", name), "--name")
    assert not (home / "x").exists()


def test_password_appears_nowhere(
    drilldown: Drilldown, home: Path, tiny: Path, no_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 21 in small."""
    url = "postgresql+psycopg://me:cAnArY@127.0.0.1:1/x"
    for words in (["launch", tiny], ["list"], ["show", "x"], ["export", "x"], ["dashboard"]):
        done = drilldown(*words, "--storage", url)
        _one_line(done, "me:***@127.0.0.1:1/x")
        assert "cAnArY" not in done.err
        monkeypatch.setenv("DRILLDOWN_STORAGE", url)
        assert "cAnArY" not in drilldown(*words).err
        monkeypatch.delenv("DRILLDOWN_STORAGE")
    written = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not any(b"cAnArY" in path.read_bytes() for path in written)


def test_interrupted_launch_says_how_to_go_on_without_the_password(
    drilldown: Drilldown, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("search.launch.run.launch", interrupted)
    url = "postgresql+psycopg://me:cAnArY@h/x"
    for words in (["--storage", url], [f"--storage={url}"]):
        done = drilldown("launch", tiny, *words)
        assert done.code == 130
        assert done.out.startswith(f"Interrupted. Go on with: drilldown launch {tiny} ")
        assert "me:***@h/x" in done.out
        assert "cAnArY" not in done.out + done.err


def test_storage_that_stops_answering_is_one_line(
    drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("disk I/O error"))

    monkeypatch.setattr("search.report.listing.studies", failing)
    _one_line(drilldown("list"), "the storage failed: disk I/O error")


def test_what_is_a_fault_of_ours_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, drilldown: Drilldown
) -> None:
    monkeypatch.setattr("search.report.listing.studies", lambda *_: {}["bug"])
    with pytest.raises(KeyError, match="bug"):
        drilldown("list")


# --- launch, list, show, export --------------------------------------------------------------


def test_launch_prints_lines_and_the_result(drilldown: Drilldown, tiny: Path, home: Path) -> None:
    done = drilldown("launch", tiny)
    assert done.code == 0
    assert "trial 0: epoch 1/2, test 9" in done.err
    assert "tiny: 2 of 2 trials ended: 2 finished, 0 pruned, 0 failed" in done.out
    assert f"drilldown train {home}/runs/tiny/best.toml --check" in done.out
    assert max(map(len, done.out.replace(str(home), "").splitlines())) <= 100


def test_quiet_and_verbose(drilldown: Drilldown, tiny: Path) -> None:
    quiet = drilldown("launch", tiny, "--quiet")
    assert quiet.err == ""
    assert "2 of 2 trials ended" in quiet.out
    verbose = drilldown("launch", tiny, "--verbose", "--name", "other")
    assert re.search(r"^trial 1: [\d,]+ parameters, seed \d+$", verbose.err, re.MULTILINE)


def test_options_change_the_study(drilldown: Drilldown, tiny: Path, tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path}/other.db"
    done = drilldown(
        "launch", tiny, "--trials", "3", "--workers", "2", "--seed", "5", "--name", "mine",
        "--storage", where, "--timeout", "1000",
    )  # fmt: skip
    assert f"drilldown show mine --storage {where}" in done.out
    seeds = {
        trial.number: trial.config and trial.config.seed
        for trial in storage.open_storage(where).get("mine").trials()
    }
    assert seeds == {number: trial_seed(5, number) for number in range(3)}


def test_list_shows_what_can_be_launched_and_what_has_been_run(
    drilldown: Drilldown, tiny: Path
) -> None:
    before = drilldown("list").out
    assert "No study has been run yet" in before
    drilldown("launch", tiny, "--name", "a-run-of-mine")
    done = drilldown("list")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    launchable, run = done.out.split("Studies that have been run")
    for name in ("quick", "smoke", "under-10k"):
        assert re.search(rf"^{name} +\d+ ", launchable, re.MULTILINE)
    assert re.search(
        r"^a-run-of-mine +2 +20.00 % +1 of 2 epochs +< 2,000 +9\d\.\d\d +2$", run, re.M
    )


def test_show_as_a_table_reads_best_first(drilldown: Drilldown, tiny: Path) -> None:
    drilldown("launch", tiny, "--trials", "5")
    done = drilldown("show", "tiny")
    assert max(map(len, done.out.splitlines())) <= 110
    title, head, *lines = done.out.splitlines()
    assert title.startswith("tiny: 20.00 % in every one of the last 1 of 2 epochs")
    assert head.split()[:6] == ["trial", "score", "worst", "mean", "spread", "parameters"]
    assert len(lines) == 5
    scores = [float(line.split()[1]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert all(line.split()[-2:] == ["held", "complete"] for line in lines)


def test_show_as_json_and_csv_say_the_same(
    drilldown: Drilldown, tiny: Path, exported: Path
) -> None:
    drilldown("launch", tiny, "--trials", "3")
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
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(io.StringIO(text))
    assert list(frame["trial"]) == [row["trial"] for row in listed]
    assert frame["score"].is_monotonic_decreasing
    assert frame["params"].dtype.kind == "i"


def test_show_of_failed_trials_is_a_table_with_their_reasons(
    drilldown: Drilldown, tiny: Path
) -> None:
    drilldown("launch", tiny, "--trials", "6", start=fakes.nan)
    failed = [number for number in range(6) if trial_seed(7, number) % 2]
    lines = drilldown("show", "tiny").out.splitlines()[-len(failed) :]
    assert [int(line.split()[0]) for line in lines] == failed
    assert all(line.endswith("fail: the test accuracy is nan in epoch 2") for line in lines)
    listed = json.loads(drilldown("show", "tiny", "--format", "json").out)
    assert {row["reason"] for row in listed if row["state"] == "fail"} == {
        "the test accuracy is nan in epoch 2"
    }


def test_export_writes_the_best_or_the_trial_that_is_named(
    drilldown: Drilldown, tiny: Path, home: Path, tmp_path: Path
) -> None:
    drilldown("launch", tiny)
    done = drilldown("export", "tiny")
    best = home / "runs" / "tiny" / "best.toml"
    assert done.out == f"{best}\nTrain it again: drilldown train {best} --check\n"
    drilldown("export", "tiny", "--trial", "1")
    other = record.load(home / "runs" / "tiny" / "trial-1.toml")
    assert other.origin is not None
    assert other.origin.trial == 1
    here = tmp_path / "a b.toml"
    done = drilldown("export", "tiny", "-o", here)
    assert record.load(here) == record.load(best)
    assert done.out.endswith(f"drilldown train '{here}' --check\n")


# --- train and count -------------------------------------------------------------------------


def test_export_trained_again_equals_its_curve(drilldown: Drilldown, exported: Path) -> None:
    """Row 20 in small: the search's processes and this one come to the same."""
    done = drilldown("train", exported / "best.toml", "--check")
    assert (done.code, done.err) == (0, "")
    *epochs, verdict = done.out.splitlines()
    assert [line.split()[:2] for line in epochs] == [["epoch", "1"], ["epoch", "2"]]
    assert verdict == "Every epoch equals the expected curve (2 compared)."


def test_altered_curve_is_found_by_its_epoch(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    kept = record.load(exported / "best.toml")
    assert kept.expected is not None
    first, second = kept.expected.test_acc
    altered = kept.model_copy(update={"expected": record.Expected(test_acc=(first, second + 0.5))})
    record.save(tmp_path / "altered.toml", altered)
    done = drilldown("train", tmp_path / "altered.toml", "--check")
    assert done.code == 1
    assert "1 of 2 epochs differ from the curve:" in done.out
    assert done.out.endswith(f"epoch   2  test {second:.4f} %, expected {second + 0.5:.4f} %\n")


def test_curve_made_elsewhere_says_so_when_it_differs(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    kept = record.load(exported / "best.toml")
    assert kept.environment is not None
    elsewhere = kept.environment.model_copy(
        update={"versions": {"torch": "1.0"}, "machine": "an abacus"}
    )
    curve = record.Expected(test_acc=(1.0, 2.0))
    record.save(
        tmp_path / "x.toml", kept.model_copy(update={"environment": elsewhere, "expected": curve})
    )
    done = drilldown("train", tmp_path / "x.toml", "--check")
    assert done.code == 1
    assert "The curve was made elsewhere: machine was an abacus, is " in done.out
    assert "The curve was made elsewhere: torch was 1.0, is " in done.out


def test_weights_that_are_saved_load_back_to_the_same_accuracy(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "new" / "weights.safetensors"
    done = drilldown("train", exported / "best.toml", "--save", weights)
    assert done.code == 0
    from safetensors.torch import load_file

    from mnist_core import data, model
    from mnist_core.torch_engine import evaluate

    kept = record.load(exported / "best.toml")
    net = model.build(kept.config)
    net.load_state_dict(load_file(weights))
    mnist = data.load().take(200, 200)
    accuracy = evaluate(net, mnist.test_images, mnist.test_labels)[1]
    assert kept.expected is not None
    one_image = 100 / 200  # that another engine may see otherwise
    assert accuracy == pytest.approx(kept.expected.test_acc[-1], abs=one_image)


def test_seed_and_epochs_may_be_others(drilldown: Drilldown, exported: Path) -> None:
    config = exported / "best.toml"
    usual, other = (
        drilldown("train", config, "--engine", "torch", *words).out.splitlines()
        for words in ([], ["--seed", "1", "--epochs", "3"])
    )
    assert [len(usual), len(other)] == [2, 3]
    assert usual[0].split()[:6] != other[0].split()[:6]
    _one_line(
        drilldown("train", config, "--check", "--seed", "1"), "belongs to seed", "leave --seed"
    )
    _one_line(drilldown("train", config, "--check", "--epochs", "1"), "belongs to epochs 2")
    _one_line(drilldown("train", config, "--seed", str(2**63)), "seed: must be less than")


def test_diverging_training_is_one_line(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    text = re.sub(r"\nlr = .*", "\nlr = 1e30", (exported / "best.toml").read_text())
    path = tmp_path / "wild.toml"
    path.write_text(text)
    done = drilldown("train", path)
    assert done.code == 2
    assert re.fullmatch(
        r"Error: .*the training loss became (nan|inf).*; lower optimizer.lr\n", done.err
    )


def test_what_a_check_or_save_cannot_do_is_said_before_any_training(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.toml"
    kept = record.load(exported / "best.toml")
    record.save(bare, record.Record(config=kept.config))
    _one_line(drilldown("train", bare, "--check"), "has no curve to compare with")
    _one_line(drilldown("train", bare, "--save", tmp_path), "is a folder; name a file")


def test_device_that_is_not_there_is_one_line(
    drilldown: Drilldown, exported: Path, tiny: Path
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    _one_line(
        drilldown("train", exported / "best.toml", "--device", "cuda"), "--device cuda: not to"
    )
    _one_line(
        drilldown("launch", tiny, "--device", "cuda:3"), "--device cuda:3: not to be had here"
    )
    assert "No study has been run yet" in drilldown("list").out


def test_count_adds_up_to_the_configs_parameters(drilldown: Drilldown, exported: Path) -> None:
    config = record.load(exported / "best.toml").config
    done = drilldown("count", exported / "best.toml", "--format", "json")
    counted = json.loads(done.out)
    assert counted["params"] == config.params == sum(row["params"] for row in counted["layers"])
    assert [row["layer"] for row in counted["layers"]] == [str(layer) for layer in config.layers]
    assert counted["layers"][-1]["shape"] == [10]
    table = drilldown("count", exported / "best.toml").out.splitlines()
    assert table[0].split() == ["layer", "output", "parameters"]
    assert table[-1].split() == ["total", f"{config.params:,}"]
    assert max(map(len, table)) <= 80


def test_config_of_a_study_file_is_refused_by_its_field(drilldown: Drilldown, tiny: Path) -> None:
    _one_line(drilldown("train", tiny), "tiny.toml: ", "is not a field here")
    _one_line(drilldown("count", tiny), "tiny.toml: ", "is not a field here")


def test_exported_file_is_plain_toml(exported: Path) -> None:
    values = tomllib.loads((exported / "best.toml").read_text())
    assert values["environment"]["threads"] == 1
    assert values["origin"]["study"] == "tiny"


# --- engines ---------------------------------------------------------------------------------

NOT_BUILT = "the native engine was not built: no C++ compiler was found; install g++"


@pytest.fixture
def no_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "unavailable", lambda *_: NOT_BUILT)


@pytest.mark.usefixtures("no_native", "no_data")
def test_native_engine_that_was_not_built_is_one_line_and_nothing_is_written(
    drilldown: Drilldown, exported: Path, tiny: Path, home: Path, tmp_path: Path
) -> None:
    stages = tmp_path / "down.toml"
    stages.write_text(STAGES)
    weights = tmp_path / "weights.safetensors"
    for words in (
        ["launch", tiny],
        ["drill", stages],
        ["compare", "001-code4", "--seeds", "9"],
        ["train", exported / "best.toml", "--save", weights],
    ):
        done = drilldown(*words, "--engine", "native")
        _one_line(done, f"engine native: {NOT_BUILT}; use engine auto, or torch")
    assert not (home / "runs").exists()
    assert not weights.exists()


@pytest.mark.usefixtures("no_native", "no_data")
def test_a_launch_says_once_why_torch_stands_in(drilldown: Drilldown, tiny: Path) -> None:
    said = drilldown("launch", tiny, "--trials", "3").err
    assert said.count("Training on torch: ") == 1
    assert f"Training on torch: {NOT_BUILT}\n" in said
    assert "on torch" not in drilldown("launch", tiny, "--name", "x", "--engine", "torch").err


def test_engine_of_the_command_line_comes_before_the_studys(
    drilldown: Drilldown, tiny: Path
) -> None:
    tiny.write_text(f'engine = "torch"\n{TINY}')
    drilldown("launch", tiny, "--name", "as-written", start=fakes.telling)
    typed_engine = ("--name", "as-typed", "--device", "cpu", "--engine", "auto")
    drilldown("launch", tiny, *typed_engine, start=fakes.telling)
    opened = storage.open_storage()
    engines = []
    for name in ("as-written", "as-typed"):
        best = opened.get(name).best()
        assert best is not None
        engines.append(best.environment.machine.split()[0])
    assert engines == ["torch", "torch" if library.unavailable() else "auto"]


def _made_on(exported: Path, path: Path, engine: record.EngineUsed, shift: float = 0.0) -> Path:
    """The export as if its curve had been made on this engine, and `shift` points higher."""
    kept = record.load(exported / "best.toml")
    assert kept.environment is not None
    assert kept.expected is not None
    curve = tuple(accuracy + shift for accuracy in kept.expected.test_acc)
    environment = kept.environment.model_copy(update={"engine": engine})
    expected = record.Expected(test_acc=curve)
    record.save(path, kept.model_copy(update={"environment": environment, "expected": expected}))
    return path


NATIVE = record.EngineUsed(
    name="native", version="1", instruction_set="avx512", compiler="gcc 12.2.0"
)


@pytest.mark.usefixtures("no_native")
def test_check_on_an_engine_that_cannot_be_had_says_so_and_compares_within_a_band(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    done = drilldown("train", _made_on(exported, tmp_path / "x.toml", NATIVE), "--check")
    assert (done.code, done.err) == (0, "")
    first, *_, last = done.out.splitlines()
    assert first == (
        f"The curve was made on native 1 (avx512, gcc 12.2.0), this is torch ({NOT_BUILT}): not "
        "every epoch is compared bit for bit, but the mean of the last, within a band."
    )
    assert "within the band of" in last
    far = _made_on(exported, tmp_path / "far.toml", NATIVE, shift=60.0)
    done = drilldown("train", far, "--check")
    assert done.code == 1
    assert "outside the band of" in done.out
    assert "made elsewhere: engine was native 1 (avx512, gcc 12.2.0), is torch\n" in done.out


def test_check_on_another_engine_that_is_asked_for_compares_within_a_band(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    config = _made_on(exported, tmp_path / "x.toml", NATIVE)
    done = drilldown("train", config, "--check", "--engine", "torch")
    assert done.code == 0
    assert done.out.startswith("The curve was made on native 1 (avx512, gcc 12.2.0), this is torch")
    assert "within the band of" in done.out


def test_check_runs_on_the_engine_that_made_the_curve(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    """On each that is to be had, by itself; a file that names none is torch's."""
    kept = record.load(exported / "best.toml")
    assert kept.environment is not None
    for engine in ("torch", *library.INSTRUCTION_SETS):
        if engine != "torch" and library.unavailable(engine):
            continue
        used, curve = _trained(kept, engine)
        path = _made_on(exported, tmp_path / "x.toml", used)
        record.save(path, record.load(path).model_copy(update={"expected": curve}))
        if engine == "torch":
            text = path.read_text()
            path.write_text(text.replace('[environment.engine]\nname = "torch"\n', ""))
            assert "engine" not in path.read_text()
        done = drilldown("train", path, "--check")
        assert (done.code, done.err) == (0, "")
        assert done.out.endswith("Every epoch equals the expected curve (2 compared).\n")
        assert len(done.out.splitlines()) == 3


def _trained(kept: record.Record, engine: str) -> tuple[record.EngineUsed, record.Expected]:
    from mnist_core import data, machine
    from mnist_core.train import Training

    machine.settle(threads=1)
    mnist = data.load()
    if engine == "torch":
        training = Training(kept.config, mnist, engine="torch")
    else:
        training = Training(kept.config, mnist, engine="native", instruction_set=engine)
    curve = tuple(result.test_acc for result in training.run())
    return training.engine.used, record.Expected(test_acc=curve)


def test_check_of_another_build_compares_within_a_band(
    drilldown: Drilldown, exported: Path, tmp_path: Path
) -> None:
    if library.unavailable("portable"):
        pytest.skip("no native engine here")
    other = NATIVE.model_copy(update={"instruction_set": "portable", "compiler": "cc 0"})
    done = drilldown("train", _made_on(exported, tmp_path / "x.toml", other), "--check")
    assert done.code == 0
    assert done.out.startswith(
        "The curve was made on native 1 (portable, cc 0), this is native 1 (p"
    )


@pytest.mark.usefixtures("no_native")
def test_train_says_why_torch_stands_in(drilldown: Drilldown, exported: Path) -> None:
    done = drilldown("train", exported / "best.toml")
    assert done.out.splitlines()[0] == f"Training on torch: {NOT_BUILT}"
    plain = drilldown("train", exported / "best.toml", "--engine", "torch")
    assert plain.out.startswith("epoch   1")


def test_export_says_which_engine_trained_it(exported: Path) -> None:
    """The best there is here, in whichever process it was trained."""
    kept = record.load(exported / "best.toml").environment
    assert kept is not None
    if library.unavailable():
        assert kept.engine == record.EngineUsed()
    else:
        assert (kept.engine.name, kept.engine.version) == ("native", library.VERSION)
        assert kept.engine.instruction_set in library.INSTRUCTION_SETS


# --- a terminal ------------------------------------------------------------------------------

LIVE = """
import fakes
from search.cli import main
main(fakes.slow)
"""


def _in_a_terminal(command: list[str], columns: int) -> tuple[int, str]:
    """(exit code, all that was written) of a command in a terminal of so many columns."""
    ours, theirs = pty.openpty()
    # As in a person's terminal, whatever the tests' own environment says of colours and width.
    env = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"}
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        env.pop(name, None)
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=Path(__file__).parent
    )
    os.close(theirs)
    written, deadline = b"", monotonic() + 200
    while monotonic() < deadline:
        if not select.select([ours], [], [], 1.0)[0]:
            continue
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return process.wait(10), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())


def test_live_view_in_a_terminal(tiny: Path) -> None:
    code, text = _in_a_terminal([sys.executable, "-c", LIVE, "launch", str(tiny)], 100)
    assert code == 0, text
    assert "Traceback" not in text
    assert re.search(r"trial +parameters +epoch +test accuracy +time left", text)
    assert re.search(r"0 +1,\d\d\d +0/2", text)
    assert re.search(r"0 +1,\d\d\d +1/2 +9\d\.\d\d % +\d s", text)
    assert "0 of 2 trials ended: 0 finished, 0 pruned, 0 failed; no best yet" in text
    assert re.search(r"1 of 2 trials ended: 1 finished, .*; best 9\d\.\d\d \(trial 0\)", text)
    assert "trial 0: finished, score 9" in text
    assert "epoch 1/2, test" not in text  # no line an epoch: the view shows it
    assert "2 of 2 trials ended: 2 finished" in text.splitlines()[-8]


# --- drills ----------------------------------------------------------------------------------

STAGES = """
confirm = 1
[goal]
accuracy = 80.0
last = 1
epochs = 2
params = 2_000
[data]
train = 200
test = 200
[[stage]]
name = "net"
trials = 2
vary = { widths = "all" }
[[stage]]
name = "pace"
trials = 2
vary = { lr = [0.1, 0.5] }
"""


@pytest.mark.usefixtures("no_data")
def test_drill_ends_with_a_winner_and_a_report(
    drilldown: Drilldown, tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    done = drilldown("drill", path, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert "Winner: " in done.out
    assert str(home / "runs" / "down" / "drill.html") in done.out
    assert "down.2.pace" in drilldown("list").out
    path.write_text(STAGES.replace("[0.1, 0.5]", "[0.1, 0.4]"))
    _one_line(drilldown("drill", path, "--quiet"), "down.2.pace", "with lr = ", "--name")


@pytest.mark.usefixtures("no_data")
def test_drill_whose_finalists_failed_on_fresh_seeds_says_so_and_tries_them_again(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    with monkeypatch.context() as patch:
        patch.setattr("search.confirm.fresh.train_missing", lambda *_: 0)
        done = drilldown("drill", path, "--quiet")
    assert done.code == 1
    assert re.search("^Finalists: [12] of their trainings on fresh seeds failed$", done.out, re.M)
    assert re.search(f"^Try those again: +drilldown drill {path} --quiet$", done.out, re.M)
    again = drilldown("drill", path, "--quiet")
    assert again.code == 0
    assert "Try those again" not in again.out


@pytest.mark.usefixtures("no_data")
def test_drill_says_in_a_line_what_is_wrong_with_its_file(
    drilldown: Drilldown, tmp_path: Path
) -> None:
    path = tmp_path / "down.toml"
    path.write_text(STAGES.replace("lr =", "rl ="))
    _one_line(drilldown("drill", path), str(path), "stage.1.vary", "'rl'")
    _one_line(drilldown("drill", "shalow"), "did you mean 'shallow'?")
    _one_line(drilldown("drill", "shallow", "--workers", "0"), "--workers")
