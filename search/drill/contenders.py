"""What `confirm` is given: a study, a drill, or configs; who races, and where that is kept."""

import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from mnist_core import outputs, packaged, record
from mnist_core.config import Data
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.paths import runs_dir
from mnist_core.record import Record
from mnist_core.words import of
from search.confirm.fresh import LEDGER, fresh_seeds
from search.confirm.race import Contender, Race, Standing
from search.drill import kept as drills
from search.drill.resume import told
from search.drill.stored import BEST
from search.launch import finalists, unsealed
from search.launch.trainings import LiveRace
from search.study import export, fingerprint, folder, rescore, runs, session, storage
from search.study.runs import Run
from search.study.studies import Studies
from search.text.commands import program
from search.text.wording import judged_by
from search.workers import cores, training
from search.workers.ledger import Ledger
from search.workers.protocol import Start

TOP = 3  # of a study, unless told otherwise


class Wish(NamedTuple):
    """What the command line asks for."""

    seeds: int
    """Fresh ones that each contender gets at most."""
    top: int | None = None
    """Contenders at most; None is `TOP` of a study, and all finalists of a drill."""
    first: int | None = None
    """Of the fresh seeds, which go up from it; None where they follow from the search's."""
    settings: Sequence[str] = ()
    """Of the goal, as `--set` says it."""


