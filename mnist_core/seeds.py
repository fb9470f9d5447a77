"""Seeds that follow from seeds."""

import hashlib

import numpy as np

_WORD = 2**32


def derived_seed(*parts: int) -> int:
    """A seed of 32 bits that follows from these numbers, none negative, and nothing else. Others
    give others, as far as 32 bits can tell them apart, but that zeros at the end are as good as
    none where all are below 2**32."""
    if max(parts) >= _WORD:
        # numpy would cut it into words, which are other numbers' words too: 2**32 + 5 is (5, 1).
        digest = hashlib.sha256(repr(parts).encode()).digest()
        return int.from_bytes(digest[:4], "little")
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
