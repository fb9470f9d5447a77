"""Spaces: samples to configs, narrowing, fingerprints, and a joint model of all dimensions."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.search_space import intersection_search_space
from optuna.trial import TrialState

from mnist_core.config import Config, Data
from search.study.dimensions import distributions
from search.study.samplers import Tpe
from spaces import SPACES, Frame, Space, SpaceError
from spaces.dimensions import Choice, Dimension, Real, Whole

FRAME = Frame(10_000, 15)
NONE = "the space 'open' has no dimension"
EVERY = [(name, dimension) for name in SPACES for dimension in SPACES[name](FRAME).dimensions]
STARTUP = 10  # trials that TPE leaves to chance


def _open() -> Space:
    return SPACES["open"](FRAME)


def _ends(distribution: Dimension) -> tuple[Any, Any]:
    """Two values that differ."""
    if isinstance(distribution, Choice):
        return distribution.choices[0], distribution.choices[-1]
    return distribution.low, distribution.high


def sampled(space: Space, rng: random.Random) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for name, distribution in space.dimensions.items():
        match distribution:
            case Choice():
                params[name] = rng.choice(distribution.choices)
            case Whole():
                params[name] = rng.randint(distribution.low, distribution.high)
            case Real(log=True):
                low, high = math.log(distribution.low), math.log(distribution.high)
                params[name] = math.exp(rng.uniform(low, high))
            case Real():
                params[name] = rng.uniform(distribution.low, distribution.high)
    return params


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("frame", [FRAME, Frame(3_000, 1), Frame(2_000, 2, Data(train=600))])
def test_every_sample_is_a_config_within_the_frame(name: str, frame: Frame):
    space = SPACES[name](frame)
    rng = random.Random(1)
    for seed in range(100):
        params = sampled(space, rng)
        config = space.config(params, seed)
        assert (config.epochs, config.seed, config.data) == (frame.epochs, seed, frame.data)
        assert config.params < frame.budget
        assert Config.from_dict(config.to_dict()) == config
        assert config.optimizer.lr == params["lr"]


@pytest.mark.parametrize("name", SPACES)
def test_the_corners_of_a_space_are_configs(name: str):
    space = SPACES[name](FRAME)
    for end in (0, 1):
        corner = {name: _ends(kind)[end] for name, kind in space.dimensions.items()}
        assert space.config(corner, 2**63 - 1).params < FRAME.budget


@pytest.mark.parametrize(("name", "dimension"), EVERY)
def test_a_dimension_does_something_unless_a_choice_makes_it_idle(name: str, dimension: str):
    space = SPACES[name](FRAME)
    switch, alive = space.switches.get(dimension, (None, ()))
    choices = space.dimensions[switch].choices if switch else [None]
    rng = random.Random(2)
    for choice in choices:
        sample = sampled(space, rng)
        if switch:
            sample[switch] = choice
        configs = [
            space.config({**sample, dimension: end}, 0)
            for end in _ends(space.dimensions[dimension])
        ]
        assert (configs[0] != configs[1]) is (choice in alive if switch else True), choice


@pytest.mark.parametrize("name", SPACES)
def test_tpe_models_all_dimensions_jointly(name: str, monkeypatch: pytest.MonkeyPatch):
    """With pruned trials, and others still running, as in a launch."""
    alone: set[int] = set()
    sample_independent = TPESampler.sample_independent

    def noted(self: TPESampler, study: Any, trial: Any, *rest: Any) -> Any:
        alone.add(trial.number)
        return sample_independent(self, study, trial, *rest)

    monkeypatch.setattr(TPESampler, "sample_independent", noted)
    space = SPACES[name](FRAME)
    study = optuna.create_study(direction="maximize")
    running: list[optuna.Trial] = []
    for number in range(STARTUP + 12):
        study.sampler = Tpe().make(0, number)
        running.append(study.ask(distributions(space.dimensions)))
        assert space.config(running[-1].params, 0).params < FRAME.budget
        if len(running) == 2:
            trial = running.pop(0)
            trial.report(90 + trial.params["lr"], 1)
            if number % 4:
                study.tell(trial, 90 + trial.params["lr"])
            else:
                study.tell(trial, state=TrialState.PRUNED)
    assert alone == set(range(STARTUP + 1))  # one was running when the tenth had finished
    assert intersection_search_space(study.get_trials()) == distributions(space.dimensions)


def test_narrowed():
    space = _open().narrowed(
        {"lr": [0.1, 0.5], "step_size": (2, 5), "schedule": ["step", "linear"], "dropout": [0, 0]},
        {"activation": "silu", "label_smoothing": 0, "average_over": 100.0},
    )
    assert space.dimensions["lr"] == Real(0.1, 0.5, log=True)
    assert space.dimensions["step_size"] == Whole(2, 5)
    assert space.dimensions["schedule"] == Choice(["step", "linear"])
    assert space.dimensions["dropout"] == Real(0.0, 0.0)
    assert space.fixed == {"activation": "silu", "label_smoothing": 0.0, "average_over": 100.0}
    assert space.dimensions.keys() | space.fixed.keys() == _open().dimensions.keys()
    config = space.config(sampled(space, random.Random(0)), 1)
    assert "silu" in map(str, config.layers)
    assert config.label_smoothing == 0


def test_fixing_every_dimension_leaves_one_config():
    sample = sampled(_open(), random.Random(4))
    space = _open().narrowed({}, sample)
    assert space.dimensions == {}
    assert space.config({}, 7) == _open().config(sample, 7)


@pytest.mark.parametrize(
    ("vary", "fix", "idle"),
    [
        ({}, {"schedule": "linear"}, {"step_size", "gamma"}),
        ({}, {"schedule": "step"}, {"warmup"}),
        ({"schedule": ["onecycle", "cosine"]}, {}, {"step_size", "gamma"}),
        ({"schedule": ["onecycle", "step"]}, {}, set()),
        ({}, {"averaging": "none"}, {"average_over"}),
        ({"averaging": ["none"]}, {"schedule": "cosine"}, {"average_over", "step_size", "gamma"}),
        ({}, {"averaging": "ema"}, set()),
        ({}, {"schedule": "linear", "gamma": 0.5}, {"step_size"}),
    ],
)
def test_what_is_idle_is_no_dimension(
    vary: Mapping[str, Any], fix: Mapping[str, Any], idle: set[str]
):
    space = _open().narrowed(vary, fix)
    assert _open().dimensions.keys() - space.dimensions.keys() == idle | fix.keys()
    rng = random.Random(3)
    for _ in range(20):
        assert space.config(sampled(space, rng), 0).params < FRAME.budget


@pytest.mark.parametrize(
    ("vary", "fix", "message"),
    [
        (
            {"lrr": [0, 1]},
            {},
            "space.vary: the space 'open' has no dimension 'lrr'; did you mean 'lr'?",
        ),
        (
            {},
            {"gama": 1},
            "space.fix: the space 'open' has no dimension 'gama'; did you mean 'gamma'?",
        ),
        (
            {"batch_size": [32, 128]},
            {},
            f"space.vary: {NONE} 'batch_size'; only a stage of a drill has it",
        ),
        (
            {},
            {"momentum": 0.9},
            f"space.fix: {NONE} 'momentum'; only a stage of a drill has it",
        ),
        (
            {"widths": [0, 1]},
            {},
            f"space.vary: {NONE} 'widths'; only a stage of a drill has it",
        ),
        ({}, {"lr": [0.1, 0.4]}, "space.fix.lr: must be one value, not [0.1, 0.4]; what varies"),
        (
            {},
            {"layout": ("squeeze",)},
            "space.fix.layout: must be one value, not ['squeeze']; what varies",
        ),
        ({}, {"x" * 9999: 1}, "space.fix: the space 'open' has no dimension 'xxx"),
        (
            {"lr": [0.1, 0.2]},
            {"lr": 0.1},
            "space.fix.lr: is in space.vary too; keep one",
        ),
        ({"lr": [0.1, 1.5]}, {}, "space.vary.lr: must be a number from 0.02 to 1.0, not 1.5"),
        ({"lr": [0.5, 0.1]}, {}, "space.vary.lr: must be [low, high], not [0.5, 0.1]"),
        ({"lr": [0.1]}, {}, "space.vary.lr: must be [low, high], not [0.1]"),
        ({"lr": [0.1, 0.2, 0.3]}, {}, "space.vary.lr: must be [low, high], not [0.1, 0.2, 0.3]"),
        ({"lr": []}, {}, "space.vary.lr: must be a list of bounds or choices, not []"),
        ({"lr": 0.1}, {}, "space.vary.lr: must be a list of bounds or choices, not 0.1"),
        ({"lr": "ab"}, {}, "space.vary.lr: must be a list of bounds or choices, not 'ab'"),
        ({"lr": ["x", 0.1]}, {}, "space.vary.lr: must be a number from 0.02 to 1.0, not 'x'"),
        ({"lr": [0.1, None]}, {}, "space.vary.lr: must be a number from 0.02 to 1.0, not None"),
        ({"lr": [math.nan, 0.1]}, {}, "space.vary.lr: must be a number from 0.02 to 1.0, not nan"),
        ({"lr": [0.1, math.inf]}, {}, "space.vary.lr: must be a number from 0.02 to 1.0, not inf"),
        ({"lr": [0.1, 10**400]}, {}, "space.vary.lr: must be a number from 0.02 to 1.0, not 1000"),
        ({"lr": [0.1, True]}, {}, "space.vary.lr: must be a number from 0.02 to 1.0, not True"),
        ({"step_size": [1.0, 3]}, {}, "space.vary.step_size: must be a whole number from 1 to 14"),
        (
            {"step_size": [1, 15]},
            {},
            "space.vary.step_size: must be a whole number from 1 to 14",
        ),
        ({"layout": []}, {}, "space.vary.layout: must be a list of bounds or choices, not []"),
        (
            {"layout": ["sqeeze"]},
            {},
            "space.vary.layout: must be 'squeeze' or 'two-sq",
        ),
        ({"averaging": ["ema", 1]}, {}, "space.vary.averaging: must be 'none' or 'ema', not 1"),
        ({}, {"averaging": ["ema"]}, "space.fix.averaging: must be one value, not ['ema']"),
        ({}, {"averaging": "emma"}, "space.fix.averaging: must be 'none' or 'ema', not 'emma'"),
        ({}, {"lr": True}, "space.fix.lr: must be a number from 0.02 to 1.0, not True"),
        ({}, {"lr": math.nan}, "space.fix.lr: must be a number from 0.02 to 1.0, not nan"),
        ({}, {"lr": "0.1"}, "space.fix.lr: must be a number from 0.02 to 1.0, not '0.1'"),
        ({}, {"lr": 2}, "space.fix.lr: must be a number from 0.02 to 1.0, not 2"),
        ({}, {"lr": {}}, "space.fix.lr: must be a number from 0.02 to 1.0, not {}"),
        (
            {},
            {"step_size": 3.0},
            "space.fix.step_size: must be a whole number from 1 to 14",
        ),
        (
            {},
            {"step_size": True},
            "space.fix.step_size: must be a whole number from 1 to 14",
        ),
        (
            {"gamma": [0.1, 0.5]},
            {"schedule": "linear"},
            "space.vary.gamma: does nothing where schedule is 'linear'; leave it out",
        ),
        (
            {"gamma": [0.1, 0.5], "schedule": ["linear", "cosine"]},
            {},
            "space.vary.gamma: does nothing where schedule is 'linear' or 'cosine'; leave it out",
        ),
    ],
)
def test_a_space_cannot_be_narrowed_to_nonsense(
    vary: Mapping[str, Any], fix: Mapping[str, Any], message: str
):
    with pytest.raises(SpaceError) as refused:
        _open().narrowed(vary, fix)
    assert str(refused.value).startswith(message)
    assert len(str(refused.value)) < 350


def test_a_dimension_of_another_space_is_said_to_be_that():
    said = "has no dimension 'layout'; only the space 'open' and a stage of a drill have it"
    with pytest.raises(SpaceError, match=said):
        SPACES["classic"](FRAME).narrowed({"layout": ["squeeze"]}, {})


def test_a_whole_number_can_be_fixed():
    space = _open().narrowed({}, {"schedule": "step", "step_size": 3})
    assert space.config(sampled(space, random.Random(0)), 0).schedule.size == 3


def _differing(one: Space, other: Space) -> set[str]:
    ours, theirs = one.fingerprint(), other.fingerprint()
    return {part for part in ours | theirs if ours.get(part) != theirs.get(part)}


@pytest.mark.parametrize("name", SPACES)
def test_equal_spaces_have_equal_fingerprints(name: str):
    assert _differing(SPACES[name](FRAME), SPACES[name](FRAME)) == set()
    written = [SPACES[name](FRAME).narrowed({}, {"dropout": zero}) for zero in (0, 0.0)]
    assert _differing(*written) == set()
    prints = SPACES[name](FRAME).fingerprint()
    assert all(isinstance(value, str) for value in prints.values())
    assert prints.keys() >= SPACES[name](FRAME).dimensions.keys()


@pytest.mark.parametrize(("name", "dimension"), EVERY)
def test_fingerprint_tells_of_every_dimension(name: str, dimension: str):
    """Row 16: other bounds, one choice less, a held value, another held value, no such dimension,
    another scale."""
    space = SPACES[name](FRAME)
    kind = space.dimensions[dimension]
    first, last = _ends(kind)
    fixed = [space.narrowed({}, {dimension: end}) for end in (first, last)]
    # Idle dimensions go with a fixed choice.
    assert {dimension, f"fix.{dimension}"} <= _differing(space, fixed[0])
    assert f"fix.{dimension}" in _differing(*fixed)
    if isinstance(kind, Choice):
        fewer = space.narrowed({dimension: kind.choices[1:]}, {})
        assert dimension in _differing(space, fewer)
        reordered = space.narrowed({dimension: kind.choices[::-1]}, {})
        assert _differing(space, reordered) == {dimension}
    else:
        for bounds in ([first, type(first)((first + last) / 2)], [type(first)(last / 2), last]):
            assert _differing(space, space.narrowed({dimension: bounds}, {})) == {dimension}
        scale = Choice([first, last])
        other = replace(space, dimensions={**space.dimensions, dimension: scale})
        assert _differing(space, other) == {dimension}
    without = {key: value for key, value in space.dimensions.items() if key != dimension}
    assert _differing(space, replace(space, dimensions=without)) == {dimension}


def test_fingerprint_tells_of_the_scale():
    space = _open()
    linear = {**space.dimensions, "lr": Real(0.02, 1.0)}
    assert _differing(space, replace(space, dimensions=linear)) == {"lr"}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(
    ("frame", "differing"),
    [
        (Frame(9_999, 15), {"budget"}),
        (Frame(10_000, 14), {"epochs", "step_size"}),
        (Frame(10_000, 15, Data(train=59_999)), {"data"}),
        (Frame(10_000, 15, Data(test=9_999)), {"data"}),
    ],
)
def test_fingerprint_tells_of_the_frame(name: str, frame: Frame, differing: set[str]):
    assert _differing(SPACES[name](FRAME), SPACES[name](frame)) == differing


def test_fingerprint_tells_the_spaces_apart():
    assert "space" in _differing(SPACES["classic"](FRAME), _open())
