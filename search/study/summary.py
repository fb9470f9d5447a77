"""What a trial keeps of its end for people: user attributes, of which optuna-dashboard makes
columns. Programs read the tables beside them; see `trials`."""

from collections.abc import Sequence

from mnist_core.config import Config
from mnist_core.goal import Ending
from mnist_core.result import EpochResult
from search.study.forecast import Forecaster
from search.study.trials import Complete, Trial, TrialAttr, cost
from search.text.wording import network, recipe


def of_training(config: Config, results: Sequence[EpochResult]) -> dict[str, float | str]:
    """Of any trial, after these epochs."""
    return {
        TrialAttr.SECONDS: round(sum(each.seconds for each in results), 1),
        TrialAttr.COST: round(cost(config, len(results)), 4),
        TrialAttr.NETWORK: network(config),
        TrialAttr.RECIPE: recipe(config),
    }


def of_ending(ending: Ending) -> dict[str, float]:
    """Of a complete trial: what people sort by."""
    found: dict[str, float] = {
        TrialAttr.WORST: round(ending.worst, 4),
        TrialAttr.MEAN: round(ending.mean, 4),
    }
    if ending.first_at_goal is not None:
        found[TrialAttr.GOAL_EPOCH] = ending.first_at_goal
    return found


def of_stopped(results: Sequence[EpochResult], trials: Sequence[Trial]) -> dict[str, float]:
    """Of one that was stopped: the score that it would have come to, as the complete ones among the
    trials of its study say. Empty where these are too few."""
    complete = [each for each in trials if isinstance(each, Complete)]
    forecaster = Forecaster([(each.test_acc, each.score) for each in complete])
    forecast = forecaster.of([each.test_acc for each in results])
    if forecast is None:
        return {}
    return {
        TrialAttr.FORECAST: round(forecast.score, 4),
        TrialAttr.FORECAST_ERROR: round(forecast.deviation, 4),
    }
