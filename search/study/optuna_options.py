"""What a study's `[sampler]` and `[pruner]` have in common: options for one of Optuna's classes."""

import warnings
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from mnist_core.frozen import Frozen

Whole = Annotated[int, Field(ge=0, le=1_000_000)]
Factor = Annotated[int, Field(ge=2, le=1_000_000)]
T = TypeVar("T")


class OptunaOptions(Frozen):
    """`kind`, and the options of that kind. Each has the type and the range that Optuna wants,
    which itself would take anything, and fail later; None leaves it to the class's default."""

    kind: str

    def options(self, **ours: Any) -> dict[str, Any]:
        """What is said, as keyword arguments; `ours` where nothing is said of it."""
        return {**ours, **self.model_dump(exclude={"kind"})}

    @model_serializer(mode="wrap")
    def _said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """None is nothing that a file can say, and storages keep what a file has said."""
        return {name: value for name, value in dump(self).items() if value is not None}


def quietly(make: Callable[..., T], **options: Any) -> T:
    """What it makes, without Optuna's warning that a class or an option is experimental: whoever
    writes a study's file cannot do anything about it."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return make(**options)
