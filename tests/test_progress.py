"""What a person sees while a study runs."""

import io
import logging
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import fakes
import pytest
from fakes import result, study
from rich.console import Console

from mnist_core.config import Config
from search.launch import progress, running, terminal, trainings
from search.launch.progress import LiveProgress, Progress, start_log, tally
from search.launch.trainings import LiveTrainings
from search.study.trials import State, Trial, fates
from search.workers.crew import Failed, Job, Trained

GOAL = study().goal


@pytest.fixture
def config() -> Config:
    space = study().make_space()
    params = {name: getattr(kind, "high", None) or kind.choices[0]  # type: ignore[attr-defined]
              for name, kind in space.dimensions.items()}  # fmt: skip
    return space.config(params, seed=3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds, to be set by a test."""
    now = [1000.0]
    for module in (progress, running, trainings):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """`start_log` is meant for a process of its own."""
    loggers = [logging.getLogger(name) for name in ("drilldown", "search", "mnist_core")]
    before = [(logger.handlers, logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.level = handlers, level


def _trial(
    number: int,
    state: State,
    score: float | None = None,
    test_acc: tuple[float, ...] = (),
    reason: str = "",
) -> Trial:
    """With as much of one as a person sees."""
    return Trial("tiny", number, state, {}, {}, test_acc, (), None, None, reason, score, None, {})


def _drawn(watcher: Progress | LiveTrainings, width: int = 80) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(watcher.view())
    return [line.rstrip() for line in capture.get().splitlines()]


def test_tally_counts_what_ended_and_how() -> None:
    assert tally(Counter({State.COMPLETE: 3, State.FAIL: 1}), 8) == (
        "4 of 8 trials ended: 3 complete, 0 pruned, 1 failed"
    )


def test_interrupted_and_running_trials_have_not_ended() -> None:
    trials = [_trial(number, state) for number, state in enumerate([*State, State.PRUNED])]
    assert fates(trials) == {State.COMPLETE: 1, State.PRUNED: 2, State.FAIL: 1}


@pytest.mark.parametrize("state", [State.INTERRUPTED, State.FOREIGN])
def test_a_trial_that_others_made_their_own_leaves_the_view_and_does_not_count(
    config: Config, caplog: pytest.LogCaptureFixture, state: State
) -> None:
    watcher = Progress("tiny", GOAL, 4, [])
    watcher.started(0, config)
    watcher.ended(_trial(0, state))
    assert watcher.summary().startswith("0 of 4 trials ended")
    assert "0/3" not in "\n".join(_drawn(watcher))
    assert "trial 0: does not count" in caplog.text


def test_view_shows_running_trials_counts_and_best(config: Config, clock: list[float]) -> None:
    found = [_trial(1, State.COMPLETE, 97.5), _trial(0, State.COMPLETE, 91.0)]
    watcher = Progress("tiny", GOAL, 9, found)
    watcher.started(2, config)
    watcher.started(3, config)
    clock[0] += 10
    watcher.epoch(2, result(1, 93.25))
    clock[0] += 4
    lines = _drawn(watcher)
    assert lines[0].split() == ["tiny", *str(GOAL).split()][: len(lines[0].split())]
    text = "\n".join(lines)
    said = "2 of 9 trials ended: 2 complete, 0 pruned, 0 failed; best score 97.50 % (trial 1)"
    assert said in " ".join(text.split())
    assert "Goal: not held yet" in lines
    # 5 to come in 30 s each, those that run in 16 s more; one at a time.
    assert "2 running; 14 s gone, about 3 min left" in lines
    rows = [line.split() for line in lines[-3:]]
    assert rows[0] == ["trial", "parameters", "epoch", "test", "accuracy", "time", "left"]
    assert rows[1] == ["2", f"{config.params:,}", "1/3", "93.25", "%", "16", "s"]
    assert rows[2] == ["3", f"{config.params:,}", "0/3"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (119, "119 s"), (121, "2 min"), (7000, "117 min")]
)
def test_time_left_is_said_in_seconds_or_minutes(
    config: Config, clock: list[float], seconds: float, said: str
) -> None:
    watcher = Progress("tiny", GOAL, 9, [])
    watcher.started(0, config)
    clock[0] += seconds / 2  # one epoch of three: two are left
    watcher.epoch(0, result(1, 93.25))
    assert _drawn(watcher)[-1].endswith(f" {said}")
    clock[0] += 1e6
    assert _drawn(watcher)[-1].endswith(" 0 s")  # late, but never less than nothing


@pytest.mark.parametrize("width", [60, 80, 100])
def test_view_fits_the_terminal(config: Config, width: int) -> None:
    watcher = Progress("tiny", GOAL, 100, [])
    for number in range(98, 101):
        watcher.started(number, config)
    lines = _drawn(watcher, width)
    assert max(map(len, lines)) <= width
    assert sum("0/3" in line for line in lines) == 3


def test_ended_trials_leave_the_view_and_are_counted(config: Config) -> None:
    watcher = Progress("tiny", GOAL, 4, [])
    for number in range(4):
        watcher.started(number, config)
    watcher.epoch(1, result(1, 70.0))
    watcher.ended(_trial(0, State.COMPLETE, 93.0))
    watcher.ended(_trial(1, State.PRUNED))
    watcher.ended(_trial(2, State.FAIL))
    assert watcher.summary() == (
        "3 of 4 trials ended: 1 complete, 1 pruned, 1 failed; best score 93.00 % (trial 0)"
    )
    watcher.ended(_trial(3, State.COMPLETE, 92.0))
    assert watcher.summary().endswith("best score 93.00 % (trial 0)")
    assert "0/3" not in "\n".join(_drawn(watcher))


@pytest.mark.parametrize("found", [[], [_trial(0, State.FAIL)]])
def test_no_best_is_said_too(found: list[Trial]) -> None:
    assert Progress("tiny", GOAL, 4, found).summary().endswith("; no best yet")


def test_of_equal_scores_the_earliest_trial_is_best(config: Config) -> None:
    """Also where it ends last: as in the study."""
    watcher = Progress("tiny", GOAL, 3, [])
    for number in (1, 0, 2):
        watcher.started(number, config)
        watcher.ended(_trial(number, State.COMPLETE, 97.5))
    assert watcher.summary().endswith("best score 97.50 % (trial 0)")


def test_a_score_of_nothing_is_a_best_too(config: Config) -> None:
    nothing = _trial(0, State.COMPLETE, 0.0)
    assert Progress("tiny", GOAL, 4, [nothing]).summary().endswith("best score 0.00 % (trial 0)")
    watcher = Progress("tiny", GOAL, 4, [])
    watcher.started(0, config)
    watcher.ended(nothing)
    assert watcher.summary().endswith("best score 0.00 % (trial 0)")


def test_lines_say_what_happens(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="drilldown")
    watcher = Progress("tiny", GOAL, 2, [])
    watcher.started(0, config)
    watcher.epoch(0, result(1, 93.25, 2.0))
    watcher.ended(_trial(0, State.FAIL, reason="KeyError: '[/x]'"))
    watcher.started(1, config)
    watcher.epoch(1, result(1, 50.0, 2.0))
    watcher.ended(_trial(1, State.PRUNED, test_acc=(50.0,)))
    assert caplog.messages == [
        "trial 0: epoch 1/3, test 93.25 %, train 99.00 %, 2.0 s",
        "trial 0: failed: KeyError: '[/x]'  "
        "[1 of 2 trials ended: 0 complete, 0 pruned, 1 failed; no best yet]",
        "trial 1: epoch 1/3, test 50.00 %, train 99.00 %, 2.0 s",
        "trial 1: pruned after epoch 1  "
        "[2 of 2 trials ended: 0 complete, 1 pruned, 1 failed; no best yet]",
    ]
    assert [r.levelname for r in caplog.records] == ["INFO", "WARNING", "INFO", "INFO"]


def test_live_view_needs_no_line_for_an_epoch(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="drilldown")
    watcher = LiveProgress("tiny", GOAL, 2, [])
    watcher.started(0, config)
    watcher.epoch(0, result(1, 93.25))
    watcher.ended(_trial(0, State.PRUNED, test_acc=(93.25,)))
    assert caplog.messages == ["trial 0: pruned after epoch 1"]  # the rest is in the view


@pytest.mark.parametrize(
    ("quiet", "verbose", "said"),
    [
        (False, False, "an epoch\na failure\n"),
        (True, False, "a failure\n"),
        (False, True, "a start\nan epoch\na failure\n"),
    ],
)
def test_lines_go_to_standard_error_as_many_as_asked_for(
    quiet: bool, verbose: bool, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # the second time replaces the first
        assert start_log(quiet, verbose) is None
    log = logging.getLogger("drilldown")
    log.debug("a start")
    log.info("an epoch")
    logging.getLogger("search.launch.owner").warning("a failure")
    assert capfd.readouterr() == ("", said)


# --- the study in the view -------------------------------------------------------------------


def test_view_says_first_what_the_study_is_a_part_of_and_trains_on() -> None:
    first = ["Not the whole of MNIST: 6 of 7", "stage 2 of 3: pace"]
    assert _drawn(Progress("tiny", GOAL, 4, [], first=first))[:2] == first


def test_view_has_the_best_net_and_recipe_and_who_holds_the_goal(config: Config) -> None:
    told = {"drilldown:config": config.to_dict()}
    found = [
        replace(_trial(number, State.COMPLETE, 97.5 - number), _tables=told) for number in range(3)
    ]
    watcher = Progress("tiny", GOAL, 9, found)
    lines = _drawn(watcher, 200)
    [best] = [line for line in lines if line.startswith("Best: ")]
    assert re.match(rf"Best: (\d+-){{6}}\d+, squeeze, relu, sgd {config.optimizer.lr:.3g}, ", best)
    [short] = [line for line in _drawn(watcher, 60) if line.startswith("Best: ")]
    assert (len(short), short[-1]) == (60, "…")
    watcher._holding = 2
    assert "Goal: held by 2 trials, not by the best" in _drawn(watcher)


@pytest.mark.parametrize(("workers", "said"), [(1, "14 min"), (2, "7 min")])
def test_time_left_is_that_of_all_trials_to_come(
    config: Config, clock: list[float], workers: int, said: str
) -> None:
    watcher = Progress("tiny", GOAL, 9, [], workers)
    assert "0 running; 0 s gone" in _drawn(watcher)  # and nothing is known of what is left
    for number in range(2):
        watcher.started(number, config)
        clock[0] += 120
        watcher.ended(_trial(number, State.COMPLETE, 93.0))
    assert f"0 running; 4 min gone, about {said} left" in _drawn(watcher)


def test_trainings_on_fresh_seeds_have_a_view_too(
    config: Config, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="drilldown")
    watcher = LiveTrainings("mine: finalists on fresh seeds", 2, ["Not the whole of MNIST"])
    watcher.todo(3, 1)
    jobs = [Job(number, "pace/3", config.changed(seed=number), 3) for number in range(3)]
    for job in jobs[:2]:
        watcher.started(job)
    clock[0] += 10
    watcher.epoch(jobs[0], result(1, 93.25))
    assert _drawn(watcher, 60) == [
        "Not the whole of MNIST",
        "mine: finalists on fresh seeds",
        "1 of 4 trainings ended: 0 failed",
        "2 running; 10 s gone, about 1 min left",  # (30 + 20 + 20) / 2 s
        "net     seed  epoch  test accuracy  time left",
        "pace/3     0    1/3        93.25 %       20 s",
        "pace/3     1    0/3",
    ]
    clock[0] += 20
    watcher.ended(Trained(jobs[0], (result(3, 94.0),), fakes.ENVIRONMENT, False))
    watcher.ended(Failed(jobs[1], (), None, "it died"))
    assert "3 of 4 trainings ended: 1 failed" in _drawn(watcher)
    assert "0 running; 30 s gone, about 15 s left" in _drawn(watcher)
    assert caplog.messages == ["pace/3, seed 0: test 94.00 % in its last epoch"]


# --- the terminal ----------------------------------------------------------------------------


def _screen(written: str) -> list[str]:
    """The lines that a tall terminal is left with."""
    lines, row, column = [""], 0, 0
    for code, up, sign in re.findall(r"(\x1b\[(\d*)[A-Za-z]|\x1b\[[?\d;]*[a-z])|(.|\n)", written):
        if code.endswith("A"):
            row = max(0, row - int(up or 1))
        elif code.endswith("K"):
            lines[row] = ""
        elif sign == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif sign == "\r":
            column = 0
        elif sign:
            lines[row] = f"{lines[row][:column]:{column}}{sign}{lines[row][column + 1 :]}"
            column += 1
    return lines


def test_no_line_goes_missing_as_the_view_shrinks(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rich works out how many lines to take back, then takes them back: meanwhile another thread
    may have drawn a smaller view."""
    monkeypatch.setattr(terminal, "_REDRAWN", 1e6)  # but where it is asked for below
    drawn = threading.Event()
    console = Console(
        file=io.StringIO(), force_terminal=True, width=80, height=40, color_system=None
    )

    class Between:
        """Has the view drawn by another thread between the two."""

        active = True

        def process_renderables(self, renderables: list) -> list:
            if self.active:
                self.active = False
                threading.Thread(target=self.draw, daemon=True).start()
                drawn.wait(0.2)
            return renderables

        def draw(self) -> None:
            with terminal._writing:
                lives[0].refresh()
            drawn.set()

    lives: list[terminal.Live] = []
    monkeypatch.setattr(terminal, "_redraw", lambda live, over: lives.append(live))
    watcher = LiveProgress("tiny", GOAL, 9, [])
    handler = terminal.Lines(console=console, show_path=False, show_level=False, show_time=False)
    logger = logging.getLogger("drilldown")
    logger.handlers, logger.level = [handler], logging.INFO
    for number in range(4):
        watcher.started(number, config)
    with watcher.attach(console):
        lives[0].refresh()
        logger.info("a line before")
        for number in range(3):
            watcher._running.pop(number)
        console.push_render_hook(Between())  # type: ignore[arg-type]
        logger.info("a line meanwhile")
        assert drawn.wait(5)
        console.pop_render_hook()
    left = [line.strip() for line in _screen(console.file.getvalue())]  # type: ignore[attr-defined]
    assert left[:2] == ["a line before", "a line meanwhile"]
    assert not any(left[2:])  # the view is gone
