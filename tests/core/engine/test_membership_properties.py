"""Properties of memberships in any life: settling in between changes nothing, and no payment gives less than its term."""

from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.decision import Accepted, Repeated
from loyalty_engine.core.engine.membership_requests import (
    CancelMembership,
    MembershipRequest,
    PayMembership,
    RefundPayment,
    StartTrial,
)
from loyalty_engine.core.engine.requests import Adjust
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.memberships.membership import Membership
from tests.core.engine_cases import MEMBER, NOW, call, member, ruleset_of
from tests.core.store import Store

PLAN: Final[dict[str, Any]] = {
    "key": "club",
    "price": 3000,
    "term": {"days": 30},
    "grace": {"days": 10},
    "trial": {"days": 7},
    "refund": {"kind": "prorated"},
}
LADDER: Final[dict[str, Any]] = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "calendar", "unit": "year"},
    "tiers": [{"key": "silver", "at_least": 20_000, "plan": "club"}],
}
IN_UTC: Final = {"name": "Cases", "currency": "EUR", "time_zone": "UTC"}
RULES: Final[Ruleset] = ruleset_of(program=IN_UTC, plans=[PLAN], tier_sets=[LADDER])
TERM: Final = timedelta(days=30)

STEPS: Final = st.sampled_from(["pay", "pay", "pay", "try", "leave", "leave at once", "refund", "refund in full"])
LIVES: Final = st.lists(st.tuples(st.integers(0, 45), STEPS), min_size=1, max_size=12)


class Life:
    """One member and its club."""

    def __init__(self) -> None:
        self.store = Store({1: RULES})
        self.store.enrol(member())
        self.now = NOW
        self.paid: list[str] = []
        self.accepted: list[Accepted] = []

    @property
    def held(self) -> Membership | None:
        return self.store.members[MEMBER].plans.get("club")

    def take(self, n: int, step: str) -> None:
        """Take a step, which may be refused."""
        decision = self.store.decide(self._request(n, step), self.now)
        if isinstance(decision, Accepted):
            self.accepted.append(decision)
            if step == "pay":
                self.paid.append(f"p{n}")

    def look(self, n: int) -> None:
        """Touch the member without doing anything to its club."""
        self.store.decide(Adjust(call(2000 + n), MEMBER, "stamps", 1, "look"), self.now)

    def _request(self, n: int, step: str) -> MembershipRequest:
        match step:
            case "pay":
                return PayMembership(call(n), MEMBER, "club", f"p{n}", 3000, "EUR")
            case "try":
                return StartTrial(call(n), MEMBER, "club")
            case "leave" | "leave at once":
                return CancelMembership(call(n), MEMBER, "club", step == "leave at once", "moved")
            case _:
                number = self.paid[-1] if self.paid else "none"
                return RefundPayment(call(n), MEMBER, "club", number, in_full=step == "refund in full", reason="moved")


def timeless(held: Membership | None) -> tuple[object, ...]:
    return () if held is None else (held.since, held.paid_until, held.ends_at, held.cancelled_at, held.paid)


@settings(deadline=None, max_examples=60)
@given(LIVES)
def test_who_is_looked_at_in_between_has_what_it_has_without(steps: list[tuple[int, str]]) -> None:
    """The store checks each operation, and that what is decided upon what was decided sees the same."""
    watched, alone = Life(), Life()
    for n, (pause, step) in enumerate(steps, start=1):
        for life in (watched, alone):
            life.now += timedelta(days=pause)
        watched.look(n)
        for life in (watched, alone):
            life.take(n, step)
        assert timeless(watched.held) == timeless(alone.held)
    for life in (watched, alone):
        life.look(999)
    assert watched.held == alone.held
    assert watched.store.members[MEMBER].tiers == alone.store.members[MEMBER].tiers


@settings(deadline=None, max_examples=60)
@given(LIVES)
def test_each_end_is_booked_once_and_its_tier_with_it(steps: list[tuple[int, str]]) -> None:
    life = Life()
    for n, (pause, step) in enumerate(steps, start=1):
        life.now += timedelta(days=pause)
        life.take(n, step)
    life.now += timedelta(days=4000)
    life.look(998)
    life.look(999)

    lapses = [part for part in life.store.operations.values() if part.operation.kind == "plan_lapse"]
    assert len({(move.after.since, move.after.ends_at) for part in lapses for move in part.plans}) == len(lapses)
    assert all(part.operation.effective_at == move.after.ends_at for part in lapses for move in part.plans)
    assert life.held is None or (life.held.is_over and not life.held.runs(life.now))
    standing = life.store.members[MEMBER].tiers.get("status")
    assert standing is None or standing.tier is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-60, 60), min_size=1, max_size=8))
def test_each_payment_gives_its_whole_term(days: list[int]) -> None:
    """However late it is heard of, and in whatever order."""
    life = Life()
    for n, day in enumerate(days, start=1):
        at: datetime = NOW + timedelta(days=day)
        request = PayMembership(call(n), MEMBER, "club", f"p{n}", 3000, "EUR", paid_at=at)
        before, decision = life.held, life.store.accept(request, NOW + timedelta(days=60))
        [move] = decision.changes.plans
        paid = move.after.paid[-1]
        assert paid.until - paid.since == TERM
        assert move.after.paid_until == paid.until
        assert before is None or not before.runs(at) or paid.since == before.paid_until


def test_a_payment_reported_again_is_a_repetition_under_any_key() -> None:
    life = Life()
    life.take(1, "pay")
    again = PayMembership(call(2), MEMBER, "club", "p1", 3000, "EUR")
    assert isinstance(life.store.decide(again, NOW), Repeated)
