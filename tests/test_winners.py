"""The winners are what the README claims: under the budget, and how often they hold the goal on
fresh seeds."""

import re
import statistics
from pathlib import Path

import pytest

from mnist_core import record
from mnist_core.goal import Goal

WINNERS = sorted((Path(__file__).parents[1] / "studies" / "winners").glob("*.toml"))
GOAL = Goal()
README = Path(__file__).parents[1] / "README.md"


def test_there_are_winners() -> None:
    assert WINNERS


@pytest.mark.parametrize("path", WINNERS, ids=lambda path: path.stem)
def test_a_winner_has_ten_fresh_seeds_most_of_which_hold_the_goal(path: Path) -> None:
    winner = record.load(path)
    assert winner.expected is not None
    fresh = [run.test_acc for run in winner.confirmed]
    assert len({run.seed for run in winner.confirmed} - {winner.config.seed}) == len(fresh) >= 10
    assert winner.config.params < GOAL.params
    assert winner.config.data.train == 60_000
    for curve in (winner.expected.test_acc, *fresh):
        assert len(curve) == winner.config.epochs <= GOAL.epochs
    assert GOAL.ending(winner.expected.test_acc).held
    assert sum(GOAL.ending(curve).held for curve in fresh) > len(fresh) / 2
    assert statistics.fmean(GOAL.ending(curve).worst for curve in fresh) >= GOAL.accuracy


@pytest.mark.parametrize("path", WINNERS, ids=lambda path: path.stem)
def test_the_readme_says_what_the_winner_comes_to(path: Path) -> None:
    winner = record.load(path)
    assert winner.expected is not None
    runs = {winner.config.seed: winner.expected.test_acc}
    runs |= {run.seed: run.test_acc for run in winner.confirmed}
    text = README.read_text()
    for seed, curve in runs.items():
        final = " ".join(f"{accuracy:.2f}" for accuracy in GOAL.ending(curve).test_acc)
        row = rf"^\| {seed}( \(the search's\))? \| {final} \| {GOAL.ending(curve).worst:.2f} \|$"
        assert re.search(row, text, re.M), seed


def test_the_example_of_a_drill_is_one_that_can_be_run_again() -> None:
    example = record.load(WINNERS[0].parents[1] / "drills" / "example" / "best.toml")
    assert example.expected is not None
    assert len(example.expected.test_acc) == example.config.epochs
    assert len(example.confirmed) == 2
    report = (WINNERS[0].parents[1] / "drills" / "example" / "drill.md").read_text()
    assert f"{example.config.params:,} parameters" in report
