"""How many cores there are for this process, which is not how many the machine has: its affinity
and a container's limit count."""

import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OURS = Path("/proc/self/cgroup")
_ON_A_GPU = 2  # of which each takes a good part of the memory


def cores() -> int:
    """At least 1; a limit of one core and a half allows 1."""
    if hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0))
    else:  # macOS and Windows
        found = os.cpu_count() or 1
    return max(1, int(min([float(found), *_limits()])))


def _limits() -> Iterator[float]:
    """Cores that the groups of this process may use, as far as they are limited."""
    try:
        groups = [line.split(":", 2)[2] for line in _OURS.read_text().splitlines()]
    except (OSError, IndexError):
        return
    for group in {*groups, "/"}:  # a container sees its own as the root
        for folder in [Path(group), *Path(group).parents]:
            place = str(folder).strip("/")
            yield from _limit([_GROUPS / place / "cpu.max"])
            first = _GROUPS / "cpu" / place  # as version 1 has it
            yield from _limit([first / "cpu.cfs_quota_us", first / "cpu.cfs_period_us"])


def _limit(files: list[Path]) -> Iterator[float]:
    """Of a quota and a period in one file, or in one each; a quota that is none is `max` or -1."""
    try:
        quota, period = (int(word) for file in files for word in file.read_text().split())
    except (OSError, ValueError):
        return
    if quota > 0 and period > 0:
        yield quota / period


def workers(asked: int | None, trainings: int, device: str = "cpu") -> int:
    """How many start: as many as are asked for, or (None) one for each core, two on a GPU; never
    more than there are trainings."""
    count = asked or (cores() if device == "cpu" else _ON_A_GPU)
    return max(1, min(count, trainings))
