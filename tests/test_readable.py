"""The dashboard's pages as a person reads them, while the storage keeps what is exact."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drills
import pytest
import stored
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from mnist_core.goal import Goal
from search.launch import importance
from search.study import readable as told
from search.study.pages import Pages
from search.study.storage import open_storage
from search.study.studies import Studies
from search.study.study import GOAL, Study
from search.study.trials import TrialAttr

SET = Goal(accuracy=82.0, last=2, epochs=3, params=2_000)
CURVE = (81.123456, 82.80000000000001, 82.91234567)
SPACE = {
    "width_3": FloatDistribution(0.0, 1.0),
    "lr": FloatDistribution(0.01, 0.3, log=True),
    "schedule": CategoricalDistribution(("linear", "step")),
    "step_size": IntDistribution(1, 3),
    "warmup": FloatDistribution(0.05, 0.4),
}
SAMPLE = {
    "width_3": 0.09850327, "lr": 0.0123456, "schedule": "linear", "step_size": 3, "warmup": 0.25,
}  # fmt: skip


@pytest.fixture
def studies(tmp_path: Path) -> Iterator[Studies]:
    opened = open_storage(f"sqlite:///{tmp_path / 'studies.sqlite3'}", create=True)
    yield opened
    opened.storage.engine.dispose()


def _study(studies: Studies, name: str = "tiny", count: int = 1) -> Study:
    study = stored.launched(studies.make(name).optuna, SET)
    extra = {TrialAttr.NETWORK: "4-5-6", TrialAttr.RECIPE: "squeeze, sgd 0.0123"}
    study.optuna.add_trials(
        [
            stored.trial(
                drills.plain(seed=number), SET, CURVE, TrialState.COMPLETE,
                {**SAMPLE, "lr": 0.02 + 0.001 * number}, SPACE, extra,
            )
            for number in range(count)
        ]
    )  # fmt: skip
    return study


def _asked(studies: Studies, address: str = "/api/studies/1") -> dict[str, Any]:
    begun: list[Any] = []
    environ = {
        "PATH_INFO": address, "REQUEST_METHOD": "GET", "QUERY_STRING": "", "SERVER_NAME": "x",
        "SERVER_PORT": "80", "wsgi.url_scheme": "http",
    }  # fmt: skip
    body = b"".join(Pages(studies.storage)(environ, lambda *said: begun.append(said)))
    status, headers = begun[0][:2]
    assert status.startswith("200")
    assert dict(headers)["Content-Length"] == str(len(body))
    answer: dict[str, Any] = json.loads(body)
    return answer


def test_numbers_are_rounded_for_the_page_and_exact_in_the_storage(studies: Studies) -> None:
    study = _study(studies)
    score = study.optuna.best_value
    asked = _asked(studies)
    for trial in (asked["trials"][0], asked["best_trials"][0]):
        assert trial["values"] == [round(score, 2)]
        assert [each["value"] for each in trial["intermediate_values"]] == [81.12, 82.8, 82.91]
        attributes = {each["key"]: each["value"] for each in trial["user_attrs"]}
        assert attributes[TrialAttr.WORST] == "82.80"
        assert attributes[TrialAttr.MEAN] == "82.86"
    assert study.optuna.best_value == score != round(score, 2)
    assert study.trials()[0].test_acc == CURVE


def test_params_are_short_and_what_did_nothing_is_marked(studies: Studies) -> None:
    _study(studies)
    [trial] = _asked(studies)["trials"]
    said = {param["name"]: param["param_external_value"] for param in trial["params"]}
    assert said == {
        "width_3": "0.0985 (share)",
        "lr": "0.02",
        "schedule": "linear",
        "step_size": "3 (does nothing)",
        "warmup": "0.25",
    }


def test_a_trial_has_a_note_with_what_trains_it_again(studies: Studies, home: Path) -> None:
    _study(studies, "a study")
    asked = _asked(studies)
    [trial] = asked["trials"]
    for line in (
        "**Net:** 4-5-6",
        "**Recipe:** squeeze, sgd 0.0123",
        "drilldown export 'a study' --trial 0",
        f"train '{home}/runs/a study/trial-0.toml' --check",
    ):
        assert line in trial["note"]["body"].replace("pytest ", "drilldown "), line
    # The page does not break a long line, and the note has it.
    assert TrialAttr.RECIPE not in [each["key"] for each in trial["user_attrs"]]
    assert TrialAttr.RECIPE not in [each["key"] for each in asked["union_user_attrs"]]
    assert TrialAttr.NETWORK in [each["key"] for each in asked["union_user_attrs"]]


@pytest.mark.parametrize("kept", [SET.model_dump(mode="json"), str(SET)])
def test_the_goal_is_a_sentence_in_old_storages_too(studies: Studies, kept: Any) -> None:
    study = _study(studies)
    study.optuna.set_user_attr(GOAL, kept)
    said = {each["key"]: each["value"] for each in _asked(studies)["user_attrs"]}
    assert said[GOAL] == str(SET)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"name": 3}', b'{"trials": 1}'])
def test_what_is_no_study_stays_as_it_is(answer: bytes) -> None:
    assert told.readable(answer) == answer


def test_a_study_of_others_is_shown_too(studies: Studies) -> None:
    studies.make("theirs").optuna.set_user_attr("x", {"y": 1})
    assert _asked(studies)["user_attrs"] == [{"key": "x", "value": '{"y": 1}'}]


def test_importance_is_said_as_far_as_it_can_be_believed(studies: Studies) -> None:
    assert "Nothing can be told from 1 complete trial" in importance.told(_study(studies))
    several = importance.told(_study(studies, "alike", 9))
    assert "Nothing is told from chance in 9 complete trials" in several


def test_importance_names_what_matters(studies: Studies) -> None:
    study = stored.launched(studies.make("lr").optuna, SET)
    for number in range(12):
        curve = tuple(80 + number / 10 + 0.1 * epoch for epoch in range(3))
        sample = {**SAMPLE, "lr": 0.02 + 0.01 * number, "warmup": 0.1 + 0.07 * number % 0.3}
        study.optuna.add_trial(
            stored.trial(drills.plain(seed=number), SET, curve, TrialState.COMPLETE, sample, SPACE)
        )
    said = importance.told(study)
    assert "`lr` 100% (" in said
    assert "Of all others the figure *Hyperparameter Importance*" in said


def test_importance_speaks_of_no_dimension_where_it_does_nothing(studies: Studies) -> None:
    study = stored.launched(studies.make("idle").optuna, SET)
    for number in range(12):  # the rate falls in a line: no step of any size can be what ranks them
        curve = tuple(80 + number / 10 + 0.1 * epoch for epoch in range(3))
        sample = {**SAMPLE, "step_size": 1 + number // 4}
        study.optuna.add_trial(
            stored.trial(drills.plain(seed=number), SET, curve, TrialState.COMPLETE, sample, SPACE)
        )
    assert "step_size" not in importance.told(study)
