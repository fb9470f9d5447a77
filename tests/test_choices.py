"""Samplers and pruners: each runs a study; what a trial is sampled depends on its number only."""

import inspect
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import TrialState

from mnist_core.config import Config
from mnist_core.goal import Goal
from search.study import trials as results
from search.study.choices import Choice, ChoiceError, make_pruner, make_sampler
from search.study.dimensions import distributions
from search.study.goal_pruner import GoalPruner
from spaces import SPACES, Frame, Space

GOAL = Goal(accuracy=99.0, last=2, epochs=4, params=5_000)
SAMPLERS = ("tpe", "gp", "random", "cmaes", "qmc")
PRUNERS = ("goal", "median", "successive-halving", "hyperband", "patient", "none")
Params = dict[str, Any]


def _space() -> Space:
    return SPACES["open"](Frame(GOAL.params, GOAL.epochs))


NONE = Choice(kind="none")


def _study(pruner: Choice = NONE, **options: Any) -> Study:
    return optuna.create_study(direction="maximize", pruner=make_pruner(pruner, GOAL), **options)


def _final(config: Config) -> float:
    """An accuracy, percent, that the samplers can learn from."""
    return 99.5 - abs(config.optimizer.lr - 0.2) - config.label_smoothing


def _train(trial: optuna.Trial, space: Space, goal: Goal = GOAL) -> TrialState:
    """As the owner does: report each epoch, and ask the pruner but at the last."""
    config = space.config(trial.params, trial.number)
    results.attach(trial, results.CONFIG, config.to_dict())
    curve = [_final(config) - 8 / epoch**2 for epoch in range(1, goal.epochs + 1)]
    for epoch, accuracy in enumerate(curve, start=1):
        trial.report(accuracy, epoch)
        if epoch < goal.epochs and trial.should_prune():
            trial.study.tell(trial, state=TrialState.PRUNED)
            return TrialState.PRUNED
    trial.study.tell(trial, goal.ending(curve).score)
    return TrialState.COMPLETE


def _run(study: Study, space: Space, sampler: Choice, trials: int, seed: int = 1) -> list[Params]:
    """So many more trials, each with a sampler of its own; returns the parameters of all."""
    for _ in range(trials):
        study.sampler = make_sampler(sampler, seed, len(study.get_trials(deepcopy=False)))
        _train(study.ask(distributions(space.dimensions)), space)
    return [trial.params for trial in study.get_trials(deepcopy=False)]


@pytest.mark.parametrize(
    "sampler",
    [
        *(Choice(kind=kind) for kind in SAMPLERS),
        Choice(kind="tpe", n_startup_trials=0, n_ei_candidates=1, constant_liar=False),
        Choice(kind="tpe", n_startup_trials=4, multivariate=False),
        Choice(kind="gp", n_startup_trials=11, deterministic_objective=True),
        Choice(kind="cmaes", n_startup_trials=0, popsize=4),
        Choice(kind="cmaes", popsize=4, with_margin=True, consider_pruned_trials=True),
        Choice(kind="qmc", qmc_type="halton", scramble=False),
    ],
    ids=str,
)
def test_every_sampler_runs_a_study(sampler: Choice):
    space = _space()
    sampled = _run(_study(Choice(kind="median")), space, sampler, 12)
    assert len({repr(params) for params in sampled}) == 12
    for params in sampled:
        assert params.keys() == space.dimensions.keys()
        assert space.config(params, 0).params < GOAL.params


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize(
    "pruner",
    [
        *(Choice(kind=kind) for kind in PRUNERS),
        Choice(kind="median", n_startup_trials=0, n_warmup_steps=9, interval_steps=9),
        Choice(kind="successive-halving", min_resource=100, min_early_stopping_rate=9),
        Choice(kind="hyperband", min_resource=100),
        Choice(kind="patient", patience=0, wrapped="none"),
    ],
    ids=str,
)
def test_every_pruner_runs_a_study_with_every_sampler(pruner: Choice, kind: str):
    startup = {} if kind in ("random", "qmc") else {"n_startup_trials": 3}
    study = _study(pruner)
    _run(study, _space(), Choice(kind=kind, **startup), 4 if kind == "gp" else 12)
    states = {trial.state for trial in study.get_trials(deepcopy=False)}
    assert TrialState.COMPLETE in states
    assert states <= {TrialState.COMPLETE, TrialState.PRUNED}


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_sample_depends_on_seed_and_trial_only(kind: str):
    def first(seed: int, trial: int) -> Params:
        study = _study()
        study.sampler = make_sampler(Choice(kind=kind), seed, trial)
        return dict(study.ask(distributions(_space().dimensions)).params)

    assert first(1, 0) == first(1, 0)
    different = [first(1, 0), first(1, 1), first(2, 0), first(2**63 - 1, 0)]
    assert len({repr(params) for params in different}) == 4


