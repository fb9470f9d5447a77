"""What a shell completes, in the shell and as click is asked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from command_line import Drilldown, one_line
from optuna import create_study
from test_help import SLOW, TYPED

from search import cli
from search.cli import complete
from search.report import columns
from search.study.names import known
from search.study.storage import open_storage


@pytest.fixture
def ran(home: Path) -> Path:
    """A home whose storage has two studies, one of them packaged, and two stages of a drill."""
    studies = open_storage(create=True)
    for name in ("tiny", "quick", "down.1.net", "down.2.pace"):
        studies.make(name)
    studies.storage.engine.dispose()
    return home


def _completed(line: str) -> list[str]:
    *words, begun = line.split(" ")
    shell = BashComplete(cli.cli, {}, "drilldown", "_DRILLDOWN_COMPLETE")
    return [item.value for item in shell.get_completions(words, begun) if item.type == "plain"]


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("sh", ["show"]),
        ("show ", ["down", "down.1.net", "down.2.pace", "quick", "tiny"]),
        ("show t", ["tiny"]),
        ("delete tiny down.", ["down.1.net", "down.2.pace"]),
        ("launch t", ["tiny"]),
        ("launch q", ["quick"]),
        ("drill s", ["shallow"]),
        ("drill do", ["down"]),
        ("launch do", []),
        ("space st", ["stage"]),
        ("space qu", ["quick"]),
        ("launch --start ti", ["tiny"]),
        ("launch --start silu", ["silu-squeeze"]),
        ("launch --start do", []),
        ("show tiny --sort sc", ["score", "schedule"]),
        ("show tiny --columns trial,lay", ["trial,layout"]),
        ("show tiny --columns al", ["all"]),
        ("space do", ["down", "down.1.net", "down.2.pace"]),
        ("train silu", ["silu-squeeze"]),
        ("compare ti", ["tiny"]),
        ("confirm ti", ["tiny"]),
        ("confirm quick silu", ["silu-squeeze"]),
        ("show tiny --format c", ["csv"]),
        ("completion z", ["zsh"]),
        ("show --storage sqlite:///none.db t", []),
        ("show --storage postgresql://me@nowhere.invalid/x t", []),
    ],
)
def test_names_are_completed(line: str, names: list[str]) -> None:
    assert _completed(line) == names


def test_the_columns_that_are_completed_are_those_of_show() -> None:
    assert {column.name for column in columns.COLUMNS if column.name} == {*complete.COLUMNS}


def test_completing_leaves_no_file(ran: Path) -> None:
    before = sorted((ran / "runs").iterdir())
    (ran / "runs" / "drilldown.sqlite3").chmod(0o444)
    assert "tiny" in known()
    assert sorted((ran / "runs").iterdir()) == before


def test_what_cannot_be_read_completes_nothing(home: Path) -> None:
    assert known() == []
    (home / "runs").mkdir()
    (home / "runs" / "drilldown.sqlite3").write_text("no database")
    assert known() == []


def test_a_file_with_signs_in_its_name_is_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a%3Fb c%25.db"
    create_study(study_name="odd", storage=open_storage(url, create=True).storage)
    assert known(url) == ["odd"]


def test_completing_loads_nothing_slow(ran: Path) -> None:
    words = {"COMP_WORDS": "drilldown show t", "COMP_CWORD": "2"}
    env = {**os.environ, **words, "_DRILLDOWN_COMPLETE": "bash_complete"}
    program = f"import sys\nsys.argv[0] = 'drilldown'\n{TYPED}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env)
    completed, modules = done.stdout.splitlines()
    assert completed == "plain,tiny"
    assert SLOW.isdisjoint(modules.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_makes_the_shell_complete(
    drilldown: Drilldown, tmp_path: Path, shell: str
) -> None:
    done = drilldown("completion", shell)
    assert done.code == 0
    assert done.out.count("\n") == 1
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    program = tmp_path / "drilldown"
    program.write_text(f"#!{sys.executable}\nfrom search.cli import main\nmain()\n")
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    asked = {
        "bash": "complete -p drilldown",
        "zsh": "print $_comps[drilldown]",
        "fish": "complete drilldown",
    }[shell]
    before = "autoload -U compinit; compinit -D\n" if shell == "zsh" else ""
    ran = subprocess.run(
        [shell, "-c", f"{before}{done.out}{asked}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(Path.cwd())},
    )
    assert "drilldown_completion" in ran.stdout, ran


def test_no_other_shell_is_known(drilldown: Drilldown) -> None:
    one_line(drilldown("completion", "tcsh"), "'tcsh' is not one of 'bash', 'zsh', 'fish'")
