"""How a study's trials are chosen and stopped, which may be another way in each launch: a study
keeps the latest, so that a change can be said."""

from collections.abc import Mapping

from search.study.optuna_options import OptunaOptions
from search.study.rungs import NOTHING
from search.study.spec import Plan
from search.study.study import Study

METHODS = "drilldown:methods"  # what they are kept under


def changed(study: Study, plan: Plan) -> dict[str, tuple[str, str]]:
    """What the plan does in another way than the study's latest launch, which may be from before
    that was kept: "sampler", "pruner" or "search" -> (its way, the plan's)."""
    kept, now = study.kept(METHODS), _methods(plan)
    before: Mapping[str, str] = {"search": NOTHING, **kept} if isinstance(kept, dict) else {}
    return {name: (before[name], way) for name, way in now.items() if before.get(name, way) != way}


def keep(study: Study, plan: Plan) -> None:
    """To be called where trials are about to be run so."""
    study.keep(METHODS, _methods(plan))


def _methods(plan: Plan) -> dict[str, str]:
    search = plan.search.said(plan.goal) if plan.search else NOTHING
    return {"sampler": _said(plan.sampler), "pruner": _said(plan.pruner), "search": search}


def _said(options: OptunaOptions) -> str:
    """`tpe`, or `tpe (n_startup_trials = 4)`."""
    given = ", ".join(f"{name} = {value}" for name, value in options.options().items())
    return f"{options.kind} ({given})" if given else options.kind
