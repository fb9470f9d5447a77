"""The training loop: reproducible, isolated, right in its sums, and honest about failure."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_core import optim
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.errors import UserError
from mnist_core.pace import Pace
from mnist_core.result import EpochResult, NonFiniteLoss
from mnist_core.schedule import LossDip, factors
from mnist_core.torch_engine import TorchEngine, evaluate, normalise
from mnist_core.train import Training, train

SMALL = ["conv 1->6 k5 s2 bias=false", "bn", "relu", "maxpool 2", "conv 6->10 k3 bias=true"]
SMALL += ["gap", "flatten"]
QUICK = [*SMALL[:4], "flatten", "linear 216->10"]
LINEAR = ["flatten", "linear 784->10"]
RUIN = {"kind": "sgd", "lr": 1e37}
EVERYTHING: dict[str, Any] = {
    "layers": [*SMALL[:3], "dropout 0.1", "dropout2d 0.05", *SMALL[3:]],
    "augment": [
        {"kind": "rotation", "degrees": 7, "fill": 1},
        {"kind": "affine", "translate": [0.1, 0.1], "shear": [5, 0], "interpolation": "bilinear"},
        {"kind": "jitter", "brightness": 0.2, "contrast": 0.2},
    ],
    "schedule": {"kind": "onecycle"},
    "averaging": {"kind": "ema", "decay": 0.9},
    "label_smoothing": 0.05,
}


pytestmark = pytest.mark.usefixtures("one_thread")


def _config(images: int = 320, test: int = 200, **changes: Any) -> Config:
    values: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 64,
        "layers": SMALL,
        "data": {"train": images, "test": test},
        "optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.9},
    }
    return Config.from_dict({**values, **changes})


def _training(config: Config, mnist: Mnist, device: str = "cpu") -> Training:
    """On torch, whose net these tests look into; test_engine.py has what holds for any engine."""
    return Training(config, mnist, device, "torch")


def _train(config: Config, mnist: Mnist, device: str = "cpu") -> Iterator[EpochResult]:
    return train(config, mnist, device, "torch")


def _model(training: Training) -> nn.Module:
    assert isinstance(training.engine, TorchEngine)
    return training.engine.model


def _timeless(results: list[EpochResult]) -> list[EpochResult]:
    return [dataclasses.replace(result, seconds=0.0) for result in results]


def _curve(config: Config, mnist: Mnist) -> list[EpochResult]:
    return _timeless(list(_train(config, mnist)))


def _state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _weights(training: Training) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in _model(training).named_parameters()}


# --- the same every time, and alone ----------------------------------------------------------


def test_the_same_config_gives_the_same_bits(mnist: Mnist):
    config = _config(**EVERYTHING)
    first, second = (_training(config, mnist) for _ in range(2))
    assert _timeless(list(first.run())) == _timeless(list(second.run()))
    state = _model(second).state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in _state(_model(first)).items())


def test_trainings_side_by_side_do_not_meet(mnist: Mnist):
    one, two = _config(**EVERYTHING, seed=1), _config(**EVERYTHING, seed=2)
    alone = [_curve(config, mnist) for config in (one, two)]
    pairs = list(zip(_train(one, mnist), _train(two, mnist), strict=True))
    assert [_timeless([pair[i] for pair in pairs]) for i in range(2)] == alone


def test_torchs_global_generator_has_no_part_in_it(mnist: Mnist):
    config = _config(**EVERYTHING)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        before = torch.get_rng_state()
        first = _curve(config, mnist)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(2)
        assert _curve(config, mnist) == first


def test_each_seed_is_another_training(mnist: Mnist):
    curves = [_curve(_config(images=64, epochs=1, seed=seed), mnist) for seed in (0, 1, 2**63 - 1)]
    losses = {curve[0].train_loss for curve in curves}
    assert len(losses) == 3


def test_stopping_early_is_fine(mnist: Mnist):
    whole = _curve(_config(epochs=3), mnist)
    running = _train(_config(epochs=3), mnist)
    assert _timeless([next(running)]) == whole[:1]
    running.close()
    assert _curve(_config(epochs=3), mnist) == whole


def test_data_are_not_written_to(mnist: Mnist):
    before = mnist.train_images[:320].clone(), mnist.test_images[:200].clone()
    _curve(_config(**EVERYTHING, epochs=1), mnist)
    assert torch.equal(mnist.train_images[:320], before[0])
    assert torch.equal(mnist.test_images[:200], before[1])


# --- what an epoch is ------------------------------------------------------------------------


def _watched(training: Training) -> list[Tensor]:
    """Every batch of images that the net is trained on from now on."""
    seen: list[Tensor] = []

    def watch(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if module.training:
            seen.append(inputs[0].clone())

    _model(training).register_forward_pre_hook(watch)
    return seen


def _sorted_rows(images: Tensor) -> list[list[float]]:
    return sorted(images.flatten(1).tolist())


def test_an_epoch_is_every_image_once_in_a_fresh_order(mnist: Mnist):
    training = _training(_config(images=150, layers=LINEAR), mnist)
    seen = _watched(training)
    list(training.run())
    assert [len(batch) for batch in seen] == [64, 64, 22] * 2
    first, second = torch.cat(seen[:3]), torch.cat(seen[3:])
    expected = normalise(mnist.train_images[:150])
    assert _sorted_rows(first) == _sorted_rows(second) == _sorted_rows(expected)
    assert not torch.equal(first, expected)
    assert not torch.equal(first, second)


def test_images_are_normalised(mnist: Mnist):
    """Mean 0, variance 1 over all pixels of the training images, from how often each grey is."""
    shares = torch.bincount(mnist.train_images.flatten(), minlength=256).double()
    shares /= mnist.train_images.numel()
    values = normalise(torch.arange(256)).double()
    mean = (shares * values).sum()
    assert abs(mean) < 1e-3
    assert abs((shares * values.square()).sum() - mean**2 - 1) < 1e-3


def test_training_images_are_augmented_and_test_images_are_not(mnist: Mnist):
    rotation = [{"kind": "rotation", "degrees": 40}]
    training = _training(_config(images=64, layers=LINEAR, augment=rotation), mnist)
    seen = _watched(training)
    _, second = training.run()
    originals = _sorted_rows(normalise(mnist.train_images[:64]))
    assert _sorted_rows(seen[0]) != originals
    assert _sorted_rows(seen[0]) != _sorted_rows(seen[1])  # anew in each epoch
    loss, accuracy = evaluate(_model(training), mnist.test_images[:200], mnist.test_labels[:200])
    assert (second.test_loss, second.test_acc) == (loss, accuracy)


def test_means_are_over_images_not_batches(mnist: Mnist):
    """With next to no learning rate, the epoch's figures are those of the initial net."""
    still = {"kind": "sgd", "lr": 1e-20}
    training = _training(_config(images=70, layers=LINEAR, optimizer=still), mnist)
    with torch.no_grad():
        scores = _model(training)(normalise(mnist.train_images[:70]))
    labels = mnist.train_labels[:70]
    for result in training.run():
        assert result.train_loss == pytest.approx(F.cross_entropy(scores, labels).item(), rel=1e-5)
        assert result.train_acc == pytest.approx(100 * (scores.argmax(1) == labels).sum() / 70)


