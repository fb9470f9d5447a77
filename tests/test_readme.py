"""What the README says to type, runs; what it shows as a file, is read and runs; its figures are
those of the files that they speak of. Nothing is trained: fakes come to their curves."""

import re
import shlex
import shutil
import statistics
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import fakes
import pytest
import readme
from command_line import Drilldown, typed

from mnist_core import fetch, packaged, record
from mnist_core.config import Config, Data
from mnist_core.goal import Goal
from mnist_core.native import library
from mnist_core.packaged import config_path
from mnist_core.result import EpochResult
from mnist_core.train import Training
from search import cli
from search.chance import leads, noise
from search.compare import compare as comparing
from search.compare import page
from search.compare.experiments import select
from search.confirm import check
from search.drill import spec as drill_spec
from search.report import drilled
from search.study import spec as study_spec
from search.study.pruners import Pruner
from search.study.samplers import Sampler

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
QUESTIONS = (ROOT / "QUESTIONS.md").read_text()
SAID = " ".join(README.split())
GOAL = Goal()


def _fenced(language: str) -> list[str]:
    """Of both pages."""
    pages = f"{README}\n{QUESTIONS}"
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", pages, re.DOTALL | re.MULTILINE)
    return [block for kind, block in blocks if kind == language]


def _commands() -> set[str]:
    """All that begins with drilldown, in the blocks and in the lines, without remarks."""
    lines = [line for block in _fenced("sh") for line in block.splitlines()]
    inline = re.findall(r"`(drilldown [^`\n]*)`", f"{README}\n{QUESTIONS}")
    typed_in = {part.strip() for line in lines for part in line.partition(" #")[0].split("&&")}
    found = {line.removeprefix(".venv/bin/") for line in {*typed_in, *inline}}
    return {line for line in found if line.startswith("drilldown ")}


ALONE = "--quiet --workers 1"
FEW = f"{ALONE} --trials 2"
SHORT = " ".join(f"--set stage.{number}.trials=2" for number in range(1, 4))
RUN = {
    # Command -> what is added to it here: a search of hours needs no more than its beginning.
    "drilldown launch": FEW,
    "drilldown launch under-10k": FEW,
    "drilldown launch under-10k --until-held": FEW,
    "drilldown launch under-10k --until-confirmed": FEW,
    "drilldown launch quick --set goal.params=8000 --name small": FEW,
    "drilldown launch small --minutes 30": f"{ALONE} --trials 3",
    "drilldown launch quick --start silu-squeeze --name from-winner": FEW,
    "drilldown launch quick --set space.vary.lr='[0.1, 0.2]' --name narrow": FEW,
    "drilldown launch quick --set pruner.kind=none --name unpruned": FEW,
    "drilldown launch quick --minutes 5": FEW,
    "drilldown launch quick --until-held": FEW,
    "drilldown launch --trials 40 --minutes 30": FEW,
    "drilldown launch quick --log jsonl": "--workers 1 --trials 3",
    "drilldown launch quick --set goal.judge=holdout --name unseen": FEW,
    "drilldown launch study.toml": FEW,
    "drilldown launch under-10k --start best.toml --name from-mine": FEW,
    "drilldown list": "",
    "drilldown space study.toml": "",
    "drilldown space stage": "",
    "drilldown show quick": "",
    "drilldown show quick --sort -params": "",
    "drilldown show quick --columns trial,score,lr,network": "",
    "drilldown show quick --trial 1": "",
    "drilldown show quick --format csv": "",
    "drilldown compare quick small": "",
    "drilldown report quick": "",
    "drilldown export quick": "",
    "drilldown export quick --trial 1 -o net.toml": "",
    "drilldown count net.toml": "",
    "drilldown train net.toml --check": "",
    "drilldown train net.toml --seed 2": "",
    "drilldown rescore quick --set goal.accuracy=99.45": "",
    "drilldown rescore quick --set goal.last=3 --save quick-last-3": "",
    "drilldown confirm quick": "--quiet --workers 1 --top 1",
    "drilldown confirm silu-squeeze --seeds 20": "--quiet --workers 1",
    "drilldown note quick wider nets did better": "",
    "drilldown note quick": "",
    "drilldown copy quick quick-2 --yes": "",
    "drilldown rename quick-2 second --yes": "",
    "drilldown delete second --yes": "",
    "drilldown completion bash": "",
    "drilldown drill": f"{ALONE} {SHORT}",
    "drilldown drill shallow": f"{ALONE} {SHORT}",
    "drilldown drill two-stages.toml": f"{ALONE} --set stage.1.trials=2 --set stage.2.trials=2",
    "drilldown show shallow": "",
    "drilldown confirm shallow": "--quiet --workers 1 --top 1",
    "drilldown export shallow": "",
    "drilldown show shallow.1.architecture": "",
    "drilldown count 001-code4": "",
    "drilldown count best.toml": "",
    "drilldown train silu-squeeze --check": "",
    "drilldown train best.toml --seed 2": "",
    "drilldown compare": "",
    "drilldown compare 001 003-f1-reduce --seeds 2": "",
    "drilldown compare 004 --format csv -o compared.csv": "",
}
"""In an order in which each finds what it is about."""
SAYS = {
    "drilldown launch study.toml": "2 of 2 trials ended",
    "drilldown list": " small ",
    "drilldown drill two-stages.toml": "Winner: ",
    "drilldown report quick": ".html",
}
NOT_RUN = {
    "drilldown drill deep": "a night, and much of it in the sampler; it is loaded",
    "drilldown dashboard": "it serves until Ctrl-C; test_dashboard.py has it",
    "drilldown dashboard quick": "likewise",
    "drilldown train net.toml --save net.safetensors": "nothing is trained here",
}


