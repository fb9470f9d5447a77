"""What a search costs until a config is confirmed: ours, and those that it is to beat.

`python tests/benchmarks/search.py` replays them on the held-out half of the table of trainings;
`--half tuning` on the other, on which things are chosen. `benchmarks.world` says what of it is
replay and what is a model, `benchmarks.strategies` what is held against what.

SMAC3 and NePS are asked too `--with smac,neps`, where they are installed; drilldown does not need
them. Where a proposal takes long (theirs, and a Gaussian process's) there are fewer orders. An
order takes from seconds to a minute: TPE takes the longer the more trials there are, and where few
configs hold a goal, searches come to the cap.
"""

import sys
from pathlib import Path

import click

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "studies" / "fidelity" / "search.md"


@click.command()
@click.option("--half", type=click.Choice(["held-out", "tuning"]), default="held-out")
@click.option("--orders", type=click.IntRange(1), default=200, help="Searches of each strategy.")
@click.option("--slow-orders", type=click.IntRange(0), default=20, help="Of each slow one.")
@click.option("--cap", type=click.FloatRange(0, min_open=True), help="Cost to give up at.")
@click.option("--with", "peers", default="", help="smac, neps or both: smac,neps.")
@click.option("--write", is_flag=True, help=f"Write {PAGE.relative_to(TESTS.parent)}.")
def main(
    half: str, orders: int, slow_orders: int, cap: float | None, peers: str, write: bool
) -> None:
    """Replay searches; prints what each costs."""
    import fidelity

    from benchmarks.confirming import CAP
    from benchmarks.peers import asked
    from benchmarks.report import page
    from benchmarks.strategies import STRATEGIES, replay
    from benchmarks.world import Halves

    strategies = (*STRATEGIES, *asked(peers))
    done = fidelity.ledger()
    halves = Halves.of(done, half == "held-out")
    with click.progressbar(length=orders, file=sys.stderr) as bar:
        results = replay(
            halves,
            strategies,
            range(orders),
            slow_orders,
            cap=cap or CAP,
            told=lambda _: bar.update(1),
        )
    found = page(halves, results, len(done), half, cap or CAP)
    click.echo(found)
    if write:
        PAGE.write_text(found)


if __name__ == "__main__":
    sys.path[0] = str(TESTS)  # not this folder, in which the room `search` would be this file
    main()
