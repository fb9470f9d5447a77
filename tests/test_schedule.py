"""Schedules: each against torch's scheduler of the same name, update by update."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, schedules
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    SequentialLR,
    StepLR,
)

from mnist_core.schedule import (
    Constant,
    Cosine,
    Linear,
    LossDip,
    MultiStep,
    OneCycle,
    Schedule,
    Step,
    epoch_factors,
    factor_at,
    momentum_at,
)

LR = 0.3
EPOCHS, BATCHES = 12, 7
MOMENTS = [("batch", "after"), ("epoch", "after"), ("epoch", "before")]
Make = Callable[[Optimizer, int], LRScheduler]
"""A scheduler of torch for an optimizer and a number of steps in all."""


def _stepped(per: str, when: str, make: Make, optimizer: Optimizer) -> list[tuple[float, float]]:
    """(rate, momentum or beta 1) of every update, torch's scheduler stepped at its moment."""
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is against stepping before the first update
        scheduler = make(optimizer, EPOCHS * BATCHES if per == "batch" else EPOCHS)
        for _ in range(EPOCHS):
            if when == "before":
                scheduler.step()
            for _ in range(BATCHES):
                group = optimizer.param_groups[0]
                seen.append((group["lr"], group.get("momentum") or group["betas"][0]))
                optimizer.step()
                if per == "batch":
                    scheduler.step()
            if per == "epoch" and when == "after":
                scheduler.step()
    return seen


def _sgd() -> SGD:
    return SGD([torch.zeros(1, requires_grad=True)], lr=LR, momentum=0.5)


def _ours(schedule: Schedule) -> list[tuple[float, float | None]]:
    return [
        (LR * factor_at(schedule, *update), momentum_at(schedule, *update))
        for update in _updates(EPOCHS, BATCHES)
    ]


def _updates(epochs: int, batches: int) -> list[tuple[int, int, int]]:
    return [(update, epochs, batches) for update in range(epochs * batches)]


CASES: dict[str, tuple[type[Any], dict[str, Any], Make]] = {
    "step": (Step, {"size": 3, "gamma": 0.3}, lambda o, n: StepLR(o, 3, 0.3)),
    "step of 1": (Step, {"size": 1, "gamma": 0.9}, lambda o, n: StepLR(o, 1, 0.9)),
    "multistep": (
        MultiStep,
        {"milestones": (2, 5, 5, 40), "gamma": 0.2},
        lambda o, n: MultiStepLR(o, [2, 5, 5, 40], 0.2),
    ),
    "milestones in any order": (
        MultiStep,
        {"milestones": (7, 1), "gamma": 0.5},
        lambda o, n: MultiStepLR(o, [7, 1], 0.5),
    ),
    "cosine": (Cosine, {}, lambda o, n: CosineAnnealingLR(o, n)),
    "cosine to a floor": (
        Cosine,
        {"final": 0.1},
        lambda o, n: CosineAnnealingLR(o, n, eta_min=0.1 * LR),
    ),
    "linear": (Linear, {}, lambda o, n: LinearLR(o, 1, 0, n)),
    "linear to a floor": (Linear, {"final": 0.2}, lambda o, n: LinearLR(o, 1, 0.2, n)),
}