@pytest.fixture
def drilldown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Drilldown]:
    """In a folder with best.toml, an exported net, and the README's study.toml and
    two-stages.toml; a training comes to its file's curve."""

    def _curve(config: Config) -> Sequence[float]:
        return curves.get(config) or fakes.curve(config)

    def run(training: Training) -> Iterator[EpochResult]:
        for epoch, accuracy in enumerate(_curve(training.config), start=1):
            yield fakes.result(epoch, accuracy)

    winners = [record.load(config_path(name)) for name in packaged.names(packaged.WINNERS)]
    curves = {each.config: each.expected.test_acc for each in winners if each.expected}
    monkeypatch.setattr(Training, "run", run)
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)
    monkeypatch.setattr(drilled, "write", lambda _, folder: folder / "drill.html")
    monkeypatch.chdir(tmp_path)
    shutil.copy(config_path("under-10k"), tmp_path / "best.toml")
    (tmp_path / "study.toml").write_text(_file("space"))
    (tmp_path / "two-stages.toml").write_text(_file("stage"))
    with typed(monkeypatch, capfd, start=fakes.quick) as typing:
        yield typing


def test_every_command_of_the_readme_is_known_here() -> None:
    forms = {f"drilldown {name}" for name in cli.cli.commands}
    placeholders = {line for line in _commands() if re.search(r"[A-Z]{4}", line)}
    assert {" ".join(line.split()[:2]) for line in placeholders} <= forms
    assert _commands() - placeholders == RUN.keys() | NOT_RUN.keys()


@pytest.mark.timeout(600)
def test_what_the_readme_says_to_type_runs(drilldown: Drilldown, tmp_path: Path) -> None:
    for command, more in RUN.items():
        done = drilldown(*shlex.split(f"{command} {more}")[1:])
        assert done.code == 0, (command, done)
        assert "Traceback" not in done.err
        assert SAYS.get(command, "") in done.out
    assert (tmp_path / "compared.csv").read_text().count("\n") == 8


def test_a_check_of_the_readmes_is_of_every_epoch(drilldown: Drilldown) -> None:
    if library.unavailable("avx512"):
        pytest.skip("the winner's curve was made with AVX-512")
    done = drilldown("train", "silu-squeeze", "--check")
    assert "Every epoch equals the expected curve (15 compared)." in done.out


