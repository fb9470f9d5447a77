"""The native engine under the address and undefined-behaviour sanitizers: `pytest -m slow` runs its
layer and part tests again on libraries that end the process at the first fault."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_core import native

SOURCES = Path(native.__file__).parent
FLAGS = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
TESTS = ["tests/test_native_layers.py", "tests/test_native_parts.py"]
# The tests ask the loader for its libraries: it is told to look for them elsewhere.
RUN = """
import pathlib, sys
import pytest
from mnist_core.native import library
library._FOLDER = pathlib.Path(sys.argv[1])
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""


def _runtime(name: str) -> str:
    """The path of one of the compiler's libraries."""
    found = subprocess.run(["g++", f"-print-file-name={name}"], capture_output=True, text=True)
    return found.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.skipif(
    not (shutil.which("cmake") and shutil.which("g++") and (SOURCES / "src").is_dir()),
    reason="needs cmake, g++ and a checkout",
)
def test_no_fault_is_found(tmp_path: Path):
    build = ["cmake", "-S", str(SOURCES), "-B", str(tmp_path), "-DCMAKE_BUILD_TYPE=None"]
    subprocess.run([*build, f"-DCMAKE_CXX_FLAGS={FLAGS}"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(tmp_path), "-j2"], check=True, capture_output=True)
    runtimes = " ".join(map(_runtime, ("libasan.so", "libubsan.so")))
    # What Python and torch leave behind at their end is not ours.
    environment = {**os.environ, "LD_PRELOAD": runtimes, "ASAN_OPTIONS": "detect_leaks=0"}
    ran = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path), *TESTS],
        cwd=SOURCES.parent.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "passed" in ran.stdout
    assert "skipped" not in ran.stdout
