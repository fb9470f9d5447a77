"""What others can do to a study, and what another study can come to have: issue by issue."""

import json
import math
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import fakes
import optuna
import pytest
import sqlalchemy as sa
from command_line import STAGES, Drilldown, one_line
from fakes import FakeWorkers, Fate
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages._rdb.models import StudyModel, TrialModel
from optuna.trial import TrialState, create_trial

from mnist_core.config import Config
from mnist_core.errors import Lost, UserError
from mnist_core.paths import runs_dir
from search.launch import run
from search.launch.owner import Owner
from search.launch.progress import Progress
from search.launch.run import launch
from search.study import sqlite, storage
from search.study.identity import IDENTITY
from search.study.pages import Pages
from search.study.session import Session, opened
from search.study.spec import StudySpec
from search.study.storage import open_storage
from search.study.studies import Studies
from search.study.study import GOAL, GOAL_TABLE, Study
from search.study.trials import (
    CONFIG,
    ENVIRONMENT,
    TRAINING,
    Complete,
    State,
    TrialAttr,
    attach,
)

PLAN = fakes.study()
GOOD = [91.0, 92.0, 93.0]


@pytest.fixture
def studies(home: Path) -> Studies:
    return open_storage(create=True)


def _good(job: int, config: Config) -> Fate:
    return Fate(GOOD)


class Meddling(FakeWorkers):
    """Trains as every fake does; before each round of messages somebody does something else."""

    meddle: Callable[[], None] = staticmethod(lambda: None)

    def messages(self, timeout: float) -> Any:
        self.meddle()
        return super().messages(timeout)


def _run(
    studies: Studies,
    meddle: Callable[[Session], None],
    trials: int = 3,
    plan: StudySpec = PLAN,
    watched: bool = False,
) -> Study:
    """A study whose owner runs while, once two trials run, `meddle` is done to it. watched: a
    person sees how it gets on."""
    with opened(studies, "tiny", plan) as session:
        workers = Meddling(2, lambda job, config: Fate(GOOD))
        done: list[int] = []

        def once() -> None:
            if len(workers.submitted) == 2 and not done:
                done.append(1)
                meddle(session)

        workers.meddle = once
        watchers = [Progress("tiny", plan.goal, trials, [])] * watched
        assert Owner(session, workers, watchers).run(trials) == 0
        assert done
        return session.study


def _foreign(study: Study) -> dict[int, State]:
    return {trial.number: trial.state for trial in study.trials()}


# --- while it runs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "value"),
    [(TrialState.FAIL, None), (TrialState.PRUNED, None), (TrialState.COMPLETE, 99.9)],
)
def test_a_trial_that_somebody_ends_has_failed_and_the_others_go_on(
    studies: Studies, state: TrialState, value: float | None
) -> None:
    study = _run(studies, lambda session: _tell(session.study.optuna, 0, value, state))
    (ended,) = [trial for trial in study.trials() if trial.number == 0]
    assert ended.state == State.FAIL
    assert ended.reason == f"ended from outside, as {state.name.lower()}"
    best = study.best()
    assert best is not None
    assert best.number != 0
    assert study.counted == 3


def _tell(study: optuna.Study, number: int, value: float | None, state: TrialState) -> None:
    study.tell(number, value, state)


def test_a_study_that_is_deleted_ends_its_owner_with_a_sentence(studies: Studies) -> None:
    with pytest.raises(Lost, match="study 'tiny' was deleted or replaced while it ran"):
        _run(studies, lambda _: optuna.delete_study(study_name="tiny", storage=studies.storage))


