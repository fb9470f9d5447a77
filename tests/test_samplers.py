"""Samplers: each runs a study; what a trial is sampled depends on its number only."""

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import fakes
import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import TrialState
from pydantic import ValidationError

from mnist_core.config import Config
from mnist_core.files import explain
from mnist_core.goal import Goal
from search.study.dimensions import distributions
from search.study.pruners import (
    Hyperband,
    Median,
    NoPruning,
    Patient,
    Pruner,
    SuccessiveHalving,
)
from search.study.samplers import CmaEs, Gp, Qmc, Sampler, Tpe
from search.study.spec import StudySpec
from search.study.trials import CONFIG, attach
from spaces import SPACES, Frame, Space

GOAL = Goal(accuracy=99.0, last=2, epochs=4, params=5_000)
SAMPLERS = get_args(get_args(Sampler)[0])
PRUNERS = get_args(get_args(Pruner)[0])
NONE = NoPruning()
Params = dict[str, Any]


def _space() -> Space:
    return SPACES["open"](Frame(GOAL.params, GOAL.epochs))


def _study(pruner: Pruner = NONE, **options: Any) -> Study:
    return optuna.create_study(direction="maximize", pruner=pruner.make(GOAL), **options)


def _final(config: Config) -> float:
    """An accuracy, percent, that the samplers can learn from."""
    return 99.5 - abs(config.optimizer.lr - 0.2) - config.label_smoothing


def _train(trial: optuna.Trial, space: Space, goal: Goal = GOAL) -> TrialState:
    """As the owner does: report each epoch, and ask the pruner but at the last."""
    config = space.config(trial.params, trial.number)
    attach(trial, CONFIG, config.to_dict())
    curve = [_final(config) - 8 / epoch**2 for epoch in range(1, goal.epochs + 1)]
    for epoch, accuracy in enumerate(curve, start=1):
        trial.report(accuracy, epoch)
        if epoch < goal.epochs and trial.should_prune():
            trial.study.tell(trial, state=TrialState.PRUNED)
            return TrialState.PRUNED
    trial.study.tell(trial, goal.ending(curve).score)
    return TrialState.COMPLETE


def _run(study: Study, space: Space, sampler: Sampler, trials: int, seed: int = 1) -> list[Params]:
    """So many more trials, each with a sampler of its own; returns the parameters of all."""
    for _ in range(trials):
        study.sampler = sampler.make(seed, len(study.get_trials(deepcopy=False)))
        _train(study.ask(distributions(space.dimensions)), space)
    return [trial.params for trial in study.get_trials(deepcopy=False)]


@pytest.mark.parametrize(
    "sampler",
    [
        *(kind() for kind in SAMPLERS),
        Tpe(n_startup_trials=0, n_ei_candidates=1, constant_liar=False),
        Tpe(n_startup_trials=4, multivariate=False),
        Gp(n_startup_trials=11, deterministic_objective=True),
        CmaEs(n_startup_trials=0, popsize=4),
        CmaEs(popsize=4, with_margin=True, consider_pruned_trials=True),
        Qmc(qmc_type="halton", scramble=False),
    ],
    ids=str,
)
def test_every_sampler_runs_a_study(sampler: Sampler):
    space = _space()
    sampled = _run(_study(Median()), space, sampler, 12)
    assert len({repr(params) for params in sampled}) == 12
    for params in sampled:
        assert params.keys() == space.dimensions.keys()
        assert space.config(params, 0).params < GOAL.params


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize(
    "pruner",
    [
        *(kind() for kind in PRUNERS),
        Median(n_startup_trials=0, n_warmup_steps=9, interval_steps=9),
        SuccessiveHalving(min_resource=100, min_early_stopping_rate=9),
        Hyperband(min_resource=100),
        Patient(patience=0, wrapped="none"),
    ],
    ids=str,
)
def test_every_pruner_runs_a_study_with_every_sampler(pruner: Pruner, kind: type[Sampler]):
    startup = {"n_startup_trials": 3} if "n_startup_trials" in kind.model_fields else {}
    study = _study(pruner)
    _run(study, _space(), kind(**startup), 4 if kind is Gp else 12)
    states = {trial.state for trial in study.get_trials(deepcopy=False)}
    assert TrialState.COMPLETE in states
    assert states <= {TrialState.COMPLETE, TrialState.PRUNED}


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_sample_depends_on_seed_and_trial_only(kind: type[Sampler]):
    def first(seed: int, trial: int) -> Params:
        study = _study()
        study.sampler = kind().make(seed, trial)
        return dict(study.ask(distributions(_space().dimensions)).params)

    assert first(1, 0) == first(1, 0)
    different = [first(1, 0), first(1, 1), first(2, 0), first(2**63 - 1, 0)]
    assert len({repr(params) for params in different}) == 4


