"""What `show` tells of a study's trials: nets and hyperparameters, in which columns and order."""

import csv
import io
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import drills
import pytest
from command_line import TINY, Drilldown, one_line
from optuna.trial import TrialState
from rich.cells import cell_len
from test_spaces import sampled

from mnist_core.config import Adam, Config, Data
from search.text import console, wording
from spaces import SPACES, Frame, around, free
from spaces.catalogue import CATALOGUE, WIDTH_NAMES, described
from spaces.layouts import network

HERE = Path(__file__).parent
FRAME = Frame(10_000, 15)
FOREIGN = Config(
    epochs=4,
    layers=("conv 1->10 k5", "relu", "flatten", "linear 5760->8", "relu", "linear 8->10"),
    optimizer=Adam(kind="adam", lr=0.001),
)


# --- what a config has of each dimension -----------------------------------------------------


@pytest.mark.parametrize("name", ["open", "classic"])
def test_what_was_sampled_is_read_back_but_for_what_is_idle(name: str) -> None:
    space, rng = SPACES[name](FRAME), random.Random(5)
    for _ in range(20):
        sample = sampled(space, rng)
        told = described(space.config(sample, 3))
        idle = {
            dimension
            for dimension, (switch, choices) in space.switches.items()
            if sample[switch] not in choices
        }
        wanted = {
            dimension: None if dimension in idle else pytest.approx(value, rel=1e-6)
            if isinstance(value, float) else value
            for dimension, value in sample.items() if dimension not in WIDTH_NAMES
        }  # fmt: skip
        assert {dimension: told[dimension] for dimension in wanted} == wanted


def test_every_dimension_but_the_widths_has_a_way_back() -> None:
    assert {name for name, entry in CATALOGUE.items() if not entry.read} == {*WIDTH_NAMES}


def test_a_config_of_others_has_what_it_has() -> None:
    told = described(FOREIGN)
    assert (told["lr"], told["schedule"], told["activation"]) == (0.001, "none", "relu")
    for nothing in ("layout", "momentum", "warmup", "step_size", "gamma", "average_over"):
        assert told[nothing] is None


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (free.plain(Frame(10_000, 15)), r"(\d+-){6}\d+"),
        (FOREIGN, "10-8"),
        (FOREIGN.changed(layers=("flatten", "linear 784->10")), "linear"),
        (
            FOREIGN.changed(layers=("conv 1->2 k1", *["conv 2->2 k1"] * 19, "gap", "flatten",
                                    "linear 2->10")),
            r"(2-){11}\.\.\.\(20\)",
        ),
    ],
)  # fmt: skip
def test_a_net_is_one_word(config: Config, said: str) -> None:
    assert re.fullmatch(said, network(config.layers))


def test_a_recipe_is_one_line_without_what_does_nothing() -> None:
    plain = wording.recipe(free.plain(FRAME))
    assert plain == ("squeeze, relu, sgd 0.1, linear, warmup 0.2, momentum 0.9, batch size 128")
    assert "momentum" not in wording.recipe(FOREIGN)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, ""),
        (Data(), ""),
        (
            Data(train=6_000, test=1_000),
            "6,000 of 60,000 training images, 1,000 of 10,000 test images",
        ),
        (Data(judge="holdout"), ""),
        (
            Data(judge="holdout", train=6_000, test=1_000),
            "6,000 of 50,000 training images, 1,000 of 10,000 held-out images",
        ),
    ],
)
def test_less_than_the_whole_of_mnist_is_said(data: Data | None, said: str) -> None:
    assert wording.reduced(data) == said
    held_out = data is not None and data.judge == "holdout"
    lines = [f"Not the whole of MNIST: {said}"] * bool(said) + [wording.HELD_OUT] * held_out
    assert wording.not_whole(data) == lines


