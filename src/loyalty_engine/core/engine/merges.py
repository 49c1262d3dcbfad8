"""Merges: two members turn out to be one person. All that one has goes to the other, which stands for it from then on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from loyalty_engine.core.engine.accounts import close_book, guard, open_book, require_member, with_plans
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.point_answers import show_merge
from loyalty_engine.core.engine.requests import MergeMembers
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.transfers import require_other
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.memberships.membership import PlanMove, join
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.moving import receive, send_lots


def decide_merge(ruleset: Ruleset, facts: Facts, request: MergeMembers, now: datetime) -> Decision:
    """Move everything of the absorbed member: points with their age, debts, counts. Open holds must end first."""
    member, absorbed = require_member(facts, ""), require_other(facts, "/absorbed")
    if member.id == absorbed.id:
        refuse(RefusalCode.MERGE_WITH_SELF, "/absorbed")
    if absorbed.holds:
        refuse(RefusalCode.MEMBER_HAS_HOLDS, "/absorbed", holds=len(absorbed.holds))
    book = open_book(member, request.call.operation_id, now)
    theirs = open_book(absorbed, request.call.operation_id, now, is_second=True)
    receive(book, send_lots(theirs, theirs.lots()), theirs)
    _move_debts(theirs, book, absorbed)
    entries, after = close_book(member, book, _joined(member, absorbed))
    nothing: Mapping[str, Any] = {"status": "merged", "merged_into": member.id, "orders": 0, "spend": 0, "counters": {}}
    their_entries, they_after = close_book(absorbed, theirs, nothing)
    plans = join(member.plans, absorbed.plans)
    joined = [
        PlanMove(member.id, key, member.plans.get(key), held)
        for key, held in plans.items()
        if held != member.plans.get(key)
    ]
    after = with_plans(after, joined)
    operation = Operation.asked(
        "merge", request.call, now, ruleset.revision, member_id=member.id, other_member_id=absorbed.id
    )
    return Accepted(
        Changes(
            operation=operation,
            answer=show_merge(operation, request, absorbed, after),
            facts={**show_facts(member), "absorbed": {"counters": dict(absorbed.counters)}},
            member=guard(member, after),
            entries=entries,
            plans=tuple(joined),
            other=guard(absorbed, replace(they_after, due_at=None)),
            other_entries=their_entries,
        )
    )


def _move_debts(source: Book, target: Book, absorbed: MemberState) -> None:
    """Let the target owe what the source owed."""
    for wallet in sorted(absorbed.balances):
        debt = source.balance(wallet).debt
        if debt:
            target.owe(wallet, debt, destination="transit")
            source.post(wallet, "transit", "debt", debt)
            target.pay_debt(wallet)


def _joined(member: MemberState, absorbed: MemberState) -> Mapping[str, Any]:
    """Return the counts of both together."""
    counters = dict(member.counters)
    for name, used in absorbed.counters.items():
        counters[name] = counters.get(name, 0) + used
    firsts = [at for at in (member.first_order_at, absorbed.first_order_at) if at is not None]
    lasts = [at for at in (member.last_order_at, absorbed.last_order_at) if at is not None]
    return {
        "orders": member.orders + absorbed.orders,
        "spend": member.spend + absorbed.spend,
        "counters": counters,
        "first_order_at": min(firsts, default=None),
        "last_order_at": max(lasts, default=None),
    }
