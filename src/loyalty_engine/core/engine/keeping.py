"""What a changed order does to its member's points: those that it gave are taken back or become spendable, those that paid
for it come back, and limits that it took from get it back.

Everything is the difference of two cumulative states, so how the change was split does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from loyalty_engine.core.earning.base import earning_base
from loyalty_engine.core.earning.evaluation import evaluate_again
from loyalty_engine.core.earning.rules import EarningRule
from loyalty_engine.core.engine.accounts import terms_of
from loyalty_engine.core.engine.attributes import with_decimals
from loyalty_engine.core.engine.decision import Take
from loyalty_engine.core.engine.facts import KnownOrder, MemberState
from loyalty_engine.core.engine.repricing import Counter, PricedOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.points.book import Book
from loyalty_engine.core.points.lifetimes import ActivationTerms
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.promotions.points import giver_of
from loyalty_engine.core.returns.points import Kept, as_earned, by_policy, confirmed_share
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.rules.view import View


@dataclass(frozen=True, slots=True)
class Taken:
    """Points of one wallet that an order gives less: ``owed`` of them became a debt, ``forgiven`` were not there."""

    wallet: str
    points: int
    owed: int = 0
    forgiven: int = 0


MOMENT: Final = timedelta(microseconds=1)

Group = tuple[str, datetime | None]
"""Points of an order that share a wallet and when they can be spent; None: once they are confirmed."""

Giver = tuple[str, ActivationTerms]
"""The wallet in which a rule or promotion gave points, and when these can be spent."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """An order that was accepted before, with the rules it earned under (``then``) and today's policies (``ruleset``)."""

    ruleset: Ruleset
    then: Ruleset
    known: KnownOrder
    order: Order

    @property
    def rules(self) -> Mapping[str, EarningRule]:
        """The rules that had something to give."""
        remembered = {given.rule for given in self.known.earned}
        return {rule.key: rule for rule in self.then.order_rules.rules if rule.key in remembered}

    @property
    def priced(self) -> PricedOrder:
        """The order with its promotions."""
        codes = () if self.ruleset.keeps_codes_used else self.known.codes
        return PricedOrder(self.then, self.order, self.known.promoted, codes)

    def reduce(self, state: OrderState, kept: Order, *, is_void: bool) -> OrderState:
        """Return the state with what each rule's grant is reduced to, for what the customer kept.

        Where a clawback forgives, what was taken or forgiven once is not given again.
        """
        earned = as_earned(self.known.earned)
        policy = self.ruleset.returns
        if is_void or not kept.lines:
            keeps: Kept = earned if policy.points == "none" and not is_void else {}
        else:
            again = self._evaluate_again(state, kept) if policy.points == "recomputed" else {}
            keeps = by_policy(policy.points, earned, recomputed=again, order=self.order, kept=kept)
        if policy.clawback == "clamp" and state.kept:
            keeps = {rule: min(points, state.kept.get(rule, 0)) for rule, points in keeps.items()}
        return replace(state, kept={rule: keeps.get(rule, 0) for rule in {**earned, **keeps}})

    def confirm(self, state: OrderState, kept: Order) -> OrderState:
        """Return the state with what can be spent of the points that wait for confirmation."""
        activated = {wallet: confirmed_share(points, kept, state) for wallet, points in self._waiting(state).items()}
        return replace(state, activated=activated)

    def kept(self, state: OrderState) -> dict[Group, int]:
        """Return the points of the order that its member keeps: in no wallet more than it gave.

        What one group gives more than it did takes the place of what another gives less.
        """
        earned = as_earned(self.known.earned)
        given, kept = self._by_group(earned), self._by_group(state.kept or earned)
        keeps = {group: min(points, kept.get(group, 0)) for group, points in given.items()}
        surplus: dict[str, int] = {}
        for (wallet, at), points in kept.items():
            surplus[wallet] = surplus.get(wallet, 0) + max(points - given.get((wallet, at), 0), 0)
        for group in sorted(given, key=order_of_groups):
            more = min(given[group] - keeps[group], surplus.get(group[0], 0))
            keeps[group] += more
            surplus[group[0]] = surplus.get(group[0], 0) - more
        return keeps

    def waiting(self, state: OrderState) -> dict[str, int]:
        """Return the points that still wait for confirmation, by wallet."""
        return {wallet: points - state.activated.get(wallet, 0) for wallet, points in self._waiting(state).items()}

    def earned_in(self, group: Group) -> int:
        """Return the points of a group that the order gave."""
        return self._by_group(as_earned(self.known.earned)).get(group, 0)

    def own(self, book: Book, group: Group) -> list[UUID]:
        """Return the lots in which the points of a group were given.

        Lots whose times were changed are those that waited, if any did.
        """
        wallet, at = group
        groups = {self._group(giver): giver[1] for giver in self._givers().values() if giver[0] == wallet}
        rest = (wallet, None) if (wallet, None) in groups else min(groups, key=order_of_groups)
        own: list[UUID] = []
        for lot in [book.terms_of(lot_id) for lot_id in (*self.known.own, *self.graces(book, parts_of_own=True))]:
            if lot.wallet == wallet:
                alike = (g for g, terms in groups.items() if terms.available_at(lot.earned_at) == lot.available_at)
                if next(alike, rest) == (wallet, at):
                    own.append(lot.id)
        return own

    def confirmed_at(self, book: Book, wallet: str) -> datetime:
        """Return since when points can be spent that are confirmed now.

        That is now, or the moment before if other points of the order happen to start now: times tell them apart.
        """
        terms = [giver[1] for giver in self._givers().values() if giver[0] == wallet]
        lots = [book.terms_of(lot_id) for lot_id in self.known.own]
        others = {one.available_at(lot.earned_at) for one in terms for lot in lots}
        return book.now - MOMENT if book.now in others else book.now

    def graces(self, book: Book, *, parts_of_own: bool = False) -> list[UUID]:
        """Return the lots of grace that returns brought; or those in which some of the order's own points came to wait, or
        to be spendable, when goods came back.
        """
        own = {_origin(book.terms_of(lot_id)) for lot_id in self.known.own}
        return [lot for lot in self.known.graces if (_origin(book.terms_of(lot)) in own) is parts_of_own]

    def _waiting(self, state: OrderState) -> dict[str, int]:
        """Return the kept points that can be spent once they are confirmed."""
        return {wallet: points for (wallet, at), points in self.kept(state).items() if at is None}

    def _givers(self) -> dict[str, Giver]:
        """Return the rules and promotions that had points to give, as grants name them."""
        givers = {
            key: (rule.wallet, terms_of(self.then, rule.wallet, rule.activation)) for key, rule in self.rules.items()
        }
        gave = {given.rule for given in self.known.earned}
        for one in self.known.promoted:
            if giver_of(one.promotion) in gave:
                givers[giver_of(one.promotion)] = one.wallet, terms_of(self.then, one.wallet, None)
        return givers

    def _group(self, giver: Giver) -> Group:
        wallet, terms = giver
        placed_at = self.known.order.placed_at if self.known.order is not None else self.order.placed_at
        return wallet, terms.available_at(placed_at)

    def _by_group(self, points: Kept) -> dict[Group, int]:
        totals: dict[Group, int] = {}
        for key, giver in self._givers().items():
            if key in points:
                group = self._group(giver)
                totals[group] = totals.get(group, 0) + points[key]
        return totals

    def _evaluate_again(self, state: OrderState, kept: Order) -> Kept:
        paid = self.known.payment.amount if self.known.payment else 0
        paid -= _restored_amount(self.known, state)
        seen = with_decimals(self.then, kept)
        view = View(
            at=kept.placed_at,
            zone=self.then.zone,
            order=seen,
            base=earning_base(self.then.base, seen, paid),
            paid_with_points=paid,
        )
        return evaluate_again(self.then.order_rules, view, self.known.earned, extras=self.priced.extras(kept))


