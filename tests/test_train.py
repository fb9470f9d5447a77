"""The training loop, on torch: what an epoch is, and how a training fails.

test_engine.py has what holds for any engine, test_golden.py the loop as a whole.
"""

import math
from typing import Any

import pytest
import torch
from tiny import EVERYTHING, LINEAR, curve, net, on_torch, tiny_config
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_core.data import Mnist
from mnist_core.errors import UserError
from mnist_core.result import NonFiniteLoss
from mnist_core.torch_engine import evaluate, normalise
from mnist_core.train import Training

pytestmark = pytest.mark.usefixtures("one_thread")


def _watched(training: Training) -> list[Tensor]:
    """Every batch of images that the net is trained on from now on."""
    seen: list[Tensor] = []

    def watch(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if module.training:
            seen.append(inputs[0].clone())

    net(training).register_forward_pre_hook(watch)
    return seen


def _sorted_rows(images: Tensor) -> list[list[float]]:
    return sorted(images.flatten(1).tolist())


def test_an_epoch_is_every_image_once_in_a_fresh_order(mnist: Mnist):
    training = on_torch(tiny_config(images=150, layers=LINEAR), mnist)
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
    training = on_torch(tiny_config(images=64, layers=LINEAR, augment=rotation), mnist)
    seen = _watched(training)
    _, second = training.run()
    originals = _sorted_rows(normalise(mnist.train_images[:64]))
    assert _sorted_rows(seen[0]) != originals
    assert _sorted_rows(seen[0]) != _sorted_rows(seen[1])  # anew in each epoch
    loss, accuracy = evaluate(net(training), mnist.test_images[:200], mnist.test_labels[:200])
    assert (second.test_loss, second.test_acc) == (loss, accuracy)


def test_means_are_over_images_not_batches(mnist: Mnist):
    """With next to no learning rate, the epoch's figures are those of the initial net."""
    still = {"kind": "sgd", "lr": 1e-20}
    training = on_torch(tiny_config(images=70, layers=LINEAR, optimizer=still), mnist)
    with torch.no_grad():
        scores = net(training)(normalise(mnist.train_images[:70]))
    labels = mnist.train_labels[:70]
    for result in training.run():
        assert result.train_loss == pytest.approx(F.cross_entropy(scores, labels).item(), rel=1e-5)
        assert result.train_acc == pytest.approx(100 * (scores.argmax(1) == labels).sum() / 70)


def test_test_figures_by_hand(mnist: Mnist):
    """In evaluation mode, without dropout or smoothing, whatever the size of the test batches."""
    changes = {**EVERYTHING, "averaging": {"kind": "none"}}
    training = on_torch(tiny_config(test=1203, epochs=1, **changes), mnist)
    (result,) = training.run()
    with torch.no_grad():
        scores = net(training).eval()(normalise(mnist.test_images[:1203]))
    labels = mnist.test_labels[:1203]
    assert result.test_loss == pytest.approx(F.cross_entropy(scores, labels).item(), rel=1e-5)
    assert result.test_acc == pytest.approx(100 * (scores.argmax(1) == labels).sum() / 1203)
    assert result.epoch == 1
    assert result.seconds > 0


def test_training_images_are_looked_at_as_test_images_are_after_the_last_epoch(mnist: Mnist):
    """The first ones, as many as there are test images: not augmented, in evaluation mode, and
    without a trace in the training."""
    training = on_torch(tiny_config(images=300, test=120, epochs=2, **EVERYTHING), mnist)
    first, last = training.run()
    assert first.fit_acc is None
    images, labels = mnist.train_images[:120], mnist.train_labels[:120]
    assert last.fit_acc == evaluate(net(training), images, labels)[1]
    few = on_torch(tiny_config(images=50, test=120, epochs=1), mnist)
    (only,) = few.run()
    images, labels = mnist.train_images[:50], mnist.train_labels[:50]
    assert only.fit_acc == evaluate(net(few), images, labels)[1]


@pytest.mark.parametrize("averaging", [{"kind": "none"}, {"kind": "ema", "decay": 0.9}])
def test_the_net_has_the_parameters_that_the_config_counts(mnist: Mnist, averaging: Any):
    training = on_torch(tiny_config(averaging=averaging), mnist)
    assert sum(p.numel() for p in net(training).parameters()) == training.config.params


def test_more_images_than_there_are(mnist: Mnist):
    with pytest.raises(UserError, match="cannot take 101 training images"):
        on_torch(tiny_config(images=101), mnist.take(100, 200))


def test_the_epoch_and_batch_of_the_failure_are_right(mnist: Mnist):
    """All is well for 2 epochs of 5 batches, then weights are nan."""
    training = on_torch(tiny_config(epochs=3), mnist)
    running = training.run()
    next(running)
    next(running)
    with torch.no_grad():
        next(net(training).parameters()).fill_(math.nan)
    with pytest.raises(NonFiniteLoss, match=r"became nan in epoch 3, batch 1$"):
        next(running)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_cuda_trains_as_the_cpu_does(mnist: Mnist):
    """Roughly: other kernels, and other random numbers for augmentation and dropout."""
    config = tiny_config(**EVERYTHING, images=4000, test=1000, epochs=3, batch_size=32)
    state = torch.cuda.get_rng_state()
    on_gpu, again = (curve(on_torch(config, mnist, "cuda")) for _ in range(2))
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert on_gpu == again
    assert on_gpu[-1].test_acc == pytest.approx(curve(on_torch(config, mnist))[-1].test_acc, abs=5)
    training = on_torch(config, mnist, "cuda")
    assert all(p.is_cuda for p in net(training).parameters())
    plain = tiny_config(images=256, epochs=1, batch_size=256)
    ((gpu,), (cpu,)) = (list(on_torch(plain, mnist, device).run()) for device in ("cuda", "cpu"))
    assert gpu.train_loss == pytest.approx(cpu.train_loss, rel=1e-3)
    assert gpu.test_loss == pytest.approx(cpu.test_loss, rel=1e-2)
