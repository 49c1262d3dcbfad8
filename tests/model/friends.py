"""Friends of a naive program: who brought them, what they bought that counts, and what both sides got for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from tests.model.calendar import days_after
from tests.model.climbing import Climbing, Shown
from tests.model.ladders import Deed, Ladder, Pile
from tests.model.purchases import POINTS, Purchase, Rules
from tests.model.purse import Lot, Purse, RefusedError, Share

CHECKOUT = timedelta(hours=1)


@dataclass(eq=False)
class Referral:
    """A friend and who brought it. ``proofs`` are orders that count, by when they settle.

    ``given`` are the lots of both sides, the friend's first.
    """

    friend: Purse
    advocate: Purse
    since: datetime
    until: datetime
    state: Literal["registered", "in_review", "rewarded", "rejected", "reversed"] = "registered"
    verdict: Literal["approved", "rejected"] | None = None
    proofs: list[tuple[datetime, Purchase]] = field(default_factory=list)
    counts_for: Purchase | None = None
    given: list[tuple[Purse, Lot]] = field(default_factory=list)

    def is_due(self, now: datetime) -> bool:
        """Tell whether it counts by now, and nobody has booked that."""
        return self.state in {"registered", "reversed"} and bool(self.proofs) and self.proofs[0][0] <= now


class Befriending(Climbing):
    """Referrals by the name of the friend."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        super().__init__(rules, now)
        self.referrals: dict[str, Referral] = {}

    def befriend(self, name: str, advocate: str) -> dict[str, Any]:
        """Register a friend by its advocate's code."""
        friend, bringer = self._purse(name), self._purse(advocate)
        self._open(friend, bringer)
        if bringer.is_blocked:
            raise RefusedError("member_blocked")
        self.referrals[name] = Referral(friend, bringer, friend.now, days_after(friend.now, self.rules.friends.within))
        return {"state": "registered"}

    def judge(self, name: str, verdict: Literal["approve", "reject"]) -> dict[str, Any]:
        """Let a referral count, or not, after a look at it."""
        referral = self.referrals[name]
        before = self._begin(referral.friend)
        if verdict == "approve":
            if referral.state not in {"in_review", "rejected"}:
                raise RefusedError("referral_not_in_review")
            if self._purse(referral.advocate.name).is_blocked:
                raise RefusedError("member_blocked")
            referral.state, referral.verdict = "registered", "approved"
        elif referral.verdict == "rejected":
            raise RefusedError("referral_not_in_review")
        else:
            referral.verdict, referral.counts_for = "rejected", None
            if referral.state != "rewarded":
                referral.state = "rejected"
        self._conclude(referral.friend, before)
        return {"state": self.state_of(referral)}

    def state_of(self, referral: Referral) -> str:
        """Return where a referral is now; the time of one that nothing speaks for is over by itself."""
        is_over = not referral.proofs and referral.friend.now >= referral.until
        return "rejected" if referral.state in {"registered", "in_review"} and is_over else referral.state

    def rewards_of(self, name: str) -> list[int]:
        """Return what both sides got, the friend first."""
        return [lot.amount for _, lot in self.referrals[name].given]

    def _begin(self, purse: Purse | None) -> Shown:
        """Return where somebody stands; then let both sides have what is due to them before anything else is done."""
        shown = self._stand(purse)
        referral = self._referral_of(purse)
        if referral is not None:
            self._open(referral.friend, self._purse(referral.advocate.name))
            if referral.is_due(referral.friend.now):
                self._reward(referral)
        return shown

    def _conclude(self, purse: Purse | None, before: Shown) -> dict[str, Any]:
        """Give both sides what an act brought them, or take it back; return the answer's last part."""
        referral = self._referral_of(purse)
        if referral is not None and referral.state == "rewarded" and referral.counts_for is None:
            self._take_rewards_back(referral)
        elif referral is not None and referral.is_due(referral.friend.now):
            self._reward(referral)
        return {"balances": {} if purse is None else purse.balances(), **self._led(before, purse)}

    def _prove(self, order: Purchase) -> None:
        """Judge anew whether an order speaks for its buyer's referral."""
        referral = self._referral_of(self._owner(order))
        if referral is None:
            return
        terms = self.rules.friends
        is_early = order.placed < referral.since - CHECKOUT
        if is_early and referral.state in {"registered", "reversed"} and referral.verdict is None:
            referral.state = "in_review"
        deed = self._deed_of(order)
        referral.proofs = [proof for proof in referral.proofs if proof[1] is not order]
        if deed.orders and deed.spend >= terms.least and not is_early and order.placed < referral.until:
            referral.proofs.append((days_after(order.placed, terms.settles), order))
            referral.proofs.sort(key=lambda proof: proof[0])
        elif referral.counts_for is order:
            referral.counts_for = None
        if referral.state == "rewarded" and referral.counts_for is None and referral.proofs:
            referral.counts_for = referral.proofs[0][1]

    def _reward(self, referral: Referral) -> None:
        friend, advocate, terms = referral.friend, self._purse(referral.advocate.name), self.rules.friends
        if advocate.is_blocked:
            referral.state, referral.verdict = "in_review", None
            return
        others = [one for one in self.referrals.values() if self._purse(one.advocate.name) is advocate]
        number = 1 + sum(one.state == "rewarded" for one in others)
        has_room = sum(len(one.given) > 1 for one in others) < terms.most
        at = referral.proofs[0][0]
        referral.state, referral.counts_for = "rewarded", referral.proofs[0][1]
        rungs = [points for least, points in terms.rungs if least <= number]
        for purse, points in ((friend, terms.points), (advocate, rungs[-1] if has_room else 0)):
            if points:
                life = self.rules.lives[POINTS]
                lot = purse.earn(POINTS, points, (at, life.ready(at), life.dies(at)))
                purse.welcome(lot)
                purse.gifts.append((at, points))
                referral.given.append((purse, lot))
                self._lead_by_points(purse, partial(_rise, at=at, now=purse.now))

    def _take_rewards_back(self, referral: Referral) -> None:
        """Take back what both sides got; no return is refused for what somebody else has spent."""
        at = referral.given[0][1].earned
        for holder, lot in referral.given:
            purse = self._purse(holder.name)
            _, missing = purse.take_back(POINTS, [Share(purse.find([lot]), lot.amount)])
            is_forgiven = self.rules.clawback == "clamp"
            if not is_forgiven:
                purse.owe(POINTS, missing)
            purse.gifts.append((at, (missing if is_forgiven else 0) - lot.amount))
            self._lead_by_points(purse, partial(_fall, at=at, now=purse.now))
        referral.state = "rejected" if referral.verdict == "rejected" else "reversed"
        referral.given = []

    def _referral_of(self, purse: Purse | None) -> Referral | None:
        return None if purse is None else self.referrals.get(purse.name)


def _rise(ladder: Ladder, pile: Pile, deeds: Sequence[Deed], *, at: datetime, now: datetime) -> Pile:
    return ladder.buy(pile, deeds, at, now)


def _fall(ladder: Ladder, pile: Pile, deeds: Sequence[Deed], *, at: datetime, now: datetime) -> Pile:
    return ladder.lose(pile, deeds, at, now)
