"""What a config can say about augmentation; `augment.py` does it. No torch.

Each operation draws its numbers for every image anew. Angles are degrees, brightness and fills are
grey values of the 8-bit image (0 black, 255 white); geometry is about the centre of the image.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mnist_core.frozen import Frozen

Degrees = Annotated[float, Field(ge=0, le=180)]
Grey = Annotated[float, Field(ge=0, le=255)]
Interpolation = Literal["nearest", "bilinear"]


class Rotation(Frozen):
    """By an angle uniform in +-`degrees` (torchvision's RandomRotation)."""

    kind: Literal["rotation"] = "rotation"
    degrees: Degrees
    fill: Grey = 0.0
    interpolation: Interpolation = "nearest"


class Affine(Frozen):
    """Rotation, shear, scaling and translation in one resampling (torchvision's RandomAffine)."""

    kind: Literal["affine"] = "affine"
    degrees: Degrees = 0.0
    translate: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] = (
        0.0,
        0.0,
    )
    """Largest shift along x and y, as a share of the image's side; uniform in +-."""
    whole_pixels: bool = False
    """Round the shift to whole pixels, as torchvision does."""
    scale: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (1.0, 1.0)
    """The scale is uniform between the two."""
    shear: tuple[Degrees, Degrees] = (0.0, 0.0)
    """Largest shear along x and y; uniform in +-."""
    fill: Grey = 0.0
    interpolation: Interpolation = "nearest"

    @model_validator(mode="after")
    def _scale_in_order(self) -> Self:
        if self.scale[0] > self.scale[1]:
            raise ValueError(f"scale {list(self.scale)} runs from large to small; swap the two")
        return self


class Jitter(Frozen):
    """Brightness and contrast in a random order, each by a factor uniform in 1 +- its value, not
    below 0, with the result cut to whole grey values (torchvision's ColorJitter)."""

    kind: Literal["jitter"] = "jitter"
    brightness: Annotated[float, Field(ge=0)] = 0.0
    contrast: Annotated[float, Field(ge=0)] = 0.0


Augmentation = Annotated[Rotation | Affine | Jitter, Field(discriminator="kind")]
