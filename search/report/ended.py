"""How a study's trials ended other than well, and where it stands: sentences and tables."""

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mnist_core.goal import Goal
from mnist_core.words import does, of, part, percent
from search.study.trials import Complete, State, Trial
from search.text.markdown import code, escaped, table

_NAMED = 8  # trials that a cell names, before it says only how many more there are
_STOPS = {  # the kind of a pruner -> what it stops
    "goal": "one that could not do what is still worth doing, even if its error fell as far as the "
    "best comparable trial's did from such a point",
    "median": "what is below the median of the others after the same epoch",
    "successive-halving": "all but the best share at each of a few epochs",
    "hyperband": "all but the best share at each of a few epochs, in brackets of trials",
    "patient": "one that has not bettered itself for some epochs, where another pruner agrees",
}


def status(trials: Sequence[Trial], running: bool | None, wanted: int | None = None) -> str:
    """Whether somebody runs the study, how many trials are missing, and which have not ended or do
    not count. wanted: so many were asked for."""
    counts = Counter(State.RUNNING if running and _new(trial) else trial.state for trial in trials)
    busy = counts[State.RUNNING]
    if running:
        said = [f"it is running now, with {of(busy, 'trial')} under way"]
    elif busy and running is False:
        said = [f"nobody runs it; {of(busy, 'trial')} {does(busy, 'was')} left by an owner gone"]
    elif busy:
        said = [f"{of(busy, 'trial')} {does(busy, 'is')} said to run"]
    else:
        said = ["nobody runs it now"]
    apart = {
        State.WAITING: "waiting",
        State.INTERRUPTED: "interrupted and not counted",
        State.FOREIGN: "not drilldown's, which nothing here is about",
    }
    said += [f"{counts[state]} {what}" for state, what in apart.items() if counts[state]]
    missing = (wanted or 0) - sum(trial.counts for trial in trials)
    if missing > 0:
        said.append(f"{part(missing, wanted or 0, 'trial')} {does(missing, 'is')} missing")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _new(trial: Trial) -> bool:
    """Whether it has only just been asked for: its config comes a moment later."""
    return trial.state == State.FOREIGN and trial.config is None and not trial.test_acc


def _in(state: State, trials: Iterable[Trial]) -> list[Trial]:
    return sorted((trial for trial in trials if trial.state == state), key=lambda one: one.number)


def pruned(trials: Sequence[Trial], goal: Goal, methods: Mapping[str, str]) -> str:
    """How many trials were stopped, when, and what stops one. methods: see `search.study.methods`,
    of the latest launch."""
    found = _in(State.PRUNED, trials)
    kind = methods.get("pruner", "").partition(" ")[0]
    rungs = re.match(r"rungs ([\d, ]+) \(keep = (\S+),", methods.get("search", ""))
    if not found:
        nothing = kind == "none" and not rungs
        return "There was no pruner." if nothing else "No trial was stopped."
    epochs = sorted(len(trial.test_acc) for trial in found)
    first, last = epochs[0], epochs[-1]
    when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    said = [f"{part(len(found), len(trials), 'trial')} {does(len(found), 'was')} stopped, after "]
    said[0] += f"{when} of {goal.epochs}."
    if rungs:
        share = f"{float(rungs[2]):.0%}"
        which = f"{'epochs' if ',' in rungs[1] else 'epoch'} {rungs[1]}"
        said.append(
            f"After {which} the latest launch stops one that is not among the best "
            f"{share} of what complete trials had reached by then."
        )
    if kind in _STOPS:
        said.append(f"{code(kind)}, the pruner of the latest launch, stops {_STOPS[kind]}.")
    return " ".join(said)


def pruned_table(trials: Sequence[Trial], goal: Goal) -> str:
    """One line an epoch after which any was stopped, and what stopped it; nothing where none
    was."""
    groups: dict[tuple[int, str], list[Trial]] = defaultdict(list)
    for trial in _in(State.PRUNED, trials):
        groups[len(trial.test_acc), trial.stopped_by].append(trial)
    complete = [trial.test_acc for trial in trials if isinstance(trial, Complete)]
    heads = [
        "stopped after epoch",
        "by",
        "trials",
        f"their {goal.judge} accuracy there (%)",
        "complete trials' there (%)",
    ]
    lines = [
        [
            str(epoch),
            by or "not kept",
            _numbers(group),
            _span([trial.test_acc[-1] for trial in group if trial.test_acc], goal),
            _span([curve[epoch - 1] for curve in complete if 0 < epoch <= len(curve)], goal),
        ]
        for (epoch, by), group in sorted(groups.items())
    ]
    return table(heads, lines, left=heads[1:3]) if lines else ""


def _span(accuracies: Sequence[float], goal: Goal) -> str:
    if not accuracies:
        return ""
    low, high = (percent(each, goal.accuracy) for each in (min(accuracies), max(accuracies)))
    return low if low == high else f"{low} to {high}"


def _numbers(group: Sequence[Trial]) -> str:
    named = ", ".join(str(trial.number) for trial in group[:_NAMED])
    return f"{named} and {len(group) - _NAMED} more" if len(group) > _NAMED else named


def failed(trials: Sequence[Trial]) -> str:
    count = len(_in(State.FAIL, trials))
    return f"{count} of {of(len(trials), 'trial')} failed:" if count else "No trial failed."


def failed_table(trials: Sequence[Trial]) -> str:
    """One line a reason, the commonest first; nothing where none failed. Two reasons are one where
    nothing but a number in them is another."""
    groups: dict[str, list[Trial]] = defaultdict(list)
    for trial in _in(State.FAIL, trials):
        groups[re.sub(r"\d+", "0", trial.reason)].append(trial)
    heads = ["trials", "how many", "why"]
    lines = [
        [_numbers(group), str(len(group)), escaped(group[0].reason or "not known")]
        for group in sorted(groups.values(), key=lambda group: -len(group))
    ]
    return table(heads, lines, left=["trials", "why"]) if lines else ""


def seeds(seed: str | None, fresh: bool) -> str:
    """On how many seeds all of this stands. fresh: whether some nets were trained on others."""
    known = f"The study's seed is {seed}, and each trial's follows from it. " if seed else ""
    said = "how a net does on others is not known from this study"
    if fresh:
        said = "how some do on others, the table of fresh seeds says"
    return f"{known}Each trial is one training on one seed: {said}."


def again(best: Trial, where: str) -> tuple[list[str], list[str]]:
    """The commands that train a trial again, and the best ones on fresh seeds. where: see
    `search.study.storage.option`."""
    study, file = shlex.quote(best.study), f"trial-{best.number}.toml"
    exported = f"drilldown export {study} --trial {best.number} -o {file}{where}"
    return [exported, f"drilldown train {file} --check"], [f"drilldown confirm {study}{where}"]
