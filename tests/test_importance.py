"""Which dimensions matter: hand-computed shares, and what is told from chance and what is not."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from drills import sampled
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from search.chance.importance import LEAST, Importance, importances
from spaces.dimensions import Choice, Dimension, Real
from spaces.space import Sample

KINDS: Mapping[str, Dimension] = {
    "a": Real(0, 1),
    "b": Real(0, 1),
    "c": Real(1e-3, 1, log=True),
    "d": Choice(["red", "green", "blue"]),
    "e": Real(0, 1),
}


def _found(count: int, seed: int, score: Callable[[Sample], float]) -> list[Importance]:
    """In samples at random, whose scores are blurred by a standard deviation of 1."""
    chance, samples = random.Random(seed), sampled(KINDS, count, seed)
    return importances(KINDS, samples, [score(p) + chance.gauss(0, 1) for p in samples])


def _mattering(found: Sequence[Importance]) -> set[str]:
    return {each.name for each in found if each.matters}


def _line(name: str, values: list[Any], scores: list[float]) -> Importance:
    """Of the only dimension, with these values in these trials."""
    kind = Real(0, 10) if isinstance(values[0], float) else Choice(sorted(set(values)))
    [found] = importances({name: kind}, [{name: value} for value in values], scores)
    return found


def test_a_choice_explains_what_lies_between_its_means():
    # Ranks 1 to 8, mean 4.5: 42 in all; a's mean is 2.5 and b's 6.5, so 8 * 2^2 = 32 between them.
    found = _line("layout", [*"aaaabbbb"], [1, 2, 3, 4, 5, 6, 7, 8])
    assert found.share == pytest.approx(32 / 42)
    assert (found.best, found.correlation) == ("b", None)


def test_a_number_is_ranked_and_so_are_the_scores():
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 9.9]
    found = _line("lr", values, [98.0, 98.1, 98.2, 98.3, 98.4, 98.5, 98.6, 10.0])
    # Ranks of the scores 2 to 8 and then 1. Spearman: 1 - 6 sum(d^2) / (n (n^2 - 1)), d^2 = 7 + 49.
    assert found.correlation == pytest.approx(1 - 6 * 56 / (8 * 63))
    assert found.best == (0.5, 0.7)
    found = _line("lr", values, [90.0, 91, 92, 93, 94, 95, 96, 97])
    assert found.share == pytest.approx(1)
    assert found.correlation == pytest.approx(1)
    assert found.matters


@pytest.mark.parametrize("count", [LEAST, 9, 40])
def test_shares_and_intervals_are_shares(count: int):
    for each in _found(count, 5, lambda p: 2 * p["a"]):
        assert 0 <= each.low <= each.share <= each.high <= 1
        assert each.mark > 0


def test_a_dimension_that_matters_is_told_from_four_that_do_not():
    found = [_mattering(_found(24, seed, lambda p: 8 * p["b"])) for seed in range(20)]
    assert sum("b" in names for names in found) >= 19
    assert sum(len(names - {"b"}) for names in found) <= 3


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("a", lambda p: -40 * (p["a"] - 0.5) ** 2),  # best between the bounds
        ("c", lambda p: math.log(p["c"])),
        ("d", lambda p: 5.0 * (p["d"] == "green")),
    ],
)
def test_every_kind_of_effect_is_seen(name: str, score: Callable[[Sample], float]):
    found = _found(30, 2, score)
    assert found[0].name == name
    assert found[0].matters
    assert name != "d" or found[0].best == "green"


def test_scores_that_are_chance_make_nothing_matter():
    # Told wrongly in 5 % of studies: more than 8 of 60 would happen once in 200 times.
    assert sum(bool(_mattering(_found(12, seed, lambda p: 0.0))) for seed in range(60)) <= 8


def test_what_only_goes_along_with_a_dimension_that_matters_does_not_matter():
    """As a sampler that learns moves all dimensions at once."""
    kinds = {"cause": Real(0, 1), "shadow": Real(0, 1)}
    chance, wrong = random.Random(1), 0
    for _ in range(10):
        causes = [chance.random() for _ in range(30)]
        samples = [{"cause": x, "shadow": 0.7 * x + 0.3 * chance.random()} for x in causes]
        scores = [5 * x + 0.3 * chance.gauss(0, 1) for x in causes]
        found = _mattering(importances(kinds, samples, scores))
        assert "cause" in found
        wrong += "shadow" in found
    assert wrong <= 2


def test_two_dimensions_that_matter_share_what_is_explained():
    found = _found(40, 3, lambda p: 6 * p["a"] + 6 * p["e"])
    assert {each.name for each in found[:2]} == {"a", "e"}
    assert found[0].matters
    assert found[1].matters
    assert sum(each.share for each in found if each.matters) <= 1


def test_nothing_is_told_of_few_or_equal_trials():
    assert _found(LEAST - 1, 1, lambda p: p["a"]) == []
    assert importances(KINDS, [], []) == []
    assert importances(KINDS, sampled(KINDS, 12, 1), [99.0] * 12) == []


def test_a_dimension_of_one_value_is_none():
    kinds = {"a": Real(0, 1), "b": Real(0.5, 0.5)}
    samples = [{"a": n / 10, "b": 0.5} for n in range(10)]
    assert [each.name for each in importances(kinds, samples, range(10))] == ["a"]


def test_a_dimension_is_judged_by_the_trials_that_have_it():
    """Hand-computed: of ten trials eight have it, and among these the score falls with it."""
    having = [{"a": (n * 7 % 8) / 10, "b": n / 20} for n in range(8)]
    found = importances(KINDS, [*having, {"a": 0.9}, {"a": 0.8}], [*range(8, 0, -1), 99, -99])
    [b] = [each for each in found if each.name == "b"]
    assert (b.trials, b.of, b.matters) == (8, 10, True)
    assert b.share == pytest.approx(1)
    assert b.correlation == pytest.approx(-1)
    assert b.best == (0.0, 0.1)
    assert {each.trials for each in found if each.name == "a"} == {10}


@pytest.mark.parametrize("having", [0, 1, LEAST - 1])
def test_nothing_is_told_of_a_dimension_that_few_trials_have(having: int):
    samples = [{"a": n / 20, **({"b": n / 20} if n < having else {})} for n in range(16)]
    assert [each.name for each in importances(KINDS, samples, range(16))] == ["a"]


AVERAGED: Mapping[str, Dimension] = {
    "lr": Real(0.02, 1, log=True),
    "averaging": Choice(["none", "ema"]),
    "average_over": Real(50, 2000, log=True),
}


def _living(samples: Sequence[Sample]) -> list[Sample]:
    """`average_over` does nothing where no weights are averaged."""
    return [
        {name: p[name] for name in p if name != "average_over" or p["averaging"] == "ema"}
        for p in samples
    ]


def _of_average_over(studies: int) -> tuple[int, int]:
    """In how many studies its effect is found, judged where it does something, and judged on all
    trials. It is six times as large as what else moves the averaged nets; the others' scores spread
    as widely for reasons of their own."""
    where_it_acts = everywhere = 0
    for seed in range(studies):
        chance, samples = random.Random(seed), sampled(AVERAGED, 40, seed)
        scores = [
            chance.gauss(6 * math.log(p["average_over"] / 50) / math.log(40) - 3, 1)
            if p["averaging"] == "ema"
            else chance.gauss(0, 3)
            for p in samples
        ]
        where_it_acts += "average_over" in _mattering(
            importances(AVERAGED, _living(samples), scores)
        )
        everywhere += "average_over" in _mattering(importances(AVERAGED, samples, scores))
    return where_it_acts, everywhere


def test_an_effect_among_the_averaged_nets_alone_is_found():
    where_it_acts, everywhere = _of_average_over(12)
    assert where_it_acts == 12
    assert everywhere <= 8


@pytest.mark.slow
def test_an_effect_among_the_averaged_nets_alone_is_found_in_sixty_studies():
    where_it_acts, everywhere = _of_average_over(60)
    assert where_it_acts == 60
    assert everywhere <= 24


def test_what_does_nothing_in_half_of_the_trials_matters_no_oftener():
    """By chance, in 5 % of studies something does: more than 5 of 30 once in 300 times."""
    wrong = 0
    for seed in range(30):
        chance, samples = random.Random(seed), sampled(AVERAGED, 20, seed)
        scores = [chance.random() for _ in samples]
        wrong += bool(_mattering(importances(AVERAGED, _living(samples), scores)))
    assert wrong <= 5


def test_the_same_study_gives_the_same_figures():
    assert _found(15, 4, lambda p: p["a"]) == _found(15, 4, lambda p: p["a"])


@examples(20)
@given(st.lists(st.integers(0, 1000), min_size=8, max_size=14, unique=True))
def test_only_the_order_counts(scores: list[int]):
    samples = sampled(KINDS, len(scores), 7)
    bent = [{**p, "a": p["a"] ** 3} for p in samples]
    figures = [
        [(each.name, each.share, each.mark) for each in found]
        for found in (
            importances(KINDS, samples, scores),
            importances(KINDS, bent, [math.exp(score / 100) for score in scores]),
        )
    ]
    assert [line[0] for line in figures[0]] == [line[0] for line in figures[1]]
    assert np.allclose([line[1:] for line in figures[0]], [line[1:] for line in figures[1]])


@pytest.mark.benchmark
def test_a_large_stage_takes_no_three_seconds():
    kinds = {f"x{n}": Real(0, 1) for n in range(20)}
    samples = sampled(kinds, 60, 1)
    start = perf_counter()
    assert importances(kinds, samples, [p["x1"] + p["x2"] for p in samples])
    assert perf_counter() - start < 3
