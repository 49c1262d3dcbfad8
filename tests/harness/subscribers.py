"""Subscribers: customers who pay for plans, try and leave them, and want their money back."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.harness.api import fresh

Json = dict[str, Any]
Act = tuple[str, Json]

TERM_DAYS: Final = 30
PLANS: Final[list[Json]] = [
    {
        "key": "club",
        "price": 3_000,
        "term": {"days": TERM_DAYS},
        "grace": {"days": 10},
        "trial": {"days": 7},
        "refund": {"kind": "prorated"},
        "activity": "club_paid",
        "privileges": {"multipliers": [{"wallet": "points", "factor": 2}]},
    },
    {"key": "plus", "price": 9_000, "term": {"days": TERM_DAYS}, "cancels": "at_once", "overpaid": "accept"},
    {"key": "pass", "price": 500, "term": {"days": TERM_DAYS}},
]
"""All paid for a term of so many days; a pass is only heard of when its time is nearly over."""

PAID: Final[Json] = {"key": "club_paid", "once_per": "subject", "attributes": {"amount": {"type": "integer"}}}

CHANCES: Final = {
    "pay_plan": 9,
    "report_plan": 3,
    "pay_ended_plan": 5,
    "same_payment": 4,
    "try_plan": 3,
    "leave_plan": 4,
    "refund_plan": 3,
}


@dataclass(slots=True)
class Subscriptions:
    """What all know: the payments that were accepted, by member, plan and number, and all that were sent."""

    paid: list[tuple[str, str, str]] = field(default_factory=list)
    sent: list[Act] = field(default_factory=list)

    def learn(self, path: str, body: Json) -> None:
        """Keep what was paid, for those who want it back."""
        match path.split("/"):
            case [_, "members", member, "plans", plan, "payments"]:
                self.paid.append((member, plan, body["payment"]))
            case _:
                pass

    def draw(self, dice: random.Random, kind: str, member: str) -> Act | None:
        """Return a request of a kind; None when there is nothing that it could be about."""
        plan = dice.choice(["club", "club", "plus"])
        match kind:
            case "same_payment":
                return dice.choice(self.sent[-40:]) if self.sent else None
            case "try_plan":
                return f"/members/{member}/plans/club/trial", {}
            case "leave_plan":
                return f"/members/{member}/plans/{plan}/cancel", {"reason": "moved", "at_once": dice.random() < 0.5}
            case "refund_plan":
                if not self.paid:
                    return None
                member, plan, number = dice.choice(self.paid[-40:])
                body = {"payment": number, "in_full": dice.random() < 0.8, "reason": "bounced"}
                return f"/members/{member}/plans/{plan}/refunds", body
            case _:
                act = _report(member) if kind == "report_plan" else _draw_payment(dice, kind, member, plan)
                self.sent.append(act)
                return act


def _draw_payment(dice: random.Random, kind: str, member: str, plan: str) -> Act:
    """Pay, now and then for a plan that takes another one's place, or for a term that is over in a moment."""
    paid, other = datetime.now(UTC), None
    if kind == "pay_ended_plan":
        plan = "pass"
        paid -= timedelta(days=TERM_DAYS, seconds=dice.randint(-5, 1))
    elif dice.random() < 0.3:
        other = "plus" if plan == "club" else "club"
    price = next(one["price"] for one in PLANS if one["key"] == plan)
    amount = price + dice.choice([0, 0, 0, 0, 100])
    body = {"payment": fresh("p"), "amount": amount, "currency": "EUR", "paid_at": paid.isoformat(), "replaces": other}
    return f"/members/{member}/plans/{plan}/payments", body


def _report(member: str) -> Act:
    """Report a payment as an activity."""
    body = {"member": member, "kind": "club_paid", "occurred_at": datetime.now(UTC).isoformat(), "subject": fresh("p")}
    return "/activities", {**body, "attributes": {"amount": 3_000}}
