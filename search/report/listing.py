"""What `list` prints: what can be launched or drilled, and what has been run."""

from collections.abc import Mapping, Sequence

from mnist_core.config import Data
from mnist_core.frozen import shortened
from mnist_core.goal import Goal
from mnist_core.words import part, percent
from search.drill.spec import DrillSpec
from search.report.shown import LEFT, RUNNING, still_running
from search.study.runs import every
from search.study.spec import StudySpec
from search.study.storage import has_storage, open_storage, option
from search.study.studies import Studies
from search.study.study import Study
from search.text.commands import program
from search.text.console import folded, left_out, table, width, wrapped
from search.text.wording import not_whole

_GOAL_HEADS = ["accuracy", "in the last", "parameters"]
_RUN_HEADS = ["name", "images", "ended", *_GOAL_HEADS, "best score", "at goal"]
_RUN_RANKS = [0, 6, 3, 2, 5, 4, 1, 1]  # which a narrow terminal has no room for: the highest first


def studies(packaged: dict[str, StudySpec], drills: dict[str, DrillSpec], url: str | None) -> str:
    """What can be launched or drilled, and what has been run in the storage at `url`."""
    lines = [[name, str(spec.trials), *goal_cells(spec.goal)] for name, spec in packaged.items()]
    stages = [
        [name, " + ".join(str(stage.trials) for stage in spec.stage), *goal_cells(spec.goal)]
        for name, spec in drills.items()
    ]
    parts = [
        table("Studies to launch", ["name", "trials", *_GOAL_HEADS], lines),
        "",
        *_titles(packaged),
        "",
        table("Drills, in stages", ["name", "trials", *_GOAL_HEADS], stages),
        "",
        *_titles(drills),
    ]
    run = _run(open_storage(url, read_only=True), url) if url or has_storage() else []
    none = [f"No study has been run yet; start with: {program()} launch{option(url)}"]
    return "\n".join([*parts, "", *(run or none)])


def _titles(specs: Mapping[str, StudySpec] | Mapping[str, DrillSpec]) -> list[str]:
    said = {name: "; ".join([*not_whole(spec.data), spec.title]) for name, spec in specs.items()}
    return [wrapped(f"{name}: {each}", _room(), "  ") for name, each in said.items()]


def _room() -> int:
    return min(80, width() or 80)


def goal_cells(goal: Goal) -> list[str]:
    """Under the heads of a goal."""
    return [goal.wanted, part(goal.last, goal.epochs, "epoch"), f"< {goal.params:,}"]


def _run(studies: Studies, url: str | None) -> list[str]:
    """What has been run, which of it runs, and which studies are none of ours."""
    lines = []
    notes: dict[str, list[str]] = {RUNNING: [], LEFT: [], "Not drilldown's": []}
    for run in every(studies):
        if run.kind == "drill":
            lines.append(_line(run.name, run.studies))
        for study in run.studies:
            lines.append(_line("  " * (run.kind == "drill") + _called(study), [study]))
            running = studies.running(study)
            if running:
                notes[RUNNING].append(_called(study))
            elif running is False and still_running(study.trials()):
                notes[LEFT].append(_called(study))
    notes["Not drilldown's"] = [_called(each) for each in studies.all() if not each.launched]
    heads, lines, dropped = folded(_RUN_HEADS, lines, _RUN_RANKS)
    shown = [table("What has been run", heads, lines, {"name", "images"})] if lines else []
    said = [
        wrapped(f"{what}: {', '.join(names)}", _room(), "  ")
        for what, names in notes.items()
        if names
    ]
    return [*shown, *left_out(dropped), *_see(dropped, url), *said]


def _see(dropped: Sequence[str], url: str | None) -> list[str]:
    """How columns are seen that there is no room for: a pipe has room for all."""
    return [f"See them:  {program()} list{option(url)} | less -S"] if dropped else []


def _called(study: Study) -> str:
    return study.name if study.name.isprintable() else shortened(study.name)


def _line(name: str, studies: Sequence[Study]) -> list[str]:
    """What these have come to in all."""
    trials = [trial for study in studies for trial in study.trials()]
    goal, data = studies[-1].goal, studies[-1].data
    best = max((trial.score for trial in trials if trial.score is not None), default=None)
    return [
        name,
        _images(data or Data(judge=goal.judge)),
        str(sum(trial.counts for trial in trials)),
        *goal_cells(goal),
        "" if best is None else f"{percent(best, goal.accuracy)} %",
        str(sum(trial.holds_goal for trial in trials)),
    ]


def _images(data: Data) -> str:
    """What is trained on, and what judges."""
    held_out = data.judge == "holdout"
    if data.whole:
        return "all but held out" if held_out else "all"
    return f"{data.train:,} + {data.test:,}{' held out' * held_out}"
