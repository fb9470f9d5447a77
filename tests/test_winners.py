"""The winners are what they claim: under the budget, and holding the goal on every seed shown."""

from pathlib import Path

import pytest

from mnist_core import record
from search.goal import Goal

WINNERS = sorted((Path(__file__).parents[1] / "studies" / "winners").glob("*.toml"))
GOAL = Goal()


def test_there_are_winners() -> None:
    assert WINNERS


@pytest.mark.parametrize("path", WINNERS, ids=lambda path: path.stem)
def test_winner_holds_the_goal_on_three_seeds(path: Path) -> None:
    winner = record.load(path)
    assert winner.expected is not None
    curves = [winner.expected.test_acc, *(run.test_acc for run in winner.confirmed)]
    assert len({winner.config.seed, *(run.seed for run in winner.confirmed)}) == len(curves) >= 3
    assert winner.config.params < GOAL.params
    assert winner.config.data.train == 60_000
    for curve in curves:
        assert len(curve) == winner.config.epochs <= GOAL.epochs
        assert GOAL.met(curve)


def test_the_example_of_a_drill_is_one_that_can_be_run_again() -> None:
    example = record.load(WINNERS[0].parents[1] / "drills" / "example" / "best.toml")
    assert example.expected is not None
    assert len(example.expected.test_acc) == example.config.epochs
    assert len(example.confirmed) == 2
    report = (WINNERS[0].parents[1] / "drills" / "example" / "drill.md").read_text()
    assert f"{example.config.params:,} parameters" in report
