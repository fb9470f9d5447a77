"""What is written to where a person says: files, links, pipes, devices and standard output."""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_core.errors import UserError
from mnist_core.outputs import passes_through, prepare, write_whole

CONTENT = b"as it was made\n" * 10_000


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _nothing(path: Path) -> None: ...


def _file_of_mode_604(path: Path) -> None:
    path.write_bytes(b"before")
    path.chmod(0o604)


def _link(path: Path) -> None:
    (path.parent / "named").write_bytes(b"before")
    path.symlink_to("named")


def _dangling_link(path: Path) -> None:
    path.symlink_to("deep/named")


def _two_links(path: Path) -> None:
    (path.parent / "between").symlink_to("named")
    path.symlink_to("between")


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(
    ("before", "mode", "is_link"),
    [
        (_nothing, 0o640, False),
        (_file_of_mode_604, 0o604, False),
        (_link, None, True),
        (_dangling_link, 0o640, True),
        (_two_links, 0o640, True),
    ],
)
def test_a_file_is_written_whole_with_its_rights_and_links_kept(
    tmp_path: Path, before: Callable[[Path], None], mode: int | None, is_link: bool
) -> None:
    path = tmp_path / "out"
    before(path)
    prepare(path)
    write_whole(path, CONTENT)
    assert path.read_bytes() == CONTENT
    assert path.is_symlink() == is_link
    assert mode is None or _mode(path) == mode
    assert not passes_through(path)
    assert not list(tmp_path.rglob(".writing.*"))


def _pipe(path: Path) -> Callable[[], bytes]:
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()

    def all_that_came() -> bytes:
        reader.join(30)
        return read[0]

    return all_that_came


def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    came = _pipe(tmp_path / "pipe")
    prepare(tmp_path / "pipe")
    write_whole(tmp_path / "pipe", CONTENT)
    assert came() == CONTENT
    assert (tmp_path / "pipe").is_fifo()
    assert passes_through(tmp_path / "pipe")


def test_a_link_to_a_pipe_is_written_through(tmp_path: Path) -> None:
    came = _pipe(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    write_whole(tmp_path / "link", CONTENT)
    assert came() == CONTENT
    assert (tmp_path / "link").is_symlink()


def test_a_terminal_is_written_through() -> None:
    ours, theirs = os.openpty()
    path = Path(os.ttyname(theirs))
    prepare(path)
    write_whole(path, b"12345")
    assert os.read(ours, 100) == b"12345"
    assert path.is_char_device()
    assert passes_through(path)
    os.close(ours)
    os.close(theirs)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_full_device_stays_one_and_is_said(tmp_path: Path) -> None:
    full = tmp_path / "full"
    os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
    with pytest.raises(UserError, match="full: cannot be written: No space left on device"):
        write_whole(full, CONTENT)
    assert full.is_char_device()


@pytest.mark.parametrize("to", ["-", "the same file"])
def test_standard_output_is_written_through(
    to: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`-o x > x` would else put another file in the place of the one that the shell holds."""
    path = Path(to)
    if to != "-":
        path = tmp_path / "stdout"
        path.symlink_to("/proc/self/fd/1")
        if not path.exists():
            pytest.skip("needs Linux's /proc")
    prepare(path)
    assert passes_through(path)
    write_whole(path, CONTENT)
    assert capfd.readouterr().out.encode() == CONTENT
    assert not Path("-").exists()


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_bytes(b"")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (_folder, "cannot be written: it is a folder; name a file"),
        (_loop, "cannot be written: Too many levels of symbolic links"),
        (_below_a_file, "cannot be written: "),
    ],
)
@pytest.mark.parametrize("write", [prepare, lambda path: write_whole(path, CONTENT)])
def test_what_cannot_be_written_is_known_before(
    tmp_path: Path, before: Callable[[Path], None], said: str, write: Callable[[Path], None]
) -> None:
    path = tmp_path / "in" / "out"
    path.parent.mkdir()
    before(path)
    with pytest.raises(UserError, match=f"{path}: {said}"):
        write(path)
    assert not list(tmp_path.rglob(".writing.*"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_folder_in_which_nothing_can_be_made_is_known_before() -> None:
    with pytest.raises(UserError, match="/proc/w: cannot be written: No such file or directory"):
        prepare(Path("/proc/w"))


def test_preparing_leaves_what_is_there_and_makes_the_folder(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "old").write_bytes(b"before")
    prepare(place / "old")
    prepare(place / "deep" / "new")
    assert (place / "old").read_bytes() == b"before"
    assert set(place.rglob("*")) == {place / "old", place / "deep"}
