"""`goal.judge = "holdout"`: what a study, and all that is said of it, make of that."""

import math
import re
import shutil
import tomllib
from pathlib import Path

import pytest
from command_line import STAGES, TINY, Drilldown, one_line
from fakes import FakeWorkers, Fate
from tiny import tiny_config

from mnist_core import packaged, record
from mnist_core.config import Data
from mnist_core.goal import Goal
from mnist_core.schedule import Step
from search.drill import spec as drills
from search.launch.owner import Owner
from search.report.studied import StudyResult, write
from search.study import spec
from search.study.fingerprint import FINGERPRINT, SPEC
from search.study.note import annotate
from search.study.session import opened
from search.study.spec import StudySpec
from search.study.storage import open_storage
from search.study.study import GOAL_TABLE, Study
from search.text.wording import HELD_OUT
from spaces.dimensions import Choice
from spaces.unsealed import unsealed

WHOLE = TINY.replace("[data]\ntrain = 200\ntest = 200\n", "")
"""On all the data there are."""
JUDGED = TINY.replace("[goal]", '[goal]\njudge = "holdout"')
FEW = "Not the whole of MNIST: 200 of 50,000 training images, 200 of 10,000 held-out images"


def _spec(text: str) -> StudySpec:
    return StudySpec.from_dict(tomllib.loads(text))


def _study(name: str = "tiny") -> Study:
    study = open_storage(None, read_only=True).find(name)
    assert study is not None
    return study


def _dashboard(study: Study) -> str:
    """All that optuna-dashboard shows of it besides its trials."""
    kept = study.optuna._storage.get_study_system_attrs(study.optuna._study_id)
    return "".join(str(value) for name, value in kept.items() if name.startswith("dashboard:"))


# --- what a file says ------------------------------------------------------------------------


def test_the_configs_of_a_study_have_the_judge_of_its_goal() -> None:
    assert _spec(JUDGED).data == Data(judge="holdout", train=200, test=200)
    assert _spec(WHOLE.replace("[goal]", '[goal]\njudge = "holdout"')).data == Data(judge="holdout")
    space = _spec(JUDGED).make_space()
    sample = {
        name: kind.choices[0] if isinstance(kind, Choice) else kind.middle
        for name, kind in space.dimensions.items()
    }
    assert space.config(sample, 1).data == Data(judge="holdout", train=200, test=200)


def test_a_study_with_another_goal_has_its_judge() -> None:
    """All that there are to train on stay all."""
    held_out = _spec(WHOLE).changed(goal=Goal(judge="holdout"))
    assert held_out.data == Data(judge="holdout")
    assert held_out.changed(goal=Goal()).data == Data()


@pytest.mark.parametrize("name", packaged.names(packaged.STUDIES))
def test_every_study_that_comes_along_can_be_judged_so(name: str) -> None:
    before, after = (spec.load(name, settings)[1] for settings in ([], ["goal.judge=holdout"]))
    assert after.data == before.data.judged_by("holdout")


@pytest.mark.parametrize("name", packaged.names(packaged.DRILLS))
def test_every_drill_too(name: str) -> None:
    before, after = (drills.load(name, settings)[1] for settings in ([], ["goal.judge=holdout"]))
    stage = after.study(1, after.stand_ins())
    assert after.data == stage.data == stage.frame.data == before.data.judged_by("holdout")
    assert stage.goal.judge == after.plain().data.judge == "holdout"


@pytest.mark.usefixtures("no_data")
def test_a_file_that_asks_for_more_than_remain_is_told_so(
    drilldown: Drilldown, tmp_path: Path
) -> None:
    file = tmp_path / "whole.toml"
    file.write_text(TINY.replace("train = 200", "train = 60_000"))
    said = "data.train: must be at most 50000 where judge = 'holdout' holds the others out, not"
    one_line(drilldown("launch", str(file), "--set", "goal.judge=holdout"), said, "leave it out")


def test_what_nobody_judges_otherwise_is_kept_as_it_was() -> None:
    plain, judged = (_spec(text).model_dump(mode="json") for text in (TINY, JUDGED))
    assert plain["data"] == judged["data"] == {"train": 200, "test": 200}
    assert "judge" not in plain["goal"]
    assert judged["goal"]["judge"] == "holdout"
    assert StudySpec.from_dict(judged) == _spec(JUDGED)