@pytest.mark.parametrize("kind", ["tpe", "cmaes", "qmc"])
def test_resumed_is_as_in_one_go(kind: str, tmp_path: Path):
    """Row 19: 10 trials, another process on the same storage, 10 more; or 20 at once."""
    space = _space()
    straight = _run(_study(), space, Choice(kind=kind), 20)
    url = f"sqlite:///{tmp_path / 'studies.sqlite3'}"
    for _ in range(2):
        storage = RDBStorage(url)
        study = _study(study_name="s", storage=storage, load_if_exists=True)
        resumed = _run(study, space, Choice(kind=kind), 10)
        storage.engine.dispose()
    assert resumed == straight
    assert len({repr(params) for params in straight}) == 20


def test_quasi_random_points_never_repeat_and_spread_evenly():
    """Two trials that failed come first: until one has ended well there is no sequence."""
    space, qmc = _space(), Choice(kind="qmc")
    study = _study()
    for trial in range(2):
        study.sampler = make_sampler(qmc, 1, trial)
        study.tell(study.ask(distributions(space.dimensions)), state=TrialState.FAIL)
    sampled = _run(study, space, qmc, 17)
    assert len({repr(params) for params in sampled}) == 19
    for name in ("dropout", "width_1"):
        high = space.dimensions[name].high
        sixteenths = sorted(int(16 * params[name] / high) for params in sampled[3:])
        assert sixteenths == list(range(16))
    other = _run(_study(), space, qmc, 3, seed=2)
    assert all(params not in sampled for params in other)


def test_quasi_random_points_asked_for_at_once_differ():
    study, space = _study(), _space()
    for trial in range(6):
        study.sampler = make_sampler(Choice(kind="qmc"), 1, trial)
        study.ask(distributions(space.dimensions))
    assert len({repr(trial.params) for trial in study.get_trials()}) == 6


def _stopped_at(pruner: Choice, good: int, curve: list[float]) -> int | None:
    """The epoch at which the pruner stops this curve after `good` even ones; None if never."""
    study = _study(pruner)
    config = (
        _space()
        .config(
            {
                name: kind.to_external_repr(0) if hasattr(kind, "choices") else kind.low
                for name, kind in _space().dimensions.items()
            },
            0,
        )
        .to_dict()
    )
    for accuracies in [[98.0, 98.5, 99.0, 99.2]] * good + [curve]:
        trial = study.ask()
        results.attach(trial, results.CONFIG, config)
        for epoch, accuracy in enumerate(accuracies, start=1):
            trial.report(accuracy, epoch)
            if trial.should_prune():
                return epoch if accuracies is curve else pytest.fail("a good one was pruned")
        study.tell(trial, GOAL.ending(accuracies).score)
    return None


BAD = [20.0, 19.0, 18.0, 17.0]


@pytest.mark.parametrize(
    ("pruner", "good", "epoch"),
    [
        (Choice(kind="none"), 30, None),
        (Choice(kind="median"), 4, None),
        (Choice(kind="median"), 5, 1),
        (Choice(kind="median", n_startup_trials=2), 2, 1),
        (Choice(kind="median", n_warmup_steps=3), 8, 3),
        (Choice(kind="successive-halving"), 8, 1),
        (Choice(kind="successive-halving", min_resource=2), 8, 2),
        (Choice(kind="patient", patience=1), 8, 3),
        (Choice(kind="patient", patience=1, wrapped="median"), 4, None),
        (Choice(kind="patient", patience=1, wrapped="median"), 8, 3),
        (Choice(kind="patient", patience=0, wrapped="none"), 0, 2),
        (Choice(kind="patient", wrapped="none"), 0, None),
        (Choice(kind="patient", patience=0, min_delta=1.5, wrapped="none"), 0, 3),
    ],
    ids=str,
)
def test_pruners_heed_their_options(pruner: Choice, good: int, epoch: int | None):
    assert _stopped_at(pruner, good, BAD) == epoch


