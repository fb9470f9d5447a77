"""How likely a config is to be confirmed: what decides who gets the next fresh seed."""

import math
import random

import pytest

from search.chance import referee
from search.chance.promise import Population, promise
from search.chance.referee import MOST, Verdict, judge

IMAGES, GOAL = 10_000, 99.4
PEERS = (99.1, 99.2, 99.3, 99.35, 99.15)


def of(searched: float | None, *fresh: float, goal: float = GOAL) -> float:
    return promise(searched, fresh, Population.of(PEERS, IMAGES), goal, IMAGES)


def test_a_better_training_promises_more() -> None:
    found = [of(worst) for worst in (99.2, 99.4, 99.5, 99.6, 99.7)]
    assert found == sorted(found)
    assert found[0] < 0.01
    assert found[-1] > 0.9


def test_a_single_lucky_training_promises_less_than_fresh_seeds() -> None:
    assert of(99.5) < of(99.5, 99.5, 99.5, 99.5)
    assert of(99.55, 99.3) < of(99.55) < of(99.55, 99.6)


def test_what_the_others_came_to_is_believed() -> None:
    high = Population.of([99.5, 99.55, 99.45], IMAGES)
    assert promise(99.5, [], high, GOAL, IMAGES) > of(99.5)


def test_who_has_had_all_its_seeds_promises_nothing() -> None:
    assert of(99.9, *[99.9] * MOST) == 0.0
    assert promise(99.9, [99.9] * 4, Population.of(PEERS, IMAGES), GOAL, IMAGES, most=4) == 0.0


@pytest.mark.parametrize("searched", [0.0, 50.0, 100.0, None])
def test_it_is_a_probability_whatever_is_seen(searched: float | None) -> None:
    for fresh in ([], [0.0], [100.0] * 9):
        for goal in (0.5, 99.4, 100.0):
            assert 0 <= of(searched, *fresh, goal=goal) <= 1


def test_steady_seeds_are_believed_sooner() -> None:
    """Of two that are as good, the one whose seeds agree."""
    steady, unsteady = (99.47, 99.48, 99.46, 99.47), (99.40, 99.54, 99.42, 99.52)
    assert of(99.47, *steady) > 2 * of(99.47, *unsteady)


def test_without_others_there_is_no_population() -> None:
    with pytest.raises(ValueError, match="no trial"):
        Population.of([], IMAGES)


def test_it_is_about_as_often_right_as_it_says() -> None:
    """Of configs and trainings drawn as it takes them to be."""
    rng = random.Random(2)
    spread, noise, middle = 0.25, 0.1, math.log(0.7)
    told, came = [], []
    for _ in range(1500):
        truth = rng.gauss(middle, spread)

        def train(truth: float = truth) -> float:
            return 100 - math.exp(rng.gauss(truth, noise))

        population = Population(middle, spread**2)
        said = promise(train(), [], population, GOAL, IMAGES)
        if said < 0.02:
            continue
        fresh: list[float] = []
        verdict = Verdict.OPEN
        while verdict == Verdict.OPEN and len(fresh) < MOST:
            fresh.append(train())
            verdict = judge(fresh, GOAL, IMAGES).verdict
        told.append(said)
        came.append(verdict == Verdict.CONFIRMED)
    assert sum(told) == pytest.approx(sum(came), rel=0.25)


def test_the_referee_and_the_promise_read_errors_alike() -> None:
    assert referee.log_error(99.4, IMAGES) < referee.log_allowed(99.4, IMAGES)
    assert referee.log_error(100.0, IMAGES) == math.log(0.005)
