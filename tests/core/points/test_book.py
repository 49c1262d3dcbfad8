from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.book import Book, Entries
from loyalty_engine.core.points.ledger import LotTerms
from loyalty_engine.core.points.lots import Lot, LotUse

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPERATION = UUID("01900000-0000-7000-8000-000000000000")
MEMBER = UUID("01900000-0000-7000-9000-000000000000")
OLD = UUID("01800000-0000-7000-8000-000000000001")
OLDER = UUID("01800000-0000-7000-8000-000000000002")
TERMS = LotTerms(funder="program", cost_micros=10_000, earned_at=NOW, available_at=NOW, expires_at=None)


def lot(lot_id: UUID, remaining: int, *, days_ago: int, amount: int = 100) -> Lot:
    earned_at = NOW - timedelta(days=days_ago)
    return Lot(lot_id, MEMBER, "points", amount, remaining, earned_at, earned_at, None, "program", 0, OLD)


def book(available: int = 0, debt: int = 0, *lots: Lot) -> Book:
    return Book(
        operation_id=OPERATION,
        member_id=MEMBER,
        seq=7,
        balances={"points": Balance(available=available, debt=debt)},
        lots=lots,
        now=NOW,
    )


def moves(of: Book) -> list[tuple[str, str, int]]:
    return [(posting.source, posting.destination, posting.amount) for posting in of.close().postings]


def remaining(of: Entries) -> dict[UUID, int]:
    return {lot_id: changed.remaining for lot_id, changed in of.lots_changed.items()}


def test_earning_issues_one_lot_with_its_terms() -> None:
    opened = book()
    opened.earn("points", 40, TERMS)

    entries = opened.close()

    assert moves(opened) == [("issued", "available", 40)]
    assert entries.balances == {"points": Balance(available=40)}
    (new,) = entries.lots
    assert (new.amount, new.remaining, new.funder, new.cost_micros, new.operation_id) == (
        40,
        40,
        "program",
        10_000,
        OPERATION,
    )
    assert (entries.seq, entries.postings[0].seq, entries.postings[0].lot_id) == (8, 8, new.id)
    assert entries.uses == ()


def test_ids_follow_from_the_operation_in_the_order_of_writing() -> None:
    opened = book()
    first = opened.earn("points", 1, TERMS)
    second = opened.earn("stamps", 1, TERMS)

    ids = [first.id, *(posting.id for posting in opened.close().postings), second.id]

    assert sorted(ids) == [nth(OPERATION, n) for n in (1, 2, 3, 4)]


def test_spending_takes_from_the_oldest_lots() -> None:
    opened = book(70, 0, lot(OLD, 30, days_ago=1), lot(OLDER, 40, days_ago=2))

    uses = opened.spend("points", 50)

    entries = opened.close()
    assert uses == entries.uses == (LotUse(OLDER, 40), LotUse(OLD, 10))
    assert remaining(entries) == {OLDER: 0, OLD: 20}
    assert moves(opened) == [("available", "redeemed", 50)]
    assert entries.postings[0].lot_id is None
    assert entries.postings[0].after == entries.balances["points"] == Balance(available=20)


def test_spending_from_one_lot_names_it() -> None:
    opened = book(30, 0, lot(OLD, 30, days_ago=1))
    opened.spend("points", 30)
    assert opened.close().postings[0].lot_id == OLD


def test_spending_never_touches_another_wallet() -> None:
    opened = book(30, 0, lot(OLD, 30, days_ago=1))
    with pytest.raises(AssertionError, match="lots cover 0 of 1 points"):
        opened.spend("stamps", 1)


def test_earning_pays_a_debt_first() -> None:
    opened = book(0, 25)
    opened.earn("points", 40, TERMS)

    entries = opened.close()

    assert moves(opened) == [("issued", "available", 40), ("available", "debt", 25)]
    assert entries.balances == {"points": Balance(available=15)}
    assert [(new.amount, new.remaining) for new in entries.lots] == [(40, 15)]
    assert entries.uses == (LotUse(entries.lots[0].id, 25),)
    assert entries.lots_changed == {}
    assert [posting.seq for posting in entries.postings] == [8, 9]


def test_earning_less_than_the_debt_leaves_the_rest_owed() -> None:
    opened = book(0, 25)
    opened.earn("points", 10, TERMS)
    assert opened.close().balances == {"points": Balance(debt=15)}


def test_owing_adds_a_debt_without_touching_lots() -> None:
    opened = book(0, 5)
    opened.owe("points", 20, destination="adjusted")

    entries = opened.close()

    assert moves(opened) == [("debt", "adjusted", 20)]
    assert entries.balances == {"points": Balance(debt=25)}
    assert (entries.lots, entries.lots_changed, entries.uses) == ((), {}, ())


def test_restoring_puts_points_back_into_their_lots() -> None:
    opened = book(0, 0, lot(OLD, 0, days_ago=1), lot(OLDER, 60, days_ago=2))

    restored = opened.restore("points", [LotUse(OLD, 100), LotUse(OLDER, 40)])

    entries = opened.close()
    assert restored == (OLD, OLDER)
    assert moves(opened) == [("redeemed", "available", 140)]
    assert remaining(entries) == {OLD: 100, OLDER: 100}
    assert entries.uses == (LotUse(OLD, -100), LotUse(OLDER, -40))


def test_restoring_pays_a_debt_first() -> None:
    opened = book(0, 30, lot(OLD, 0, days_ago=1))

    opened.restore("points", [LotUse(OLD, 100)])

    entries = opened.close()
    assert moves(opened) == [("redeemed", "available", 100), ("available", "debt", 30)]
    assert entries.balances == {"points": Balance(available=70)}
    assert remaining(entries) == {OLD: 70}
    assert entries.uses == (LotUse(OLD, -70),)


def test_what_was_put_back_and_taken_again_leaves_no_use() -> None:
    opened = book(0, 100, lot(OLD, 0, days_ago=1))
    opened.restore("points", [LotUse(OLD, 100)])
    assert opened.close().uses == ()


def test_a_book_without_movements_is_empty() -> None:
    entries = book(30).close()
    assert (entries.seq, dict(entries.balances), entries.postings, entries.lots, entries.uses) == (7, {}, (), (), ())