def test_every_option_of_the_goal_pruner_can_be_said():
    options = dict(inspect.signature(GoalPruner).parameters)
    del options["goal"]
    defaults = {name: option.default for name, option in options.items()}
    assert _stopped_at(Choice(kind="goal", **defaults), 8, BAD) is not None
    assert _stopped_at(Choice(kind="goal", startup=9), 8, BAD) is None


def test_hyperband_shares_out_the_goals_epochs():
    """It prunes without having seen how long a trial gets, and in one bracket prunes at once."""
    stops = {_stopped_at(Choice(kind="hyperband", reduction_factor=2), n, BAD) for n in range(12)}
    assert 1 in stops
    one = {_stopped_at(Choice(kind="hyperband", max_resource=1), n, BAD) for n in range(4, 8)}
    assert one == {1}


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("sampler", {"kind": "tpee"}, "sampler.kind: no sampler 'tpee'; did you mean 'tpe'?"),
        ("sampler", {"kind": "median"}, "sampler.kind: no sampler 'median'; known are cmaes, gp,"),
        ("sampler", {"kind": "x" * 9999}, "sampler.kind: no sampler 'xxx"),
        ("pruner", {"kind": "hyper-band"}, "pruner.kind: no pruner 'hyper-band'; did you mean 'hy"),
        (
            "sampler",
            {"kind": "tpe", "n_startup_trial": 3},
            "sampler: 'n_startup_trial' is no option of 'tpe'; did you mean 'n_startup_trials'?",
        ),
        ("sampler", {"kind": "tpe", "seed": 3}, "sampler: 'seed' is no option of 'tpe'; known are"),
        ("sampler", {"kind": "random", "a\nb": 3}, "sampler: 'a\\nb' is no option of 'random', wh"),
        ("pruner", {"kind": "goal", "goal": 3}, "pruner: 'goal' is no option of 'goal'; known ar"),
        (
            "sampler",
            {"kind": "tpe", "n_startup_trials": "a"},
            "sampler.n_startup_trials: must be a valid integer, not 'a'",
        ),
        (
            "sampler",
            {"kind": "tpe", "n_startup_trials": -1},
            "sampler.n_startup_trials: must be greater than or equal to 0, not -1",
        ),
        ("sampler", {"kind": "tpe", "n_ei_candidates": 0}, "sampler.n_ei_candidates: must be gre"),
        ("sampler", {"kind": "tpe", "multivariate": 1}, "sampler.multivariate: must be a valid b"),
        ("sampler", {"kind": "cmaes", "popsize": 1}, "sampler.popsize: must be greater than or"),
        ("sampler", {"kind": "qmc", "qmc_type": "x"}, "sampler.qmc_type: must be 'sobol' or 'hal"),
        ("pruner", {"kind": "goal", "spare": 1.0}, "pruner.spare: must be less than 1, not 1.0"),
        ("pruner", {"kind": "goal", "alike": float("nan")}, "pruner.alike: must be a finite num"),
        ("pruner", {"kind": "hyperband", "min_resource": "auto"}, "pruner.min_resource: must be"),
        ("pruner", {"kind": "hyperband", "reduction_factor": 1}, "pruner.reduction_factor: must"),
        ("pruner", {"kind": "patient", "wrapped": "patient"}, "pruner.wrapped: must be 'goal', "),
        ("pruner", {"kind": "patient", "wrapped": 3}, "pruner.wrapped: must be 'goal', 'median'"),
        ("pruner", {"kind": "patient", "patience": {"a": []}}, "pruner.patience: must be a val"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    table: str, options: dict[str, Any], message: str
):
    choice = Choice(**options)
    make = {
        "sampler": lambda: make_sampler(choice, 1, 0),
        "pruner": lambda: make_pruner(choice, GOAL),
    }
    with pytest.raises(ChoiceError) as refused:
        make[table]()
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250
