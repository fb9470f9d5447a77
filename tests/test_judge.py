"""`goal.judge = "holdout"`: what a study, and all that is said of it, make of that."""

import re
import tomllib
from pathlib import Path

import fakes
import pytest
from command_line import TINY, Drilldown, one_line, typed

from mnist_core import record
from mnist_core.config import Data
from mnist_core.goal import Goal
from search.report.studied import StudyResult
from search.study.fingerprint import FINGERPRINT, SPEC
from search.study.spec import StudySpec
from search.study.storage import open_storage
from search.study.study import GOAL_TABLE, Study
from search.text.wording import HELD_OUT

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


# --- what a file says ------------------------------------------------------------------------


def test_the_configs_of_a_study_have_the_judge_of_its_goal() -> None:
    assert _spec(JUDGED).data == Data(judge="holdout", train=200, test=200)
    assert _spec(WHOLE.replace("[goal]", '[goal]\njudge = "holdout"')).data == Data(judge="holdout")
    space = _spec(JUDGED).make_space()
    sample = {name: kind.middle for name, kind in space.dimensions.items() if hasattr(kind, "low")}
    choices = {n: kind.choices[0] for n, kind in space.dimensions.items() if hasattr(kind, "choices")}
    assert space.config({**sample, **choices}, 1).data.judge == "holdout"


def test_a_study_with_another_goal_has_its_judge() -> None:
    """All that there are to train on stay all."""
    held_out = _spec(WHOLE).changed(goal=Goal(judge="holdout"))
    assert held_out.data == Data(judge="holdout")
    assert held_out.changed(goal=Goal()).data == Data()


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
    ("--set data.judge=holdout", "--set data.judge: data: judge = 'holdout' is for the goal to say"),
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
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judged")
