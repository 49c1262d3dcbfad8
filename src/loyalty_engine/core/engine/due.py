"""What became due: before anything else is decided about a member, what time did to its points is booked."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from loyalty_engine.core.engine.accounts import close_book, guard, open_book, soonest
from loyalty_engine.core.engine.answers import show_facts, show_time_passed
from loyalty_engine.core.engine.decision import Changes, MemberWrite, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.membership_lapses import lapse
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_reviews import is_reviewable, review_tiers
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.memberships.membership import next_lapse
from loyalty_engine.core.points.passing import next_due, pass_time
from loyalty_engine.core.tiers.standings import next_end

_IDS: Final = (-(8 << 20), -(7 << 20))
"""Which derived ids operations of time take, for the first member and the second: before all others, as they come first."""

_REVIEW: Final = 1 << 19
"""How far behind these the derived ids of reviews lie: behind all rows of the former."""

_LAPSE: Final = 3 << 18
"""How far those of lapses do."""


def is_due(member: MemberState, now: datetime) -> bool:
    """Tell whether time may have changed the member's points since its last operation."""
    return member.due_at is not None and member.due_at <= now


def settle_facts(ruleset: Ruleset, facts: Facts, call: Call, now: datetime) -> tuple[Facts, tuple[Changes, ...]]:
    """Return the facts with everything that became due settled, and the operations that do it."""
    before: list[Changes] = []
    for place, member in enumerate((facts.member, facts.other)):
        if member is not None and (is_due(member, now) or is_reviewable(member, now)):
            for changes in settle(ruleset, member, call, operation_id=nth(call.operation_id, _IDS[place]), now=now):
                before.append(changes)
                facts = apply(facts, changes)
    return facts, tuple(before)


def settle(
    ruleset: Ruleset, member: MemberState, call: Call, *, operation_id: UUID, now: datetime
) -> tuple[Changes, ...]:
    """Return all that time did to the member, each as an operation of its own: to its points, memberships, tiers."""
    done: list[Changes] = []
    if is_due(member, now):
        passed = settle_due(ruleset, member, call, operation_id=operation_id, now=now)
        if passed is not None and passed.member is not None:
            done.append(passed)
            member = passed.member.after
    lapsed = lapse(ruleset, member, call, operation_id=nth(operation_id, _LAPSE), now=now) if member.plans else None
    if lapsed is not None and lapsed.member is not None:
        done.append(lapsed)
        member = lapsed.member.after
    reviewed = review_tiers(ruleset, member, call, operation_id=nth(operation_id, _REVIEW), now=now)
    return (*done, reviewed) if reviewed is not None else tuple(done)


def refresh(member: MemberState, now: datetime) -> MemberWrite:
    """Return the write that moves on when something is next due, for a member with whom nothing was."""
    book = open_book(member, member.id, max(now, member.booked_at))
    due_at = soonest(next_due(book, member.holds), next_end(member.tiers), next_lapse(member.plans))
    return MemberWrite(member.version, replace(member, version=member.version + 1, due_at=due_at))


def settle_due(
    ruleset: Ruleset, member: MemberState, call: Call, *, operation_id: UUID, now: datetime
) -> Changes | None:
    """Return what time did to the member's points as an operation of its own; None when it did nothing.

    ``call`` is that of the request on whose occasion it is booked; its key belongs to that request.
    """
    assert member.sees_lots, "gather reads lots whenever something is due"
    book = open_book(member, operation_id, now)
    slides = {key: wallet.slide for key, wallet in ruleset.wallets.items() if wallet.slide is not None}
    effective_at = pass_time(book, member.holds, slides, member.booked_at)
    if effective_at is None:
        return None
    entries, after = close_book(member, book)
    operation = Operation(
        id=operation_id,
        kind="time_passed",
        call=replace(call, key=None),
        member_id=member.id,
        effective_at=effective_at,
        booked_at=now,
        revision=ruleset.revision,
    )
    return Changes(
        operation=operation,
        answer=show_time_passed(operation, after),
        facts=show_facts(member),
        member=guard(member, after),
        entries=entries,
    )
