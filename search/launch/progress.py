"""What a person sees while a study runs: a live view in a terminal, plain lines elsewhere."""

import logging
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.logging import RichHandler
from rich.text import Text

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.result import EpochResult
from mnist_core.words import part, percent
from search.study.trials import COUNTED, State, Trial, fates
from search.text.console import Grid, is_terminal

log = logging.getLogger("drilldown")


def tally(ended: Counter[State], trials: int) -> str:
    """How many of a study's trials ended, and how."""
    parts = [f"{ended[state]} {name}" for state, name in COUNTED.items()]
    return f"{part(ended.total(), trials, 'trial')} ended: {', '.join(parts)}"


@dataclass
class _Running:
    params: int
    epochs: int
    since: float
    latest: EpochResult | None = None
    seen: float = 0.0  # when the latest epoch came in

    def left(self) -> float | None:
        """Seconds to go, at the pace so far; None before the first epoch is over."""
        if self.latest is None:
            return None
        pace = (self.seen - self.since) / self.latest.epoch
        return max(0.0, self.since + pace * self.epochs - monotonic())


class Progress:
    """Follows a study: the trials now running, how the others ended, the best so far."""

    epoch_level = logging.INFO

    def __init__(self, name: str, goal: Goal, trials: int, found: Sequence[Trial]) -> None:
        """found: the trials of the study as it was resumed, best first."""
        self._title, self._goal, self._trials = name, goal, trials
        self._ended = fates(found)
        self._running: dict[int, _Running] = {}
        self._best: tuple[float, int] | None = None
        if found and found[0].score is not None:
            self._best = (found[0].score, found[0].number)

    def started(self, number: int, config: Config) -> None:
        self._running[number] = _Running(config.params, config.epochs, monotonic())
        log.debug("trial %d: %s parameters, seed %d", number, f"{config.params:,}", config.seed)

    def epoch(self, number: int, result: EpochResult) -> None:
        trial = self._running[number]
        trial.latest, trial.seen = result, monotonic()
        log.log(
            self.epoch_level,
            "trial %d: epoch %d/%d, test %s %%, train %s %%, %.1f s",
            number,
            result.epoch,
            trial.epochs,
            self._percent(result.test_acc),
            percent(result.train_acc),
            result.seconds,
        )

    def ended(self, trial: Trial) -> None:
        del self._running[trial.number]
        self._ended += fates([trial])
        if trial.score is not None:
            what = f"complete, score {self._percent(trial.score)} %"
            if self._best is None or (-trial.score, trial.number) < (-self._best[0], self._best[1]):
                self._best = (trial.score, trial.number)  # of equals the earliest, as in `Study`
        elif trial.state == State.PRUNED:
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
        if self._best:
            score, number = self._best
            best = f"best score {self._percent(score)} % (trial {number})"
        return f"{tally(self._ended, self._trials)}; {best}"

    def _percent(self, accuracy: float) -> str:
        return percent(accuracy, self._goal.accuracy)

    def _so_far(self) -> str:
        """What a line about a trial's end adds about the study."""
        return f"  [{self.summary()}]"

    def view(self) -> RenderableType:
        """The live view."""
        heads = ("trial", "parameters", "epoch", "test accuracy", "time left")
        lines = [self._cells(number, trial) for number, trial in sorted(self._running.items())]
        head = Text.assemble((self._title, "bold"), f"  {self._goal}")
        return Group(head, Text(self.summary()), Grid(heads, lines))

    def _cells(self, number: int, trial: _Running) -> list[str]:
        latest, left = trial.latest, trial.left()
        return [
            str(number),
            f"{trial.params:,}",
            f"{latest.epoch if latest else 0}/{trial.epochs}",
            f"{self._percent(latest.test_acc)} %" if latest else "",
            _duration(left) if left is not None else "",
        ]


class LiveProgress(Progress):
    """For a terminal, where `view` is redrawn as things happen and epochs need no lines."""

    epoch_level = logging.DEBUG

    def _so_far(self) -> str:
        return ""  # it stands below

    def attach(self, console: Console) -> Live:
        """The live view on this console, shown while the context that it is lasts."""
        return Live(get_renderable=self.view, console=console, refresh_per_second=2, transient=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def start_log(quiet: bool, verbose: bool) -> Console | None:
    """Send log lines to standard error; returns the terminal for a live view, if there is one."""
    terminal = is_terminal(sys.stderr)
    console = Console(stderr=True, highlight=False, force_terminal=terminal)
    live = terminal and not console.is_dumb_terminal and not quiet and not verbose
    handler: logging.Handler
    if live:
        handler = RichHandler(
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