def test_hyperparameters_of_a_stage_are_what_the_base_has_too() -> None:
    """Also of what does not vary, as bases differ in it."""
    slow = drills.plain(optimizer={"kind": "sgd", "lr": 0.05, "momentum": 0.5})
    fast = drills.plain(optimizer={"kind": "sgd", "lr": 0.4, "momentum": 0.9})
    space = around.make({"slow": slow, "fast": fast}, Frame(2_000, 8), {"warmup": "all"}, {})
    sample = {"base": "slow", "warmup": 0.3}
    config = space.config(sample, 3)
    done = drills.Done(config, drills.curve(config, 1), sample=sample)
    [trial] = drills.trials([done], space.dimensions)
    told = trial.hyperparameters
    assert (told["base"], told["warmup"], told["lr"], told["momentum"]) == ("slow", 0.3, 0.05, 0.5)
    assert told["average_over"] is None


# --- the command -----------------------------------------------------------------------------

STUDY = TINY.replace('name = "open"', 'name = "open"\nfix = { activation = "silu" }')


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, mnist_dir: Path) -> Path:
    """A home with a study `tiny` of eight trials, of which those with an odd seed failed."""
    home = tmp_path_factory.mktemp("shown")
    (home / "data").mkdir()
    (home / "data" / "mnist").symlink_to(mnist_dir)
    (home / "tiny.toml").write_text(STUDY)
    program = "import fakes; from search.cli import main; main(fakes.failing)"
    words = ["launch", str(home / "tiny.toml"), "--trials", "8", "--quiet"]
    env = {**os.environ, "DRILLDOWN_HOME": str(home)}
    subprocess.run([sys.executable, "-c", program, *words], check=True, cwd=HERE, env=env)
    return home


@pytest.fixture
def show(drilldown: Drilldown, run: Path, monkeypatch: pytest.MonkeyPatch) -> Drilldown:
    monkeypatch.setenv("DRILLDOWN_HOME", str(run))
    return lambda *words, **how: drilldown("show", "tiny", *words, **how)


def test_json_and_csv_have_every_hyperparameter_and_a_table_those_that_vary(
    show: Drilldown,
) -> None:
    rows = json.loads(show("--format", "json").out)
    lines = list(csv.DictReader(io.StringIO(show("--format", "csv").out)))
    assert {*CATALOGUE} <= rows[0].keys() == lines[0].keys()
    for row, line in zip(rows, lines, strict=True):
        assert re.fullmatch(r"(\d+-){6}\d+", row["network"])
        assert (row["activation"], line["activation"]) == ("silu", "silu")
        assert (row["average_over"] is None) == (row["averaging"] == "none")
        assert (line["average_over"] == "") == (row["averaging"] == "none")
    whole, title, head, *told = show().out.splitlines()
    assert (
        whole == "Not the whole of MNIST: 200 of 60,000 training images, 200 of 10,000 test images"
    )
    assert title.startswith("tiny: 20.00 %")
    heads = head.split()
    assert {"network", "layout", "lr", "schedule"} <= {*heads}
    assert "activation" not in heads
    assert re.fullmatch("The same in all trials: .*activation silu.*", told[-1])
    first = dict(zip(heads, told[0].split(), strict=False))
    assert float(first["lr"]) == pytest.approx(rows[0]["lr"], rel=0.01)
    if rows[0]["averaging"] == "none":
        assert first["average_over"] == "-"


@pytest.mark.parametrize(
    ("column", "form"),
    [
        ("lr", "table"),
        ("parameters", "table"),
        ("network", "json"),
        ("params", "csv"),
        ("score", "csv"),
        ("state", "table"),
    ],
)
def test_rows_are_sorted_by_any_column_those_without_a_value_last(
    show: Drilldown, column: str, form: str
) -> None:
    def read(*words: str) -> list[str]:
        done = show("--format", form, "--columns", f"trial,{column}", *words)
        assert done.code == 0, done
        if form == "json":
            return [str(row[column]) for row in json.loads(done.out)]
        return [line.strip().partition("," if form == "csv" else " ")[2].strip()
                for line in done.out.splitlines()[3 if form == "table" else 1 :]]  # fmt: skip

    def key(text: str) -> tuple[bool, float, str]:
        missing = text in ("", "None")
        number = text.replace(",", "") if column != "network" else ""
        return (
            (missing, float(number), "") if re.fullmatch(r"[\d.]+", number) else (missing, 0, text)
        )

    upwards, downwards = read("--sort", column), read("--sort", f"-{column}")
    assert upwards == sorted(upwards, key=key)
    having = [text for text in downwards if not key(text)[0]]
    assert having == sorted(having, key=key, reverse=True)
    assert downwards[: len(having)] == having
    assert len(set(downwards)) > 1
    assert read("--sort", column, "--reverse") == downwards
    assert read("--sort", f"-{column}", "--reverse") == upwards


