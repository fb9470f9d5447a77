"""Where a training's random numbers come from: a seed for each of its uses. No torch."""

from typing import NamedTuple, Self

import numpy as np


class Streams(NamedTuple):
    """Seeds of 64 bits, signed as torch's generators take them."""

    init: int
    order: int
    augmentation: int
    dropout: int

    @classmethod
    def of(cls, seed: int) -> Self:
        """From a config's seed."""
        states = np.random.SeedSequence(seed).generate_state(len(cls._fields), np.uint64)
        return cls(*map(int, states.astype(np.int64)))