def test_a_goal_says_by_what_it_is_judged_where_that_is_not_the_test_set() -> None:
    said = "99.40 % of held-out images in every one of the last 5 of 15 epochs, fewer than 10,000"
    assert str(Goal(judge="holdout")).startswith(said)
    assert "images" not in str(Goal())


BAD = [
    ("--set goal.judge=holdut", "--set goal.judge: must be 'test' or 'holdout', not 'holdut'; did"),
    ("--set goal.judge=1", "--set goal.judge: must be 'test' or 'holdout', not 1"),
    ("--set goal.judge=holdout --set data.train=50001", "--set data.train: must be at most 50000"),
    (
        "--set data.judge=holdout",
        "--set data.judge: data: judge = 'holdout' is for the goal to say",
    ),
    ("--set data.judge=both", "judge = 'both' is for the goal to say: goal.judge (now 'test')"),
]


@pytest.mark.parametrize(("options", "said"), BAD)
@pytest.mark.usefixtures("no_data")
def test_what_cannot_be_is_one_line(
    options: str, said: str, drilldown: Drilldown, tiny: Path
) -> None:
    one_line(drilldown("launch", str(tiny), *options.split()), said)


# --- what is said of a study -----------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, to be copied: `mine` judged by the holdout, `yours` by the test images."""
    home = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRILLDOWN_HOME", str(home))
        studies = open_storage(create=True)
        for name, text in (("mine", JUDGED), ("yours", TINY)):
            plan = _spec(text)
            with opened(studies, name, plan) as session:
                workers = FakeWorkers(1, lambda job, _: Fate([90.0, 91.5 - job]))
                assert Owner(session, workers, []).run(plan.trials) == 0
                with session.ours():
                    annotate(session.study, "train it again")
        studies.storage.engine.dispose()
    return home / "runs"


@pytest.fixture
def runs(ran: Path, home: Path) -> Path:
    return Path(shutil.copytree(ran, home / "runs"))


def test_a_study_keeps_its_judge_and_one_of_the_test_images_nothing_new(runs: Path) -> None:
    mine, yours = (_study(name) for name in ("mine", "yours"))
    assert (mine.goal.judge, yours.goal.judge) == ("holdout", "test")
    assert mine.data == Data(judge="holdout", train=200, test=200)
    assert mine.kept(FINGERPRINT)["goal.judge"] == "holdout"
    assert mine.kept(FINGERPRINT)["data"] == "200+200"
    for kept in (FINGERPRINT, GOAL_TABLE, SPEC):
        assert "judge" in str(mine.kept(kept))
        assert "judge" not in str(yours.kept(kept))


@pytest.mark.parametrize(
    "command",
    ["show mine", "show mine --trial 0", "space mine", "rescore mine --set goal.accuracy=91"],
)
@pytest.mark.usefixtures("runs")
def test_it_is_said_first(command: str, drilldown: Drilldown) -> None:
    done = drilldown(*command.split())
    assert done.out.splitlines()[:2] == [FEW, HELD_OUT]
    assert "20.00 % of held-out images in" in done.out
    assert "judge" not in drilldown(*command.replace("mine", "yours").split()).out


@pytest.mark.usefixtures("runs")
def test_list_tells_them_apart(drilldown: Drilldown) -> None:
    out = drilldown("list").out
    assert re.search(r"^mine +200 \+ 200 held out +2 ", out, re.MULTILINE), out
    assert re.search(r"^yours +200 \+ 200 +2 ", out, re.MULTILINE), out


@pytest.mark.usefixtures("runs")
def test_studies_side_by_side_say_that_they_have_not_the_same_judge(drilldown: Drilldown) -> None:
    out = drilldown("compare", "mine", "yours").out
    assert re.search(r"^goal.judge +holdout +test$", out, re.MULTILINE), out
    said = "no score is above another: mine by held-out images; yours by test images.\n"
    assert said in out
    assert "same images" not in drilldown("compare", "mine", "mine").out


def test_the_report_and_the_note_name_the_images_that_judged(runs: Path) -> None:
    for name, word in (("mine", "holdout"), ("yours", "test")):
        study = _study(name)
        page = write(StudyResult.of(study, None), runs / name / "report.html")
        report = page.with_suffix(".md").read_text()
        note = _dashboard(study)
        for text in (report, note):
            assert (f"**{HELD_OUT}.**" in text) == (name == "mine")
        assert f"| {word}, best (%) |" in report
        assert f"{word} accuracy (%)" in note
        others = {"test": "held-out|holdout", "holdout": "test"}
        for text in (report, note):
            rest = text.replace(HELD_OUT, "").replace("data.test=", "").replace("\ntest = ", "")
            assert re.findall(rf"(?i)\b({others[word]})\b", rest) == []


