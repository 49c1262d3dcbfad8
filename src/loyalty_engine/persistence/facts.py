"""From gathered rows to facts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from loyalty_engine.core.engine.facts import Earlier, Facts, KnownOrder, KnownRedemption, MemberState
from loyalty_engine.core.engine.requests import Profile
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot, LotUse
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.persistence.asks import Known
from loyalty_engine.persistence.orders import read_line, read_order

Row = Mapping[str, Any]


def read_gathered(row: Row) -> tuple[Known, Facts]:
    """Turn one row of ``gather_v2`` into what is known of the caller and the facts of its request."""
    return Known(row["generation"], row["revision"]), Facts(
        member=_read_member(row) if row["version"] is not None else None,
        earlier=_read_earlier(row) if row["earlier_hash"] is not None else None,
        order=_read_known_order(row) if row["known_order"] is not None else None,
        redemption=_read_redemption(row) if row["redemption"] is not None else None,
        owners=_read_owners(row["owners"]) if row["owners"] is not None else {},
        counters=orjson.loads(row["shared"]) if row["shared"] is not None else {},
        marked_by=row["marked_by"],
    )


def _read_member(row: Row) -> MemberState:
    return MemberState(
        id=row["member_id"],
        version=row["version"],
        seq=row["seq"],
        status=row["status"],
        booked_at=row["booked_at"],
        orders=row["orders"],
        spend=row["spend"],
        first_order_at=row["first_order_at"],
        last_order_at=row["last_order_at"],
        enrolled_at=row["enrolled_at"],
        counters=orjson.loads(row["counters"]) if row["counters"] else {},
        balances={x[0]: Balance(*x[1:]) for x in orjson.loads(row["balances"])} if row["balances"] else {},
        lots=_read_lots(row),
        profile=read_profile(orjson.loads(row["profile"])) if row["profile"] else None,
        history=tuple(_read_past(*raw) for raw in orjson.loads(row["history"])) if row["history"] else (),
    )


def _read_past(placed_at: str, spend: int, lines: Sequence[Mapping[str, Any]] | None) -> PastOrder:
    return PastOrder(datetime.fromisoformat(placed_at), spend, tuple(read_line(line) for line in lines or ()))


def _read_lots(row: Row) -> tuple[Lot, ...]:
    """Open lots, and those that the redemption in question emptied: its points go back there."""
    lots = orjson.loads(row["lots"]) if row["lots"] else []
    if row["redemption"] is not None:
        lots += orjson.loads(row["redemption"])["emptied"] or []
    return tuple(_read_lot(raw) for raw in lots)


def _read_lot(raw: Mapping[str, Any]) -> Lot:
    return Lot(
        id=UUID(raw["id"]),
        member_id=UUID(raw["member_id"]),
        wallet=raw["wallet"],
        amount=raw["amount"],
        remaining=raw["remaining"],
        earned_at=datetime.fromisoformat(raw["earned_at"]),
        available_at=datetime.fromisoformat(raw["available_at"]),
        expires_at=datetime.fromisoformat(raw["expires_at"]) if raw["expires_at"] else None,
        funder=raw["funder"],
        cost_micros=raw["cost_micros"],
        operation_id=UUID(raw["operation_id"]),
    )


def read_profile(raw: Mapping[str, Any]) -> Profile:
    """Turn a row of ``member_profile`` as JSON into a profile."""
    return Profile(
        name=raw["name"],
        birthday=date.fromisoformat(raw["birthday"]) if raw["birthday"] else None,
        attributes=raw["attributes"],
    )


def _read_earlier(row: Row) -> Earlier:
    raw = orjson.loads(row["earlier"])
    return Earlier(
        request_hash=row["earlier_hash"],
        answer=raw["answer"],
        refusal_code=raw.get("code"),
        operation_id=row["earlier_id"],
    )


def _read_known_order(row: Row) -> KnownOrder:
    raw = orjson.loads(row["known_order"])
    order_id = UUID(raw["id"])
    return KnownOrder(
        id=order_id,
        earlier=Earlier(request_hash=row["order_hash"] or b"", answer=raw["answer"], operation_id=order_id),
        member_id=_read_uuid(raw["member_id"]),
        claimed_by=_read_uuid(raw["claimed_by"]),
        parked_for=Identity(raw["parked_for"]) if raw["parked_for"] else None,
        parked_owner=_read_uuid(raw["parked_owner"]),
        order=read_order(raw["body"]) if raw["body"] else None,
    )


def _read_uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _read_redemption(row: Row) -> KnownRedemption:
    raw = orjson.loads(row["redemption"])
    uses = tuple(LotUse(UUID(lot_id), amount) for lot_id, amount in raw["uses"])
    return KnownRedemption(
        id=UUID(raw["id"]),
        member_id=UUID(raw["member_id"]),
        wallet=raw["wallet"],
        points=sum(use.amount for use in uses),
        uses=uses,
        cancelled_by=_read_uuid(raw["cancelled_by"]),
    )


def _read_owners(text: str) -> dict[Identity, UUID]:
    return {Identity(identity): UUID(member) for identity, member in orjson.loads(text).items()}
