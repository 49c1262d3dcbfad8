import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.amounts import MAX_AMOUNT, Ratio
from loyalty_engine.core.kernel.refusals import RefusalError
from loyalty_engine.core.points.redeeming import RedeemTerms


def terms(worth: Ratio = Ratio(1, 1), *, least: int = 1, step: int = 1, share: Ratio = Ratio(1, 1)) -> RedeemTerms:  # noqa: B008 - a ratio is immutable
    return RedeemTerms(worth=worth, min_points=least, step=step, max_share=share)


@pytest.mark.parametrize(
    ("given_terms", "available", "total", "most"),
    [
        (terms(), 500, 300, 300),
        (terms(), 200, 300, 200),
        (terms(least=100), 99, 300, 0),
        (terms(least=100), 500, 99, 0),
        (terms(step=50), 199, 300, 150),
        (terms(share=Ratio(1, 2)), 500, 301, 150),
        (terms(Ratio(1, 2), step=2), 500, 100, 200),
        (terms(Ratio(1, 2), step=2), 500, 3, 6),
        (terms(Ratio(3, 1)), 500, 100, 33),
        (terms(), 0, 300, 0),
        (terms(), 500, 0, 0),
        (terms(share=Ratio(0, 1)), 500, 300, 0),
    ],
)
def test_the_most_that_can_be_paid(given_terms: RedeemTerms, available: int, total: int, most: int) -> None:
    assert given_terms.most_payable(available, total) == most


@given(
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.integers(1, 500),
    st.integers(0, 100),
    st.integers(0, MAX_AMOUNT),
    st.integers(0, MAX_AMOUNT),
)
def test_the_most_never_pays_more_than_there_is_or_may_be(
    amount: int, points: int, least: int, share: int, available: int, total: int
) -> None:
    found = terms(Ratio(amount, points), least=least, step=points, share=Ratio(share, 100))

    most = found.most_payable(available, total)

    assert 0 <= most <= available
    assert most % points == 0
    assert found.value_of(most) * 100 <= total * share
    assert most == 0 or most >= least


@pytest.mark.parametrize(
    ("points", "code"), [(9, "points_below_minimum"), (15, "points_not_in_step"), (10, None), (20, None)]
)
def test_an_amount_is_checked_whatever_the_balance(points: int, code: str | None) -> None:
    found = terms(least=10, step=10)
    if code is None:
        found.check(points, "/points")
        return
    with pytest.raises(RefusalError) as caught:
        found.check(points, "/points")
    assert (caught.value.refusal.code, caught.value.refusal.pointer) == (code, "/points")


@pytest.mark.parametrize(
    ("worth", "micros"), [(Ratio(1, 1), 1_000_000), (Ratio(1, 3), 333_333), (Ratio(2, 3), 666_667)]
)
def test_a_points_cost_is_kept_in_millionths(worth: Ratio, micros: int) -> None:
    assert terms(worth).cost_micros == micros
