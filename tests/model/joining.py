"""Members of a naive program pay for plans, try them, leave them, and get money back."""

from datetime import datetime, timedelta
from typing import Any

from tests.model.checkout import Checkout
from tests.model.climbing import Shown
from tests.model.ordering import Json
from tests.model.purchases import Rules
from tests.model.purse import Purse, RefusedError
from tests.model.stays import Plan, Stay, pay_for, try_out

EARLY = timedelta(minutes=5)
"""How far ahead of ours the shop's clock may be."""


class Joining(Checkout):
    """Payments by their number: whose they were, and for which plan."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        super().__init__(rules, now)
        self.payments: dict[str, tuple[str, str]] = {}

    def pay_plan(
        self, number: str, name: str, plan: str, *, amount: int, paid: datetime, replaces: str | None = None
    ) -> Json:
        """A payment adds a term; the plan that it ``replaces`` ends."""
        if number in self.payments:
            raise RefusedError("payment_exists")
        terms, purse, before = self._plan(plan), *self._joining(name)
        held = purse.stays.get(plan)
        if paid > purse.now + EARLY:
            raise RefusedError("payment_in_future")
        if not terms.is_sold and (held is None or paid >= held.ends):
            raise RefusedError("plan_not_sold")
        if amount < terms.price or (amount > terms.price and not terms.takes_more):
            raise RefusedError("payment_amount_mismatch")
        replaced, refund = None, {}
        if replaces is not None:
            old = self._running(purse, replaces)
            if replaces == plan:
                raise RefusedError("membership_not_running")
            refund = old.refunds(purse.now)
            purse.stays[replaces] = old.cancel(purse.now, at_once=True)
            replaced = show_stay(purse.stays[replaces], purse.now)
        purse.stays[plan] = pay_for(terms, held, number, amount=amount, paid=paid, now=purse.now)
        self.payments[number] = name, plan
        return {**self._joined(purse, plan, before), "replaced": replaced, "refund": refund}

    def try_plan(self, name: str, plan: str) -> Json:
        """Who never had a plan may try it."""
        terms, purse, before = self._plan(plan), *self._joining(name)
        if terms.trial is None:
            raise RefusedError("trial_not_offered")
        if not terms.is_sold:
            raise RefusedError("plan_not_sold")
        if plan in purse.stays:
            raise RefusedError("trial_used")
        purse.stays[plan] = try_out(terms, purse.now)
        return self._joined(purse, plan, before)

    def leave_plan(self, name: str, plan: str, *, at_once: bool | None) -> Json:
        """Somebody leaves, as the plan says unless it is told."""
        purse, before = self._joining(name, may_be_blocked=True)
        held = self._running(purse, plan)
        at_once = self._plan(plan).ends_at_once if at_once is None else at_once
        if held.left is not None and not at_once:
            raise RefusedError("membership_cancelled")
        purse.stays[plan] = held.cancel(purse.now, at_once=at_once)
        refund = held.refunds(purse.now) if at_once else {}
        return {**self._joined(purse, plan, before), "refund": refund}

    def refund_payment(self, number: str, name: str, plan: str, *, in_full: bool) -> Json:
        """The last payment is given back, with the time that it paid for."""
        purse, before = self._joining(name, may_be_blocked=True)
        held = self._running(purse, plan)
        told = [term for term in held.told if term.number == number]
        if not told:
            raise RefusedError("payment_not_found")
        if told[0] is not held.told[-1]:
            raise RefusedError("payment_not_last")
        amount = told[0].amount if in_full else held.plan.back(told[0], purse.now)
        if not amount:
            raise RefusedError("refund_not_offered")
        purse.stays[plan] = held.lose_last(purse.now)
        return {**self._joined(purse, plan, before), "refund": {number: amount}}

    def stays_of(self, purse: Purse) -> dict[str, Any]:
        """Return what somebody has of plans, with the payments that are told and what would be given back now."""
        return {
            plan: (
                show_stay(held, purse.now),
                [(term.number, term.amount, term.paid, term.start, term.end) for term in held.told],
                held.refunds(purse.now) if purse.now < held.ends else {},
                purse.now < held.ends,
            )
            for plan, held in purse.stays.items()
        }

    def _plan(self, key: str) -> Plan:
        return next(plan for plan in self.rules.plans if plan.key == key)

    def _joining(self, name: str, *, may_be_blocked: bool = False) -> tuple[Purse, Shown]:
        purse = self._purse(name)
        self._open(purse)
        if purse.is_blocked and not may_be_blocked:
            raise RefusedError("member_blocked")
        return purse, self._stand(purse)

    @staticmethod
    def _running(purse: Purse, plan: str) -> Stay:
        held = purse.stays.get(plan)
        if held is None or held.ends <= purse.now:
            raise RefusedError("membership_not_running")
        return held

    def _joined(self, purse: Purse, plan: str, before: Shown) -> Json:
        self._follow(purse)
        return {"membership": show_stay(purse.stays[plan], purse.now), **self._led(before, purse)}


def show_stay(held: Stay, now: datetime) -> tuple[Any, ...]:
    """Show a stay as answers do."""
    return (held.plan.key, held.state(now), held.since, held.paid_until, held.ends, held.left)
