"""Opening lots: points that a member brings along from where they were kept before, with their age and their cost."""

from datetime import datetime

from loyalty_engine.core.engine.accounts import close_book, guard, lot_terms, open_book, require_wallet, welcome
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.point_answers import show_opening
from loyalty_engine.core.engine.requests import OpenLots
from loyalty_engine.core.engine.ruleset import Ruleset, WalletRules
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.ledger import LotTerms
from loyalty_engine.core.points.opening import OpeningLot


def decide_opening(ruleset: Ruleset, facts: Facts, request: OpenLots, now: datetime) -> Decision:
    """Take over points that can be spent at once. What a member brings is its own, even if it is blocked."""
    member = facts.member
    if member is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, "/member")
    book = open_book(member, request.call.operation_id, now)
    opened = []
    for place, lot in enumerate(request.lots):
        pointer = f"/lots/{place}"
        wallet = require_wallet(ruleset, lot.wallet, f"{pointer}/wallet")
        opened.append(book.earn(lot.wallet, lot.points, _terms(wallet, lot, now, pointer), source="opening"))
        welcome(ruleset, book, opened[-1])
    entries, after = close_book(member, book)
    operation = Operation.asked("opening", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer=show_opening(operation, request, opened, after),
            facts=show_facts(member),
            member=guard(member, after),
            entries=entries,
        )
    )


def _terms(wallet: WalletRules, lot: OpeningLot, now: datetime, pointer: str) -> LotTerms:
    """Return the terms of a lot; refuse points of the future, and points that would have expired by now."""
    earned_at = lot.earned_at or now
    if earned_at > now:
        times = {"earned_at": show_instant(earned_at), "now": show_instant(now)}
        refuse(RefusalCode.EARNED_IN_FUTURE, f"{pointer}/earned_at", **times)
    terms = lot_terms(wallet, earned_at)
    expires_at = lot.expires_at or terms.expires_at
    ends_at = expires_at or (wallet.slide(earned_at) if wallet.slide is not None else None)
    if ends_at is not None and ends_at <= now:
        times = {"expires_at": show_instant(ends_at), "now": show_instant(now)}
        refuse(RefusalCode.EXPIRY_IN_PAST, f"{pointer}/expires_at", **times)
    return terms._replace(
        available_at=earned_at,
        expires_at=expires_at,
        funder=lot.funder or terms.funder,
        cost_micros=terms.cost_micros if lot.cost_micros is None else lot.cost_micros,
    )
