"""What became due: before anything else is decided about a member, what time did to its points is booked."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from loyalty_engine.core.engine.accounts import close_book, guard, open_book
from loyalty_engine.core.engine.answers import show_facts, show_time_passed
from loyalty_engine.core.engine.decision import Changes, MemberWrite, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.points.passing import next_due, pass_time

_IDS: Final = (-(8 << 20), -(7 << 20))
"""Which derived ids operations of time take, for the first member and the second: before all others, as they come first."""


def is_due(member: MemberState, now: datetime) -> bool:
    """Tell whether time may have changed the member's points since its last operation."""
    return member.due_at is not None and member.due_at <= now


def settle_facts(ruleset: Ruleset, facts: Facts, call: Call, now: datetime) -> tuple[Facts, tuple[Changes, ...]]:
    """Return the facts with everything that became due settled, and the operations that do it."""
    before: list[Changes] = []
    for place, member in enumerate((facts.member, facts.other)):
        if member is not None and is_due(member, now):
            changes = settle_due(ruleset, member, call, operation_id=nth(call.operation_id, _IDS[place]), now=now)
            if changes is not None:
                before.append(changes)
                facts = apply(facts, changes)
    return facts, tuple(before)


def refresh(member: MemberState, now: datetime) -> MemberWrite:
    """Return the write that moves on when something is next due, for a member with whom nothing was."""
    book = open_book(member, member.id, max(now, member.booked_at))
    after = replace(member, version=member.version + 1, due_at=next_due(book, member.holds))
    return MemberWrite(member.version, after)


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