def test_test_figures_by_hand(mnist: Mnist):
    """In evaluation mode, without dropout or smoothing, whatever the size of the test batches."""
    changes = {**EVERYTHING, "averaging": {"kind": "none"}}
    training = _training(_config(test=1203, epochs=1, **changes), mnist)
    (result,) = training.run()
    with torch.no_grad():
        scores = _model(training).eval()(normalise(mnist.test_images[:1203]))
    labels = mnist.test_labels[:1203]
    assert result.test_loss == pytest.approx(F.cross_entropy(scores, labels).item(), rel=1e-5)
    assert result.test_acc == pytest.approx(100 * (scores.argmax(1) == labels).sum() / 1203)
    assert result.epoch == 1
    assert result.seconds > 0


def test_training_images_are_looked_at_as_test_images_are_after_the_last_epoch(mnist: Mnist):
    """The first ones, as many as there are test images: not augmented, in evaluation mode, and
    without a trace in the training."""
    training = _training(_config(images=300, test=120, epochs=2, **EVERYTHING), mnist)
    first, last = training.run()
    assert first.fit_acc is None
    images, labels = mnist.train_images[:120], mnist.train_labels[:120]
    assert last.fit_acc == evaluate(_model(training), images, labels)[1]
    few = _training(_config(images=50, test=120, epochs=1), mnist)
    (only,) = few.run()
    images, labels = mnist.train_images[:50], mnist.train_labels[:50]
    assert only.fit_acc == evaluate(_model(few), images, labels)[1]


def test_it_learns(mnist: Mnist):
    sgd = {"kind": "sgd", "lr": 0.02, "momentum": 0.9}
    config = _config(2000, 500, batch_size=32, layers=QUICK, optimizer=sgd)
    first, second = _curve(config, mnist)
    assert second.test_acc > 80
    assert second.test_loss < first.test_loss
    assert second.train_loss < first.train_loss
    assert second.train_acc > first.train_acc


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_adam_learns(mnist: Mnist, kind: str):
    adam = {"kind": kind, "lr": 0.02, "weight_decay": 1e-3, "betas": [0.8, 0.99]}
    config = _config(images=1000, epochs=2, batch_size=32, optimizer=adam, layers=QUICK)
    assert _curve(config, mnist)[-1].test_acc > 80


