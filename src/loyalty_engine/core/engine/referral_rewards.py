"""Rewards of referrals: given to both sides at once when a friend counts, and taken back exactly when it counts no more.

Each is an operation of its own about two members, beside whatever brought it about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from loyalty_engine.core.earning.limits import drop_ended
from loyalty_engine.core.engine.accounts import close_book, guard, lot_terms, open_book, welcome
from loyalty_engine.core.engine.answers import show_facts
from loyalty_engine.core.engine.decision import Changes, MemberWrite, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState, OperationKind
from loyalty_engine.core.engine.issuing import issue_code
from loyalty_engine.core.engine.referral_answers import show_operation
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.clawback import Clawback, Share, take_back
from loyalty_engine.core.program.referrals import Reward, RewardPoints
from loyalty_engine.core.promotions.codes import CodeRow
from loyalty_engine.core.referrals.guards import find_suspicions
from loyalty_engine.core.referrals.state import (
    Given,
    Reason,
    Referral,
    count,
    give_up,
    reverse,
    set_aside,
    suspect,
)
from loyalty_engine.core.referrals.terms import ReferralTerms, friend_counter, friends_counter


@dataclass(frozen=True, slots=True)
class Occasion:
    """On whose request something about a referral is booked, as which operation, and when it happened."""

    operation_id: UUID
    call: Call
    happened_at: datetime
    now: datetime


@dataclass(slots=True)
class _Handout:
    """What is being given; ``facts`` know the codes that are taken by that."""

    ruleset: Ruleset
    facts: Facts
    earned_at: datetime
    now: datetime
    given: list[Given] = field(default_factory=list)
    codes: list[CodeRow] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    def give(
        self, side: Literal["friend", "advocate"], member: MemberState, book: Book, rewards: Iterable[Reward]
    ) -> None:
        """Give one side its rewards. A pool without codes keeps nobody from the rest."""
        for reward in rewards:
            if isinstance(reward, RewardPoints):
                terms = lot_terms(self.ruleset.wallets[reward.wallet], self.earned_at)
                lot = book.earn(reward.wallet, reward.points, terms)
                welcome(self.ruleset, book, lot)
                self.given.append(Given(side, reward.wallet, reward.points, lot.id))
                continue
            row = issue_code(self.ruleset, self.facts, reward.pool, member=member, now=self.now)
            if not isinstance(row, CodeRow):
                self.reasons.append(Reason("no_code_left" if side == "friend" else "no_code_for_advocate"))
                continue
            self.facts = replace(self.facts, given=self.facts.given | {row.code})
            self.codes.append(row)
            self.given.append(Given(side, code=row.code))


def reward(ruleset: Ruleset, facts: Facts, occasion: Occasion) -> Changes:
    """Return what becomes of a referral that is due: both sides are rewarded, or it cannot be."""
    friend, referral = facts.member, facts.referral
    assert friend is not None
    assert referral is not None
    terms = ruleset.referrals.get(referral.programme)
    stopped = _stop(terms, facts, referral)
    if terms is None or stopped.state != referral.state:
        operation = operation_of(ruleset, "referral_reward", stopped, occasion)
        return change_friend(operation, friend, stopped)
    advocate = facts.other
    assert advocate is not None, "gather reads the advocate of a referral that is due"
    number = advocate.counters.get(friends_counter(terms.key), 0) + 1
    caps = terms.rewarded_counters(occasion.happened_at)
    has_room = all(advocate.counters.get(name, 0) < cap for name, cap in caps)
    to_advocate = terms.rewards_for(number)
    handout = _Handout(ruleset, facts, occasion.happened_at, occasion.now)
    if to_advocate and not has_room:
        handout.reasons.append(Reason("limit_reached"))
        to_advocate = ()
    ours = open_book(friend, occasion.operation_id, occasion.now)
    theirs = open_book(advocate, occasion.operation_id, occasion.now, is_second=True)
    handout.give("friend", friend, ours, terms.friend)
    handout.give("advocate", advocate, theirs, to_advocate)
    counters = (friends_counter(terms.key), *(name for name, _ in caps if to_advocate))
    counted = count(referral, tuple(handout.given), counters, tuple(dict.fromkeys(handout.reasons)))
    operation = operation_of(ruleset, "referral_reward", counted, occasion)
    kept = drop_ended(advocate.counters, occasion.now.astimezone(ruleset.zone))
    they_count = {**kept, **{name: kept.get(name, 0) + 1 for name in counters}}
    changes = _both(operation, facts, counted, books=(ours, theirs), they_count=they_count)
    return replace(changes, codes=tuple(handout.codes))


def take_rewards_back(ruleset: Ruleset, facts: Facts, occasion: Occasion) -> Changes:
    """Return what takes back all that a referral gave, from both sides; what was spent by then is owed, or forgiven.

    Both sides may be one member by now.
    """
    friend, advocate, referral = facts.member, facts.other, facts.referral
    assert friend is not None
    assert referral is not None
    assert friend.sees_lots, "gather reads lots of both with whatever may come back"
    why: Literal["by_review", "came_back"] = "by_review" if referral.verdict == "rejected" else "came_back"
    reversed_ = reverse(referral, why)
    operation = operation_of(ruleset, "referral_reversal", reversed_, occasion)
    ours = open_book(friend, occasion.operation_id, occasion.now)
    if referral.advocate_id == referral.friend_id:
        forgiven = _take_points(ruleset, ours, referral.given)
        changes = _alone(operation, friend, reversed_, ours, counted=_less(friend, referral))
    else:
        assert advocate is not None, "gather reads the advocate with whatever may come back"
        assert advocate.id == referral.advocate_id, "gather reads the advocate with whatever may come back"
        assert advocate.sees_lots, "gather reads lots of both with whatever may come back"
        theirs = open_book(advocate, occasion.operation_id, occasion.now, is_second=True)
        forgiven = _take_points(ruleset, ours, [given for given in referral.given if given.side == "friend"])
        forgiven += _take_points(ruleset, theirs, [given for given in referral.given if given.side == "advocate"])
        changes = _both(operation, facts, reversed_, books=(ours, theirs), they_count=_less(advocate, referral))
    withdrawn = tuple(given.code for given in referral.given if given.code is not None)
    kept = {**changes.facts, "forgiven": forgiven} if forgiven else changes.facts
    return replace(changes, codes_withdrawn=withdrawn, facts=kept)


def operation_of(ruleset: Ruleset, kind: OperationKind, referral: Referral, occasion: Occasion) -> Operation:
    """Return the operation that does something with a referral."""
    return Operation(
        id=occasion.operation_id,
        kind=kind,
        call=occasion.call,
        effective_at=occasion.happened_at,
        booked_at=occasion.now,
        revision=ruleset.revision,
        member_id=referral.friend_id,
        other_member_id=referral.advocate_id if referral.advocate_id != referral.friend_id else None,
    )


def change_friend(
    operation: Operation, friend: MemberState, referral: Referral, *, reason: str | None = None
) -> Changes:
    """Return the changes of an operation that only says where a referral is."""
    operation = replace(operation, other_member_id=None)
    return Changes(
        operation=operation,
        answer=show_operation(operation, referral, reason=reason),
        facts=show_facts(friend),
        member=moved_on(friend, operation, brought(friend, referral)),
        referral=referral,
    )


def moved_on(member: MemberState, operation: Operation, counters: Mapping[str, int]) -> MemberWrite:
    """Return the write of a member of whom only counters change."""
    after = replace(member, version=member.version + 1, booked_at=operation.booked_at, counters=counters)
    return guard(member, after)


def brought(friend: MemberState, referral: Referral) -> Mapping[str, int]:
    """Return the friend's counters; they say whether its referral stands."""
    name = friend_counter(referral.programme)
    others = {key: used for key, used in friend.counters.items() if key != name}
    return {**others, name: 1} if referral.state in ("registered", "qualified", "rewarded") else others