def test_an_export_is_judged_as_its_study(runs: Path, drilldown: Drilldown, tmp_path: Path) -> None:
    file = tmp_path / "best.toml"
    assert drilldown("export", "mine", "-o", str(file)).code == 0
    exported = record.load(file)
    assert exported.config.data == Data(judge="holdout", train=200, test=200)
    assert exported.origin is not None
    assert exported.origin.goal == _study("mine").goal
    assert drilldown("export", "yours", "-o", str(file)).code == 0
    assert "judge" not in file.read_text()


@pytest.mark.parametrize(
    ("name", "judge", "was"), [("mine", "test", "holdout"), ("yours", "holdout", "test")]
)
@pytest.mark.usefixtures("runs", "no_data")
def test_a_study_keeps_its_judge(
    name: str, judge: str, was: str, drilldown: Drilldown, tmp_path: Path
) -> None:
    file = tmp_path / f"{name}.toml"
    file.write_text(JUDGED if judge == "holdout" else TINY)
    said = f'study {name!r} was launched with goal.judge = "{was}", now it is "{judge}"; change it '
    one_line(drilldown("launch", str(file), "--trials", "3"), said)
    one_line(drilldown("launch", name, "--trials", "3", "--set", f"goal.judge={judge}"), said)


@pytest.mark.usefixtures("runs", "no_data")
def test_a_config_of_another_judge_is_not_tried_first(drilldown: Drilldown, tiny: Path) -> None:
    one_line(
        drilldown("launch", str(tiny), "--start", "mine"),
        "is trained and tested on 200 and 200 held-out images, here it is 200 and 200; "
        "start with: --set goal.judge=holdout, or leave it out",
    )


def test_a_launch_says_it_first_and_names_the_judge_in_each_epoch(
    drilldown: Drilldown, tiny: Path
) -> None:
    done = drilldown("launch", str(tiny), "--set", "goal.judge=holdout")
    assert done.out.splitlines()[:2] == done.err.splitlines()[:2] == [FEW, HELD_OUT]
    assert "trial 0: epoch 1/2, holdout 90." in done.err
    assert "test" not in done.err.replace(HELD_OUT, "")
    assert "All images: " in done.out
    assert "--set goal.judge=holdout --set data.train=50000 --set data.test=10000" in done.out


def test_a_drill_says_it_too(drilldown: Drilldown, tmp_path: Path) -> None:
    file = tmp_path / "stages.toml"
    file.write_text(STAGES.replace("[goal]", '[goal]\njudge = "holdout"'))
    done = drilldown("drill", str(file), "--workers", "1")
    assert done.out.splitlines()[:2] == [FEW, HELD_OUT]
    assert re.search(r"seed \d+: epoch 1/2, holdout \d", done.err)
    assert "test" not in done.err.replace(HELD_OUT, "")
    shown = drilldown("show", "stages").out
    assert shown.splitlines()[:2] == [FEW, HELD_OUT]
    report = next((tmp_path / "home" / "runs" / "stages").glob("drill.md")).read_text()
    rest = report.replace(HELD_OUT, "").replace("data.test=", "").replace("\ntest = ", "")
    assert "test" not in re.findall(r"\w+", rest.lower())


# --- and where it is confirmed ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "train"),
    [(Data(judge="holdout"), 60_000), (Data(judge="holdout", train=6_000), 6_000)],
)
def test_what_is_confirmed_is_the_same_recipe_judged_by_the_test_images(
    data: Data, train: int
) -> None:
    """Trained on all there is, steps that are counted in batches keep their epochs."""
    steps = {"kind": "step", "per": "batch", "size": 10 * math.ceil(data.train / 64), "gamma": 0.1}
    found = tiny_config(schedule=steps, data=data.model_dump())
    confirmed = unsealed(found)
    assert confirmed.data == Data(train=train)
    schedule = confirmed.schedule
    assert isinstance(schedule, Step)
    assert schedule.size == 10 * confirmed.batches
    assert confirmed.changed(data=found.data, schedule=found.schedule) == found
    assert unsealed(confirmed) == confirmed
