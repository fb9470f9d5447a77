"""optuna-dashboard as a person meets it, in a real browser; rows 22 and 23 of the reliability plan.

DRILLDOWN_REQUIRE_BROWSER=1 makes a missing Chromium a failure instead of a skip.
"""

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import optuna
import optuna_dashboard
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from mnist_core.errors import UserError
from search import dashboard, results
from search.dashboard import serve
from search.goal import Goal
from search.note import annotate
from search.results import TrialAttr
from search.storage import open_storage

GOAL = Goal(epochs=8)
COMMAND = "drilldown train runs/tiny/best.toml --check"
NAME = "tiny"

CURVES = {  # trial number: test accuracies
    0: (98.1, 98.9, 99.0, 99.1, 99.15, 99.2, 99.2, 99.2),
    1: (97.2, 98.0, 98.2),
    2: (98.5, 99.1, 99.4, 99.41, 99.44, 99.46, 99.45, 99.47),
    3: (98.0,),
    4: (98.4, 99.2, 99.3, 99.38, 99.5, 99.52, 99.51, 99.53),
}
SPACE = {
    "lr": FloatDistribution(0.01, 0.3, log=True),
    "layout": CategoricalDistribution(("squeeze", "plain")),
}


def _trial(number: int) -> FrozenTrial:
    """As the owner leaves them: complete, pruned (1), failed (3)."""
    test_acc = CURVES[number]
    state = {1: TrialState.PRUNED, 3: TrialState.FAIL}.get(number, TrialState.COMPLETE)
    attrs = {TrialAttr.PARAMS: 9_000 + number, TrialAttr.SECONDS: 20.5 * len(test_acc)}
    if state == TrialState.COMPLETE:
        final = GOAL.final(test_acc)
        attrs |= {TrialAttr.WORST: min(final), TrialAttr.MEAN: round(sum(final) / len(final), 4)}
    if max(test_acc) >= GOAL.accuracy:
        attrs[TrialAttr.GOAL_EPOCH] = next(e for e, a in enumerate(test_acc, 1) if a >= 99.4)
    if state == TrialState.FAIL:
        attrs[TrialAttr.REASON] = "train loss is nan in epoch 2"
    values = {TrialState.COMPLETE: GOAL.score(test_acc), TrialState.PRUNED: test_acc[-1]}
    return create_trial(
        state=state,
        value=values.get(state),
        params={"lr": 0.02 * (number + 1), "layout": "plain"},
        distributions=SPACE,
        user_attrs={str(key): value for key, value in attrs.items()},
        intermediate_values=dict(enumerate(test_acc, 1)),
    )


def _study(storage: RDBStorage, name: str = NAME, numbers: range = range(5)) -> Study:
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize")
    study.set_user_attr(results.GOAL, GOAL.model_dump(mode="json"))
    study.add_trials([_trial(number) for number in numbers])
    return study


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[RDBStorage]:
    opened = open_storage(f"sqlite:///{tmp_path / 'studies.sqlite3'}", create=True)
    yield opened
    opened.engine.dispose()


@dataclass
class Site:
    """A dashboard in a process of its own."""

    url: str
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[Path, str], Site]]:
    """Starts a dashboard; all of them end with the module."""
    program = (
        "import sys; from search.dashboard import serve; from search.storage import open_storage\n"
        "say = lambda url: print(url, flush=True)\n"
        "serve(open_storage(sys.argv[1]), sys.argv[2] or None, port=0, ready=say)"
    )
    started = []

    def _start(file: Path, name: str) -> Site:
        process = subprocess.Popen(
            [sys.executable, "-c", program, f"sqlite:///{file}", name],
            cwd=Path(dashboard.__file__).parents[1],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        return Site(url, process)

    yield _start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def site(start: Callable[[Path, str], Site], tmp_path_factory: pytest.TempPathFactory) -> Site:
    file = tmp_path_factory.mktemp("dashboard") / "studies.sqlite3"
    opened = open_storage(f"sqlite:///{file}", create=True)
    annotate(_study(opened), COMMAND)
    opened.engine.dispose()
    return start(file, NAME)


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("DRILLDOWN_REQUIRE_BROWSER") == "1":
            pytest.fail(f"no browser: none of {', '.join(names)} is on PATH")
        pytest.skip(f"no browser: none of {', '.join(names)} is on PATH")
    options = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"]
    options += ["disable-background-networking", "disable-component-update"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found, args=[f"--{option}" for option in options]
        )
        expect.set_options(timeout=30_000)  # the machine may be busy training
        yield chromium.new_context(viewport={"width": 1400, "height": 1000})
        chromium.close()


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


def _cells(page: Page, header: str) -> list[str]:
    """A column of the table of trials, from top to bottom."""
    expect(page.locator("thead th").first).to_be_visible()
    headers = page.locator("thead th").all_inner_texts()
    column = [text.strip() for text in headers].index(header) + 1
    return page.locator(f"tbody tr td:nth-child({column})").all_inner_texts()


def test_study_page_shows_the_best_trial_and_every_epoch(site: Site, page: Page) -> None:
    page.goto(site.url)
    expect(page.get_by_text("Best Trial (number=4)")).to_be_visible()
    expect(page.get_by_text(str(GOAL.score(CURVES[4])))).to_be_visible()
    expect(page.get_by_text(re.compile(r'"accuracy": 99.4, "last": 5'))).to_be_visible()
    curves = page.locator("#graph-intermediate-values .scatterlayer .trace")
    expect(curves).to_have_count(4)  # all but the failed one
    points = [curves.nth(i).locator(".point").count() for i in range(4)]
    assert points == [8, 3, 8, 8]
    expect(page.get_by_text("score (%)").first).to_be_visible()


def test_note_is_shown_as_it_was_meant(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/note")
    expect(page.get_by_role("heading", name="Best trial: number 4")).to_be_visible()
    expect(page.get_by_text(str(GOAL))).to_be_visible()
    expect(page.locator("pre")).to_have_text(COMMAND)
    cells = page.locator("table td").all_inner_texts()
    table = dict(zip(cells[::2], cells[1::2], strict=True))
    assert table == {
        "score": "99.461 %",
        "accuracy in the last 5 epochs": "99.38 · 99.50 · 99.52 · 99.51 · 99.53 %",
        "worst of these": "99.38 %",
        "mean of these": "99.488 %",
        "parameters": "9,004",
    }


def test_table_of_trials_has_what_people_sort_by(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/smartSelection")
    assert _cells(page, "UserAttribute reason")[3] == "train loss is nan in epoch 2"
    for attr in ("WORST", "MEAN", "PARAMS", "SECONDS", "GOAL_EPOCH"):
        header = f"UserAttribute {TrialAttr[attr]}"
        before = [float(cell) for cell in _cells(page, header) if cell]
        for _ in range(2):  # ascending and descending, whichever comes first
            page.get_by_role("columnheader", name=header).locator("span").first.click()
            after = [float(cell) for cell in _cells(page, header) if cell]
            assert after in (sorted(before), sorted(before, reverse=True))
    assert _cells(page, "UserAttribute parameters").count("") == 0
