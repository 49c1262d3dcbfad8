"""What each kind of request wants gather to read, and in which queue it waits."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from loyalty_engine.application.referral_asks import with_referral
from loyalty_engine.application.tier_asks import ask_for_tiers, join_lookbacks
from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.facts import Facts, KnownOrder
from loyalty_engine.core.engine.membership_requests import (
    CancelMembership,
    PayMembership,
    RefundPayment,
    StartTrial,
)
from loyalty_engine.core.engine.referral_requests import (
    RegisterReferral,
    ReviewReferral,
    RewardReferral,
    SeeFingerprints,
)
from loyalty_engine.core.engine.requests import (
    ActivateOrder,
    Adjust,
    CancelOrder,
    CancelRedemption,
    ChangeLot,
    ChangeMember,
    ClaimOrder,
    ConfirmReservation,
    EditOrder,
    EndGrant,
    EndHold,
    EnrolMember,
    EvaluateOrder,
    GrantTier,
    HoldPoints,
    IssueCode,
    MemberRef,
    MergeMembers,
    OpenLots,
    OrderRef,
    PlaceOrder,
    RecordActivity,
    Redeem,
    ReleaseReservation,
    ReserveOrder,
    ReturnGoods,
    ReverseOperation,
    SetStatus,
    Transfer,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.promotions.codes import Codes, code_counters
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.core.rules.order import Order, natural_key, payment_key, return_key
from loyalty_engine.persistence.asks import Ask, Returned, Subject


def ask_for(
    request: Asked,
    ruleset: Ruleset,
    *,
    now: datetime,
    today: Ruleset | None = None,
    order: Order | None = None,
    reserved: Ruleset | None = None,
) -> Ask:
    """Return what gather must read so that ``request`` can be decided at the program's clock ``now``, and no more.

    ``order`` is the one that a request claims or edits: what its rules read of the past hangs on when and where it was
    placed. ``reserved`` are the rules of the reservation that it confirms. Nobody knows either before a first gather.
    ``today`` are the rules whose tier sets count, if ``ruleset`` is of another time.
    """
    ask = _ask_by_rules(request, ruleset, now, order=order, reserved=reserved)
    today = today or ruleset
    return ask_for_tiers(with_referral(ask, request, today), request, today, order=order)


def _ask_by_rules(
    request: Asked,
    ruleset: Ruleset,
    now: datetime,
    *,
    order: Order | None,
    reserved: Ruleset | None,
) -> Ask:
    match request:
        case PlaceOrder():
            return _ask_for_order(request, ruleset, now)
        case RecordActivity():
            return _ask_for_activity(request, ruleset, now)
        case Redeem() | HoldPoints() | Adjust() | OpenLots():
            return replace(_ask(request, now), wants_lots=True)
        case ClaimOrder():
            ask = replace(_ask(request, now), order_id=request.order_id, wants_profile=ruleset.reads_profile)
            return _look_back(ask, ruleset, order)
        case EditOrder():
            subject = _of_orders([request.order_id], None)
            ask = replace(_ask(request, now).about(subject), wants_profile=ruleset.reads_profile)
            return _look_back(ask, ruleset, order)
        case ReturnGoods() | CancelOrder() | ActivateOrder():
            return _ask(request, now).about(_orders_of(request))
        case CancelRedemption() | EndHold() | ChangeLot() | ReleaseReservation():
            return _ask(request, now).about(_subject_of(request))
        case Transfer(recipient=other) | MergeMembers(absorbed=other):
            ask = replace(_ask(request, now), wants_lots=True)
            member_id, identity = _member(other)
            return replace(ask, other=replace(ask, key=None, member_id=member_id, identity=identity))
        case ReverseOperation():
            ask = _ask(request, now).about(Subject(operation_id=request.operation_id))
            second = replace(ask, key=None).about(Subject(operation_id=request.operation_id, is_other=True))
            return replace(ask, other=second)
        case ReserveOrder():
            return _ask_to_reserve(request, ruleset, now)
        case ConfirmReservation():
            pools = _pools(reserved or ruleset)
            ask = replace(_ask(request, now), natural_key=request.natural_key, pools=pools)
            return ask.about(Subject(reservation_id=request.reservation_id))
        case IssueCode():
            return replace(_ask(request, now), pools=(request.pool,))
        case PayMembership():
            return replace(_ask(request, now), subject=Subject(number=request.natural_key))
        case StartTrial() | CancelMembership() | RefundPayment():
            return _ask(request, now)
        case SetStatus() | GrantTier() | EndGrant() | SeeFingerprints() | ReviewReferral() | RewardReferral():
            return _ask(request, now)
        case RegisterReferral():
            return replace(_ask(request, now), wants_lots=True)
        case EnrolMember():
            return replace(_ask(request, now), identities=request.identities)
        case ChangeMember():
            named = (*request.add_identities, *request.remove_identities)
            return replace(_ask(request, now), identities=named or None, wants_profile=True)
        case _:
            assert_never(request)


def happened_at(request: Asked, order: Order | None) -> datetime | None:
    """Return the time whose rules decide about a request; None: today's do.

    ``order`` is the one that it claims or edits, once that is known.
    """
    match request:
        case PlaceOrder() | ReserveOrder():
            return request.order.placed_at
        case ClaimOrder():
            return None if order is None else order.placed_at
        case _:
            return None


def find_order(request: Asked, facts: Facts) -> Order | None:
    """Return the order that a request claims or edits; None for others."""
    match request:
        case ClaimOrder():
            known: KnownOrder | None = facts.order
        case EditOrder():
            known = facts.returned.get(request.order_id)
        case _:
            return None
    return None if known is None else known.order


def find_reserved_revision(request: Asked, facts: Facts) -> int | None:
    """Return under which revision the reservation was decided that a request confirms; None for others."""
    if not isinstance(request, ConfirmReservation) or facts.reservation is None:
        return None
    return facts.reservation.reservation.revision


def ask_for_look(request: EvaluateOrder, ruleset: Ruleset, now: datetime, *, today: Ruleset | None = None) -> Ask:
    """Return the same for a look at an order: neither a key nor a number did anything before."""
    placed_at, codes = request.order.placed_at, request.codes
    ask = Ask(
        request.actor.client_id,
        "",
        None,
        *_member(request.member),
        now=now,
        wants_lots=request.payment is not None,
        wants_profile=ruleset.reads_profile,
        history=ruleset.history_range(placed_at) if request.member else None,
        counters=_counters(ruleset, request.order, codes),
        codes=codes.typed,
        pools=_pools(ruleset) if request.member else (),
    )
    if request.replaces is not None:
        ask = ask.about(Subject(reservation_id=request.replaces))
    today = today or ruleset
    return ask_for_tiers(with_referral(ask, request, today), request, today)


def lane_of(request: Asked) -> object:
    """Return the name of the queue in which a request waits: its member as the caller named it, else its subject."""
    match request:
        case (
            (RegisterReferral() as came)
            | PlaceOrder(brought=Bringing() as came)
            | ReserveOrder(brought=Bringing() as came)
        ):
            return "advocate", came.code  # whose counters all its friends change
        case PlaceOrder():
            return request.member or request.natural_key
        case ReviewReferral() | RewardReferral():
            return "referral", request.referral_id
        case ReturnGoods():
            order, shop = request.order, request.call.actor.location
            return ("order", order) if isinstance(order, UUID) else natural_key(order, shop)
        case CancelOrder() | EditOrder() | ActivateOrder():
            return "order", request.order_id
        case EnrolMember():
            return request.identities[0] if request.identities else request.call.operation_id
        case CancelRedemption():
            return request.redemption_id
        case EndHold():
            return request.hold_id
        case ChangeLot():
            return request.lot_id
        case ReverseOperation():
            return request.operation_id
        case ReserveOrder():
            return request.member or request.call.operation_id
        case ConfirmReservation() | ReleaseReservation():
            return "reservation", request.reservation_id
        case _:
            return request.member


def names_of(request: Asked) -> tuple[object, ...] | None:
    """Return what must be told apart among requests decided over one gather; None for those that travel alone."""
    call = request.call
    match request:
        case PlaceOrder() if request.member is not None and not request.exchanges and request.brought is None:
            return (call.actor.client_id, call.scope, call.key), request.natural_key
        case RecordActivity():
            # What counts once is known to the rules alone: of one kind only one goes at a time.
            return (call.actor.client_id, call.scope, call.key), ("activity", request.kind)
        case ReserveOrder() if request.member is not None and request.replaces is None and request.brought is None:
            return ((call.actor.client_id, call.scope, call.key),)
        case Redeem() | HoldPoints() | Adjust() | OpenLots():
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
    lookback = join_lookbacks(ask.lookback for ask in asks)
    return [
        replace(
            ask,
            wants_lots=wants_lots,
            wants_profile=wants_profile,
            history=history,
            counters=counters,
            lookback=lookback,
        )
        for ask in asks
    ]


def _ask_for_order(request: PlaceOrder, ruleset: Ruleset, now: datetime) -> Ask:
    call, order = request.call, request.order
    member_id, identity = _member(request.member)
    shop = call.actor.location
    return Ask(
        call.actor.client_id,
        call.scope,
        call.key,
        member_id,
        identity,
        natural_key=request.natural_key,
        now=now,
        wants_lots=request.payment is not None or bool(request.exchanges),
        wants_profile=ruleset.reads_profile,
        history=ruleset.history_range(order.placed_at) if request.member else None,
        counters=_counters(ruleset, order, request.codes),
        codes=request.codes.typed,
        pools=_pools(ruleset) if request.member else (),
        subject=_of_orders([exchange.order for exchange in request.exchanges], shop) if request.exchanges else None,
    )


def _ask_to_reserve(request: ReserveOrder, ruleset: Ruleset, now: datetime) -> Ask:
    order = request.order
    ask = replace(
        _ask(request, now),
        wants_lots=request.payment is not None,
        wants_profile=ruleset.reads_profile,
        history=ruleset.history_range(order.placed_at) if request.member else None,
        counters=_counters(ruleset, order, request.codes),
        codes=request.codes.typed,
        pools=_pools(ruleset) if request.member else (),
    )
    return ask if request.replaces is None else ask.about(Subject(reservation_id=request.replaces))


def _counters(ruleset: Ruleset, order: Order, codes: Codes) -> tuple[str, ...]:
    """Return the shared counters from which an order with its promo codes may take."""
    shared = ruleset.shared_counters(order.placed_at, location=order.location)
    if not codes.typed:
        return shared
    day = order.placed_at.astimezone(ruleset.zone).date()
    return (*shared, *[name for code in codes.typed for name in code_counters(code, day, codes.guest)])


def _pools(ruleset: Ruleset) -> tuple[str, ...]:
    """Return the pools out of which an order may get a code, each as often as it may; guests get none."""
    return tuple(sorted(ruleset.promotions.issuing.values()))


def _ask_for_activity(request: RecordActivity, ruleset: Ruleset, now: datetime) -> Ask:
    mark = ruleset.mark_of(request.kind, request.subject, request.occurred_at)
    is_payment = any(terms.activity == request.kind for terms in ruleset.plans.values())
    return replace(
        _ask(request, now),
        wants_profile=ruleset.reads_profile,
        history=ruleset.history_range(request.occurred_at, request.kind),
        counters=ruleset.shared_counters(request.occurred_at, request.kind),
        mark=None if mark is None else (request.kind, mark),
        subject=Subject(number=payment_key(request.subject, request.call.actor.location))
        if is_payment and request.subject is not None
        else None,
    )


def _ask(request: Asked, now: datetime) -> Ask:
    """Return what every request asks for: what its key did before, and the member that it names, if any."""
    call = request.call
    member_id, identity = _member(getattr(request, "member", None))
    return Ask(call.actor.client_id, call.scope, call.key, member_id, identity, now=now)


def _look_back(ask: Ask, ruleset: Ruleset, order: Order | None) -> Ask:
    """Add what rules for an order of that time and place read of the past, once these are known."""
    if order is None:
        return ask
    counters = ruleset.shared_counters(order.placed_at, location=order.location)
    return replace(ask, history=ruleset.history_range(order.placed_at), counters=counters)


def _orders_of(request: ReturnGoods | CancelOrder | ActivateOrder) -> Subject:
    """Return the order of which goods come back, or are confirmed, and the number that a shop gave the return."""
    if not isinstance(request, ReturnGoods):
        return _of_orders([request.order_id], None)
    shop = request.call.actor.location
    number = None if request.reference is None else return_key(request.reference, shop)
    return replace(_of_orders([request.order], shop), number=number)


def _subject_of(request: CancelRedemption | EndHold | ChangeLot | ReleaseReservation) -> Subject:
    """Return the earlier act, or the lot, that a request is about."""
    match request:
        case CancelRedemption():
            return Subject(redemption_id=request.redemption_id)
        case EndHold():
            # The points that a reservation has set aside end with it, and not like this: the decision must know.
            return Subject(hold_id=request.hold_id, reservation_id=request.hold_id)
        case ChangeLot():
            return Subject(lot_id=request.lot_id)
        case ReleaseReservation():
            return Subject(reservation_id=request.reservation_id)


def _of_orders(orders: Iterable[OrderRef], shop: str | None) -> Subject:
    return Subject(
        returned=tuple(
            Returned(order, None if isinstance(order, UUID) else natural_key(order, shop)) for order in orders
        )
    )


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
