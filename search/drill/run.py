"""Run a drill: one study after the other, each around the winners of the one before."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from pydantic import ValidationError
from rich.console import Console

from mnist_core import engine as engines
from mnist_core import record
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.files import explain
from mnist_core.frozen import tuples
from mnist_core.paths import runs_dir
from mnist_core.record import Confirmed
from mnist_core.seeds import derived_seed
from search.drill.result import Candidate, DrillResult, Finalist, StageResult
from search.drill.spec import DrillSpec, Stage, StageStudy
from search.launch.run import Launched, launch
from search.study import storage
from search.study import trials as results
from search.study.export import to_record
from search.study.identity import check_same
from search.workers import training
from search.workers.ledger import Job, Ledger, Run, train_missing
from search.workers.protocol import Start

log = logging.getLogger("drilldown")
_FRESH = 1  # the end of a fresh seed's derivation: those of stages have one part less
WINNERS = "drilldown:winners"  # system attribute of a stage's study, once it is over


Write = Callable[[DrillResult, Path], Path]


@dataclass(frozen=True)
class Drilled:
    """How a drill ended: as far as it came, and the signal if any."""

    result: DrillResult
    report: Path
    best: Path | None
    signal: int


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
    ) -> None:
        """bases: of the first stage; a plain recipe where there are none. write: writes the report
        into the drill's folder, and returns its page; called whenever there is more to tell. The
        others as in `search.launch.run.launch`.

        Raises UserError where the name is no safe one, or was used for other stages, or the native
        engine is wanted and cannot be had.
        """
        storage.check_name(name)
        engine, self._remark = engines.settle(spec.engine, device)
        self._name, self._url = name, url
        self._spec = spec.changed(engine=engine)
        self._device, self._console, self._start = device, console, start
        self._write = write
        self._store = storage.open_storage(url, create=True)
        self._bases = [Candidate(*base) for base in (bases or {"plain": spec.plain()}).items()]
        self._check_stages()

    @property
    def folder(self) -> Path:
        """Where its report and its winner lie."""
        return runs_dir() / self._name

    def run(self) -> Drilled:
        """Every stage, the finalists on fresh seeds, the report. Raises UserError as `launch`."""
        if self._remark:
            log.info(self._remark)
        done: list[StageResult] = []
        bases: Sequence[Candidate] = self._bases
        for number in range(1, len(self._spec.stage) + 1):
            stage, launched = self._stage(number, bases)
            done.append(stage)
            if launched is not None:  # else the report tells of it already, and perhaps of more
                report = self._report(done)
                if launched.signal:
                    return Drilled(self._result(done), report, None, launched.signal)
            bases = stage.winners
        finalists = self._confirmed(bases)
        report = self._report(done, finalists)
        return Drilled(self._result(done, finalists), report, self._keep(finalists[0]), 0)

    def _stage(
        self, number: int, bases: Sequence[Candidate]
    ) -> tuple[StageResult, Launched | None]:
        """The stage, over unless a signal ended its launch; None where it was over before."""
        stage = self._spec.stage[number - 1]
        try:
            plan = self._spec.study(number, {base.name: base.config for base in bases})
        except ValueError as error:
            raise UserError(f"drill {self._name!r}: {error}") from None
        name, launched = self._study_name(number), None
        winners = self._decided(name, plan)
        log.info("stage %d of %d: %s", number, len(self._spec.stage), stage.name)
        if winners is None:
            launched = launch(name, plan, self._url, self._device, self._console, self._start)
        study = storage.load_study(self._store, name)
        rows = results.rows(study)
        found = StageResult(number, stage, study, rows, bases, ())
        if launched is not None and launched.signal:
            return found, launched
        if winners is None:
            winners = self._decide(found)
        candidates = {candidate.name: candidate for candidate in found.ranked()}
        return replace(found, winners=[candidates[name] for name in winners]), launched

    def _decided(self, name: str, plan: StageStudy) -> list[str] | None:
        """The names of the winners of a stage that is over; None where it is not."""
        if name not in optuna.get_all_study_names(self._store):
            return None
        study = storage.load_study(self._store, name)
        number = self._store.get_study_id_from_name(name)
        kept = self._store.get_study_system_attrs(number).get(WINNERS)
        if kept is None:
            return None
        check_same(study, self._store, plan)
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
                was, now = (each.model_dump(mode="json")[field] for each in (before, stage))
                raise UserError(
                    f"{over} {field} = {was}; now it is {now}; change it back or drill under "
                    "another --name"
                )

    def _decide(self, stage: StageResult) -> list[str]:
        """Keep in the storage what the stage hands on, so that it is over for good."""
        ranked = stage.ranked()
        if not ranked:
            raise UserError(
                f"stage {stage.stage.name!r}: no trial was trained to its end; see: "
                f"drilldown show {stage.study.study_name}"
            )
        winners = [candidate.name for candidate in ranked[: stage.stage.keep]]
        number = self._store.get_study_id_from_name(stage.study.study_name)
        kept: dict[str, Any] = {"stage": stage.stage.model_dump(mode="json"), "winners": winners}
        self._store.set_study_system_attr(number, WINNERS, kept)
        return winners

    def _confirmed(self, winners: Sequence[Candidate]) -> list[Finalist]:
        """The finalists, best first, each trained on the drill's fresh seeds."""
        ledger = Ledger(self.folder / "confirmed.jsonl")
        seeds = [derived_seed(self._spec.seed, n, _FRESH) for n in range(self._spec.confirm)]
        jobs = {
            winner.name: [
                Job(
                    winner.name,
                    winner.config.changed(seed=seed),
                    winner.config.epochs,
                )
                for seed in seeds
            ]
            for winner in winners
        }
        wanted = [job for several in jobs.values() for job in several]
        log.info("finalists on fresh seeds")
        spec = self._spec
        train_missing(
            wanted, ledger.runs, ledger, spec.workers, self._device, spec.engine, self._start
        )
        finalists = [Finalist(winner, _done(jobs[winner.name], ledger.runs)) for winner in winners]
        return sorted(finalists, key=self._place)

    def _place(self, finalist: Finalist) -> tuple[int, float]:
        """The best comes first; behind all others one that failed on a seed, as a net that is not
        to be relied on."""
        return self._spec.confirm - len(finalist.runs), -finalist.standing(self._spec.goal)

    def _keep(self, best: Finalist) -> Path:
        """The winner as a config, with the curves of its other seeds."""
        candidate = best.candidate
        assert candidate.study is not None
        assert candidate.row is not None
        trial = candidate.study.get_trials(deepcopy=False)[candidate.row.number]
        others = tuple(Confirmed(seed=run.seed, test_acc=run.test_acc) for run in best.runs)
        path = self.folder / "best.toml"
        exported = to_record(candidate.study, trial)
        record.save(path, exported.changed(confirmed=others))
        return path

    def _result(
        self, stages: Sequence[StageResult], finalists: Sequence[Finalist] = ()
    ) -> DrillResult:
        return DrillResult(self._name, self._spec, stages, finalists)

    def _report(self, stages: Sequence[StageResult], finalists: Sequence[Finalist] = ()) -> Path:
        return self._write(self._result(stages, finalists), self.folder)

    def _study_name(self, number: int) -> str:
        return f"{self._name}.{number}.{self._spec.stage[number - 1].name}"

    def _check_stages(self) -> None:
        """Stages that have begun are still the ones of the file."""
        names = [stage.name for stage in self._spec.stage]
        for study in optuna.get_all_study_names(self._store):
            match = re.fullmatch(rf"{re.escape(self._name)}\.(\d+)\.([\w-]+)", study)
            if match is None:
                continue
            number, name = int(match[1]), match[2]
            now = names[number - 1] if number <= len(names) else None
            if now != name:
                said = f"now it is {now!r}" if now else f"now there are {len(names)} stages"
                raise UserError(
                    f"drill {self._name!r}: stage {number} was {name!r} when it was run, {said}; "
                    "change it back or drill under another --name"
                )


def _done(jobs: Sequence[Job], runs: Sequence[Run]) -> list[Run]:
    """One run of each job that is done."""
    found = [next((run for run in runs if job.done_by(run)), None) for job in jobs]
    return [run for run in found if run is not None]
