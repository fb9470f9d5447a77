"""The layers of a net: each one's notation, shapes, exact parameter count, and module of torch.

Importing this loads no torch: only whoever makes a module needs it.

conv IN->OUT kK [pP] [sS] [gG] [bias=true|false]   square kernel K, padding P, stride S, groups G
linear IN->OUT [bias=true|false]
bn                                     batch norm over the channels (eps 1e-5, momentum 0.1)
relu silu gelu elu leaky_relu hardswish mish tanh
dropout P, dropout2d P                 single activations, whole channels
maxpool K [sS], avgpool K [sS]         kernel K, stride S (K unless given), no padding, floor
gap                                    mean over the map, to 1x1
flatten
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Generator, nn

Shape = tuple[int, ...]
"""(channels, height, width), or (features,) once flattened; without the batch."""

IMAGE: Shape = (1, 28, 28)
CLASSES = 10
ACTIVATIONS = {
    # Name -> class of torch.nn.
    "relu": "ReLU",
    "silu": "SiLU",
    "gelu": "GELU",
    "elu": "ELU",
    "leaky_relu": "LeakyReLU",
    "hardswish": "Hardswish",
    "mish": "Mish",
    "tanh": "Tanh",
}


class Layer(ABC):
    """One layer of a net; `str()` of it is its canonical notation, one line.

    Another one is a class below and its row in `_NOTATION`. It runs on torch at once, and on the
    native engine when that has it too.
    """

    __slots__ = ()

    def output(self, shape: Shape) -> Shape:
        """What comes out of it for `shape`. Raises ValueError where that does not fit."""
        return shape

    def params(self, shape: Shape) -> int:
        """How many trainable parameters it has after `shape`."""
        return 0

    @abstractmethod
    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        """As torch has it, in its default initialisation, after `shape`. dropout: where random
        masks come from; None for torch's global generator."""


@dataclass(frozen=True, slots=True)
class Conv(Layer):
    inputs: int
    outputs: int
    kernel: int
    padding: int = 0
    stride: int = 1
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        _positive(self, "inputs", "outputs", "kernel", "stride", "groups")
        if self.inputs % self.groups or self.outputs % self.groups:
            raise ValueError(f"{self.groups} groups must divide {self.inputs} and {self.outputs}")

    def output(self, shape: Shape) -> Shape:
        channels, height, width = _map(shape)
        _expect(channels, self.inputs, "channels")
        side = [_window(n + 2 * self.padding, self.kernel, self.stride) for n in (height, width)]
        return (self.outputs, *side)

    def params(self, shape: Shape) -> int:
        weights = self.outputs * (self.inputs // self.groups) * self.kernel**2
        return weights + self.bias * self.outputs

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from torch import nn

        return nn.Conv2d(
            self.inputs,
            self.outputs,
            self.kernel,
            self.stride,
            self.padding,
            groups=self.groups,
            bias=self.bias,
        )

    def __str__(self) -> str:
        stride = f" s{self.stride}" if self.stride != 1 else ""
        groups = f" g{self.groups}" if self.groups != 1 else ""
        return (
            f"conv {self.inputs}->{self.outputs} k{self.kernel} p{self.padding}"
            f"{stride}{groups} bias={str(self.bias).lower()}"
        )


@dataclass(frozen=True, slots=True)
class Linear(Layer):
    inputs: int
    outputs: int
    bias: bool = True

    def __post_init__(self) -> None:
        _positive(self, "inputs", "outputs")

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ValueError("needs a flatten before it")
        _expect(shape[0], self.inputs, "features")
        return (self.outputs,)

    def params(self, shape: Shape) -> int:
        return self.outputs * (self.inputs + self.bias)

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from torch import nn

        return nn.Linear(self.inputs, self.outputs, self.bias)

    def __str__(self) -> str:
        return f"linear {self.inputs}->{self.outputs} bias={str(self.bias).lower()}"


@dataclass(frozen=True, slots=True)
class BatchNorm(Layer):
    def params(self, shape: Shape) -> int:
        return 2 * shape[0]

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from torch import nn

        return nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0])

    def __str__(self) -> str:
        return "bn"


@dataclass(frozen=True, slots=True)
class Activation(Layer):
    name: str

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from torch import nn

        made: nn.Module = getattr(nn, ACTIVATIONS[self.name])()
        return made

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Dropout(Layer):
    p: float
    whole_channels: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.p < 1:
            raise ValueError(f"the dropout rate {self.p} is not in [0, 1)")

    def output(self, shape: Shape) -> Shape:
        return _map(shape) if self.whole_channels else shape

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from mnist_core.dropout import Dropout as Module

        return Module(self.p, self.whole_channels, dropout)

    def __str__(self) -> str:
        return f"dropout{'2d' * self.whole_channels} {self.p!r}"


@dataclass(frozen=True, slots=True)
class Pool(Layer):
    kind: Literal["max", "avg"]
    kernel: int
    stride: int

    def __post_init__(self) -> None:
        _positive(self, "kernel", "stride")

    def output(self, shape: Shape) -> Shape:
        channels, height, width = _map(shape)
        return (channels, *(_window(n, self.kernel, self.stride) for n in (height, width)))

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from torch import nn

        kind = nn.MaxPool2d if self.kind == "max" else nn.AvgPool2d
        return kind(self.kernel, self.stride)

    def __str__(self) -> str:
        stride = f" s{self.stride}" if self.stride != self.kernel else ""
        return f"{self.kind}pool {self.kernel}{stride}"


