"""A look leaves the balances that the operation then leaves, whatever its lots do."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.ledger import LotTerms
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.points.tally import Tally

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPERATION = UUID("01900000-0000-7000-8000-000000000000")
MEMBER = UUID("01900000-0000-7000-9000-000000000000")
OLD = UUID("01800000-0000-7000-8000-000000000001")

MOMENTS = st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))
TERMS = st.builds(LotTerms, st.just("program"), st.just(0), MOMENTS, st.none() | MOMENTS, st.none() | MOMENTS)
COMING = st.lists(st.tuples(st.sampled_from(["points", "stamps"]), st.integers(1, 9), TERMS), max_size=4)


def days(count: int) -> datetime:
    return NOW + timedelta(days=count)


@given(st.integers(-20, 20), st.integers(0, 20), COMING)
def test_a_tally_leaves_the_balances_of_the_book(
    points: int, paid: int, coming: list[tuple[str, int, LotTerms]]
) -> None:
    balances = {"points": Balance(max(points, 0), debt=max(-points, 0))}
    lots = [Lot(OLD, MEMBER, "points", points, points, NOW, NOW, None, "program", 0, OLD)] if points > 0 else []
    book = Book(operation_id=OPERATION, member_id=MEMBER, seq=0, balances=balances, lots=lots, now=NOW)
    tally = Tally(balances, NOW)
    for ledger in (book, tally):
        if 0 < paid <= points:
            ledger.pay("points", paid)
        for wallet, amount, terms in coming:
            ledger.earn(wallet, amount, terms)

    assert tally.changed == book.close().balances


def test_points_that_come_late_pay_a_debt_and_are_gone() -> None:
    tally = Tally({"points": Balance(debt=3)}, NOW)
    tally.earn("points", 5, LotTerms("program", 0, days(-2), days(-2), days(-1)))

    assert tally.changed == {"points": Balance()}


def test_what_is_left_of_new_points_can_expire_at_once() -> None:
    tally = Tally({"points": Balance(available=4, debt=2)}, NOW)
    lot = tally.earn("points", 5, LotTerms("program", 0, NOW, NOW, None))
    tally.expire_rest(lot)

    assert tally.changed == {"points": Balance(available=4)}
