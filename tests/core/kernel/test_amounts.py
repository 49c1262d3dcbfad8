from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.amounts import MAX_AMOUNT, Ratio, allocate

TOTALS = st.integers(0, MAX_AMOUNT)
WEIGHTS = st.lists(st.integers(0, MAX_AMOUNT), min_size=1, max_size=30)


@given(TOTALS, WEIGHTS)
def test_parts_sum_to_the_whole(total: int, weights: list[int]) -> None:
    assert sum(allocate(total, weights)) == total


@given(TOTALS, WEIGHTS.filter(any))
def test_each_part_lies_within_one_of_its_exact_share(total: int, weights: list[int]) -> None:
    whole = sum(weights)
    for part, weight in zip(allocate(total, weights), weights, strict=True):
        exact = Fraction(total * weight, whole)
        assert exact - 1 < part < exact + 1


@given(TOTALS, WEIGHTS.filter(any))
def test_what_weighs_more_never_gets_less(total: int, weights: list[int]) -> None:
    ranked = sorted(zip(weights, allocate(total, weights), strict=True))
    for (light, less), (heavy, more) in pairwise(ranked):
        assert light == heavy or less <= more


@given(TOTALS, WEIGHTS.filter(any))
def test_what_weighs_nothing_gets_nothing(total: int, weights: list[int]) -> None:
    assert not any(part for part, weight in zip(allocate(total, weights), weights, strict=True) if weight == 0)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (2, [1, 1, 1], [1, 1, 0]),
        (10, [1, 2, 3, 4], [1, 2, 3, 4]),
        (1, [1, 2], [0, 1]),
        (1, [1, 1], [1, 0]),
        (3, [0, 5], [0, 3]),
        (7, [3, 1], [5, 2]),
        (6, [1] * 8, [1] * 6 + [0] * 2),
        (9, [1, 4, 2, 3, 1, 4, 2, 3, 1, 1], [1, 2, 1, 1, 0, 2, 1, 1, 0, 0]),
        (5, [0, 0], [5, 0]),
        (0, [], []),
        (7, [3], [7]),
        (MAX_AMOUNT, [MAX_AMOUNT, 1], [MAX_AMOUNT - 1, 1]),
    ],
)
def test_the_odd_cent_goes_to_the_largest_remainder_then_to_the_first(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert allocate(total, weights) == parts


def test_nobody_cannot_share_something() -> None:
    with pytest.raises(ValueError, match="nobody"):
        allocate(1, [])


@pytest.mark.parametrize(
    ("ratio", "amount", "floor", "nearest", "ceil"),
    [
        (Ratio(1, 100), 199, 1, 2, 2),
        (Ratio(1, 100), 149, 1, 1, 2),
        (Ratio(1, 100), 150, 1, 2, 2),
        (Ratio(1, 100), 200, 2, 2, 2),
        (Ratio(3, 200), 100, 1, 2, 2),
        (Ratio(1, 3), 1, 0, 0, 1),
        (Ratio(2, 3), 1, 0, 1, 1),
        (Ratio(0, 1), 999, 0, 0, 0),
        (Ratio(7, 1), 0, 0, 0, 0),
    ],
)
def test_a_ratio_rounds_as_named(ratio: Ratio, amount: int, floor: int, nearest: int, ceil: int) -> None:
    assert (ratio.of(amount, "floor"), ratio.of(amount, "nearest"), ratio.of(amount, "ceil")) == (floor, nearest, ceil)


@given(st.integers(0, 10**6), st.integers(1, 10**6), TOTALS)
def test_every_rounding_lies_next_to_the_exact_amount(numerator: int, denominator: int, amount: int) -> None:
    exact = Fraction(amount * numerator, denominator)
    ratio = Ratio(numerator, denominator)
    assert exact - 1 < ratio.of(amount, "floor") <= exact <= ratio.of(amount, "ceil") < exact + 1
    assert abs(ratio.of(amount, "nearest") - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("2.5%", Ratio(1, 40)),
        ("100%", Ratio(1, 1)),
        ("0%", Ratio(0, 1)),
        ("0.01%", Ratio(1, 10_000)),
        ("250%", Ratio(5, 2)),
    ],
)
def test_a_percentage_is_read_exactly(text: str, ratio: Ratio) -> None:
    assert Ratio.parse_percent(text) == ratio


@pytest.mark.parametrize(
    "text", ["", "%", ".%", "2.5", "-1%", "1e2%", "1,5%", " 1%", "1%%", "\N{ARABIC-INDIC DIGIT ONE}%", "1.2.3%", "½%"]
)
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is all that is said
        Ratio.parse_percent(text)
