"""What members do about plans in the state machine: they pay early, late and in time, try, change, leave, and want money back."""

import copy
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.drawing import NAMES, names, picks
from tests.model.inviting import LifeOfFriends
from tests.model.showing import read_plan

plans = st.sampled_from(["club", "club", "basic"])
ages = st.sampled_from([0, 0, 0, 60, 86_400, 4 * 86_400, 12 * 86_400, -200, -3600])
"""How many seconds ago somebody paid."""


class LifeOfPlans(LifeOfFriends):
    """Only those who are no friends of others join: what a friend does brings rewards along."""

    @rule(name=names, plan=plans, age=ages, more=st.sampled_from([0, 0, 0, 0, 50, -1]), changes=st.booleans())
    def pay_plan(self, name: str, plan: str, age: int, more: int, *, changes: bool) -> None:
        self._pay(self._fresh("pay"), name, plan, age=age, more=more, changes=changes)

    @rule(name=names, plan=plans)
    def renew(self, name: str, plan: str) -> None:
        """Pay for a second term before the first is over."""
        for _ in range(2):
            self._pay(self._fresh("pay"), name, plan)

    @precondition(lambda self: self.naive.payments)
    @rule(pick=picks, name=names, plan=plans)
    def pay_again(self, pick: int, name: str, plan: str) -> None:
        """Report a payment that counts already, as another one."""
        self._pay(self._pick(self.naive.payments, pick), name, plan)

    @rule(name=names, plan=plans)
    def try_plan(self, name: str, plan: str) -> None:
        self._tick()
        path = f"/members/{self.ids[name]}/plans/{plan}/trial"
        self._do(path, {}, lambda naive: naive.try_plan(name, plan), name)
        self._compare_plans(name)

    @rule(name=names, plan=plans, at_once=st.sampled_from([True, False, None]))
    def leave_plan(self, name: str, plan: str, *, at_once: bool | None) -> None:
        self._tick()
        if plan not in copy.deepcopy(self.naive).look(name).stays:
            return
        path = f"/members/{self.ids[name]}/plans/{plan}/cancel"
        body = {"reason": "moved_away", "at_once": at_once}
        self._do(path, body, lambda naive: naive.leave_plan(name, plan, at_once=at_once), name)
        self._compare_plans(name)

    @precondition(lambda self: self.naive.payments)
    @rule(pick=picks, in_full=st.booleans())
    def refund_payment(self, pick: int, *, in_full: bool) -> None:
        self._tick()
        number = self._pick(self.naive.payments, pick)
        name, plan = self.naive.payments[number]
        path = f"/members/{self.ids[name]}/plans/{plan}/refunds"
        body = {"payment": number, "in_full": in_full, "reason": "bounced"}
        self._do(path, body, lambda naive: naive.refund_payment(number, name, plan, in_full=in_full), name)
        self._compare_plans(name)

    @precondition(lambda self: self.naive.payments)
    @rule(pick=picks, is_over=st.booleans(), hours=st.sampled_from([-1, 0, 0, 1]))
    def wait_for_an_end(self, pick: int, hours: int, *, is_over: bool) -> None:
        """Wait until about the end of what somebody paid for, or of the time of grace behind it."""
        name, plan = self.naive.payments[self._pick(self.naive.payments, pick)]
        held = copy.deepcopy(self.naive).look(name).stays.get(plan)
        if held is None:
            return
        at = (held.ends if is_over else held.paid_until) + timedelta(hours=hours)
        if self.naive.now < at < self.naive.now + timedelta(days=70):
            self.wait_until(at)

    def wait_until(self, at: datetime) -> None:
        """Let time pass, and compare what everybody has then."""
        self.stage.clock.set(at)
        self.naive.now = self.stage.clock()
        for name in NAMES:
            self._compare(name)
            self._compare_tiers(name)
            self._compare_plans(name)

    def _pay(self, number: str, name: str, plan: str, *, age: int = 0, more: int = 0, changes: bool = False) -> None:
        self._tick()
        paid = self.naive.now - timedelta(seconds=age, microseconds=self.count)  # no two at the same time
        amount = max(next(one.price for one in self.naive.rules.plans if one.key == plan) + more, 0)
        other = ("basic" if plan == "club" else "club") if changes else None
        path = f"/members/{self.ids[name]}/plans/{plan}/payments"
        body = {"payment": number, "amount": amount, "currency": "EUR", "paid_at": paid.isoformat(), "replaces": other}
        done = self._do(
            path,
            body,
            lambda naive: naive.pay_plan(number, name, plan, amount=amount, paid=paid, replaces=other),
            name,
        )
        self._compare_plans(name)
        if done is not None:
            again = self._post(path, body, self._fresh("k"))
            assert again.json() == done, "the same payment under a new key is the same payment"

    def _compare_plans(self, name: str) -> None:
        """Compare what a member has of plans."""
        naive = copy.deepcopy(self.naive)
        stays = naive.stays_of(naive.look(name))
        rows = self.http.get(f"/members/{self.ids[name]}/plans").json()["plans"]
        found = {row["plan"]: read_plan(row) for row in rows}
        assert found == stays, (name, found, stays)
