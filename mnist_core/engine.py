"""What a training runs on: the interface of an engine, and which engine a config gets.

The training loop (`mnist_core.train`) knows this interface only. An engine belongs to a run, not to
the recipe: a config means the same on either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from mnist_core.errors import UserError

if TYPE_CHECKING:  # the command line offers the names, and is to load none of these
    from torch import Tensor

    from mnist_core.config import Config
    from mnist_core.record import EngineUsed

Name = Literal["native", "torch"]
Wanted = Literal["auto", "native", "torch"]
"""auto: native wherever it can run the config."""


class Engine(Protocol):
    """A net in training: its parameters, statistics and optimizer, their average where the config
    asks for one, and the images it is trained on."""

    @property
    def used(self) -> "EngineUsed":
        """What it says of itself in an environment."""
        ...

    def step(
        self, chosen: "Tensor", number: int, lr: float, momentum: float | None
    ) -> tuple[float, int]:
        """One update, and of the average; returns the mean loss over the batch and how many
        images were right, both before the update and in training mode.

        Where the loss is not finite the update is not made.

        chosen: int64 [n], which training images, on their device; number: of the step, from 0;
        momentum: of SGD, or Adam's beta 1; None in every step where no schedule moves it, for the
        config's own.
        """
        ...

    def evaluate(self, images: "Tensor", labels: "Tensor") -> tuple[float, float]:
        """(mean cross entropy, accuracy in percent) of the tested net, the averaged one where there
        is one, in evaluation mode.

        images: uint8 [N, 1, 28, 28]; labels: int64 [N]; both on the device of the training images.
        """
        ...

    def reset_optimizer(self) -> None:
        """Forget what the optimizer has gathered: momentum, moments, their number."""
        ...

    def state(self) -> "dict[str, Tensor]":
        """Parameters and statistics of the tested net, under torch's names, in torch's shapes."""
        ...

    def load(self, state: "Mapping[str, Tensor]") -> None:
        """Make these the net's and the average's, whole. Raises UserError where they are another
        net's."""
        ...


@dataclass(frozen=True)
class Choice:
    """reason: why it is torch where the native engine was welcome, in one line."""

    name: Name
    reason: str = ""


def settle(wanted: Wanted, device: str) -> tuple[Wanted, str]:
    """(what remains of `wanted` on this machine, what people are to be told of it, if anything): to
    be asked once before many trainings, so that what holds for all of them is said once.

    Raises UserError where the native engine is wanted and cannot be had.
    """
    reason = "" if wanted == "torch" else missing(device)
    if not reason:
        return wanted, ""
    _allow(wanted, reason)
    return "torch", on_torch(reason) if device == "cpu" else ""


def choose(
    config: "Config", wanted: Wanted, device: str, instruction_set: str | None = None
) -> Choice:
    """The engine that trains the config. Nothing is made yet, and torch is not loaded.

    instruction_set: that the native engine is to use, if not the best there is.

    Raises UserError where the native engine is wanted and cannot run the config here, or would take
    more memory than there is.
    """
    if wanted == "torch":
        return Choice("torch")
    reason = missing(device, instruction_set)
    if not reason:
        from mnist_core.native import library, plan

        reason = plan.refusal(library.load(instruction_set), config)
    if not reason:
        return Choice("native")
    _allow(wanted, reason)
    return Choice("torch", reason if device == "cpu" else "")


def on_torch(reason: str) -> str:
    """What a person is told where torch stands in for the native engine."""
    return f"Training on torch: {reason}"


def _allow(wanted: Wanted, reason: str) -> None:
    if wanted == "native":
        raise UserError(f"engine native: {reason}; use engine auto, or torch")


def missing(device: str, instruction_set: str | None = None) -> str:
    """Why no config at all can run natively; empty where that is not so."""
    if device != "cpu":
        return f"the native engine runs on the cpu, not on {device}"
    from mnist_core.native import library

    return library.unavailable(instruction_set) or ""
