"""Whole studies, launched and resumed; rows 16 to 19 of the reliability plan."""

import functools
import logging
import math
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import fakes
import optuna
import optuna_dashboard
import pytest
import stored
from fakes import study

from mnist_core import fetch, record
from mnist_core.errors import UserError
from mnist_core.native import library
from search.launch.run import Launched, launch
from search.report.launched import report
from search.study import storage
from search.study.dimensions import distributions
from search.study.session import trial_seed
from search.study.spec import StudySpec
from search.study.study import Study
from search.study.trials import State, Trial, TrialAttr
from search.text.commands import Command
from search.workers import training
from search.workers.local import LocalWorkers
from search.workers.protocol import Start
from spaces.dimensions import Choice, Dimension, Whole

OPEN = study().make_space()
ODD = [number for number in range(8) if trial_seed(7, number) % 2]  # these fail, in some fakes
ODD_SEED = next(seed for seed in range(100) if trial_seed(seed, 0) % 2)


@pytest.fixture(autouse=True)
def _lines() -> Iterator[None]:
    """As the command line has it: every line reaches the log."""
    log = logging.getLogger("drilldown")
    level = log.level
    log.setLevel(logging.DEBUG)
    yield
    log.setLevel(level)


@pytest.fixture
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained: the data need not be verified again for each launch."""
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)


def _launch(spec: StudySpec, name: str = "tiny", start: Start = fakes.quick) -> Launched:
    return launch(name, spec, None, start=start)


def _stored(name: str = "tiny") -> Study:
    return storage.open_storage().get(name)


def _trials(made: Study) -> list[Trial]:
    """By number."""
    return sorted(made.trials(), key=attrgetter("number"))


def _asked(made: Study) -> list[tuple[dict[str, Any], int, tuple[float, ...]]]:
    """(sample, seed, test accuracies) of each trial."""
    asked = []
    for trial in _trials(made):
        assert trial.config is not None
        asked.append((dict(trial.sample), trial.config.seed, trial.test_acc))
    return asked


def test_study_runs_and_leaves_its_best_its_log_and_its_note(home: Path) -> None:
    ended = _launch(study(workers=2))
    assert (ended.signal, ended.trials) == (0, 4)
    made = _stored()
    assert [trial.state for trial in made.trials()] == [State.COMPLETE] * 4
    best = max(made.trials(), key=attrgetter("score"))
    assert ended.best == home / "runs" / "tiny" / "best.toml"
    kept = record.load(ended.best)
    assert kept.config == best.config
    assert kept.expected is not None
    assert list(kept.expected.test_acc) == fakes.curve(kept.config)
    assert kept.origin is not None
    assert (kept.origin.study, kept.origin.trial) == ("tiny", best.number)
    lines = (home / "runs" / "tiny" / "launch.log").read_text()
    for number in range(4):
        assert f"trial {number}: epoch 3/3, test 9" in lines
        assert f"trial {number}: complete, score 9" in lines
    assert "4 of 4 trials ended: 4 complete, 0 pruned, 0 failed; best score 9" in lines
    note = optuna_dashboard.get_note(made.optuna)
    assert f"drilldown train {ended.best} --check" in note


@pytest.mark.parametrize(("trials", "workers"), [(1, 4), (5, 1), (6, 4), (9, 8)])
def test_exactly_n_trials_end(trials: int, workers: int) -> None:
    """Row 17, with failing trainings among them."""
    made = _launch(study(trials=trials, workers=workers), start=fakes.failing).study
    assert made.counted == len(made.trials()) == trials
    for trial in made.trials():
        failed = trial_seed(7, trial.number) % 2
        assert trial.state == (State.FAIL if failed else State.COMPLETE)


@pytest.mark.parametrize(("before", "trials", "workers", "started"), [(0, 1, 12, 1), (2, 5, 4, 3)])
def test_no_more_workers_start_than_trials_are_left(
    monkeypatch: pytest.MonkeyPatch, before: int, trials: int, workers: int, started: int
) -> None:
    """Each takes half a gigabyte."""
    if before:
        _launch(study(trials=before, workers=1))
    counts: list[int] = []

    class Counted(LocalWorkers):
        def __init__(self, count: int, *others: Any) -> None:
            counts.append(count)
            super().__init__(count, *others)

    monkeypatch.setattr("search.launch.run.LocalWorkers", Counted)
    made = _launch(study(trials=trials, workers=workers)).study
    assert counts == [started]
    assert made.counted == trials


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_exactly_n_trials_end_in_a_hundred_studies() -> None:
    """Row 17."""
    for number in range(100):
        workers, trials = (1, 4, 8)[number % 3], 1 + number % 11
        start = (fakes.quick, fakes.failing, fakes.suicidal)[number // 3 % 3]
        spec = study(trials=trials, workers=workers, seed=number)
        made = _launch(spec, f"study-{number}", start).study
        assert made.counted == len(made.trials()) == trials


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (fakes.failing, "NonFiniteLoss: the training loss became nan in epoch 2, batch 7"),
        (fakes.nan, "the test accuracy is nan in epoch 3"),
        (fakes.infinite, "the test accuracy is inf in epoch 3"),
        (fakes.suicidal, "the worker died: killed by SIGKILL"),
    ],
)
def test_what_fails_has_its_reason_and_is_never_best(start: Start, reason: str) -> None:
    """Rows 1, 10 and 11, from a process to the storage."""
    ended = _launch(study(workers=2, trials=6), start=start)
    fates = [(trial.state, trial.reason) for trial in _trials(_stored())]
    assert fates == [
        (State.FAIL, reason) if number in ODD else (State.COMPLETE, "") for number in range(6)
    ]
    assert len(set(fates)) == 2
    assert ended.best is not None
    origin = record.load(ended.best).origin
    assert origin is not None
    assert origin.trial not in ODD


def test_study_without_a_complete_trial_has_no_best(home: Path) -> None:
    ended = _launch(study(trials=1, seed=ODD_SEED), start=fakes.nan)
    assert ended.best is None
    assert not (home / "runs" / "tiny" / "best.toml").exists()
    assert _reported(ended).splitlines()[1:3] == [
        "tiny: 1 of 1 trial ended: 0 complete, 0 pruned, 1 failed",
        "No trial was trained to its end, so there is no best yet.",
    ]


def test_launched_again_it_resumes_and_repeats_nothing() -> None:
    """Row 19, with processes; all samplers in tests/test_scheduler.py."""
    tpe = functools.partial(study, sampler={"kind": "tpe", "n_startup_trials": 4})
    straight = _asked(_launch(tpe(trials=8), "straight").study)
    _launch(tpe(trials=3))
    _launch(tpe(trials=3), start=fakes.exiting)  # there is nothing to do: no worker starts
    resumed = _asked(_launch(tpe(trials=8)).study)
    assert resumed == straight
    assert len({tuple(params.values()) for params, *_ in resumed}) == 8


def test_running_trials_of_an_owner_that_went_away_are_reconciled() -> None:
    _launch(study(trials=2))
    for _ in range(2):
        _stored().optuna.ask(distributions(study().make_space().dimensions))
    made = _launch(study(trials=4)).study
    assert [trial.state for trial in made.trials()].count(State.INTERRUPTED) == 2
    assert made.counted == 4
    assert len(made.trials()) == 6


def test_worker_that_cannot_start_ends_the_launch_with_its_reason() -> None:
    with pytest.raises(UserError, match="nothing can be trained on cpu today"):
        _launch(study(workers=2), start=fakes.unstartable)
    assert {trial.state for trial in _stored().trials()} <= {State.INTERRUPTED}


def test_device_that_is_not_there_is_refused_before_anything_is_made(home: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UserError, match="--device cuda: not to be had here"):
        launch("tiny", study(), None, device="cuda", start=fakes.exiting)
    assert not (home / "runs").exists()


@pytest.mark.parametrize("name", ["../x", "", ".", "..", "a/b", "x" * 201, "a\nb", "a\0b"])
def test_unsafe_name_is_refused_before_anything_is_made(home: Path, name: str) -> None:
    """Row 24; the names themselves are tested in tests/test_storage.py."""
    with pytest.raises(UserError, match=r"^--name "):
        launch(name, study(), None, start=fakes.exiting)
    assert not (home / "runs").exists()


def test_folder_of_the_run_that_cannot_be_made_is_said(home: Path) -> None:
    (home / "runs").mkdir()
    (home / "runs" / "tiny").write_text("in the way")
    with pytest.raises(UserError, match=r"tiny: cannot be made: a file is in the way"):
        _launch(study())


def _other(kind: Dimension) -> list[Any]:
    """Other bounds, or fewer choices, for a dimension."""
    if isinstance(kind, Choice):
        return list(kind.choices[:-1])
    return [kind.low, kind.low if isinstance(kind, Whole) else kind.high * 0.99]


GOAL = {"accuracy": 90.0, "last": 2, "epochs": 3, "params": 2_000}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    *((name, {"space": {"name": "open", "vary": {name: _other(kind)}}})
      for name, kind in OPEN.dimensions.items()),
    *((f"fix.{name}", {"space": {"name": "open", "fix": {name: _other(kind)[0]}}})
      for name, kind in OPEN.dimensions.items()),
    ("space", {"space": {"name": "classic"}}),
    ("seed", {"seed": 8}),
    ("data", {"data": {"train": 299, "test": 200}}),
    ("goal.accuracy", {"goal": {**GOAL, "accuracy": 90.1}}),
    ("goal.last", {"goal": {**GOAL, "last": 1}}),
    ("goal.epochs", {"goal": {**GOAL, "epochs": 4}}),
    ("goal.params", {"goal": {**GOAL, "params": 2_001}}),
]  # fmt: skip


@pytest.mark.usefixtures("_no_data")
def test_changed_study_is_refused_by_the_name_of_what_changed() -> None:
    """Row 16: every dimension of the open space, its bounds and its being held."""
    _launch(study(trials=1))
    for key, change in CHANGES:
        with pytest.raises(UserError, match=r"^study 'tiny' was launched with ") as caught:
            _launch(study(**change), start=fakes.exiting)
        said = str(caught.value)
        assert "\n" not in said
        if key.startswith("fix."):  # the dimension is gone, and others with it that it made idle
            assert f"with no space.{key}, now it is " in said, said
        elif key in OPEN.dimensions:
            assert f"launched with space.vary.{key} = [" in said, said
        elif key == "space":
            assert 'launched with space.name = "open", now it is "classic"' in said, said
        else:
            assert f"launched with {key} = " in said, said
        assert not any(raw in said for raw in ("low=", "choices=", "None", "300+200")), said
        of_goal = key in ("goal.accuracy", "goal.last")
        remedy = "; to ask its curves for this goal: drilldown rescore tiny --set goal."
        assert (remedy in said) == of_goal, said
        assert "another --name" in said
        also = said.partition("changed too: ")[2].partition(")")[0].split(", ")
        assert {"epochs", "budget"}.isdisjoint(also), said  # which the goal's field has said
    assert len(_stored().trials()) == 1


@pytest.mark.usefixtures("_no_data")
@pytest.mark.parametrize(
    ("trials", "changes", "deadline", "out_of_time"),
    [
        (0, {}, 0.0, True),
        (4, {}, math.inf, False),
        (0, {"timeout": 1e-9}, math.inf, False),  # its own time
        (0, {"timeout": 1e-9}, 0.0, True),
    ],
)
def test_a_launch_is_out_of_time_where_the_whole_is(
    trials: int, changes: dict[str, Any], deadline: float, out_of_time: bool
) -> None:
    ended = launch("tiny", study(**changes), None, start=fakes.quick, deadline=deadline)
    assert (ended.study.counted, ended.out_of_time) == (trials, out_of_time)
    whole = study(trials=trials or 1)
    assert not launch("tiny", whole, None, start=fakes.quick).cut_short
    over = launch("tiny", whole, None, start=fakes.unstartable, deadline=0.0)
    assert not over.out_of_time  # as it has its trials


@pytest.mark.usefixtures("_no_data")
def test_what_is_not_the_studys_meaning_may_change() -> None:
    _launch(study(trials=1))
    changed = {"trials": 2, "workers": 2, "title": "x", "pruner": {"kind": "median"},
               "engine": "torch",
               "sampler": {"kind": "tpe"}}  # fmt: skip
    assert len(_launch(study(**changed)).study.trials()) == 2


REAL = {
    "goal": {"accuracy": 20.0, "last": 1, "epochs": 2, "params": 2_000},
    "data": {"train": 200, "test": 200},
}


def _real(name: str, trials: int) -> list[tuple[dict[str, Any], int, tuple[float, ...]]]:
    ended = _launch(study(trials=trials, **REAL), name, training.start)
    assert {trial.state for trial in ended.study.trials()} <= {State.COMPLETE, State.FAIL}
    return _asked(ended.study)


def test_same_seed_trains_the_same_to_the_last_bit() -> None:
    """Row 18, in small: real trainings, each study in processes of its own."""
    runs = [_real(name, 3) for name in ("one", "two", "three")]
    assert runs[0] == runs[1] == runs[2]
    assert len({test_acc for *_, test_acc in runs[0]}) > 1


def test_a_real_trial_says_which_engine_it_was_trained_on() -> None:
    """And both train the same net from the same weights on the same batches."""
    kept = {}
    for engine in ("torch", "auto"):
        ended = _launch(study(trials=1, engine=engine, **REAL), engine, training.start)
        assert ended.best is not None
        environment = record.load(ended.best).environment
        assert environment is not None
        kept[engine] = environment.engine
    assert kept["torch"] == record.EngineUsed()
    assert kept["auto"].name == ("torch" if library.unavailable() else "native")


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_same_seed_trains_the_same_to_the_last_bit_for_twenty_trials() -> None:
    """Row 18."""
    runs = [_real(name, 20) for name in ("one", "two", "three")]
    assert len(runs[0]) == 20
    assert runs[0] == runs[1] == runs[2]


def _reported(ended: Launched, url: str | None = None) -> str:
    return report(ended, "drilldown launch tiny", url, Command("launch", "tiny.toml", "tiny"))


def test_report_says_what_came_of_it_and_what_to_type_next() -> None:
    ended = _launch(study(workers=2))
    best = ended.study.best()
    assert best is not None
    text = _reported(ended)
    assert "tiny: 4 of 4 trials ended: 4 complete, 0 pruned, 0 failed" in text
    assert f"Best: trial {best.number}, score {best.score:.2f} %, {best.params:,} " in text
    assert "Goal: held by this trial, 4 trials in all" in text
    assert f"drilldown train {ended.best} --check" in text
    assert "drilldown show tiny\n" in text
    assert "go on with" not in text


def test_report_of_a_study_cut_short_says_how_to_go_on() -> None:
    ended = _launch(study())
    stopped = Launched(ended.study, study(trials=9), ended.best, 2)
    assert "Interrupted; go on with:    drilldown launch tiny\n" in _reported(stopped)
    timed_out = Launched(ended.study, study(trials=9), ended.best, 0, ended.ended)
    assert "Out of time; go on with:    drilldown launch tiny\n" in _reported(timed_out)


def test_report_names_the_storage_but_not_its_password() -> None:
    ended = _launch(study())
    text = _reported(ended, "postgresql+psycopg://me:cAnArY@h/x")
    assert "drilldown show tiny --storage 'postgresql+psycopg://me:***@h/x'" in text
    assert "cAnArY" not in text


def test_report_names_a_trial_that_holds_the_goal_where_the_best_does_not() -> None:
    made = _launch(study(trials=2, goal={**GOAL, "last": 3})).study
    curves = [(99.9, 99.9, 89.9), (90.0, 90.1, 90.0)]  # the first scores higher, but dips
    copy = stored.launched(
        optuna.create_study(study_name="dips", direction="maximize"), made.goal
    ).optuna
    for trial, test_acc in zip(made.optuna.trials, curves, strict=True):
        copy.add_trial(
            optuna.trial.create_trial(
                value=made.goal.ending(test_acc).score,
                user_attrs=trial.user_attrs,
                system_attrs=trial.system_attrs,
                intermediate_values=dict(enumerate(test_acc, 1)),
            )
        )
    text = _reported(Launched(Study(copy), study(trials=2), Path("runs/dips/best.toml"), 0))
    assert "not held by this trial, but by trial 1 (drilldown export dips --trial 1)" in text


def test_trials_keep_what_the_dashboard_sorts_by() -> None:
    made = _launch(study(trials=1)).study
    for name in (TrialAttr.PARAMS, TrialAttr.WORST, TrialAttr.MEAN, TrialAttr.SECONDS):
        assert isinstance(made.optuna.trials[0].user_attrs[name], int | float)