# --- files -----------------------------------------------------------------------------------


def _file(key: str) -> str:
    (found,) = (block for block in _fenced("toml") if key in tomllib.loads(block))
    return str(found)


@pytest.mark.timeout(300)
def test_the_drill_of_the_readme_runs_with_the_other_net_that_comes_along(
    drilldown: Drilldown, tmp_path: Path
) -> None:
    (net,) = {*packaged.names(packaged.WINNERS)} - {"silu-squeeze"}
    path = tmp_path / "mine.toml"
    assert 'base = ["silu-squeeze"]' in _file("stage")
    path.write_text(_file("stage").replace("silu-squeeze", net))
    assert drill_spec.load(str(path))[2].keys() == {net}
    shortened = re.sub(r"trials = 20", "trials = 2", path.read_text())
    path.write_text(shortened)
    done = drilldown("drill", path, *shlex.split(ALONE))
    assert done.code == 0, done
    assert "Winner: " in done.out


def test_the_tables_of_studies_and_drills_are_what_they_are() -> None:
    studies = {name: study_spec.load(name)[1] for name in packaged.names(packaged.STUDIES)}
    for name, study in studies.items():
        shown = str(study.goal) if name == "smoke" else _goal(study.goal)
        assert f"| `{name}` | {shown} |" in README
    shallow, deep = (drill_spec.load(name)[1] for name in ("shallow", "deep"))
    assert f"| `shallow` | {_goal(shallow.goal)}, on half of MNIST |" in README
    assert shallow.data.train == 30_000
    assert f"| `deep` | {_goal(deep.goal)}, on all of it |" in README
    for drill in (shallow, deep):
        assert f"{' + '.join(str(stage.trials) for stage in drill.stage)} trials" in README


def _goal(goal: Goal) -> str:
    return f"{goal.accuracy:.2f} % in each of the last {goal.last} of {goal.epochs} epochs"


def test_the_study_of_the_readme_has_every_field() -> None:
    given = tomllib.loads(_file("space"))
    for model, table in (
        (study_spec.StudySpec, given),
        (Goal, given["goal"]),
        (Data, {**given["data"], "judge": given["goal"]["judge"]}),  # where a study says it
        (study_spec.SpaceChoice, given["space"]),
    ):
        assert table.keys() == model.model_fields.keys()


def test_the_table_of_dimensions_is_what_the_catalogue_says() -> None:
    assert readme.written(README) == README  # else: python tests/readme.py


def test_the_kinds_of_samplers_and_pruners_are_those_that_there_are() -> None:
    (study,) = (block for block in _fenced("toml") if "[sampler]" in block)
    for table, union in (("sampler", Sampler), ("pruner", Pruner)):
        kinds = {get_args(each.model_fields["kind"].annotation)[0] for each in _members(union)}
        (said,) = re.findall(rf"^\[{table}\] +# (.*?)(?:, with.*)?$", study, re.MULTILINE)
        assert {*re.split(", | or ", said)} == kinds


def _members(union: Any) -> tuple[Any, ...]:
    return get_args(get_args(union)[0])


# --- figures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", packaged.names(packaged.WINNERS))
def test_what_is_said_of_a_winner_is_what_its_curves_come_to(name: str) -> None:
    winner = record.load(config_path(name))
    begin = SAID.index(f"`studies/winners/{name}.toml`")
    said = SAID[begin : SAID.find("`studies/winners/", begin + 9) % len(SAID)]
    endings = [GOAL.ending(run.test_acc) for run in winner.confirmed]
    worst, means = [each.worst for each in endings], [each.mean for each in endings]
    assert f"{winner.config.params:,} parameters" in said
    assert re.search(
        rf"the worst of the last five has a mean of {statistics.fmean(worst):.2f} %, a standard "
        rf"deviation of {statistics.stdev(worst):.2f} and a lowest value of {min(worst):.2f} %; "
        rf"the mean of the last five is {statistics.fmean(means):.2f} %, with a standard deviation "
        rf"of {statistics.stdev(means):.2f}",
        said,
    )
    words = {8: "eight", 10: "ten"}
    held = words[sum(each.held for each in endings)]
    assert f"on {held} of {'the ' if held != 'ten' else ''}ten fresh" in said
    missed = max(0.0, GOAL.accuracy - min(worst))
    assert missed == 0 or f"misses by up to {missed:.2f} points" in said


