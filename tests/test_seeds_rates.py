"""The rates of the fifty experiments, beside torch's schedulers as the notebooks drive them
and the rule of the one that goes by its losses; test_engine.py has what is new after its drops."""

import random
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from notebooks import CONSTANT, PARAMS, REDUCED, SEEDS
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, StepLR

from mnist_core import optim
from mnist_core.pace import Pace

pytestmark = pytest.mark.usefixtures("one_thread", "seeded")


STEP_LR = {
    "000-file3-a-net1": (4, 0.1, "before"),
    "000-file3-b-net4": (4, 0.5, "after"),
    "000-file3-c-net1": (3, 0.5, "before"),
    "000-file3-d-net1": (4, 0.5, "before"),
    "000-file3-e-net4": (4, 0.5, "before"),
    "001-code4": (10, 0.1, "after"),
    "002-step5": (5, 0.5, "never"),
    "003-f3": (6, 0.1, "never"),
}
"""Step size, gamma, and when the notebook steps: before or after an epoch's training. 003-f2 has a
MultiStepLR in a comment."""
RATES = {
    "000-file3-a-net1": 0.1,
    "000-file3-b-net4": 0.1,
    "000-file3-c-net1": 0.2,
    "000-file3-d-net1": 0.2,
    "000-file3-e-net4": 0.2,
    "002-step5": 0.02,
    "003-f2": 0.03,
    "003-f3": 0.025,
    **{name: float(name.split("lr")[1]) for name in CONSTANT + REDUCED},
}
"""Of the notebooks' SGD where it is not 0.01."""
Updates = list[list[tuple[float, float]]]
"""For each epoch (rate, momentum) of each of its updates."""


def _notebook(name: str, epochs: int, batches: int) -> Updates:
    """torch's optimizer and scheduler, driven as the notebook drives them."""
    weights = [torch.zeros(1, requires_grad=True)]
    sgd = SGD(weights, lr=RATES.get(name, 0.01), momentum=0.8 if name == "003-f3" else 0.9)
    moment, scheduler = "never", None
    if name == "004-exp7":
        moment = "batch"
        scheduler = OneCycleLR(sgd, max_lr=0.015, epochs=epochs, steps_per_epoch=batches)
    elif name in STEP_LR:
        size, gamma, moment = STEP_LR[name]
        scheduler = StepLR(sgd, step_size=size, gamma=gamma)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notebooks were warned too: stepped before any update
        return [_epoch(sgd, scheduler, moment, batches) for _ in range(epochs)]


def _epoch(
    sgd: SGD, scheduler: LRScheduler | None, moment: str, batches: int
) -> list[tuple[float, float]]:
    def step(now: str) -> None:
        if scheduler is not None and now == moment:
            scheduler.step()

    updates = []
    step("before")
    for _ in range(batches):
        updates.append((sgd.param_groups[0]["lr"], sgd.param_groups[0]["momentum"]))
        sgd.step()
        step("batch")
    step("after")
    return updates


def _ours(name: str, losses: Sequence[float], batches: int) -> Updates:
    """The same of our optimizer, which is plain SGD with no decay; a loss for each epoch."""
    config = SEEDS[name].config
    pace, sgd = Pace(config, batches), optim.make(config.optimizer, nn.Linear(2, 2))
    assert type(sgd) is SGD
    epochs: Updates = []
    for epoch, loss in enumerate(losses):
        epochs.append([])
        for update in range(epoch * batches, (epoch + 1) * batches):
            optim.set_pace(sgd, pace.lr(update), pace.momentum(update))
            groups = {
                (g["lr"], g["momentum"], g["weight_decay"], g["dampening"], g["nesterov"])
                for g in sgd.param_groups
            }
            ((lr, momentum, *others),) = groups
            assert others == [0, 0, False]
            epochs[-1].append((lr, momentum))
        pace.ended(loss)
    return epochs


def _flat(epochs: Updates) -> np.ndarray:
    return np.array(epochs).ravel()


