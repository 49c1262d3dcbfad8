"""Pricing again: what promotions give for what is left of an order, and what they take from their limits for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from loyalty_engine.core.earning.base import as_reported
from loyalty_engine.core.earning.extras import Extra
from loyalty_engine.core.engine.attributes import with_decimals
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.views import view_order
from loyalty_engine.core.promotions.codes import CodeMemory
from loyalty_engine.core.promotions.evaluation import promote_again
from loyalty_engine.core.promotions.points import extras_of, giver_of
from loyalty_engine.core.returns.discounts import in_shares, with_price, without_price
from loyalty_engine.core.returns.goods import keep
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.rules.view import READERS

Counter = tuple[str, bool]
"""The name of a limit's counter, and whether all members share it."""


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """An order that was accepted before, with what its promotions gave under the rules of ``then``.

    ``codes`` are those that opened some of these and whose use can be given back.
    """

    then: Ruleset
    order: Order
    promoted: tuple[PromotionMemory, ...]
    codes: tuple[CodeMemory, ...] = ()

    def price(self, state: OrderState, policy: Literal["proportional", "recomputed"]) -> OrderState:
        """Return the state with what promotions take off what is left of the order, as the program's policy says.

        Where nothing is left there is nothing to price again; nor can that be where a claim is judged by other rules than
        those that priced the order, which do not know its promotions.
        """
        shared = without_price(state)
        kept = keep(self.order, shared)
        if policy == "proportional" or not self.promoted or not kept.lines or not self._knows_promotions:
            return shared
        return with_price(self.order, kept, self.play(kept), state)

    @property
    def _knows_promotions(self) -> bool:
        return {one.promotion for one in self.promoted} <= {one.key for one in self.then.promotions.promotions}

    def play(self, kept: Order) -> tuple[PromotionMemory, ...]:
        """Return what promotions would give for what is left of the order."""
        seen = with_decimals(self.then, as_reported(kept))
        return promote_again(self.then.promotions, seen, view_order(self.then, seen, None), self.promoted)

    def given(self, state: OrderState) -> tuple[PromotionMemory, ...]:
        """Return what promotions give by now; those that give nothing any more are missing."""
        if state.is_gone or not self.promoted:
            return ()
        kept = keep(self.order, state)
        return in_shares(self.promoted, kept) if state.offs is None else self.play(kept)

    def left(self, state: OrderState) -> tuple[PromotionMemory, ...]:
        """Return what to remember of promotions when from now on the order is what was left of it."""
        given = self.given(state)
        if not any(one.wallet for one in given):
            return given
        again = {one.promotion: (one.points, one.wallet) for one in self.play(keep(self.order, state))}
        left = ((one, *again.get(one.promotion, (0, ""))) for one in given)
        return tuple([one._replace(points=points, wallet=wallet) for one, points, wallet in left])

    def extras(self, kept: Order) -> tuple[Extra, ...]:
        """Return what promotions would add to what rules give for what is left of the order."""
        if not any(one.wallet for one in self.promoted):
            return ()
        return extras_of(self.then.promotions, self.play(kept), self.then.wallets)

    def uses(self, state: OrderState) -> Mapping[Counter, int]:
        """Return what the order takes from limits of its promotions and of their promo codes by now."""
        remembered = {one.promotion: one for one in self.promoted}
        limited = [one for one in self.then.promotions.promotions if one.key in remembered and one.caps]
        codes = [code for code in self.codes if code.promotion in remembered]
        if not limited and not codes:
            return {}
        given = {one.promotion: one for one in self.given(state)}
        view = view_order(self.then, self.order, None)
        day, location = view.local.date(), READERS["order.location"](view)
        uses: dict[Counter, int] = {}
        for code in codes:
            is_left = _gives(remembered[code.promotion], given.get(code.promotion), state)
            uses.update((counter, int(is_left)) for counter in code.counters)
        for promotion in limited:
            value = given[promotion.key].value if promotion.key in given else 0
            is_left = _gives(remembered[promotion.key], given.get(promotion.key), state)
            for cap in promotion.caps:
                counter = cap.counter_on(day, None if location is None else str(location)), cap.per != "member"
                uses[counter] = value if cap.counts_amount else int(is_left)
        return uses


def _gives(memory: PromotionMemory, now: PromotionMemory | None, state: OrderState) -> bool:
    """Tell whether anything is left of what a promotion gave: of its points, its discount, or the goods with its gift."""
    if memory.wallet:
        return state.kept.get(giver_of(memory.promotion), 0 if state.is_gone else 1) > 0
    return now is not None and (now.value > 0 or not memory.value)