@dataclass(frozen=True, slots=True)
class GlobalAvgPool(Layer):
    def output(self, shape: Shape) -> Shape:
        return (_map(shape)[0], 1, 1)

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from torch import nn

        return nn.AdaptiveAvgPool2d(1)

    def __str__(self) -> str:
        return "gap"


@dataclass(frozen=True, slots=True)
class Flatten(Layer):
    def output(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def module(self, shape: Shape, dropout: "Generator | None") -> "nn.Module":
        from torch import nn

        return nn.Flatten()

    def __str__(self) -> str:
        return "flatten"


@dataclass(frozen=True, slots=True)
class Traced:
    """One line of a count: a layer, the shape it puts out for one image, its own parameters."""

    layer: Layer
    shape: Shape
    params: int


def parse(text: str) -> Layer:
    """One layer from its notation; `str()` of the result is the canonical notation.

    Raises ValueError, in one line that quotes the text, where it is not a layer.
    """
    word, _, rest = text.strip().partition(" ")
    try:
        if word in ACTIVATIONS:
            if rest:
                raise ValueError(f"is not of the form '{word}'")
            return Activation(word)
        if word not in _NOTATION:
            known = ", ".join((*_NOTATION, *ACTIVATIONS))
            raise ValueError(f"unknown kind {word!r}; known are {known}")
        form, pattern, build = _NOTATION[word]
        match = re.fullmatch(pattern, rest.strip())
        if match is None:
            raise ValueError(f"is not of the form '{f'{word} {form}'.strip()}'")
        return build({name: text for name, text in match.groupdict().items() if text is not None})
    except ValueError as error:
        raise ValueError(f"layer {text!r}: {error}") from None


def trace(layers: Iterable[Layer], image: Shape = IMAGE) -> list[Traced]:
    """Every layer with its output shape and parameter count, for one image.

    Raises ValueError, naming the layer and its place from 1, where a layer does not fit the one
    before it.
    """
    rows: list[Traced] = []
    shape = image
    for place, layer in enumerate(layers, start=1):
        try:
            output = layer.output(shape)
        except ValueError as error:
            raise ValueError(f"layer {place} '{layer}' {error}") from None
        rows.append(Traced(layer, output, layer.params(shape)))
        shape = output
    return rows


def count(layers: Iterable[Layer]) -> int:
    """Number of trainable parameters, by arithmetic; equals torch's."""
    return sum(row.params for row in trace(layers))


def _whole(found: dict[str, str]) -> dict[str, int]:
    return {name: int(text) for name, text in found.items() if name != "bias"}


def _pool(kind: Literal["max", "avg"]) -> Callable[[dict[str, str]], Layer]:
    return lambda found: Pool(kind, **({"stride": int(found["kernel"])} | _whole(found)))


def _biased(found: dict[str, str]) -> bool:
    return found.get("bias", "true") == "true"


_BIAS = r"( bias=(?P<bias>true|false))?"
_INS_OUTS = r"(?P<inputs>\d{1,6})->(?P<outputs>\d{1,6})"
_WINDOW = r"(?P<kernel>\d{1,3})( s(?P<stride>\d{1,3}))?"
_NOTATION: dict[str, tuple[str, str, Callable[[dict[str, str]], Layer]]] = {
    "conv": (
        "IN->OUT kK pP sS gG bias=true|false",
        rf"{_INS_OUTS} k(?P<kernel>\d{{1,3}})( p(?P<padding>\d{{1,3}}))?"
        rf"( s(?P<stride>\d{{1,3}}))?( g(?P<groups>\d{{1,6}}))?{_BIAS}",
        lambda found: Conv(**_whole(found), bias=_biased(found)),
    ),
    "linear": (
        "IN->OUT bias=true|false",
        _INS_OUTS + _BIAS,
        lambda found: Linear(**_whole(found), bias=_biased(found)),
    ),
    "dropout": ("P", r"(?P<p>\S+)", lambda found: Dropout(float(found["p"]))),
    "dropout2d": ("P", r"(?P<p>\S+)", lambda found: Dropout(float(found["p"]), True)),
    "maxpool": ("K sS", _WINDOW, _pool("max")),
    "avgpool": ("K sS", _WINDOW, _pool("avg")),
    "bn": ("", "", lambda _: BatchNorm()),
    "gap": ("", "", lambda _: GlobalAvgPool()),
    "flatten": ("", "", lambda _: Flatten()),
}


def _map(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ValueError("needs a map, but what comes before it is flat")
    return shape


def _window(size: int, kernel: int, stride: int) -> int:
    if kernel > size:
        raise ValueError(f"has a {kernel}x{kernel} window on a {size}x{size} map")
    return (size - kernel) // stride + 1


def _expect(got: int, inputs: int, unit: str) -> None:
    if got != inputs:
        raise ValueError(f"gets {got} {unit} and declares {inputs}")


def _positive(layer: object, *names: str) -> None:
    for name in names:
        if getattr(layer, name) < 1:
            raise ValueError(f"{name} must be at least 1")