@pytest.mark.parametrize("averaging", [{"kind": "none"}, {"kind": "ema", "decay": 0.9}])
def test_the_net_has_the_parameters_that_the_config_counts(mnist: Mnist, averaging: Any):
    training = _training(_config(averaging=averaging), mnist)
    assert sum(p.numel() for p in _model(training).parameters()) == training.config.params


def test_more_images_than_there_are(mnist: Mnist):
    with pytest.raises(UserError, match="cannot take 101 training images"):
        _train(_config(images=101), mnist.take(100, 200))


# --- failure ---------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_ends_the_training_before_the_update(mnist: Mnist):
    training = _training(_config(layers=LINEAR, optimizer=RUIN), mnist)
    with pytest.raises(
        NonFiniteLoss, match=r"^the training loss became (nan|inf) in epoch 1, batch 2$"
    ):
        list(training.run())
    assert all(p.isfinite().all() for p in _model(training).parameters())


def test_the_epoch_and_batch_of_the_failure_are_right(mnist: Mnist):
    """All is well for 2 epochs of 5 batches, then the rate is raised out of all bounds."""
    training = _training(_config(epochs=3), mnist)
    running = training.run()
    next(running)
    next(running)
    with torch.no_grad():
        next(_model(training).parameters()).fill_(math.nan)
    with pytest.raises(NonFiniteLoss, match=r"became nan in epoch 3, batch 1$"):
        next(running)


def test_no_result_holds_a_figure_that_is_not_finite(mnist: Mnist):
    """The epoch's last update ruins the net: its test figures must not be handed out."""
    with pytest.raises(NonFiniteLoss, match="epoch 1"):
        list(_train(_config(images=64, epochs=1, layers=LINEAR, optimizer=RUIN), mnist))


# --- optimizer and schedule ------------------------------------------------------------------


