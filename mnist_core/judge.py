"""Which images judge a net, and how many there are.

`test`: MNIST's 10,000 test images, as in what people write up. `holdout`: 10,000 of the training
images, by writers of whom the net is trained on none (see `mnist_core.holdout`), so that a search
leaves the test images unseen.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from mnist_core.frozen import Frozen

Judge = Literal["test", "holdout"]
TRAIN_IMAGES, TEST_IMAGES, HOLDOUT_IMAGES = 60_000, 10_000, 10_000
TO_TRAIN_ON: Final[Mapping[Judge, int]] = {
    "test": TRAIN_IMAGES,
    "holdout": TRAIN_IMAGES - HOLDOUT_IMAGES,
}
"""Images that are not the judge's."""
IMAGE: Final[Mapping[Judge, str]] = {"test": "test image", "holdout": "held-out image"}
"""What people call one of the judge's."""


class Judged(Frozen):
    """What says by which images nets are judged."""

    judge: Judge = "test"

    @property
    def images(self) -> str:
        """The judge's, as people call them."""
        return f"{IMAGE[self.judge]}s"

    @model_serializer(mode="wrap")
    def _test_goes_without_saying(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As in all that was kept before there was another judge."""
        table: dict[str, Any] = rest(self)
        if self.judge == "test":
            table.pop("judge", None)
        return table
