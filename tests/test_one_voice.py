"""What is said of random stages: every counsel is possible, none contradicts another, and nothing
is judged where it does nothing."""

import random
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import drills
import pytest
from drills import Done
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from pydantic import ValidationError

from mnist_core.config import Config, Ema
from mnist_core.layers import Dropout
from mnist_core.schedule import OneCycle
from search.chance.importance import LEAST
from search.drill.result import Candidate, DrillResult, StageResult, Tried
from search.drill.spec import DrillSpec
from search.report.advice import Advice, advice, spelled
from search.report.analysis import advised, analysis
from search.report.findings import Findings, findings
from search.study.trials import Complete
from spaces import Frame, around
from spaces.catalogue import CATALOGUE, all_dimensions, edited
from spaces.dimensions import Choice, Dimension
from spaces.space import Sample

GOAL = drills.SPEC.goal
FRAME = Frame(GOAL.params, GOAL.epochs, drills.SPEC.data)
KNOWN = all_dimensions(FRAME)
NAMES = [name for name in KNOWN if name not in (*around.catalogue.WIDTH_NAMES, "layout")]
WIDE = {"widths": "all", "layout": "all"}
ENDS = (99.0, 99.1, 99.1, 99.4)  # of curves, so that scores are often equal


@st.composite
def bases(draw: st.DrawFn) -> Config:
    """A plain net with some of what a stage can vary, also at nought and at its most."""
    schedules = [{"kind": "linear"}, {"kind": "onecycle"}, {"kind": "none"}]
    steps = {"kind": "step", "size": draw(st.integers(1, 7)), "gamma": 0.5}
    changed = drills.plain(
        schedule=draw(st.sampled_from([*schedules, steps])),
        averaging=draw(
            st.sampled_from(
                [{"kind": "none"}, *({"kind": "ema", "decay": d} for d in (0.9, 0.9995))]
            )
        ),
        augment=draw(
            st.sampled_from([[], [{"kind": "affine"}], [{"kind": "rotation", "degrees": 7.0}]])
        ),
        label_smoothing=draw(st.sampled_from([0.0, 0.05, 0.1])),
        optimizer={
            "kind": "sgd",
            "lr": 0.1,
            "weight_decay": draw(st.sampled_from([0.0, 1e-5, 1e-4, 2e-3])),
        },
    )
    return edited(changed, {"dropout": draw(st.sampled_from([0.0, 0.05, 0.1]))}, FRAME.budget)


def _bounds(draw: st.DrawFn, kind: Dimension) -> Any:
    """All of a dimension, or a part of it: down to one value."""
    if draw(st.booleans()):
        return "all"
    if isinstance(kind, Choice):
        return tuple(draw(st.lists(st.sampled_from(kind.choices), min_size=1, unique=True)))
    if isinstance(kind.low, int):
        low = draw(st.integers(kind.low, kind.high))
        return low, draw(st.integers(low, min(low + 2, kind.high)))
    return tuple(sorted(draw(st.floats(kind.low, kind.high)) for _ in range(2)))


@st.composite
def results(draw: st.DrawFn) -> DrillResult:
    """A drill whose first stage has begun: around bases of which some were trained in it before,
    with trials at random places, many at bounds and many worth the same."""
    found: dict[str, Config] = {f"base-{n}": draw(bases()) for n in range(draw(st.integers(1, 2)))}
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    stage: dict[str, Any] = {"name": "net", "trials": 20, "keep": 2, "vary": {}, "fix": {}}
    for name in [*chosen, *WIDE] if draw(st.integers(0, 3)) == 0 else chosen:
        fixes = name in NAMES and draw(st.booleans())
        value = WIDE.get(name) or (draw(_one(KNOWN[name])) if fixes else _bounds(draw, KNOWN[name]))
        _try(found, stage, "fix" if fixes else "vary", name, value)
    _try(found, stage, "vary", "label_smoothing", "all")  # else perhaps there would be nothing
    if not stage["vary"]:
        stage["vary"]["lr"] = "all"
        stage["fix"].pop("lr", None)
    later = draw(st.sampled_from([{"lr": "all"}, {"dropout": "all"}, {"averaging": "all", **WIDE}]))
    second = {**drills.VALUES["stage"][1], "vary": later}
    spec = DrillSpec.from_dict({**drills.VALUES, "stage": [stage, second]})
    return DrillResult("tiny", spec, [_stage(draw, spec, found)])


