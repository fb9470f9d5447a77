"""Studies as TOML: those that come along, every fault in one line (row 15), and the options."""

import copy
import math
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from mnist_core import packaged
from mnist_core.config import Data
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from search.study import spec
from search.study.samplers import Tpe
from search.study.spec import StudySpec
from spaces import SPACES, Space

NAMES = ("quick", "smoke", "under-10k")
REAL = packaged.STUDIES / "under-10k.toml"
ALL: dict[str, Any] = {
    **tomllib.loads(REAL.read_text()),
    "timeout": 3600,
    "engine": "auto",
    "data": {"train": 6_000, "test": 1_000},
    "space": {
        "name": "open",
        "vary": {"lr": [0.1, 0.5], "layout": ["squeeze", "two-pools"], "step_size": [2, 9]},
        "fix": {"activation": "silu", "dropout": 0, "gamma": 0.5},
    },
    "sampler": {"kind": "tpe", "n_startup_trials": 8, "multivariate": True},
    "pruner": {"kind": "patient", "patience": 2, "min_delta": 0.01, "wrapped": "median"},
}
"""The real study, and with it all that a study can say."""
ODD: list[Any] = [
    *(-1, 0, 1, 2.5, 1e308, 2**63, 10**400, math.nan, math.inf, True, "", "tpe", "x" * 9999),
    *("a\nb\u2028\x1b", [], [1, 2], ["a", 1], [True], {}, {"kind": "x"}, {"a": {"b": []}}),
]


