"""`compare` of studies, which experiments of their names do not get in the way of."""

import csv
import io
import json
import re
import shutil
import tomllib
from pathlib import Path

import fakes
import pytest
from command_line import STAGES, Drilldown, one_line
from fakes import FakeWorkers, Fate

from mnist_core.config import Data
from search.drill.spec import DrillSpec
from search.launch.owner import Owner
from search.study import upkeep
from search.study.fingerprint import SPEC
from search.study.session import opened
from search.study.storage import open_storage
from search.study.study import Study

GOAL = {"accuracy": 90.0, "last": 1, "epochs": 3, "params": 2_000}
OTHER = fakes.study(
    trials=3,
    seed=9,
    goal=GOAL,
    until_held=True,
    space={"name": "open", "fix": {"activation": "relu"}, "vary": {"lr": (0.2, 0.8)}},
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, to be copied: `mine`, `yours` of another goal, space and seed, and `001`,
    as an experiment is called."""
    home = tmp_path_factory.mktemp("ran")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRILLDOWN_HOME", str(home))
        studies = open_storage(create=True)
        for name, plan in (("mine", fakes.study()), ("yours", OTHER)):
            with opened(studies, name, plan) as session:
                workers = FakeWorkers(1, lambda job, _: Fate([90.0, 91.5 - job, 92.0]))
                assert Owner(session, workers, []).run(plan.trials) == 0
        upkeep.copy(studies, "mine", "001")
        studies.storage.engine.dispose()
    return home / "runs"


@pytest.fixture(autouse=True)
def _there(ran: Path, home: Path) -> None:
    shutil.copytree(ran, home / "runs")


def test_studies_stand_side_by_side(drilldown: Drilldown) -> None:
    done = drilldown("compare", "mine", "yours")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines()[:-1])) <= 100
    for row in (
        r"its score \(%\) +91.50 +92.00",
        r"last epochs \(%\) +91.50 92.00 +92.00",
        r"their spread \(points\) +0.50 +0.00",
        r"goal held by +2 of 4 trials +3 of 3 trials",
        r"trials +4 complete, 0 pruned, 0 failed +3 complete, 0 pruned, 0 failed",
        r"epochs trained +12 +9",
        r"time trained +18 s +14 s",
        r"what differs +mine +yours",
        r"goal.last +2 +1",
        r"seed +7 +9",
        r"fix.activation +– +relu",
        r"activation +relu or silu +–",
        r"lr +0.02 to 1 \(log\) +0.2 to 0.8 \(log\)",
        r"until_held +no +yes",
    ):
        assert re.search(f"^{row}$", done.out, re.MULTILINE), (row, done.out)
    assert done.out.endswith(
        "the same for both:\ndrilldown rescore yours --set goal.accuracy=90 --set goal.last=2\n"
    )


def test_data_that_is_not_the_whole_comes_first(
    drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Not the whole of MNIST: 300 of 60,000 training images, 200 of 10,000 test images"
    for form in ("table", "markdown"):
        done = drilldown("compare", "mine", "yours", "--format", form)
        assert done.out.startswith(f"{said}\n"), done.out
    data = {"mine": Data(), "yours": Data(train=300, test=200)}
    monkeypatch.setattr(Study, "data", property(lambda study: data[study.name]))
    done = drilldown("compare", "mine", "yours")
    assert done.out.startswith(f"yours: {said}\n")


def test_each_study_of_another_goal_is_rescored_to_the_firsts(drilldown: Drilldown) -> None:
    studies = open_storage()
    upkeep.copy(studies, "yours", "theirs")
    said = drilldown("compare", "mine", "001", "yours", "theirs").out
    assert said.partition("the same for all:\n")[2].splitlines() == [
        f"drilldown rescore {name} --set goal.accuracy=90 --set goal.last=2"
        for name in ("yours", "theirs")
    ]
    for line in said.splitlines()[-2:]:
        assert drilldown(*line.split()[1:]).code == 0


def test_programs_read_the_same(drilldown: Drilldown, tmp_path: Path) -> None:
    words = ("compare", "mine", "yours", "--format")
    told = json.loads(drilldown(*words, "json").out)
    lines = list(csv.DictReader(io.StringIO(drilldown(*words, "csv").out)))
    assert told["differences"]["seed"] == [line["seed"] for line in lines] == ["7", "9"]
    assert [each["study"] for each in told["studies"]] == ["mine", "yours"]
    for study, line in zip(told["studies"], lines, strict=True):
        assert {name: str(value) for name, value in study.items()}.items() <= line.items()
    path = tmp_path / "beside.md"
    assert drilldown(*words, "markdown", "-o", path).out == f"{path}\n"
    assert "| goal.last | 2 | 1 |" in path.read_text()


def test_a_stage_says_its_bases_by_name(drilldown: Drilldown) -> None:
    plan = DrillSpec.from_dict(tomllib.loads(STAGES))
    one, another = plan.stand_ins().values()
    for name, bases in (
        ("two.2.pace", {"arch/0": one, "arch/1": another}),
        ("too.2.pace", {"arch/0": another, "arch/1": one}),
    ):
        with opened(open_storage(), name, plan.study(2, bases)):
            pass
    done = drilldown("compare", "mine", "two.2.pace")
    assert re.search(r"^base +– +arch/0 or arch/1$", done.out, re.MULTILINE), done.out
    assert not re.search(r"^bases|choices|[0-9a-f]{16}", done.out, re.MULTILINE), done.out
    done = drilldown("compare", "two.2.pace", "too.2.pace")
    assert re.search(r"^bases +its own configs +its own configs$", done.out, re.MULTILINE), done.out


def test_what_an_old_study_did_not_keep_is_not_known(drilldown: Drilldown) -> None:
    open_storage().get("yours").keep(SPEC, None)
    done = drilldown("compare", "mine", "yours")
    assert re.search(r"^goal.last +2 +1$", done.out, re.MULTILINE)
    assert re.search(r"^sampler.kind +random +–$", done.out, re.MULTILINE)


def test_a_name_that_an_experiment_has_too_is_said(drilldown: Drilldown) -> None:
    experiments = drilldown("compare", "001", "--format", "csv")
    assert "001: is an experiment, and a study that has been run; the experiment is meant" in (
        experiments.err
    )
    assert "001-code4" in experiments.out
    studies = drilldown("compare", "mine", "001", "--format", "json")
    assert "the study is meant" in studies.err
    assert json.loads(studies.out)["differences"] == {}


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("mine", ["'mine' is a study; name another"]),
        ("mine mine", ["'mine' is a study; name another"]),
        ("mine 001-code4", ["'001-code4' is an experiment and 'mine' a study"]),
        ("mine yuors", ["no study named 'yuors'", "did you mean 'yours'?"]),
        ("mine yours --seeds 2", ["--seeds is for experiments"]),
        ("mine yours --epochs 15", ["--epochs is for experiments"]),
        ("001-code9 x", ["no experiment '001-code9'"]),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    drilldown: Drilldown, line: str, parts: list[str]
) -> None:
    one_line(drilldown("compare", *line.split()), *parts)
