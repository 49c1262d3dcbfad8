"""What each kind of request wants gather to read, and in which queue it waits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from loyalty_engine.core.engine.requests import (
    Adjust,
    CancelRedemption,
    ChangeMember,
    ClaimOrder,
    EnrolMember,
    EvaluateOrder,
    MemberRef,
    PlaceOrder,
    RecordActivity,
    Redeem,
    Request,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.core.rules.order import natural_key
from loyalty_engine.persistence.asks import Ask


def ask_for(request: Request, ruleset: Ruleset, *, claimed_from: datetime | None = None) -> Ask:
    """Return what gather must read so that ``request`` can be decided, and no more.

    ``claimed_from`` is when the order was placed that a request claims: what its rules read of the past hangs on that,
    and nobody knows it before a first gather.
    """
    call = request.call
    client, scope, key = call.actor.client_id, call.scope, call.key
    match request:
        case PlaceOrder():
            return Ask(
                client,
                scope,
                key,
                *_member(request.member),
                natural_key=natural_key(request.order.reference, call.actor.location),
                wants_lots=request.payment is not None,
                wants_profile=ruleset.reads_profile,
                history=ruleset.history_range(request.order.placed_at) if request.member else None,
                counters=ruleset.shared_counters(request.order.placed_at),
            )
        case ClaimOrder():
            ask = Ask(
                client,
                scope,
                key,
                *_member(request.member),
                order_id=request.order_id,
                wants_profile=ruleset.reads_profile,
            )
            if claimed_from is None:
                return ask
            history, counters = ruleset.history_range(claimed_from), ruleset.shared_counters(claimed_from)
            return replace(ask, history=history, counters=counters)
        case RecordActivity():
            mark = ruleset.mark_of(request.kind, request.subject, request.occurred_at)
            return Ask(
                client,
                scope,
                key,
                *_member(request.member),
                wants_profile=ruleset.reads_profile,
                history=ruleset.history_range(request.occurred_at, request.kind),
                counters=ruleset.shared_counters(request.occurred_at, request.kind),
                mark=None if mark is None else (request.kind, mark),
            )
        case Redeem() | Adjust():
            return Ask(client, scope, key, *_member(request.member), wants_lots=True)
        case CancelRedemption():
            return Ask(client, scope, key, redemption_id=request.redemption_id, wants_lots=True)
        case EnrolMember():
            return Ask(client, scope, key, identities=request.identities)
        case ChangeMember():
            named = (*request.add_identities, *request.remove_identities)
            return Ask(client, scope, key, *_member(request.member), identities=named or None, wants_profile=True)
        case _:
            assert_never(request)


def ask_for_look(request: EvaluateOrder, ruleset: Ruleset) -> Ask:
    """Return the same for a look at an order: neither a key nor a number did anything before."""
    placed_at = request.order.placed_at
    return Ask(
        request.actor.client_id,
        "",
        None,
        *_member(request.member),
        wants_lots=request.payment is not None,
        wants_profile=ruleset.reads_profile,
        history=ruleset.history_range(placed_at) if request.member else None,
        counters=ruleset.shared_counters(placed_at),
    )


def lane_of(request: Request) -> object:
    """Return the name of the queue in which a request waits: its member as the caller named it, else its subject."""
    match request:
        case PlaceOrder():
            return request.member or natural_key(request.order.reference, request.call.actor.location)
        case ClaimOrder() | RecordActivity() | Redeem() | Adjust() | ChangeMember():
            return request.member
        case CancelRedemption():
            return request.redemption_id
        case EnrolMember():
            return request.identities[0] if request.identities else request.call.operation_id
        case _:
            assert_never(request)


def names_of(request: Request) -> tuple[object, ...] | None:
    """Return what must be told apart among requests decided over one gather; None for those that travel alone."""
    call = request.call
    match request:
        case PlaceOrder() if request.member is not None:
            return (call.actor.client_id, call.scope, call.key), natural_key(
                request.order.reference, call.actor.location
            )
        case RecordActivity():
            # What counts once is known to the rules alone: of one kind only one goes at a time.
            return (call.actor.client_id, call.scope, call.key), ("activity", request.kind)
        case Redeem() | Adjust():
            return ((call.actor.client_id, call.scope, call.key),)
        case _:
            return None


def share_view(asks: Sequence[Ask]) -> list[Ask]:
    """Let all see of the member and of counters what any of them needs, because each is decided upon the one before."""
    if len(asks) == 1:
        return [*asks]
    wants_lots = any(ask.wants_lots for ask in asks)
    wants_profile = any(ask.wants_profile for ask in asks)
    history = _join([ask.history for ask in asks if ask.history is not None])
    counters = tuple(sorted({key for ask in asks for key in ask.counters}))
    return [
        replace(ask, wants_lots=wants_lots, wants_profile=wants_profile, history=history, counters=counters)
        for ask in asks
    ]


def _join(ranges: Sequence[HistoryRange]) -> HistoryRange | None:
    """Return the shortest range that holds all of them."""
    if not ranges:
        return None
    starts = [found.since for found in ranges]
    return HistoryRange(
        since=None if None in starts else min(since for since in starts if since is not None),
        until=max(found.until for found in ranges),
        with_lines=any(found.with_lines for found in ranges),
    )


def _member(ref: MemberRef | None) -> tuple[UUID | None, Identity | None]:
    if ref is None or isinstance(ref, UUID):
        return ref, None
    return None, ref
