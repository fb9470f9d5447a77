"""The tables of a drill's report, in Markdown."""

import statistics
from collections.abc import Mapping, Sequence

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.layers import Conv
from mnist_core.words import accuracies, part, percent
from search.chance.leads import Lead
from search.confirm.race import Standing
from search.drill.result import DrillResult, StageResult, Trained, Tried
from search.report import confirmed
from search.report.advice import spelled
from search.report.findings import Findings, own
from search.study.trials import Complete
from search.text.markdown import code, escaped, table
from search.text.wording import change, share, value, within
from spaces.around import ALL_WIDTHS
from spaces.catalogue import unit
from spaces.dimensions import Dimension

_TOP = 5
_COLUMNS = 7  # dimensions that a table of trials has room for


def finalists(result: DrillResult) -> str:
    """One line a finalist, best first."""
    goal = result.spec.goal
    heads = [
        "finalist",
        "parameters",
        "score in the search (%, 1 seed)",
        "mean score on fresh seeds (%; how many)",
        f"mean of the {goal.ends}, all seeds (%) ± standard deviation between seeds (points)",
        "worst (%)",
        "referee",
        "P(goal) (interval)",
        "goal held",
    ]
    lines, mark = [], goal.accuracy
    for finalist in result.finalists:
        endings, judged = finalist.endings(goal), finalist.judged(goal, result.spec.confirm)
        interval = confirmed.interval(judged)
        means = [ending.mean for ending in endings]
        fresh = [goal.ending(run.test_acc).score for run in finalist.runs]
        spread = f" ± {statistics.stdev(means):.2f}" if means[1:] else ""
        lines.append(
            [
                code(finalist.candidate.name),
                f"{finalist.candidate.config.params:,}",
                percent(finalist.candidate.trial.score, mark),
                f"{percent(statistics.fmean(fresh), mark)} ({len(fresh)})" if fresh else "",
                f"{percent(statistics.fmean(means), mark)}{spread}",
                percent(min(ending.worst for ending in endings), mark),
                str(judged.verdict),
                interval and f"{share(judged.statement.probability)} ({interval})",
                part(sum(ending.held for ending in endings), len(endings), "seed"),
            ]
        )
    return table(heads, lines)


def fresh(standings: Sequence[Standing]) -> str:
    """One line a net that was trained on fresh seeds; nothing of none."""
    heads = [
        "net",
        "referee",
        "goal held",
        "P(goal) (interval)",
        "mean of the worst (%)",
        "deviation (points)",
        "in the search (%)",
        "optimism (points)",
    ]
    lines = []
    for each in standings:
        mark, said = each.goal.accuracy, each.statement
        lines.append(
            [
                escaped(each.contender.name),
                str(each.verdict),
                part(said.held, said.seeds, "seed"),
                f"{share(said.probability)} ({confirmed.interval(each)})",
                percent(each.mean, mark),
                "" if each.deviation is None else f"{each.deviation:.2f}",
                percent(each.searched, mark),
                "" if each.optimism is None else change(each.optimism),
            ]
        )
    return table(heads, lines, left=heads[:2]) if lines else ""


def seeds(result: DrillResult) -> str:
    """One line a finalist and seed."""
    goal = result.spec.goal
    heads = ["finalist", "seed", f"{goal.ends} (%)", "mean (%)", "worst (%)", "goal"]
    lines, mark = [], goal.accuracy
    for finalist in result.finalists:
        own_seed = f"{finalist.candidate.config.seed} (the search's)"
        names = [own_seed, *(str(run.seed) for run in finalist.runs)]
        for name, ending in zip(names, finalist.endings(goal), strict=True):
            held = "held" if ending.held else "missed"
            mean, worst = percent(ending.mean, mark), percent(ending.worst, mark)
            shown = accuracies(ending.test_acc, mark)
            lines.append([code(finalist.candidate.name), name, shown, mean, worst, held])
    return table(heads, lines, left=heads[:2])


