"""Widths that fit a parameter budget: every sample under it, and the budget well used (row 12)."""

import random
import statistics
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from mnist_core.config import Config
from spaces import SPACES, Frame, SpaceError, layouts
from spaces.budget import WidthBudget, share_dimensions

BUDGETS = (2_000, 5_000, 10_000, 50_000)


def _shares(rng: random.Random) -> dict[str, float]:
    return {name: rng.random() for name in share_dimensions(layouts.CONVOLUTIONS)}


def _counted(plan: str, widths: Sequence[int]) -> int:
    """By the layer notation, which `tests/test_layers.py` holds against torch."""
    notation = layouts.layers(plan, widths, "relu", 0.05)
    return Config(epochs=1, layers=notation, optimizer={"kind": "sgd", "lr": 0.1}).params


def _highs(plan: str, budget: int) -> Sequence[int]:
    return layouts._width_budget(plan, budget).highs


def _check_samples(plan: str, budget: int, samples: int) -> None:
    """Of random samples none is at or over the budget, the median uses at least 85 % of it, and
    every layer is narrow in some and wide in others."""
    rng = random.Random(budget)
    highs = _highs(plan, budget)
    used, seen = [], []
    for _ in range(samples):
        widths = layouts.sampled_widths(plan, _shares(rng), budget)
        count = layouts.count(plan, widths)
        assert count < budget
        assert count == _counted(plan, widths)
        assert all(4 <= width <= high for width, high in zip(widths, highs, strict=True))
        used.append(count / budget)
        seen.append(widths)
    assert statistics.median(used) > 0.98
    assert min(used) > 0.85
    for layer, (widths, high) in enumerate(zip(zip(*seen, strict=True), highs, strict=True)):
        margin = (high - 4) / 4
        assert min(widths) <= 4 + margin, layer
        assert max(widths) >= high - margin, layer


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("plan", layouts.PLANS)
def test_samples_fit_the_budget_and_use_it(plan: str, budget: int):
    _check_samples(plan, budget, 250)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("plan", layouts.PLANS)
def test_a_hundred_thousand_samples_fit_the_budget_and_use_it(plan: str):
    _check_samples(plan, 10_000, 100_000 // len(layouts.PLANS) + 1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("one_thread")
def test_two_thousand_samples_are_built_and_run():
    """In torch: as many parameters as counted, and finite scores in training mode."""
    import torch

    from mnist_core.model import build

    rng = random.Random(0)
    images = torch.rand(4, 1, 28, 28)
    for _ in range(2_000):
        plan = rng.choice(list(layouts.PLANS))
        budget = rng.choice(BUDGETS)
        widths = layouts.sampled_widths(plan, _shares(rng), budget)
        notation = layouts.layers(plan, widths, rng.choice(["relu", "silu"]), rng.random() / 10)
        net = build(Config(epochs=1, layers=notation, optimizer={"kind": "sgd", "lr": 0.1}))
        made = sum(parameter.numel() for parameter in net.parameters())
        assert made == layouts.count(plan, widths) < budget
        with torch.no_grad():
            scores = net(images)
        assert scores.shape == (4, 10)
        assert scores.isfinite().all()


@given(st.sampled_from(list(layouts.PLANS)), st.lists(st.integers(1, 64), min_size=7, max_size=7))
@examples(300)
def test_closed_count_is_the_notations(plan: str, widths: list[int]):
    assert layouts.count(plan, widths) == _counted(plan, widths)


def _dense(widths: Sequence[int]) -> int:
    return sum(a * b for a, b in zip([1, *widths], [*widths, 1], strict=True))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(4, 80)), min_size=1, max_size=8),
    st.integers(1, 50_000),
)
@examples(300)
def test_no_channel_is_left_that_would_fit(layers: list[tuple[float, int]], spare: int):
    shares, highs = [share for share, _ in layers], [high for _, high in layers]
    budget = _dense([4] * len(layers)) + spare
    widths = WidthBudget(_dense, budget, highs).widths(shares)
    assert _dense(widths) < budget
    assert all(4 <= width <= high for width, high in zip(widths, highs, strict=True))
    for i, width in enumerate(widths):
        wider = [*widths[:i], width + 1, *widths[i + 1 :]]
        assert width == highs[i] or _dense(wider) >= budget


@given(st.lists(st.floats(0, 1), min_size=7, max_size=7), st.sampled_from(list(layouts.PLANS)))
@examples(100)
def test_same_shares_same_widths(shares: list[float], plan: str):
    params = dict(zip(share_dimensions(7), shares, strict=True))
    first = layouts.sampled_widths(plan, params, 10_000)
    assert first == layouts.sampled_widths(plan, dict(reversed(params.items())), 10_000)


@pytest.mark.parametrize("plan", layouts.PLANS)
@pytest.mark.parametrize("layer", range(7))
def test_a_layer_is_wider_for_a_larger_share(plan: str, layer: int):
    """The dimension means something: width against share is no noise."""
    names = list(share_dimensions(7))
    widths = [
        layouts.sampled_widths(plan, {**dict.fromkeys(names, 0.5), names[layer]: share}, 10_000)[
            layer
        ]
        for share in (0.0, 0.5, 1.0)
    ]
    assert widths[0] < widths[1] < widths[2]
    assert widths[0] <= 7
    assert widths[2] == _highs(plan, 10_000)[layer]


@pytest.mark.parametrize("space", SPACES)
def test_a_budget_that_no_net_fits_is_refused(space: str):
    least = max(layouts._width_budget(plan, 2).smallest for plan in layouts.PLANS)
    with pytest.raises(SpaceError) as refused:
        SPACES[space](Frame(least, 15))
    assert str(refused.value).startswith(f"goal.params: {least} is too few")
    assert "\n" not in str(refused.value)
    assert SPACES[space](Frame(least + 1, 15)).dimensions
    narrowest = dict.fromkeys(share_dimensions(7), 1.0)
    for plan in layouts.PLANS:
        assert layouts.count(plan, layouts.sampled_widths(plan, narrowest, least + 1)) <= least