def _after_one_update(
    mnist: Mnist, **optimizer: Any
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """All weights before and after the only update of a training."""
    training = _training(_config(images=64, epochs=1, optimizer=optimizer), mnist)
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
    training = _training(_config(images=64, epochs=4, layers=LINEAR, optimizer=sgd), mnist)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    net.load_state_dict(_state(_model(training)))
    optimizer = torch.optim.SGD(net.parameters(), **options)
    for result in training.run():
        loss = F.cross_entropy(net(normalise(mnist.train_images[:64])), mnist.train_labels[:64])
        assert result.train_loss == pytest.approx(loss.item(), rel=1e-4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, tensor in _state(net).items():
        assert torch.allclose(_model(training).state_dict()[name], tensor, atol=1e-5)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_onecycle_sets_rate_and_momentum_of_every_update(kind: str):
    config = _config(epochs=3, optimizer={"kind": kind, "lr": 0.2}, schedule={"kind": "onecycle"})
    pace, optimizer = Pace(config, batches=4), optim.make(config.optimizer, nn.Linear(2, 2))
    for epoch in range(3):
        expected = factors(config.schedule, epoch, 3, 4)
        for update, (factor, momentum) in zip(pace.epoch(epoch), expected, strict=True):
            optim.set_pace(optimizer, *update)
            for group in optimizer.param_groups:
                assert group["lr"] == pytest.approx(0.2 * factor)
                set_to = group["momentum"] if kind == "sgd" else group["betas"][0]
                assert set_to == momentum
                assert kind == "sgd" or group["betas"][1] == 0.999
    assert pace.lr == pytest.approx(0.2 * factor)


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
    config = _config(images=128, epochs=3, schedule=schedule)
    assert [result.lr for result in _train(config, mnist)] == pytest.approx(rates)


def test_loss_dip_lowers_the_rate_where_its_rule_says(mnist: Mnist):
    """Two equal batches an epoch, so that the mean over batches is the mean over images."""
    sgd = {"kind": "sgd", "lr": 0.5, "momentum": 0.9}
    dip = {"kind": "loss_dip", "gamma": 0.5}
    config = _config(images=128, epochs=12, layers=LINEAR, optimizer=sgd, schedule=dip)
    results = _curve(config, mnist)
    losses = [round(result.train_loss, 6) for result in results]
    rate, expected = 0.5, []
    for epoch in range(1, 13):
        expected.append(rate)
        rate *= 0.5 if LossDip().dips(losses[:epoch]) else 1
    assert len(set(expected)) > 2
    assert [result.lr for result in results] == pytest.approx(expected)


def test_loss_dip_asks_for_a_new_optimizer():
    config = _config(schedule={"kind": "loss_dip"}, epochs=10)
    pace = Pace(config, batches=1)
    assert not any(pace.ended(loss) for loss in (1.0, 0.8, 0.4))
    assert list(pace.epoch(3)) == [(0.1, None)]
    assert pace.ended(0.3)  # a fall by a quarter, after one by a half
    assert pace.lr == pytest.approx(0.1)
    ((lr, momentum),) = pace.epoch(4)
    assert (lr, momentum) == (pytest.approx(0.09), None)
    assert pace.lr == lr


# --- label smoothing and averaging -----------------------------------------------------------


def test_label_smoothing_is_in_the_training_loss_only(mnist: Mnist):
    training = _training(_config(images=64, epochs=1, layers=LINEAR, label_smoothing=0.3), mnist)
    with torch.no_grad():
        scores = _model(training)(normalise(mnist.train_images[:64]))
    smoothed = F.cross_entropy(scores, mnist.train_labels[:64], label_smoothing=0.3)
    (result,) = training.run()
    assert result.train_loss == pytest.approx(smoothed.item(), rel=1e-5)
    with torch.no_grad():
        scores = _model(training)(normalise(mnist.test_images[:200]))
    plain = F.cross_entropy(scores, mnist.test_labels[:200])
    assert result.test_loss == pytest.approx(plain.item(), rel=1e-5)


def _states_after_each_update(training: Training) -> tuple[list[dict[str, Tensor]], list[Any]]:
    """Weights and statistics after every update, and the results."""
    states: list[dict[str, Tensor]] = []

    def keep(module: nn.Module, _: tuple[Tensor, ...]) -> None:
        if module.training:
            states.append(_state(module))

    _model(training).register_forward_pre_hook(keep)
    results = list(training.run())
    return [*states[1:], _state(_model(training))], results


def test_averages_are_those_of_the_formula_statistics_included(mnist: Mnist):
    """By hand from the states of the same training without averaging, which it must not disturb."""
    decay = 0.6
    averaged = _training(_config(averaging={"kind": "ema", "decay": decay}), mnist)
    results = list(averaged.run())
    states, plain = _states_after_each_update(_training(_config(), mnist))
    assert len(states) == 10
    average = {k: v.clone() for k, v in states[0].items() if v.is_floating_point()}
    weights = set()
    for n, state in enumerate(states[1:], start=1):
        d = min(decay, (1 + n) / (10 + n))
        weights.add(d)
        for name, mean in average.items():
            average[name] = d * mean + (1 - d) * state[name]
    assert decay not in weights or len(weights) > 1
    tested = _model(averaged).state_dict()
    assert {"1.running_mean", "1.running_var"} <= average.keys()
    for name, mean in average.items():
        assert torch.allclose(tested[name], mean, rtol=1e-5, atol=1e-6), name
        assert not torch.allclose(tested[name], states[-1][name], rtol=1e-3), name
    assert [r.train_loss for r in results] == [r.train_loss for r in plain]
    assert results[-1].test_loss != plain[-1].test_loss
    loss, accuracy = evaluate(_model(averaged), mnist.test_images[:200], mnist.test_labels[:200])
    assert (results[-1].test_loss, results[-1].test_acc) == (loss, accuracy)


@pytest.mark.parametrize("decay", [0.0, 0.15])
def test_the_decay_is_a_ceiling(mnist: Mnist, decay: float):
    """At 0 the average is the net itself, from the first update on."""
    averaged = _training(_config(images=192, averaging={"kind": "ema", "decay": decay}), mnist)
    plain = _training(_config(images=192), mnist)
    one, two = _timeless(list(averaged.run())), _timeless(list(plain.run()))
    assert (one == two) == (decay == 0)


# --- a GPU -----------------------------------------------------------------------------------


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_cuda_trains_as_the_cpu_does(mnist: Mnist):
    """Roughly: other kernels, and other random numbers for augmentation and dropout."""
    config = _config(**EVERYTHING, images=4000, test=1000, epochs=3, batch_size=32)
    state = torch.cuda.get_rng_state()
    on_gpu, again = (_timeless(list(_train(config, mnist, "cuda"))) for _ in range(2))
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert on_gpu == again
    assert on_gpu[-1].test_acc == pytest.approx(_curve(config, mnist)[-1].test_acc, abs=5)
    training = _training(config, mnist, "cuda")
    assert all(p.is_cuda for p in _model(training).parameters())
    plain = _config(images=256, epochs=1, batch_size=256)
    ((gpu,), (cpu,)) = (list(_train(plain, mnist, device)) for device in ("cuda", "cpu"))
    assert gpu.train_loss == pytest.approx(cpu.train_loss, rel=1e-3)
    assert gpu.test_loss == pytest.approx(cpu.test_loss, rel=1e-2)
