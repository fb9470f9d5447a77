"""Experiments of others beside our own runs of the same recipes: which runs count, which are
missing, and what both come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_core.goal import Goal
from mnist_core.paths import runs_dir
from mnist_core.words import of
from search.chance import noise
from search.chance.noise import FLOOR, LAST, Noise, Pair
from search.compare.experiments import DIFFERED, Experiment, results_path, select
from search.workers.crew import Job
from search.workers.ledger import Ledger, Run, key

GOAL_EPOCHS = Goal().epochs
"""Some write-ups trained for longer, but no epoch after these counts for the goal."""


@dataclass(frozen=True)
class Compared:
    """One experiment, theirs and ours.

    runs: ours, one a seed, each of `end` epochs or more. end: the last epoch that is compared,
    counted from 1; without runs, the last of theirs that would be.
    """

    experiment: Experiment
    runs: tuple[Run, ...]
    end: int

    @property
    def theirs(self) -> tuple[float, ...]:
        """The accuracies compared, percent: the last five up to `end`, or as many as there are."""
        return _last(self.experiment.reported.test_acc, self.end)

    @property
    def pair(self) -> Pair | None:
        """None where there are no runs."""
        if not self.runs:
            return None
        return Pair(self.theirs, [_last(run.test_acc, self.end) for run in self.runs])

    @property
    def whole(self) -> bool:
        """Whether it has been run for as long as it takes to be judged."""
        return bool(self.runs) and self.end >= min(self.experiment.config.epochs, GOAL_EPOCHS)


@dataclass(frozen=True)
class Comparison:
    """rows: in the order of the experiments' names. noise: estimated from all experiments but those
    that were given further seeds because they differed."""

    rows: tuple[Compared, ...]
    noise: Noise

    def verdict(self, row: Compared) -> str:
        """'yes' or 'no': within run-to-run noise; or who is below `FLOOR`; '' where a row has not
        been run for long enough to say."""
        pair = row.pair
        if pair is None or not row.whole:
            return ""
        if whose := pair.below():
            return f"below {FLOOR:.0f} % ({whose})"
        return "yes" if self.noise.within(pair) else "no"

    def judged(self) -> list[tuple[Compared, Pair]]:
        """The rows that are run for long enough and reach `FLOOR` on both sides."""
        return _judged(self.rows)


class Results:
    """All finished runs: those that come with drilldown, and the user's own in `path`."""

    def __init__(self, path: Path | None) -> None:
        """Raises UserError, naming file and line, where either file holds anything else."""
        packaged = results_path()
        path = path or runs_dir() / "seeds" / packaged.name
        self.own = Ledger(path)
        same = path.resolve() == packaged.resolve()
        self._packaged = [] if same else Ledger(packaged).runs

    @property
    def runs(self) -> list[Run]:
        return [*self._packaged, *self.own.runs]


def compare(experiments: Iterable[Experiment], runs: Sequence[Run], epochs: int) -> Comparison:
    """The experiments beside the runs that count, over the first `epochs` epochs at most. What is
    noise, all experiments say, whichever are asked for, but those that were given further seeds
    because they differed."""
    rows = {each.name: _row(each, _counted(each, runs), epochs) for each in select([])}
    unpicked = [row for name, row in rows.items() if name not in DIFFERED]
    estimated = noise.estimate(pair for _, pair in _judged(unpicked))
    return Comparison(tuple(rows[each.name] for each in experiments), estimated)


def jobs(experiments: Sequence[Experiment], seeds: int, epochs: int) -> list[Job]:
    """Each experiment's first `epochs` epochs on `seeds` seeds from its own on, upwards.

    Every experiment comes once before any comes twice: a run cut short has then most to show.
    """
    return [
        Job(
            number=place * len(experiments) + number,
            name=each.name,
            config=each.seeded(each.config.seed + place),
            epochs=min(epochs, each.config.epochs),
        )
        for place in range(seeds)
        for number, each in enumerate(experiments)
    ]


def stale(experiments: Iterable[Experiment], runs: Sequence[Run]) -> list[str]:
    """Sentences: whose runs do not count, because the recipe that they are named after is another
    now."""
    said = []
    for experiment in experiments:
        of_it = [run for run in runs if run.name == experiment.name]
        others = len(of_it) - len(_of_recipe(experiment, of_it))
        if others:
            ignored = f"{of(others, 'run')} ignored: the recipe has changed since"
            said.append(f"{experiment.name}: {ignored}")
    return said


def _counted(experiment: Experiment, runs: Sequence[Run]) -> list[Run]:
    """Of each seed the longest run of the recipe as it is now, by seed."""
    longest: dict[int, Run] = {}
    for run in _of_recipe(experiment, runs):
        known = longest.get(run.seed)
        if known is None or len(run.test_acc) > len(known.test_acc):
            longest[run.seed] = run
    return [longest[seed] for seed in sorted(longest)]


def _of_recipe(experiment: Experiment, runs: Sequence[Run]) -> list[Run]:
    """The runs whose config is, but for its seed, the experiment's."""
    keys = {seed: key(experiment.seeded(seed)) for seed in {run.seed for run in runs}}
    return [run for run in runs if run.config == keys[run.seed]]


def _row(experiment: Experiment, runs: Sequence[Run], epochs: int) -> Compared:
    """Runs that are shorter than the longest are left out: all seeds are compared alike."""
    end = min(epochs, experiment.config.epochs, len(experiment.reported.test_acc))
    if runs:
        end = min(end, max(len(run.test_acc) for run in runs))
    return Compared(experiment, tuple(run for run in runs if len(run.test_acc) >= end), end)


def _last(test_acc: Sequence[float], end: int) -> tuple[float, ...]:
    return tuple(test_acc[max(0, end - LAST) : end])


def _judged(rows: Iterable[Compared]) -> list[tuple[Compared, Pair]]:
    pairs = [(row, row.pair) for row in rows if row.whole]
    return [(row, pair) for row, pair in pairs if pair and not pair.below()]
