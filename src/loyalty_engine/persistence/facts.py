"""From gathered rows to facts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from loyalty_engine.core.engine.facts import Earlier, Facts, KnownHold, MemberState, WaitingReturn
from loyalty_engine.core.engine.requests import Profile
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.referrals.state import Referral
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.persistence.asks import Ask, Known
from loyalty_engine.persistence.codes import read_known_codes, read_known_pools
from loyalty_engine.persistence.order_changes import read_goods
from loyalty_engine.persistence.orders import read_line
from loyalty_engine.persistence.plans import read_plans
from loyalty_engine.persistence.referrals import Brought
from loyalty_engine.persistence.subjects import (
    NO_SUBJECT,
    SubjectFacts,
    read_hold,
    read_known_order,
    read_lot,
    read_lots,
    read_moment,
    read_subject,
)
from loyalty_engine.persistence.tiers import read_earned, read_tiers

Row = Mapping[str, Any]


def read_gathered(row: Row, ask: Ask, asks: int, *, brought: Brought, joined: Brought) -> tuple[Known, Facts]:
    """Turn one row of ``gather_v8`` for one of so many ``asks``, with what ``_v5`` reads, into what is known of the caller and
    the request's facts.

    ``brought`` is what the row tells of who brought its member, ``joined`` what that of the first ask does, if this one is
    about the second member.
    """
    subject = read_subject(orjson.loads(row["subject"]), ask.subject) if ask.subject is not None else NO_SUBJECT
    lots = [*subject.lots, *_read_touched(row)] if ask.subject is not None else []
    if joined.lots and row["member_id"] is not None:
        lots = [*joined.lots_of(row["member_id"]), *lots]
    order = orjson.loads(row["known_order"]) if row["known_order"] is not None else None
    return Known(row["generation"], row["revision"]), Facts(
        member=_read_member(row, lots) if row["version"] is not None else None,
        earlier=_read_earlier(row["earlier_hash"], row["earlier_id"], row["earlier"])
        if row["earlier_hash"] is not None
        else None,
        order=read_known_order(order, row["order_hash"] or b"") if order is not None else None,
        redemption=subject.redemption,
        owners=_read_owners(row["owners"]) if row["owners"] is not None else {},
        counters=orjson.loads(row["shared"]) if row["shared"] is not None else {},
        marked_by=row["marked_by"],
        returned=subject.returned,
        waiting=_read_waiting(row["waiting"]) if row["waiting"] is not None else (),
        hold=_read_ending(row, subject.hold) if subject.hold is not None else None,
        reversed=subject.operation,
        same_number=subject.same_number,
        codes=read_known_codes(row["codes"]) if row["codes"] is not None else {},
        reservation=subject.reservation,
        pools=read_known_pools(row["pools"], ask.codes_among(asks)) if row["pools"] is not None else {},
        referral=_choose_referral(ask, brought, subject) if brought.referrals else None,
        ties=brought.ties,
    )


def read_plain(row: Row) -> tuple[Known, Facts]:
    """Turn one row of ``gather_plain_v9`` into what is known of the caller and the request's facts."""
    known = Known(row["generation"], row["revision"])
    member = None
    if row["version"] is not None:
        member = _member(row, {fields[0]: Balance(*fields[1:]) for fields in row["balances"]})
    earlier, numbered = row["earlier"], row["numbered"]
    if earlier is None and numbered is None:
        return known, Facts(member)
    facts = Facts(member, _read_earlier(*earlier) if earlier is not None else None)
    return known, facts if numbered is None else _with_number(facts, *numbered)


def _with_number(facts: Facts, request_hash: bytes, order: str | None, waiting: str | None) -> Facts:
    """Return the facts with what already has the order's number: an order, or returns that wait for it."""
    return replace(
        facts,
        order=read_known_order(orjson.loads(order), request_hash) if order is not None else None,
        waiting=_read_waiting(waiting) if waiting is not None else (),
    )