def _refusal(path: Path, text: str | bytes) -> str:
    """What is said of a file with this text, behind the file's name."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as refused:
        spec.load(str(path))
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < len(str(path)) + 400
    return message.removeprefix(f"{path}: ")


def test_the_studies_that_come_along():
    studies = spec.come_along()
    assert tuple(studies) == NAMES
    for name, study in studies.items():
        assert spec.load(name) == (name, study)
        assert study.title
        assert study.trials >= 4
        space = study.make_space()
        assert isinstance(space, Space)
        assert space.frame.budget == study.goal.params
        assert space.frame.epochs == study.goal.epochs
        assert space.frame.data == study.data
        assert space.dimensions


def test_the_real_search_is_for_the_goal_the_tool_was_made_for():
    goal = spec.come_along()["under-10k"].goal
    assert (goal.last, goal.epochs, goal.params) == (5, 15, 10_000)
    assert goal.accuracy >= 99.4  # what holds a higher one holds the goal


def test_a_file_is_a_study_named_after_it(tmp_path: Path):
    path = tmp_path / "my study.toml"
    path.write_bytes(REAL.read_bytes())
    assert spec.load(str(path)) == ("my study", spec.load("under-10k")[1])
    path.write_text(tomli_w.dumps(ALL))
    study = spec.load(str(path))[1]
    assert study.data.train == 6_000
    assert study.sampler == Tpe(n_startup_trials=8, multivariate=True)
    assert study.make_space().fixed == {"activation": "silu", "dropout": 0.0, "gamma": 0.5}


def test_a_packaged_study_comes_before_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As in the folder of runs, where each study has one."""
    (tmp_path / "quick").mkdir()
    monkeypatch.chdir(tmp_path)
    assert spec.load("quick")[0] == "quick"


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("qick", "no packaged study 'qick'; did you mean 'quick'? (the path of a study's file"),
        ("under_10k", "no packaged study 'under_10k'; did you mean 'under-10k'?"),
        ("../x", "no packaged study '../x'; known are quick, smoke, under-10k (the path of"),
        ("../studies/quick", "no packaged study '../studies/quick'; known are"),
        ("", "no packaged study ''; known are"),
        (".toml", ".toml: no such file"),
        ("a\nb\0", "no packaged study 'a\\nb\\x00'; known are"),
        ("x" * 600, "no packaged study 'xxx"),
        ("../x.toml", "../x.toml: no such file"),
        ("x" * 600 + ".toml", "x"),
        ("folder.toml", "folder.toml: is a folder, not a TOML file"),
        ("folder", "folder: is a folder, not a TOML file"),
        ("studies/", "studies: is a folder, not a TOML file"),
    ],
)
def test_what_is_no_study(
    study: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for folder in ("folder.toml", "folder", "studies"):
        (tmp_path / folder).mkdir()
    with pytest.raises(UserError) as refused:
        spec.load(study)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


SPACE = '[space]\nname = "open"\n'
LEAST = f"trials = 1\n{SPACE}"


def test_the_least_that_a_study_says(tmp_path: Path):
    path = tmp_path / "s.toml"
    path.write_text(LEAST)
    study = spec.load(str(path))[1]
    assert (study.sampler.kind, study.pruner.kind) == ("tpe", "goal")
    assert study.engine == "auto"
    assert (study.timeout, study.until_held, study.start) == (None, False, ())
    assert (study.workers, study.seed, study.title) == (None, 0, "")
    assert str(study.goal) == str(Goal(accuracy=99.4, last=5, epochs=15, params=10_000))
    assert study.data == Data(train=60_000, test=10_000)
    assert study.make_space().fingerprint() == SPACES["open"](study.frame).fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "trials: is missing; add trials = 60 (and 1 more)"),
        ("trials = 1", 'space: is missing; add [space] with name = "open"'),
        (SPACE, "trials: is missing; add trials = 60"),
        (f"trials = 0\n{SPACE}", "trials: must be greater than or equal to 1, not 0"),
        (f"trials = 2.5\n{SPACE}", "trials: must be a valid integer, not 2.5"),
        (f'trials = "8"\n{SPACE}', "trials: must be a valid integer, not '8'"),
        (
            f"trails = 8\n{SPACE}",
            "trails: is not a field here; did you mean 'trials'? (and 1 more)",
        ),
        (f"timeout = -1\n{LEAST}", "timeout: must be greater than 0, not -1"),
        (f"timeout = nan\n{LEAST}", "timeout: must be a finite number, not nan"),
        (f"workers = 0\n{LEAST}", "workers: must be greater than or equal to 1, not 0"),
        (f"seed = -1\n{LEAST}", "seed: must be greater than or equal to 0, not -1"),
        (f"title = 3\n{LEAST}", "title: must be a valid string, not 3"),
        (
            f'engine = "nativ"\n{LEAST}',
            "engine: must be 'auto', 'native' or 'torch', not 'nativ'; did you mean 'native'?",
        ),
        (f"engine = 3\n{LEAST}", "engine: must be 'auto', 'native' or 'torch', not 3"),
        (f"goal = 99.4\n{LEAST}", "goal: must be a table, not 99.4"),
        (
            f"{LEAST}[goal]\nacuracy = 1",
            "goal.acuracy: is not a field here; did you mean 'accuracy'?",
        ),
        (
            f"{LEAST}[goal]\naccuracy = 101",
            "goal.accuracy: must be less than or equal to 100, not 101",
        ),
        (f"{LEAST}[goal]\nepochs = 4", "goal: last = 5 is more than epochs = 4"),
        (
            f"{LEAST}[goal]\nparams = 500",
            "goal.params: 500 is too few: the narrowest net of layout 'squeeze' has 878; ask for "
            "more than that",
        ),
        (
            f"{LEAST}[data]\ntrain = 60001",
            "data.train: must be less than or equal to 60000, not 60001",
        ),
        (f"{LEAST}[dta]\ntrain = 1", "dta: is not a field here; did you mean 'data'?"),
        ("trials = 1\n[space]", 'space.name: is missing; add name = "open"'),
        (
            "trials = 1\nspace = 'open'",
            "space: must be a table, not 'open'; add [space] with name = \"open\"",
        ),
        (
            "trials = 1\n[space.vary]\nlr = [0.1, 0.2]\n[space.fix]\nmomentum = 0.9",
            'space.name: is missing; add [space] with name = "open"',
        ),
        ("trials = 1\n[space]\nname = 'opne'", "space.name: no space 'opne'; did you mean 'open'?"),
        (f"{LEAST}vary = ['lr']", "space.vary: must be a table, not ('lr',)"),
        (f"{LEAST}fixed = {{lr = 1}}", "space.fixed: is not a field here; did you mean 'fix'?"),
        (
            f'{LEAST}[space.vary]\nlr = "x"',
            "space.vary.lr: must be an array, not 'x'; what is held at one value stands in fix",
        ),
        (
            f"{LEAST}[space.vary]\nlr = [0.1, 'x']",
            "space.vary.lr: must be a number from 0.02 to 1.0, not 'x'",
        ),
        (
            f"{LEAST}[space.vary]\nllr = [0, 1]",
            "space.vary: the space 'open' has no dimension 'llr'; did you mean 'lr'?",
        ),
        (
            f"{LEAST}[space.fix]\nlr = true",
            "space.fix.lr: must be a number from 0.02 to 1.0, not True",
        ),
        (
            f"{LEAST}[space.fix]\nstep_size = 0",
            "space.fix.step_size: must be a whole number from 1 to 14, not 0",
        ),
        (
            f"{LEAST}[sampler]\nkind = 3",
            "sampler.kind: 3 is unknown; known are cmaes, gp, qmc, random, tpe",
        ),
        (f"{LEAST}[sampler]", "sampler.kind: is missing; known are cmaes, gp, qmc, random, tpe"),
        (f'{LEAST}[sampler]\nkind = "tpi"', "sampler.kind: 'tpi' is unknown; did you mean 'tpe'?"),
        (
            f'{LEAST}[sampler]\nkind = "tpe"\nn_startup_trials = "a"',
            "sampler.n_startup_trials: must be a valid integer, not 'a'",
        ),
        (
            f'{LEAST}[sampler]\nkind = "tpe"\nstartup_trials = 3',
            "sampler.startup_trials: is not a field here; did you mean 'n_startup_trials'?",
        ),
        (f'pruner = "median"\n{LEAST}', "pruner: must be a table, not 'median'"),
        (
            f'{LEAST}[pruner]\nkind = "mediam"',
            "pruner.kind: 'mediam' is unknown; did you mean 'median'?",
        ),
        (
            f'{LEAST}[pruner]\nkind = "none"\npatience = 3',
            "pruner.patience: is not a field here; known are kind",
        ),
        (b"trials = \xff", "is not UTF-8 text (byte 9)"),
        (b"\0\1\2", "is not valid TOML: "),
        ("trials = 1\ntrials = 2", "is not valid TOML: "),
        ("[" * 100_000, "is "),
        ("#" * 1_000_001, "is too large for a TOML file (over 1,000,000 bytes)"),
    ],
)
def test_a_fault_names_file_field_and_remedy(text: str | bytes, message: str, tmp_path: Path):
    said = _refusal(tmp_path / "s.toml", text)
    assert said.startswith(message)
    if ": " in message and "TOML" not in message:
        assert said == message


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("title = Easy one  # to begin with", "(at line 1, column 9); text needs quotes"),
        ('title = "x"\r\nstart = [\r\n  silu-squeeze,\r\n]', "column 3); text needs quotes"),
        ("until_held = True", "column 14); true and false are written small"),
        ("trials =", "(at end of document); a value is missing"),
        ("trials = \nseed = 1", "(at line 1, column 10); a value is missing"),
        ("trials = # 8", "column 10); a value is missing"),
        ("[stage]\nkeep = 1\n[stage]", "(at line 3, column 7); a stage is [[stage]]"),
        ("[stage]\nkeep = 1\n[[stage]]", "(at line 3, column 8); a stage is [[stage]]"),
        ("[[stage]]\n[vary]\n[[stage]]\n[vary]", "column 6); a stage's is [stage.vary]"),
        ("[vary]\n[vary]", "(at line 2, column 6)"),  # there may be no stages
        ("[goal]\n[goal]", "(at line 2, column 6)"),
        ("lr = [0.1,, 0.2]", ")"),
        ("until_held = yes", ")"),
        ("lr = .5", ")"),
        ("lr = 0.1 =", ")"),
        ("trials", ")"),
    ],
)
def test_a_fault_of_toml_has_a_remedy_where_it_is_plain(text: str, remedy: str, tmp_path: Path):
    said = _refusal(tmp_path / "s.toml", text)
    assert said.startswith("is not valid TOML: ")
    assert said.endswith(remedy)


