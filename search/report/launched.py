"""What a person reads when a launch is over."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from mnist_core.goal import Goal
from mnist_core.words import accuracies, of, percent
from search.chance.referee import MOST, Verdict
from search.confirm.race import Standing
from search.launch import failures, progress
from search.launch.fresh import sentence
from search.launch.run import Launched
from search.report import confirmed, next_steps
from search.study import fingerprint, storage
from search.study.trials import Complete, Trial, fates
from search.text.commands import COLUMN, Command, command_for, program
from search.text.console import width, wrapped
from search.text.wording import not_whole

_OPEN = 3  # configs that are named


def report(launched: Launched, command: str, url: str | None, again: Command) -> str:
    """What a person reads when a launch is over: the best trial, the goal, what to type next.

    command: what launched the study, which resumes it too. url: of the storage, where it was given.
    again: the same command, to be changed.
    """
    study = launched.study
    name, trials = study.name, study.trials()
    ended = fates(trials)
    lines = not_whole(launched.plan.data)
    lines.append(f"{name}: {progress.tally(ended, max(ended.total(), launched.trials))}")
    where = storage.option(url)
    complete = ended.total() >= launched.trials
    if complete and not launched.trainings:
        lines.append(_nothing_trained(launched, ended.total()))
    if launched.best is None:
        lines.append("No trial was trained to its end, so there is no best yet.")
    else:
        lines += _best_lines(study.goal, trials, launched, where)
    if launched.in_vain and ended:
        lines.append(_in_vain(launched, trials))
    if not launched.over:
        timeout, others = launched.plan.timeout, launched.trainings or launched.signal
        what = "trial" if launched.confirmation is None else "training"
        if launched.confirmation is not None and launched.confirmed:
            why, command = "Confirmed", _without(command, "until-confirmed")
        elif launched.plan.until_held and study.holders and not launched.signal:
            why, command = "Goal held", _without(command, "until-held")
        elif timeout is not None and not others:
            lines.append(
                f"No {what} was begun: the {timeout:g} s allowed were over; raise --minutes"
            )
            why, command = "Out of time", _longer(command)
        else:
            why = "Interrupted" if launched.signal else "Out of time"
        lines.append(f"{why}; go on with:".ljust(COLUMN) + command)
    elif launched.in_vain or launched.unproven or not launched.ended:
        spent = f"Every config has had its {MOST} fresh seeds, or is worth none"
        so = spent if launched.unproven else "All these count"
        lines.append(f"{so}; to try more, launch with --trials above {ended.total()}.")
    lines.append("All trials:".ljust(COLUMN) + f"{program()} show {name}{where}")
    lines.append("As a report:".ljust(COLUMN) + f"{program()} report {name}{where}")
    lines.append("In a browser:".ljust(COLUMN) + f"{program()} dashboard {name}{where}")
    if launched.best is not None and not launched.signal:
        lines += _next_lines(launched, trials, where, again)
    return "\n".join(lines)


def _nothing_trained(launched: Launched, finished: int) -> str:
    fewer = f", {launched.trials} asked for" if launched.trials < finished else ""
    still = [f"the {what} is still {way}" for what, way in launched.still.items()]
    return "; ".join([f"Complete: {of(finished, 'trial')}{fewer}", "nothing trained", *still])


def _in_vain(launched: Launched, trials: Sequence[Trial]) -> str:
    if launched.best is not None:
        return f"In this launch {failures.why(launched.ended)}"
    return failures.why([trial for trial in trials if trial.counts])


def _without(command: str, option: str) -> str:
    """Without a flag, which its study may have too."""
    flag = f" --{option}"
    return command.replace(flag, "") if flag in command else f"{command} --no-{option}"


def _longer(command: str) -> str:
    """With ten minutes, whatever it or the study allows."""
    return re.sub(r" --(minutes|timeout)[ =]\S+", "", command) + " --minutes 10"


def _next_lines(
    launched: Launched, trials: Sequence[Trial], where: str, again: Command
) -> list[str]:
    study, plan = launched.study, launched.plan
    outcome = next_steps.Outcome.of(plan.goal, plan.data, trials)
    wanted = fingerprint.wanted(study) or plan.trials  # its own, whatever this launch was told
    own = {next_steps.MORE_TRIALS: again.resumed("--trials", outcome.more_trials(wanted))}
    if not launched.confirmed:
        seeds = f" --seeds {2 * MOST}" * bool(launched.confirmation and launched.confirmation.open)
        confirm = f"{program()} confirm {shlex.quote(study.name)}{seeds}{where}"
        own[next_steps.MORE_SEEDS] = confirm
    said = next_steps.lines(next_steps.steps(outcome), again, own, COLUMN)
    verdict = "the goal is held" if outcome.held else "the goal is missed"
    verdict = "a config is confirmed" if launched.confirmed else verdict
    return ["", f"What next, since {verdict}:", *said] if said else []


def _best_lines(goal: Goal, trials: Sequence[Trial], launched: Launched, where: str) -> list[str]:
    complete = [trial for trial in trials if isinstance(trial, Complete)]
    best, holders = complete[0], [trial.number for trial in complete if trial.holds_goal]
    final = accuracies(best.ending.test_acc, goal.accuracy)
    score = percent(best.score, goal.accuracy)
    if best.holds_goal:
        met = "held by this trial" + f", {len(holders)} trials in all" * (len(holders) > 1)
    elif holders:
        other = f"{program()} export {best.study} --trial {holders[0]}{where}"
        met = f"not held by this trial, but by trial {holders[0]} ({other})"
    else:
        met = "not held by any trial yet"
    return [
        f"Best: trial {best.number}, score {score} %, {best.params:,} parameters, "
        f"{goal.ends} {final} % (1 seed)",
        f"Goal: {met}",
        f"      {goal}",
        *_fresh_lines(launched),
        *_config_lines(launched.best, launched.fresh),
    ]


def _fresh_lines(launched: Launched) -> list[str]:
    """What fresh seeds say: of the best, or of all where one was to be confirmed."""
    race, fresh, room = launched.confirmation, launched.fresh, width()
    if race is None:
        return [] if fresh is None else confirmed.brief([fresh])
    if race.confirmed is not None:
        said = [sentence(race.confirmed)]
    else:
        refuted = sum(each.verdict == Verdict.REFUTED for each in race.standings)
        apart = f", {of(refuted, 'config')} refuted" if refuted else ""
        more = len(race.open) - _OPEN
        said = [
            f"Confirmed: none yet{apart}",
            *map(sentence, race.open[:_OPEN]),
            *[f"Open: {more} more"] * (more > 0),
        ]
    return said if room is None else [wrapped(line, room, "  ") for line in said]


def _config_lines(path: Path | None, fresh: Standing | None) -> list[str]:
    """Whose config lies there, and what trains it again."""
    if path is None:
        return []
    whose = "the best" if fresh is None else fresh.contender.name
    return [
        f"Config of {whose}:".ljust(COLUMN) + str(path),
        "Train it again:".ljust(COLUMN) + command_for(path),
    ]
