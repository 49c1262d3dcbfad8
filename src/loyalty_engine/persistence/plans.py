"""What members have of plans, as rows and back again."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.memberships.membership import Membership, Paid, Payment

Raw = Mapping[str, Any]


def read_plans(text: str) -> dict[str, Membership]:
    """Turn what ``read_plans_v7`` returned into what a member has, by plan."""
    return {raw["plan"]: _read(raw) for raw in orjson.loads(text)}


def show_memberships(part: Changes) -> Iterator[tuple[UUID, str, str]]:
    """Yield what an operation made of memberships: the member, the plan, and the rest as JSON."""
    versions = {guard.after.id: guard.after.version for guard in (part.member, part.other) if guard is not None}
    for move in part.plans:
        shown = {"version": versions[move.member_id], **_show(move.after)}
        yield move.member_id, move.plan, orjson.dumps(shown).decode()


def _show(held: Membership) -> dict[str, Any]:
    return {
        "since": held.since,
        "paid_until": held.paid_until,
        "ends_at": held.ends_at,
        "is_over": held.is_over,
        "cancelled_at": held.cancelled_at,
        "rest": {
            "anchor": held.anchor,
            "terms": held.terms,
            "is_trial": held.is_trial,
            "tried": held.tried,
            "paid": [
                [paid.payment.number, paid.payment.amount, paid.payment.paid_at, paid.since, paid.until]
                for paid in held.paid
            ],
        },
    }


def _read(raw: Raw) -> Membership:
    rest = raw["rest"]
    return Membership(
        since=datetime.fromisoformat(raw["since"]),
        paid_until=datetime.fromisoformat(raw["paid_until"]),
        ends_at=datetime.fromisoformat(raw["ends_at"]),
        anchor=datetime.fromisoformat(rest["anchor"]),
        terms=rest["terms"],
        is_trial=rest["is_trial"],
        tried=rest["tried"],
        cancelled_at=None if raw["cancelled_at"] is None else datetime.fromisoformat(raw["cancelled_at"]),
        is_over=raw["is_over"],
        paid=tuple(_read_paid(*each) for each in rest["paid"]),
    )


def _read_paid(number: str, amount: int, *moments: str) -> Paid:
    paid_at, since, until = map(datetime.fromisoformat, moments)
    return Paid(Payment(number, amount, paid_at), since, until)
