"""Exports: a trial's record, as it was and read back; never a torn file (row 9 in small)."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import fakes
import optuna
import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import create_trial

from mnist_core import record
from mnist_core.errors import UserError
from mnist_core.files import read_toml
from mnist_core.goal import Goal
from mnist_core.record import Environment
from search.study import study as studies
from search.study.export import default_path, export, to_record
from search.study.session import Session, trial_seed
from search.study.study import Study
from search.study.trials import State
from spaces import SPACES, Frame

GOAL = Goal(accuracy=99.0, last=2, epochs=4, params=5_000)
SPACE = SPACES["open"](Frame(GOAL.params, GOAL.epochs))
SEED = 7
ENVIRONMENT = Environment(
    device="cpu",
    threads=1,
    versions={"torch": "2.14.1"},
    machine="Ein Prozessor (8 Kerne) \u2028",
    data_sha256={"train-images": "00ff"},
)
CURVE = (91.17, 98.03, 99.1, 100 * 9917 / 10_000)


@pytest.fixture
def study() -> Study:
    made = optuna.create_study(study_name="nächtlich", direction="maximize")
    made.set_user_attr(studies.GOAL, GOAL.model_dump(mode="json"))
    return Study(made)


def _trial(study: Study, curve: Sequence[float], state: State, reason: str = "") -> int:
    """A trial that ended so, if it did; returns its number."""
    session = Session(study, SPACE, GOAL, SEED, RandomSampler, NopPruner())
    number, _ = session.ask(1000)
    results = [fakes.result(epoch, accuracy) for epoch, accuracy in enumerate(curve, start=1)]
    for result in results:
        session.report(number, result)
    match state:
        case State.COMPLETE:
            session.complete(number, results, ENVIRONMENT)
        case State.PRUNED:
            session.pruned(number, results, ENVIRONMENT)
        case State.FAIL:
            session.failed(number, results, ENVIRONMENT, reason)
        case State.INTERRUPTED:
            session.interrupt()
    return number


def test_an_export_holds_all_that_was(study: Study, tmp_path: Path):
    number = _trial(study, CURVE, State.COMPLETE)
    path = tmp_path / "new" / "folder" / "best.toml"
    export(study, None, path)
    read = record.load(path)
    [trial] = study.trials()
    assert read == to_record(trial, GOAL)
    assert read.config == SPACE.config(trial.sample, trial_seed(SEED, number))
    assert read.environment == ENVIRONMENT
    assert read.expected is not None
    assert read.expected.test_acc == CURVE
    assert read.origin is not None
    assert (read.origin.study, read.origin.trial) == ("nächtlich", number)
    assert read.origin.score == GOAL.ending(CURVE).score
    assert read.origin.goal == GOAL
    assert read_toml(path)["origin"]["goal"]["accuracy"] == GOAL.accuracy
    assert list(path.parent.iterdir()) == [path]


def test_a_file_from_before_there_were_two_engines_is_torchs(study: Study, tmp_path: Path):
    _trial(study, CURVE, State.COMPLETE)
    path = tmp_path / "best.toml"
    export(study, None, path)
    now = path.read_text()
    path.write_text(now.replace('[environment.engine]\nname = "torch"\n\n', ""))
    assert path.read_text() != now
    assert record.load(path).environment == ENVIRONMENT
    record.save(path, record.load(path))
    assert path.read_text() == now


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('name = "nativ"', "environment.engine.name: must be 'native' or 'torch', not 'nativ'"),
        ("version = 1", "environment.engine.version: must be a valid string, not 1"),
        ('compilr = "gcc"', "environment.engine.compilr: is not a field here; did you mean 'comp"),
    ],
)
def test_an_engine_that_makes_no_sense_is_refused_by_its_field(
    study: Study, tmp_path: Path, line: str, said: str
):
    _trial(study, CURVE, State.COMPLETE)
    path = tmp_path / "best.toml"
    export(study, None, path)
    path.write_text(path.read_text().replace('name = "torch"', line))
    with pytest.raises(UserError) as refused:
        record.load(path)
    assert str(refused.value).startswith(f"{path}: {said}")


def test_the_best_is_exported_and_the_earliest_of_equals(study: Study, tmp_path: Path):
    _trial(study, [90.0, 90.0, 90.0, 98.0], State.COMPLETE)
    best = _trial(study, CURVE, State.COMPLETE)
    _trial(study, CURVE, State.COMPLETE)
    _trial(study, [99.9, 99.9], State.PRUNED)
    for number, chosen in {None: best, 0: 0}.items():
        export(study, number, tmp_path / "trial.toml")
        assert record.load(tmp_path / "trial.toml").origin.trial == chosen
    assert study.trials()[0].number == best


def test_a_pruned_trial_is_exported_with_the_curve_it_has(study: Study, tmp_path: Path):
    number = _trial(study, CURVE[:2], State.PRUNED)
    export(study, number, tmp_path / "trial.toml")
    read = record.load(tmp_path / "trial.toml")
    assert read.expected is not None
    assert read.expected.test_acc == CURVE[:2]
    assert read.origin is not None
    assert read.origin.score is None


@pytest.mark.parametrize(
    ("curve", "state", "reason", "said"),
    [
        (CURVE[:2], State.RUNNING, "", "running"),
        ((), State.RUNNING, "", "running"),
        (CURVE[:2], State.INTERRUPTED, "", "interrupted"),
        ((90.0, math.nan), State.FAIL, "an accuracy is not finite", "an accuracy is not"),
        ((), State.FAIL, "", "fail"),
    ],
)
def test_a_trial_without_a_curve_is_refused(
    study: Study, tmp_path: Path, curve: Sequence[float], state: State, reason: str, said: str
):
    number = _trial(study, curve, state, reason)
    with pytest.raises(UserError, match=f"trial {number} of study 'nächtlich' .*{said}"):
        export(study, number, tmp_path / "trial.toml")
    assert not list(tmp_path.glob("*.toml"))


def test_no_such_trial(study: Study, tmp_path: Path):
    with pytest.raises(UserError, match="no complete trial yet"):
        export(study, None, tmp_path / "best.toml")
    _trial(study, CURVE[:2], State.PRUNED)
    with pytest.raises(UserError, match="no complete trial yet"):
        export(study, None, tmp_path / "best.toml")
    with pytest.raises(UserError, match="has no trial 1; see: drilldown show"):
        export(study, 1, tmp_path / "best.toml")


def test_another_programs_study(tmp_path: Path):
    foreign = Study(optuna.create_study(study_name="other"))
    with pytest.raises(UserError, match="study 'other' has no goal: drilldown did not launch it"):
        export(foreign, None, tmp_path / "best.toml")


def test_a_trial_of_another_program_in_our_study(study: Study, tmp_path: Path):
    curve = dict(enumerate(CURVE, start=1))
    study.optuna.add_trial(create_trial(value=99.0, intermediate_values=curve))
    with pytest.raises(UserError, match="has no complete trial yet"):
        export(study, None, tmp_path / "best.toml")
    with pytest.raises(UserError, match=r"0 of study 'nächtlich' has no curve .*: not drilldown"):
        export(study, 0, tmp_path / "best.toml")


@pytest.mark.parametrize("place", ["a file/best.toml", "a file/deeper/best.toml", "a folder"])
def test_a_place_that_cannot_be_written(study: Study, tmp_path: Path, place: str):
    _trial(study, CURVE, State.COMPLETE)
    (tmp_path / "a file").write_text("kept")
    (tmp_path / "a folder").mkdir()
    with pytest.raises(UserError) as refused:
        export(study, None, tmp_path / place)
    message = str(refused.value)
    assert message.startswith(f"{tmp_path / place}: cannot be written: ")
    assert "None" not in message
    assert (tmp_path / "a file").read_text() == "kept"
    assert not list(tmp_path.glob("**/.writing*"))


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file(
    study: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    fault: BaseException,
):
    _trial(study, CURVE, State.COMPLETE)
    path = tmp_path / "runs" / "best.toml"
    export(study, None, path)
    before = path.read_bytes()
    _trial(study, [99.9] * 4, State.COMPLETE)

    def broken(*_: object) -> None:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(os, step, broken)
        with pytest.raises(UserError if isinstance(fault, OSError) else KeyboardInterrupt) as seen:
            export(study, None, path)
    if isinstance(fault, OSError):
        assert str(seen.value) == f"{path}: cannot be written: No space left on device"
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    export(study, None, path)
    assert path.read_bytes() != before


def test_default_path(home: Path):
    assert default_path("quick") == home / "runs" / "quick" / "best.toml"
    assert default_path("quick", 3) == home / "runs" / "quick" / "trial-3.toml"