def order_of_groups(group: Group) -> tuple[str, bool, datetime | None]:
    """Return the key by which groups come in one and the same order: those that are spendable first."""
    wallet, at = group
    return wallet, at is None, at


def _origin(lot: Lot) -> tuple[str, datetime, datetime | None]:
    return lot.wallet, lot.earned_at, lot.expires_at


def spend_of(known: KnownOrder, state: OrderState, kept: Order) -> int:
    """Return what an order counts for in its member's spend: goods, less what points paid of them."""
    paid = (known.payment.amount if known.payment else 0) - _restored_amount(known, state)
    return max(kept.goods_total - paid, 0)


def _restored_amount(known: KnownOrder, state: OrderState) -> int:
    payment = known.payment
    return payment.amount * state.restored // payment.points if payment else 0


def give_back_limits(
    keeper: Keeper, member: MemberState | None, before: OrderState, after: OrderState
) -> tuple[dict[str, int], tuple[Take, ...]]:
    """Return the member's counters with what the order takes less from limits, and what shared ones get back.

    What a return gives again is no new use, so no cap stands in its way.
    """
    counters = {} if member is None else dict(member.counters)
    shared = dict[str, Take]()
    for (name, is_shared), less in _give_back(keeper, before, after).items():
        if is_shared and less:
            shared[name] = Take(name, -less, MAX_BALANCE)
        elif not is_shared and name in counters:
            counters[name] = max(counters[name] - less, 0)
    return counters, tuple(shared.values())


def _give_back(keeper: Keeper, before: OrderState, after: OrderState) -> dict[Counter, int]:
    """Return how much less the order takes from limits of its rules and promotions.

    A rule that was outdone took nothing, and takes nothing when it gives something for what is left.
    """
    was, is_now = keeper.priced.uses(before), keeper.priced.uses(after)
    less = {counter: used - is_now.get(counter, 0) for counter, used in was.items()}
    earned = as_earned(keeper.known.earned)
    day = keeper.order.placed_at.astimezone(keeper.then.zone).date()
    for rule in [rule for key, rule in keeper.rules.items() if key in earned]:
        had, has = ((state.kept or earned).get(rule.key, 0) for state in (before, after))
        for limit in rule.limits:
            if limit.per != "order":
                points = had - has if limit.counts_points else (had > 0) - (has > 0)
                less[limit.counter_on(day), limit.per == "program"] = points
    return less
