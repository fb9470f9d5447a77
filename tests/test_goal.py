"""The goal, and the score that a study maximises."""

import math
import statistics
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import examples

from mnist_core.goal import Goal, steady_mean

ROUNDING = 1e-10  # percent; one image of 10,000 is 0.01
PERCENT = st.floats(0, 100) | st.integers(0, 10_000).map(lambda hits: hits / 100)
CURVES = st.lists(PERCENT, min_size=1, max_size=30)


def _goal(last: int, epochs: int = 1000, **others: Any) -> Goal:
    return Goal(last=last, epochs=epochs, **others)


@given(CURVES, st.integers(1, 40))
@examples(500)
def test_score_lies_between_the_worst_and_the_mean(curve: list[float], last: int):
    final = curve[-last:]
    score = _goal(last).ending(curve).score
    assert min(final) <= score <= statistics.mean(final)


@given(CURVES, st.integers(1, 40), st.data())
@examples(500)
def test_raising_any_of_the_last_accuracies_never_lowers_the_score(
    curve: list[float], last: int, data: st.DataObject
):
    at = data.draw(st.integers(max(0, len(curve) - last), len(curve) - 1))
    raised = [*curve[:at], data.draw(st.floats(curve[at], 100)), *curve[at + 1 :]]
    assert _goal(last).ending(raised).score >= _goal(last).ending(curve).score - ROUNDING


@given(st.integers(2, 15), st.data())
@examples(500)
def test_of_the_same_mean_the_steadier_scores_strictly_higher(k: int, data: st.DataObject):
    """Two epochs are moved apart by as many images each, which keeps the sum."""
    hits = data.draw(st.lists(st.integers(1, 9_999), min_size=k, max_size=k))
    low, high = sorted(data.draw(st.permutations(range(k)))[:2], key=hits.__getitem__)
    by = data.draw(st.integers(1, min(hits[low], 10_000 - hits[high])))
    apart = list(hits)
    apart[low] -= by
    apart[high] += by
    assert statistics.pvariance(apart) > statistics.pvariance(hits)
    scores = [_goal(k).ending([one / 100 for one in curve]).score for curve in (apart, hits)]
    assert scores[0] < scores[1]


@given(CURVES, CURVES, CURVES)
@examples(200)
def test_only_the_last_epochs_count(before: list[float], other: list[float], final: list[float]):
    goal = _goal(len(final), accuracy=50.0)
    assert goal.ending(before + final).test_acc == tuple(final)
    assert goal.ending(before + final).score == goal.ending(other + final).score
    assert goal.ending(before + final).held == goal.ending(other + final).held


@given(CURVES)
@examples(100)
def test_with_one_epoch_that_counts_the_score_is_its_accuracy(curve: list[float]):
    assert _goal(1).ending(curve).score == curve[-1]


@given(CURVES)
@examples(200)
def test_score_is_the_mean_less_its_standard_error(curve: list[float]):
    assume(len(curve) > 1)
    error = statistics.stdev(curve) / math.sqrt(len(curve))
    assert steady_mean(curve) == pytest.approx(statistics.fmean(curve) - error, abs=1e-6)


@pytest.mark.parametrize(
    ("curve", "score"),
    [
        ([99.5, 99.5, 99.5], 99.5),
        ([99.4, 99.5, 99.6], 99.44),
        ([99.4, 99.6], 99.4),
        ([99.4, 99.4, 99.9], 99.4),
        ([99.25], 99.25),
    ],
)
def test_score_of_a_few_curves(curve: list[float], score: float):
    assert steady_mean(curve) == pytest.approx(score, abs=0.005)


@given(PERCENT, st.integers(1, 20))
@examples(300)
def test_a_flat_curve_scores_its_accuracy_to_the_last_digit(accuracy: float, k: int):
    """Three times 0.95 by three is less than 0.95."""
    assert steady_mean([accuracy] * k) == accuracy


def test_nothing_has_no_score():
    with pytest.raises(ValueError, match="no accuracies"):
        _goal(3).ending([])


@pytest.mark.parametrize(
    ("curve", "met"),
    [
        ([10.0, 99.4, 99.4, 99.4], True),
        ([99.4, 99.4, 99.4], True),
        ([99.9, 99.39, 99.4, 99.9], False),
        ([99.9, 99.4, 99.9, 99.39], False),
        ([99.9, 99.39, 99.4, 99.4, 99.4], True),
        ([99.9, 99.9], False),
        ([99.9, 99.9, math.nan], False),
        ([99.9, math.nan, 99.9], False),
    ],
)
def test_goal_is_met_when_every_one_of_the_last_epochs_reaches_it(curve: list[float], met: bool):
    assert _goal(3, accuracy=99.4).ending(curve).held is met


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"last": 6, "epochs": 5}, "last = 6 is more than epochs = 5"),
        ({"last": 0}, "last"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1001}, "epochs"),
        ({"accuracy": 0.0}, "accuracy"),
        ({"accuracy": 100.5}, "accuracy"),
        ({"accuracy": math.nan}, "accuracy"),
        ({"accuracy": "99.4"}, "accuracy"),
        ({"params": 1}, "params"),
        ({"params": 10_000.0}, "params"),
        ({"params": 10**400}, "params"),
        ({"seed": 1}, "seed"),
    ],
)
def test_a_goal_that_makes_no_sense_is_refused(fields: dict[str, Any], field: str):
    with pytest.raises(ValidationError, match=field):
        Goal(**fields)


def test_a_goal_says_itself():
    assert str(Goal()) == (
        "99.40 % in every one of the last 5 of 15 epochs, fewer than 10,000 parameters"
    )
    assert Goal(last=15) != Goal()


def test_an_ending_says_all_that_is_known_of_the_last_epochs():
    ending = _goal(3, accuracy=99.4).ending([90.0, 99.5, 98.0, 99.4, 99.6])
    assert ending.test_acc == (98.0, 99.4, 99.6)
    assert ending.mean == pytest.approx(99.0)
    assert (ending.worst, ending.held, ending.first_at_goal) == (98.0, False, 2)
    assert ending.spread == pytest.approx(1.6)
    assert ending.deviation == pytest.approx(statistics.stdev([98.0, 99.4, 99.6]))


def test_one_epoch_does_not_deviate_and_the_goal_may_never_be_reached():
    ending = _goal(1, accuracy=99.4).ending([90.0])
    assert (ending.deviation, ending.spread, ending.first_at_goal) == (0.0, 0.0, None)


def test_a_changed_goal_is_validated_as_a_whole():
    assert _goal(3).changed(last=2) == _goal(2)
    with pytest.raises(ValidationError, match="last = 3 is more than epochs = 2"):
        _goal(3).changed(epochs=2)
