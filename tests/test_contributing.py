"""CONTRIBUTING.md, done as a stranger would: every change that it shows is made in a copy of the
packages and the tests, the tool is run there, and so is the test that the change joins."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import fakes
import pytest
from command_line import STAGES, TINY
from tiny import LINEAR

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()


def _apply(diff: str, root: Path) -> None:
    """Each part of it between two `@@` takes the place of what it says was there, which must be
    there once; without any such, it is a new file."""
    head, _, body = diff.partition("\n")
    path = root / head.removeprefix("+++ ")
    text = path.read_text() if path.exists() else ""
    for part in body.split("@@\n"):
        lines = part.splitlines(keepends=True)
        before = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
        after = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
        assert text.count(before) == 1 if before else not text, f"{path.name} has not:\n{before}"
        text = text.replace(before, after) if before else after
    path.write_text(text)


HERE_FIRST = """
import sys
# An editable installation would find its own packages before those of PYTHONPATH.
sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in type(each).__module__]
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the tests, with every change of the page."""
    root = tmp_path_factory.mktemp("stranger")
    for name in ("mnist_core", "spaces", "search", "studies"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests").mkdir()
    for path in [*(ROOT / "tests").glob("*.py"), ROOT / "pyproject.toml"]:
        shutil.copy(path, root / path.relative_to(ROOT))
    (root / "sitecustomize.py").write_text(HERE_FIRST)
    diffs = re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(diffs) == 12
    for diff in diffs:
        _apply(diff, root)
    return root


STUDIES = {
    "bred": TINY.replace("random", "genetic"),
    "cut": TINY + '[pruner]\nkind = "threshold"\nlower = 99.9\n',
    "floors": STAGES.replace("lr = [0.1, 0.5]", 'floor = [0.1, 0.2], schedule = ["linear"]'),
    "net": f"""
epochs = 1
layers = {json.dumps([LINEAR[0], "prelu", LINEAR[1]])}
data = {{ train = 200, test = 200 }}
optimizer = {{ kind = "sgd", lr = 0.1 }}
""",
}
COMMANDS = (
    "launch bred.toml",
    "launch cut.toml",
    "count net.toml --format json",
    "train net.toml",
    "drill floors.toml",
    "export floors.2.pace --trial 0 -o floor-0.toml",
    "export floors.2.pace --trial 1 -o floor-1.toml",
    "show bred",
    "show bred --format csv",
)
PROGRAM = """
import json, sys
import fakes
from search.cli import main

for command in json.loads(sys.argv[1]):
    print("$", command, flush=True)
    sys.argv = ["drilldown", *command.split()]
    try:
        main(fakes.quick)
    except SystemExit as ended:
        assert ended.code in (None, 0, 1), ended.code  # 1: all were pruned
"""
JOINED = {
    # File of tests -> what pytest calls those that join it, as far as it goes.
    "test_samplers.py": ["test_a_sample_depends_on_seed_and_trial_only[Genetic]"],
    "test_pruners.py": ["test_pruners_heed_their_options[kind='threshold' lower=50.0 "],
    "test_layers.py": ["test_canonical_form[prelu]"],
    "test_around.py": [
        "test_a_dimension_changes_its_part_and_no_other[floor-",
        "test_a_dimension_changes_a_config_where_it_is_not_idle[floor]",
    ],
    "test_crew.py": ["test_same_jobs_come_to_the_same_whoever_does_them[inline-1]", "[inline]"],
    "test_cli_studies.py": ["test_show_as_json_and_csv_say_the_same"],
}


def _python(copy: Path, *words: str, **variables: str) -> str:
    """What Python says in there, after it has ended well."""
    paths = os.pathsep.join([str(copy), str(copy / "tests")])
    done = subprocess.run(
        [sys.executable, *words],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def told(copy: Path, mnist_dir: Path) -> dict[str, str]:
    """Command -> what it says; they are given in one process, since loading all takes seconds."""
    (copy / "data").mkdir()
    (copy / "data" / "mnist").symlink_to(mnist_dir)
    for name, text in STUDIES.items():
        (copy / f"{name}.toml").write_text(text)
    said = _python(copy, "-c", PROGRAM, json.dumps(COMMANDS), DRILLDOWN_HOME=str(copy))
    return dict(part.split("\n", 1) for part in said.split("$ ")[1:])


@pytest.fixture(scope="module")
def passed(copy: Path, mnist_dir: Path) -> list[str]:
    """The names of the tests in there that have passed, of those that the page's changes join."""
    names = ["sample_depends and Genetic", "heed and threshold", "prelu", "floor", "inline", "csv"]
    options = ["-v", "-p", "no:cacheprovider", "-k", " or ".join(f"({name})" for name in names)]
    files = [f"tests/{name}" for name in JOINED]
    said = _python(copy, "-m", "pytest", *options, *files, DRILLDOWN_HOME=str(copy))
    return re.findall(r"^(.*) PASSED", said, re.MULTILINE)


def test_the_page_names_files_that_there_are() -> None:
    named = re.findall(r"`((?:search|spaces|mnist_core|tests)/[\w/]+\.py)`", PAGE)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_sampler_runs_a_study(told: dict[str, str]) -> None:
    assert "2 of 2 trials ended: 2 complete" in told["launch bred.toml"]


def test_the_pruner_stops_trials(told: dict[str, str]) -> None:
    assert "2 of 2 trials ended: 0 complete, 2 pruned" in told["launch cut.toml"]


def test_the_layer_is_counted_and_trained(told: dict[str, str]) -> None:
    assert json.loads(told["count net.toml --format json"])["params"] == 784 + 7850
    remark, *_ = told["train net.toml"].splitlines()
    assert remark.startswith("Training on torch: ")
    assert "prelu" in remark


@pytest.mark.usefixtures("told")
def test_the_dimension_is_varied(copy: Path) -> None:
    exports = [tomllib.loads((copy / f"floor-{trial}.toml").read_text()) for trial in (0, 1)]
    floors = {export["schedule"]["final"] for export in exports}
    assert len(floors) == 2
    assert all(0.1 <= floor <= 0.2 for floor in floors)


def test_the_column_is_shown(told: dict[str, str]) -> None:
    head, *lines = told["show bred"].splitlines()[2:-1]
    place = head.split().index("fit")
    assert {line.split()[place] for line in lines} == {"99.50"}
    rows = csv.DictReader(io.StringIO(told["show bred --format csv"]))
    assert {row["fit_acc"] for row in rows} == {str(fakes.FIT)}


@pytest.mark.parametrize("file", JOINED)
def test_the_tests_hold_what_is_new(file: str, passed: list[str]) -> None:
    ours = [name for name in passed if f"/{file}::" in name]
    assert [part for part in JOINED[file] if not any(part in name for name in ours)] == []