@pytest.mark.parametrize("kind", [Tpe, CmaEs, Qmc])
def test_resumed_is_as_in_one_go(kind: type[Sampler], tmp_path: Path):
    """Row 19: 10 trials, another process on the same storage, 10 more; or 20 at once."""
    space = _space()
    straight = _run(_study(), space, kind(), 20)
    url = f"sqlite:///{tmp_path / 'studies.sqlite3'}"
    for _ in range(2):
        storage = RDBStorage(url)
        study = _study(study_name="s", storage=storage, load_if_exists=True)
        resumed = _run(study, space, kind(), 10)
        storage.engine.dispose()
    assert resumed == straight
    assert len({repr(params) for params in straight}) == 20


def test_quasi_random_points_never_repeat_and_spread_evenly():
    """Two trials that failed come first: until one has ended well there is no sequence."""
    space, qmc = _space(), Qmc()
    study = _study()
    for trial in range(2):
        study.sampler = qmc.make(1, trial)
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
        study.sampler = Qmc().make(1, trial)
        study.ask(distributions(space.dimensions))
    assert len({repr(trial.params) for trial in study.get_trials()}) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "tpee"}, "sampler.kind: 'tpee' is unknown; did you mean 'tpe'?"),
        ({"kind": "median"}, "sampler.kind: 'median' is unknown; known are cmaes, gp, qmc, ran"),
        ({"kind": "x" * 9999}, "sampler.kind: 'xxx"),
        (
            {"kind": "tpe", "n_startup": 3},
            "sampler.n_startup: is not a field here; did you mean 'n_startup_trials'?",
        ),
        ({"kind": "tpe", "seed": 3}, "sampler.seed: stands at the top of the file"),
        ({"kind": "random", "a\nb": 3}, "sampler.'a\\nb': is not a field here; known are kind"),
        (
            {"kind": "tpe", "n_startup_trials": "a"},
            "sampler.n_startup_trials: must be a valid integer, not 'a'",
        ),
        (
            {"kind": "tpe", "n_startup_trials": -1},
            "sampler.n_startup_trials: must be greater than or equal to 0, not -1",
        ),
        ({"kind": "tpe", "n_ei_candidates": 0}, "sampler.n_ei_candidates: must be greater than"),
        ({"kind": "tpe", "multivariate": 1}, "sampler.multivariate: must be a valid boolean, not"),
        ({"kind": "cmaes", "popsize": 1}, "sampler.popsize: must be greater than or equal to 4"),
        ({"kind": "qmc", "qmc_type": "x"}, "sampler.qmc_type: must be 'sobol' or 'halton', not 'x"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValidationError) as refused:
        fakes.study(sampler=options)
    said = explain(refused.value, StudySpec)
    assert said.startswith(message)
    assert "\n" not in said
    assert len(said) < 250


def test_what_is_kept_of_a_sampler_is_what_was_said():
    """As in the storages of versions that knew no options that were not given."""
    assert Tpe().model_dump(mode="json") == {"kind": "tpe"}
    assert Qmc(scramble=False).model_dump(mode="json") == {"kind": "qmc", "scramble": False}


def test_files_are_read_without_optuna():
    """Its import takes longer than all else that samplers and pruners need to be read."""
    read = (
        "import sys, search.study.pruners, search.study.samplers; sys.exit('optuna' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", read], check=True)