Place = tuple[str | int, ...]


def _places(value: Any, above: Place = ()) -> Iterator[Place]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*above, key)
        if isinstance(inner, dict | list):
            yield from _places(inner, (*above, key))


def _mutated(rng: random.Random) -> bytes:
    """The real study, or all that one can say, with one or two things wrong."""
    values = copy.deepcopy(ALL if rng.random() < 0.7 else tomllib.loads(REAL.read_text()))
    for _ in range(rng.choice([1, 1, 2])):
        place = rng.choice(list(_places(values)))
        table = values
        for key in place[:-1]:
            table = table[key]
        match rng.choice(["value", "value", "delete", "typo", "added", "bytes"]):
            case "value":
                table[place[-1]] = copy.deepcopy(rng.choice(ODD))
            case "delete":
                del table[place[-1]]
            case "typo" if isinstance(table, dict):
                typo = list(str(place[-1]))
                typo.insert(rng.randrange(len(typo) + 1), rng.choice("abcxyz_-. \n\u2028"))
                table["".join(typo)] = table.pop(place[-1])
            case "added" if isinstance(table, dict):
                table[rng.choice(["kind", "lr", "x", "seed", ""])] = copy.deepcopy(rng.choice(ODD))
            case _:
                content = bytearray(tomli_w.dumps(values).encode())
                for _ in range(rng.randint(1, 3)):
                    content[rng.randrange(len(content))] = rng.randrange(256)
                return bytes(content)
    return tomli_w.dumps(values).encode()


