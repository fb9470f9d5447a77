"""Launch or resume a study: storage, ownership, workers, and what is left when it is over."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from rich.console import Console

from mnist_core import engine as engines
from mnist_core import fetch, record
from mnist_core.config import Config
from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from mnist_core.paths import make_folder, runs_dir
from mnist_core.result import EpochResult
from mnist_core.words import does, of
from search.chance.referee import MOST, Verdict
from search.confirm.fresh import LEDGER
from search.confirm.race import Standing
from search.launch import finalists, importance
from search.launch.confirming import Confirmation, Confirming
from search.launch.events import Events, Write
from search.launch.owner import Owner
from search.launch.progress import LiveProgress, Progress
from search.study import folder, methods, runs, storage
from search.study.export import default_path
from search.study.note import annotate
from search.study.session import Session, opened
from search.study.spec import Plan, options
from search.study.study import Study
from search.study.trials import State, Trial
from search.text.commands import command_for, program
from search.text.wording import not_whole
from search.workers import cores, training
from search.workers.crew import Job, Outcome
from search.workers.ledger import Ledger
from search.workers.local import LocalWorkers
from search.workers.protocol import Start
from spaces import Sample

log = logging.getLogger("drilldown")


@dataclass(frozen=True)
class Launched:
    """How a launch ended: the study as it is now, what it was launched with, where its best lies,
    the signal if any."""

    study: Study
    plan: Plan
    best: Path | None
    signal: int
    ended: Sequence[Trial] = ()
    """Trials that ended of themselves in this launch."""
    still: Mapping[str, str] = field(default_factory=dict)
    """Where it was complete before: "sampler" or "pruner" -> what that is, for all that the launch
    was told another."""
    fresh: Standing | None = None
    """What fresh seeds say of the best, which then is the one that they say most for; None where it
    has had none."""
    confirmation: Confirmation | None = None
    """How far it is with a confirmed config; None where it was not to go on until it has one."""
    out_of_time: bool = False
    """Whether the time of all that it is a part of is over, and with it the launch: trials are
    missing that its own time would allow."""

    @property
    def cut_short(self) -> bool:
        """Whether something outside its plan ended it."""
        return bool(self.signal) or self.out_of_time

    @property
    def in_vain(self) -> bool:
        """Whether it has no best, or all its trainings failed."""
        failed = sum(trial.state == State.FAIL for trial in self.ended)
        return self.best is None or 0 < self.trainings == failed + self._fresh_failed

    @property
    def trainings(self) -> int:
        """That ended of themselves in this launch: trials, and configs on fresh seeds."""
        fresh = 0 if self.confirmation is None else self.confirmation.trained
        return len(self.ended) + fresh

    @property
    def _fresh_failed(self) -> int:
        return 0 if self.confirmation is None else self.confirmation.failed

    @property
    def confirmed(self) -> Standing | None:
        """The config that is, by whatever command."""
        if self.confirmation is not None:
            return self.confirmation.confirmed
        held = self.fresh is not None and self.fresh.verdict == Verdict.CONFIRMED
        return self.fresh if held else None

    @property
    def unproven(self) -> bool:
        """Whether it was to go on until a config is confirmed, and none is."""
        return self.confirmation is not None and self.confirmed is None

    @property
    def over(self) -> bool:
        """Whether the same launch again would train nothing, as nothing is left."""
        left = self.confirmation is not None and self.confirmation.left
        return self.study.counted >= self.plan.trials and not left

    @property
    def trials(self) -> int:
        """That the study should have."""
        return self.plan.trials


def launch(
    name: str,
    plan: Plan,
    url: str | None,
    device: str = "cpu",
    console: Console | None = None,
    start: Start = training.start,
    write: Write | None = None,
    within: str = "",
    starts: Mapping[str, Sample] = MappingProxyType({}),
    settings: Sequence[str] = (),
    own: Plan | None = None,
    deadline: float = math.inf,
) -> Launched:
    """Run the study until it has its trials; resume it where it has been run before.

    console: a terminal for the live view. start: what a worker begins with. write: gets a line for
    each event; see `search.launch.events`. within: what the study is a part of, as the view says
    it. starts: samples that are tried first, by name, where the study has not tried them yet.
    settings: what `--set` said, to be kept with the study. own: what the study keeps as its own,
    where this launch alone has other trials, limits, workers or another engine. deadline: of the
    monotonic clock, in seconds; after it no further trial is started either.

    Raises UserError where the name is no safe one, there is no such device, the native engine is
    wanted and cannot be had, another process runs the study, it was launched with another goal,
    space or seed, or its name or folder is another's; Lost where it is taken away while it runs.
    """
    storage.check_name(name)
    if device != "cpu":
        from mnist_core import machine  # imports torch, which the owner else never needs

        machine.check_device(device)
    engine, remark = engines.settle(plan.engine, device)
    fetch.mnist()  # once, before workers in parallel find it missing
    studies = storage.open_storage(url, create=True)
    folder.check(studies, name)
    own = own or plan
    with opened(studies, name, own, settings) as session:
        folder.claim(studies, name)
        with _log_file(runs_dir() / name):
            for line in not_whole(plan.data):  # of which a live view has the line itself
                log.log(logging.INFO if console is None else logging.DEBUG, line)
            if remark:
                log.info(remark)
            for tried in session.start_with(starts):
                log.info("to be tried first: %s", tried)
            events = [Events(name, write)] if write else []
            run = _Run(session, plan, device, engine, console, start, events, within, deadline)
            ended = run.run()
            for each in events:
                with session.ours():
                    best = None if ended.best is None else str(ended.best)
                    resume = _resumed(ended, own, device, url)
                    confirmed, signal = ended.confirmed, ended.signal
                    each.over(session.study, plan.trials, confirmed, best, signal, resume)
            return ended


def _resumed(ended: Launched, own: Plan, device: str, url: str | None) -> str | None:
    """The command that goes on with a study; None where it has its trials."""
    study, plan = ended.study, ended.plan
    if ended.over:
        return None
    words = runs.resumed_by(study)
    if words.startswith("launch "):
        if plan.until_held and study.holders:
            plan = plan.changed(until_held=False)
        if ended.confirmed:
            plan = plan.changed(until_confirmed=False)
        words += options(plan, own)
    if device != "cpu":
        words += f" --device {device}"
    return f"{program()} {words}{storage.option(url)}"


@dataclass(frozen=True)
class _Run:
    """A launch of a study that is ours now."""

    session: Session
    plan: Plan
    device: str
    engine: Wanted
    console: Console | None
    start: Start
    events: Sequence[Events]
    within: str
    deadline: float

    def run(self) -> Launched:
        session, study, plan = self.session, self.session.study, self.plan
        if orphans := session.reconcile():
            said = f"{of(orphans, 'trial')} {does(orphans, 'was')}"
            log.info("%s left running by an earlier owner; marked interrupted", said)
        _write_best(session)
        with session.ours():
            before = {trial.number for trial in study.trials() if trial.counts}
            changed, signal = methods.changed(study, plan), 0
        race = self._race() if plan.until_confirmed else None
        left = self._left(race)
        late = monotonic() >= self.deadline
        if left and not late:
            for what, (theirs, ours) in changed.items():
                log.info("the %s is %s from here on; it was %s", what, ours, theirs)
            with session.ours():
                methods.keep(study, plan)
            signal, late = self._train(left, race)
        with session.ours():
            mattered = importance.told(study)
        best, fresh = _write_best(session, mattered)
        with session.ours():
            found = [each for each in study.trials() if each.counts and each.number not in before]
        still = {} if left else {what: theirs for what, (theirs, _) in changed.items()}
        told = None if race is None else race.confirmation
        late = late and self._left(race) > 0
        return Launched(study, plan, best, signal, found, still, fresh, told, late)

    def _left(self, race: Confirming | None) -> int:
        """How many trainings there may still be."""
        if race is not None and race.confirmed is not None:
            return 0
        with self.session.ours():
            held = self.plan.until_held and bool(self.session.study.holders)
        trials = 0 if held else self.session.missing(self.plan.trials)
        return trials if race is None else trials * (1 + MOST) + len(race.left)

    def _race(self) -> Confirming:
        return Confirming(self.session, Ledger(runs_dir() / self.session.study.name / LEDGER))

    def _train(self, left: int, race: Confirming | None) -> tuple[int, bool]:
        """Run so many further trainings at most; returns 0, or the signal that ended it, and
        whether it was the deadline that was come to, and not the plan's own timeout."""
        session, study, plan = self.session, self.session.study, self.plan
        count = cores.workers(plan.workers, left, self.device)
        if plan.workers is None:
            log.info("workers: %d, of %s", count, of(cores.cores(), "core"))
        first = [*not_whole(plan.data), *[self.within] * bool(self.within)]
        kind = Progress if self.console is None else LiveProgress
        stand = None if race is None else race.standings
        watcher = kind(study.name, plan.goal, plan.trials, study.trials(), count, first, stand)
        writer = _BestWriter(session)
        own = math.inf if plan.timeout is None else plan.timeout
        whole = self.deadline - monotonic()
        if race is not None:
            race.prepare([watcher.fresh, *self.events, writer], monotonic() + min(own, whole))
        with (
            LocalWorkers(count, self.device, self.engine, self.start) as workers,
            _view(watcher, self.console),
        ):
            owner = Owner(session, workers, [watcher, *self.events, writer])
            signal = owner.run(plan.trials, min(own, whole), plan.until_held, race)
            return signal, whole <= own and monotonic() >= self.deadline


