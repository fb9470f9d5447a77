"""Optimizers, rates, label smoothing and averaging, as torch's engine applies them."""

from typing import Any

import pytest
import torch
from tiny import LINEAR, QUICK, curve, net, on_torch, tiny_config
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_core import optim
from mnist_core.data import Mnist
from mnist_core.pace import Pace
from mnist_core.schedule import LossDip, factor_at, momentum_at
from mnist_core.torch_engine import evaluate, normalise
from mnist_core.train import Training

pytestmark = pytest.mark.usefixtures("one_thread")


def _state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _weights(training: Training) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in net(training).named_parameters()}


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_adam_learns(mnist: Mnist, kind: str):
    adam = {"kind": kind, "lr": 0.02, "weight_decay": 1e-3, "betas": [0.8, 0.99]}
    config = tiny_config(images=1000, epochs=2, batch_size=32, optimizer=adam, layers=QUICK)
    assert curve(on_torch(config, mnist))[-1].test_acc > 80


def _after_one_update(
    mnist: Mnist, **optimizer: Any
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """All weights before and after the only update of a training."""
    training = on_torch(tiny_config(images=64, epochs=1, optimizer=optimizer), mnist)
    before = _weights(training)
    list(training.run())
    return before, _weights(training)


@pytest.mark.parametrize("decay", ["all", "weights"])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_weight_decay_acts_on_what_it_should(mnist: Mnist, kind: str, decay: str):
    """One update apart: with plain SGD or AdamW, the decay takes lr x decay x weight off."""
    lr, strength = 0.1, 0.5
    before, plain = _after_one_update(mnist, kind=kind, lr=lr)
    _, decayed = _after_one_update(mnist, kind=kind, lr=lr, weight_decay=strength, decay=decay)
    assert len(before) == 5
    for name, weight in before.items():
        acts = decay == "all" or weight.dim() > 1
        taken = lr * strength * weight if acts else torch.zeros_like(weight)
        assert torch.allclose(plain[name] - decayed[name], taken, atol=1e-6), name
        assert bool(taken.any()) == (acts and bool(weight.any()))


def test_adams_decay_goes_through_the_gradient(mnist: Mnist):
    """Unlike adamw's: Adam's first step is lr x sign, however strong the decay."""
    before, after = _after_one_update(mnist, kind="adam", lr=0.1, weight_decay=0.5)
    for name, weight in before.items():
        assert (after[name] - weight).abs().max() < 0.1001


def test_sgd_with_nesterov_is_torchs(mnist: Mnist):
    """A linear net, one batch an epoch, by hand with torch's own optimizer."""
    options = {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01}
    sgd = {"kind": "sgd", **options}
    training = on_torch(tiny_config(images=64, epochs=4, layers=LINEAR, optimizer=sgd), mnist)
    theirs = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    theirs.load_state_dict(_state(net(training)))
    optimizer = torch.optim.SGD(theirs.parameters(), **options)
    for result in training.run():
        loss = F.cross_entropy(theirs(normalise(mnist.train_images[:64])), mnist.train_labels[:64])
        assert result.train_loss == pytest.approx(loss.item(), rel=1e-4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, tensor in _state(theirs).items():
        assert torch.allclose(net(training).state_dict()[name], tensor, atol=1e-5)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_onecycle_sets_rate_and_momentum_of_every_update(kind: str):
    config = tiny_config(
        epochs=3, optimizer={"kind": kind, "lr": 0.2}, schedule={"kind": "onecycle"}
    )
    pace, optimizer = Pace(config, batches=4), optim.make(config.optimizer, nn.Linear(2, 2))
    for update in range(3 * 4):
        optim.set_pace(optimizer, pace.lr(update), pace.momentum(update))
        for group in optimizer.param_groups:
            assert group["lr"] == pytest.approx(0.2 * factor_at(config.schedule, update, 3, 4))
            set_to = group["momentum"] if kind == "sgd" else group["betas"][0]
            assert set_to == momentum_at(config.schedule, update, 3, 4)
            assert kind == "sgd" or group["betas"][1] == 0.999


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ({"kind": "none"}, [0.1, 0.1, 0.1]),
        ({"kind": "step", "size": 1, "gamma": 0.5}, [0.1, 0.05, 0.025]),
        ({"kind": "step", "size": 1, "gamma": 0.5, "when": "before"}, [0.05, 0.025, 0.0125]),
        ({"kind": "multistep", "milestones": [3], "gamma": 0.1, "per": "batch"}, [0.1, 0.01, 0.01]),
        ({"kind": "linear", "per": "batch"}, [0.1 * 5 / 6, 0.1 * 3 / 6, 0.1 / 6]),
        ({"kind": "none", "warmup": 0.7, "per": "epoch"}, [0.05, 0.1, 0.1]),
    ],
)
def test_the_rate_of_an_epochs_last_update_is_reported(
    mnist: Mnist, schedule: dict[str, Any], rates: list[float]
):
    config = tiny_config(images=128, epochs=3, schedule=schedule)
    assert [result.lr for result in on_torch(config, mnist).run()] == pytest.approx(rates)


