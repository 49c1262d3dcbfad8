"""Adjustments: a person corrects a balance and says why."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import close_book, guard, lot_terms, open_book, require_wallet, welcome
from loyalty_engine.core.engine.answers import show_adjustment, show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.requests import Adjust
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.book import Book


def decide_adjustment(ruleset: Ruleset, facts: Facts, request: Adjust, now: datetime) -> Decision:
    """Credit or debit points by hand. Blocked members can be corrected too: blocking is no reason to keep an error."""
    wallet = require_wallet(ruleset, request.wallet)
    member = facts.member
    if member is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, "/member")
    book = open_book(member, request.call.operation_id, now)
    if request.points > 0:
        lot = book.earn(request.wallet, request.points, lot_terms(wallet, now), source="adjusted")
        welcome(ruleset, book, lot)
    else:
        _take(book, request)
    entries, after = close_book(member, book)
    operation = Operation.asked("adjustment", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_adjustment(operation, request, after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
            note=request.note,
        )
    )


def _take(book: Book, request: Adjust) -> None:
    """Debit what is available; the rest becomes debt only where the request says so."""
    wanted = -request.points
    available = book.balance(request.wallet).available
    if wanted > available and request.if_short == "refuse":
        refuse(RefusalCode.INSUFFICIENT_POINTS, "/points", needed=wanted, available=available)
    covered = min(wanted, available)
    if covered:
        book.spend(request.wallet, covered, destination="adjusted")
    if wanted > covered:
        book.owe(request.wallet, wanted - covered, destination="adjusted")