def test_reverse_alone_shows_the_worst_first(show: Drilldown) -> None:
    best, worst = ([row["trial"] for row in json.loads(show("--format", "json", *words).out)]
                   for words in ([], ["--reverse"]))  # fmt: skip
    assert worst == best[::-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sort", "lrr"], ["--sort", "'lrr'", "did you mean 'lr'"]),
        (["--sort", "-scoer"], ["--sort", "'scoer'", "did you mean 'score'"]),
        (["--sort", ""], ["--sort", "''"]),
        (["--columns", "trial,layuot"], ["--columns", "'layuot'", "did you mean 'layout'"]),
        (["--columns", ","], ["--columns", "names none", "all"]),
        (["--columns", "momentun", "--format", "csv"], ["did you mean 'momentum'"]),
    ],
)
def test_no_such_column_is_one_line(show: Drilldown, words: list[str], said: list[str]) -> None:
    one_line(show(*words), *said)


@pytest.mark.parametrize(
    ("typed", "heads"),
    [
        (" trial , score,", {"trial", "score"}),
        (",lr,,seed", {"lr", "seed"}),
        ("cost", {"cost", "(epochs", "of", "all", "60,000", "images)"}),
        ("all", {*CATALOGUE, "trial", "seed", "seconds", "parameters", "state", "test_acc"}),
    ],
)
def test_columns_are_named_as_people_type(show: Drilldown, typed: str, heads: set[str]) -> None:
    _, _, head, *_ = show("--columns", typed).out.splitlines()
    assert heads <= {*head.split()}
    assert typed == "all" or heads == {*head.split()}


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("state", ["complete", "fail"])
def test_one_trial_is_told_whole(show: Drilldown, form: str, state: str) -> None:
    rows = json.loads(show("--format", "json").out)
    row = next(row for row in rows if row["state"] == state)
    done = show("--trial", row["trial"], "--format", form)
    export = f"drilldown export tiny --trial {row['trial']}"
    if form == "json":
        told = json.loads(done.out)
        assert {name: told[name] for name in row} == row
        assert (told["train_again"] or [None])[0] == (export if state == "complete" else None)
    elif form == "csv":
        [line] = csv.DictReader(io.StringIO(done.out))
        assert line["seed"] == str(row["seed"])
    else:
        lines = (re.split("  +", line, maxsplit=1) for line in done.out.splitlines())
        told = dict(line for line in lines if len(line) == 2)
        assert (told["state"], told["seed"]) == (state, str(row["seed"]))
        assert {*CATALOGUE} <= told.keys()
        assert told["cost"].endswith(" (epochs of all 60,000 images)")
        assert told["batch_size"].endswith(" (images)")
        assert (told["average_over"] == "-") == (row["averaging"] == "none")
        assert (told["goal"] == "held") == row["holds_goal"]
        assert (told["reason"] == "-") == (state == "complete")
        assert (export in done.out.splitlines()) == (state == "complete")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trial", "99"], ["no trial 99", "see: drilldown show tiny"]),
        (["--trial", "x"], ["--trial", "'x'"]),
        (["--trial", "1", "--sort", "lr"], ["--trial", "leave --columns, --sort and --reverse"]),
    ],
)
def test_no_such_trial_is_one_line(show: Drilldown, words: list[str], said: list[str]) -> None:
    one_line(show(*words), *said)


# --- terminals -------------------------------------------------------------------------------


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    """Has standard output be a terminal of so many columns; returns what was written to it."""

    def be(width: int) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(sys, "stdout", _Terminal())

    return be


