"""Redemptions: points spent outside an order, and the exact opposite of one."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import (
    close_book,
    grace_until,
    guard,
    open_book,
    require_member,
    require_redeem_terms,
    touch,
)
from loyalty_engine.core.engine.answers import show_cancel, show_facts, show_redemption
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import CancelRedemption, Redeem
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse


def decide_redemption(ruleset: Ruleset, facts: Facts, request: Redeem, now: datetime) -> Decision:
    """Spend an amount of points; the oldest expiry leaves first."""
    terms = require_redeem_terms(ruleset, request.wallet)
    terms.check(request.points, "/points")
    member = require_member(facts)
    book = open_book(member, request.call.operation_id, now)
    available = book.balance(request.wallet).available
    if available < request.points:
        refuse(RefusalCode.INSUFFICIENT_POINTS, "/points", needed=request.points, available=available)
    book.spend(request.wallet, request.points)
    touch(ruleset, book, (request.wallet,), now)
    entries, after = close_book(member, book)
    operation = Operation.asked("redemption", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_redemption(operation, request, terms.value_of(request.points), after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
        )
    )


def decide_cancel(ruleset: Ruleset, facts: Facts, request: CancelRedemption, now: datetime) -> Decision:
    """Put every point of a redemption back into the lot it came from, once. A blocked member gets them back too."""
    redemption, member = facts.redemption, facts.member
    shown = show_id("red", request.redemption_id)
    if redemption is None or member is None:
        refuse(RefusalCode.REDEMPTION_NOT_FOUND, "", redemption_id=shown)
    if redemption.cancelled_by is not None:
        refuse(
            RefusalCode.REDEMPTION_ALREADY_CANCELLED,
            "",
            redemption_id=shown,
            cancelled_by=show_id("op", redemption.cancelled_by),
        )
    book = open_book(member, request.call.operation_id, now)
    book.restore(redemption.wallet, redemption.uses, grace_until=grace_until(ruleset, now))
    entries, after = close_book(member, book)
    operation = Operation.asked(
        "redemption_cancel", request.call, now, ruleset.revision, member_id=member.id, reverses=redemption.id
    )
    return Accepted(
        Changes(
            operation=operation,
            answer=show_cancel(operation, redemption, request.reason, after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
        )
    )
