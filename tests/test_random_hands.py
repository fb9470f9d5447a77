"""Other hands, at random, on a study that runs: the same kinds as in test_other_hands.py, in any
order and between any two transactions of the launch.

Twenty short runs here; `pytest -m slow tests/test_random_hands.py` makes five hundred long ones.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, ClassVar

import fakes
import optuna
import pytest
import sqlalchemy as sa
from fakes import FakeWorkers, Fate
from greenlet import getcurrent, greenlet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_core import fetch
from mnist_core.config import Config
from mnist_core.errors import Lost, UserError
from search.launch import run
from search.launch.run import Launched
from search.report import listing, shown
from search.report.launched import report
from search.study import ownership, storage
from search.study.export import default_path, export
from search.study.fingerprint import FINGERPRINT
from search.study.identity import IDENTITY
from search.study.spec import StudySpec
from search.study.study import GOAL, GOAL_TABLE, Study
from search.study.trials import CONFIG, ENVIRONMENT, TRAINING, State, TrialAttr
from search.text.commands import Command
from spaces.catalogue import WIDTH_NAMES

NAME = "tiny"
LONGEST = 5_000  # transactions that no launch of so few trials takes
EPOCHS = 3


def fate(job: int, config: Config) -> Fate:
    """Of a training, by its seed alone: most go well."""
    chance = random.Random(config.seed)
    curve = [round(chance.uniform(85, 99), 2) for _ in range(EPOCHS)]
    kind = chance.randrange(8)
    if kind == 0:
        return Fate(curve[:1], "it failed")
    return Fate([curve[0], float("nan")] if kind == 1 else curve)


class Turns(greenlet):
    """A launch that goes on only when it is told to: it halts before each of its transactions, so
    that others can do something in between, at a known place."""

    def __init__(self, plan: StudySpec) -> None:
        super().__init__()
        self._plan = plan
        self.whole = False  # whether it goes on without halting
        self.launched: Launched | None = None
        self.fault: Exception | None = None

    def run(self) -> None:
        try:
            self.launched = run.launch(NAME, self._plan, None, start=fakes.quick)
        except Exception as error:
            self.fault = error

    def go_on(self, transactions: int) -> None:
        for _ in range(transactions):
            if not self.dead:
                self.switch()

    def finish(self) -> None:
        self.go_on(LONGEST)
        assert self.dead, "the launch has no end"

    def abandon(self) -> None:
        self.whole = True
        if not self.dead:
            self.throw()

    @staticmethod
    def halt(_connection: object) -> None:
        here = getcurrent()
        if isinstance(here, Turns) and not here.whole:
            here.parent.switch()


def _open_at_once(*args: Any, **options: Any) -> Any:
    """Opening a storage holds a lock that everybody else would wait for."""
    here = getcurrent()
    if isinstance(here, Turns):
        here.whole = True
    try:
        return OPEN(*args, **options)
    finally:
        if isinstance(here, Turns):
            here.whole = False


OPEN = storage.open_storage


# --- what others write -----------------------------------------------------------------------

JUNK = st.sampled_from(
    [
        None,
        True,
        -1,
        3,
        1e308,
        float("nan"),
        float("inf"),
        "",
        "99.5 %",
        "two\nlines",
        [],
        [1, "x"],
        {},
        {"of": 3, "train_acc": 5},
        {"of": ["x", 0], "train_acc": ["x"], "fit_acc": "x"},
        {"id": 3},
        {"id": "x", "name": NAME, "trials": "three"},
        {"id": "x", "name": NAME, "trials": 0},
        {"epochs": "x", "layers": []},
        {"accuracy": 50.0, "last": 1, "epochs": 2, "params": 500},
    ]
)
STUDY_ATTRS = st.sampled_from([GOAL, ownership.OWNER, "theirs"])
STUDY_TABLES = st.sampled_from(
    [
        GOAL_TABLE,
        IDENTITY,
        FINGERPRINT,
        "dashboard:note_ver",
        "dashboard:note_str:0",
        "study:metric_names",
        "dashboard:plot_data:best-trials:0",
        "theirs",
        "theirs too",
    ]
)
TRIAL_ATTRS = st.sampled_from([*TrialAttr, "theirs"])
TRIAL_TABLES = st.sampled_from([CONFIG, ENVIRONMENT, TRAINING, "theirs"])
NUMBERS = st.integers(0, 9)
ACCURACIES = st.sampled_from([50.0, 99.9, 100.0, -1.0, float("inf"), float("-inf"), float("nan")])
CURVES = st.dictionaries(st.integers(0, EPOCHS + 1), ACCURACIES, max_size=EPOCHS)
DIMENSIONS: list[tuple[dict[str, Any], dict[str, BaseDistribution]]] = [
    ({}, {}),
    ({"x": 1.0}, {"x": FloatDistribution(0.0, 2.0)}),
    ({"lr": 50.0}, {"lr": FloatDistribution(0.0, 99.0)}),
    ({"lr": "abc"}, {"lr": CategoricalDistribution(["abc"])}),
]
WANTED = st.dictionaries(
    st.sampled_from(["lr", "dropout", "gamma", "width_1", "theirs"]),
    st.sampled_from([0.05, 0.5, 0, 99, -3, True, None, "abc", "relu", [1], float("nan")]),
    max_size=3,
)


@st.composite
def added(draw: st.DrawFn, copied: FrozenTrial | None) -> FrozenTrial:
    """A trial that comes as it is. copied: one whose tables it may bring along."""
    params, distributions = draw(st.sampled_from(DIMENSIONS))
    tables = draw(st.dictionaries(TRIAL_TABLES, JUNK, max_size=2))
    if copied is not None and draw(st.booleans()):
        tables = {**copied.system_attrs, **tables}
    state = draw(st.sampled_from(list(TrialState)))
    if state == TrialState.WAITING and draw(st.booleans()):
        tables["fixed_params"] = draw(JUNK | WANTED)
    return create_trial(
        state=state,
        value=draw(ACCURACIES) if state == TrialState.COMPLETE else None,
        params=params,
        distributions=distributions,
        user_attrs=draw(st.dictionaries(TRIAL_ATTRS, JUNK, max_size=2)),
        system_attrs=tables,
        intermediate_values=draw(CURVES),
    )


# --- what others read ------------------------------------------------------------------------


def _found() -> Study:
    return OPEN(read_only=True).get(NAME)


def _show() -> None:
    assert shown.trials(_found(), shown.View(), "show")


def _show_for_programs() -> None:
    json.loads(shown.trials(_found(), shown.View("json"), "show"), parse_constant=pytest.fail)


def _list() -> None:
    assert listing.studies({}, {}, None)


def _export() -> None:
    export(_found(), None, default_path(NAME))


READERS = (_show, _show_for_programs, _list, _export)


# --- the machine -----------------------------------------------------------------------------


class OtherHands(RuleBasedStateMachine):
    """One home with one study, launched again and again, and what others do to it."""

    homes: ClassVar[Iterator[None]]
    """Each step of it is another empty home."""

    @initialize(
        sampler=st.sampled_from(["random", "tpe"]),
        pruner=st.sampled_from(["none", "goal", "median"]),
        trials=st.integers(1, 4),
    )
    def begin(self, sampler: str, pruner: str, trials: int) -> None:
        next(self.homes)
        few = {"n_startup_trials": 1}
        options = {"tpe": few, "median": few, "goal": {"startup": 1, "peers": 1}}
        self.plan = fakes.study(
            trials=trials,
            workers=2,
            engine="torch",
            space={"name": "classic", "fix": dict.fromkeys(WIDTH_NAMES[1:], 0.5)},
            sampler={"kind": sampler, **options.get(sampler, {})},
            pruner={"kind": pruner, **options.get(pruner, {})},
        )
        self.theirs = OPEN(create=True).storage
        self.ended: dict[tuple[int, int], str] = {}  # (study, trial) -> all that is kept of it
        self.added: set[tuple[int, int]] = set()
        self.told_apart = True  # whether what is ours can be, by what is kept with the study
        self.owner = Turns(self.plan)

    # What the owner does.

    @rule(transactions=st.integers(1, 60))
    def go_on(self, transactions: int) -> None:
        if not self.owner.dead:
            self.owner.go_on(transactions)
            self._check_kept()
            self._check_end()

    @rule()
    def launch_again(self) -> None:
        """As a second process; once the first is through, as its successor."""
        if self.owner.dead:
            self.owner = Turns(self.plan)
        else:
            second = Turns(self.plan)
            second.finish()
            _check_said(second)
            self._check_kept()

    # What others do.

    @rule(
        number=NUMBERS,
        value=st.none() | ACCURACIES,
        state=st.sampled_from([None, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]),
    )
    def tell(self, number: int, value: float | None, state: TrialState | None) -> None:
        self._meddle(lambda study: study.tell(number, value, state))

    @rule(number=NUMBERS, step=st.integers(0, EPOCHS + 1), value=ACCURACIES)
    def report(self, number: int, step: int, value: float) -> None:
        self._meddle(lambda study: _handle(study, number).report(value, step))

    @rule(data=st.data())
    def add(self, data: st.DataObject) -> None:
        def do(study: optuna.Study) -> None:
            known = study.get_trials(deepcopy=False)
            copied = data.draw(st.sampled_from(known), "copied") if known else None
            study.add_trial(data.draw(added(copied)))

        self._meddle(do)

    @rule(values=WANTED, attrs=st.dictionaries(TRIAL_ATTRS, JUNK, max_size=1))
    def enqueue(self, values: dict[str, Any], attrs: dict[str, Any]) -> None:
        self._meddle(lambda study: study.enqueue_trial(values, attrs))

    @rule(dimensions=st.sampled_from(DIMENSIONS))
    def ask(self, dimensions: tuple[Any, dict[str, BaseDistribution]]) -> None:
        self._meddle(lambda study: study.ask(dimensions[1]))

    @rule(key=STUDY_ATTRS, value=JUNK)
    def set_study_attr(self, key: str, value: Any) -> None:
        self._meddle(lambda study: study.set_user_attr(key, value))

    @rule(key=STUDY_TABLES, value=JUNK)
    def set_study_table(self, key: str, value: Any) -> None:
        self.told_apart &= key not in (IDENTITY, GOAL_TABLE)
        self._meddle(lambda study: self.theirs.set_study_system_attr(study._study_id, key, value))

    @rule(number=NUMBERS, key=TRIAL_ATTRS, value=JUNK)
    def set_trial_attr(self, number: int, key: str, value: Any) -> None:
        self._meddle(lambda study: _handle(study, number).set_user_attr(key, value))

    @rule(number=NUMBERS, key=TRIAL_TABLES, value=JUNK)
    def set_trial_table(self, number: int, key: str, value: Any) -> None:
        self._meddle(
            lambda study: self.theirs.set_trial_system_attr(
                _handle(study, number)._trial_id, key, value
            )
        )

    @rule(anew=st.booleans())
    def delete(self, anew: bool) -> None:
        self._meddle(lambda _: optuna.delete_study(study_name=NAME, storage=self.theirs))
        if anew:
            optuna.create_study(study_name=NAME, storage=self.theirs, load_if_exists=True)

    @rule()
    def rename(self) -> None:
        """As the dashboard does it."""

        def do(study: optuna.Study) -> None:
            optuna.copy_study(
                from_study_name=NAME,
                from_storage=self.theirs,
                to_storage=self.theirs,
                to_study_name="renamed",
            )
            optuna.delete_study(study_name=NAME, storage=self.theirs)

        self._meddle(do)

    def _meddle(self, do: Callable[[optuna.Study], object]) -> None:
        """What Optuna refuses to do for others is their affair."""
        with suppress(Exception):
            study = optuna.load_study(study_name=NAME, storage=self.theirs)
            before = len(study.get_trials(deepcopy=False))
            try:
                do(study)
            finally:
                for trial in study.get_trials(deepcopy=False)[before:]:
                    self.added.add((study._study_id, trial.number))

    # What has to hold.

    @rule(read=st.sampled_from(READERS))
    def read(self, read: Callable[[], object]) -> None:
        """With what there is, or with a sentence."""
        with suppress(UserError):
            read()

    def _check_kept(self) -> None:
        """What has ended stays as it is, in every field."""
        for study in self.theirs.get_all_studies():
            for trial in self.theirs.get_all_trials(study._study_id, deepcopy=False):
                if trial.state.is_finished():
                    kept = repr(sorted(vars(trial).items()))
                    place = (study._study_id, trial.number)
                    assert self.ended.setdefault(place, kept) == kept

    def _check_end(self) -> None:
        """How a launch has just ended, if it has, and what it left."""
        if not self.owner.dead:
            return
        _check_said(self.owner)
        study = OPEN(read_only=True).find(NAME)
        lost = isinstance(self.owner.fault, Lost)  # nothing more was written
        if lost or study is None or not study.launched or not self.told_apart:
            return
        rows = study.trials()
        number = study.optuna._study_id
        launched = self.owner.launched
        if launched is not None and launched.study.optuna._study_id == number:  # not replaced since
            assert study.counted >= self.plan.trials
        running = {row.number for row in rows if row.state == State.RUNNING}
        assert not [each for each in running if (number, each) not in self.added]
        for row in rows:
            if row.state in (State.COMPLETE, State.PRUNED):
                assert row.config is not None
                curve = fate(row.number, row.config).test_acc
                assert list(row.test_acc) == curve[: len(row.test_acc)]
                if row.state == State.COMPLETE:
                    assert row.score == self.plan.goal.ending(curve).score

    def teardown(self) -> None:
        if not hasattr(self, "owner"):
            return
        try:
            for owner in (self.owner, Turns(self.plan)):
                self.owner = owner
                owner.finish()
                self._check_kept()
                self._check_end()
            for read in READERS:
                self.read(read)
        finally:
            self.owner.abandon()


def _check_said(owner: Turns) -> None:
    """0, or one sentence."""
    if owner.launched is None:
        assert isinstance(owner.fault, UserError), owner.fault
        assert str(owner.fault)
    else:
        with suppress(UserError):  # deleted since
            assert report(owner.launched, "launch", None, Command("launch", NAME, NAME))


def _handle(study: optuna.Study, number: int) -> optuna.Trial:
    return optuna.Trial(study, study.trials[number]._trial_id)


@pytest.fixture
def machine(
    tables: Path,
    one_version: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[type[OtherHands]]:
    """Launches without processes, that halt; storages that are made once, and need not outlive the
    machine."""
    connections: list[Any] = []

    def homes() -> Iterator[None]:
        while True:
            home = tmp_path_factory.mktemp("home")
            monkeypatch.setenv("DRILLDOWN_HOME", str(home))
            (home / "runs").mkdir()
            shutil.copy(tables, home / "runs")
            yield
            while connections:
                connections.pop().close()

    def careless(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")
        connections.append(connection)

    monkeypatch.setattr(fetch, "ensure", lambda *_: None)
    monkeypatch.setattr(ownership, "_SETTLE", 0.0)
    monkeypatch.setattr(storage, "open_storage", _open_at_once)
    monkeypatch.setattr(
        run, "LocalWorkers", lambda count, *_: nullcontext(FakeWorkers(count, fate))
    )
    sa.event.listen(sa.Engine, "begin", Turns.halt)
    sa.event.listen(sa.Pool, "connect", careless)
    yield type("Bound", (OtherHands,), {"homes": homes()})
    sa.event.remove(sa.Engine, "begin", Turns.halt)
    sa.event.remove(sa.Pool, "connect", careless)


def _runs(machine: type[OtherHands], runs: int, steps: int, **options: Any) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],  # to explain takes too long
            suppress_health_check=checks,
            **options,
        ),
    )


def test_others_at_random_end_no_launch_but_with_a_sentence(machine: type[OtherHands]) -> None:
    _runs(machine, 20, 6, derandomize=True, database=None)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_others_at_random_five_hundred_times(machine: type[OtherHands]) -> None:
    _runs(machine, 500, 14, database=None)
