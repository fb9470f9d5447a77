"""What the property tests draw from: random valid nets, and configs that can say everything."""

import math
from functools import cache
from typing import Any

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from mnist_core.augment_ops import Affine, Jitter, Rotation
from mnist_core.config import Adam, Config, Data, Ema, NoAveraging, Sgd
from mnist_core.goal import Goal
from mnist_core.layers import (
    ACTIVATIONS,
    IMAGE,
    Activation,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    Pool,
    Shape,
)
from mnist_core.record import (
    Confirmed,
    EngineUsed,
    Environment,
    Expected,
    Origin,
    Record,
    Reported,
    Statement,
)
from mnist_core.schedule import Constant, Cosine, LossDip, MultiStep, OneCycle, Step
from mnist_core.schedule import Linear as LinearSchedule

_MANY = 2000  # features that a linear layer of a random net does not exceed
_CHANNELS = 16


def examples(count: int) -> settings:
    """So many examples, however slow this machine is."""
    slow = HealthCheck.too_slow
    return settings(max_examples=count, deadline=None, suppress_health_check=[slow])


@st.composite
def convs(draw: st.DrawFn, shape: Shape, outputs: int | None = None) -> Conv:
    """One that fits on `shape`: grouped, strided, padded, all of these or none."""
    channels, height, width = shape
    shared = math.gcd(channels, outputs) if outputs else channels
    groups = draw(
        st.just(1) | st.sampled_from([n for n in range(1, shared + 1) if shared % n == 0])
    )
    padding = draw(st.integers(0, 3))
    return Conv(
        inputs=channels,
        outputs=outputs or groups * draw(st.integers(1, max(1, _CHANNELS // groups))),
        kernel=draw(st.integers(1, min(7, min(height, width) + 2 * padding))),
        padding=padding,
        stride=draw(st.integers(1, 4)),
        groups=groups,
        bias=draw(st.booleans()),
    )


@cache
def _fitting(shape: Shape) -> st.SearchStrategy[Layer]:
    """Any layer that fits on `shape`, flatten only where few features come of it."""
    maps = len(shape) == 3
    layers = [
        st.sampled_from(sorted(ACTIVATIONS)).map(Activation),
        st.just(BatchNorm()),
        st.builds(Dropout, st.floats(0, 0.99), st.booleans() if maps else st.just(False)),
    ]
    if math.prod(shape) < _MANY:
        layers += [st.just(Flatten())]
    if not maps:
        return st.one_of(*layers, st.builds(Linear, st.just(shape[0]), st.integers(1, 30)))
    kernels = st.integers(1, min(5, *shape[1:]))
    pools = st.builds(Pool, st.sampled_from(["max", "avg"]), kernels, st.integers(1, 5))
    return st.one_of(*layers, convs(shape), convs(shape), pools, st.just(GlobalAvgPool()))


@st.composite
def nets(draw: st.DrawFn, longest: int = 10) -> tuple[Layer, ...]:
    """Layers that fit one another and put out 10 scores for an image."""
    layers: list[Layer] = []
    shape = IMAGE

    def add(layer: Layer) -> None:
        nonlocal shape
        layers.append(layer)
        shape = layer.output(shape)

    for _ in range(draw(st.integers(0, longest))):
        add(draw(_fitting(shape)))
    if len(shape) == 3 and draw(st.booleans()):
        add(draw(convs(shape, outputs=10)))
        add(GlobalAvgPool())
        add(Flatten())
        return tuple(layers)
    if math.prod(shape) > _MANY:
        add(GlobalAvgPool())
    if len(shape) == 3:
        add(Flatten())
    add(Linear(shape[0], 10, draw(st.booleans())))
    return tuple(layers)


_IMAGES = st.integers(1, 60_000)
_FRACTION = st.floats(0, 1, exclude_max=True)
_ABOVE_ZERO = st.floats(0, exclude_min=True, allow_infinity=False)
_NOT_NEGATIVE = st.floats(0, allow_infinity=False)
_WHOLE = st.integers(1, 10**9)
_GAMMA = st.floats(0, 1, exclude_min=True)
_PERCENT = st.floats(0, 100)
_WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
_NAMED_WORDS = st.dictionaries(_WORDS, _WORDS, max_size=3)


def _all(model: type[BaseModel], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Every field of the model drawn, so that a new one cannot be forgotten here."""
    assert fields.keys() == model.model_fields.keys(), model
    return st.builds(model, **fields)


def _optimizers() -> st.SearchStrategy[Any]:
    common = {
        "lr": _ABOVE_ZERO,
        "weight_decay": _NOT_NEGATIVE,
        "decay": st.sampled_from(["all", "weights"]),
    }
    plain = _all(Sgd, kind=st.just("sgd"), momentum=_FRACTION, nesterov=st.just(False), **common)
    nesterov = plain.filter(lambda sgd: sgd.momentum > 0).map(
        lambda sgd: Sgd(**{**sgd.model_dump(), "nesterov": True})
    )
    kinds = st.sampled_from(["adam", "adamw"])
    adam = _all(Adam, kind=kinds, betas=st.tuples(_FRACTION, _FRACTION), **common)
    return plain | nesterov | adam


def schedules() -> st.SearchStrategy[Any]:
    moment = {"per": st.just("epoch"), "when": st.sampled_from(["after", "before"])}
    batch = {"per": st.just("batch"), "when": st.just("after")}
    milestones = st.lists(_WHOLE, min_size=1, max_size=5).map(tuple)
    kinds = []
    for stepped in (moment, batch):
        course = {**stepped, "warmup": _FRACTION}
        kinds += [
            _all(Constant, kind=st.just("none"), **course),
            _all(Step, kind=st.just("step"), size=_WHOLE, gamma=_GAMMA, **course),
            _all(
                MultiStep,
                kind=st.just("multistep"),
                milestones=milestones,
                gamma=_GAMMA,
                **course,
            ),
            _all(Cosine, kind=st.just("cosine"), final=_FRACTION, **course),
            _all(LinearSchedule, kind=st.just("linear"), final=_FRACTION, **course),
            _all(
                OneCycle,
                kind=st.just("onecycle"),
                rise=st.floats(0, 1, exclude_min=True, exclude_max=True),
                div=st.floats(1, 1e300),
                final_div=st.floats(1, 1e300),
                anneal=st.sampled_from(["cosine", "linear"]),
                cycle_momentum=st.booleans(),
                base_momentum=_FRACTION,
                max_momentum=_FRACTION,
                **stepped,
            ),
        ]
    return st.one_of(*kinds, _all(LossDip, kind=st.just("loss_dip"), gamma=_GAMMA))


def _augmentations() -> st.SearchStrategy[Any]:
    degrees, share = st.floats(0, 180), st.floats(0, 1)
    resampled = {
        "fill": st.floats(0, 255),
        "interpolation": st.sampled_from(["nearest", "bilinear"]),
    }
    return st.one_of(
        _all(Rotation, kind=st.just("rotation"), degrees=degrees, **resampled),
        _all(
            Affine,
            kind=st.just("affine"),
            degrees=degrees,
            translate=st.tuples(share, share),
            whole_pixels=st.booleans(),
            scale=st.tuples(_ABOVE_ZERO, _ABOVE_ZERO).map(lambda pair: tuple(sorted(pair))),
            shear=st.tuples(degrees, degrees),
            **resampled,
        ),
        _all(Jitter, kind=st.just("jitter"), brightness=_NOT_NEGATIVE, contrast=_NOT_NEGATIVE),
    )


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Every field, every kind of everything, at any value that is allowed."""
    layers, batch_size, train = draw(nets(longest=6)), draw(_IMAGES), draw(_IMAGES)
    if BatchNorm() in layers:  # which may stand on a map of one pixel
        assume(1 not in (batch_size, train, train % batch_size))
    whole = _all(
        Config,
        epochs=st.integers(1, 1000),
        batch_size=st.just(batch_size),
        seed=st.integers(0, 2**63 - 1),
        label_smoothing=_FRACTION,
        layers=st.just(layers),
        data=_all(
            Data,
            judge=st.sampled_from(["test", "holdout"] if train <= 50_000 else ["test"]),
            train=st.just(train),
            test=st.integers(1, 10_000),
        ),
        augment=st.lists(_augmentations(), max_size=3).map(tuple),
        optimizer=_optimizers(),
        schedule=schedules(),
        averaging=st.just(NoAveraging()) | _all(Ema, kind=st.just("ema"), decay=_FRACTION),
    )
    return draw(whole)


def records() -> st.SearchStrategy[Record]:
    """Config files with and without what an export or a write-up adds, in any characters."""
    said = st.none() | _WORDS
    engine = _all(
        EngineUsed,
        name=st.sampled_from(["native", "torch"]),
        version=said,
        instruction_set=said,
        compiler=said,
    )
    environment = _all(
        Environment,
        device=_WORDS,
        threads=st.integers(1, 1_000_000),
        versions=_NAMED_WORDS,
        machine=_WORDS,
        processor=said,
        torch_instruction_set=said,
        variables=st.none() | _NAMED_WORDS,
        data_sha256=_NAMED_WORDS,
        engine=engine,
    )
    origin = _all(
        Origin, study=_WORDS, trial=st.integers(0, 2**63 - 1), score=_PERCENT, goal=_WORDS
    )
    curves = st.lists(_PERCENT, max_size=15).map(tuple)
    expected = _all(Expected, test_acc=curves, stopped=st.none() | st.integers(1, 15))
    confirmed = _all(Confirmed, seed=st.integers(0, 2**63 - 1), test_acc=curves)
    statement = _all(
        Statement,
        verdict=st.sampled_from(["confirmed", "refuted", "open"]),
        rule=st.integers(1, 9),
        seeds=st.integers(1, 20),
        held=st.integers(0, 20),
        probability=_FRACTION,
        low=_FRACTION,
        high=_FRACTION,
        goal=st.just(Goal()),
    )
    reported = _all(
        Reported,
        name=_WORDS,
        write_up=_WORDS,
        source=_WORDS,
        params=st.none() | _WHOLE,
        test_acc=st.lists(_PERCENT, min_size=1, max_size=15).map(tuple),
        train_acc=curves,
        notes=st.lists(_WORDS, max_size=3).map(tuple),
    )
    return _all(
        Record,
        config=configs(),
        environment=st.none() | environment,
        origin=st.none() | origin,
        expected=st.none() | expected,
        confirmed=st.lists(confirmed, max_size=3).map(tuple),
        statement=st.none() | statement,
        reported=st.none() | reported,
    )