def _choose_referral(ask: Ask, brought: Brought, subject: SubjectFacts) -> Referral | None:
    """Return who brought the member, as far as it matters; requests about two members leave that alone."""
    reverses = subject.operation
    if ask.referral is None or (reverses is not None and reverses.other_member_id is not None):
        return None
    proofs = {known.id for known in subject.returned.values()}
    return brought.choose(ask.referral.referral_id, proofs if reverses is None else {reverses.id})


def _read_member(row: Row, subjects: Iterable[Lot]) -> MemberState:
    return _member(
        row,
        _read_balances(row["balances"]),
        subjects,
        profile=read_profile(orjson.loads(row["profile"])) if row["profile"] else None,
        history=tuple(_read_past(*raw) for raw in orjson.loads(row["history"])) if row["history"] else (),
        merged_into=row["merged_into"],
        tiers=read_tiers(row["tiers"]) if row["tiers"] is not None else {},
        earned=read_earned(row["earned"]) if row["earned"] is not None else {},
        plans=read_plans(row["plans"]) if row["plans"] is not None else {},
    )


def _member(row: Row, balances: Mapping[str, Balance], subjects: Iterable[Lot] = (), **more: Any) -> MemberState:  # noqa: ANN401 - its other fields
    """Return the member of a row of any gather, with ``more`` that only some of them read."""
    counters, lots = row["counters"], row["lots"]
    holds = orjson.loads(row["holds"]) if row["holds"] else ()
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
        counters=orjson.loads(counters) if counters else {},
        balances=balances,
        lots=() if lots is None else _join_lots(lots, [*(lot for raw in holds for lot in read_lots(raw)), *subjects]),
        holds=tuple(map(read_hold, holds)),
        sees_lots=lots is not None,
        due_at=row["due_at"],
        **more,
    )


def _join_lots(open_lots: Sequence[Sequence[Any]], others: Sequence[Lot]) -> tuple[Lot, ...]:
    """Return a member's open lots, and those that a hold or the request is about even if they are empty.

    Where one is among them twice, the later knows more of it.
    """
    lots = [Lot(*fields[1:]) for fields in open_lots]
    if not others:
        return tuple(lots)
    return tuple({lot.id: lot for lot in (*lots, *others)}.values())


def _read_ending(row: Row, hold: KnownHold) -> KnownHold:
    """Return the hold that the request is about, with whether it ran out."""
    return replace(hold, has_expired=row["ending"] == "time_passed")


def _read_touched(row: Row) -> list[Lot]:
    """Return the member's lots that what the request is about touched, also empty ones."""
    if row["touched"] is None:
        return []
    lots = [read_lot(raw) for raw in orjson.loads(row["touched"])]
    return [lot for lot in lots if lot.member_id == row["member_id"]]


def _read_balances(text: str | None) -> dict[str, Balance]:
    rows = orjson.loads(text) if text else ()
    return {
        wallet: Balance(available, pending, held, debt, read_moment(expires_at))
        for wallet, available, pending, held, debt, expires_at in rows
    }


def _read_past(placed_at: str, spend: int, lines: Sequence[Mapping[str, Any]] | None) -> PastOrder:
    return PastOrder(datetime.fromisoformat(placed_at), spend, tuple(read_line(line) for line in lines or ()))


def read_profile(raw: Mapping[str, Any]) -> Profile:
    """Turn a row of ``member_profile`` as JSON into a profile."""
    return Profile(
        name=raw["name"],
        birthday=date.fromisoformat(raw["birthday"]) if raw["birthday"] else None,
        attributes=raw["attributes"],
    )


def _read_earlier(request_hash: bytes, operation_id: UUID, outcome: str) -> Earlier:
    raw = orjson.loads(outcome)
    return Earlier(
        request_hash=request_hash,
        answer=raw["answer"],
        refusal_code=raw.get("code"),
        operation_id=operation_id,
    )


def _read_waiting(text: str) -> tuple[WaitingReturn, ...]:
    return tuple(
        WaitingReturn(
            UUID(operation), read_goods(goods), datetime.fromisoformat(returned), datetime.fromisoformat(until)
        )
        for operation, goods, returned, until in orjson.loads(text)
    )


def _read_owners(text: str) -> dict[Identity, UUID]:
    return {Identity(identity): UUID(member) for identity, member in orjson.loads(text).items()}
