"""What the dashboard's page is told of a study, as a person reads it: numbers rounded, what was
sampled and did nothing marked, the goal as a sentence, and on each trial how it is trained again.

The storage keeps all of it in full precision, and what others ask of it they get so.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from mnist_core.goal import Goal
from search.study.export import again
from search.study.study import GOAL
from search.study.trials import TrialAttr
from search.text.markdown import fenced
from search.text.wording import digits
from spaces.catalogue import WIDTH_NAMES, switches

_ACCURACIES = {TrialAttr.WORST, TrialAttr.MEAN, "worst of last k", "mean of last k"}


def readable(answer: bytes) -> bytes:
    """The answer with the details of a study; one that says something else stays as it is."""
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        study = json.loads(answer)
        for trial in (*study["trials"], *study["best_trials"]):
            _make_readable(trial, study["name"])
        for attribute in study["user_attrs"]:
            if attribute["key"] == GOAL:
                attribute["value"] = _sentence(attribute["value"])
        study["union_user_attrs"] = _without_recipe(study["union_user_attrs"])
        return json.dumps(study).encode()
    return answer


def _make_readable(trial: dict[str, Any], study: str) -> None:
    """`values` and `intermediate_values` are numbers, all else is text."""
    if "values" in trial:
        trial["values"] = [_rounded(value) for value in trial["values"]]
    for epoch in trial["intermediate_values"]:
        epoch["value"] = _rounded(epoch["value"])
    sample = {param["name"]: param["param_external_value"] for param in trial["params"]}
    for param in trial["params"]:
        param["param_external_value"] = _param(param, sample)
    attributes = trial["user_attrs"]
    for attribute in attributes:
        if attribute["key"] in _ACCURACIES:
            attribute["value"] = f"{float(attribute['value']):.2f}"
    told = {attribute["key"]: attribute["value"] for attribute in attributes}
    if TrialAttr.NETWORK in told and not trial["note"]["version"]:  # else a person wrote one
        trial["note"]["body"] = _note(study, trial["number"], told)
        trial["user_attrs"] = _without_recipe(attributes)


def _without_recipe(attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recipe is a long line, which the page does not break; it is in the note."""
    return [each for each in attributes if each["key"] != TrialAttr.RECIPE]


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _param(param: Mapping[str, Any], sample: Mapping[str, str]) -> str:
    text = str(param["param_external_value"])
    if param["distribution"]["type"] == "FloatDistribution":
        text = digits(float(text))
    if param["name"] in WIDTH_NAMES:
        text += " (share)"
    part, kinds = _SWITCHES.get(param["name"], ("", ()))
    return f"{text} (does nothing)" if part in sample and sample[part] not in kinds else text


_SWITCHES = switches()


def _sentence(goal: str) -> str:
    """The goal as storages of before have it, as a sentence; a sentence stays one."""
    with suppress(ValidationError):
        return str(Goal.model_validate_json(goal))
    return goal


def _note(study: str, number: int, told: Mapping[str, str]) -> str:
    return "\n\n".join(
        [
            f"**Net:** {told[TrialAttr.NETWORK]}",
            f"**Recipe:** {told.get(TrialAttr.RECIPE, '')}",
            "Train it again with:",
            fenced(again(study, number)),
        ]
    )
