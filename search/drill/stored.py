"""A drill's result as its storage and its folder keep it: as it was told when it ended."""

from collections.abc import Sequence
from dataclasses import replace

from mnist_core.paths import runs_dir
from search.confirm.fresh import LEDGER, fresh_runs, fresh_seeds
from search.drill.kept import WINNERS
from search.drill.result import Candidate, DrillResult, Finalist, StageResult, Tried, ranked
from search.drill.resume import told
from search.drill.spec import DrillSpec
from search.study import folder
from search.study.runs import Run, stage_number
from search.study.studies import Studies
from search.study.study import Study
from search.workers.ledger import Ledger

BEST = "best.toml"  # in the drill's folder, once it has come to its end


def read(studies: Studies, run: Run) -> DrillResult:
    """The drill that a run is, as far as it has come.

    Raises UserError where it does not keep what its launch said, its folder is another's, or its
    ledger cannot be read.
    """
    spec, bases = told(run.name, run.studies[0])
    spec = spec.changed(goal=run.studies[0].goal)  # it may have been asked another one since
    candidates: Sequence[Candidate] = [
        Candidate(*base) for base in (bases or {"plain": spec.plain()}).items()
    ]
    stages: list[StageResult] = []
    studied = {stage_number(study): study for study in run.studies}
    for number, stage in enumerate(spec.stage, start=1):
        if number not in studied:  # it has not come so far, or somebody has deleted the stage
            break
        study = studied[number]
        found = StageResult(number, stage, study.name, study.trials(), candidates, ())
        stages.append(replace(found, winners=_winners(study, found)))
        candidates = stages[-1].winners
        if not candidates:
            break
    over = len(stages) == len(spec.stage) and stages[-1].winners
    finalists = _finalists(studies, run, spec, stages[-1].winners) if over else []
    settings = run.studies[0].settings
    return DrillResult(run.name, spec, stages, finalists, settings, studies.where)


def _winners(study: Study, stage: StageResult) -> list[Tried]:
    """What a stage handed on, best first; nothing where it is not over."""
    kept = study.kept(WINNERS)
    candidates = {candidate.name: candidate for candidate in stage.ranked()}
    return [candidates[name] for name in kept["winners"] if name in candidates] if kept else []


def _finalists(
    studies: Studies, run: Run, spec: DrillSpec, last: Sequence[Tried]
) -> list[Finalist]:
    """The winners of the last stage with their trainings on fresh seeds; none as long as these are
    not over."""
    folder.check(studies, run.name, "drill", run.studies[0])
    place = runs_dir() / run.name
    runs = fresh_runs(
        {each.name: each.config for each in last},
        fresh_seeds(spec.seed, spec.confirm),
        Ledger(place / LEDGER),
    )
    missing = any(len(runs[each.name]) < spec.confirm for each in last)
    if missing and not (place / BEST).exists():  # which is written once all have had their turn
        return []
    found = [Finalist(each, runs[each.name]) for each in last]
    return ranked(found, spec.goal, spec.confirm)
