"""Refusals of payments, trials, cancellations and refunds of memberships."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from loyalty_engine.core.engine.facts import Earlier, Facts
from loyalty_engine.core.engine.membership_requests import (
    CancelMembership,
    PayMembership,
    RefundPayment,
    StartTrial,
)
from loyalty_engine.core.engine.requests import RecordActivity
from loyalty_engine.core.memberships.membership import Membership, Paid, Payment
from tests.core.engine.refused import BLOCKED, NOBODY, SOMEBODY, Case
from tests.core.engine_cases import EARLIER, MEMBER, NOW, call, member, with_member

PLANS: Final[dict[str, Any]] = {
    "activities": [{"key": "club_paid", "once_per": "subject", "attributes": {"amount": {"type": "integer"}}}],
    "earning_rules": [],
    "plans": [
        {"key": "club", "price": 4900, "term": {"months": 1}, "trial": {"days": 7}, "activity": "club_paid"},
        {"key": "taste", "price": 0, "term": {"months": 1}, "trial": {"days": 7}},
        {"key": "old", "price": 900, "term": {"months": 1}, "trial": {"days": 7}, "sold": False},
        {"key": "plain", "price": 900, "term": {"months": 1}, "refund": {"kind": "prorated"}},
    ],
}
KNOWN: Final = ["club", "old", "plain", "taste"]
BEGAN: Final = datetime(2026, 5, 20, 12, tzinfo=UTC)
TURNS: Final = datetime(2026, 6, 20, 12, tzinfo=UTC)
ENDS: Final = datetime(2026, 7, 20, 12, tzinfo=UTC)
PAID: Final = Membership(
    BEGAN,
    ENDS,
    ENDS,
    BEGAN,
    2,
    paid=(
        Paid(Payment("p1", 4900, BEGAN), BEGAN, TURNS),
        Paid(Payment("p2", 4900, BEGAN), TURNS, ENDS),
    ),
)
OVER: Final = replace(PAID, paid_until=NOW, ends_at=NOW, is_over=True)


def within(held: Membership, plan: str = "club") -> Facts:
    return with_member(replace(member(100), plans={plan: held}))


def pay(plan: str = "club", amount: int = 4900, **other: Any) -> PayMembership:  # noqa: ANN401 - fields of the request
    return PayMembership(
        **{"call": call(), "member": MEMBER, "plan": plan, "number": "p1", "amount": amount, "currency": "EUR", **other}
    )


def leave(plan: str = "club", *, at_once: bool | None = None) -> CancelMembership:
    return CancelMembership(call(), MEMBER, plan, at_once, "moved")


def refund(number: str = "p2") -> RefundPayment:
    return RefundPayment(call(), MEMBER, "club", number, in_full=False, reason="moved")


SOON: Final = NOW + timedelta(minutes=6)
COUNTED: Final = replace(SOMEBODY, same_number=Earlier(b"another", "", operation_id=EARLIER))
BY_ACTIVITY: Final = RecordActivity(call(), MEMBER, "club_paid", NOW, "p1", attributes={"amount": 4899})
SHORT: Final = {"amount": 4899, "price": 4900, "overpaid": "refuse"}
EXISTS: Final = {"operation_id": "op_01j0000000e00800000000000c"}

_CASES: Final = [
    Case("plan_not_found", pay("gold"), SOMEBODY, "", {"plan": "gold", "known": KNOWN}),
    Case("plan_not_found", pay(replaces="gold"), SOMEBODY, "/replaces", {"plan": "gold", "known": KNOWN}),
    Case("plan_not_found", StartTrial(call(), MEMBER, "gold"), SOMEBODY, "", {"plan": "gold", "known": KNOWN}),
    Case("plan_not_found", leave("gold"), SOMEBODY, "", {"plan": "gold", "known": KNOWN}),
    Case("member_not_found", pay(), NOBODY),
    Case("member_not_found", leave(), NOBODY),
    Case("member_blocked", pay(), BLOCKED),
    Case("member_blocked", StartTrial(call(), MEMBER, "club"), BLOCKED),
    Case("currency_mismatch", pay(currency="USD"), SOMEBODY, "/currency", {"expected": "EUR"}),
    Case("plan_not_sold", pay("taste", 1), SOMEBODY, "", {"plan": "taste"}),
    Case("plan_not_sold", pay("old", 900), SOMEBODY, "", {"plan": "old"}),
    Case("plan_not_sold", pay("old", 900), within(OVER, "old"), "", {"plan": "old"}),
    Case("plan_not_sold", StartTrial(call(), MEMBER, "old"), SOMEBODY, "", {"plan": "old"}),
    Case("payment_amount_mismatch", pay(amount=4899), SOMEBODY, "/amount", SHORT),
    Case("payment_amount_mismatch", pay(amount=4901), SOMEBODY, "/amount", {**SHORT, "amount": 4901}),
    Case("payment_amount_mismatch", BY_ACTIVITY, SOMEBODY, "/attributes/amount", SHORT),
    Case("payment_amount_mismatch", replace(BY_ACTIVITY, attributes={}), SOMEBODY, "/attributes/amount", {**SHORT, "amount": 0}),
    Case("payment_in_future", pay(paid_at=SOON), SOMEBODY, "/paid_at", {"paid_at": "2026-06-01T12:06:00Z", "now": "2026-06-01T12:00:00Z"}),
    Case("payment_exists", pay(), COUNTED, "/payment", EXISTS),
    Case("payment_exists", replace(BY_ACTIVITY, attributes={"amount": 4900}), COUNTED, "/subject", EXISTS),
    Case("trial_not_offered", StartTrial(call(), MEMBER, "plain"), SOMEBODY, "", {"plan": "plain"}),
    Case("trial_used", StartTrial(call(), MEMBER, "club"), within(OVER), "", {"plan": "club", "since": "2026-05-20T12:00:00Z"}),
    Case("membership_not_running", leave(), SOMEBODY, "", {"plan": "club", "state": None}),
    Case("membership_not_running", leave(), within(OVER), "", {"plan": "club", "state": "lapsed"}),
    Case("membership_not_running", refund(), within(OVER), "", {"plan": "club", "state": "lapsed"}),
    Case("membership_not_running", pay("plain", 900, replaces="club"), within(replace(OVER, cancelled_at=NOW)), "/replaces", {"plan": "club", "state": "cancelled"}),
    Case("membership_not_running", pay(replaces="club"), within(PAID), "/replaces", {"plan": "club", "state": "active"}),
    Case("membership_cancelled", leave(), within(replace(PAID, cancelled_at=BEGAN)), "", {"plan": "club", "cancelled_at": "2026-05-20T12:00:00Z"}),
    Case("payment_not_found", refund("p3"), within(PAID), "", {"plan": "club"}),
    Case("payment_not_last", refund("p1"), within(PAID), "", {"plan": "club", "later": 1}),
    Case("refund_not_offered", refund(), within(PAID), "", {"plan": "club", "refund": "none"}),
]  # fmt: skip

PLAN_CASES: Final = [replace(case, parts=PLANS) for case in _CASES]
