"""The rows that few operations bring, in the one form that they share: the composite ``rare_v1``."""

from collections.abc import Iterator

import orjson

from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.engine.fold import Write
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.persistence.order_changes import show_goods, show_state
from loyalty_engine.persistence.orders import show_lines, show_memory
from loyalty_engine.persistence.plans import show_memberships
from loyalty_engine.persistence.referrals import show_referral
from loyalty_engine.persistence.reservations import show_reservation
from loyalty_engine.persistence.tiers import show_moves

Row = tuple[object, ...]


def rare_rows(n: int, write: Write) -> Iterator[Row]:
    """Yield the rare rows of a write; each begins with the write's number."""
    for part in write.parts:
        if _is_plain(part):
            continue
        yield from _about_member(n, part)
        yield from _about_order(n, part)
        yield from _about_holds(n, part)
        yield from _about_number(n, part)
        yield from _about_reservation(n, part)
        yield from _about_codes(n, part)
        for member_id, tier_set, data in show_moves(part):
            yield (n, "tier", member_id, part.operation.id, None, tier_set, None, data)
        for member_id, plan, data in show_memberships(part):
            yield (n, "plan", member_id, part.operation.id, None, plan, None, data)
        yield from _about_friends(n, part)
    if any(part.matched or part.dropped for part in write.parts):
        yield from _matched(n, write)
        yield from _dropped(n, write)
        yield from awaited_rows(n, write)
    yield from _referrals(n, write)
    yield from _merged(n, write)


def awaited_rows(n: int, write: Write) -> Iterator[Row]:
    """Yield the rows by which orders take their numbers over from returns that need not wait any longer."""
    for part in write.parts:
        if part.order is not None:
            yield _row(n, "awaited", part, name=part.order.natural_key, data=part.operation.booked_at.isoformat())


def _is_plain(part: Changes) -> bool:
    """Tell quickly that a part, like most, brings nothing rare; what names an earlier operation or order does."""
    order, entries = part.order, part.entries
    return not (
        part.identities_added
        or part.identities_removed
        or part.profile is not None
        or part.note is not None
        or part.operation.reverses is not None
        or part.claimed_order_id is not None
        or part.order_change is not None
        or part.natural_key is not None
        or part.waiting is not None
        or part.matched
        or part.dropped
        or part.reservation is not None
        or part.reservation_end is not None
        or part.codes
        or part.tiers
        or part.plans
        or part.fingerprints
        or part.codes_withdrawn
        or (order is not None and order.parked_for is not None)
        or (entries is not None and (entries.holds or entries.hold_ends))
    )


def _about_member(n: int, part: Changes) -> Iterator[Row]:
    for identity in part.identities_removed:
        yield _row(n, "identity_removed", part, name=identity)
    for identity in part.identities_added:
        yield _row(n, "identity_added", part, name=identity)
    profile = part.profile
    if profile is not None:
        data = orjson.dumps(dict(profile.attributes)).decode()
        yield _row(n, "profile", part, name=profile.name, day=profile.birthday, data=data)
    if part.note is not None:
        yield _row(n, "note", part, name=part.note)
    if part.operation.reverses is not None:
        yield _row(n, "reversal", part, subject=part.operation.reverses)


def _about_order(n: int, part: Changes) -> Iterator[Row]:
    if part.order is not None and part.order.parked_for is not None:
        yield _row(n, "parked", part, subject=part.order.id, name=part.order.parked_for)
    if part.claimed_order_id is not None:
        data = orjson.dumps(show_memory(part.claimed)).decode() if part.claimed else None
        yield _row(n, "claim", part, subject=part.claimed_order_id, data=data)
    change = part.order_change
    if change is not None:
        shown = {
            "number": change.number,
            "spend": change.spend,
            "is_gone": change.state.is_gone,
            "lines": show_lines(change.lines),
            "state": show_state(change.state),
        }
        yield _row(n, "order_change", part, subject=change.order_id, data=orjson.dumps(shown).decode())


