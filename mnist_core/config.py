"""The config: everything that one training needs, as a frozen object and as TOML."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mnist_core import layers as notation
from mnist_core.augment_ops import Augmentation
from mnist_core.frozen import Fraction, Frozen, Positive, shortened, tuples
from mnist_core.judge import TEST_IMAGES, TO_TRAIN_ON, TRAIN_IMAGES, Judge, Judged
from mnist_core.schedule import Constant, Schedule


def _layer(value: Any) -> Any:
    if isinstance(value, str):
        return notation.parse(value)
    if isinstance(value, notation.Layer):
        return value
    raise ValueError(f"must be a line of text such as 'bn', not {shortened(value)}")


LayerText = Annotated[Any, BeforeValidator(_layer), PlainSerializer(str, return_type=str)]


class Data(Judged):
    """How many images a net is trained on and judged by: of the judge's, and of the training images
    that are not, the first so many, in the order of the files."""

    train: Annotated[int, Field(ge=1, le=TRAIN_IMAGES)] = TRAIN_IMAGES
    """With the holdout as judge, all that remain unless fewer are asked for."""
    test: Annotated[int, Field(ge=1, le=TEST_IMAGES)] = TEST_IMAGES
    """Of the judge's images: test images, or held-out ones."""

    @model_validator(mode="before")
    @classmethod
    def _all_that_remain(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("judge") == "holdout":
            return {"train": TO_TRAIN_ON["holdout"], **given}
        return given

    @field_validator("train")
    @classmethod
    def _none_of_the_judges(cls, train: int, info: ValidationInfo) -> int:
        judge: Judge = info.data.get("judge", "test")
        if train > TO_TRAIN_ON[judge]:
            raise ValueError(
                f"must be at most {TO_TRAIN_ON[judge]} where judge = {judge!r} holds the others "
                f"out, not {train}; leave it out for all of them"
            )
        return train

    @property
    def whole(self) -> bool:
        """Whether these are all that there are with this judge."""
        return self == Data(judge=self.judge)

    def judged_by(self, judge: Judge) -> "Data":
        """As many images with another judge; all that there are to train on stay all."""
        all_of_them = self.train == TO_TRAIN_ON[self.judge]
        train = TO_TRAIN_ON[judge] if all_of_them else self.train
        return Data(judge=judge, train=train, test=self.test)


class _Optimizer(Frozen):
    lr: Positive
    """Learning rate at its height; the schedule scales it."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    decay: Literal["all", "weights"] = "all"
    """What the weight decay acts on: all parameters, or convolution and linear weights only."""


class Sgd(_Optimizer):
    kind: Literal["sgd"] = "sgd"
    momentum: Fraction = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class Adam(_Optimizer):
    """`adamw` decouples the weight decay from the gradient, `adam` does not."""

    kind: Literal["adam", "adamw"]
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)


class NoAveraging(Frozen):
    kind: Literal["none"] = "none"


class Ema(Frozen):
    """The tested net holds an exponential moving average of the weights *and* of the batch-norm
    statistics: the first update is taken whole, and after n more
    average = d * average + (1 - d) * current with d = min(decay, (1 + n) / (10 + n)), so that a
    short training is not held back by its start."""

    kind: Literal["ema"] = "ema"
    decay: Fraction

    def after(self, n: int) -> float:
        """d, once n updates have gone into the average; n is at least 1."""
        return min(self.decay, (1 + n) / (10 + n))


Optimizer = Annotated[Sgd | Adam, Field(discriminator="kind")]
Averaging = Annotated[NoAveraging | Ema, Field(discriminator="kind")]


class Config(Frozen):
    """One training, whole. The net starts from PyTorch's default initialisation; the loss is the
    cross entropy of the net's 10 scores, averaged over the batch; the last batch may be smaller."""

    epochs: Annotated[int, Field(ge=1, le=1000)]
    batch_size: Annotated[int, Field(ge=1, le=TRAIN_IMAGES)] = 128
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    label_smoothing: Fraction = 0.0
    layers: Annotated[tuple[LayerText, ...], Field(min_length=1, max_length=500)]
    data: Data = Data()
    augment: tuple[Augmentation, ...] = ()
    """Applied to every training image in this order, before it is scaled to mean 0, variance 1."""
    optimizer: Optimizer
    schedule: Schedule = Constant()
    averaging: Averaging = NoAveraging()

    @model_validator(mode="after")
    def _layers_fit(self) -> Self:
        end = self.trace()[-1].shape
        if end != (notation.CLASSES,):
            raise ValueError(
                f"layers: the last one puts out {end}, not ({notation.CLASSES},) scores"
            )
        return self

    @model_validator(mode="after")
    def _batch_norms_see_several(self) -> Self:
        """A single value of a channel has no variance: what a batch norm on a map of one pixel sees
        of a batch, perhaps the last, of one image."""
        if 1 not in (self.batch_size, self.data.train, self.data.train % self.batch_size):
            return self
        for place, row in enumerate(self.trace(), start=1):
            if isinstance(row.layer, notation.BatchNorm) and math.prod(row.shape[1:]) == 1:
                raise ValueError(
                    f"layers: layer {place} '{row.layer}' sees a single value of each channel "
                    f"where a batch has 1 image, as the last of {self.data.train} in batches of "
                    f"{self.batch_size} has; change batch_size or data.train"
                )
        return self

    def trace(self) -> list[notation.Traced]:
        """Every layer with its output shape and parameter count."""
        try:
            return notation.trace(self.layers)
        except ValueError as error:
            raise ValueError(f"layers: {error}") from None

    @property
    def params(self) -> int:
        """Number of trainable parameters."""
        return sum(row.params for row in self.trace())

    @property
    def batches(self) -> int:
        """Updates of an epoch; the last batch may be smaller than the others."""
        return math.ceil(self.data.train / self.batch_size)

    @property
    def recipe(self) -> Self:
        """The same for configs that differ in their seed alone."""
        return self.changed(seed=0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, as TOML and JSON hold them; `from_dict` is the way back."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The way back from `to_dict`; raises pydantic's ValidationError on anything else."""
        return cls.model_validate(tuples(dict(values)))