class _BestWriter:
    """Keeps the best config and the study's note up to date while the study runs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def started(self, number: int, config: Config) -> None: ...
    def epoch(self, number: int, result: EpochResult) -> None: ...

    def ended(self, trial: Trial) -> None:
        with self._session.ours():
            best = self._session.study.best()
        if best is not None and best.number == trial.number:
            _write_best(self._session)

    def confirming(self, job: Job, standing: Standing) -> None: ...
    def seed_epoch(self, job: Job, result: EpochResult) -> None: ...

    def judged(self, outcome: Outcome, standing: Standing) -> None:
        _write_best(self._session)


def _write_best(session: Session, mattered: str = "") -> tuple[Path | None, Standing | None]:
    """(where the best trial's config lies, None where there is no best yet; what fresh seeds say of
    it, None without any). mattered: see `annotate`. Raises Lost where the study is no longer
    ours."""
    study = session.study
    path = default_path(study.name)
    with session.ours():
        annotate(study, command_for(path, anywhere=True), mattered)
        found = finalists.best(study)
        if found is None:
            return None, None
        record.save(path, found[0])
    return path, found[1]


def _view(watcher: Progress, console: Console | None) -> AbstractContextManager[object]:
    if console is not None and isinstance(watcher, LiveProgress):
        return watcher.attach(console)
    return nullcontext()


@contextmanager
def _log_file(folder: Path) -> Iterator[None]:
    """Every line of the launch, epochs included, is kept beside its results."""
    make_folder(folder)
    path = folder / "launch.log"
    try:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
