"""Seeds that follow from seeds: the same as ever, and none another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from mnist_core.seeds import derived_seed

PARTS = st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 9), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("parts", "seed"),
    [
        ((0,), 2968811710),
        ((7, 3), 3466196061),
        ((5, 1), 3796490668),
        ((4294967295, 2), 1874926788),
        ((1, 2, 1), 830043460),
        ((4010755824, 17), 2038230301),
    ],
)
def test_the_seeds_of_studies_that_there_are_stay(parts: tuple[int, ...], seed: int):
    assert derived_seed(*parts) == seed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((2**32 + 5, 0), (5, 1)),
        ((2**32 + 5,), (5, 1)),
        ((2**32, 3), (0, 1, 3)),
        ((5, 2**32 + 1), (5, 1, 1)),
        ((2**32 + 5, 0), (2**32 + 5,)),
        ((2**32, 0), (0, 2**32)),
    ],
)
def test_a_large_seed_is_not_two_small_ones(one: tuple[int, ...], other: tuple[int, ...]):
    assert derived_seed(*one) != derived_seed(*other)


@given(PARTS, PARTS)
@examples(500)
def test_other_numbers_give_another_seed(one: list[int], other: list[int]):
    """Of two at random, the same 32 bits are one in four thousand million."""
    small = max(*one, *other) < 2**32
    same = _stripped(one) == _stripped(other) if small else one == other
    assert (derived_seed(*one) == derived_seed(*other)) == same
    assert 0 <= derived_seed(*one) < 2**32


def _stripped(parts: list[int]) -> list[int]:
    """Without the zeros at its end."""
    return parts[: max((n for n, part in enumerate(parts, start=1) if part), default=0)]


def test_trials_and_studies_next_to_one_another_differ():
    seeds = [derived_seed(s, n) for s in (0, 1, 2**32 - 1, 2**32, 2**40) for n in range(200)]
    assert len(set(seeds)) == len(seeds)
