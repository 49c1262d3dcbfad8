"""From what gather read of earlier acts, orders and returns to facts about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.engine.facts import (
    Earlier,
    KnownHold,
    KnownOperation,
    KnownOrder,
    KnownRedemption,
    KnownReservation,
)
from loyalty_engine.core.engine.requests import OrderRef
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.holds import Hold
from loyalty_engine.core.points.lots import Lot, LotUse
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.points.postings import Posting
from loyalty_engine.core.returns.state import UNTOUCHED
from loyalty_engine.persistence.asks import Subject
from loyalty_engine.persistence.codes import read_code_memory
from loyalty_engine.persistence.order_changes import read_state
from loyalty_engine.persistence.orders import read_memory, read_order, read_promoted
from loyalty_engine.persistence.reservations import read_reservation

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What is known of a request's subject. ``lots`` are those that it is about, also empty ones, of the asked member."""

    redemption: KnownRedemption | None = None
    returned: Mapping[OrderRef, KnownOrder] = field(default_factory=dict)
    same_number: Earlier | None = None
    hold: KnownHold | None = None
    operation: KnownOperation | None = None
    reservation: KnownReservation | None = None
    lots: tuple[Lot, ...] = ()


NO_SUBJECT: Final = SubjectFacts()
"""What is known where a request is about no earlier act."""


def read_subject(raw: Raw, subject: Subject) -> SubjectFacts:
    """Turn what ``read_subject_v6`` returned into facts."""
    operation, number, reservation = raw["operation"], raw["number"], raw["reservation"]
    found = zip(subject.returned, raw["returned"] or (), strict=True) if subject.returned else ()
    returned = [(asked.order, known) for asked, known in found if known is not None]
    lots = [*read_lots(raw["redemption"]), *read_lots(raw["hold"])]
    lots += [lot for _, known in returned for lot in read_lots(known["life"])]
    if reservation is not None:
        lots += read_lots(reservation["hold"])
    if raw["lot"] is not None:
        lots.append(read_lot(raw["lot"]))
    if operation is not None:
        second = read_uuid(operation["other_member_id"])
        lots += [lot for lot in read_lots(operation) if (lot.member_id == second) == subject.is_other]
    return SubjectFacts(
        redemption=_read_redemption(raw["redemption"]) if raw["redemption"] is not None else None,
        returned={order: read_known_order(known) for order, known in returned},
        same_number=_read_number(number) if number is not None else None,
        hold=_read_known_hold(raw["hold"]) if raw["hold"] is not None else None,
        operation=_read_operation(operation) if operation is not None else None,
        reservation=_read_known_reservation(reservation) if reservation is not None else None,
        lots=tuple(lots),
    )


def read_known_order(raw: Raw, request_hash: bytes = b"") -> KnownOrder:
    """Turn what ``read_order_v6`` returned into a known order."""
    known = KnownOrder(
        id=UUID(raw["id"]),
        earlier=Earlier(request_hash, answer=raw["answer"], operation_id=UUID(raw["id"])),
        member_id=read_uuid(raw["member_id"]),
        claimed_by=read_uuid(raw["claimed_by"]),
        parked_for=Identity(raw["parked_for"]) if raw["parked_for"] else None,
        parked_owner=read_uuid(raw["parked_owner"]),
    )
    return known if raw["life"] is None else _with_life(known, raw["body"], raw["life"])


def _with_life(known: KnownOrder, body: Raw, life: Raw) -> KnownOrder:
    state = read_state(life["state"]) if life["state"] is not None else UNTOUCHED
    uses = _read_uses(life["paid"])
    wallets = {lot.id: lot.wallet for lot in read_lots(life)}
    return KnownOrder(
        id=known.id,
        earlier=known.earlier,
        member_id=known.member_id,
        claimed_by=known.claimed_by,
        parked_for=known.parked_for,
        parked_owner=known.parked_owner,
        order=read_order(body),
        revision=life["revision"],
        earned=state.earned if state.earned is not None else _earned(known, body, life),
        promoted=state.promoted if state.promoted is not None else read_promoted(body["rest"].get("promoted", ())),
        codes=read_code_memory(body["rest"].get("codes", ())),
        payment=PaidPoints(wallets[uses[0].lot_id], sum(use.amount for use in uses), body["paid_with_points"])
        if uses
        else None,
        uses=uses,
        changes=life["number"],
        state=state,
        own=_read_ids(life["own"]),
        graces=_read_ids(life["graces"]),
    )


