"""How many workers start where nobody says it: as many as there are cores for this process."""

import os
from pathlib import Path

import pytest

from search.workers import cores


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The groups of a process that has eight cores; none of them is limited yet."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "_GROUPS", tmp_path)
    monkeypatch.setattr(cores, "_OURS", tmp_path / "ours")
    (tmp_path / "ours").write_text("4:cpu,cpuacct:/box/a\n0::/box/b\n")
    for folder in ("box/a", "box/b", "cpu/box/a"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 8),
        ({"box/b/cpu.max": "max 100000"}, 8),
        ({"box/b/cpu.max": "300000 100000"}, 3),
        ({"box/b/cpu.max": "max 100000", "box/cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"cpu/box/a/cpu.cfs_quota_us": "-1", "cpu/box/a/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/box/a/cpu.cfs_quota_us": "400000", "cpu/box/a/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
    ],
)
def test_affinity_and_the_limit_of_a_container_count(
    groups: Path, files: dict[str, str], count: int
) -> None:
    for name, text in files.items():
        (groups / name).write_text(f"{text}\n")
    assert cores.cores() == count


def test_without_groups_the_affinity_counts(groups: Path) -> None:
    (groups / "ours").unlink()
    assert cores.cores() == 8


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize(
    ("asked", "trainings", "device", "count"),
    [
        (None, 99, "cpu", 8),
        (None, 3, "cpu", 3),
        (None, 99, "cuda", 2),
        (5, 99, "cpu", 5),
        (5, 99, "cuda:1", 5),
        (5, 2, "cpu", 2),
    ],
)
def test_no_more_workers_than_trainings(
    asked: int | None, trainings: int, device: str, count: int
) -> None:
    assert cores.workers(asked, trainings, device) == count
