"""What a check makes of two curves: bit for bit on the same engine, within a band on another."""

import pytest

from search.confirm.check import BAND, Check

CURVE = (90.0, 99.4, 99.5, 99.5, 99.6, 99.5)


def test_nothing_is_said_of_a_curve_that_nothing_was_expected_of():
    assert Check(CURVE).passed
    assert Check(CURVE).remarks() == []


def test_equal_curves_pass():
    check = Check(CURVE, CURVE, elsewhere=("torch was 1.0, is 2.0",))
    assert check.passed
    assert check.remarks() == ["Every epoch equals the expected curve (6 compared)."]


def test_the_last_bit_counts_on_the_same_engine():
    check = Check(CURVE, (*CURVE[:5], 99.51), elsewhere=("torch was 1.0, is 2.0",))
    assert not check.passed
    assert check.remarks() == [
        "1 of 6 epochs differ from the curve:",
        "epoch   6  test 99.5000 %, expected 99.5100 %",
        "The curve was made elsewhere: torch was 1.0, is 2.0",
    ]


def test_on_another_engine_the_last_five_epochs_agree_within_a_band():
    other = (10.0, *(accuracy - 0.1 for accuracy in CURVE[1:]))
    check = Check(other, CURVE, exact=False, elsewhere=("engine was native 1, is torch",))
    assert check.passed
    assert check.remarks() == [
        "The mean of the last 5 epochs is 99.400 %, expected 99.500 %: within the band of 0.15 "
        "points."
    ]


def test_what_lies_outside_the_band_fails():
    other = tuple(accuracy - 0.2 for accuracy in CURVE)
    check = Check(other, CURVE, exact=False, elsewhere=("engine was native 1, is torch",))
    assert not check.passed
    assert check.remarks() == [
        "The mean of the last 5 epochs is 99.300 %, expected 99.500 %: outside the band of 0.15 "
        "points.",
        "The curve was made elsewhere: engine was native 1, is torch",
    ]


@pytest.mark.parametrize(
    ("expected", "band"), [(99.9, BAND), (99.5, BAND), (99.0, 0.3), (98.0, 0.6), (40.0, 18.0)]
)
def test_the_band_is_wider_where_the_error_is_larger(expected: float, band: float):
    check = Check((expected,), (expected,), exact=False)
    assert check.band == pytest.approx(band)
    assert Check((expected - 0.99 * band,), (expected,), exact=False).passed
    assert not Check((expected - 1.01 * band,), (expected,), exact=False).passed


def test_a_curve_that_was_cut_short_is_compared_as_far_as_it_goes():
    check = Check((50.0, 99.0, 10.0), (51.0, 99.1), exact=False)
    assert check.means == (pytest.approx(74.5), pytest.approx(75.05))
    assert check.passed
    assert "last 2 epochs" in check.remarks()[0]
    assert "only epoch" in Check((99.0, 1.0), (99.0,), exact=False).remarks()[0]
    assert Check((50.0, 99.0, 10.0), (50.0, 99.0)).passed


def test_what_is_not_a_number_is_no_pass():
    assert not Check((float("nan"),), (99.0,), exact=False).passed
