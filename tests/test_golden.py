"""The training loop as a whole comes to the curve that it came to before, on every engine."""

import math
from collections.abc import Callable, Iterator
from typing import get_args

import golden
import pytest
from golden import Golden, Name
from torch import Tensor

from mnist_core.config import Ema
from mnist_core.data import Mnist
from mnist_core.native import library
from mnist_core.pace import Pace
from mnist_core.streams import Streams
from mnist_core.train import Training

pytestmark = pytest.mark.usefixtures("one_thread")

BAND = 1e-4
"""Of a loss or rate, relative, where rounding differs. Other instruction sets have moved a loss of
the native engine by 1e-7, other kernels of torch's one of torch by 3e-6; a rotation that finds a
pixel on the other side of an edge may do more. Another loop does four times as much at the least,
as is shown below."""
TWO_IMAGES = 0.2
"""Points of accuracy."""
MEANT = """
Is the training meant to be another one? Then make the curves anew with `python tests/golden.py`,
say so in CHANGELOG.md, and if native code gives other bits raise its version (VERSION in
mnist_core/native/library.py, dd_version in src/binding.cpp)."""


@pytest.fixture(params=get_args(Name))
def name(request: pytest.FixtureRequest) -> Name:
    """torch, then each instruction set, as far as it can be had here."""
    if reason := golden.missing(request.param):
        pytest.skip(reason)
    return request.param


def _near(value: float | None, was: float | None, slack: float) -> bool:
    if value is None or was is None:
        return value is was
    return math.isclose(value, was, rel_tol=BAND, abs_tol=slack)


def _differences(now: Golden, then: Golden, exact: bool) -> list[str]:
    """A line for each figure that is another, in its last bit or else beyond the bands."""
    return [
        f"epoch {epoch}: {figure} is {ours[figure]!r}, was {was!r}"
        for epoch, (ours, theirs) in enumerate(zip(now.curve, then.curve, strict=True), start=1)
        for figure, was in theirs.items()
        if (exact and ours[figure] != was)
        or not _near(ours[figure], was, TWO_IMAGES if figure.endswith("_acc") else 0)
    ]


def test_the_loop_trains_as_it_did(name: Name, mnist: Mnist):
    """Bit for bit, where all else that the bits depend on is the same."""
    now, then = golden.train(name, mnist), golden.load()[name]
    assert name in now.made
    exact = now.made == then.made
    found = _differences(now, then, exact)
    if found:
        rounding = exact and not _differences(now, then, exact=False)
        lines = [f"The curve of {then.made} has changed:", *found]
        lines += [] if exact else [f"That is more than rounding does on {now.made}."]
        lines += ["That is no more than rounding does."] if rounding else []
        pytest.fail("\n".join(lines) + MEANT, pytrace=False)


def test_instruction_sets_draw_the_same():
    kept = golden.load()
    for name in library.INSTRUCTION_SETS:
        assert _differences(kept[name], kept["portable"], exact=False) == []


def _other_order(patch: pytest.MonkeyPatch) -> None:
    """The first two batches of an epoch change places."""
    chosen = Training._chosen

    def swapped(training: Training) -> Iterator[Tensor]:
        first, second, *rest = chosen(training)
        yield from (second, first, *rest)

    patch.setattr(Training, "_chosen", swapped)


def _other_last_rate(patch: pytest.MonkeyPatch) -> None:
    """Twice the rate, in the last update of all."""
    lr, last = Pace.lr, golden.CONFIG.epochs * golden.CONFIG.batches - 1

    def faster(pace: Pace, update: int) -> float:
        return lr(pace, update) * (2 if update == last else 1)

    patch.setattr(Pace, "lr", faster)


def _other_average(patch: pytest.MonkeyPatch) -> None:
    """A hundredth more weight on what was."""
    patch.setattr(golden, "CONFIG", golden.CONFIG.changed(averaging=Ema(decay=0.81)))


def _other_dropout(patch: pytest.MonkeyPatch) -> None:
    """Another seed, of dropout alone."""
    streams = Streams.of(golden.CONFIG.seed)._replace(dropout=1)
    patch.setattr(Streams, "of", lambda _: streams)


@pytest.mark.parametrize("change", [_other_order, _other_last_rate, _other_average, _other_dropout])
def test_another_loop_is_beyond_the_bands(
    name: Name, mnist: Mnist, monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch], None],
):  # fmt: skip
    change(monkeypatch)
    now = golden.train(name, mnist)
    assert _differences(now, golden.load()[name], exact=False)
