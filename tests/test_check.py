"""What a check makes of two curves: bit for bit on the same engine, within a band on another."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from mnist_core import data, machine
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.record import EngineUsed, Expected, Origin, Record
from search.confirm.check import BAND, Check
from search.confirm.retrain import Changes, retrain

CURVE = (90.0, 99.4, 99.5, 99.5, 99.6, 99.5)


def test_nothing_is_said_of_a_curve_that_nothing_was_expected_of():
    assert Check(CURVE).passed
    assert Check(CURVE).remarks() == []


def test_equal_curves_pass():
    check = Check(CURVE, CURVE, elsewhere=("torch was 1.0, is 2.0",))
    assert check.passed
    assert check.remarks() == ["Every epoch equals the expected curve (6 compared)."]


def test_the_last_bit_counts_on_the_same_engine():
    check = Check(CURVE, (*CURVE[:5], 99.51), elsewhere=("torch was 1.0, is 2.0",))
    assert not check.passed
    assert check.remarks() == [
        "1 of 6 epochs differs from the curve:",
        "epoch   6  test 99.5000 %, expected 99.5100 %",
        "The curve was made elsewhere: torch was 1.0, is 2.0",
    ]


def test_on_another_engine_the_last_five_epochs_agree_within_a_band():
    other = (10.0, *(accuracy - 0.1 for accuracy in CURVE[1:]))
    check = Check(other, CURVE, exact=False, elsewhere=("engine was native 1, is torch",))
    assert check.passed
    assert check.remarks() == [
        "The mean of the last 5 epochs is 99.400 %, expected 99.500 %: 0.10 points apart, "
        "within the band of 0.15."
    ]


def test_what_lies_outside_the_band_fails():
    other = tuple(accuracy - 0.2 for accuracy in CURVE)
    check = Check(other, CURVE, exact=False, elsewhere=("engine was native 1, is torch",))
    assert not check.passed
    assert check.remarks() == [
        "The mean of the last 5 epochs is 99.300 %, expected 99.500 %: 0.20 points apart, "
        "outside the band of 0.15.",
        "The curve was made elsewhere: engine was native 1, is torch",
    ]


@pytest.mark.parametrize(
    ("expected", "band"), [(99.9, BAND), (99.5, BAND), (99.0, 0.3), (98.0, 0.6), (40.0, 18.0)]
)
def test_the_band_is_wider_where_the_error_is_larger(expected: float, band: float):
    check = Check((expected,), (expected,), exact=False)
    assert check.band == pytest.approx(band)
    assert Check((expected - 0.99 * band,), (expected,), exact=False).passed
    assert not Check((expected - 1.01 * band,), (expected,), exact=False).passed


def test_a_curve_that_was_cut_short_is_compared_as_far_as_it_goes():
    check = Check((50.0, 99.0, 10.0), (51.0, 99.1), exact=False)
    assert check.means == (pytest.approx(74.5), pytest.approx(75.05))
    assert check.passed
    assert "last 2 epochs" in check.remarks()[0]
    assert "only epoch" in Check((99.0, 1.0), (99.0,), exact=False).remarks()[0]
    assert Check((50.0, 99.0, 10.0), (50.0, 99.0)).passed


def test_where_nothing_known_differs_that_is_said():
    remarks = Check(CURVE, (*CURVE[:5], 99.51)).remarks()
    assert remarks[-1].startswith("Nothing that is known of where the curve was made differs")
    assert not any("made elsewhere" in line for line in remarks)
    unknown = Check(CURVE, (*CURVE[:5], 99.51), elsewhere=None).remarks()
    assert unknown[-1] == "The config does not say where its curve was made (environment)."


def test_what_is_not_a_number_is_no_pass():
    assert not Check((float("nan"),), (99.0,), exact=False).passed


# --- with a training ---------------------------------------------------------------------------

TINY = Config(
    epochs=3,
    layers=("conv 1->4 k5", "relu", "gap", "flatten", "linear 4->10"),
    data={"train": 200, "test": 100},
    optimizer={"kind": "sgd", "lr": 0.1},
)
DONE = {"study": "quick", "trial": 3, "score": 9.0, "goal": "a sentence"}
STOPPED = {key: value for key, value in DONE.items() if key != "score"}


@pytest.fixture
def trained(mnist: Mnist, one_thread: None, monkeypatch: pytest.MonkeyPatch) -> Record:
    """With the curve that torch comes to here."""
    monkeypatch.setattr(data, "load", lambda: mnist)
    curve = retrain(Record(config=TINY), Changes(engine="torch"), False, None, print).test_acc
    where = machine.environment("cpu", EngineUsed())
    return Record(config=TINY, environment=where, expected=Expected(test_acc=curve))


def _with(trained: Record, length: int, stopped: int | None, origin: dict[str, Any] | None):
    """The record with a curve that is cut to a length, or made longer."""
    assert trained.expected is not None
    curve = (*trained.expected.test_acc, 50.0)[:length]
    expected = Expected(test_acc=curve, stopped=stopped)
    return trained.changed(expected=expected, origin=origin and Origin.model_validate(origin))


@pytest.mark.parametrize(
    ("length", "stopped", "origin"),
    [(3, None, None), (3, None, DONE), (2, 2, STOPPED), (1, 1, None), (2, None, STOPPED)],
)
def test_a_curve_is_compared_to_where_it_ends(
    trained: Record, length: int, stopped: int | None, origin: dict[str, Any] | None
):
    """The last: an older file of a stopped trial says so only by having no score."""
    check = retrain(_with(trained, length, stopped, origin), Changes(), True, None, print)
    assert check.passed
    assert check.remarks() == [f"Every epoch equals the expected curve ({length} compared)."]


@pytest.mark.parametrize(
    ("length", "stopped", "origin", "said"),
    [
        (2, None, None, "has 2 epochs, and the config has 3:"),
        (1, None, DONE, "has 1 epoch, and the config has 3:"),
        (4, None, DONE, "has 4 epochs, and the config has 3:"),
        (4, None, STOPPED, "has 4 epochs, and the config has 3:"),
        (1, 2, STOPPED, "has 1 epoch, and the config has 3, stopped after 2:"),
        (3, 2, STOPPED, "has 3 epochs, and the config has 3, stopped after 2:"),
        (4, 4, STOPPED, "has 4 epochs, and the config has 3, stopped after 4:"),
    ],
)
def test_a_curve_of_another_length_fails_before_any_training(
    trained: Record, length: int, stopped: int | None, origin: dict[str, Any] | None, said: str
):
    lines: list[str] = []
    with pytest.raises(UserError) as refused:
        retrain(_with(trained, length, stopped, origin), Changes(), True, None, lines.append)
    assert str(refused.value).startswith(f"--check: expected.test_acc {said}")
    assert not lines


@pytest.mark.parametrize(
    ("goal", "changes", "said"),
    [
        (
            {"accuracy": 0.5, "last": 2},
            {},
            "held: # % in the worst of the last 2 epochs, 0.50 % is",
        ),
        ({"accuracy": 99.9, "last": 1}, {}, "missed: # % in the last epoch, 99.90 % is wanted"),
        ({"accuracy": 99.9, "last": 1}, {"epochs": 1}, None),
        ({"accuracy": 99.9, "last": 1, "params": 100}, {}, None),
        (None, {}, None),
    ],
)
def test_whether_the_goal_is_held_is_said(
    trained: Record, goal: dict[str, Any] | None, changes: dict[str, int], said: str | None
):
    meant = goal and {"epochs": 3, "params": 10_000, **goal}
    known = trained.changed(
        origin=Origin(study="quick", trial=3, goal=Goal(**meant)) if meant else None
    )
    lines: list[str] = []
    retrain(known, Changes(seed=1, engine="torch", **changes), False, None, lines.append)
    found = [re.sub(r"\d+\.\d+ % in", "# % in", line) for line in lines if "Goal" in line]
    assert [line.startswith(f"Goal {said}") for line in found] == [True] * bool(said), lines


@pytest.mark.parametrize("epochs", [2, 4])
def test_a_config_of_another_length_fails(trained: Record, epochs: int):
    with pytest.raises(UserError, match=f"has 3 epochs, and the config has {epochs}: one of"):
        retrain(trained.changed(config=TINY.changed(epochs=epochs)), Changes(), True, None, print)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("torch_instruction_set", "MMX", "torch instruction set was MMX, is "),
        ("processor", "model 1", "processor was model 1, is "),
        ("variables", {"MKL_CBWR": "AVX2"}, "MKL_CBWR was AVX2, is not set"),
        ("versions", {"torch": "1.0"}, "torch was 1.0, is "),
        ("data_sha256", {}, "train-images-idx3-ubyte was not set, is "),
        ("machine", "an abacus", "machine was an abacus, is "),
    ],
)
def test_what_is_known_to_differ_is_named(trained: Record, field: str, value: object, said: str):
    assert trained.environment is not None
    wrong = trained.changed(
        environment=trained.environment.changed(**{field: value}),
        expected=Expected(test_acc=(1.0, 2.0, 3.0)),
    )
    remarks = retrain(wrong, Changes(), True, None, print).remarks()
    assert any(line.startswith(f"The curve was made elsewhere: {said}") for line in remarks)


def test_what_an_older_file_does_not_say_is_not_said_to_differ(trained: Record):
    assert trained.environment is not None
    unknown = dict.fromkeys(("processor", "torch_instruction_set", "variables"))
    older = trained.changed(
        environment=trained.environment.changed(**unknown),
        expected=Expected(test_acc=(1.0, 2.0, 3.0)),
    )
    remarks = retrain(older, Changes(), True, None, print).remarks()
    assert remarks[-1].startswith("Nothing that is known of where the curve was made differs")


SAYS = """
from mnist_core import machine
from mnist_core.record import EngineUsed
print(machine.environment("cpu", EngineUsed()).model_dump_json())
"""


@pytest.mark.parametrize(
    ("variable", "value", "instruction_set"),
    [
        ("ATEN_CPU_CAPABILITY", "default", "DEFAULT"),
        ("ONEDNN_MAX_CPU_ISA", "SSE41", None),
        ("MKL_CBWR", "COMPATIBLE", None),
    ],
)
def test_an_environment_says_what_changes_the_arithmetic(
    variable: str, value: str, instruction_set: str | None
):
    clean = {name: text for name, text in os.environ.items() if name not in machine.VARIABLES}
    said = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", SAYS], env=env, capture_output=True, check=True
            ).stdout
        )
        for env in (clean, {**clean, variable: value})
    ]
    assert [each["variables"] for each in said] == [{}, {variable: value}]
    usual, other = (each["torch_instruction_set"] for each in said)
    assert other == (instruction_set or usual)
    assert "model" in said[0]["processor"] or sys.platform != "linux"
