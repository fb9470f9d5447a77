"""The referee says "confirmed" and "refuted" of few configs of which it is not so."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import ndtr

from search.chance.referee import LEAST_TO_REFUTE, MOST, SHARE, Verdict, judge

GOAL, IMAGES = 99.4, 10_000


def _referee(worst: Sequence[float]) -> tuple[Verdict, int]:
    """What it says at last of a config, and after how many seeds."""
    for seeds in range(LEAST_TO_REFUTE, MOST + 1):
        verdict = judge(worst[:seeds], GOAL, IMAGES).verdict
        if verdict != Verdict.OPEN:
            return verdict, seeds
    return Verdict.OPEN, MOST


@pytest.mark.parametrize(
    ("below", "spread", "noise"),
    [
        (0.05, 0.15, 0.07),
        *(
            pytest.param(*finalists, noise, marks=pytest.mark.slow)
            for finalists in ((0.1, 0.1), (0.05, 0.15), (0.0, 0.3), (-0.1, 0.3))
            for noise in (0.07, 0.11)
        ),
    ],
)
def test_at_most_one_in_ten_confirmed_and_refuted_configs_is_not_so(
    below: float, spread: float, noise: float
) -> None:
    """1,000 configs of known truth; the docstring's figures are of 400,000."""
    lot, said, wrong, took = np.random.default_rng(5), Counter[Verdict](), Counter[Verdict](), 0
    allowed = math.log(100 - GOAL + 0.005)
    for _ in range(1000):
        own = noise * math.exp(0.4 * lot.standard_normal())
        mean = allowed - below + spread * lot.standard_normal()
        worst = np.round(100 - np.exp(mean + own * lot.standard_normal(MOST)), 2)
        verdict, seeds = _referee(worst.tolist())
        holds = ndtr((allowed - mean) / own) >= SHARE
        said[verdict] += 1
        wrong[verdict] += holds != (verdict == Verdict.CONFIRMED)
        took += seeds
    for verdict in (Verdict.CONFIRMED, Verdict.REFUTED):
        assert said[verdict] > 50
        assert wrong[verdict] <= 0.1 * said[verdict]
    assert took < 6.4 * 1000


@pytest.mark.parametrize(
    ("worst", "verdict"),
    [
        ([], Verdict.OPEN),
        ([99.6], Verdict.OPEN),
        ([99.6, 99.6], Verdict.OPEN),
        ([99.6] * 3, Verdict.OPEN),
        ([99.6] * 4, Verdict.CONFIRMED),
        ([98.0], Verdict.OPEN),
        ([99.0] * 2, Verdict.REFUTED),
        ([99.39, 99.47], Verdict.OPEN),
        ([99.0] * 4, Verdict.REFUTED),
        ([99.4] * 10, Verdict.REFUTED),  # held ten times, by no image to spare
        ([99.44, 99.46, 99.41, 99.42], Verdict.OPEN),
        ([99.48, 99.46, 99.45, 99.47, 99.46, 99.46, 99.47, 99.45, 99.48, 99.46], Verdict.CONFIRMED),
        ([100.0] * 4, Verdict.CONFIRMED),
    ],
)
def test_verdicts(worst: Sequence[float], verdict: Verdict) -> None:
    assert judge(worst, GOAL, IMAGES).verdict == verdict


def test_a_statement_counts_and_bounds() -> None:
    said = judge([99.45, 99.39, 99.5, 99.41], GOAL, IMAGES)
    assert (said.seeds, said.held) == (4, 3)
    assert said.probability is not None
    assert 0 < said.low < said.probability < said.high < 1


def test_better_seeds_never_say_less() -> None:
    lot = np.random.default_rng(3)
    for _ in range(200):
        worst = np.round(99.4 + 0.1 * lot.standard_normal(lot.integers(1, 11)), 2)
        lows = [judge((worst + more).tolist(), GOAL, IMAGES).low for more in (0, 0.02, 0.05)]
        assert lows == sorted(lows)


@pytest.mark.parametrize("accuracy", [99.99, 100.0])
def test_a_goal_that_no_image_may_miss(accuracy: float) -> None:
    assert judge([100.0] * 10, accuracy, IMAGES).held == 10
    assert judge([99.9] * 5, accuracy, IMAGES).verdict == Verdict.REFUTED
