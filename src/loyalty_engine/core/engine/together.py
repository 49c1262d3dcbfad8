"""Orders that share one fate: decided one upon the other, of any members, and written all or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Refused, Repeated, Reviewed
from loyalty_engine.core.engine.facts import Earlier, Facts, KnownOrder, MemberState
from loyalty_engine.core.engine.fold import Note, Write, apply, fold
from loyalty_engine.core.engine.requests import MemberRef, PlaceOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.referrals.state import Referral


@dataclass(frozen=True, slots=True)
class Together:
    """What was decided about each order, and their one write: None when one was not accepted, or all were before."""

    decisions: tuple[Decision, ...]
    write: Write | None


def decide_together(
    ruleset: Ruleset,
    facts: Sequence[Facts],
    requests: Sequence[PlaceOrder],
    now: datetime,
    *,
    write_answer: Callable[[Mapping[str, Any]], str],
) -> Together:
    """Decide orders in turn, each upon what those before it leave, over facts that were read at one moment.

    The facts of all show the same counters. An order that stands among them twice is a repetition, as it would be if the
    first had been recorded; ``write_answer`` gives its text.
    """
    left = _Left()
    decisions: list[Decision] = []
    parts: list[Changes] = []
    notes: list[Note] = []
    for own, request in zip(facts, requests, strict=True):
        seen = left.show(own, request)
        decision = decide(ruleset, seen, request, now)
        decisions.append(decision)
        match decision:
            case Accepted():
                parts.extend(decision.parts)
                left.keep(reduce(apply, decision.parts, seen), request, decision, write_answer(decision.changes.answer))
            case Repeated(earlier) if not decision.is_same_key:
                notes.append(Note(request.call, now, operation_id=earlier.operation_id))
            case _:
                pass
    is_refused = any(isinstance(decision, Refused | Reviewed) for decision in decisions)
    return Together(tuple(decisions), fold(parts, notes) if (parts or notes) and not is_refused else None)


@dataclass(slots=True)
class _Left:
    """What the orders decided so far leave: members by id and by name, counters, codes given out, referrals, and the orders by
    their numbers.
    """

    members: dict[UUID | MemberRef, MemberState] = field(default_factory=dict)
    counters: Mapping[str, int] | None = None
    given: frozenset[FoldedCode] = frozenset()
    referrals: dict[UUID, Referral] = field(default_factory=dict)
    orders: dict[str, KnownOrder] = field(default_factory=dict)
    keys: dict[Any, KnownOrder] = field(default_factory=dict)

    def show(self, facts: Facts, request: PlaceOrder) -> Facts:
        """Return the facts of a request as they would be if all before it were recorded."""
        name = request.member if facts.member is None else facts.member.id
        twin = self.keys.get(_key_of(request))
        member = facts.member if name is None else self.members.get(name, facts.member)
        referral, other = self._referral_of(facts, member), facts.other
        if other is None and referral is not None:
            other = self.members.get(referral.advocate_id)
        return replace(
            facts,
            member=member,
            counters=facts.counters if self.counters is None else self.counters,
            given=self.given,
            other=None if other is None else self.members.get(other.id, other),
            referral=referral,
            order=self.orders.get(request.natural_key, facts.order),
            earlier=facts.earlier if twin is None else twin.earlier,
        )

    def _referral_of(self, facts: Facts, member: MemberState | None) -> Referral | None:
        """Return the member's referral; one before it may have begun it."""
        if facts.referral is not None:
            return self.referrals.get(facts.referral.id, facts.referral)
        return next((one for one in self.referrals.values() if member is not None and one.friend_id == member.id), None)

    def keep(self, moved: Facts, request: PlaceOrder, accepted: Accepted, answer: str) -> None:
        """Remember what an accepted order left; who enrolled with it is known by its name from then on."""
        self.counters = moved.counters
        self.given = moved.given
        if moved.other is not None:
            self.members[moved.other.id] = moved.other
        if moved.referral is not None:
            self.referrals[moved.referral.id] = moved.referral
        if moved.member is not None:
            self.members[moved.member.id] = moved.member
            if request.member is not None:
                self.members[request.member] = moved.member
        order = _as_known(request, accepted, answer)
        self.orders[request.natural_key] = order
        self.keys[_key_of(request)] = order


def _key_of(request: PlaceOrder) -> tuple[int, str, str | None]:
    return request.call.actor.client_id, request.call.scope, request.call.key


def _as_known(request: PlaceOrder, accepted: Accepted, answer: str) -> KnownOrder:
    """Return an accepted order as a repetition of it sees it."""
    operation = accepted.changes.operation
    earlier = Earlier(request.call.request_hash, answer, operation_id=operation.id)
    return KnownOrder(operation.id, earlier, operation.member_id, claimed_by=None)