def _one(kind: Dimension) -> st.SearchStrategy[Any]:
    return st.sampled_from(kind.choices if isinstance(kind, Choice) else (kind.low, kind.high))


def _try(
    found: Mapping[str, Config], stage: dict[str, Any], table: str, name: str, value: Any
) -> None:
    """Add it to the stage unless the stage would be refused."""
    changed = {**stage, table: {**stage[table], name: value}}
    both = {**changed, "vary": changed["vary"] or {"label_smoothing": "all"}}
    try:
        around.make(found, FRAME, both["vary"], both["fix"])
        DrillSpec.from_dict({**drills.VALUES, "stage": [both]})
    except (ValidationError, ValueError):
        return
    stage[table] = changed[table]


def _stage(draw: st.DrawFn, spec: DrillSpec, found: Mapping[str, Config]) -> StageResult:
    space = spec.study(1, found).make_space()
    chance = random.Random(draw(st.integers(0, 10**6)))
    pull = draw(st.sampled_from([0.0, 0.5, 0.9]))
    end = draw(st.sampled_from(["low", "high"]))
    count = draw(st.integers(0, 18))
    ended = []
    for place, sample in enumerate(
        drills.sampled(space.dimensions, count, chance.randrange(10**6))
    ):
        pulled = {
            name: getattr(space.dimensions[name], end, value) if chance.random() < pull else value
            for name, value in sample.items()
        }
        state = TrialState.PRUNED if chance.random() < 0.1 else TrialState.COMPLETE
        ended.append(_done(chance, space.config(pulled, place), state, pulled))
    name = "tiny.1.net"
    trials = drills.trials(ended, space.dimensions, GOAL, name)
    begun = [_base(chance, *each) for each in found.items()]
    stage = StageResult(1, spec.stage[0], name, trials, begun, ())
    if not stage.complete or draw(st.booleans()):
        return stage
    return StageResult(1, spec.stage[0], name, trials, begun, stage.ranked()[:2])


def _done(chance: random.Random, config: Config, state: TrialState, sample: Sample) -> Done:
    steady = chance.random() < 0.7
    final = chance.choice(ENDS)
    last = [final] * 3 if steady else [final - 0.6, final, final - 0.3]
    fit = chance.choice([None, 98.5, 98.95, 99.3, 99.9])
    return Done(config, [90.0, 95.0, 97.0, 98.0, 98.5, *last], fit, state, sample)


def _base(chance: random.Random, name: str, config: Config) -> Candidate:
    """Trained in an earlier stage, or before the drill."""
    if chance.random() < 0.5:
        return Candidate(name, config)
    done = _done(chance, config, TrialState.COMPLETE, {})
    [trial] = drills.trials([done], name="tiny.0.before")
    assert isinstance(trial, Complete)
    return Tried(name, config, trial)


def _acts(name: str, config: Config) -> bool:
    """Whether another value of it makes another config, and one that is trained otherwise."""
    entry, kind = CATALOGUE[name], KNOWN[name]
    if entry.change is None:
        return True
    ends = kind.choices[:2] if isinstance(kind, Choice) else (kind.low, kind.high)
    one, other = (entry.change(config, end) for end in ends)
    led = isinstance(config.schedule, OneCycle) and config.schedule.cycle_momentum
    return one != other and not (name == "momentum" and led)


def _check(result: DrillResult) -> None:
    [stage] = result.stages
    found = findings(stage, result)
    given_ = advice(found, GOAL)
    counts = Counter(name for each in given_ for name in spelled(each.dimensions))
    assert set(counts.values()) <= {1}, given_
    for each in given_:
        _check_possible(each, found, stage, result)
    _check_counts(found, stage)
    _check_verdicts(found, given_)
    _check_winners(stage, found)
    if found.leaders:
        said = [
            *analysis(stage, found, result.spec.goal, result.spec.data),
            *advised(stage, found, result),
        ]
        assert not [each for each in said if re.search(r"\bboth overfits|\s\s|,,|\(\)|: \.", each)]


