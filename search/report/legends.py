"""What the numbers of a table are, a line below it."""

from mnist_core.goal import Goal


def _legend(*sentences: str) -> str:
    """In Markdown, small."""
    return f"*{' '.join(filter(None, sentences))}*"


def _score(goal: Goal) -> str:
    if goal.last == 1:
        return f"Score: the {goal.judge} accuracy of the {goal.ends}."
    return f"Score: the mean of the {goal.ends} less its standard error."


def _worst(goal: Goal, where: str = "") -> str:
    return f"Worst: the lowest of the {goal.ends}{where}." if goal.last > 1 or where else ""


_REFEREE = (
    "Referee: whether at least nine of ten trainings hold the goal, by the fresh seeds alone; "
    "confirmed and refuted are so with 95 % confidence, open is not known yet. P(goal): the "
    "probability that a further training holds it, with its interval of 90 %."
)
_ONE_SEED = "Each line is one training."


def finalists(goal: Goal) -> str:
    return _legend(
        _score(goal),
        "In the search: of the training that was picked for being high. On fresh seeds: the mean "
        "of the trainings on seeds that the search has not seen, and how many these are.",
        f"±: how far the {goal.judged} of one seed lies from that of another, as a standard "
        "deviation.",
        _worst(goal, " on any seed"),
        _REFEREE,
        f"Held: no accuracy of the {goal.ends} is below {goal.wanted}.",
    )


def fresh(goal: Goal) -> str:
    worst = f"worst of the {goal.ends}" if goal.last > 1 else f"accuracy of the {goal.ends}"
    return _legend(
        _REFEREE,
        f"Mean and (standard) deviation: of the {worst}, from seed to seed. In the search: the "
        "same accuracy of the training that was picked for being high. Optimism: by how much "
        "that is above the mean.",
    )


def seeds(goal: Goal) -> str:
    return _legend(
        _ONE_SEED,
        f"Accuracies are those of the {goal.images}.",
        f"Held: no accuracy of the {goal.ends} is below {goal.wanted}.",
    )


def way(goal: Goal) -> str:
    return _legend(
        _score(goal),
        _worst(goal),
        f"Train − {goal.judge}: what the last epoch's net recognises of the training images, seen "
        f"as the {goal.images} are, less what it recognises of these.",
        f"Gain: in the {goal.judged}, over the best that the stage began with; a tie: no more than "
        "chance explains.",
    )


def leaders(goal: Goal) -> str:
    return _legend(
        "Training, best: the highest accuracy on training images of any epoch, counted while the "
        "net learns, with augmentation and dropout. Evaluation mode: the last epoch's net on the "
        f"same images without these, as it sees {goal.images}. {goal.judge.capitalize()}, best: of "
        "any epoch.",
        _worst(goal),
        _score(goal),
    )


def top(goal: Goal) -> str:
    if goal.last == 1:
        return _legend(_ONE_SEED, _score(goal))
    return _legend(
        _ONE_SEED,
        _score(goal),
        f"Mean and worst: of the {goal.judge} accuracies of the {goal.ends}.",
    )


def values() -> str:
    return _legend(
        "Idle: in this net the dimension does nothing. As it was: nothing has varied it here."
    )


def pruned() -> str:
    return _legend(
        "Lowest to highest: how they stand now beside the trials that were trained to their end, "
        "after as many epochs. By: a rung, or the pruner of that kind; `drilldown show NAME "
        "--trial N` has the reason of each, as it was when it was stopped."
    )


def failed() -> str:
    return _legend(
        "Reasons that differ in nothing but a number are one line, with the first's words."
    )


def curves(goal: Goal) -> str:
    return _legend(
        "The scale is that of the error, 100 % less the accuracy, and logarithmic: each halving of "
        "the error is as high as any other. Grey: the epochs that the goal is about; dashed: its "
        f"{goal.wanted}."
    )


def parameters(goal: Goal) -> str:
    lines = f", its line down to the worst of the {goal.ends}" if goal.last > 1 else ""
    return _legend(
        f"A mark is a complete trial's {goal.judged}{lines}. Dashed: the goal, which a net "
        "holds whose worst is not below; dotted: the parameters that it must stay under. The scale "
        "is that of the curves."
    )


def importance() -> str:
    return _legend(
        "Bar: how much of the trials' ranking by score a dimension explains, beyond the blue ones "
        "above it; line: where that would lie in nine of ten such studies. Red: what shuffled "
        "scores reach, with whichever dimension, in one of twenty shuffles; what does not pass it "
        "cannot be told from chance. In brackets: the trials in which a dimension does something, "
        "where these are not all."
    )