@pytest.mark.parametrize(("per", "when"), MOMENTS)
@pytest.mark.parametrize("case", CASES)
def test_rate_is_torchs(case: str, per: str, when: str):
    ours, fields, make = CASES[case]
    rates = [rate for rate, _ in _ours(ours(per=per, when=when, **fields))]
    torchs = [rate for rate, _ in _stepped(per, when, make, _sgd())]
    assert len(set(torchs)) > 1
    assert rates == pytest.approx(torchs, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("per", ["batch", "epoch"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("anneal", ["cosine", "linear"])
@pytest.mark.parametrize(
    ("rise", "div", "final_div"), [(0.3, 25.0, 1e4), (0.5, 10.0, 3.0), (0.11, 1.0, 1.0)]
)
def test_onecycle_is_torchs(
    rise: float, div: float, final_div: float, anneal: str, optimizer: str, per: str
):
    schedule = OneCycle(
        per=per,
        rise=rise,
        div=div,
        final_div=final_div,
        anneal=anneal,
        base_momentum=0.8,
        max_momentum=0.97,
    )
    torchs = _stepped(
        per,
        "after",
        lambda o, n: OneCycleLR(
            o,
            LR,
            n,
            pct_start=rise,
            div_factor=div,
            final_div_factor=final_div,
            anneal_strategy="cos" if anneal == "cosine" else "linear",
            base_momentum=0.8,
            max_momentum=0.97,
        ),
        _sgd() if optimizer == "sgd" else Adam([torch.zeros(1, requires_grad=True)], lr=LR),
    )
    for got, expected in zip(_ours(schedule), torchs, strict=True):
        assert got == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_onecycle_leaves_the_momentum_alone_if_asked_to():
    assert {momentum for _, momentum in _ours(OneCycle(cycle_momentum=False))} == {None}


def test_onecycle_stepped_before_each_epoch_ends_at_its_lowest_rate():
    """torch's scheduler runs one step past its end here, and if linear to a rate below 0."""
    for anneal in ("cosine", "linear"):
        schedule = OneCycle(per="epoch", when="before", anneal=anneal, final_div=10.0)
        rates = [rate for rate, _ in _ours(schedule)]
        assert rates[-1] == pytest.approx(LR / 25 / 10)
        assert min(rates) > 0


@pytest.mark.parametrize("total", [1, 2, 3])
def test_onecycle_of_very_few_steps(total: int):
    assert all(0 < OneCycle().factor(n, total) <= 1 for n in range(total))
    assert OneCycle(rise=0.5).factor(0, 2) == 1  # torch divides by 0: no step leads to the top


@pytest.mark.parametrize("per", ["batch", "epoch"])
def test_warmup_is_torchs_linear_one(per: str):
    total = EPOCHS * BATCHES if per == "batch" else EPOCHS
    rise = total // 3

    def make(optimizer: Optimizer, steps: int) -> LRScheduler:
        up = LinearLR(optimizer, 1 / rise, 1, rise - 1)
        return SequentialLR(optimizer, [up, CosineAnnealingLR(optimizer, steps - rise)], [rise])

    torchs = [rate for rate, _ in _stepped(per, "after", make, _sgd())]
    rates = [rate for rate, _ in _ours(Cosine(per=per, warmup=1 / 3))]
    assert torchs[0] == pytest.approx(LR / rise)
    assert rates == pytest.approx(torchs, rel=1e-12, abs=1e-12)


def test_warmup_rises_in_equal_steps_then_the_schedule_goes_on():
    assert [Constant(warmup=0.4).factor(n, 10) for n in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert [Constant().factor(n, 10) for n in range(3)] == [1, 1, 1]
    step = Step(size=4, gamma=0.5, warmup=0.5)
    assert [step.factor(n, 6) for n in range(6)] == [1 / 3, 2 / 3, 1, 1, 0.5, 0.5]


@given(schedules(), st.integers(1, 30), st.integers(1, 20))
@examples(300)
def test_every_rate_lies_between_0_and_the_optimizers(
    schedule: Schedule, epochs: int, batches: int
):
    for update in _updates(epochs, batches):
        momentum = momentum_at(schedule, *update)
        assert 0 <= factor_at(schedule, *update) <= 1 + 1e-12
        assert momentum is None or 0 <= momentum < 1


def test_per_epoch_holds_a_rate_through_the_epoch():
    factors = [factor_at(Step(size=1, gamma=0.5), *update) for update in _updates(3, 4)]
    assert factors == [1.0] * 4 + [0.5] * 4 + [0.25] * 4


@pytest.mark.parametrize(
    ("schedule", "batches", "ends"),
    [
        (Step(size=2, gamma=0.1), 469, [1, 1, 0.1, 0.1]),
        (Step(size=2, gamma=0.1, when="before"), 469, [1, 0.1, 0.1, 0.01]),
        (Step(per="batch", size=470, gamma=0.1), 469, [1, 0.1, 0.01, 0.001]),
        (Step(per="batch", size=470, gamma=0.1), 235, [1, 1, 0.1, 0.1]),
        (MultiStep(per="batch", milestones=(1407,), gamma=0.1), 469, [1, 1, 1, 0.1]),
        (MultiStep(per="batch", milestones=(1407,), gamma=0.1), 100, [1, 1, 1, 1]),
        (Linear(per="batch"), 400, [0.75, 0.5, 0.25, 0]),
        (LossDip(), 3, [1, 1, 1, 1]),
    ],
    ids=str,
)
def test_epoch_factors_are_those_that_an_epoch_ends_with(
    schedule: Schedule, batches: int, ends: list[float]
):
    assert epoch_factors(schedule, 4, batches) == pytest.approx(ends, abs=0.001)


@given(schedules(), st.integers(1, 5), st.integers(1, 7))
@examples(100)
def test_an_epoch_factor_is_its_last_updates(schedule: Schedule, epochs: int, batches: int):
    factors = [factor_at(schedule, *update) for update in _updates(epochs, batches)]
    assert epoch_factors(schedule, epochs, batches) == factors[batches - 1 :: batches]


def _drops_by_the_rule(losses: Sequence[float]) -> list[bool]:
    """Seed experiments 003 F1, word for word: after each epoch, from the 4th on, with L0 the
    newest epoch train loss and L1, L2 the two before, a=(L1-L0)/L1, b=(L2-L1)/L2; if (a-b)/b < 0
    the rate is multiplied."""
    drops = []
    for epoch in range(1, len(losses) + 1):
        if epoch < 4:
            drops.append(False)
            continue
        l0, l1, l2 = losses[epoch - 1], losses[epoch - 2], losses[epoch - 3]
        a = (l1 - l0) / l1
        b = (l2 - l1) / l2
        drops.append(b != 0 and (a - b) / b < 0)  # where b is 0 the original divides by it
    return drops


@given(st.lists(st.floats(1e-6, 1e6) | st.sampled_from([0.1, 0.2, 0.4]), max_size=20))
@examples(300)
def test_loss_dip_is_the_rule(losses: list[float]):
    ours = [LossDip().dips(losses[:epoch]) for epoch in range(1, len(losses) + 1)]
    assert ours == _drops_by_the_rule(losses)


def test_loss_dip_on_a_curve():
    losses = [0.4, 0.2, 0.1, 0.04, 0.03, 0.02, 0.02, 0.02, 0.01]
    falls = [math.nan, 0.5, 0.5, 0.6, 0.25, 1 / 3, 0, 0, 0.5]
    dips = [False, False, False, False, True, False, True, False, False]
    for epoch in range(1, len(losses) + 1):
        assert LossDip().dips(losses[:epoch]) == dips[epoch - 1], (epoch, falls[epoch - 1])


@pytest.mark.parametrize("losses", [[1, 1, 0, 0.0], [1, 0, 1, 1.0], [0.0] * 6])
def test_loss_dip_of_a_loss_of_0(losses: list[float]):
    assert not LossDip().dips(losses)