def test_loss_dip_lowers_the_rate_where_its_rule_says(mnist: Mnist):
    """Two equal batches an epoch, so that the mean over batches is the mean over images."""
    sgd = {"kind": "sgd", "lr": 0.5, "momentum": 0.9}
    dip = {"kind": "loss_dip", "gamma": 0.5}
    config = tiny_config(images=128, epochs=12, layers=LINEAR, optimizer=sgd, schedule=dip)
    results = curve(on_torch(config, mnist))
    losses = [round(result.train_loss, 6) for result in results]
    rate, expected = 0.5, []
    for epoch in range(1, 13):
        expected.append(rate)
        rate *= 0.5 if LossDip().dips(losses[:epoch]) else 1
    assert len(set(expected)) > 2
    assert [result.lr for result in results] == pytest.approx(expected)


def test_loss_dip_asks_for_a_new_optimizer():
    config = tiny_config(schedule={"kind": "loss_dip"}, epochs=10)
    pace = Pace(config, batches=1)
    assert not any(pace.ended(loss) for loss in (1.0, 0.8, 0.4))
    assert (pace.lr(3), pace.momentum(3)) == (0.1, None)
    assert pace.ended(0.3)  # a fall by a quarter, after one by a half
    assert (pace.lr(4), pace.momentum(4)) == (pytest.approx(0.09), None)


# --- label smoothing and averaging -----------------------------------------------------------


def test_label_smoothing_is_in_the_training_loss_only(mnist: Mnist):
    training = on_torch(tiny_config(images=64, epochs=1, layers=LINEAR, label_smoothing=0.3), mnist)
    with torch.no_grad():
        scores = net(training)(normalise(mnist.train_images[:64]))
    smoothed = F.cross_entropy(scores, mnist.train_labels[:64], label_smoothing=0.3)
    (result,) = training.run()
    assert result.train_loss == pytest.approx(smoothed.item(), rel=1e-5)
    with torch.no_grad():
        scores = net(training)(normalise(mnist.test_images[:200]))
    plain = F.cross_entropy(scores, mnist.test_labels[:200])
    assert result.test_loss == pytest.approx(plain.item(), rel=1e-5)


def _states_after_each_update(training: Training) -> tuple[list[dict[str, Tensor]], list[Any]]:
    """Weights and statistics after every update, and the results."""
    states: list[dict[str, Tensor]] = []

    def keep(module: nn.Module, _: tuple[Tensor, ...]) -> None:
        if module.training:
            states.append(_state(module))

    net(training).register_forward_pre_hook(keep)
    results = list(training.run())
    return [*states[1:], _state(net(training))], results


def test_averages_are_those_of_the_formula_statistics_included(mnist: Mnist):
    """By hand from the states of the same training without averaging, which it must not disturb."""
    decay = 0.6
    averaged = on_torch(tiny_config(averaging={"kind": "ema", "decay": decay}), mnist)
    results = list(averaged.run())
    states, plain = _states_after_each_update(on_torch(tiny_config(), mnist))
    assert len(states) == 10
    average = {k: v.clone() for k, v in states[0].items() if v.is_floating_point()}
    weights = set()
    for n, state in enumerate(states[1:], start=1):
        d = min(decay, (1 + n) / (10 + n))
        weights.add(d)
        for name, mean in average.items():
            average[name] = d * mean + (1 - d) * state[name]
    assert decay not in weights or len(weights) > 1
    tested = net(averaged).state_dict()
    assert {"1.running_mean", "1.running_var"} <= average.keys()
    for name, mean in average.items():
        assert torch.allclose(tested[name], mean, rtol=1e-5, atol=1e-6), name
        assert not torch.allclose(tested[name], states[-1][name], rtol=1e-3), name
    assert [r.train_loss for r in results] == [r.train_loss for r in plain]
    assert results[-1].test_loss != plain[-1].test_loss
    loss, accuracy = evaluate(net(averaged), mnist.test_images[:200], mnist.test_labels[:200])
    assert (results[-1].test_loss, results[-1].test_acc) == (loss, accuracy)


@pytest.mark.parametrize("decay", [0.0, 0.15])
def test_the_decay_is_a_ceiling(mnist: Mnist, decay: float):
    """At 0 the average is the net itself, from the first update on."""
    averaged = on_torch(tiny_config(images=192, averaging={"kind": "ema", "decay": decay}), mnist)
    plain = on_torch(tiny_config(images=192), mnist)
    assert (curve(averaged) == curve(plain)) == (decay == 0)
