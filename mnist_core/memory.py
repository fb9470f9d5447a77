"""Whether a net fits into this machine: said before any memory is asked for. No torch."""

import math
import os

from mnist_core.config import Config
from mnist_core.errors import UserError

_FLOAT = 4  # bytes


def check(needed: int) -> None:
    """Raises UserError, in one line, where this machine has less memory than `needed` bytes."""
    there = physical()
    if there is not None and needed > there:
        raise UserError(
            f"the net and its batch take {_size(needed)} of memory, and this machine has "
            f"{_size(there)}; make the net, or batch_size, smaller"
        )


def least(config: Config) -> int:
    """Bytes below which no engine trains this: parameters and their gradients, and for a batch the
    largest of the maps between two layers with its gradient."""
    rows = config.trace()
    params = sum(row.params for row in rows)
    largest = max(math.prod(row.shape) for row in rows)
    return 2 * _FLOAT * (params + batch(config) * largest)


def batch(config: Config) -> int:
    """Images of the largest batch."""
    return min(config.batch_size, config.data.train)


def physical() -> int | None:
    """Bytes of memory that this machine has; None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
