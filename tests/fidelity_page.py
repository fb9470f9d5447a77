"""studies/fidelity: `python tests/fidelity_page.py` writes its page and figure from the ledger.

Its tables are of the tuning half alone. `--all` prints the page of all configs, and writes nothing.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from fidelity import GOAL, WHOLE, Line, configs, held_out, ledger
from fidelity_figure import drawn
from fidelity_views import (
    ANNEALED,
    COVERED,
    CUT,
    CUT_LAST,
    CUT_TWO,
    FIRST,
    HALF,
    LAST,
    LEAST,
    PENALTY,
    RESAMPLES,
    SECOND,
    Configs,
    Estimate,
    Group,
    Look,
    Ranking,
    View,
    foreseen,
)

FOLDER = Path(__file__).parents[1] / "studies" / "fidelity"
PAGE, FIGURE = FOLDER / "README.md", FOLDER / "cost.svg"
VIEWS = (*CUT_LAST, *CUT_TWO, *LAST, *HALF)
_THIRD, _THREE, _FIVE, _NINE = HALF
RUNGS = (_THIRD, _FIVE)
"""Those that were proposed before the table was known."""
LADDERS = (
    *((view,) for view in (*CUT_LAST[:2], *HALF)),
    (CUT_LAST[0], CUT_LAST[2]),
    (_THIRD, CUT_LAST[1]),
    (_THIRD, _THREE),
    RUNGS,
    (_THREE, _FIVE),
    (_THREE, _NINE),
)
SETS = (
    (),
    *((view,) for view in VIEWS),
    (_THIRD, _THREE),
    (_THIRD, _FIVE),
    (_THREE, _FIVE),
    (_THIRD, CUT_LAST[1]),
)
"""Of views that a regression takes together."""
SURVIVE = 0.6
"""Of the true top tenth, so much has to come to the last rung."""
_TOPS = {"tenth": 0.1, "quarter": 0.25}
_KEPT = {"a half": 1 / 2, "a third": FIRST, "a quarter": 1 / 4}
_OVERS = range(1, 6)
_SEVERAL = 3  # configs at least of a top share whose survival is stated
_FIRED = {1: "not fired", 0: "open", -1: "fired"}  # by where the interval is
_NONE, _OWN = "–", "†"


class Judged:
    """All that the page says, of the tuning half or of everything."""

    def __init__(self, done: Sequence[Line], everything: bool = False) -> None:
        self.trainings = len(done)
        self.everything = everything
        whole = Configs.of(configs(), done)
        self.whole = len(whole.known)
        judged = whole if everything else whole.where(lambda name, _: not held_out(name))
        averaged = judged.where(lambda _, config: config.averaging.kind != "none")
        plain = judged.where(lambda _, config: config.averaging.kind == "none")
        self.every, self.twice = Group("all", judged), Group("two seeds", judged.twice)
        self.plain, self.averaged = (
            Group("without averaging", plain),
            Group("with averaging", averaged),
        )
        self.averaged_twice = Group("two seeds, with averaging", averaged.twice)
        self.schedules = [
            Group(kind, judged.where(lambda _, config, kind=kind: config.schedule.kind == kind))
            for kind in sorted({config.schedule.kind for config in configs().values()})
        ]

    def views(self) -> str:
        groups = (self.twice, self.every, self.plain, self.averaged)
        lines = [(SECOND.name, f"{SECOND.cost:g}", _cell(self.twice, SECOND), *[_NONE] * 3)]
        lines += [(v.name, f"{v.cost:g}", *(_cell(group, v) for group in groups)) for v in VIEWS]
        return _table(["view", "cost", *map(_head, groups)], lines)

    def by_schedule(self) -> str:
        lines = [(view.name, *(_cell(group, view) for group in self.schedules)) for view in VIEWS]
        return _table(["view", *map(_head, self.schedules)], lines)

    def by_reading(self) -> str:
        lines = [
            (
                view.name,
                *(
                    _cell(self.every, view.read(over)) if over <= view.epochs else ""
                    for over in _OVERS
                ),
            )
            for view in (*CUT, *ANNEALED)
        ]
        return _table(["", *(f"last {over}" for over in _OVERS)], lines)

    def by_truth(self) -> str:
        truths = {
            f"the goal's score of the last {GOAL.last}": SECOND,
            f"mean of the last {GOAL.last}": replace(SECOND, over=GOAL.last),
            "last epoch": replace(SECOND, over=1),
        }
        seen = (CUT_LAST[1], LAST[1], _THREE, LAST[2], _FIVE)
        lines = []
        for name, truth in truths.items():
            ranking = Ranking(self.every.configs.seen(truth))
            looks = [self.every.look(view) for view in seen]
            lines.append((name, *(_said(ranking.correlation(look), _mark(look)) for look in looks)))
        return _table(["of the whole run", *(view.name for view in seen)], lines)

    def survivals(self) -> str:
        stated = [
            (group, top, share)
            for group in (self.twice, self.every)
            for top, share in _TOPS.items()
            if share * group.size >= _SEVERAL
        ]
        heads = [f"true top {top} of {_head(group)}" for group, top, _ in stated]
        lines = [
            (view.name, *(_left(group, [view], share) for group, _, share in stated))
            for view in (SECOND, *VIEWS)
        ]
        return _table(["view", *heads], lines)

    def ladders(self) -> str:
        heads = [head for kept in _KEPT for head in (f"{kept}: cost", "top tenth left")]
        lines = [
            (
                ", then ".join(view.name for view in ladder),
                *(
                    cell
                    for keep in _KEPT.values()
                    for cell in (
                        f"{price(ladder, keep):.1f}",
                        _left(self.every, ladder, _TOPS["tenth"], keep),
                    )
                ),
            )
            for ladder in LADDERS
        ]
        return _table(["rungs before the whole run", *heads], lines)

    def regressions(self) -> str:
        heads = ["views", "without the recipe", "with the recipe", "gain", "typical error"]
        return _table(heads, [self._regression(views) for views in SETS])

    def _regression(self, views: Sequence[View]) -> tuple[str, ...]:
        ranking, configs = self.every.ranking, self.every.configs
        look = foreseen(configs, views)
        found, error = ranking.correlation(look), f"{ranking.error(look):.3f}"
        name = " and ".join(view.name for view in views)
        if not views:
            return "none", _NONE, _said(found), _NONE, error
        without = ranking.correlation(
            self.every.look(views[0]) if len(views) == 1 else foreseen(configs, views, recipe=False)
        )
        cells = _said(without, _mark(look)), _said(found, _mark(look)), _gain(found - without)
        return name, *cells, error

    def differences(self) -> str:
        groups = (self.twice, self.averaged_twice, self.every, self.averaged)
        lines = [
            (f"{annealed.name}, against {cut.name}", *(_ahead(g, annealed, cut) for g in groups))
            for annealed in (_FIVE, LAST[2])
            for cut in (CUT_LAST[1], CUT_TWO[1])
        ]
        return _table(["", *map(_head, groups)], lines)

    def ranks_better(self) -> str:
        """Whether the first falsifier holds, by the fairest configs that are enough."""
        group = self.averaged_twice if self.averaged_twice.size >= LEAST else self.averaged
        other = "themselves" if group.look(CUT_LAST[1]).own else "the other seed"
        said = []
        for view in (_FIVE, LAST[2]):
            ahead = group.correlation(view) - group.correlation(CUT_LAST[1])
            said.append(f"**{_FIRED[ahead.differs(0)]}** for {view.name}, {_gain(ahead)}")
        who = f"{group.size} configs with averaging, of which cut runs are held against {other}"
        return f"{'; '.join(said)}: {who}."

    def survive(self) -> str:
        """Whether the second does, where it can be said."""
        left = _left(self.every, RUNGS, _TOPS["tenth"])
        if left == _NONE:
            return "Not to be said of so few."
        looks = [self.every.look(view) for view in RUNGS]
        found = self.every.ranking.survival(looks, _TOPS["tenth"])
        return f"**{_FIRED[found.differs(SURVIVE)]}** for the two rungs above, {left}."

    def flattered(self) -> str:
        """What a run that is cut gains by being held against itself."""
        if self.twice.size < LEAST:
            return ""
        look, ranking = self.twice.look(CUT_LAST[1]), self.twice.ranking
        gain = ranking.correlation(look.itself) - ranking.correlation(look)
        return f" ({CUT_LAST[1].name} by {_gain(gain)}, on the configs of two seeds)"


def price(ladder: Sequence[View], keep: float = FIRST) -> float:
    """Epochs of all images that a config costs in the mean where each rung keeps such a share, the
    whole runs of what is left included; a cut run goes on from where it was cut."""
    spent, share, run = 0.0, 1.0, 0
    for view in ladder:
        spent += share * (view.cost - run * view.cut)
        run = view.epochs if view.cut else run
        share *= keep
    return spent + share * (WHOLE[0] - run)


def _ahead(group: Group, one: View, other: View) -> str:
    if group.size < LEAST:
        return _NONE
    ahead = group.correlation(one) - group.correlation(other)
    return f"{_gain(ahead)}{_mark(group.look(other))}"


def _cell(group: Group, view: View) -> str:
    if group.size < LEAST:
        return _NONE
    return _said(group.correlation(view), _mark(group.look(view)))


def _left(group: Group, views: Sequence[View], top: float, keep: float = FIRST) -> str:
    """What survives of the true top, where it is enough to say."""
    looks = [group.look(view) for view in views]
    if top * group.size < _SEVERAL or (views[0] is SECOND and looks[0].own):
        return _NONE
    found = group.ranking.survival(looks, top, keep)
    low, high = found.interval
    return f"{found.value:.0%}{''.join({_mark(look) for look in looks})} ({low:.0%} to {high:.0%})"


def _mark(look: Look) -> str:
    return _OWN if look.own else ""


def _head(group: Group) -> str:
    return f"{group.name} ({group.size})"


def _said(found: Estimate, mark: str = "") -> str:
    low, high = found.interval
    return f"{found.value:z.2f}{mark} ({low:z.2f} to {high:z.2f})"


def _gain(found: Estimate) -> str:
    low, high = found.interval
    return f"{found.value:+z.2f} ({low:+z.2f} to {high:+z.2f})"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [heads, [":---"] + ["---:"] * (len(heads) - 1), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def page(judged: Judged) -> str:
    """Markdown."""
    every, twice = judged.every, judged.twice
    of = "all configs" if judged.everything else "the tuning half"
    later = every.correlation(_FIVE) - every.correlation(LAST[2])
    text = f"""# What a cheap training says of a whole one

