"""A drill as its storage and its folder keep it: read back by its name, without its file."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mnist_core import record
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.goal import Goal
from mnist_core.paths import runs_dir
from mnist_core.record import Record
from search.confirm.fresh import LEDGER, trained_fresh
from search.drill.result import Finalist, Tried, ranked
from search.drill.resume import told
from search.drill.spec import DrillSpec
from search.study import folder
from search.study.runs import Run, stage_name, stage_number
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import Complete
from search.workers.ledger import Ledger
from search.workers.ledger import Run as Training

WINNERS = "drilldown:winners"  # what is kept with a stage's study, once it is over


@dataclass(frozen=True)
class KeptStage:
    """A stage as far as it has come."""

    study: Study
    winners: Sequence[Tried]
    """What it handed on, best first, but for trials of a stage that was deleted; empty where it is
    not over."""
    handed_on: Sequence[str]
    """The names of all of it."""

    @property
    def number(self) -> int:
        """Counted from 1."""
        return stage_number(self.study)

    @property
    def name(self) -> str:
        return stage_name(self.study)


@dataclass(frozen=True)
class KeptDrill:
    """A drill as far as it has come."""

    name: str
    goal: Goal
    stages: Sequence[KeptStage]
    finalists: Sequence[Finalist]
    """Best first: what the last stage so far handed on, with the trainings on fresh seeds that
    there are; empty where none of them has any of those that the drill asks for."""


def read(studies: Studies, run: Run) -> KeptDrill:
    """The drill that a run is. Raises UserError where its ledger cannot be read."""
    candidates: dict[str, Tried] = {}
    stages = []
    for study in run.studies:
        candidates |= {each.name: each for each in _tried(study)}
        kept = study.kept(WINNERS) or {"winners": []}
        names = kept["winners"]
        winners = [candidates[name] for name in names if name in candidates]
        stages.append(KeptStage(study, winners, names))
    goal, last = run.studies[-1].goal, stages[-1].winners
    trained = list(_trainings(studies, run)) if last else []
    found = [Finalist(each, trained_fresh(each.config, trained)) for each in last]
    spec = _asked_for(run)
    wanted = max(len(each.runs) for each in found) if spec is None and found else 0
    over = False
    if spec is not None:
        wanted, over = spec.confirm, not spec.confirm and stages[-1].number == len(spec.stage)
    confirmed = over or any(each.runs for each in found)
    return KeptDrill(run.name, goal, stages, ranked(found, goal, wanted) if confirmed else ())


def winner(studies: Studies, run: Run) -> Config:
    """The winner's config. Raises UserError, saying what there is, where the finalists have not
    been trained yet."""
    return _winner(studies, run).candidate.config


def export(studies: Studies, run: Run, number: int | None, path: Path) -> None:
    """Write the winner of a drill, with the curves of its other seeds, whole or not at all.

    number: of the trial that is asked for, of which a drill has none. Raises UserError, saying what
    there is, for one, and where the finalists have not been trained yet.
    """
    if number is not None:
        raise UserError(
            f"{run.said}: its trials are those of its stages; "
            f"see: drilldown export {run.studies[-1].name} --trial {number}"
        )
    record.save(path, confirmed(_winner(studies, run, "drilldown export "), run.studies[-1].goal))


def confirmed(finalist: Finalist, goal: Goal) -> Record:
    """A finalist as a config, with the curves of its other seeds and what the referee says of
    them."""
    return finalist.judged(goal).record


def _asked_for(run: Run) -> DrillSpec | None:
    """What the drill is; None of an old one, which does not keep that."""
    with suppress(UserError):
        return told(run.name, run.studies[0])[0]
    return None


def _winner(studies: Studies, run: Run, verb: str = "") -> Finalist:
    """verb: what takes the best of the last stage instead, as it is typed."""
    finalists = read(studies, run).finalists
    if not finalists:
        raise UserError(
            f"{run.said} has no winner yet: its finalists have not been trained on fresh seeds; "
            f"the best so far: {verb}{run.studies[-1].name}"
        )
    return finalists[0]


def _tried(study: Study) -> Iterator[Tried]:
    for trial in study.trials():
        if isinstance(trial, Complete):
            yield Tried(f"{stage_name(study)}/{trial.number}", trial.config, trial)


def _trainings(studies: Studies, run: Run) -> Iterator[Training]:
    """Those in the drill's folder, where that is its own."""
    if folder.is_ours(studies, run.name, "drill", run.studies[0]):
        yield from Ledger(runs_dir() / run.name / LEDGER).runs
