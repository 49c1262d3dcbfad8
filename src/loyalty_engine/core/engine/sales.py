"""Sales: who buys an order, for what price, and what points pay of it. Orders and looks begin alike."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from loyalty_engine.core.engine.accounts import new_member, require_redeem_terms
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.pricing import Priced, price
from loyalty_engine.core.engine.requests import EvaluateOrder, MemberRef, PlaceOrder, ReserveOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.views import counted_for
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.payments import PaidPoints, Payment
from loyalty_engine.core.promotions.codes import NO_CODES, Bearer, CodeReason, Codes
from loyalty_engine.core.promotions.open_codes import NOTHING_OPENED, Opened, open_promotions
from loyalty_engine.core.rules.order import Order


class Buyer(NamedTuple):
    """Who bought: a member, a new member enrolled under the unknown card, or nobody we know yet."""

    member: MemberState | None
    enrolled_as: tuple[Identity, ...] = ()
    parked_for: Identity | None = None


class Sale(NamedTuple):
    """An order that can be: who bought, for what price, and what points pay of that. ``codes`` are what was typed."""

    buyer: Buyer
    priced: Priced
    paid: PaidPoints | None
    codes: Codes = NO_CODES

    @property
    def told_codes(self) -> list[dict[str, Any]]:
        """What became of promo codes, as far as the caller may learn."""
        return _tell(self.codes, self.priced.codes) if self.priced.codes else []


def admit(
    ruleset: Ruleset,
    facts: Facts,
    request: PlaceOrder | EvaluateOrder | ReserveOrder,
    *,
    now: datetime,
    operation_id: UUID,
) -> Sale:
    """Return who buys, for what price, and what points pay of it; refuse what cannot be.

    Who is not a member yet enrols with the operation of that id. An order that is past was paid elsewhere, at its price.
    A look is never refused for its promo codes.
    """
    buyer = _find_buyer(ruleset, facts, request.member, now=now, operation_id=operation_id)
    if isinstance(request, PlaceOrder) and request.is_past:
        priced = Priced(request.order)
    else:
        opened = _open(ruleset, facts, request, member=buyer.member, now=now) if request.codes.typed else NOTHING_OPENED
        priced = price(ruleset, request.order, member=buyer.member, shared=facts.counters, now=now, opened=opened)
        if not isinstance(request, EvaluateOrder):
            _require_usable(request.codes, priced.codes)
    paid = _plan_payment(ruleset, request.payment, priced.order, buyer.member)
    return Sale(buyer, priced, paid, request.codes)


def _find_buyer(ruleset: Ruleset, facts: Facts, named: MemberRef | None, *, now: datetime, operation_id: UUID) -> Buyer:
    """Tell who bought; an unknown card is treated as the program's policy says."""
    if named is None:
        return Buyer(None)
    member = facts.member
    if member is not None:
        if member.status == "blocked":
            refuse(RefusalCode.MEMBER_BLOCKED, "/member")
        return Buyer(member)
    if not isinstance(named, str) or ruleset.unknown_card == "refuse":
        refuse(RefusalCode.MEMBER_NOT_FOUND, "/member")
    if ruleset.unknown_card == "park":
        return Buyer(None, parked_for=named)
    return Buyer(new_member(operation_id, now), enrolled_as=(named,))


def _tell(codes: Codes, reasons: Iterable[CodeReason]) -> list[dict[str, Any]]:
    told = [reason if codes.is_trusted else reason.untold() for reason in reasons]
    return [reason._replace(code=codes.text_of(reason.code)).as_json() for reason in told]


def _open(
    ruleset: Ruleset,
    facts: Facts,
    request: PlaceOrder | EvaluateOrder | ReserveOrder,
    *,
    member: MemberState | None,
    now: datetime,
) -> Opened:
    placed_at = request.order.placed_at
    return open_promotions(
        request.codes.typed,
        facts.codes,
        ruleset.promotions,
        bearer=Bearer(member.id if member else None, request.codes.guest),
        at=placed_at,
        day=placed_at.astimezone(ruleset.zone).date(),
        counted=counted_for(member, facts.counters, now),
    )


def _require_usable(codes: Codes, reasons: Sequence[CodeReason]) -> None:
    """Refuse an order with promo codes that give nothing, unless these are to be skipped; tell of all at once."""
    if codes.skips_unusable:
        return
    unusable = [place for place, reason in enumerate(reasons) if not reason.is_used]
    if unusable:
        told = _tell(codes, [reasons[place] for place in unusable])
        refuse(RefusalCode.PROMO_CODE_REFUSED, f"/codes/{unusable[0]}", codes=told)


def _plan_payment(
    ruleset: Ruleset, wish: Payment | None, order: Order, member: MemberState | None
) -> PaidPoints | None:
    """Return what points pay of the order; refuse a wish that cannot be met in full."""
    if wish is None:
        return None
    if member is None:
        refuse(RefusalCode.MEMBER_REQUIRED, "/pay_with_points")
    terms = require_redeem_terms(ruleset, wish.wallet, "/pay_with_points/wallet")
    total = order.total
    balance = member.balances.get(wish.wallet)
    available = balance.available if balance else 0
    if wish.points is None:
        most = terms.most_payable(available, total)
        return PaidPoints(wish.wallet, most, terms.value_of(most)) if most else None
    pointer = "/pay_with_points/points"
    terms.check(wish.points, pointer)
    most = terms.most_payable(wish.points, total)
    if wish.points > most:
        refuse(RefusalCode.POINTS_ABOVE_SHARE, pointer, points=wish.points, most=most)
    if wish.points > available:
        refuse(RefusalCode.INSUFFICIENT_POINTS, pointer, needed=wish.points, available=available)
    return PaidPoints(wish.wallet, wish.points, terms.value_of(wish.points))
