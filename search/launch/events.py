"""What happens in a launch, for programs: one JSON object a line, as it happens.

Every line has `event`, `time` (seconds since 1970, UTC) and `study`. Accuracies and scores are
percent, and null where they are not finite or there are none; durations are seconds.

started   trial, params (of its net), epochs (that it is to have), seed
epoch     trial, epoch (from 1), test_acc, train_acc (while training; four decimals), seconds (that
          it took)
ended     trial, state (complete, pruned, fail or interrupted), reason, score, worst (of the epochs
          that count), holds_goal, epochs (that it had), seconds (of its training)
confirming  trial (whose config is trained on a fresh seed, until one is confirmed), epochs, seed
judged    trial, seed, state (complete, fail, or stopped as it would say no more), reason, worst,
          holds_goal; of the config by all its fresh seeds: verdict (confirmed, refuted or open),
          seeds, held (how many of them hold the goal), probability (that a further one does), low
          and high (its interval)
over      trials (that the study should have), complete, pruned, failed, best (a trial), score,
          holding (how many hold the goal), confirmed (a trial, or null), config (file of the best,
          or of the confirmed), signal (0 if none ended it), resume (the command that goes on with
          it, or null where nothing is left to do)
drilled   of a drill, whose stages are launches, at its end: winner (a trial of a stage, or null),
          config (its file), failed (trainings on fresh seeds), report (its page), signal,
          resume (as above; null where it is over)

A trial that was started and has not ended when its launch is over was interrupted.
"""

import json
import math
from collections.abc import Callable
from time import time
from typing import Any

from mnist_core.config import Config
from mnist_core.result import EpochResult
from search.confirm.race import Standing
from search.study.study import Study
from search.study.trials import COUNTED, Complete, Trial, fates
from search.workers.crew import Failed, Job, Outcome

Write = Callable[[str], None]


class Events:
    """A watcher of one study's launch, who writes what it is told."""

    def __init__(self, study: str, write: Write) -> None:
        """write: gets each line, without its end."""
        self._study, self._write = study, write

    def started(self, number: int, config: Config) -> None:
        self._say(
            "started", trial=number, params=config.params, epochs=config.epochs, seed=config.seed
        )

    def epoch(self, number: int, result: EpochResult) -> None:
        self._say(
            "epoch",
            trial=number,
            epoch=result.epoch,
            test_acc=_finite(result.test_acc),
            train_acc=_finite(round(result.train_acc, 4)),
            seconds=round(result.seconds, 3),
        )

    def ended(self, trial: Trial) -> None:
        self._say(
            "ended",
            trial=trial.number,
            state=str(trial.state),
            reason=trial.reason,
            score=trial.score,
            worst=trial.ending.worst if isinstance(trial, Complete) else None,
            holds_goal=trial.holds_goal,
            epochs=len(trial.test_acc),
            seconds=trial.seconds,
        )

    def confirming(self, job: Job, standing: Standing) -> None:
        self._say(
            "confirming",
            trial=standing.contender.trial,
            epochs=job.epochs,
            seed=job.config.seed,
        )

    def seed_epoch(self, job: Job, result: EpochResult) -> None: ...

    def judged(self, outcome: Outcome, standing: Standing) -> None:
        said, ending, state, reason = standing.statement, None, "complete", ""
        if isinstance(outcome, Failed):
            state, reason = "fail", outcome.reason
        elif outcome.stopped:
            state = "stopped"
        else:
            ending = standing.goal.ending([each.test_acc for each in outcome.results])
        self._say(
            "judged",
            trial=standing.contender.trial,
            seed=outcome.job.config.seed,
            state=state,
            reason=reason,
            worst=ending.worst if ending else None,
            holds_goal=ending is not None and ending.held,
            verdict=str(standing.verdict),
            seeds=said.seeds,
            held=said.held,
            probability=said.probability,
            low=said.low,
            high=said.high,
        )

    def over(
        self,
        study: Study,
        trials: int,
        confirmed: Standing | None,
        config: str | None,
        signal: int,
        resume: str | None,
    ) -> None:
        """The launch has ended, and left the study like this."""
        found, best = study.trials(), study.best()
        ended = fates(found)
        self._say(
            "over",
            trials=trials,
            **{name: ended[state] for state, name in COUNTED.items()},
            best=best.number if best else None,
            score=best.score if best else None,
            holding=sum(trial.holds_goal for trial in found),
            confirmed=confirmed.contender.trial if confirmed else None,
            config=config,
            signal=signal,
            resume=resume,
        )

    def drilled(
        self,
        winner: str | None,
        config: str | None,
        failed: int,
        report: str,
        signal: int,
        resume: str | None,
    ) -> None:
        """A drill of the study's name has ended."""
        self._say(
            "drilled",
            winner=winner,
            config=config,
            failed=failed,
            report=report,
            signal=signal,
            resume=resume,
        )

    def _say(self, event: str, **fields: Any) -> None:
        known = {"event": event, "time": round(time(), 3), "study": self._study}
        self._write(json.dumps({**known, **fields}, allow_nan=False))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