Which configs are good is known after {WHOLE[0]} epochs on all of MNIST. This is how much of it is
known for less: by *cutting* such a run short, or by a training of its own that is *annealed*, whose
schedule comes to its end within 3, 5 or 9 epochs, or 3 on a *third* of the images. From the first
{judged.trainings:,} trainings of the ledger `tests/data/fidelity.jsonl`: random configs of the open
space, below {GOAL.params:,} parameters, of which {judged.whole} have all five trainings. What
follows is of {of}: {every.size} configs, {twice.size} of them on two seeds.
`python tests/fidelity_page.py` makes page and figure anew.

![What a view costs, and how well it ranks](cost.svg)

## In short

- **Annealed to 5 epochs**, read by the mean of its last 3, a training ranks the configs with
  {_said(every.correlation(_FIVE))}; read by its last epoch, with
  {_said(every.correlation(LAST[2]))}: {_gain(later)} for the reading, which costs nothing.
- **For a fifteenth of the cost**, annealed to 3 on a third of the images, read by its last 2:
  {_said(every.correlation(_THIRD))}.
- **Cut at 5**, held against the config's other run: {_cell(twice, CUT_LAST[1])}, on the
  {twice.size} configs of two seeds. There annealed to 5 has {_cell(twice, _FIVE)}, and **a second
  whole run, the ceiling,** {_cell(twice, SECOND)}.
