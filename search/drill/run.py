"""Run a drill: one study after the other, each around the winners of the one before."""

import logging
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from mnist_core import engine as engines
from mnist_core import outputs, record
from mnist_core.config import Config
from mnist_core.errors import InVain, UserError
from mnist_core.files import explain, inline
from mnist_core.frozen import shortened, tuples
from mnist_core.paths import runs_dir
from mnist_core.words import does, of
from search.confirm.fresh import LEDGER, fresh_seeds, train_fresh
from search.drill import resume
from search.drill.kept import WINNERS, confirmed
from search.drill.result import Candidate, DrillResult, Finalist, StageResult, Tried, ranked
from search.drill.spec import DrillSpec, Stage, StageStudy
from search.launch import failures
from search.launch.events import Events
from search.launch.events import Write as Tell
from search.launch.run import Launched, launch
from search.launch.trainings import LiveTrainings
from search.study import folder, storage
from search.study.fingerprint import check_same
from search.study.session import drilled
from search.study.spec import options
from search.study.study import Study
from search.text.commands import program
from search.text.wording import not_whole
from search.workers import cores, training
from search.workers.ledger import Ledger
from search.workers.protocol import Start

log = logging.getLogger("drilldown")

Write = Callable[[DrillResult, Path], Path]


@dataclass(frozen=True)
class Drilled:
    """How a drill ended: as far as it came, and the signal if any."""

    result: DrillResult
    report: Path
    best: Path | None
    signal: int
    out_of_time: bool = False
    """Whether its time was over before it was."""