def _earned(known: KnownOrder, body: Raw, life: Raw) -> tuple[RuleMemory, ...]:
    """Return what the order's rules remember. Of orders older than that the answer tells what they gave."""
    if life["claim"] is not None:
        memory, answer = life["claim_earned"], life["claim_answer"]
    else:
        memory, answer = body["rest"].get("earned"), known.earlier.answer
    if memory is not None:
        return read_memory(memory)
    effects = orjson.loads(answer).get("effects", ()) if answer else ()
    return tuple(RuleMemory(effect["rule"], effect["points"]) for effect in effects if effect["type"] == "grant_points")


def _read_redemption(raw: Raw) -> KnownRedemption:
    uses = _read_uses(raw["uses"])
    return KnownRedemption(
        id=UUID(raw["id"]),
        member_id=UUID(raw["member_id"]),
        wallet=raw["wallet"],
        points=sum(use.amount for use in uses),
        uses=uses,
        cancelled_by=read_uuid(raw["cancelled_by"]),
    )


def _read_number(raw: Raw) -> Earlier:
    return Earlier(bytes.fromhex(raw["hash"]), answer=raw["answer"], operation_id=UUID(raw["id"]))


def read_hold(raw: Raw) -> Hold:
    """Turn what ``read_hold_v3`` returned into the hold."""
    expires_at = datetime.fromisoformat(raw["expires_at"])
    return Hold(UUID(raw["id"]), raw["wallet"], raw["points"], expires_at, _read_uses(raw["uses"]))


def _read_known_hold(raw: Raw) -> KnownHold:
    return KnownHold(read_hold(raw), UUID(raw["member_id"]), read_uuid(raw["ended_by"]), raw["captured"])


def _read_known_reservation(raw: Raw) -> KnownReservation:
    hold = _read_known_hold(raw["hold"]) if raw["hold"] is not None else None
    return KnownReservation(
        read_reservation(raw),
        read_uuid(raw["member_id"]),
        read_uuid(raw["ended_by"]),
        raw["how"],
        replace(hold, has_expired=raw["hold_ending"] == "time_passed") if hold is not None else None,
    )


def _read_operation(raw: Raw) -> KnownOperation:
    orders, spend = raw["bought"] or (0, 0)
    return KnownOperation(
        id=UUID(raw["id"]),
        kind=raw["kind"],
        member_id=read_uuid(raw["member_id"]),
        other_member_id=read_uuid(raw["other_member_id"]),
        reversed_by=read_uuid(raw["reversed_by"]),
        postings=tuple(_read_posting(posting) for posting in raw["postings"] or ()),
        uses=_read_uses(raw["uses"]),
        own=_read_ids(raw["own"]),
        detail=raw["facts"] or {},
        orders=orders,
        spend=spend,
    )


def _read_posting(raw: Raw) -> Posting:
    return Posting(
        id=UUID(raw["id"]),
        operation_id=UUID(raw["operation_id"]),
        member_id=UUID(raw["member_id"]),
        seq=raw["seq"],
        wallet=raw["wallet"],
        source=raw["source"],
        destination=raw["destination"],
        amount=raw["amount"],
        lot_id=read_uuid(raw["lot_id"]),
        after=Balance(raw["available"], raw["pending"], raw["held"], raw["debt"]),
    )


def read_lots(raw: Raw | None) -> list[Lot]:
    """Return the lots that something is about."""
    return [] if raw is None else [read_lot(lot) for lot in raw["lots"] or ()]


def read_lot(raw: Raw) -> Lot:
    """Turn a row of ``lot`` as JSON into a lot."""
    return Lot(
        id=UUID(raw["id"]),
        member_id=UUID(raw["member_id"]),
        wallet=raw["wallet"],
        amount=raw["amount"],
        remaining=raw["remaining"],
        earned_at=datetime.fromisoformat(raw["earned_at"]),
        available_at=read_moment(raw["available_at"]),
        expires_at=read_moment(raw["expires_at"]),
        funder=raw["funder"],
        cost_micros=raw["cost_micros"],
        operation_id=UUID(raw["operation_id"]),
        expired=raw["expired"] or 0,
        carries_on=read_uuid(raw.get("carries_on")),
    )


def read_moment(text: str | None) -> datetime | None:
    """Turn an instant as JSON into one."""
    return None if text is None else datetime.fromisoformat(text)


def read_uuid(text: str | None) -> UUID | None:
    """Turn an id as JSON into one."""
    return None if text is None else UUID(text)


def _read_uses(raw: Iterable[Sequence[Any]] | None) -> tuple[LotUse, ...]:
    return tuple(LotUse(UUID(lot_id), amount) for lot_id, amount in raw or ())


def _read_ids(raw: Iterable[str] | None) -> tuple[UUID, ...]:
    return tuple(UUID(text) for text in raw or ())