def _check_possible(each: Advice, found: Findings, stage: StageResult, result: DrillResult) -> None:
    """It can be done: what it names is open, does something, and has room that way."""
    assert each.dimensions
    first = found.leaders[0].config
    later = {name for later in result.spec.stage[1:] for name in later.vary}
    for name in each.dimensions:
        if name == "widths":
            continue
        assert name not in stage.stage.fix or name in later, each
        assert _acts(name, first), each
    if each.change.startswith("Raise"):
        assert all(_value(name, first) < KNOWN[name].high for name in each.dimensions), each
    if each.change.startswith("Lower") and "learning rate" not in each.change:
        regularisers = [
            name for name in each.dimensions if name not in ("widths", "layout", "activation")
        ]
        assert all(_value(name, first) > 0 for name in regularisers), each
        assert "weight_decay" not in regularisers or first.optimizer.weight_decay > 1e-5
    if "more updates" in each.change:
        assert isinstance(first.averaging, Ema)
        assert first.averaging.decay < 1 - 1 / 2000
    if each.change.startswith(("Widen", "Fix")):
        [bound] = [at for at in found.at_bounds if (at.name,) == each.dimensions]
        whole = KNOWN[bound.name]
        edge = whole.high if bound.upper else whole.low
        assert (bound.bound != edge) == each.change.startswith("Widen")
        assert whole.low <= bound.bound <= whole.high


def _value(name: str, config: Config) -> float:
    """Of a regulariser; of an augmentation that no stage makes, some."""
    match name:
        case "dropout":
            return max((each.p for each in config.layers if isinstance(each, Dropout)), default=0.0)
        case "label_smoothing":
            return config.label_smoothing
        case "weight_decay":
            return config.optimizer.weight_decay
        case _:
            return max((each.degrees / 8 for each in config.augment), default=0.0)


def _check_counts(found: Findings, stage: StageResult) -> None:
    """What is said of a dimension is said of the trials in which it does something."""
    alive = Counter(
        name
        for trial in stage.complete
        for name in trial.sample
        if name not in CATALOGUE or _acts(name, trial.config)
    )
    for each in [*found.at_bounds, *found.importances]:
        assert (each.trials, each.of) == (alive[each.name], len(stage.complete))
    assert all(each.trials >= LEAST for each in found.importances)
    for at in found.at_bounds:
        kind = stage.complete[0].dimensions[at.name]
        assert not isinstance(kind, Choice)
        assert kind.high - kind.low > (1 if isinstance(kind.low, int) else 0)
    assert len({at.name for at in found.at_bounds}) == len(found.at_bounds)


def _check_verdicts(found: Findings, given_: list[Advice]) -> None:
    text = " ".join(each.why for each in given_)
    assert not ("overfits" in text and "underfits" in text)
    for fit in found.fits:
        if fit is not None:
            assert (fit.verdict == "underfits") == (fit.train < GOAL.accuracy)
            assert fit.verdict != "overfits" or fit.gapes


def _check_winners(stage: StageResult, found: Findings) -> None:
    """The best is first; of equals the bases, and then the earliest trial."""
    if not stage.complete:
        assert not found.leaders
        return
    first = found.leaders[0]
    own = stage.complete[0]
    base = max((each.trial.score for each in stage.tried_bases), default=0.0)
    assert first.trial.score == max(own.score, base)
    assert (first.trial.study == stage.study) == (own.score > base)
    equals = [each.number for each in stage.complete if each.score == own.score]
    assert own.number == min(equals)


def _examples(count: int) -> settings:
    healthy = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=count, deadline=None, derandomize=True, suppress_health_check=healthy
    )


@_examples(40)
@given(results())
def test_advice_is_one_voice(result: DrillResult):
    _check(result)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(_examples(5_000), derandomize=False)
@given(results())
def test_advice_is_one_voice_in_thousands_of_stages(result: DrillResult):
    _check(result)
