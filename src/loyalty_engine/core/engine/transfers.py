"""Transfers: one member gives points to another. Both change in one operation."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import close_book, guard, open_book, require_member, require_wallet
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.point_answers import show_transfer
from loyalty_engine.core.engine.requests import Transfer
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.moving import receive, send


def decide_transfer(ruleset: Ruleset, facts: Facts, request: Transfer, now: datetime) -> Decision:
    """Move available points; they keep their age and expiry, so nothing is gained by passing them round."""
    require_wallet(ruleset, request.wallet)
    sender, recipient = require_member(facts), require_other(facts, "/recipient")
    if sender.id == recipient.id:
        refuse(RefusalCode.TRANSFER_TO_SELF, "/recipient")
    book = open_book(sender, request.call.operation_id, now)
    available = book.balance(request.wallet).available
    if available < request.points:
        refuse(RefusalCode.INSUFFICIENT_POINTS, "/points", needed=request.points, available=available)
    theirs = open_book(recipient, request.call.operation_id, now, is_second=True)
    receive(theirs, send(book, request.wallet, request.points), book)
    entries, after = close_book(sender, book)
    their_entries, they_after = close_book(recipient, theirs)
    operation = Operation.asked(
        "transfer", request.call, now, ruleset.revision, member_id=sender.id, other_member_id=recipient.id
    )
    return Accepted(
        Changes(
            operation=operation,
            answer=show_transfer(operation, request, after, they_after),
            facts=show_facts(sender),
            member=guard(sender, after),
            entries=entries,
            other=guard(recipient, they_after),
            other_entries=their_entries,
            note=request.note,
        )
    )


def require_other(facts: Facts, pointer: str) -> MemberState:
    """Return the second member that the request names; refuse when there is none or it is blocked."""
    if facts.other is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, pointer)
    if facts.other.status == "blocked":
        refuse(RefusalCode.MEMBER_BLOCKED, pointer)
    return facts.other
