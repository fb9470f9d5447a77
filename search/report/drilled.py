"""A drill's report: Target, Result and Analysis of each stage, and who won. `drill.md` for a
repository, and `drill.html`, the same in one file that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mnist_core.record import Environment
from search.drill.result import DrillResult, StageResult
from search.report import drill_steps, figures, leads, legends, next_steps
from search.report import page as pages
from search.report import sentences as drill_text
from search.report import tables as drill_tables
from search.report.analysis import advised, adviser, analysis
from search.report.figures import Curve, Dot, Size
from search.report.findings import Findings, findings
from search.report.page import FIGURES, TEMPLATES
from search.text.markdown import escaped, fenced
from search.text.wording import environments, not_whole
from spaces.dimensions import Dimension

PAGE = "drill.html"


def write(result: DrillResult, folder: Path) -> Path:
    """Write the report of a drill as far as it has come into its folder; returns the page.

    Raises UserError, naming the file, where one cannot be written.
    """
    return write_page(result, folder / PAGE, FIGURES)


def write_page(
    result: DrillResult, page: Path, figures_folder: str, where: str | None = None
) -> Path:
    """The same elsewhere; see `search.report.page.write`.

    where: what a command needs to find the drill's storage; None in the drill's folder, where its
    winner lies.
    """
    found = [findings(stage, result) for stage in result.stages]
    return pages.write(
        page,
        _title(result),
        partial(_figures, result, found),
        partial(_markdown, result, found, where=where),
        figures_folder,
    )


def _title(result: DrillResult) -> str:
    return f"{result.name}: {result.spec.title}" if result.spec.title else result.name


def _figures(
    result: DrillResult, found: Sequence[Findings], size: Size
) -> Iterator[tuple[str, str]]:
    """(name, SVG) of what there is to be drawn."""
    goal, shown = result.spec.goal, _shown(result, found)
    if shown:
        yield "curves", figures.curves(shown, goal, size)
        names = {curve.name for curve in shown}
        yield (
            "accuracy-by-parameters",
            figures.accuracy_by_parameters(
                [(stage.stage.name, _dots(stage, names)) for stage in result.stages], goal, size
            ),
        )
    for stage, each in zip(result.stages, found, strict=True):
        if each.importances:
            name = f"importance-{stage.number}"
            title = f"What mattered in stage {stage.number}, {stage.stage.name}"
            yield name, figures.importance(each.importances, name, title, size)


def _shown(result: DrillResult, found: Sequence[Findings]) -> list[Curve]:
    """The finalists; as long as there are none, the best of the latest stage that has any."""
    if result.finalists:
        return [
            Curve(each.candidate.name, each.candidate.config, each.curves[0], each.curves[1:])
            for each in result.finalists
        ]
    latest = next((each for each in reversed(found) if each.leaders), None)
    leaders = latest.leaders if latest else ()
    return [Curve(each.name, each.config, each.trial.test_acc) for each in leaders]


def _dots(stage: StageResult, names: set[str]) -> list[Dot]:
    return [Dot.of(each.trial, each.name in names) for each in stage.tried()]


def _markdown(
    result: DrillResult,
    found: Sequence[Findings],
    addresses: Mapping[str, str],
    where: str | None = None,
) -> str:
    """addresses: of the figures, by name."""
    goal, stages = result.spec.goal, zip(result.stages, found, [None, *found], strict=False)
    return TEMPLATES.get_template("drill.md.jinja").render(
        title=escaped(_title(result)),
        not_whole=not_whole(result.spec.data),
        goal=goal,
        legends=legends,
        status=drill_text.status(result),
        result=_result(result, found),
        tables=[
            (drill_tables.finalists(result), legends.finalists(goal)),
            (drill_tables.seeds(result), legends.seeds(goal)),
        ]
        * bool(result.finalists),
        way=drill_tables.way(result, found),
        figures=addresses,
        stages=[_stage(result, stage, each, before) for stage, each, before in stages],
        over=bool(result.finalists),
        at_home=where is None,
        again=fenced(_again(result.name, where)),
        next=_next(result) if result.finalists else "",
        why=drill_steps.why(result) if result.finalists else "",
        environments=environments(_environments(result)),
    )


def _next(result: DrillResult) -> str:
    """What to type next."""
    again = drill_steps.again(result)
    steps, own = drill_steps.following(result), drill_steps.own(result, again)
    found = next_steps.fenced_lines(steps, again, own)
    return fenced(found) if found else ""


def _again(name: str, where: str | None) -> list[str]:
    """The commands that train the winner again."""
    made = [] if where is None else [f"drilldown export {name} -o best.toml{where}"]
    return [*made, "drilldown train best.toml --check"]


def _result(result: DrillResult, found: Sequence[Findings]) -> str:
    if result.finalists:
        return drill_text.winner(result, leads.noise(result))
    latest = next((each for each in reversed(found) if each.leaders), None)
    return drill_text.leading(result, latest) if latest else "No trial is complete yet."


def _stage(
    result: DrillResult, stage: StageResult, found: Findings, before: Findings | None
) -> dict[str, Any]:
    """What the template shows of a stage."""
    goal, kinds = result.spec.goal, _kinds(stage)
    target = [drill_text.target(stage, kinds), f"Goal: {goal}."]
    if before is not None:
        target.append(drill_text.left_open(stage.number - 1, before, goal))
    shown: dict[str, Any] = {
        "number": stage.number,
        "name": escaped(stage.stage.name),
        "target": target,
        "trials": drill_text.trials(stage),
        "over": bool(stage.winners),
        "leaders": "",
    }
    if found.leaders:
        later = len(result.spec.stage) - stage.number
        who = ["another drill", "the next stage"][later] if later < 2 else "the next stages"
        advice = advised(stage, found, result)
        shown |= {
            "leaders": drill_tables.leaders(found.leaders, goal),
            "varied": drill_tables.values(stage, kinds, found.leaders),
            "top": drill_tables.top(stage, kinds, goal),
            "analysis": analysis(stage, found, goal, result.spec.data),
            "adviser": adviser(found, goal, who, advice),
            "advice": advice,
        }
    return shown


def _kinds(stage: StageResult) -> Mapping[str, Dimension]:
    """The dimensions of its trials, none where there is none."""
    first = min(stage.trials, key=lambda trial: trial.number, default=None)
    return first.dimensions if first else {}


def _environments(result: DrillResult) -> list[Environment]:
    """Of every training, of trials and of finalists."""
    trials = [trial.environment for stage in result.stages for trial in stage.trials]
    runs = [run.environment for each in result.finalists for run in each.runs]
    return [each for each in [*trials, *runs] if each is not None]
