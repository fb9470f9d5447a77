"""Figures: whole SVG, the same every time, and nothing in it that is not drawn."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import drills
import numpy as np
import pytest
from drills import plain
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from mnist_core.goal import Goal
from search.chance.importance import Importance
from search.report import figures
from search.report.figures import Curve, Dot

GOAL = drills.SPEC.goal
ODD = [
    "$x^2$ _y_",
    "<script>alert(1)</script>",
    "a -- b -->",
    "]]>&amp;\"'",
    "数字 🙂",
    "",
    "x" * 60,
]
CURVE = [90.0, 96.0, 98.0, 98.5, 98.8, 99.0, 99.1, 99.2]


def _curves(names: list[str] | None = None, **config: Any) -> str:
    found = [
        Curve(name, plain(**config), drills.curve(plain(), n), [CURVE] * n)
        for n, name in enumerate(names or ["pace/1", "pace/2"])
    ]
    return figures.curves(found, GOAL)


def _by_parameters(names: list[str] | None = None) -> str:
    stages = [
        (name, [Dot(1_900 + 10 * n + place, 98.5 + n / 10, 98.2, n == 2) for n in range(5)])
        for place, name in enumerate(names or ["net", "pace"])
    ]
    return figures.accuracy_by_parameters(stages, GOAL)


def _importance(names: list[str] | None = None) -> str:
    found = [
        Importance(name, 0.5 / (1 + n), 0.1 / (1 + n), 0.7, 0.3, 0.5, (0.1, 0.2), 9 + n, 10)
        for n, name in enumerate(names or ["lr", "averaging"])
    ]
    return figures.importance(found, "importance-1", names[0] if names else "What mattered")


@pytest.mark.parametrize(("size", "images"), [(128, 60_000), (512, 60_000), (128, 300), (1, 9)])
def test_a_rate_is_drawn_falling_where_it_falls(size: int, images: int):
    """After three epochs of the batches that there are; every epoch's last update is drawn."""
    config = plain(batch_size=size, data={"train": images})
    milestones = (3 * config.batches,)
    schedule = {"kind": "multistep", "per": "batch", "milestones": milestones, "gamma": 0.1}
    epochs, rates = figures._rates(config.changed(schedule=schedule))
    assert {1.0 * epoch for epoch in range(1, config.epochs + 1)} <= set(epochs)
    assert len(rates) <= 50 * config.epochs
    high = [at for at, rate in zip(epochs, rates, strict=True) if rate == config.optimizer.lr]
    assert high[-1] == 3
    assert epochs[len(high)] == pytest.approx(3, abs=1 / min(50, config.batches) + 1e-9)


DRAWINGS: list[Callable[..., str]] = [_curves, _by_parameters, _importance]


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("names", [None, ODD], ids=["plain", "odd"])
def test_a_figure_is_svg_that_asks_for_nothing(draw: Callable[..., str], names: list[str] | None):
    svg = draw(names)
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "defs", "path", "use", "style", "clipPath", "rect"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            if name.endswith("href"):
                assert value.startswith("#")
    assert "alert" not in svg  # texts are outlines, and what they said is not kept
    assert set(re.findall(r"url\((.)", svg)) <= {"#"}


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_figure_is_the_same_every_time(draw: Callable[..., str]):
    assert draw() == draw()


@pytest.mark.parametrize("names", [None, ODD], ids=["plain", "odd"])
def test_a_figure_of_a_narrow_screen_is_another(names: list[str] | None):
    stages = [(name, [Dot(1_900, 98.5, 98.2, True)]) for name in names or ["net"]]
    found = [Curve(name, plain(), CURVE) for name in names or ["net"]]
    each = Importance("x" * 60, 0.5, 0.1, 0.7, 0.3, 0.5, (0.1, 0.2), 9, 10)
    drawings: list[Callable[[figures.Size], str]] = [
        lambda size: figures.curves(found, GOAL, size),
        lambda size: figures.accuracy_by_parameters(stages, GOAL, size, stages[0][1]),
        lambda size: figures.importance([each], "importance-1", "What mattered " * 5, size),
    ]
    for draw in drawings:
        wide, narrow = (draw(size) for size in (figures.WIDE, figures.NARROW))
        assert 'viewBox="0 0 475.2 ' in wide
        assert 'viewBox="0 0 252 ' in narrow
        ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (wide, narrow)]
        assert not ids[0] & ids[1]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_every_colour_has_a_dark_one(draw: Callable[..., str]):
    drawn = {found.lower() for found in re.findall(r'style="[^"]*?(#[0-9a-fA-F]{6})', draw())}
    assert drawn <= {colour.lower() for colour in figures._DARK}
    assert len(drawn) > 3


def test_ids_of_different_figures_are_different():
    drawn = [set(re.findall(r'\bid="([^"]+)"', draw())) for draw in DRAWINGS]
    assert all(drawn)
    assert not drawn[0] & drawn[1]
    assert not drawn[1] & drawn[2]
    for ids, draw in zip(drawn, DRAWINGS, strict=True):
        referred = re.findall(r'(?:href="|url\()#([^")]+)', draw())
        assert set(referred) <= ids


def test_settings_of_the_user_change_nothing():
    import matplotlib

    before = _importance()
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "none", "axes.facecolor": "red"}):
        assert _importance() == before


@pytest.mark.parametrize(
    "schedule", [{"kind": "loss_dip"}, {"kind": "none"}, {"kind": "onecycle"}, {"kind": "linear"}]
)
def test_every_schedule_can_be_drawn(schedule: dict[str, Any]):
    assert "<svg" in _curves(schedule=schedule)


@examples(6)
@given(
    st.lists(st.floats(0, 100), min_size=8, max_size=8),
    st.floats(1, 100),
    st.integers(1, 8),
    st.integers(2, 1_000_000),
)
def test_every_result_can_be_drawn(accuracies: list[float], accuracy: float, last: int, n: int):
    goal = Goal(accuracy=accuracy, last=last, epochs=8, params=n)
    assert "<svg" in figures.curves([Curve("net", plain(), accuracies)], goal)
    final = goal.ending(accuracies).test_acc
    dot = Dot(n - 1, sum(final) / last, min(final), leads=True)
    assert "<svg" in figures.accuracy_by_parameters([("a", [dot]), ("b", [])], goal)


def test_more_finalists_than_can_be_told_apart_are_not_all_drawn():
    assert _curves([str(n) for n in range(20)])


@examples(50)
@given(st.floats(1e-3, 50), st.floats(1.5, 1000))
def test_ticks_of_accuracies_are_round_and_apart(least: float, times: float):
    errors = sorted(figures._round_errors(least, least * times))
    assert all(least <= error <= least * times for error in errors)
    assert all(b / a > times**0.099 for a, b in pairwise(errors))
    assert len(errors) <= 11


def test_the_scale_is_that_of_the_error():
    accuracies = np.array([90.0, 99.0, 99.9])
    scaled = figures._to_scale(accuracies)
    assert np.allclose(np.diff(scaled), 1)  # a tenth of the error, one step
    assert np.allclose(figures._from_scale(scaled), accuracies)


def test_a_faultless_net_has_a_place_on_the_scale():
    faultless = Curve("net", plain(), [100.0] * 8)
    assert "<svg" in figures.curves([faultless], GOAL.model_copy(update={"accuracy": 100.0}))
