"""The native engine: a training in the memory of the C++ library of `mnist_core.native`."""

import math
import weakref
from collections.abc import Callable, Mapping
from ctypes import POINTER, byref, c_double, c_float, c_int64, c_uint8, cast
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mnist_core.config import Adam, Config, Ema, NoAveraging
from mnist_core.data import Mnist
from mnist_core.model import check_state, initial
from mnist_core.native import library
from mnist_core.native.plan import plan
from mnist_core.native.structs import Which
from mnist_core.record import EngineUsed

_SLICE = 500  # images that one call evaluates: signals are seen between calls
_PARTS = 9  # of src/costs.hpp
_COUNT = "num_batches_tracked"


class NativeEngine:
    """See `mnist_core.engine.Engine`.

    The same config, instruction set and build of the library give the same bits. It begins with the
    weights that torch's engine begins with.
    """

    def __init__(self, config: Config, mnist: Mnist, instruction_set: str | None = None) -> None:
        """mnist: on the CPU. instruction_set: the best there is unless given.

        The config is one that `mnist_core.engine.choose` allows.
        """
        self._library = library.load(instruction_set)
        self._mnist = mnist
        self._averaged = isinstance(config.averaging, Ema)
        self._momentum = _momentum(config)
        self._batches = _Batches(config.averaging)
        self._handle = self._create(config)
        state = initial(config).state_dict()
        self._like = {name: tensor.to("meta") for name, tensor in state.items()}
        self.load(state)

    @property
    def used(self) -> EngineUsed:
        return EngineUsed(
            name="native",
            version=self._library.dd_version().decode(),
            instruction_set=self._library.dd_instruction_set().decode(),
            compiler=self._library.dd_compiler().decode(),
        )

    def step(
        self, chosen: Tensor, number: int, lr: float, momentum: float | None
    ) -> tuple[float, int]:
        loss, correct = c_double(), c_int64()
        self._call(
            self._library.dd_backward,
            _pixels(self._mnist.train_images),
            _integers(self._mnist.train_labels),
            len(self._mnist.train_labels),
            _integers(chosen),
            len(chosen),
            number,
            byref(loss),
            byref(correct),
        )
        self._batches.passed()
        if math.isfinite(loss.value):
            momentum = self._momentum if momentum is None else momentum
            self._call(self._library.dd_update, lr, momentum)
            self._batches.averaged()
        return loss.value, correct.value

    def evaluate(self, images: Tensor, labels: Tensor) -> tuple[float, float]:
        loss, correct = 0.0, 0
        for some, true in zip(images.split(_SLICE), labels.split(_SLICE), strict=True):
            of_some, right = c_double(), c_int64()
            self._call(
                self._library.dd_evaluate,
                _pixels(some),
                _integers(true),
                len(true),
                self._averaged,
                byref(of_some),
                byref(right),
            )
            loss += of_some.value
            correct += right.value
        return loss / len(labels), 100 * correct / len(labels)

    def reset_optimizer(self) -> None:
        self._library.dd_reset_optimizer(self._handle)

    def state(self) -> dict[str, Tensor]:
        which = Which.AVERAGE if self._averaged else Which.CURRENT
        tensors = {
            name: torch.tensor(self._batches.tested)
            if name.endswith(_COUNT)
            else torch.empty(like.shape)
            for name, like in self._like.items()
        }
        for number, tensor in _numbered(tensors):
            values = cast(tensor.data_ptr(), POINTER(c_float))
            self._call(self._library.dd_read, which, number, values, tensor.numel())
        return tensors

    def load(self, state: Mapping[str, Tensor]) -> None:
        check_state(state, self._like)
        ordered = {name: state[name] for name in self._like}
        self._batches.load(next((int(state[n]) for n in ordered if n.endswith(_COUNT)), 0))
        for number, given in _numbered(ordered):
            tensor = given.detach().float().cpu().contiguous()
            values = cast(tensor.data_ptr(), POINTER(c_float))
            for which in [Which.CURRENT] + [Which.AVERAGE] * self._averaged:
                self._call(self._library.dd_write, which, number, values, tensor.numel())

    def costs(self) -> list[float]:
        """Seconds spent in each part since the engine was made; see src/costs.hpp."""
        seconds = (c_double * _PARTS)()
        self._call(self._library.dd_costs, seconds, _PARTS)
        return list(seconds)

    def _create(self, config: Config) -> Any:
        planned = plan(config)
        handle = self._library.dd_create(
            planned.layers,
            len(planned.layers),
            planned.augmentations,
            len(planned.augmentations),
            byref(planned.recipe),
        )
        if not handle:
            raise RuntimeError(self._library.dd_error().decode())
        weakref.finalize(self, self._library.dd_destroy, handle)
        return handle

    def _call(self, function: Callable[..., int], *arguments: Any) -> None:
        if function(self._handle, *arguments):
            raise RuntimeError(self._library.dd_error().decode())


class _Batches:
    """`num_batches_tracked` of every batch norm, as in torch's net: of the averaged net it is
    averaged as everything else is, in float32, and then cut to a whole number."""

    def __init__(self, averaging: Ema | NoAveraging) -> None:
        self._averaging = averaging
        self._updates = 0
        self.load(0)

    def load(self, batches: int) -> None:
        self._current = self.tested = batches

    def passed(self) -> None:
        """A batch has gone through the net."""
        self._current += 1
        if not isinstance(self._averaging, Ema):
            self.tested = self._current

    def averaged(self) -> None:
        """The average, where there is one, has taken in the net as it is."""
        if not isinstance(self._averaging, Ema):
            return
        decay = self._averaging.after(self._updates) if self._updates else 0.0
        kept = np.float32(self.tested) * np.float32(decay)
        self.tested = int(kept + np.float32(self._current) * np.float32(1 - decay))
        self._updates += 1


def _momentum(config: Config) -> float:
    """Of SGD, or Adam's beta 1, where the schedule does not move it."""
    optimizer = config.optimizer
    return optimizer.betas[0] if isinstance(optimizer, Adam) else optimizer.momentum


def _numbered(tensors: Mapping[str, Tensor]) -> enumerate[Tensor]:
    """Those that the library holds, by its numbers: all but the counts, in torch's order."""
    return enumerate(t for name, t in tensors.items() if not name.endswith(_COUNT))


def _pixels(images: Tensor) -> Any:
    return _pointer(images, torch.uint8, c_uint8)


def _integers(values: Tensor) -> Any:
    return _pointer(values, torch.int64, c_int64)


def _pointer(tensor: Tensor, dtype: torch.dtype, kind: Any) -> Any:
    """Raises TypeError where the library would read something else than the tensor's values."""
    if tensor.dtype != dtype or not tensor.is_contiguous() or tensor.device.type != "cpu":
        raise TypeError(f"needs a contiguous {dtype} tensor on the cpu")
    return cast(tensor.data_ptr(), POINTER(kind))
