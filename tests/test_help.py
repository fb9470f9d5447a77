"""What the command says of itself, and how little it loads for that."""

import importlib.metadata
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from command_line import Drilldown

from mnist_core import packaged
from search import cli
from search.compare.compare import GOAL_EPOCHS

README = (Path(cli.__file__).parents[2] / "README.md").read_text()
COMMANDS = [
    "compare",
    "completion",
    "confirm",
    "copy",
    "count",
    "dashboard",
    "delete",
    "drill",
    "export",
    "launch",
    "list",
    "note",
    "rename",
    "report",
    "rescore",
    "show",
    "space",
    "train",
]


def test_commands_are_those_that_are_promised() -> None:
    assert sorted(cli.cli.commands) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    command = cli.cli.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert len(parameter.help or "") > 10, f"{name} {parameter.opts}"
        else:
            assert parameter.make_metavar(click.Context(command)).strip("[]").isupper()
    shown = CliRunner().invoke(cli.cli, [name, "--help"])
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 80
    assert f"drilldown {name}" in README


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_is_shown_where_nothing_else_is_asked_for(
    drilldown: Drilldown, words: list[str]
) -> None:
    done = drilldown(*words)
    assert (done.code, done.err) == (0, "")
    for name in COMMANDS:
        line = next(line for line in done.out.splitlines() if line.split()[:1] == [name])
        assert not line.endswith("..."), line


@pytest.mark.parametrize("command", ["train", "count"])
def test_every_winner_is_named(drilldown: Drilldown, command: str) -> None:
    said = drilldown(command, "--help").out
    assert all(name in said for name in packaged.names(packaged.WINNERS))


@pytest.mark.parametrize(("command", "ended"), [("launch", "over"), ("drill", "drilled")])
def test_help_has_the_events_of_each_command(
    drilldown: Drilldown, command: str, ended: str
) -> None:
    said = " ".join(drilldown(command, "--help").out.split())
    told = re.search(r"each event \(([a-z, ]+)\)", said)
    assert told
    assert told[1].endswith(ended)


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("launch", packaged.names(packaged.STUDIES)),
        ("drill", packaged.names(packaged.DRILLS)),
        ("space", [*packaged.names(packaged.STUDIES), *packaged.names(packaged.DRILLS)]),
        ("rescore", ["quick"]),
    ],
)
def test_each_example_of_set_can_be_typed(
    drilldown: Drilldown, command: str, files: list[str]
) -> None:
    """Each file takes those that are for its kind."""
    setting = {p.name: p for p in cli.cli.commands[command].params}["settings"]
    assert isinstance(setting, click.Option)
    typed = re.findall(r"'[^']+'|[\w.]+=[\w.]+", setting.help or "")
    examples = [word for each in typed for word in shlex.split(each)]
    assert len(examples) >= 2
    taken = set()
    for file in files:
        kind = "stage" if file in packaged.names(packaged.DRILLS) else "space"
        for example in examples:
            if example.startswith(("goal.", f"{kind}.")):
                done = drilldown("space", file, "--set", example)
                assert (done.code, done.err) == (0, ""), (file, example)
                taken.add(example)
    assert taken == {*examples}
    shown = drilldown(command, "--help").out  # each whole, to be copied
    assert all(word in shown for word in typed)


def test_no_other_command_takes_settings() -> None:
    taking = {
        name
        for name, command in cli.cli.commands.items()
        if any(parameter.name == "settings" for parameter in command.params)
    }
    assert taking == {"launch", "drill", "space", "rescore", "confirm"}


def test_version(drilldown: Drilldown) -> None:
    assert drilldown("--version").out == importlib.metadata.version("drilldown") + "\n"


def test_default_of_epochs_is_the_goals() -> None:
    (option,) = [param for param in cli.cli.commands["compare"].params if param.name == "epochs"]
    assert option.default == GOAL_EPOCHS


SLOW = {"torch", "optuna", "pandas", "numpy", "sqlalchemy"}
TYPED = "from search import cli\ntry: cli.main()\nexcept SystemExit: pass"


@pytest.mark.parametrize(
    ("program", "words", "slow"),
    [
        (TYPED, "--help", SLOW | {"rich", "pydantic"}),  # nor may a worker, which loads the same
        (TYPED, "launch --help", SLOW | {"rich", "pydantic"}),
        (TYPED, "shwo", SLOW | {"rich", "pydantic"}),
        (TYPED, "compare", SLOW),
        (TYPED, "count 001-code4", SLOW),
        ("import search.launch.run, search.report.listing, search.study.export", "", {"torch"}),
    ],
)
def test_quick_answers_load_nothing_slow(
    home: Path, program: str, words: str, slow: set[str]
) -> None:
    command = [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert slow.isdisjoint(done.stdout.splitlines()[-1].split())
