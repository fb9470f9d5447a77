"""What the property tests draw from: random valid nets, and configs that can say everything."""

import math
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mnist_core.config import Config
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
from mnist_core.record import Record

_FRACTION = st.floats(0, 1, exclude_max=True)
_ABOVE_ZERO = st.floats(0, exclude_min=True, allow_infinity=False)
_NOT_NEGATIVE = st.floats(0, allow_infinity=False)
_WORDS = st.text(st.characters(codec="utf-8"), max_size=12)


def examples(count: int) -> settings:
    """So many examples, however slow this machine is."""
    return settings(
        max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


@st.composite
def convs(draw: st.DrawFn, shape: Shape, widest: int = 16) -> Conv:
    """One that fits on `shape`: grouped, strided, padded or none of these."""
    channels, height, width = shape
    divisors = [n for n in range(1, channels + 1) if channels % n == 0]
    groups = draw(st.just(1) | st.sampled_from(divisors))
    padding = draw(st.integers(0, 3))
    return Conv(
        inputs=channels,
        outputs=groups * draw(st.integers(1, max(1, widest // groups))),
        kernel=draw(st.integers(1, min(7, min(height, width) + 2 * padding))),
        padding=padding,
        stride=draw(st.integers(1, 4)),
        groups=groups,
        bias=draw(st.booleans()),
    )


@st.composite
def _pools(draw: st.DrawFn, shape: Shape) -> Pool:
    kind = draw(st.sampled_from(["max", "avg"]))
    return Pool(kind, draw(st.integers(1, min(5, *shape[1:]))), draw(st.integers(1, 5)))


def _anywhere(shape: Shape) -> list[st.SearchStrategy[Layer]]:
    rates = st.floats(0, 0.99)
    return [
        st.sampled_from(ACTIVATIONS).map(Activation),
        st.just(BatchNorm()),
        st.builds(Dropout, rates, st.booleans() if len(shape) == 3 else st.just(False)),
        st.just(Flatten()) if len(shape) == 1 else convs(shape),
    ]


@st.composite
def nets(draw: st.DrawFn, longest: int = 10) -> tuple[Layer, ...]:
    """Layers that fit one another and put out 10 scores for an image."""
    layers: list[Layer] = []
    shape = IMAGE
    for _ in range(draw(st.integers(0, longest))):
        choices = _anywhere(shape)
        if len(shape) == 3:
            choices += [convs(shape), _pools(shape), st.just(GlobalAvgPool())]
            choices += [st.just(Flatten())] if math.prod(shape) < 2000 else []
        else:
            choices += [st.builds(Linear, st.just(shape[0]), st.integers(1, 30), st.booleans())]
        layers.append(draw(st.one_of(choices)))
        shape = layers[-1].output(shape)
    if len(shape) == 3 and draw(st.booleans()):
        return (*layers, Conv(shape[0], 10, 1), GlobalAvgPool(), Flatten())
    if len(shape) == 3:
        layers += [GlobalAvgPool()] if math.prod(shape) > 2000 else []
        layers.append(Flatten())
        shape = math.prod(layers[-2].output(shape) if layers[:-1] else shape), 
    return (*layers, Linear(shape[0], 10, draw(st.booleans())))