def test_a_launch_whose_study_is_deleted_is_one_line_and_exits_with_1(
    drilldown: Drilldown, tiny: Path, no_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deleting(Meddling):
        def __enter__(self) -> "Deleting":
            return self

        def __exit__(self, *_: object) -> None:
            closed.append(True)

        def meddle(self) -> None:  # type: ignore[override]
            with suppress(KeyError):
                optuna.delete_study(study_name="tiny", storage=open_storage().storage)

    closed: list[bool] = []
    workers = Deleting(1, lambda job, config: Fate(GOOD))
    monkeypatch.setattr("search.launch.run.LocalWorkers", lambda *_: workers)
    done = drilldown("launch", tiny, "--quiet")
    assert (done.code, done.out, closed) == (1, "", [True])
    assert done.err.startswith("Error: study 'tiny' was deleted or replaced while it ran; ")
    assert done.err.count("\n") == 1


def test_a_study_of_its_name_and_number_is_not_written_to(studies: Studies) -> None:
    def replace(session: Session) -> None:
        optuna.delete_study(study_name="tiny", storage=studies.storage)
        optuna.create_study(study_name="tiny", storage=studies.storage)

    with pytest.raises(Lost):
        _run(studies, replace)
    assert studies.get("tiny").size == 0


def test_a_trial_that_somebody_ends_just_before_it_is_told_has_failed(
    studies: Studies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which Optuna says something else than of one that has ended before."""
    close = Session._close

    def closing(session: Session, trial: optuna.Trial, *others: Any) -> None:
        close(session, trial, *others)
        if trial.number == 0:
            optuna.load_study(study_name="tiny", storage=studies.storage).tell(
                0, state=TrialState.FAIL
            )

    monkeypatch.setattr(Session, "_close", closing)
    study = _run(studies, lambda _: None)
    assert _foreign(study)[0] == State.FAIL
    assert study.counted == 3


def _handle(session: Session, number: int) -> optuna.Trial:
    return optuna.Trial(session.study.optuna, session.study.optuna.trials[number]._trial_id)


@pytest.mark.parametrize(
    "write",
    [
        lambda trial: trial.report(99.9, 0),
        lambda trial: trial.report(math.nan, 9),
        lambda trial: trial.set_user_attr(TrialAttr.PARAMS, "few"),
        lambda trial: attach(trial, CONFIG, {"epochs": "many"}),
        lambda trial: attach(trial, CONFIG, "none"),
    ],
    ids=["an accuracy", "nan", "parameters", "a config", "no config"],
)
def test_a_running_trial_that_somebody_writes_to_has_failed(
    studies: Studies, write: Callable[[optuna.Trial], None], drilldown: Drilldown
) -> None:
    plan = PLAN.changed(pruner={"kind": "goal"})
    study = _run(studies, lambda session: write(_handle(session, 0)), plan=plan)
    (failed,) = [trial for trial in study.trials() if trial.state == State.FAIL]
    assert (failed.number, failed.reason) == (0, "somebody else has written to it")
    assert study.counted == 3
    shown = drilldown("show", "tiny", "--format", "json")
    assert shown.code == 0
    json.loads(shown.out, parse_constant=pytest.fail)
    one_line(drilldown("export", "tiny", "--trial", "0", "-o", "-"), "has no curve to expect")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (TrialAttr.INTERRUPTED, True),
        (TrialAttr.REASON, {"a": "reason"}),
        (TrialAttr.SECONDS, "long"),
        (TRAINING, 3),
        (TRAINING, {"of": 3, "train_acc": 5}),
        (ENVIRONMENT, "none"),
    ],
)
def test_what_a_trial_says_at_its_end_is_said_anew(
    studies: Studies, attribute: str, value: Any
) -> None:
    def write(session: Session) -> None:
        trial = _handle(session, 0)
        is_user = isinstance(attribute, TrialAttr)
        trial.set_user_attr(attribute, value) if is_user else attach(trial, attribute, value)
        assert len(session.study.trials()) == 2

    study = _run(studies, write, watched=True)
    (written,) = [trial for trial in study.trials() if trial.number == 0]
    assert isinstance(written, Complete)
    assert (written.reason, written.seconds, written.fit_acc) == ("", 4.5, fakes.FIT)
    assert written.environment == fakes.ENVIRONMENT


@pytest.mark.parametrize("left", range(6, 66, 6))
def test_a_study_deleted_between_any_two_transactions_is_said_in_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """The first ones of a launch, of which some look at a study that has just been there."""
    monkeypatch.setattr(run, "LocalWorkers", lambda *_: nullcontext(FakeWorkers(1, _good)))
    others = open_storage(create=True).storage
    launched = open_storage()
    monkeypatch.setattr(storage, "open_storage", lambda *_, **__: launched)
    countdown = iter(range(left, -1, -1))

    def delete(connection: sa.Connection) -> None:
        if connection.engine is launched.storage.engine and next(countdown, None) == 0:
            optuna.delete_study(study_name="tiny", storage=others)

    launched.make("tiny")
    sa.event.listen(sa.Engine, "begin", delete)  # before what an engine's own listeners do
    try:
        with pytest.raises(Lost, match="study 'tiny' was deleted"):
            launch("tiny", PLAN.changed(engine="torch"), None)
    finally:
        sa.event.remove(sa.Engine, "begin", delete)


# --- what is added ---------------------------------------------------------------------------

ONE = FloatDistribution(1.0, 1.0)
CURVE = dict(enumerate((99.0, 99.5, 99.9), 1))


@pytest.mark.parametrize(
    "added",
    [
        create_trial(value=99.9),
        create_trial(value=float("inf"), intermediate_values=CURVE),
        create_trial(value=99.9, intermediate_values={1: float("nan")}),
        create_trial(state=TrialState.FAIL),
        create_trial(
            value=1.0, params={"x": 1.0}, distributions={"x": FloatDistribution(0.0, 2.0)}
        ),
    ],
    ids=["without a curve", "inf", "nan", "failed", "of other dimensions"],
)
def test_a_trial_that_somebody_adds_is_foreign_and_never_best(
    studies: Studies, added: optuna.trial.FrozenTrial
) -> None:
    study = _run(studies, lambda session: session.study.optuna.add_trial(added))
    assert list(_foreign(study).values()).count(State.FOREIGN) == 1
    assert study.counted == 3
    best = study.best()
    assert best is not None
    assert best.score < 99


def test_a_copy_of_a_trial_of_ours_is_foreign(studies: Studies) -> None:
    first = _run(studies, lambda _: None)
    first.optuna.add_trials(first.optuna.trials[:1])
    states = _foreign(Study(optuna.load_study(study_name="tiny", storage=studies.storage)))
    assert states == {0: State.COMPLETE, 1: State.COMPLETE, 2: State.COMPLETE, 3: State.FOREIGN}


def test_samplers_and_pruners_see_no_trial_of_others(studies: Studies) -> None:
    with opened(studies, "tiny", PLAN) as session:
        session.study.optuna.add_trial(create_trial(value=99.9, intermediate_values=CURVE))
        assert session._optuna.get_trials(deepcopy=False) == []
        assert session.study.size == 1


def test_a_trial_that_somebody_asked_for_is_left_as_it_is(studies: Studies) -> None:
    _run(studies, lambda _: None)
    asked = studies.get("tiny").optuna.ask()
    launch("tiny", fakes.study(trials=5), None, start=fakes.quick)
    states = _foreign(studies.get("tiny"))
    assert states[asked.number] == State.FOREIGN
    assert studies.get("tiny").optuna.trials[asked.number].state == TrialState.RUNNING


def test_a_trial_asked_for_with_dimensions_like_ours_is_left_as_it_is(studies: Studies) -> None:
    _run(studies, lambda _: None)
    theirs = studies.get("tiny").optuna.ask({"lr": FloatDistribution(0.5, 0.9, log=True)})
    with opened(studies, "tiny", PLAN) as session:
        assert session.reconcile() == 0
        assert theirs.number not in {each.number for each in session._optuna.trials}
    assert studies.get("tiny").optuna.trials[theirs.number].state == TrialState.RUNNING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (GOAL_TABLE, "99.5 %"),
        (GOAL_TABLE, {"accuracy": 50.0, "last": 1, "epochs": 2, "params": 500}),
        ("dashboard:note_ver", "x"),
        ("study:metric_names", 3),
    ],
    ids=str,
)
def test_what_others_write_over_is_written_anew(
    studies: Studies, name: str, value: Any, drilldown: Drilldown, tiny: Path
) -> None:
    assert drilldown("launch", tiny).code == 0
    studies.get("tiny").keep(name, value)
    _answers(drilldown)
    assert drilldown("launch", tiny, "--trials", "3").code == 0
    states = [trial.state for trial in studies.get("tiny").trials()]
    assert states == [State.COMPLETE] * 3


def _answers(drilldown: Drilldown) -> None:
    """With 0, or one sentence."""
    for command in (("show", "tiny"), ("export", "tiny", "-o", "-"), ("list",)):
        done = drilldown(*command)
        if done.code:
            one_line(done)


@pytest.mark.parametrize(
    "kept",
    [{"id": "x"}, {"id": "x", "name": "tiny", "trials": "three"}, {"id": 3, "name": "tiny"}, [1]],
    ids=str,
)
def test_an_identity_that_others_write_over_is_none(
    studies: Studies, kept: Any, drilldown: Drilldown
) -> None:
    with pytest.raises(Lost, match="study 'tiny' was deleted or replaced while it ran"):
        _run(studies, lambda session: session.study.keep(IDENTITY, kept))
    assert studies.get("tiny").identity is None
    _answers(drilldown)


@pytest.mark.parametrize(
    "added",
    [
        create_trial(value=1.0, user_attrs={TrialAttr.PARAMS: "few", TrialAttr.SECONDS: []}),
        create_trial(value=1.0, system_attrs={CONFIG: 3, ENVIRONMENT: [], TRAINING: "x"}),
        create_trial(value=1.0, system_attrs={CONFIG: {}, TRAINING: {"of": 3, "train_acc": 5}}),
        create_trial(state=TrialState.PRUNED, intermediate_values={1: math.nan, 2: math.inf}),
        create_trial(state=TrialState.RUNNING, intermediate_values={1: math.nan}),
        create_trial(state=TrialState.WAITING, user_attrs={TrialAttr.INTERRUPTED: True}),
    ],
    ids=["attributes", "tables", "what is in them", "accuracies", "running", "waiting"],
)
def test_whatever_a_foreign_trial_says_of_itself_is_shown(
    studies: Studies, added: optuna.trial.FrozenTrial, drilldown: Drilldown
) -> None:
    study = _run(studies, lambda _: None)
    study.optuna.add_trial(added)
    for form in ("table", "json", "csv"):
        shown = drilldown("show", "tiny", "--format", form)
        assert shown.code == 0
    json.loads(drilldown("show", "tiny", "--format", "json").out, parse_constant=pytest.fail)
    one_line(drilldown("export", "tiny", "--trial", "3", "-o", "-"), "has no curve to expect")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"dropout": 2.0}, "enqueued.dropout: must be a number from 0.0 to 0.1, not 2.0"),
        ({"activation": "tanh"}, "enqueued.activation: must be 'relu' or 'silu', not 'tanh'"),
        ({"lr": "abc"}, "enqueued.lr: must be a number from 0.02 to 1.0, not 'abc'"),
        ({"lr": 99}, "enqueued.lr: must be a number from 0.02 to 1.0, not 99"),
        ({"width_1": -3}, "enqueued.width_1: must be a number from"),
        ({"lr": True}, "enqueued.lr: must be a number from"),
        ({"nothing": 1.0}, "enqueued: the space 'open' has no dimension 'nothing'"),
    ],
)
def test_enqueued_values_outside_the_space_fail_and_the_study_goes_on(
    studies: Studies, values: dict[str, Any], reason: str
) -> None:
    study = _run(studies, lambda session: session.study.optuna.enqueue_trial(values))
    (failed,) = [trial for trial in study.trials() if trial.state == State.FAIL]
    assert failed.reason.startswith(reason)
    assert study.counted == 3


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"system_attrs": {"fixed_params": 3}}, "its values are no table"),
        ({"system_attrs": {CONFIG: {}}}, "more than values to try"),
        ({"user_attrs": {TrialAttr.INTERRUPTED: True}}, "more than values to try"),
        ({"intermediate_values": {1: 99.9}}, "more than values to try"),
        ({"params": {"x": 1.0}, "distributions": {"x": ONE}}, "more than values to try"),
    ],
    ids=["no values", "a config", "an attribute", "a curve", "dimensions"],
)
def test_what_waits_with_more_than_values_fails_and_the_study_goes_on(
    studies: Studies, more: dict[str, Any], reason: str
) -> None:
    waiting = create_trial(state=TrialState.WAITING, **more)
    with opened(studies, "tiny", PLAN) as session:
        session.study.optuna.add_trial(waiting)
        assert Owner(session, FakeWorkers(2, _good), []).run(3) == 0
        first = next(trial for trial in session.study.trials() if trial.number == 0)
        assert reason in session.study.optuna.trials[0].user_attrs[TrialAttr.REASON]
        assert first.state in (State.FAIL, State.INTERRUPTED)
        assert session.study.counted == 3


def test_a_dimension_of_another_kind_ends_the_launch_with_a_sentence(
    studies: Studies, tiny: Path, drilldown: Drilldown
) -> None:
    """Added before the first trial of ours; Optuna would raise in the middle of each."""
    with opened(studies, "tiny", PLAN) as session:
        kind = CategoricalDistribution(["x"])
        other = create_trial(value=1.0, params={"lr": "x"}, distributions={"lr": kind})
        session.study.optuna.add_trial(other)
        said = "a trial that is not drilldown's, in which 'lr' is a dimension of another kind"
        with pytest.raises(UserError, match=said):
            Owner(session, FakeWorkers(2, _good), []).run(3)
        states = {trial.state for trial in session.study.trials()}
    assert states == {State.FOREIGN, State.INTERRUPTED}


def test_enqueued_values_within_the_space_are_tried(studies: Studies) -> None:
    study = _run(studies, lambda session: session.study.optuna.enqueue_trial({"lr": 0.5}))
    assert [trial.sample["lr"] for trial in study.trials()].count(0.5) == 1


# --- whose it is -----------------------------------------------------------------------------


def _two_objectives(studies: Studies) -> None:
    optuna.create_study(
        study_name="tiny", storage=studies.storage, directions=["maximize", "minimize"]
    )


def _minimised(studies: Studies) -> None:
    optuna.create_study(study_name="tiny", storage=studies.storage)


def _with_an_attribute(studies: Studies) -> None:
    studies.make("tiny").optuna.set_user_attr(GOAL, "99.5 %")


def _with_a_trial(studies: Studies) -> None:
    studies.make("tiny").optuna.add_trial(create_trial(value=1.0))


@pytest.mark.parametrize(
    "stranger", [_two_objectives, _minimised, _with_an_attribute, _with_a_trial]
)
def test_a_strangers_study_is_refused_and_left_as_it_was(
    studies: Studies, stranger: Callable[[Studies], None], drilldown: Drilldown, tiny: Path
) -> None:
    stranger(studies)
    before = _content(studies)
    one_line(drilldown("launch", tiny), "study 'tiny' is not drilldown's", "--name")
    assert _content(studies) == before
    assert not (runs_dir() / "tiny").exists()
    one_line(drilldown("show", "tiny"), "has no goal: drilldown did not launch it")
    one_line(drilldown("export", "tiny"), "has no goal: drilldown did not launch it")
    assert drilldown("list").code == 0


def _content(studies: Studies) -> Any:
    study = optuna.load_study(study_name="tiny", storage=studies.storage)
    attributes = studies.storage.get_study_system_attrs(study._study_id)
    return study.directions, study.user_attrs, attributes, study.get_trials()


def test_two_storages_do_not_write_over_each_others_results(
    drilldown: Drilldown, tiny: Path, home: Path, tmp_path: Path
) -> None:
    assert drilldown("launch", tiny).code == 0
    best = home / "runs" / "tiny" / "best.toml"
    before = best.read_bytes()
    other = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    refused = drilldown("launch", tiny, "--storage", other, "--seed", "8")
    one_line(refused, "runs/tiny holds the results of study 'tiny' in drilldown.sqlite3", "--name")
    assert best.read_bytes() == before
    assert open_storage(other).names() == []


def test_a_study_launched_anew_under_a_deleted_ones_name_leaves_its_results(
    drilldown: Drilldown, tiny: Path, home: Path
) -> None:
    assert drilldown("launch", tiny).code == 0
    optuna.delete_study(study_name="tiny", storage=open_storage().storage)
    one_line(drilldown("launch", tiny), "holds the results of study 'tiny'", "move that folder")


@pytest.mark.parametrize("first", ["launch", "drill"])
def test_a_study_and_a_drill_of_one_name_do_not_write_over_each_others_results(
    drilldown: Drilldown, tiny: Path, home: Path, tmp_path: Path, no_data: None, first: str
) -> None:
    stages = tmp_path / "down.toml"
    stages.write_text(STAGES.replace("trials = 2", "trials = 1"))
    commands = {"launch": ["launch", tiny], "drill": ["drill", stages, "--name", "tiny"]}
    assert drilldown(*commands.pop(first), "--quiet").code == 0
    best = home / "runs" / "tiny" / "best.toml"
    before = best.read_bytes()
    (second,) = commands.values()
    kind = "study" if first == "launch" else "drill"
    one_line(drilldown(*second), f"runs/tiny holds the results of {kind} 'tiny'", "--name")
    assert best.read_bytes() == before


def test_a_copy_of_all_runs_is_a_whole(
    drilldown: Drilldown, tiny: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    assert drilldown("launch", tiny).code == 0
    shutil.copytree(home / "runs", tmp_path / "copy" / "runs")
    shutil.copytree(home / "data", tmp_path / "copy" / "data", symlinks=True)
    monkeypatch.setenv("DRILLDOWN_HOME", str(tmp_path / "copy"))
    assert drilldown("launch", tiny, "--trials", "3").code == 0


# --- a number that comes to another ------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["made by us", "made by Optuna"])
def once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the tables of a new storage hand out a number once only."""
    for model in (StudyModel, TrialModel):
        options = model.__table__.dialect_options["sqlite"]
        monkeypatch.setitem(options, "autoincrement", False)
    if not request.param:
        monkeypatch.setattr(sqlite, "number_once", lambda: None)
    return bool(request.param)


def test_nothing_of_a_deleted_studys_trial_is_told_to_anothers(home: Path, once: bool) -> None:
    studies = open_storage(create=True)
    assert studies.numbers_once == once
    results = [fakes.result(epoch, accuracy) for epoch, accuracy in enumerate(GOOD, start=1)]
    with opened(studies, "tiny", PLAN) as session:
        (number, _), (running, _) = session.ask(2), session.ask(2)
        optuna.delete_study(study_name="tiny", storage=studies.storage)
        other = studies.make("other").optuna
        theirs = other.ask(), other.ask()
        assert (theirs[0]._trial_id == session._running[number]._trial_id) != once
        for tell in (
            lambda: session.report(number, results[0]),
            lambda: session.hopeless(running),
            lambda: session.complete(number, results, fakes.ENVIRONMENT),
            lambda: session.ask(9),
        ):
            with pytest.raises(Lost, match="was deleted or replaced while it ran"):
                tell()
        session.interrupt()
    for trial in other.trials:
        assert trial.state == TrialState.RUNNING
        written = {**trial.intermediate_values, **trial.user_attrs, **trial.system_attrs}
        assert written == {}


def test_an_epoch_asks_the_storage_no_more_than_optuna_does(studies: Studies) -> None:
    asked: list[str] = []
    with opened(studies, "tiny", PLAN) as session:
        trials = [session.ask(2), session.ask(2)]
        assert None not in trials
        theirs, ours = session._running.values()
        sa.event.listen(
            studies.storage.engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_: asked.append(statement),
        )
        theirs.report(90.0, 1)
        needed = list(asked)
        asked.clear()
        session.report(ours.number, fakes.result(1, 90.0))
        assert asked == needed != []


def test_a_page_shows_no_other_studys_trials(home: Path, once: bool) -> None:
    studies = open_storage(create=True)
    pages = Pages(studies.storage)
    first = studies.make("first").optuna
    first.add_trial(create_trial(value=1.0))
    number = first._study_id
    assert len(_asked(pages, number)["trials"]) == 1
    optuna.delete_study(study_name="first", storage=studies.storage)
    second = studies.make("second").optuna
    assert (second._study_id == number) != once
    assert _asked(pages, second._study_id)["trials"] == []


def _asked(pages: Pages, number: int) -> Any:
    environ: dict[str, Any] = {"PATH_INFO": f"/api/studies/{number}", "QUERY_STRING": "after=0"}
    setup_testing_defaults(environ)
    return json.loads(b"".join(pages(environ, lambda *_: None)))


def test_refusals_are_errors_of_the_user() -> None:
    assert (UserError.exit_code, Lost.exit_code) == (2, 1)
