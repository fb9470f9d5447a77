"""What a person sees while a study runs: a live view in a terminal, plain lines elsewhere."""

import logging
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.text import Text

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.result import EpochResult
from mnist_core.words import of, part, percent
from search.confirm.race import Standing
from search.launch.fresh import FreshSeeds
from search.launch.running import Running, said_time, time_left
from search.launch.terminal import Lines, shown
from search.study.trials import COUNTED, State, Trial, fates
from search.text.console import Grid, is_terminal
from search.text.wording import network, recipe

log = logging.getLogger("drilldown")


def tally(ended: Counter[State], trials: int) -> str:
    """How many of a study's trials ended, and how."""
    parts = [f"{ended[state]} {name}" for state, name in COUNTED.items()]
    return f"{part(ended.total(), trials, 'trial')} ended: {', '.join(parts)}"


class Progress:
    """Follows a study: the trials now running, how the others ended, the best so far."""

    epoch_level = logging.INFO

    def __init__(
        self,
        name: str,
        goal: Goal,
        trials: int,
        found: Sequence[Trial],
        workers: int = 1,
        first: Sequence[str] = (),
        confirmed: Sequence[Standing] | None = None,
    ) -> None:
        """found: the trials of the study as it was resumed, best first. workers: how many trials
        run at once. first: lines that come before all others of the view. confirmed: what fresh
        seeds say so far, where it goes on until a config is confirmed."""
        self._title, self._goal, self._trials = name, goal, trials
        self._workers, self._first = workers, first
        self._until_confirmed = confirmed is not None
        self.fresh = FreshSeeds(goal, self.epoch_level, confirmed or ())
        self._ended = fates(found)
        self._holding = sum(trial.holds_goal for trial in found)
        self._running: dict[int, Running] = {}
        self._best = found[0] if found and found[0].score is not None else None
        self._since, self._took = monotonic(), list[float]()

    def started(self, number: int, config: Config) -> None:
        self._running[number] = Running(config.params, config.epochs, monotonic())
        log.debug("trial %d: %s parameters, seed %d", number, f"{config.params:,}", config.seed)

    def epoch(self, number: int, result: EpochResult) -> None:
        trial = self._running[number]
        trial.latest, trial.seen = result, monotonic()
        log.log(
            self.epoch_level,
            "trial %d: epoch %d/%d, %s %s %%, train %s %%, %.1f s",
            number,
            result.epoch,
            trial.epochs,
            self._goal.judge,
            self._percent(result.test_acc),
            percent(result.train_acc),
            result.seconds,
        )

    def ended(self, trial: Trial) -> None:
        self._took.append(monotonic() - self._running.pop(trial.number).since)
        self._ended += fates([trial])
        self._holding += trial.holds_goal
        if trial.score is not None:
            what = f"complete, score {self._percent(trial.score)} %"
            if self._best is None or _before(trial, self._best):
                self._best = trial
        elif trial.state == State.PRUNED:
            what = f"pruned: {trial.reason}"
            if not trial.reason:
                what = f"pruned after epoch {len(trial.test_acc)}"
        elif trial.state == State.FAIL:
            what = f"failed: {trial.reason}"
        else:  # somebody else's doing
            what = f"does not count: {trial.reason}"
        well = trial.state in (State.COMPLETE, State.PRUNED)
        level = logging.INFO if well else logging.WARNING
        log.log(level, "trial %d: %s%s", trial.number, what, self._so_far())

    def summary(self) -> str:
        best = "no best yet"
        if self._best is not None and self._best.score is not None:
            score = self._percent(self._best.score)
            best = f"best score {score} % (trial {self._best.number})"
        return f"{tally(self._ended, self._trials)}; {best}"

    def _percent(self, accuracy: float) -> str:
        return percent(accuracy, self._goal.accuracy)

    def _so_far(self) -> str:
        """What a line about a trial's end adds about the study."""
        fresh = [f"{each[0].lower()}{each[1:]}" for each in self.fresh.best()]
        return f"  [{'; '.join([self.summary(), *fresh])}]"

    def left(self) -> float | None:
        """Seconds until the study has its trials, at the pace so far; None where none is known, and
        where the study may be over before, and longer for its fresh seeds."""
        if self._until_confirmed:
            return None
        waiting = max(0, self._trials - self._ended.total() - len(self._running))
        return time_left(self._running.values(), self._took, waiting, self._workers)

    def view(self) -> RenderableType:
        """The live view."""
        heads = ("trial", "parameters", "epoch", f"{self._goal.judge} accuracy", "time left")
        lines = [
            [str(number), f"{trial.params:,}", *trial.cells(self._goal.accuracy)]
            for number, trial in sorted(self._running.items())
        ]
        lines += [
            [f"{job.name.removeprefix('trial ')}, fresh seed", f"{seed.params:,}", *seed.cells()]
            for _, (job, seed) in sorted(self.fresh.running.items())
        ]
        head = Text.assemble((self._title, "bold"), f"  {self._goal}")
        said = [*map(Text, self._first), head, Text(self.summary())]
        best = self._best.config if self._best is not None else None
        if best is not None:
            told = f"Best: {network(best)}, {recipe(best)}"
            said.append(Text(told, no_wrap=True, overflow="ellipsis"))
        said += map(Text, [self._goal_held(), *self._confirmed(), self._time()])
        return Group(*said, Grid(heads, lines))

    def _goal_held(self) -> str:
        if not self._holding:
            return "Goal: not held yet"
        best = "the best too" if self._best and self._best.holds_goal else "not by the best"
        return f"Goal: held by {of(self._holding, 'trial')}, {best}"

    def _confirmed(self) -> list[str]:
        return (self.fresh.best() or ["Confirmed: none yet"]) if self._until_confirmed else []

    def _time(self) -> str:
        running = len(self._running) + len(self.fresh.running)
        return said_time(running, monotonic() - self._since, self.left())


def _before(trial: Trial, best: Trial) -> bool:
    """Of equals the earliest is the best, as in `Study`."""
    return (-(trial.score or 0.0), trial.number) < (-(best.score or 0.0), best.number)


class LiveProgress(Progress):
    """For a terminal, where `view` is redrawn as things happen and epochs need no lines."""

    epoch_level = logging.DEBUG

    def _so_far(self) -> str:
        return ""  # it stands below

    def attach(self, console: Console) -> AbstractContextManager[None]:
        """The live view on this console, shown while the context that it is lasts."""
        return shown(self.view, console)


def start_log(quiet: bool, verbose: bool) -> Console | None:
    """Send log lines to standard error; returns the terminal for a live view, if there is one."""
    terminal = is_terminal(sys.stderr)
    console = Console(stderr=True, highlight=False, force_terminal=terminal)
    live = terminal and not console.is_dumb_terminal and not quiet and not verbose
    handler: logging.Handler
    if live:
        handler = Lines(
            console=console, show_path=False, show_level=False, log_time_format="%H:%M:%S"
        )
    else:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    for name in ("drilldown", "search", "mnist_core"):
        logging.getLogger(name).handlers = [handler]
        logging.getLogger(name).setLevel(logging.DEBUG)
    return console if live else None
