"""Seeds that follow from seeds."""

import numpy as np


def derived_seed(*parts: int) -> int:
    """A seed of 32 bits that follows from these numbers and nothing else. Others give others, but
    that zeros at the end are as good as none."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