- **Two rungs**, these two, that promote a third each before the whole run: {price(RUNGS):.1f}
  epochs a config instead of {WHOLE[0]}, and of the true top tenth
  {_left(every, RUNGS, _TOPS["tenth"])} are trained whole.

## How to read it

A figure is Spearman's rank correlation of what is seen of a config with what an independent whole
run comes to, by the goal's score (the mean of its last {GOAL.last} epochs less its standard error),
and in brackets where {COVERED:.0%} of {RESAMPLES:,} bootstraps over configs put it. *Last 3* is the
mean of the last three epochs that are seen. Cost is epochs times the share of the images. An
annealed training has a seed of its own, so that every whole run is independent of it; of two seeds
each is used with each. A cut run is held against the config's other run where all configs have two;
where not, against itself, which flatters it{judged.flattered()}: {_OWN}. {_NONE} stands for fewer
than {LEAST} configs, or {_SEVERAL} of a top share. Nothing is extrapolated but by the regression.
Configs are split in halves by a hash of their id (`held_out` in `tests/fidelity.py`), and nothing
is chosen on the half that is held out.

## By averaging

{judged.views()}

## By schedule

{judged.by_schedule()}

## How many of its last epochs are averaged

{judged.by_reading()}

The reading by the later half (of 3, 5 and 9 epochs the last 2, 3 and 5) was chosen by this table.
What it tells depends on what counts of the whole run: the goal counts its last {GOAL.last} epochs,
in the first of which the rate is still high. Held against other ends of the same runs:

