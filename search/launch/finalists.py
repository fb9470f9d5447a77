"""The best trials of a study, to be confirmed on fresh seeds, and what these say of them."""

from collections.abc import Sequence

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.paths import runs_dir
from search.confirm.fresh import LEDGER, fresh_seeds
from search.confirm.race import Contender, Standing
from search.study import export, fingerprint, folder
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import Complete, Trial
from search.workers.ledger import Ledger


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
    return [
        Contender(called(trial), export.to_record(trial, study.goal), seen, fresh)
        for trial in list(best.values())[:top]
    ]


def called(trial: Trial) -> str:
    """As a contender."""
    return f"trial {trial.number}"


def standings(studies: Studies, study: Study) -> list[Standing]:
    """Of the trials that have been trained on fresh seeds, best first as trials; nothing is
    trained. Raises UserError where the ledger cannot be read."""
    if not folder.is_ours(studies, study.name):
        return []
    runs = Ledger(runs_dir() / study.name / LEDGER).runs
    if not runs:
        return []
    found = study.trials()
    seen, names = used(found), {run.name for run in runs}
    named = [each for each in found if isinstance(each, Complete) and called(each) in names]
    stands = []
    for trial in named:
        contender = Contender(called(trial), export.to_record(trial, study.goal), seen)
        stands.append(Standing(contender, contender.trained(runs), study.goal))
    return [each for each in stands if each.runs]