@dataclass(frozen=True)
class Entry:
    """Who races, for what, and where it is kept."""

    name: str
    """Of the study or drill; of configs what they are called."""
    goal: Goal
    contenders: Sequence[Contender]
    folder: Path
    """Where the ledger lies."""
    _run: tuple[Studies, Run] | None = field(default=None, repr=False)

    @property
    def remark(self) -> str:
        """What is meant where the name is a config's too; else nothing."""
        file = None if self._run is None else packaged.packaged_config(self.name)
        if self._run is None or file is None:
            return ""
        return f"{self.name}: the {self._run[1].kind} is meant; the config of that name is {file}"

    @property
    def longer(self) -> str | None:
        """The words of a launch that searches on, twice as long, until a config is confirmed; None
        where no single study was asked about."""
        if self._run is None or self._run[1].kind != "study":
            return None
        study = self._run[1].studies[0]
        trials = 2 * max(study.counted, fingerprint.wanted(study) or 0)
        return f"launch {shlex.quote(self.name)} --trials {trials} --until-confirmed"

    @property
    def ledger(self) -> Path:
        return self.folder / LEDGER

    @property
    def data(self) -> Data:
        return self.contenders[0].config.data

    def best(self, contender: Contender) -> Path:
        """Where a contender's config is written if it is the best."""
        return self.folder / (f"{Path(contender.name).name}.toml" if self._run is None else BEST)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Whatever lasts, nobody else runs or deletes the search, whose folder is claimed.

        Raises UserError where somebody does, or the folder is another's.
        """
        if self._run is None:
            yield
            return
        studies, run = self._run
        whose = (studies, run.name, run.kind, run.studies[0])
        folder.check(*whose)
        with session.held(studies, run):
            folder.claim(*whose)
            yield


@dataclass(frozen=True)
class Raced:
    """How a race ended."""

    standings: Sequence[Standing]
    """Best first."""
    best: Path | None
    """Where the config of the first lies; None where it has no fresh curve."""

    @property
    def failed(self) -> int:
        """How many trainings came to nothing."""
        return sum(each.failed for each in self.standings)


def run(
    entry: Entry,
    seeds: int,
    workers: int | None,
    device: str,
    engine: Wanted,
    start: Start = training.start,
    console: Console | None = None,
    output: Path | None = None,
) -> Raced:
    """Have them race, and write the config of the best with all that is known of it.

    seeds: that each contender gets at most. workers: None is one for each core. console: a terminal
    for the live view. output: where the config goes instead of the entry's own folder.

    Raises UserError as `Entry.held` and `Race.run`, and where the config cannot be
    written.
    """
    if output is not None:
        outputs.prepare(output)
    with entry.held():
        ledger = Ledger(entry.ledger)
        race = Race(entry.contenders, entry.goal, ledger, seeds)
        count = cores.workers(workers, len(race.left), device)
        view: AbstractContextManager[None] = nullcontext()
        if console is not None and race.left:
            title = f"{entry.name}: at most {of(seeds, 'fresh seed')} each"
            first = judged_by(entry.data, entry.contenders[0].unsealed)
            race.watcher = live = LiveRace(title, count, first)
            view = live.attach(console)
        with view:
            standings = race.run(count, device, engine, start)
        best = standings[0]
        if not best.runs:
            return Raced(standings, None)
        path = output or entry.best(best.contender)
        outputs.prepare(path)
        record.save(path, best.record)
    return Raced(standings, path)


def find(words: Sequence[str], wish: Wish, url: str | None) -> Entry:
    """Raises UserError where the words are neither one study or drill nor configs, there is nothing
    to confirm, a seed is none that is fresh, or a config cannot hold the goal."""
    known = _find_run(words, url)
    entry = _of_configs(words, wish, url) if known is None else _of_run(*known, wish, url)
    for each in entry.contenders:
        _check(each, entry.goal)
    if len({each.config.data for each in entry.contenders}) > 1:
        raise UserError("the configs are for different parts of MNIST; confirm them one by one")
    return entry


def _find_run(words: Sequence[str], url: str | None) -> tuple[Studies, Run] | None:
    """None where the words are configs."""
    names = [word for word in words if not word.lower().endswith(".toml")]
    known = storage.has_storage(url)
    studies = storage.open_storage(url, read_only=True) if known and names else None
    there = [word for word in names if studies is not None and runs.there(studies, word)]
    if not there:
        for word in names:
            if packaged.packaged_config(word) is None and packaged.path_of(word) is None:
                raise UserError(_unknown(word, studies))
        return None
    if len(words) > 1:
        others = [word for word in words if word != there[0]]
        raise UserError(
            f"{there[0]!r} is a study or drill, and {(others or there)[0]!r} another to confirm; "
            "confirm one at a time, or configs alone (a config's path ends in .toml)"
        )
    studies = storage.open_storage(url)
    return studies, runs.find(studies, there[0])


def _unknown(word: str, studies: Studies | None) -> str:
    others = [run.name for run in runs.every(studies)] if studies else []
    if word in packaged.names(packaged.STUDIES):
        return f"study {word!r} has not been run yet; run it with: drilldown launch {word}"
    if word in packaged.names(packaged.DRILLS):
        return f"drill {word!r} has not been run yet; run it with: drilldown drill {word}"
    return f"no study, drill or config named {word[:60]!r}{packaged.nearest_config(word, others)}"


# --- studies and drills ----------------------------------------------------------------------


def _of_run(studies: Studies, run: Run, wish: Wish, url: str | None) -> Entry:
    storage.check_name(run.name, f"{run.said} is no folder's name:")
    where = storage.option(url)
    if run.kind == "drill":
        found, goal = _finalists(studies, run, wish), run.studies[-1].goal
    else:
        (study,) = run.studies
        found = finalists.contenders(study, wish.top or TOP, wish.seeds, where)
        goal = study.goal
    if wish.settings:
        goal = rescore.rescored(run.studies[-1], wish.settings).goal
    goal = unsealed.goal(goal)
    return Entry(run.name, goal, _seeded(found, wish), runs_dir() / run.name, (studies, run))


def _finalists(studies: Studies, run: Run, wish: Wish) -> list[Contender]:
    """Raises UserError where the stage that is the last so far is not over."""
    kept = drills.read(studies, run)
    winners = kept.stages[-1].winners[: wish.top]
    if not winners:
        raise UserError(
            f"{run.said} has no finalists yet, as stage {kept.stages[-1].number} is not over; go "
            f"on with: drilldown drill {run.name}"
        )
    seed = finalists.seed_of(run.studies[0])
    with suppress(UserError):  # of an old one the first stage's has to do
        seed = told(run.name, run.studies[0])[0].seed
    seen = finalists.used([trial for study in run.studies for trial in study.trials()])
    fresh = fresh_seeds(seed, wish.seeds, seen)
    found = [
        Contender(each.name, export.to_record(each.trial, kept.goal), seen, fresh)
        for each in winners
    ]
    return list(map(unsealed.contender, found))


# --- configs ---------------------------------------------------------------------------------


def _of_configs(words: Sequence[str], wish: Wish, url: str | None) -> Entry:
    if wish.top is not None:
        raise UserError("--top is for studies and drills; of configs all are confirmed")
    kept: dict[str, Record] = {}
    for word in words:
        path = packaged.config_path(word)
        name = str(Path(word).with_suffix("")) if word.lower().endswith(".toml") else word
        try:
            kept[name] = record.load(path)
        except UserError:
            _check_no_run(word, path, url)
            raise
    recipes: dict[object, str] = {}
    for name, each in kept.items():
        first = recipes.setdefault(each.config.recipe, name)
        if first != name:
            raise UserError(f"{first} and {name} are one recipe on two seeds; leave one out")
    goals = {name: _asked(unsealed.goal(each.goal or Goal()), wish) for name, each in kept.items()}
    goal = _same(goals)
    found = []
    for name, each in kept.items():
        seen = frozenset(run.seed for run in each.confirmed) | {each.config.seed}
        fresh = fresh_seeds(each.config.seed, wish.seeds, seen)
        found.append(unsealed.contender(Contender(name, each, seen, fresh)))
    return Entry(", ".join(kept), goal, _seeded(found, wish), runs_dir() / "seeds")


def _check_no_run(word: str, path: Path, url: str | None) -> None:
    """Raises UserError, naming the run, where the word is the file of one. url: of the storage."""
    if storage.has_storage(url):
        run = runs.of_file(storage.open_storage(url, read_only=True), path)
        if run is not None:
            raise UserError(
                f"{word} is a {run.kind}, no config; confirm what it found: "
                f"{program()} confirm {shlex.quote(run.name)}{storage.option(url)}"
            )


def _asked(goal: Goal, wish: Wish) -> Goal:
    """Raises UserError as `rescore.asked`, and for another judge."""
    found = rescore.asked(goal, wish.settings)
    if found.judge != goal.judge:
        raise UserError("--set goal.judge: the test images judge here, whoever judged the search")
    return found


def _same(goals: dict[str, Goal]) -> Goal:
    """Raises UserError, naming what differs, where they are not all the same."""
    (first, goal), *others = goals.items()
    for name, other in others:
        for key in Goal.model_fields:
            ours, theirs = getattr(goal, key), getattr(other, key)
            if ours != theirs:
                raise UserError(
                    f"{first} was meant for goal.{key} = {ours}, and {name} for {theirs}; say one: "
                    f"--set goal.{key}={ours}"
                )
    return goal


# --- what every contender has to be --------------------------------------------------------


def _seeded(found: Sequence[Contender], wish: Wish) -> list[Contender]:
    """With the seeds that are asked for. Raises UserError for one that is not fresh."""
    if wish.first is None:
        return list(found)
    seeds = range(wish.first, wish.first + wish.seeds)
    if seeds[-1] >= 2**63:
        raise UserError(f"--seed: {wish.first} and those after it are too large; 2^63 is no seed")
    for each in found:
        stale = _stale(seeds, {*each.used, each.config.seed})
        if stale is not None:
            raise UserError(
                f"--seed: {stale} is not fresh: {each.name} was found with it; of the "
                f"{of(wish.seeds, 'seed')} from {wish.first} on, none may be one that has been used"
            )
    return [replace(each, seeds=tuple(seeds)) for each in found]


def _stale(seeds: Sequence[int], used: Collection[int]) -> int | None:
    return next((seed for seed in seeds if seed in used), None)


def _check(contender: Contender, goal: Goal) -> None:
    """Raises UserError where a config cannot hold the goal, however well it is trained."""
    config, name = contender.config, contender.name
    for what, has, fits, asked in (
        ("parameters", config.params, config.params < goal.params, f"params={config.params + 1}"),
        ("epochs", config.epochs, config.epochs <= goal.epochs, f"epochs={config.epochs}"),
    ):
        if not fits:
            wanted = goal.params if what == "parameters" else goal.epochs
            limit = f"fewer than {wanted:,}" if what == "parameters" else f"at most {wanted:,}"
            raise UserError(
                f"{name} has {has:,} {what}, and the goal wants {limit}; ask another one: "
                f"--set goal.{asked}"
            )
    if goal.last > config.epochs:
        raise UserError(
            f"{name} has {of(config.epochs, 'epoch')}, and the goal asks for the last {goal.last}; "
            f"ask another one: --set goal.last={config.epochs}"
        )
