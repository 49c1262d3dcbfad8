"""Stories: requests that are decided one upon the other, as an engine with a store would decide them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision
from loyalty_engine.core.engine.facts import Earlier, Facts, KnownOrder, MemberState
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.requests import ClaimOrder, PlaceOrder, RecordActivity, Request
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.reasons import explain_promotions
from tests.core.engine_cases import call
from tests.decisions.examples import read_activity, read_instant, read_order

Json = Mapping[str, Any]

MEMBERS: Final = {
    "anna": UUID("01900000-0000-7000-8000-00000000000a"),
    "ben": UUID("01900000-0000-7000-8000-00000000000b"),
}
EPOCH: Final = parse_instant("2000-01-01T00:00:00Z")


def new_member(name: str) -> MemberState:
    return MemberState(MEMBERS[name], version=1, seq=0, status="active", booked_at=EPOCH)


@dataclass
class Story:
    """What gather would show before each step, kept by the plainest means there are."""

    ruleset: Ruleset
    members: dict[str, MemberState] = field(default_factory=lambda: {name: new_member(name) for name in MEMBERS})
    shared: dict[str, int] = field(default_factory=dict)
    marks: dict[tuple[str, str, str], UUID] = field(default_factory=dict)
    guests: dict[int, Changes] = field(default_factory=dict)
    clock: datetime = EPOCH

    def decide(self, n: int, step: Json) -> Decision:
        """Decide the step; its clock is when it happened, or what it says, and never runs backwards."""
        by = step.get("by", "anna")
        request = self.read_request(n, step, MEMBERS.get(by))
        facts = Facts(member=self.members.get(by), counters=dict(self.shared))
        happened = EPOCH
        match request:
            case PlaceOrder(order=order):
                happened = order.placed_at
            case RecordActivity(kind=kind, subject=subject, occurred_at=happened):
                mark = self.ruleset.mark_of(kind, subject, happened)
                facts = replace(facts, marked_by=None if mark is None else self.marks.get((by, kind, mark)))
            case ClaimOrder():
                facts = replace(facts, order=self.known(step["claim"]))
            case _:
                raise AssertionError(step)
        now = parse_instant(step["now"]) if "now" in step else max(self.clock, happened)
        self.clock = now
        decision = decide(self.ruleset, facts, request, now)
        assert decision == decide(self.ruleset, facts, request, now)
        if isinstance(decision, Accepted):
            self.keep(n, by, facts, decision.changes)
        return decision

    def read_request(self, n: int, step: Json, member: UUID | None) -> Request:
        if "claim" in step:
            assert member is not None
            return ClaimOrder(call(n), self.guests[step["claim"]].operation.id, member)
        if "order" in step:
            said = {"number": str(n), **step["order"]}
            points = said.pop("pay_with_points", None)
            payment = None if points is None else Payment("points", points)
            return PlaceOrder(call(n), member, read_order(said), payment)
        said = step["activity"]
        told = read_activity(said)
        return RecordActivity(
            call(n),
            member or UUID(int=0),
            told.kind,
            read_instant(said.get("at")),
            told.subject,
            told.location,
            told.attributes,
        )

    def known(self, n: int) -> KnownOrder:
        row = self.guests[n].order
        assert row is not None
        return KnownOrder(row.id, Earlier(b"", "{}"), member_id=None, claimed_by=None, order=row.order)

    def keep(self, n: int, by: str, facts: Facts, changes: Changes) -> None:
        for take in changes.takes:
            self.shared[take.counter] = self.shared.get(take.counter, 0) + take.amount
            assert self.shared[take.counter] <= take.cap
        if changes.activity is not None and changes.activity.mark is not None:
            self.marks[by, changes.activity.kind, changes.activity.mark] = changes.operation.id
        moved = apply(facts, changes)
        assert moved.counters == self.shared
        if moved.member is None:
            self.guests[n] = changes
        else:
            self.members[by] = moved.member


def shown(story: Story, changes: Changes) -> dict[str, Json]:
    """Return the reason of every rule, and of every promotion that was asked, by its key; also of those that nobody had to look at."""
    kind = None if changes.activity is None else changes.activity.kind
    told = [reason.as_json() for reason in changes.reasons]
    reasons = {reason["rule"]: reason for reason in story.ruleset.explain(kind, told, changes.facts.get("seen", {}))}
    seen = changes.facts.get("seen_by_promotions")
    if seen is None:
        return reasons
    played = [reason.as_json() for reason in changes.promotion_reasons]
    promotions = explain_promotions(story.ruleset.promotions, played, seen)
    return reasons | {reason["promotion"]: reason for reason in promotions}