def _check_mutations(path: Path, count: int, seed: int) -> int:
    """Each loads or is refused in one line; returns how many were refused."""
    rng = random.Random(seed)
    refused = 0
    for _ in range(count):
        text = _mutated(rng)
        path.write_bytes(text)
        try:
            spec.load(str(path))[1].make_space()
        except UserError:
            _refusal(path, text)
            refused += 1
    return refused


def test_mutated_studies_load_or_are_refused_in_one_line(tmp_path: Path):
    assert 200 < _check_mutations(tmp_path / "s.toml", 300, seed=1) < 300


@pytest.mark.slow
def test_many_mutated_studies_load_or_are_refused_in_one_line(tmp_path: Path):
    assert _check_mutations(tmp_path / "s.toml", 5_000, seed=2) > 3_000


def _study() -> StudySpec:
    return spec.load("quick")[1]


def test_options_of_the_command_line_come_before_the_studys():
    options = {"trials": 3, "workers": 1, "seed": None, "timeout": 2.5, "engine": "torch"}
    study = spec.changed(_study(), options)
    assert (study.trials, study.workers, study.timeout, study.engine) == (3, 1, 2.5, "torch")
    assert study.seed == _study().seed
    kept = {"trials", "workers", "timeout", "engine"}
    assert study.model_dump(exclude=kept) == _study().model_dump(exclude=kept)
    assert spec.changed(_study(), dict.fromkeys(options)) == _study()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "--trials: must be greater than or equal to 1, not 0"),
        ({"workers": 10**6}, "--workers: must be less than or equal to 1024, not 1000000"),
        ({"seed": 2**63}, "--seed: must be less than 9223372036854775808, not 9223372036854775808"),
        ({"timeout": math.nan}, "--timeout: must be a finite number, not nan"),
        ({"timeout": -1.0}, "--timeout: must be greater than 0, not -1.0"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(UserError) as refused:
        spec.changed(_study(), options)
    assert str(refused.value) == message
