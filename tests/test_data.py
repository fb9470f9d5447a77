"""MNIST as it is read, and the folders of data and runs."""

import gzip
from pathlib import Path

import platformdirs
import pytest
import torch

from mnist_core import data, paths
from mnist_core.data import Mnist
from mnist_core.errors import UserError


def test_load_gives_mnist(mnist: Mnist) -> None:
    assert mnist.train_images.shape == (60_000, 1, 28, 28)
    assert mnist.test_images.shape == (10_000, 1, 28, 28)
    assert mnist.train_images.dtype == mnist.test_images.dtype == torch.uint8
    assert mnist.train_labels.dtype == mnist.test_labels.dtype == torch.int64
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    per_digit = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.train_labels.bincount().tolist() == per_digit
    assert mnist.train_images.float().mean().item() / 255 == pytest.approx(0.1307, abs=5e-5)
    # The first training digit, a five: its top stroke is right of the middle, its foot left.
    assert mnist.train_images[0, 0, 5, 12:24].tolist() == [
        3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127,
    ]  # fmt: skip


def test_take(mnist: Mnist) -> None:
    few = mnist.take(300, 20)
    assert torch.equal(few.train_images, mnist.train_images[:300])
    assert torch.equal(few.train_labels, mnist.train_labels[:300])
    assert torch.equal(few.test_images, mnist.test_images[:20])
    assert torch.equal(few.test_labels, mnist.test_labels[:20])
    assert len(mnist.take(60_000, 10_000).train_labels) == 60_000


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (60_001, 1, "60001 training images: choose between 1 and 60000"),
        (1, 10_001, "10001 test images: choose between 1 and 10000"),
        (0, 1, "0 training"),
        (1, -1, "-1 test"),
    ],
)
def test_take_refuses(mnist: Mnist, train: int, test: int, says: str) -> None:
    with pytest.raises(UserError, match=says):
        mnist.take(train, test)


def test_to_moves_all_four(mnist: Mnist) -> None:
    moved = mnist.take(2, 1).to("meta")
    tensors = (moved.train_images, moved.train_labels, moved.test_images, moved.test_labels)
    assert [tensor.device.type for tensor in tensors] == ["meta"] * 4
    assert [len(tensor) for tensor in tensors] == [2, 2, 1, 1]
    assert mnist.to("cpu").train_images.data_ptr() == mnist.train_images.data_ptr()


IDX = b"\0\0\x08\x02" + b"\0\0\0\x02" + b"\0\0\0\x03" + bytes(range(6))


def test_read_idx(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(IDX)
    assert data._read_idx(tmp_path / "x", (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        IDX[:7],
        IDX[:-1],
        IDX + b"\0",
        IDX.replace(b"\x08\x02", b"\x09\x02"),
        IDX.replace(b"\x08\x02", b"\x08\x03"),
        IDX[:4] + IDX[8:12] + IDX[4:8] + IDX[12:],
        gzip.compress(IDX, mtime=0),
    ],
)
def test_read_idx_refuses_another_format_or_shape(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(
        UserError, match=r"x is not an IDX file of unsigned bytes of shape \(2, 3\)"
    ):
        data._read_idx(tmp_path / "x", (2, 3))


@pytest.mark.parametrize("value", [None, ""])
def test_paths_follow_the_platform_without_a_home(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DRILLDOWN_HOME")
    if value is not None:
        monkeypatch.setenv("DRILLDOWN_HOME", value)
    cache = Path(platformdirs.user_cache_dir("drilldown", appauthor=False))
    assert paths.data_dir() == cache / "data"
    assert paths.runs_dir() == Path("runs")


def test_paths_in_a_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.data_dir() == home / "data"
    assert paths.runs_dir() == home / "runs"
    monkeypatch.setenv("DRILLDOWN_HOME", "~/somewhere")
    assert paths.runs_dir() == Path.home() / "somewhere" / "runs"