def test_what_the_questions_say_of_chance_is_what_the_winners_come_to() -> None:
    asked = " ".join(QUESTIONS.split())
    means = {
        name: [GOAL.ending(run.test_acc).mean for run in record.load(config_path(name)).confirmed]
        for name in packaged.names(packaged.WINNERS)
    }
    low, high = min(means["under-10k"]), max(means["under-10k"])
    assert f"ends between {low:.2f} % and {high:.2f} %, in the mean of the last five" in asked
    first, second = (statistics.stdev(means[name]) for name in ("silu-squeeze", "under-10k"))
    assert f"is {first:.2f} points for one winner, {second:.2f} for the other" in asked
    noise_of_seeds = leads.pooled([*means.values()])
    assert noise_of_seeds is not None
    assert f"has to be {noise_of_seeds.needed():.2f} points ahead of another" in asked
    assert "`under-10k` held its goal in the search, and holds it on eight of ten" in asked
    assert f"within {check.BAND} points, or within three tenths of the curve's error" in asked
    assert "killed none of the best and saved 21 % of the epochs" in asked
    assert "(of median) kill none of the best and save 21% and 8% of the epochs" in SAID
    quick = study_spec.load("quick")[1]
    assert quick.timeout == 7 * 60
    assert f"it starts none of its {quick.trials} trials after seven, and rungs stop" in asked
    assert f"`quick` has {quick.trials} trials, of which its [rungs](#rungs) stop many" in SAID
    assert "ten whole trials of 15 epochs on all of MNIST took 595 seconds on two cores" in asked
    assert "Before it had rungs, ten whole trials took 595 seconds in a fresh clone on two" in SAID


def test_what_is_said_of_the_fifty_experiments() -> None:
    rows = comparing.compare(select([]), comparing.Results(None).runs, GOAL.epochs).rows
    assert len(rows) == 50
    skeletons = [row for row in rows if row.experiment.name.startswith("003-f1-")]
    below: dict[str, Any] = {
        row.experiment.name: row.pair.below() for row in skeletons if row.pair is not None
    }
    counts = [sum(who in (side, "both") for who in below.values()) for side in ("theirs", "ours")]
    both = sum(who == "both" for who in below.values())
    assert (
        f"the {len(skeletons)} skeletons of 003, without batch norm and with a ReLU behind the "
        f"last layer, {counts[0]} stay below it as reported and {counts[1]} as run here, one seed "
        f"each, but only {both} are the same"
    ) in SAID
    assert f"mean below {noise.FLOOR:.0f} % is not judged" in SAID
    assert noise.ASSUMED == 0.1
    assert "assumed to be a tenth of the error" in SAID
    assert check.BAND_OF_ERROR == 0.3
    assert f"by {check.BAND} points, or by three tenths of the curve's error" in SAID


def test_the_page_of_the_fifty_experiments_is_what_its_command_makes() -> None:
    seeds = Path("studies") / "seeds"
    found = comparing.compare(select([]), comparing.Results(None).runs, GOAL.epochs)
    command = page.command_for([], GOAL.epochs, seeds / "results.jsonl", seeds / "README.md")
    assert (ROOT / seeds / "README.md").read_text() == f"{page.page(found, command)}\n"


def test_the_house_of_the_readme_has_the_rooms_that_there_are() -> None:
    (house,) = (block for block in _fenced("") if "search/text" in block)
    rooms = {path.parent.name for path in (ROOT / "search").glob("*/__init__.py")}
    shown = " ".join(line[:30] for line in house.splitlines())
    named = {word.removeprefix("search/") for word in shown.split()}
    assert rooms | {"mnist_core/", "spaces/"} == named
