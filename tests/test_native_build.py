"""The native engine as it is built, found and refused."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnist_core.errors import UserError
from mnist_core.native import compiler, library

CHECKOUT = Path(__file__).parents[1]
NATIVE = Path(library.__file__).parent
built = pytest.mark.skipif(library.unavailable() is not None, reason="it was not built")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the libraries are looked for: an empty folder."""
    monkeypatch.setattr(library, "_FOLDER", tmp_path)
    monkeypatch.delenv("DRILLDOWN_NATIVE", raising=False)
    monkeypatch.delenv("DRILLDOWN_INSTRUCTION_SET", raising=False)
    return tmp_path


@pytest.fixture
def avx2(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All libraries are there, and the processor is one with AVX2."""
    for name in library.INSTRUCTION_SETS:
        library._path(name).touch()
    fake = SimpleNamespace(dd_best_instruction_set=lambda: b"avx2")
    monkeypatch.setattr(library, "_library", lambda path: fake)


def copied_libraries(folder: Path) -> None:
    shutil.copytree(NATIVE, folder, dirs_exist_ok=True)


@pytest.mark.usefixtures("folder")
def test_a_checkout_that_was_not_installed_is_told_to_be():
    reason = library.unavailable()
    assert reason is not None
    assert "not built" in reason
    assert "pip install" in reason


def test_what_hindered_the_build_is_said(folder: Path):
    (folder / "not_built.txt").write_text("no C++17 compiler was found; install one\n")
    reason = "the native engine was not built: no C++17 compiler was found; install one"
    assert library.unavailable() == reason
    with pytest.raises(UserError, match=re.escape(reason)):
        library.load()


@pytest.mark.usefixtures("avx2")
def test_a_variable_forbids_it(monkeypatch: pytest.MonkeyPatch):
    assert library.unavailable() is None
    monkeypatch.setenv("DRILLDOWN_NATIVE", "0")
    assert library.unavailable() == "DRILLDOWN_NATIVE=0 forbids the native engine"


def test_a_file_that_is_no_library_is_a_reason(folder: Path):
    (folder / library._path("portable").name).write_bytes(b"no library")
    reason = library.unavailable()
    assert reason is not None
    assert "cannot be loaded" in reason
    assert "\n" not in reason


@pytest.mark.usefixtures("avx2")
class TestTheInstructionSet:
    def test_is_the_best_there_is(self):
        assert library._chosen() == "avx2"

    def test_is_a_lesser_one_where_the_best_was_not_built(self):
        library._path("avx2").unlink()
        assert library._chosen() == "portable"

    def test_can_be_a_lesser_one(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DRILLDOWN_INSTRUCTION_SET", "portable")
        assert library._chosen() == "portable"

    @pytest.mark.parametrize("named", ["avx512", "sse9"])
    def test_cannot_be_one_that_the_processor_lacks(
        self, named: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("DRILLDOWN_INSTRUCTION_SET", named)
        message = f"DRILLDOWN_INSTRUCTION_SET={named}: this processor has avx2, portable"
        with pytest.raises(UserError, match=message):
            library.unavailable()

    def test_that_a_curve_needs_can_be_missing(self):
        assert library.unavailable("avx512") == "this processor lacks the instruction set avx512"
        assert library.unavailable("avx2") is None
        library._path("avx2").unlink()
        assert "not built for avx2" in (library.unavailable("avx2") or "")
        assert "no instruction set" in (library.unavailable("neon") or "")


@built
class TestTheLibrary:
    @pytest.mark.parametrize("name", library.INSTRUCTION_SETS)
    def test_says_what_it_was_compiled_for(self, name: str):
        if library.unavailable(name):
            pytest.skip(f"no {name} here")
        loaded = library.load(name)
        assert loaded.dd_instruction_set().decode() == name
        assert loaded.dd_compiler()

    @pytest.mark.skipif(not library.fingerprint(), reason="installed without the sources")
    def test_is_stale_once_a_source_has_changed(self, folder: Path):
        copied_libraries(folder)
        with (folder / "src" / "binding.h").open("a") as header:
            header.write("/* another line */\n")
        with pytest.raises(UserError, match="built from other sources"):
            library.unavailable()

    def test_is_stale_once_the_version_has_changed(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ):
        copied_libraries(folder)
        monkeypatch.setattr(library, "VERSION", "0")
        with pytest.raises(UserError, match="built from other sources"):
            library.load()


def test_every_function_of_the_interface_is_declared():
    header = re.sub(r"/\*.*?\*/", "", (NATIVE / "src" / "binding.h").read_text(), flags=re.S)
    declared = dict(re.findall(r"DD_API [^;]*?(dd_\w+)\(([^)]*)\)", header))
    counts = {
        name: 0 if parameters == "void" else parameters.count(",") + 1
        for name, parameters in declared.items()
    }
    assert counts == {name: len(taken) for name, (_, taken) in library.SIGNATURES.items()}


def test_both_sides_know_the_same_version():
    binding = (NATIVE / "src" / "binding.cpp").read_text()
    assert f'dd_version(void) {{ return "{library.VERSION}"; }}' in binding


class TestTheCompiler:
    def test_is_none_where_the_path_has_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("CXX", raising=False)
        assert compiler.system_compiler() is None

    def test_has_to_compile_not_only_to_be_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        stub = tmp_path / "c++"
        stub.write_text("#!/bin/sh\nexit 1\n")
        stub.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("CXX", f"{stub} -pipe")
        assert compiler.system_compiler() is None


# What follows installs: it takes minutes, and wheels from the package registry.


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment that has the build backend and no compiler."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip(python, "install", "-q", "scikit-build-core>=1.1")
    return python


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this one, nothing built in it."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(CHECKOUT / name, copy)
    for name in ("mnist_core", "spaces", "search", "studies"):
        unwanted = shutil.ignore_patterns("drilldown_*", "not_built.txt", "__pycache__", "*.png")
        shutil.copytree(CHECKOUT / name, copy / name, ignore=unwanted)
    return copy


def pip(python: Path, *arguments: str, **variables: str) -> None:
    done = subprocess.run(
        [python, "-m", "pip", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def wheel_of(checkout: Path, python: Path, *options: str, **variables: str) -> Path:
    target = checkout.parent / "wheels"
    pip(python, "wheel", *options, "--no-deps", "-w", str(target), str(checkout), **variables)
    (wheel,) = target.iterdir()
    return wheel


def without_tools(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with nothing but Python."""
    empty = tmp_path / "empty"
    empty.mkdir()
    return {"PATH": str(empty), "CXX": "", "CMAKE_ARGS": ""}


def contents(wheel: Path) -> dict[str, str]:
    """name: text, of what is native in it; the libraries' is empty."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            Path(name).name: "" if "drilldown_" in name else archive.read(name).decode()
            for name in archive.namelist()
            if name.startswith("mnist_core/native/")
        }


def said(code: str, installed: Path, **variables: str) -> str:
    """What code prints that finds drilldown in a folder, not in the checkout."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"from mnist_core.native import library; print({code})"],
        env={**os.environ, "PYTHONPATH": str(installed), **variables},
        cwd=installed,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestTheWheel:
    def test_is_pure_without_a_compiler_and_says_why(
        self, checkout: Path, python: Path, tmp_path: Path
    ):
        wheel = wheel_of(checkout, python, "--no-build-isolation", **without_tools(tmp_path))
        assert wheel.name.endswith("-py3-none-any.whl")
        assert "no C++17 compiler" in contents(wheel)["not_built.txt"]
        pip(python, "install", "--no-deps", "--target", str(tmp_path / "installed"), str(wheel))
        assert "not built: no C++17 compiler" in said(
            "library.unavailable()", tmp_path / "installed", DRILLDOWN_NATIVE=""
        )

    def test_is_pure_where_a_variable_forbids_the_build(self, checkout: Path, python: Path):
        wheel = wheel_of(checkout, python, "--no-build-isolation", DRILLDOWN_NATIVE="0")
        assert wheel.name.endswith("-py3-none-any.whl")
        assert "DRILLDOWN_NATIVE=0" in contents(wheel)["not_built.txt"]

    def test_is_pure_where_the_build_fails(self, checkout: Path, python: Path):
        (checkout / "mnist_core/native/src/broken.cpp").write_text("#error\n")
        wheel = wheel_of(checkout, python)
        assert wheel.name.endswith("-py3-none-any.whl")
        assert "its build failed" in contents(wheel)["not_built.txt"]

    def test_has_libraries_by_zig_where_there_is_nothing_but_python(
        self, checkout: Path, python: Path, tmp_path: Path
    ):
        wheel = wheel_of(checkout, python, **without_tools(tmp_path))
        assert "-py3-none-linux_" in wheel.name or "-py3-none-macosx_" in wheel.name
        assert not {"src", "CMakeLists.txt", "backend.py", "not_built.txt"} & set(contents(wheel))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "installed")
        compiled_by = "library.load().dd_compiler().decode()"
        assert said(compiled_by, tmp_path / "installed").startswith("clang")
        if library.unavailable() is None:
            chosen = "library.load().dd_instruction_set().decode()"
            assert said(chosen, tmp_path / "installed") == said(chosen, CHECKOUT)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(compiler.system_compiler() is None, reason="needs a compiler")