{judged.by_truth()}

## What survives a rung

Of the true top, which one whole run says, what is in the first third of a view:

{judged.survivals()}

Of the true top tenth, what is left after rungs that keep a half, a third or a quarter each. The
cost is epochs for every config that enters, whole runs included; a cut run goes on from where it
was cut.

{judged.ladders()}

## What a regression gains

Ridge regression (penalty {PENALTY:g} on standardised features) of ln(100 - score) on
ln(100 - accuracy) of each view and on the recipe: schedule, whether it averages, ln(parameters).
Each config is predicted from the others. The gain is that of the recipe; the typical error is the
median, in points, by which a prediction misses a whole run's score.

{judged.regressions()}

## Falsifiers

What was written down before the ledger was there, to change the design if it holds. It has fired
where the whole interval says so, and has not where all of it says the contrary; else it is open.

1. *Annealed 5 does not rank better than truncated 5 among averaged configs.*
   {judged.ranks_better()}
2. *Of the true top tenth less than {SURVIVE:.0%} survive to the last rung.* {judged.survive()}
3. Of the gain over TPE + Median, and of confirmed configs that fail:
   [what a search costs](search.md).

Annealed to 5 less cut at 5, on the same configs:

{judged.differences()}

A cut run judged on an averaged copy of its weights, where the recipe has none, is not in the
ledger; nearest to it are the cut runs with averaging.
"""
    return re.sub(r"(?<=[^\n|])\n *(?=[^\s|#!])(?!- |\d\. )", " ", text)


def main() -> None:
    done = ledger()
    if "--all" in sys.argv:
        print(page(Judged(done, everything=True)))  # noqa: T201
        return
    judged = Judged(done)
    FOLDER.mkdir(exist_ok=True)
    PAGE.write_text(page(judged))
    FIGURE.write_text(drawn(judged.twice, judged.every, judged.trainings))


if __name__ == "__main__":
    main()