def _about_holds(n: int, part: Changes) -> Iterator[Row]:
    if part.entries is None:
        return
    for hold in part.entries.holds:
        shown = {"points": hold.points, "expires_at": hold.expires_at}
        yield _row(n, "hold", part, subject=hold.id, name=hold.wallet, data=orjson.dumps(shown).decode())
    for end in part.entries.hold_ends:
        yield _row(n, "hold_end", part, subject=end.hold_id, name=str(end.captured))


def _about_number(n: int, part: Changes) -> Iterator[Row]:
    call: Call = part.operation.call
    if part.natural_key is not None:
        yield _row(n, "number", part, name=part.natural_key, data=call.request_hash.hex())
    if part.waiting is not None:
        shown = {
            "goods": show_goods(part.waiting.goods),
            "returned_at": part.operation.effective_at,
            "waits_until": part.waiting.waits_until,
        }
        yield _row(n, "waiting", part, name=part.waiting.natural_key, data=orjson.dumps(shown).decode())


def _about_reservation(n: int, part: Changes) -> Iterator[Row]:
    reservation, end = part.reservation, part.reservation_end
    if end is not None:
        yield _row(n, "reservation_end", part, subject=end.reservation_id, name=end.how)
    if reservation is not None:
        shown = {"until": reservation.until, "body": show_reservation(reservation)}
        yield _row(n, "reservation", part, subject=reservation.id, data=orjson.dumps(shown).decode())


def _about_codes(n: int, part: Changes) -> Iterator[Row]:
    for code in part.codes:
        shown = {
            "pool": code.pool,
            "shown": code.shown,
            "issued_at": code.issued_at,
            "starts_at": code.starts_at,
            "ends_at": code.ends_at,
        }
        kind = "code_taken" if code.is_taken else "code"
        yield _row(n, kind, part, subject=code.member_id, name=code.code, data=orjson.dumps(shown).decode())


def _about_friends(n: int, part: Changes) -> Iterator[Row]:
    for one in part.fingerprints:
        shown = {"kind": one.kind, "seen_at": part.operation.booked_at}
        yield _row(n, "fingerprint", part, name=one.digest, data=orjson.dumps(shown).decode())
    for code in part.codes_withdrawn:
        yield _row(n, "code_withdrawn", part, name=code)


def _referrals(n: int, write: Write) -> Iterator[Row]:
    """Tell what became of referrals: of each where the last part leaves it, and when."""
    last = {part.referral.id: part for part in write.parts if part.referral is not None}
    for referral in write.referrals:
        part = last[referral.id]
        data = orjson.dumps(show_referral(referral, part.operation.booked_at), default=str).decode()
        yield _row(n, "referral", part, subject=referral.id, name=referral.programme, data=data)


def _matched(n: int, write: Write) -> Iterator[Row]:
    """Tell which returns need not wait any more for orders of this write."""
    numbers = {part.order.id: part.order.natural_key for part in write.parts if part.order is not None}
    for part in write.parts:
        if part.matched:
            number = numbers[part.operation.order_id] if part.operation.order_id is not None else None
            yield from [_row(n, "matched", part, subject=waited, name=number) for waited in part.matched]


def _dropped(n: int, write: Write) -> Iterator[Row]:
    """Tell which returns wait in vain from now on: their order has come and has no such goods."""
    for part in write.parts:
        since = part.operation.booked_at.isoformat()
        number = part.order.natural_key if part.order is not None else None
        yield from [_row(n, "dropped", part, subject=waited, name=number, data=since) for waited in part.dropped]


def _merged(n: int, write: Write) -> Iterator[Row]:
    """Tell who stands for whom from now on; only operations about two members change that."""
    for part in write.parts:
        if part.other is not None and part.operation.kind in {"merge", "reversal"}:
            after = part.other.after
            yield (n, "merged", after.id, part.operation.id, after.merged_into, None, None, None)


def _row(
    n: int,
    kind: str,
    part: Changes,
    *,
    subject: object = None,
    name: object = None,
    day: object = None,
    data: object = None,
) -> Row:
    return (n, kind, part.operation.member_id, part.operation.id, subject, name, day, data)