def _stop(terms: ReferralTerms | None, facts: Facts, referral: Referral) -> Referral:
    """Return where a due referral goes that cannot be rewarded; itself, if it can."""
    if terms is None:
        return give_up(referral, "programme_gone")
    if referral.friend_id == referral.advocate_id:
        return give_up(referral, "same_member")
    suspected = suspect(referral, find_suspicions(terms.guards, referral, facts.ties))
    if suspected.state != referral.state:
        return suspected
    blocked: list[Reason] = []
    if facts.member is not None and facts.member.status == "blocked":
        blocked.append(Reason("friend_blocked"))
    if facts.other is not None and facts.other.status == "blocked":
        blocked.append(Reason("advocate_blocked"))
    return set_aside(referral, tuple(blocked)) if blocked else referral


def _both(
    operation: Operation, facts: Facts, referral: Referral, *, books: tuple[Book, Book], they_count: Mapping[str, int]
) -> Changes:
    friend, advocate = facts.member, facts.other
    assert friend is not None
    assert advocate is not None
    counted: Mapping[str, Any] = {"counters": brought(friend, referral)}
    entries, after = close_book(friend, books[0], counted)
    their_entries, they_after = close_book(advocate, books[1], {"counters": they_count})
    return Changes(
        operation=operation,
        answer=show_operation(operation, referral),
        facts=show_facts(friend),
        member=guard(friend, after),
        entries=entries,
        other=guard(advocate, they_after),
        other_entries=their_entries,
        referral=referral,
    )


def _alone(
    operation: Operation, member: MemberState, referral: Referral, book: Book, *, counted: Mapping[str, int]
) -> Changes:
    """Return the changes of an operation about both sides of a referral, which are one member."""
    counters = brought(replace(member, counters=counted), referral)
    entries, after = close_book(member, book, {"counters": counters})
    return Changes(
        operation=operation,
        answer=show_operation(operation, referral),
        facts=show_facts(member),
        member=guard(member, after),
        entries=entries,
        referral=referral,
    )


def _less(advocate: MemberState, referral: Referral) -> Mapping[str, int]:
    """Return the advocate's counters without this friend."""
    less = {name: max(advocate.counters[name] - 1, 0) for name in referral.counters if name in advocate.counters}
    return {**advocate.counters, **less}


def _take_points(ruleset: Ruleset, book: Book, given: Iterable[Given]) -> int:
    """Take points out of the lots that brought them first; return how many are forgiven.

    No return is refused for what somebody else has spent.
    """
    shares: dict[str, list[Share]] = {}
    for one in given:
        if one.wallet is not None and one.lot_id is not None:
            shares.setdefault(one.wallet, []).append(Share((one.lot_id,), one.points))
    forgiven = 0
    for wallet, some in sorted(shares.items()):
        missing = take_back(book, Clawback(wallet, some), destination="issued").missing
        if missing and ruleset.returns.clawback != "clamp":
            book.owe(wallet, missing, destination="issued")
        else:
            forgiven += missing
    return forgiven
