"""Replays real full-length curves through pruners: what each saves, and what it kills.

`python tests/replay.py` prints the README's two tables and what it says of them: of the curves that
the goal's pruner was set up on, and of those on all of MNIST that `tests/fidelity.py` has come to.
"""

import json
import random
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fidelity
import optuna
from optuna.trial import TrialState

from mnist_core.goal import Goal
from search.study.pruners import (
    GoalPruning,
    Hyperband,
    Median,
    NoPruning,
    Patient,
    Pruner,
    SuccessiveHalving,
)
from search.study.trials import CONFIG, attach

CURVES = Path(__file__).parent / "data" / "curves.json"
PRUNERS = (
    NoPruning(),
    GoalPruning(),
    Median(),
    SuccessiveHalving(),
    Hyperband(max_resource=15),
    Patient(patience=3, wrapped="median"),
)
ORDERS, ORDERS_OF_WHOLE = 20, 10
"""Random orders of the trials that every figure is a mean over: of the short curves, and of those
on all of MNIST, which are more."""
TOP = 0.1
OURS = GoalPruning().kind


@dataclass(frozen=True)
class Recorded:
    """A trial that was trained to its end. test_acc: percent, one an epoch."""

    config: dict[str, Any]
    test_acc: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """Of one order of the trials. epochs: trained in all. killed: how many of the best tenth were
    pruned, as a share. best: the highest score of a trial that was let finish."""

    epochs: int
    killed: float
    best: float


def recorded() -> tuple[Goal, list[Recorded]]:
    """The curves and the goal they were recorded for (see `note` in the file)."""
    kept = json.loads(CURVES.read_text())
    base = kept["config"]
    trials = [
        Recorded(
            {**base, **{part: trial[part] for part in ("schedule", "averaging")}},
            tuple(trial["test_acc"]),
        )
        for trial in kept["trials"]
    ]
    return Goal(**kept["goal"]), trials


def whole(count: int | None = None) -> tuple[Goal, list[Recorded]]:
    """The first so many curves of 15 epochs on all of MNIST, or all that there are so far, and the
    real goal."""
    configs = {name: config.to_dict() for name, config in fidelity.configs().items()}
    lines = [line for line in fidelity.ledger() if (line.epochs, line.images) == fidelity.WHOLE]
    return fidelity.GOAL, [Recorded(configs[line.config], line.test_acc) for line in lines[:count]]


def replay(goal: Goal, trials: Sequence[Recorded], pruner: Pruner, name: str = "replay") -> Outcome:
    """One trial after another, in this order, each for as long as the pruner lets it run.

    name: of the study; Hyperband draws a trial's bracket from it.
    """
    study = optuna.create_study(study_name=name, direction="maximize", pruner=pruner.make(goal))
    epochs = 0
    finished = []
    for recorded_trial in trials:
        trial = study.ask()
        attach(trial, CONFIG, recorded_trial.config)
        length = _run(trial, recorded_trial.test_acc)
        epochs += length
        if length == len(recorded_trial.test_acc):
            finished.append(recorded_trial)
            study.tell(trial, goal.ending(recorded_trial.test_acc).score)
        else:
            study.tell(trial, state=TrialState.PRUNED)
    ranked = sorted(trials, key=lambda one: goal.ending(one.test_acc).score, reverse=True)
    top = ranked[: max(1, round(TOP * len(trials)))]
    killed = sum(one not in finished for one in top) / len(top)
    return Outcome(epochs, killed, max(goal.ending(one.test_acc).score for one in finished))


def average(goal: Goal, trials: Sequence[Recorded], pruner: Pruner, orders: int) -> Outcome:
    """The mean over so many random orders, the same for every pruner."""
    outcomes = []
    for seed in range(orders):
        order = list(trials)
        random.Random(seed).shuffle(order)
        outcomes.append(replay(goal, order, pruner, f"order {seed}"))
    return Outcome(
        round(statistics.mean(o.epochs for o in outcomes)),
        statistics.mean(o.killed for o in outcomes),
        statistics.mean(o.best for o in outcomes),
    )


@dataclass(frozen=True)
class Replayed:
    """What every pruner comes to on the same curves, in the order of `PRUNERS`."""

    whole: int
    """Epochs of all curves."""
    means: dict[str, Outcome]
    """By the pruner's name in the table."""

    def table(self) -> str:
        """Markdown, for the README."""
        lines = [
            "| pruner | epochs spent | share of the eventual top 10 % killed | best score found |",
            "|---|---|---|---|",
        ]
        for name, mean in self.means.items():
            cells = (f"{mean.epochs} ({self.share(name):.0%})", f"{mean.killed:.0%}")
            shown = (f"**{name}**", cells[0], f"**{cells[1]}**") if name == OURS else (name, *cells)
            lines.append(f"| {' | '.join(shown)} | {mean.best:.2f} |")
        return "\n".join(lines)

    def share(self, name: str) -> float:
        """Of all epochs, those that were trained."""
        return self.means[name].epochs / self.whole

    def prose(self) -> str:
        """A sentence that follows from the table, and speaks of every pruner in it."""
        pruners = [name for name in self.means if name != NoPruning().kind]
        groups = ([n for n in pruners if bool(self.means[n].killed) == kills] for kills in (0, 1))
        return f"{'; '.join(self._of(names) for names in groups if names)}."

    def _of(self, names: Sequence[str]) -> str:
        killed = [self.means[name].killed for name in names]
        how_many = _all(f"{share:.0%}" for share in killed) if any(killed) else "none"
        saved = _all(f"{1 - self.share(name):.0%}" for name in names)
        verbs = ("kill", "save") if len(names) > 1 else ("kills", "saves")
        return (
            f"{_all(names)} {verbs[0]} {how_many} of the best and {verbs[1]} {saved} of the epochs"
        )


def replayed(goal: Goal, trials: Sequence[Recorded], orders: int = ORDERS) -> Replayed:
    """Every pruner on these curves."""
    means = {_name(pruner): average(goal, trials, pruner, orders) for pruner in PRUNERS}
    return Replayed(sum(len(trial.test_acc) for trial in trials), means)


def _all(names: Iterable[str]) -> str:
    *several, last = names
    return f"{', '.join(several)} and {last}" if several else last


def _name(pruner: Pruner) -> str:
    wrapped = isinstance(pruner, Patient) and pruner.wrapped
    return f"{pruner.kind} (of {wrapped})" if wrapped else pruner.kind


def _run(trial: optuna.Trial, test_acc: Sequence[float]) -> int:
    """Epochs until the pruner stops the trial, or all of them. The owner never asks at the last."""
    for epoch, accuracy in enumerate(test_acc, start=1):
        trial.report(accuracy, epoch)
        if epoch < len(test_acc) and trial.should_prune():
            return epoch
    return len(test_acc)


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for curves, orders in ((recorded(), ORDERS), (whole(), ORDERS_OF_WHOLE)):
        found = replayed(*curves, orders)
        print(f"{found.table()}\n\n{len(curves[1])} curves. {found.prose()}\n")  # noqa: T201