def test_an_editable_installation_leaves_nothing_of_an_earlier_one(checkout: Path, python: Path):
    native = checkout / "mnist_core" / "native"
    pip(python, "install", "--no-deps", "-e", str(checkout))
    first = {path.name for path in native.glob("drilldown_*")}
    assert f"drilldown_portable{library._SUFFIX}" in first
    assert said("library.unavailable()", checkout) == "None"
    (checkout / "mnist_core" / "fresh.py").touch()
    subprocess.run([python, "-c", "import mnist_core.fresh"], check=True, cwd=native)

    pip(python, "install", "--no-deps", "-e", str(checkout), DRILLDOWN_NATIVE="0")
    assert not list(native.glob("drilldown_*"))
    assert "DRILLDOWN_NATIVE=0" in (native / "not_built.txt").read_text()


CODE = {"1": "cbfcdf5dee41f09c"}
"""Version of the engine -> hash of its code, without comments and white space."""


def test_code_that_changed_has_been_thought_about():
    """A version promises the same bits. Where this fails, either the change keeps every bit (then
    write the new hash down), or the engine needs a new VERSION."""
    files = sorted((Path(library.__file__).parent / "src").iterdir())
    code = re.sub(
        r"//[^\n]*|/\*.*?\*/", "", "\n".join(file.read_text() for file in files), flags=re.S
    )
    lines = "".join(code.split())
    assert hashlib.sha256(lines.encode()).hexdigest()[:16] == CODE[library.VERSION]
