"""Dropout: torch's mathematics from a generator of its own."""

import copy

import pytest
import torch
from torch import Generator, Tensor

from mnist_core.dropout import Dropout

RATES = [0.01, 0.05, 0.25, 0.5, 0.9]
SHAPES = [(64, 8, 14, 14), (33, 7, 5, 3), (400, 50), (101, 1), (50, 60, 1, 1)]


pytestmark = pytest.mark.usefixtures("one_thread")


def _seeded(p: float, whole_channels: bool = False, seed: int = 1) -> Dropout:
    return Dropout(p, whole_channels, Generator().manual_seed(seed)).train()


def _five_errors(p: float, count: int) -> float:
    """Five standard errors of a share."""
    return float(5 * (p * (1 - p) / count) ** 0.5)


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_rate_mean_and_variance(p: float, channels_last: bool):
    x = torch.ones(64, 8, 14, 14)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    out = _seeded(p)(x)
    error = _five_errors(p, x.numel())
    assert abs((out == 0).float().mean() - p) < error
    assert abs(out.mean() - 1) < error / (1 - p)
    kept = 1 / (1 - p)
    assert out.max() == pytest.approx(kept, rel=2 / 65536 / (1 - p))
    assert set(out.unique().tolist()) == {0.0, out.max().item()}
    # Of a mask with values 0 and 1 / (1 - p); its error grows with how far the two lie apart.
    assert abs(out.var() - p * kept) < error * kept**2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_every_shape_is_masked_whole(shape: tuple[int, ...], channels_last: bool):
    x = torch.rand(shape, generator=Generator().manual_seed(0)) + 1
    if channels_last and len(shape) == 4:
        x = x.to(memory_format=torch.channels_last)
    out = _seeded(0.5)(x)
    assert out.shape == x.shape
    assert torch.equal(out, torch.where(out == 0, 0.0, 2 * x))
    if channels_last and len(shape) == 4:
        assert out.is_contiguous(memory_format=torch.channels_last)
    dropped = (out == 0).float().flatten(1)
    halves = [*dropped.tensor_split(2), *dropped.tensor_split(2, dim=1)]
    for part in (dropped, *halves):
        if part.numel():
            assert abs(part.mean() - 0.5) < _five_errors(0.5, part.numel())


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_whole_channels(p: float, channels_last: bool):
    x = torch.ones(200, 60, 4, 5)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    maps = _seeded(p, whole_channels=True)(x).flatten(2)
    assert torch.equal(maps.amin(2), maps.amax(2))
    assert abs((maps[:, :, 0] == 0).float().mean() - p) < _five_errors(p, 200 * 60)
    assert maps.max() == pytest.approx(1 / (1 - p), rel=2 / 65536 / (1 - p))


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 8, 14])
def test_neighbours_are_independent(lag: int):
    """Four activations share one 64-bit draw."""
    kept = (_seeded(0.3)(torch.ones(200_000)) > 0).float()
    correlation = torch.corrcoef(torch.stack([kept[:-lag], kept[lag:]]))[0, 1]
    assert abs(correlation) < 5 / 200_000**0.5


def test_evaluation_changes_nothing():
    x = torch.ones(3, 4, 5, 5)
    generator = Generator().manual_seed(1)
    state = generator.get_state()
    for whole_channels in (False, True):
        assert Dropout(0.5, whole_channels, generator).eval()(x) is x
    assert torch.equal(generator.get_state(), state)


def test_rate_0_changes_nothing():
    x = torch.ones(3, 4, 5, 5)
    assert torch.equal(_seeded(0)(x), x)


@pytest.mark.parametrize("p", [1e-9, 1e-5, 0.99999, 1 - 1e-9])
def test_rates_at_the_ends_stay_finite(p: float):
    out = _seeded(p)(torch.ones(100_000))
    assert out.isfinite().all()
    assert (out == 0).float().mean() == pytest.approx(p, abs=1e-3)


def test_own_generator():
    """Reproducible from its seed, whatever torch's global generator does, and without moving it."""
    x = torch.ones(1000)
    state = torch.get_rng_state()
    first = _seeded(0.5)(x)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        assert torch.equal(_seeded(0.5)(x), first)
    assert not torch.equal(_seeded(0.5, seed=2)(x), first)
    dropout = _seeded(0.5)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(dropout(x), first)


def test_without_a_generator_the_global_one_decides():
    x, dropout = torch.ones(1000), Dropout(0.5).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        first, second = dropout(x), dropout(x)
        torch.manual_seed(5)
        assert torch.equal(dropout(x), first)
        assert not torch.equal(first, second)


def test_a_deep_copy_shares_the_generator():
    x, alone = torch.ones(1000), _seeded(0.5)
    masks = [alone(x), alone(x)]
    original = _seeded(0.5)
    duplicate = copy.deepcopy(torch.nn.Sequential(original))[0]
    assert duplicate is not original
    assert torch.equal(original(x), masks[0])
    assert torch.equal(duplicate(x), masks[1])
    assert (duplicate.p, duplicate.whole_channels) == (0.5, False)
    assert copy.deepcopy(original.eval())(x) is x
    assert original.train().training


@pytest.mark.parametrize("whole_channels", [False, True])
def test_gradient_passes_the_same_mask(whole_channels: bool):
    x: Tensor = torch.full((20, 6, 4, 4), 3.0, requires_grad=True)
    out = _seeded(0.4, whole_channels)(x)
    out.backward(torch.full_like(out, 7.0))
    assert x.grad is not None
    assert torch.allclose(x.grad / 7, out / 3)
    assert torch.equal(x.grad == 0, out == 0)
