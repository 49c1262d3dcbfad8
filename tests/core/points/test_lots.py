from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.points.lots import Lot, LotUse, plan_spending, reverse_uses

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def lot(n: int, remaining: int, *, expires: int | None = None, earned: int = -10, available: int = -10) -> Lot:
    """Return a lot whose instants are days from now."""
    return Lot(
        id=UUID(int=n),
        member_id=UUID(int=99),
        wallet="points",
        amount=1000,
        remaining=remaining,
        earned_at=NOW + earned * DAY,
        available_at=NOW + available * DAY,
        expires_at=None if expires is None else NOW + expires * DAY,
        funder="program",
        cost_micros=0,
        operation_id=UUID(int=98),
    )


def used(lots: list[Lot], amount: int) -> list[tuple[int, int]]:
    return [(use.lot_id.int, use.amount) for use in plan_spending(lots, amount, NOW)]


def test_the_nearest_expiry_leaves_first() -> None:
    lots = [lot(1, 50), lot(2, 50, expires=20), lot(3, 50, expires=5)]
    assert used(lots, 120) == [(3, 50), (2, 50), (1, 20)]


def test_of_one_expiry_the_earliest_earned_leaves_first_then_the_lower_id() -> None:
    lots = [lot(3, 10, expires=5), lot(2, 10, expires=5), lot(1, 10, expires=5, earned=-9)]
    assert used(lots, 30) == [(2, 10), (3, 10), (1, 10)]


def test_lots_that_never_expire_leave_by_age() -> None:
    assert used([lot(1, 10, earned=-1), lot(2, 10, earned=-2)], 15) == [(2, 10), (1, 5)]


def test_empty_pending_and_expired_lots_pay_nothing() -> None:
    lots = [lot(1, 0), lot(2, 50, available=1), lot(3, 50, expires=0), lot(4, 50, expires=1)]
    assert used(lots, 50) == [(4, 50)]


@pytest.mark.parametrize(
    ("available", "expires", "is_spendable"),
    [(0, None, True), (1, None, False), (0, 0, False), (0, 1, True), (-1, -1, False)],
)
def test_spendable_is_half_open(available: int, expires: int | None, is_spendable: bool) -> None:
    assert lot(1, 1, available=available, expires=expires).is_spendable(NOW) is is_spendable


def test_lots_that_do_not_cover_stop_the_operation() -> None:
    with pytest.raises(AssertionError, match="lots cover 50 of 51 points"):
        plan_spending([lot(1, 50)], 51, NOW)


LOTS = st.lists(
    st.builds(
        lot,
        st.integers(1, 10**6),
        st.integers(0, 100),
        expires=st.none() | st.integers(-3, 10),
        earned=st.integers(-20, 0),
        available=st.integers(-3, 3),
    ),
    max_size=12,
    unique_by=lambda found: found.id,
)


@given(LOTS, st.data())
def test_the_uses_pay_exactly_from_what_can_be_spent_whatever_order_they_come_in(
    lots: list[Lot], data: st.DataObject
) -> None:
    spendable = {found.id: found.remaining for found in lots if found.is_spendable(NOW)}
    amount = data.draw(st.integers(0, sum(spendable.values())))

    uses = plan_spending(lots, amount, NOW)

    assert sum(use.amount for use in uses) == amount
    assert all(0 < use.amount <= spendable[use.lot_id] for use in uses)
    assert uses == plan_spending(data.draw(st.permutations(lots)), amount, NOW)


def test_what_is_reversed_goes_back_where_it_came_from() -> None:
    uses = (LotUse(UUID(int=1), 30), LotUse(UUID(int=2), -5))
    assert reverse_uses(uses) == (LotUse(UUID(int=1), -30), LotUse(UUID(int=2), 5))
