"""The best trials of a study, to be confirmed on fresh seeds, and what these say of them."""

from collections.abc import Collection, Sequence
from pathlib import Path

from mnist_core import record
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.paths import runs_dir
from mnist_core.record import Record
from search.chance.referee import Verdict
from search.confirm.fresh import LEDGER, fresh_seeds
from search.confirm.race import Contender, Standing, best_first
from search.launch import unsealed
from search.study import export, fingerprint, folder
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import Complete, Trial
from search.workers.ledger import Ledger, Run


def seed_of(study: Study) -> int:
    """What it was launched with; 0 of what does not say it."""
    return int(fingerprint.told(study).get("seed", 0))


def used(trials: Sequence[Trial]) -> frozenset[int]:
    """Seeds of all trainings that a search has begun."""
    return frozenset(trial.config.seed for trial in trials if trial.config is not None)


def contenders(study: Study, top: int, seeds: int, where: str = "") -> list[Contender]:
    """The best trials by score, one of each recipe.

    top: at most so many. seeds: fresh ones that each may be given. where: see
    `search.study.storage.option`.

    Raises UserError where no trial is complete.
    """
    found = study.trials()
    best: dict[Config, Complete] = {}
    for trial in found:
        if isinstance(trial, Complete):
            best.setdefault(trial.config.recipe, trial)
    if not best:
        raise UserError(
            f"study {study.name!r} has no complete trial yet, and so none to confirm; "
            f"see: {export.show(study.name, where)}"
        )
    seen = used(found)
    fresh = fresh_seeds(seed_of(study), seeds, seen)
    return [contender(study, trial, seen, fresh) for trial in list(best.values())[:top]]


def contender(
    study: Study, trial: Trial, seen: Collection[int], fresh: Sequence[int] = ()
) -> Contender:
    """A trial as it races: judged by the test images. seen: seeds of the search. fresh: its own."""
    kept = export.to_record(trial, study.goal)
    return unsealed.contender(Contender(called(trial), kept, seen, fresh))


def called(trial: Trial) -> str:
    """As a contender."""
    return f"trial {trial.number}"


def standings(studies: Studies, study: Study) -> list[Standing]:
    """Of the trials that have been trained on fresh seeds, best first; nothing is trained.

    Raises UserError where the ledger cannot be read.
    """
    return _standings(study) if folder.is_ours(studies, study.name) else []


def best(study: Study) -> tuple[Record, Standing | None] | None:
    """The config of the best trial, with what fresh seeds say of it, where there are any; None
    where no trial is complete. The best is the one with the highest score until fresh seeds tell
    more of it; then the one that they say most for, and a confirmed one in any case.

    The study's folder has to be its own. Raises UserError as `standings`.
    """
    first, judged = study.best(), _standings(study)
    if first is None:
        return None
    recipe = contender(study, first, ()).config.recipe
    raced = [each for each in judged if each.contender.config.recipe == recipe]
    top = best_first(judged)[0] if judged else None
    if top is not None and (raced or top.verdict == Verdict.CONFIRMED):
        return top.record, top
    return export.to_record(first, study.goal), None


def write(
    studies: Studies, study: Study, number: int | None, path: Path, where: str = ""
) -> Record:
    """Write the trial of this number, or the best, with what fresh seeds say of it, to a file,
    whole or not at all; returns what was written. where: see `search.study.storage.option`.

    Raises UserError as `search.study.export.chosen` and `standings`, and where the file cannot be
    written.
    """
    trial = export.chosen(study, number, where)
    kept = export.to_record(trial, study.goal, where)
    if folder.is_ours(studies, study.name):
        found = best(study) if number is None else None
        kept = found[0] if found is not None else _judged(study, trial, kept)
    record.save(path, kept)
    return kept


def _judged(study: Study, trial: Trial, kept: Record) -> Record:
    """A trial's config, with its fresh curves."""
    runs = Ledger(runs_dir() / study.name / LEDGER).runs
    stands = _standing(study, trial, used(study.trials()), runs)
    return stands.record if stands.runs else kept


def _standing(study: Study, trial: Trial, seen: Collection[int], runs: Sequence[Run]) -> Standing:
    raced = contender(study, trial, seen)
    return Standing(raced, raced.trained(runs), unsealed.goal(study.goal))


def _standings(study: Study) -> list[Standing]:
    runs = Ledger(runs_dir() / study.name / LEDGER).runs
    if not runs:
        return []
    found = study.trials()
    seen, names = used(found), {run.name for run in runs}
    named = [each for each in found if isinstance(each, Complete) and called(each) in names]
    judged = [_standing(study, trial, seen, runs) for trial in named]
    return best_first([each for each in judged if each.runs])
