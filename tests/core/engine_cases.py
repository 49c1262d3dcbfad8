"""Rulesets, members and requests for tests of the engine, in as few words as a test can bear."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Refused
from loyalty_engine.core.engine.facts import Earlier, Facts, KnownOrder, KnownRedemption, MemberState
from loyalty_engine.core.engine.requests import Actor, Call, PlaceOrder, RecordActivity, Redeem, Request
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.kernel.refusals import Refusal
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot, LotUse
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.program.document import Program as ProgramDocument
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.program.reading import parse_program
from loyalty_engine.core.rules.order import Line, Order, Receipt, ShopOrder

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
CARD: Final = Identity("card:1")
OTHER_CARD: Final = Identity("card:2")
MEMBER: Final = UUID("01900000-0000-7000-8000-00000000000a")
OTHER: Final = UUID("01900000-0000-7000-8000-00000000000b")
EARLIER: Final = UUID("01900000-0000-7000-8000-00000000000c")
LOT: Final = UUID("01900000-0000-7000-8000-00000000000d")

DOCUMENT: Final[dict[str, Any]] = {
    "version": 1,
    "program": {"name": "Cases", "currency": "EUR", "time_zone": "Europe/Berlin"},
    "attributes": {
        "member": {"vegan": {"type": "boolean"}, "since": {"type": "date"}},
        "order": {"slot": {"type": "text"}, "bags": {"type": "integer"}},
        "line": {"cup": {"type": "boolean"}, "litres": {"type": "decimal"}},
    },
    "wallets": [
        {
            "key": "points",
            "unit": "points",
            "redeem": {"points": 100, "amount": 100, "min_points": 10, "step": 5, "max_share": "50%"},
        },
        {"key": "cashback", "unit": "money", "redeem": {}},
        {"key": "stamps", "unit": "points"},
    ],
    "activities": [
        {
            "key": "survey",
            "once_per": "subject",
            "attributes": {"score": {"type": "integer"}, "weight": {"type": "decimal"}},
        },
        {"key": "own_cup", "once_per": "day"},
    ],
    "earning_rules": [
        {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {
            "key": "coffee",
            "wallet": "points",
            "when": {"lines": {"category": ["coffee"]}, "count": {"at_least": 1}},
            "earn": {"kind": "fixed", "points": 20},
        },
        {
            "key": "back",
            "wallet": "cashback",
            "earn": {"kind": "percent", "rate": "2%", "of": {"category": ["tea"]}},
            "rounding": "nearest",
        },
        {
            "key": "cup",
            "wallet": "stamps",
            "earn": {"kind": "per_amount", "points": 1, "per": 1, "of": {"attributes": {"cup": True}}},
        },
        {"key": "thanks", "wallet": "points", "activity": "survey", "earn": {"kind": "fixed", "points": 30}},
    ],
}
"""One point per euro, 20 for coffee, 2 % back on tea, a stamp for each cent in an own cup, 30 points for a survey; points pay half of an order in steps of 5 from 10 on."""


@cache
def ruleset(unknown_card: str = "enrol", revision: int = 3) -> Ruleset:
    return ruleset_of(revision=revision, program={**DOCUMENT["program"], "unknown_card": unknown_card})


def ruleset_of(*, revision: int = 3, **parts: Any) -> Ruleset:  # noqa: ANN401 - parts of the document
    """Compile the document with some of its parts replaced."""
    program = parse_program({**DOCUMENT, **parts})
    assert isinstance(program, ProgramDocument), program
    return compile_ruleset(split(program), revision, find_zone=ZoneInfo)


def member(points: int = 0, *, debt: int = 0, lots: bool = True, **fields: Any) -> MemberState:  # noqa: ANN401 - fields of MemberState
    """Return a member whose points lie in one lot."""
    known = {
        "id": MEMBER,
        "version": 4,
        "seq": 9,
        "status": "active",
        "booked_at": NOW - timedelta(days=1),
        "balances": {"points": Balance(available=points, debt=debt)} if points or debt else {},
        "lots": (lot(points),) if points and lots else (),
    }
    return MemberState(**{**known, **fields})


def lot(remaining: int, lot_id: UUID = LOT, *, amount: int | None = None, days_ago: int = 10) -> Lot:
    earned_at = NOW - timedelta(days=days_ago)
    return Lot(
        lot_id, MEMBER, "points", amount or remaining, remaining, earned_at, earned_at, None, "program", 10_000, EARLIER
    )


def call(n: int = 0, *, key: str | None = "k", digest: bytes = b"h", **actor: Any) -> Call:  # noqa: ANN401 - fields of Actor
    """Return the call of an operation whose id grows with ``n``."""
    operation_id = UUID(int=UUID("01910000-0000-7000-8000-000000000000").int + (n << 64))
    return Call(operation_id, Actor(**{"client_id": 1, **actor}), digest, key if n == 0 or key is None else f"{key}{n}")


def line(amount: int, **fields: Any) -> Line:  # noqa: ANN401 - fields of Line
    return Line(**{"id": "1", "quantity": SCALE, **fields, "amount": amount})


def order(*lines: Line, **fields: Any) -> Order:  # noqa: ANN401 - fields of Order
    known = {"reference": ShopOrder("W-1"), "placed_at": NOW - timedelta(hours=1), "currency": "EUR", **fields}
    return Order(lines=lines or (line(1000),), **known)


def receipt(**fields: Any) -> Receipt:  # noqa: ANN401 - fields of Receipt
    known = {"location": "store-1", "till": "1", "business_date": date(2026, 6, 1), "number": "0001"}
    return Receipt(**{**known, **fields})


def place(
    *lines: Line,
    by: UUID | Identity | None = MEMBER,
    pay: int | None = 0,
    n: int = 0,
    **fields: Any,  # noqa: ANN401 - fields of Order
) -> PlaceOrder:
    """Return an order; ``pay`` 0 is none, None the most."""
    payment = None if pay == 0 else Payment("points", pay)
    return PlaceOrder(call(n), by, order(*lines, **fields), payment)


def redeem(points: int, *, wallet: str = "points", n: int = 0) -> Redeem:
    return Redeem(call(n), MEMBER, wallet, points)


def report(kind: str = "survey", *, n: int = 0, **fields: Any) -> RecordActivity:  # noqa: ANN401 - fields of RecordActivity
    """Return an activity; a survey unless it is something else."""
    known = {"member": MEMBER, "occurred_at": NOW - timedelta(hours=1), "subject": "s-1", **fields}
    return RecordActivity(call(n), kind=kind, **known)


def known_order(digest: bytes = b"other", **fields: Any) -> KnownOrder:  # noqa: ANN401 - fields of KnownOrder
    known = {"id": EARLIER, "earlier": Earlier(digest, '{"first": true}', operation_id=EARLIER), "order": order()}
    return KnownOrder(**{"member_id": None, "claimed_by": None, **known, **fields})


def known_redemption(*uses: LotUse, cancelled_by: UUID | None = None) -> KnownRedemption:
    points = sum(use.amount for use in uses)
    return KnownRedemption(EARLIER, MEMBER, "points", points, uses, cancelled_by)


def accept(request: Request, facts: Facts, *, rules: Ruleset | None = None, now: datetime = NOW) -> Changes:
    decision = decide(rules or ruleset(), facts, request, now)
    assert isinstance(decision, Accepted), decision
    return decision.changes


def refuse(request: Request, facts: Facts, *, rules: Ruleset | None = None, now: datetime = NOW) -> Refusal:
    decision = decide(rules or ruleset(), facts, request, now)
    assert isinstance(decision, Refused), decision
    return decision.refusal


def moves(changes: Changes) -> list[tuple[str, str, str, int]]:
    """Return the postings: wallet, source, destination, amount."""
    assert changes.entries is not None
    return [(p.wallet, p.source, p.destination, p.amount) for p in changes.entries.postings]


def after(changes: Changes) -> MemberState:
    assert changes.member is not None
    return changes.member.after


def with_member(state: MemberState | None, **fields: Any) -> Facts:  # noqa: ANN401 - fields of Facts
    return replace(Facts(member=state), **fields)