def test_rates_are_the_notebooks():
    """In every update; what the losses are makes no difference."""
    for name in sorted(PARAMS.keys() - REDUCED):
        batches = 469 if name == "004-exp7" else 2
        losses = torch.rand(SEEDS[name].config.epochs).tolist()
        theirs = _notebook(name, len(losses), batches)
        assert _flat(_ours(name, losses, batches)) == pytest.approx(_flat(theirs), rel=1e-11), name
        constant = name not in STEP_LR or STEP_LR[name][2] == "never"
        assert (len({*_flat(theirs)}) == 2) == (constant and name != "004-exp7"), name


def test_first_drop_comes_an_epoch_early_where_the_notebook_steps_first():
    before, after = (
        [epoch[0][0] for epoch in _ours(name, [1.0] * 20, 1)]
        for name in ("000-file3-e-net4", "000-file3-b-net4")
    )
    fourths = [rate for n in range(5) for rate in [0.1 * 0.5**n] * 4]
    assert before == pytest.approx([0.2] * 3 + fourths[:16] + [0.00625])
    assert after == pytest.approx(fourths)


def test_rate_of_the_cycle_at_the_start_of_each_epoch():
    """As it was read off the scheduler of the notebook, to six digits."""
    starts = [0.0006, 0.002286, 0.006554, 0.011406, 0.014569, 0.014916, 0.014255, 0.012995]
    starts += [0.011246, 0.009164, 0.006935, 0.004756, 0.00282, 0.001301, 0.000332]
    epochs = _ours("004-exp7", [1.0] * 15, 469)
    assert [epoch[0][0] for epoch in epochs] == pytest.approx(starts, abs=5.1e-7)
    assert epochs[0][0][1] == epochs[-1][-1][1] == 0.95
    assert min(momentum for epoch in epochs for _, momentum in epoch) == pytest.approx(0.85)


# The loss-driven rule: "after each epoch's test, from the 4th epoch on, with L0 the newest epoch
# train loss and L1, L2 the two before, a = (L1 - L0) / L1, b = (L2 - L1) / L2; if (a - b) / b < 0
# the rate is multiplied by 0.9 and a new SGD is made". The epoch train loss is the sum of the 469
# batches' over 468, rounded to 6 digits.


def _told_losses(totals: Sequence[float]) -> list[float]:
    return [round(total / 468, 6) for total in totals]


def _rule(losses: Sequence[float]) -> bool:
    if len(losses) < 4:
        return False
    l2, l1, l0 = losses[-3:]
    a = (l1 - l0) / l1
    b = (l2 - l1) / l2
    return b != 0 and (a - b) / b < 0  # the notebook divides by 0 there, and would have ended


def _rates_by_the_rule(lr: float, totals: Sequence[float]) -> list[float]:
    rates, losses = [], _told_losses(totals)
    for epoch in range(1, len(losses) + 1):
        rates.append(lr)
        if _rule(losses[:epoch]):
            lr *= 0.9
    return rates


def _totals(chance: random.Random) -> list[float]:
    """Sums of the batches' losses in each of 15 epochs of a training that gets somewhere."""
    total = 469 * chance.uniform(0.5, 2.3)
    totals = []
    for _ in range(15):
        total *= chance.uniform(0.6, 0.999) if chance.random() < 0.8 else chance.uniform(1, 1.1)
        totals.append(total)
    return totals


@pytest.mark.parametrize("name", REDUCED)
def test_loss_driven_rates_are_the_notebooks(name: str):
    """Over 100 trainings that get somewhere."""
    lr, chance, drops = RATES[name], random.Random(name), 0
    for _ in range(100):
        totals = _totals(chance)
        ours = [epoch[0][0] for epoch in _ours(name, [total / 468 for total in totals], 1)]
        assert ours == pytest.approx(_rates_by_the_rule(lr, totals), rel=1e-12)
        drops += len(set(ours)) - 1
    assert 100 * 3 < drops < 100 * 9


def test_they_are_where_a_training_stands_still_and_the_rounding_decides():
    """Losses that differ in the last of the six digits, over one batch fewer than there are."""
    chance, name = random.Random(1), REDUCED[0]
    for _ in range(300):
        totals = [3 * (1.6 + chance.gauss(0, 1e-5)) for _ in range(15)]
        told = [total * 468 / 2 for total in totals]  # of 3 batches, as the rule divides
        ours = [epoch[0][0] for epoch in _ours(name, totals, 3)]
        assert ours == pytest.approx(_rates_by_the_rule(RATES[name], told), rel=1e-12)
