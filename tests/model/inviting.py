"""What friends do in the state machine: they register with an advocate's code, buy, and somebody looks at them."""

from typing import Literal
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.core.referrals.codes import code_of
from tests.model.drawing import goods_lines, names, payments, picks, shippings
from tests.model.player import Player
from tests.model.purchases import Line

MOST_FRIENDS = 3


class LifeOfFriends(Player):
    """Friends are members of their own, who do nothing but buy and bring back."""

    @precondition(lambda self: not self.naive.forgotten and len(self.naive.referrals) < MOST_FRIENDS)
    @rule(advocate=names, lines=st.none() | goods_lines)
    def befriend(self, advocate: str, lines: list[Line] | None) -> None:
        """Somebody enrols, registers with the code of another, and may buy; clocks do not go back from then on."""
        self._tick()
        if any(purse.booked > self.naive.now for purse in self.naive.purses.values()):
            return
        name = self._fresh("friend")
        self.ids[name] = self._post("/members", {"identities": [f"card:{name}"]}, self._fresh("k")).json()["id"]
        self.naive.enrol(name)
        body = {"member": self.ids[name], "code": code_of(self._uuid(advocate))}
        answer = self._do("/referrals", body, lambda naive: naive.befriend(name, advocate), name)
        if answer is not None:
            self.ids[f"referral of {name}"] = answer["id"]
            if lines is not None:
                self._place(self._fresh("o"), name, lines)

    @precondition(lambda self: self.naive.referrals)
    @rule(pick=picks, lines=goods_lines, shipping=shippings, age=st.sampled_from([0, 0, 0, 0, 1]), pay=payments)
    def buy_as_friend(self, pick: int, lines: list[Line], shipping: int, age: int, pay: int | str | None) -> None:
        name = self._pick(self.naive.referrals, pick)
        self._place(self._fresh("o"), name, lines, shipping=shipping, age=age, pay=pay)

    @precondition(lambda self: self.naive.referrals)
    @rule(pick=picks, verdict=st.sampled_from(["approve", "approve", "reject"]))
    def judge(self, pick: int, verdict: Literal["approve", "reject"]) -> None:
        self._tick()
        name = self._pick(self.naive.referrals, pick)
        path = f"/referrals/{self.ids[f'referral of {name}']}/review"
        body = {"verdict": verdict, "reason": "looked_at"}
        self._do(path, body, lambda naive: naive.judge(name, verdict), name)

    def _uuid(self, name: str) -> UUID:
        return read_id("mem", self.ids[name])
