"""The README's picture: `python tests/picture.py` makes studies/dashboard.png anew.

The trainings on all of MNIST that `fidelity.py` has come to are launched as a study: its owner, the
goal's pruner, notes and the dashboard are the real ones, and a worker comes to the recorded curve,
in a hundredth of the time that the training took. Afterwards the times are stretched to what they
were. It needs Chromium.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import fakes
import fidelity
from PIL import Image
from playwright.sync_api import sync_playwright

from mnist_core import fetch
from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.result import EpochResult
from search.workers.protocol import Began, Trainer

PICTURE = Path(__file__).parents[1] / "studies" / "dashboard.png"
NAME = "random"
FASTER = 100
_WIDTH, _HEIGHT = 1280, 1716  # to the end of the figure of the best trials
_COLOURS = 96  # of the picture, which has few
_STRETCH = """update trials set datetime_{at} =
    strftime('%Y-%m-%d %H:%M:%f', {first} + {by} * (julianday(datetime_{at}) - {first}))
"""


@cache
def recorded() -> dict[Config, fidelity.Line]:
    """By config, without its seed: the first training of each on all of MNIST."""
    configs = fidelity.configs()
    lines = [line for line in fidelity.ledger() if (line.epochs, line.images) == fidelity.WHOLE]
    return {configs[line.config].recipe: line for line in reversed(lines)}


def replaying(device: str, engine: Wanted) -> Trainer:
    """Of a worker: every training comes to its recorded curve."""

    def run(config: Config) -> Iterator[EpochResult]:
        line = recorded()[config.recipe]
        for epoch, accuracy in enumerate(line.test_acc, start=1):
            seconds = line.seconds / len(line.test_acc)
            time.sleep(seconds / FASTER)
            fit = line.fit_acc if epoch == len(line.test_acc) else None
            yield fakes.result(epoch, accuracy, seconds, fit)

    return lambda config: (Began(fakes.ENVIRONMENT), run(config))


def launch() -> None:
    """The study, in DRILLDOWN_HOME."""
    from search.launch import run
    from search.study.spec import StudySpec
    from spaces.reading import sample_of

    configs = list(recorded())
    spec = StudySpec.from_dict(
        {
            "trials": len(configs),
            "workers": 2,
            "goal": fidelity.GOAL.model_dump(),
            "space": {"name": "open"},
            "sampler": {"kind": "random"},
        }
    )
    space = spec.make_space()
    starts = {f"config {number}": sample_of(each, space) for number, each in enumerate(configs)}
    with patch.object(fetch, "mnist"):  # nobody trains
        run.launch(NAME, spec, None, start=replaying, starts=starts)


def stretch(database: Path) -> None:
    """Has the trials take as long as their trainings did."""
    with sqlite3.connect(database) as opened:
        (first,) = opened.execute("select min(julianday(datetime_start)) from trials").fetchone()
        for at in ("start", "complete"):
            opened.execute(_STRETCH.format(at=at, first=repr(first), by=FASTER))
    opened.close()


def draw(target: Path) -> None:
    """A screenshot of the study's page as `drilldown dashboard` serves it."""
    program = "from search import cli; cli.main()"
    command = [sys.executable, "-c", program, "dashboard", NAME, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = chromium.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
            page.goto(url)
            page.get_by_text("Best Trial (number=").wait_for(timeout=60_000)
            page.locator("text=Hyperparameter Importance").first.wait_for()
            page.wait_for_timeout(5_000)  # the plots come one after the other
            page.screenshot(path=target)
            chromium.close()
        server.terminate()


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["DRILLDOWN_HOME"] = home
        os.environ.pop("DRILLDOWN_STORAGE", None)
        launch()
        stretch(Path(home) / "runs" / "drilldown.sqlite3")
        draw(PICTURE)
    few = Image.open(PICTURE).convert("RGB").quantize(_COLOURS)
    few.save(PICTURE, optimize=True)
    print(f"{PICTURE}: {few.width} x {few.height}, {PICTURE.stat().st_size:,} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