def way(result: DrillResult, found: Sequence[Findings]) -> str:
    """One line a stage: its best net, and what it gained over the best that it began with."""
    heads = [
        "stage",
        "best",
        "trials",
        "parameters",
        "score (%)",
        "worst (%)",
        f"train − {result.spec.goal.judge} (points)",
        "gain (points)",
    ]
    lines, mark = [], result.spec.goal.accuracy
    for stage, each in zip(result.stages, found, strict=True):
        first, fit = (each.leaders[0], each.fits[0]) if each.leaders else (None, None)
        lines.append(
            [
                f"{stage.number}. {escaped(stage.stage.name)}",
                code(first.name) if first else "",
                str(stage.counted),
                f"{first.config.params:,}" if first else "",
                percent(first.trial.score if first else None, mark),
                percent(first.trial.ending.worst if first else None, mark),
                change(fit.gap) if fit else "",
                _gain(each.over_base) if first and own(stage, [first]) else "",
            ]
        )
    return table(heads, lines, left=heads[:2])


def _gain(lead: Lead | None) -> str:
    if lead is None:
        return ""
    verdict = " (tie)" if lead.tie else "" if lead.told else " (too few seeds to tell)"
    return f"{change(lead.points)}{verdict}"


def leaders(candidates: Sequence[Tried], goal: Goal) -> str:
    """What people write down of a net: each on the one seed of its search."""
    heads = [
        "trial",
        "parameters",
        "training, best (%)",
        "training, evaluation mode (%)",
        f"{goal.judge}, best (%)",
        f"{goal.ends} (%)",
        "worst (%)",
        "score (%)",
    ]
    mark = goal.accuracy
    lines = [
        [
            code(each.name),
            f"{each.config.params:,}",
            percent(max(each.trial.train_acc, default=None), mark),
            percent(each.trial.fit_acc, mark),
            percent(max(each.trial.test_acc), mark),
            accuracies(each.trial.ending.test_acc, mark),
            percent(each.trial.ending.worst, mark),
            percent(each.trial.score, mark),
        ]
        for each in candidates
    ]
    return table(heads, lines)


def values(trained: Trained, kinds: Mapping[str, Dimension], candidates: Sequence[Tried]) -> str:
    """What was varied, and what the leaders have; of one that no trial of the stage has beaten,
    nothing was varied."""
    names = [name for name in kinds if spelled([name]) != [ALL_WIDTHS]]
    lines = [
        [
            _headed(name),
            within(kinds[name]),
            *(_value(trained, each.trial, name) for each in candidates),
        ]
        for name in names
    ]
    if len(names) < len(kinds):
        widths = [_widths(each.config) for each in candidates]
        lines.append([ALL_WIDTHS, "as far as the budget goes", *widths])
    heads = ["dimension", "varied within", *(code(each.name) for each in candidates)]
    return table(heads, lines, left=heads[:2])


def _value(trained: Trained, trial: Complete, name: str) -> str:
    """What a trial has in a dimension, if anything: another stage's has what it had, and with some
    values of the others a dimension is idle."""
    if trial.study != trained.study or name not in trial.sample:
        return "as it was"
    return value(trial.living[name]) if name in trial.living else "idle"


def _headed(name: str) -> str:
    """A dimension, with the unit of its numbers."""
    return f"{code(name)} ({unit(name)})" if unit(name) else code(name)


def _widths(config: Config) -> str:
    return " ".join(str(layer.outputs) for layer in config.layers if isinstance(layer, Conv))


def top(stage: StageResult, kinds: Mapping[str, Dimension], goal: Goal) -> str:
    """The stage's own best trials, each on one seed, with what it varied."""
    names = [name for name in kinds if spelled([name]) != [ALL_WIDTHS]][:_COLUMNS]
    heads = ["trial", "score (%)", "mean (%)", "worst (%)", "parameters", *map(_headed, names)]
    mark = goal.accuracy
    lines = [
        [
            code(each.name),
            percent(each.trial.score, mark),
            percent(each.trial.ending.mean, mark),
            percent(each.trial.ending.worst, mark),
            f"{each.config.params:,}",
            *(_value(stage, each.trial, name) for name in names),
        ]
        for each in stage.tried()[:_TOP]
    ]
    return table(heads, lines)
