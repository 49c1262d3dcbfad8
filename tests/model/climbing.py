"""Where members of a naive program stand on its ladders: up with orders, down with what comes back, reviewed in time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.model.household import Household
from tests.model.ladders import Deed, Ladder, Pile, Runs
from tests.model.purchases import POINTS, Purchase, Rules, left_of
from tests.model.purse import Purse, RefusedError

Shown = Mapping[str, tuple[str | None, datetime | None]]
"""A tier and until when it lasts, by tier set."""

Step = Callable[[Ladder, Pile, Sequence[Deed]], Pile]


class Climbing(Household):
    """Orders by number, and what they lead to."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        super().__init__(rules, now)
        self.orders: dict[str, Purchase] = {}

    def look(self, name: str) -> Purse:
        """Return a member as it is now, once its tiers were reviewed. Only on a copy: nothing happens by looking."""
        purse = super().look(name)
        self._review(purse)
        return purse

    def _open(self, *purses: Purse | None) -> None:
        super()._open(*purses)
        for purse in purses:
            if purse is not None:
                self._review(purse)

    def grant(self, name: str, tier_set: str, tier: str | None, until: datetime | None) -> dict[str, Any]:
        """Put a member into a tier by hand, or below all of them."""
        purse, ladder, before = self._begin_grant(name, tier_set)
        rank = 0 if tier is None else ladder.keys.index(tier) + 1
        if until is not None and until <= purse.now:
            raise RefusedError("grant_ends_in_past")
        purse.piles[tier_set] = ladder.grant(purse.piles.get(tier_set, ()), rank, until, purse.now)
        return self._led(before, purse)

    def end_grant(self, name: str, tier_set: str) -> dict[str, Any]:
        """Let a member go where it would be if nobody had put it into a tier by hand."""
        purse, ladder, before = self._begin_grant(name, tier_set)
        pile = ladder.end_grant(purse.piles.get(tier_set, ()), self._deeds(purse), purse.now)
        if pile is None:
            raise RefusedError("tier_not_granted")
        purse.piles[tier_set] = ladder.follow(pile, self._deeds(purse), _runs(purse), purse.now)
        return self._led(before, purse)

    def _begin_grant(self, name: str, tier_set: str) -> tuple[Purse, Ladder, Shown]:
        purse = self._purse(name)
        self._open(purse)
        if purse.is_blocked:
            raise RefusedError("member_blocked")
        return purse, next(ladder for ladder in self.rules.ladders if ladder.key == tier_set), self._stand(purse)

    def places(self, purse: Purse) -> dict[str, tuple[str | None, datetime | None, datetime | None, int]]:
        """Return in which tier of each set somebody is, since and until when, and how much of the metric there is today."""
        deeds, shown = self._deeds(purse), self._stand(purse)
        since = {key: pile[-1].since if pile else None for key, pile in purse.piles.items()}
        return {
            ladder.key: (
                shown[ladder.key][0],
                since.get(ladder.key),
                shown[ladder.key][1],
                ladder.amount(deeds, purse.now),
            )
            for ladder in self.rules.ladders
        }

    def count_orders(self, purse: Purse) -> tuple[int, int]:
        """Return how many orders a member has of which something is left, and what was paid for them without points."""
        deeds = self._deeds(purse)
        return sum(deed.orders for deed in deeds), sum(deed.spend for deed in deeds)

    def _deeds(self, purse: Purse) -> list[Deed]:
        orders = [order for order in self.orders.values() if self._owner(order) is purse]
        gifts = [gift for one in self.purses.values() if self._purse(one.name) is purse for gift in one.gifts]
        return [self._deed_of(order) for order in orders] + [Deed(at, 0, 0, points) for at, points in gifts]

    @staticmethod
    def _deed_of(order: Purchase) -> Deed:
        fate, goods = order.fate, sum(line.amount for line in left_of(order, order.back))
        paid = order.paid - (order.paid * fate.restored // order.paid_points if order.paid_points else 0)
        return Deed(order.placed, max(goods - paid, 0), int(not fate.is_gone), order.counted[POINTS])

    def _review(self, purse: Purse) -> None:
        self._walk(purse, lambda ladder, pile, deeds: ladder.review(pile, deeds, purse.now, _runs(purse)))

    def _raise(self, order: Purchase) -> None:
        purse = self._owner(order)
        if purse is not None:
            self._lead(purse, lambda ladder, pile, deeds: ladder.buy(pile, deeds, order.placed, purse.now))

    def _lower(self, order: Purchase) -> None:
        purse = self._owner(order)
        if purse is not None:
            self._lead(purse, lambda ladder, pile, deeds: ladder.lose(pile, deeds, order.placed, purse.now))

    def _lead_by_points(self, purse: Purse, step: Step) -> None:
        """Lead somebody who gets points for nothing bought."""
        self._lead(purse, lambda ladder, pile, deeds: step(ladder, pile, deeds) if ladder.metric == "points" else pile)

    def _follow(self, purse: Purse) -> None:
        """Lead somebody where its plans do."""
        self._lead(purse, lambda _, pile, __: pile)

    def _lead(self, purse: Purse, step: Step) -> None:
        """Lead somebody where a step does, and its plans then."""
        self._walk(
            purse,
            lambda ladder, pile, deeds: ladder.follow(step(ladder, pile, deeds), deeds, _runs(purse), purse.now),
        )

    def _walk(self, purse: Purse, step: Step) -> None:
        deeds = self._deeds(purse)
        for ladder in self.rules.ladders:
            purse.piles[ladder.key] = step(ladder, purse.piles.get(ladder.key, ()), deeds)

    def _stand(self, purse: Purse | None) -> Shown:
        if purse is None:
            return {}
        return {ladder.key: ladder.show(purse.piles.get(ladder.key, ())) for ladder in self.rules.ladders}

    def _led(self, before: Shown, purse: Purse | None) -> dict[str, Any]:
        """Return from which tiers to which somebody went, since when and until when; nothing of a guest."""
        if purse is None:
            return {}
        after = self._stand(purse)
        moved = [key for key in after if after[key] != before[key]]
        return {
            "tiers": {key: (before[key][0], after[key][0], purse.piles[key][-1].since, after[key][1]) for key in moved}
        }

    def _owner(self, order: Purchase) -> Purse | None:
        return None if order.buyer is None else self._purse(order.buyer.name)


def _runs(purse: Purse) -> Runs:
    return {plan: stay.ends for plan, stay in purse.stays.items() if purse.now < stay.ends}
