"""What each kind of request wants gather to read, and in which queue it waits."""

from typing import assert_never
from uuid import UUID

from loyalty_engine.core.engine.requests import (
    Adjust,
    CancelRedemption,
    ChangeMember,
    ClaimOrder,
    EnrolMember,
    MemberRef,
    PlaceOrder,
    Redeem,
    Request,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.rules.order import natural_key
from loyalty_engine.persistence.asks import Ask


def ask_for(request: Request, ruleset: Ruleset, *, is_look: bool = False) -> Ask:
    """Return what gather must read so that ``request`` can be decided, and no more.

    Who only looks does not ask what its key or the number of its order did before.
    """
    call = request.call
    client, scope, key = call.actor.client_id, call.scope, None if is_look else call.key
    match request:
        case PlaceOrder():
            return Ask(
                client,
                scope,
                key,
                *_member(request.member),
                natural_key=None if is_look else natural_key(request.order.reference, call.actor.location),
                wants_lots=request.payment is not None,
                wants_profile=ruleset.reads_profile,
            )
        case ClaimOrder():
            return Ask(
                client,
                scope,
                key,
                *_member(request.member),
                order_id=request.order_id,
                wants_profile=ruleset.reads_profile,
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


def lane_of(request: Request) -> object:
    """Return the name of the queue in which a request waits: its member as the caller named it, else its subject."""
    match request:
        case PlaceOrder():
            return request.member or natural_key(request.order.reference, request.call.actor.location)
        case ClaimOrder() | Redeem() | Adjust() | ChangeMember():
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
        case Redeem() | Adjust():
            return ((call.actor.client_id, call.scope, call.key),)
        case _:
            return None


def _member(ref: MemberRef | None) -> tuple[UUID | None, Identity | None]:
    if ref is None or isinstance(ref, UUID):
        return ref, None
    return None, ref