class Drill:
    """A drill under a name, in a storage; what it has done before is not done again."""

    def __init__(
        self,
        name: str,
        spec: DrillSpec,
        bases: dict[str, Config],
        url: str | None,
        device: str = "cpu",
        console: Console | None = None,
        start: Start = training.start,
        *,
        write: Write,
        tell: Tell | None = None,
        settings: Sequence[str] = (),
        own: DrillSpec | None = None,
        timeout: float | None = None,
    ) -> None:
        """bases: of the first stage; a plain recipe where there are none. write: writes the report
        into the drill's folder, and returns its page; called whenever there is more to tell. tell:
        as `write` of a launch, for the events of all stages. The others as in
        `search.launch.run.launch`; each stage's study keeps the settings, and own what it says.
        timeout: seconds from the beginning of `run`, after which no further training is started.

        Raises UserError where the name is no safe one, with each stage's behind it, or was used for
        other stages, or the native engine is wanted and cannot be had.
        """
        storage.check_name(name)
        self._name, self._url, self._spec = name, url, spec
        self._check_names()
        engine, self._remark = engines.settle(spec.engine, device)
        self._spec = spec.changed(engine=engine)
        self._device, self._console, self._start = device, console, start
        self._write, self._tell, self._settings = write, tell, tuple(settings)
        self._timeout, self._deadline = timeout, math.inf
        self._studies = storage.open_storage(url, create=True)
        self._given, self._own = (spec, bases), own or spec
        self._bases = [Candidate(*base) for base in (bases or {"plain": spec.plain()}).items()]
        self._ledger = Ledger(self.folder / LEDGER)
        self._check_stages()

    @property
    def folder(self) -> Path:
        """Where its report and its winner lie."""
        return runs_dir() / self._name

    def run(self) -> Drilled:
        """Every stage, the finalists on fresh seeds, the report. Raises UserError as `launch`."""
        if self._timeout is not None:
            self._deadline = monotonic() + self._timeout
        with drilled(self._studies, self._name):
            ended = self._run()
        if self._tell is not None:
            finalists = ended.result.finalists
            Events(self._name, self._tell).drilled(
                finalists[0].candidate.name if finalists else None,
                None if ended.best is None else str(ended.best),
                ended.result.failed,
                str(ended.report),
                ended.signal,
                self._resumed() if ended.signal or ended.out_of_time else None,
            )
        return ended

    def _resumed(self) -> str:
        device = f" --device {self._device}" if self._device != "cpu" else ""
        words = f"{shlex.quote(self._name)}{options(self._given[0], self._own)}{device}"
        return f"{program()} drill {words}{storage.option(self._url)}"

    def _run(self) -> Drilled:
        folder.check(self._studies, self._name, "drill", self._first())
        outputs.prepare(self.folder / "best.toml")  # not to be known after a night
        self._ledger.prepare()
        if self._remark:
            log.info(self._remark)
        done: list[StageResult] = []
        bases: Sequence[Candidate] = self._bases
        for number in range(1, len(self._spec.stage) + 1):
            stage, launched = self._stage(number, bases)
            done.append(stage)
            if number == 1:
                resume.keep(self._studies.get(stage.study), self._own, self._given[1])
            folder.claim(self._studies, self._name, "drill", self._first())
            if launched is not None:  # else the report tells of it already, and perhaps of more
                report = self._report(done)
                if launched.cut_short:
                    result, signal = self._result(done), launched.signal
                    return Drilled(result, report, None, signal, launched.out_of_time)
            bases = stage.winners
        finalists = self._confirmed(done[-1].winners)
        if monotonic() >= self._deadline and self._result(done, finalists).failed:
            return Drilled(self._result(done), self._report(done), None, 0, out_of_time=True)
        report = self._report(done, finalists)
        return Drilled(self._result(done, finalists), report, self._write_best(finalists[0]), 0)

    def _stage(
        self, number: int, bases: Sequence[Candidate]
    ) -> tuple[StageResult, Launched | None]:
        """The stage, over unless its launch was cut short; None where it was over before."""
        stage = self._spec.stage[number - 1]
        try:
            plan = self._spec.study(number, {base.name: base.config for base in bases})
        except ValueError as error:
            raise UserError(f"drill {self._name!r}: {error}") from None
        name, launched = self._study_name(number), None
        winners = self._decided(name, plan)
        within = f"stage {number} of {len(self._spec.stage)}: {stage.name}"
        log.info(within)
        if winners is None:
            launched = launch(
                name,
                plan,
                self._url,
                self._device,
                self._console,
                self._start,
                self._tell,
                within,
                settings=self._settings,
                own=plan.changed(workers=self._own.workers, engine=self._own.engine),
                deadline=self._deadline,
            )
        study = self._studies.get(name)
        found = StageResult(number, stage, name, study.trials(), bases, ())
        if launched is not None and launched.cut_short:
            return found, launched
        if winners is None:
            winners = self._decide(study, found)
        candidates = {candidate.name: candidate for candidate in found.ranked()}
        return replace(found, winners=[candidates[name] for name in winners]), launched

    def _decided(self, name: str, plan: StageStudy) -> list[str] | None:
        """The names of the winners of a stage that is over; None where it is not."""
        study = self._studies.find(name)
        kept = study.kept(WINNERS) if study is not None else None
        if study is None or kept is None:
            return None
        check_same(study, plan, self._studies.where)
        self._check_over(plan.stage, kept["stage"])
        return list(kept["winners"])

    def _check_over(self, stage: Stage, kept: Mapping[str, Any]) -> None:
        """A stage that is over is still the one of the file.

        As stages, not as what is kept of them: an older version may have kept less, or what is the
        same in other words.
        """
        over = f"drill {self._name!r}: stage {stage.name!r} is over, with"
        try:
            before = Stage.model_validate(tuples(dict(kept)))
        except ValidationError as error:
            raise UserError(
                f"{over} what cannot be read now: {explain(error, Stage)}; drill under another "
                "--name"
            ) from None
        for field in Stage.model_fields:
            if getattr(before, field) != getattr(stage, field):
                told = [each.model_dump(mode="json", exclude_none=True) for each in (before, stage)]
                was, now = (inline(each[field]) if field in each else None for each in told)
                begun = f"{over} {field} = {was}" if was else f"{over}out {field}"
                raise UserError(
                    f"{begun}; now {f'it is {now}' if now else 'there is none'}; change it back in "
                    "its [[stage]], or drill under another --name"
                )

    def _decide(self, study: Study, stage: StageResult) -> list[str]:
        """Keep with the study what the stage hands on, so that it is over for good."""
        ranked = stage.ranked()
        if not ranked:
            raise InVain(
                f"stage {stage.stage.name!r}: no trial was trained to its end: "
                f"{failures.why([trial for trial in stage.trials if trial.counts])}; see: "
                f"{program()} show {stage.study}{storage.option(self._url)}"
            )
        winners = [candidate.name for candidate in ranked[: stage.stage.keep]]
        study.keep(WINNERS, {"stage": stage.stage.model_dump(mode="json"), "winners": winners})
        return winners

    def _confirmed(self, winners: Sequence[Tried]) -> list[Finalist]:
        """The finalists, best first, each trained on the drill's fresh seeds."""
        log.info("finalists on fresh seeds")
        spec, console = self._spec, self._console
        title = f"{self._name}: finalists on fresh seeds, after {of(len(spec.stage), 'stage')}"
        count = cores.workers(spec.workers, len(winners) * spec.confirm, self._device)
        watcher = LiveTrainings(title, count, not_whole(spec.data)) if console else None
        with watcher.attach(console) if watcher and console else nullcontext():
            runs = train_fresh(
                {winner.name: winner.config for winner in winners},
                fresh_seeds(spec.seed, spec.confirm),
                self._ledger,
                count,
                self._device,
                spec.engine,
                self._start,
                watcher,
                self._deadline,
            )
        found = [Finalist(each, runs[each.name]) for each in winners]
        return ranked(found, spec.goal, spec.confirm)

    def _write_best(self, best: Finalist) -> Path:
        """The winner as a config, with the curves of its other seeds."""
        path = self.folder / "best.toml"
        record.save(path, confirmed(best, self._spec.goal))
        return path

    def _result(
        self, stages: Sequence[StageResult], finalists: Sequence[Finalist] = ()
    ) -> DrillResult:
        return DrillResult(
            self._name, self._spec, stages, finalists, self._settings, self._studies.where
        )

    def _report(self, stages: Sequence[StageResult], finalists: Sequence[Finalist] = ()) -> Path:
        return self._write(self._result(stages, finalists), self.folder)

    def _first(self) -> Study | None:
        """The study of the first stage, whose identity is the drill's."""
        return self._studies.find(self._study_name(1))

    def _study_name(self, number: int) -> str:
        return f"{self._name}.{number}.{self._spec.stage[number - 1].name}"

    def _check_names(self) -> None:
        """A name that is too long for a stage's study is refused before the first stage is run."""
        for number, stage in enumerate(self._spec.stage, start=1):
            fault = (
                f"drill {shortened(self._name)} is too long a name with that of its stage "
                f"{stage.name!r} behind it; choose a shorter --name:"
            )
            storage.check_name(self._study_name(number), fault)

    def _check_stages(self) -> None:
        """Stages that have begun are still the ones of the file."""
        names = [stage.name for stage in self._spec.stage]
        for study in self._studies.names():
            match = re.fullmatch(rf"{re.escape(self._name)}\.(\d+)\.([\w-]+)", study)
            if match is None:
                continue
            number, name = int(match[1]), match[2]
            now = names[number - 1] if number <= len(names) else None
            if now != name:
                said = (
                    f"now it is {now!r}"
                    if now
                    else f"now there {does(len(names), 'is')} {of(len(names), 'stage')}"
                )
                raise UserError(
                    f"drill {self._name!r}: stage {number} was {name!r} when it was run, {said}; "
                    "change it back or drill under another --name"
                )
