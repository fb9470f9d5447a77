"""What every object read from TOML has in common: frozen, strict, no unknown keys, no nan."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Frozen(BaseModel):
    """A validated value: equal by content, hashable, and never changed after it was made."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    def changed(self, **values: Any) -> Self:
        """The same with other values of some fields, validated as a whole.

        Raises pydantic's ValidationError, as the making of any does.
        """
        return type(self).model_validate({**dict(self), **values})


def shortened(value: Any) -> str:
    """`value` as an error message quotes it: at most 60 characters, whatever was given."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of too many digits, or too deep a nesting
        return "what is given"
    return text if len(text) <= 60 else f"{text[:57]}..."


def tuples(value: Any) -> Any:
    """`value` with every list in it made a tuple: TOML and JSON have lists, frozen objects not."""
    if isinstance(value, dict):
        return {key: tuples(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(tuples(item) for item in value)
    return value