@pytest.mark.parametrize(
    ("what", "width"),
    [
        ("show", 60),
        ("show", 80),
        ("trial", 60),
        ("trial", 80),
        ("compare", 20),
        ("compare", 80),
        ("list", 60),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_and_whole_names(
    terminal, width: int, what: str, show: Drilldown, drilldown: Drilldown
) -> None:
    words = {
        "show": ["show", "tiny"],
        "trial": ["show", "tiny", "--trial", "0"],
        "compare": ["compare", "003-f1"],
        "list": ["list"],
    }[what]
    wide = drilldown(*words).out
    terminal(width)
    out = sys.stdout
    drilldown(*words)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    names = {
        "show": r"(?:\d+-){6}\d+",
        "trial": r"(?:\d+-){6}\d+",
        "compare": r"003-f1-\S+-lr[\d.]+\d",
        "list": r"under-10k|shallow|24 \+ 24 \+ 32|< 10,000",
    }[what]
    for name in re.findall(names, wide):
        assert name in text, text
    free = ("Test accuracies", "See ", "Studies", "drilldown ")
    for line in text.splitlines():
        assert cell_len(line.rstrip()) <= width or line.startswith(free) or width < 40, line
    if what == "show" and width < 100:
        assert "Not shown, for want of room: " in text
        assert re.search(r"^See all: +drilldown show tiny --format csv$", text, re.MULTILINE)
        assert {*re.findall(r"score,(.*)$", text, re.M)[0].split(",")} <= {*CATALOGUE}
        assert re.search(r"^See them: +drilldown show tiny --columns trial,score,\S+$", text, re.M)
    if what == "list":
        run = text.partition("What has been run")[2]
        assert [head for head in ("best score", "at goal", "accuracy") if head not in run] == []
        assert "images" in run.partition("Not shown, for want of room: ")[2]
        assert "See them:  drilldown list | less -S" in run.splitlines()
    assert "Not shown" not in wide


@pytest.mark.usefixtures("show")
def test_rescore_names_itself_where_there_is_more_to_see(terminal, drilldown: Drilldown) -> None:
    terminal(60)
    out = sys.stdout
    drilldown("rescore", "tiny", "--set", "goal.accuracy=30", "--set", "goal.last=2")
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    again = "drilldown rescore tiny --set goal.accuracy=30 --set goal.last=2 --format csv"
    assert re.search(rf"^See all: +{again}$", text, re.MULTILINE), text
    assert "See them" not in text


def test_what_stays_is_what_matters_most(terminal) -> None:
    heads, lines = ["a", "bb", "name"], [["1", "2", "x-y-z"], ["3", "4", "x"]]
    terminal(8)
    assert console.folded(heads, lines, [1, 2, 0]) == (
        ["a", "name"], [["1", "x-y-z"], ["3", "x"]], ["bb"]
    )  # fmt: skip
    terminal(3)
    assert console.folded(heads, lines, [1, 2, 0])[0] == ["name"]  # it never goes
    terminal(80)
    assert console.folded(heads, lines, [1, 2, 0]) == (heads, lines, [])


def test_a_line_breaks_neither_words_nor_percentages() -> None:
    text = "see runs/a-long-name/best.toml --and-more: it holds 99.40 % and not 97 %"
    for width in (5, 12, 20, 31):
        broken = console.wrapped(text, width)
        assert broken.replace("\n", " ") == text
        assert "\n%" not in broken


def test_a_pruned_trial_without_a_config_is_shown(terminal) -> None:
    """As a storage may hold it whose owner died at the wrong moment."""
    config = drills.plain()
    done = drills.Done(config, drills.curve(config, 1)[:2], state=TrialState.PRUNED)
    [trial] = drills.trials([done])
    object.__setattr__(trial, "_tables", {})
    assert trial.config is None
    assert trial.hyperparameters == {}


def test_a_column_that_says_the_same_in_every_line_goes_first(
    terminal, drilldown: Drilldown, launched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All trials of this study are complete and hold the goal."""
    monkeypatch.setenv("DRILLDOWN_HOME", str(launched.parents[1]))
    terminal(80)
    out = sys.stdout
    drilldown("show", "tiny")
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    head = next(line for line in text.splitlines() if "score" in line).split()
    assert {"network", "layout", "lr"} <= {*head}
    assert not {"state", "goal", "epochs"} & {*head}
