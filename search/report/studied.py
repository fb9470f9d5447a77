"""A study's report: what came of its trials, what the numbers say, and how to train the best again.
`report.md` for a repository, and `report.html`, the same in one file that needs nothing else."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w

from mnist_core.config import Data
from mnist_core.goal import Goal
from search.confirm.race import Standing
from search.drill.result import Trained
from search.report import ended, figures, leads, legends, next_steps, sentences, tables
from search.report import page as pages
from search.report.advice import advice
from search.report.analysis import adviser, analysis, shortfall
from search.report.figures import Curve, Dot, Size
from search.report.findings import Findings, found_of
from search.report.page import FIGURES, TEMPLATES
from search.study import memo
from search.study.fingerprint import FINGERPRINT, SPEC, wanted
from search.study.methods import METHODS
from search.study.study import Study
from search.study.trials import Trial
from search.text.commands import Command
from search.text.markdown import code, escaped, fenced
from search.text.wording import environments, listed, not_whole
from spaces.dimensions import Dimension

PAGE = "report.html"
_SHOWN = 5  # best trials that are looked at: no more than a table has columns for


@dataclass(frozen=True)
class StudyResult(Trained):
    """A study as far as it has come."""

    study: str
    trials: Sequence[Trial]
    goal: Goal
    launched_with: Mapping[str, str]
    """See `search.study.fingerprint`; nothing where an older version launched it."""
    methods: Mapping[str, str]
    """See `search.study.methods`; likewise."""
    running: bool | None
    """See `Studies.running`."""
    title: str = ""
    wanted: int | None = None
    """So many trials it should have, unless a launch is told another number."""
    note: str = ""
    """What a person has noted of it."""
    fresh: Sequence[Standing] = ()
    """What fresh seeds say of its trials, best first."""

    @classmethod
    def of(
        cls, study: Study, running: bool | None, fresh: Sequence[Standing] = ()
    ) -> "StudyResult":
        """Raises UserError where drilldown never launched the study."""
        launched_with, methods, spec = (
            kept if isinstance(kept, dict) else {}
            for kept in map(study.kept, (FINGERPRINT, METHODS, SPEC))
        )
        return cls(
            study.name,
            study.trials(),
            study.goal,
            launched_with,
            methods,
            running,
            str(spec.get("title", "")),
            wanted(study),
            memo.of(study),
            fresh,
        )

    @property
    def headed(self) -> str:
        return f"{self.study}: {self.title}" if self.title else self.study

    @property
    def is_stage(self) -> bool:
        """Whether it was launched as a stage of a drill, around configs."""
        return "bases" in self.launched_with

    @property
    def keep(self) -> int:
        return _SHOWN

    def called(self, number: int) -> str:
        return f"Trial {number}"

    @property
    def data(self) -> Data:
        """What its trials are trained and tested on, also where none has begun."""
        kept = re.fullmatch(r"(\d+)\+(\d+)", self.launched_with.get("data", ""))
        configs = (trial.config for trial in self.trials)
        judge = self.goal.judge
        said = Data(judge=judge)
        if kept:
            said = Data(judge=judge, train=int(kept[1]), test=int(kept[2]))
        return next((config.data for config in configs if config is not None), said)

    @property
    def dimensions(self) -> Mapping[str, Dimension]:
        """What its trials vary; nothing where there is none."""
        first = min(self.trials, key=lambda trial: trial.number, default=None)
        return first.dimensions if first else {}

    @property
    def fixed(self) -> dict[str, Any]:
        """Dimensions that it holds at one value."""
        found = {}
        for name, shown in self.launched_with.items():
            with suppress(ValueError, SyntaxError):
                if name.startswith("fix."):
                    found[name.removeprefix("fix.")] = ast.literal_eval(shown)
        return found


def write(
    result: StudyResult,
    page: Path,
    folder: str = FIGURES,
    where: str = "",
    cloud: Sequence[Dot] = (),
) -> Path:
    """Write the report of a study as far as it has come; returns the page. See
    `search.report.page.write`.

    folder: of the figures, beside the page. where: what a command needs to find the same storage.
    cloud: nets of others, which lie behind the study's own in accuracy against parameters.

    Raises UserError, naming the file, where one cannot be written.
    """
    found = found_of(
        result,
        result.goal,
        result.data,
        leads.of_sampling(result.complete, result.data),
        set(result.fixed),
    )
    return pages.write(
        page,
        result.headed,
        partial(_figures, result, found, cloud),
        partial(_markdown, result, found, where),
        folder,
    )


def _figures(
    result: StudyResult, found: Findings, cloud: Sequence[Dot], size: Size
) -> Iterator[tuple[str, str]]:
    """(name, SVG) of what there is to be drawn."""
    if not found.leaders:
        return
    shown = [Curve(each.name, each.config, each.trial.test_acc) for each in found.leaders]
    yield "curves", figures.curves(shown, result.goal, size)
    leading = {each.name for each in found.leaders}
    dots = [Dot.of(each.trial, each.name in leading) for each in result.tried()]
    yield (
        "accuracy-by-parameters",
        figures.accuracy_by_parameters([("this study", dots)], result.goal, size, cloud),
    )
    if found.importances:
        yield (
            "importance",
            figures.importance(found.importances, "importance", "What mattered", size),
        )


def _markdown(
    result: StudyResult, found: Findings, where: str, addresses: Mapping[str, str]
) -> str:
    """addresses: of the figures, by name."""
    goal, kinds = result.goal, result.dimensions
    shown: dict[str, Any] = {"leaders": ""}
    if found.leaders:
        counsel = [f"{each.change}: {each.why}." for each in advice(found, goal)]
        best = found.leaders[0].trial
        shown = {
            "leaders": tables.leaders(found.leaders, goal),
            "values": tables.values(result, kinds, found.leaders),
            "analysis": analysis(result, found, goal, result.data),
            "adviser": adviser(found, goal, "another study", counsel),
            "advice": counsel,
            "best": best.number,
            "again": [fenced(commands) for commands in ended.again(best, where)],
            "next": _next(result, where),
            "verdict": "held" if any(trial.holds_goal for trial in result.complete) else "missed",
            "config": tomli_w.dumps(best.config.to_dict()).strip(),
        }
    return TEMPLATES.get_template("study.md.jinja").render(
        title=escaped(result.headed),
        note=escaped(result.note),
        not_whole=not_whole(result.data),
        goal=goal,
        legends=legends,
        fresh=tables.fresh(result.fresh),
        unsealed=any(each.contender.unsealed for each in result.fresh),
        status=ended.status(result.trials, result.running, result.wanted),
        trials=sentences.trials(result),
        result=_result(result, found),
        space=_space(result),
        figures=addresses,
        pruned=ended.pruned(result.trials, goal, result.methods),
        pruned_table=ended.pruned_table(result.trials, goal),
        failed=ended.failed(result.trials),
        failed_table=ended.failed_table(result.trials),
        seeds=ended.seeds(result.launched_with.get("seed"), bool(result.fresh)),
        environments=environments(
            each.environment for each in result.trials if each.environment is not None
        ),
        **shown,
    )


def _result(result: StudyResult, found: Findings) -> str:
    if not found.leaders:
        return "No trial is complete yet, so there is no best."
    first = found.leaders[0]
    short = shortfall(first.trial.ending.worst, result.goal)
    holders = [trial for trial in result.complete if trial.holds_goal]
    said = f"**{first.name}** is best, with {first.config.params:,} parameters: it {short}."
    if holders and not first.trial.holds_goal:
        said += f" {result.called(holders[0].number)}, with a lower score, holds the goal."
    return said


def _next(result: StudyResult, where: str) -> str:
    """What to type next; nothing where the study cannot be launched by its name: a stage of a
    drill, or one of an older version."""
    if result.wanted is None or result.is_stage:
        return ""
    outcome = next_steps.Outcome.of(result.goal, result.data, result.trials)
    again = Command("launch", result.study, result.study, more=where)
    trials = outcome.more_trials(result.wanted)
    more = {next_steps.MORE_TRIALS: again.resumed("--trials", trials)}
    steps = next_steps.steps(outcome)
    lines = next_steps.fenced_lines(steps, again, more)  # of more seeds another section tells
    return fenced(lines) if lines else ""


def _space(result: StudyResult) -> str:
    """What is varied, and what is held."""
    name = result.launched_with.get("space")
    space = f" in the space {code(name)}" if name else ""
    if result.is_stage:
        space = " as a stage of a drill"
    parts, fixed = sentences.bounds(result.dimensions), result.fixed
    said = f"Varied{space}: {listed(parts)}." if parts else f"Nothing has been varied yet{space}."
    return f"{said} {sentences.held(fixed)}" if fixed else said
