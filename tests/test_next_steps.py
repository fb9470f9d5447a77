"""What is said to try next follows from what came of a study or a drill."""

from dataclasses import replace
from typing import Any

import pytest

from mnist_core.config import Data
from mnist_core.goal import Goal
from search.report.next_steps import MORE_SEEDS, MORE_TRIALS, Outcome, Step, lines, steps
from search.text.commands import Command, latest
from spaces.dimensions import Choice, Real

GOAL = Goal()
RATE = {"lr": Real(0.1, 0.6)}
REDUCED = Data(train=6_000, test=1_000)
ALL = Step("All of MNIST", ("data.train=60000", "data.test=10000"), "all")
OUTCOME = Outcome(GOAL, Data(), False, 9_987, 99.2, 60, RATE)
VARIED = {
    "dropout": Real(0.0, 0.05),
    "augmentation": Real(0.2, 2.0),  # as far as it goes
    "activation": Choice(["relu", "silu"]),
}


def _epochs(number: int) -> Step:
    return Step("More epochs", (f"goal.epochs={number}",), f"{number}-epochs")


def _params(number: int) -> Step:
    return Step("Fewer parameters", (f"goal.params={number}",), str(number))


def _accuracy(text: str) -> Step:
    return Step("A higher goal", (f"goal.accuracy={text}",), text)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        # Held: another seed first, then more is asked for.
        ({"held": True, "worst": 99.56}, [MORE_SEEDS, _params(7900), _accuracy("99.6")]),
        ({"held": True, "worst": 99.6}, [MORE_SEEDS, _params(7900), _accuracy("99.65")]),
        ({"held": True, "worst": 99.97}, [MORE_SEEDS, _params(7900), _accuracy("99.98")]),
        ({"held": True, "worst": 100.0}, [MORE_SEEDS, _params(7900)]),
        ({"held": True, "worst": 96.3}, [MORE_SEEDS, _params(7900), _accuracy("99.45")]),
        (
            {"held": True, "worst": 96.3, "goal": Goal(accuracy=90.0)},
            [MORE_SEEDS, _params(7900), _accuracy("96.5")],
        ),
        ({"held": True, "worst": 99.56, "params": 900}, [MORE_SEEDS, _accuracy("99.6")]),
        (
            {"held": True, "worst": 99.56, "data": REDUCED},
            [MORE_SEEDS, ALL, _params(7900), _accuracy("99.6")],
        ),
        # Missed: data, epochs and trials before any regularisation, whatever the fit says.
        ({"data": REDUCED, "verdict": "overfits", "dimensions": VARIED}, [ALL]),
        ({"goal": Goal(last=1, epochs=2)}, [_epochs(15)]),
        ({"goal": Goal(last=1, epochs=2), "data": REDUCED}, [ALL, _epochs(15)]),
        ({"trials": 9}, [MORE_TRIALS]),
        (
            {"trials": 9, "data": REDUCED, "goal": Goal(last=1, epochs=2)},
            [ALL, _epochs(15), MORE_TRIALS],
        ),
        # None of that is wanting: what the fit asks for, of what varies and has room.
        ({}, [MORE_TRIALS]),
        ({"verdict": "neither"}, [MORE_TRIALS]),
        ({"verdict": "overfits"}, [MORE_TRIALS]),
        (
            {"verdict": "overfits", "dimensions": VARIED},
            [Step("More dropout", ("space.vary.dropout=[0, 0.1]",), "dropout"), MORE_TRIALS],
        ),
        (
            {
                "verdict": "overfits",
                "dimensions": VARIED,
                "tables": {"dropout": "stage.regularisation.vary"},
            },
            [
                Step("More dropout", ("stage.regularisation.vary.dropout=[0, 0.1]",), "dropout"),
                MORE_TRIALS,
            ],
        ),
        ({"verdict": "underfits"}, [_epochs(30), MORE_TRIALS]),
        ({"verdict": "both", "dimensions": VARIED}, [MORE_TRIALS]),
    ],
)
def test_steps_follow_from_the_result(changes: dict[str, Any], found: list[Step]) -> None:
    assert steps(replace(OUTCOME, **changes)) == found


def test_a_step_is_a_command_to_copy() -> None:
    again = Command("launch", "my study.toml", "mine", ("goal.params=9000", "seed=3"), " --x y")
    own = {MORE_SEEDS: "drilldown train best.toml --seed 1"}
    said = lines([MORE_SEEDS, _params(7900), MORE_TRIALS], again, own, 20)
    assert said == [
        "More seeds:         drilldown train best.toml --seed 1",
        "Fewer parameters:   drilldown launch 'my study.toml' --set seed=3 --set goal.params=7900 "
        "--name mine-7900 --x y",
    ]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("mine", "drilldown launch a/mine.toml --set seed=3 --x y --trials 8"),
        ("other", "drilldown launch a/mine.toml --set seed=3 --name other --x y --trials 8"),
    ],
)
def test_a_run_goes_on_under_its_own_name(name: str, typed: str) -> None:
    again = Command("launch", "a/mine.toml", name, ("seed=3",), " --x y")
    assert again.resumed("--trials", "8") == typed


def test_what_is_set_already_is_set_otherwise_not_twice() -> None:
    again = Command("drill", "mine", "mine", ("seed=3", "confirm=4", "goal.last=1"))
    typed = "drilldown drill mine --set seed=3 --set goal.last=1 --set confirm=8"
    assert again.resumed(settings=["confirm=8"]) == typed
    assert again.changed(["confirm=8"], "x") == f"{typed} --name mine-x"
    assert latest(["a=1", "b=2", "a = 3"]) == ["b=2", "a = 3"]
