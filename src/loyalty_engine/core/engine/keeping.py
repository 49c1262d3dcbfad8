"""What a changed order does to its member's points: those that it gave are taken back or become spendable, those that paid
for it come back, and limits that it took from get it back.

Everything is the difference of two cumulative states, so how the change was split does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from loyalty_engine.core.earning.base import earning_base
from loyalty_engine.core.earning.evaluation import evaluate_again
from loyalty_engine.core.earning.rules import EarningRule
from loyalty_engine.core.engine.accounts import grace_until, terms_of, touch
from loyalty_engine.core.engine.attributes import with_decimals
from loyalty_engine.core.engine.decision import Take
from loyalty_engine.core.engine.facts import KnownOrder, MemberState
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.activating import activate
from loyalty_engine.core.points.book import Book, LotTerms
from loyalty_engine.core.points.clawback import Clawback, Share, give_again, take_back
from loyalty_engine.core.points.lifetimes import ActivationTerms
from loyalty_engine.core.points.lots import LotUse
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


Group = tuple[str, datetime | None]
"""Points of an order that share a wallet and when they can be spent; None: once they are confirmed."""


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

    def reduce(self, state: OrderState, kept: Order, *, is_void: bool) -> OrderState:
        """Return the state with what each rule's grant is reduced to, for what the customer kept.

        Where a clawback forgives, what was taken or forgiven once is not given again.
        """
        earned = as_earned(self.known.earned)
        policy = self.ruleset.returns
        if is_void or not kept.lines:
            keeps: Kept = earned if policy.points == "none" and not is_void else {}
        else:
            again = self._evaluate_again(state, kept)
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
        for group in sorted(given, key=_order_of_groups):
            more = min(given[group] - keeps[group], surplus.get(group[0], 0))
            keeps[group] += more
            surplus[group[0]] = surplus.get(group[0], 0) - more
        return keeps

    def waiting(self, state: OrderState) -> dict[str, int]:
        """Return the points that still wait for confirmation, by wallet."""
        return {wallet: points - state.activated.get(wallet, 0) for wallet, points in self._waiting(state).items()}

    def own(self, book: Book, group: Group) -> list[UUID]:
        """Return the lots in which the points of a group were given.

        Lots whose times were changed are those that waited, if any did.
        """
        wallet, at = group
        groups = {found: self._terms(rule) for rule, found in self._groups().items() if found[0] == wallet}
        rest = (wallet, None) if (wallet, None) in groups else min(groups, key=_order_of_groups)
        own: list[UUID] = []
        for lot in [book.terms_of(lot_id) for lot_id in self.known.own]:
            if lot.wallet == wallet:
                alike = (g for g, terms in groups.items() if terms.available_at(lot.earned_at) == lot.available_at)
                if next(alike, rest) == (wallet, at):
                    own.append(lot.id)
        return own

    def _waiting(self, state: OrderState) -> dict[str, int]:
        """Return the kept points that can be spent once they are confirmed."""
        return {wallet: points for (wallet, at), points in self.kept(state).items() if at is None}

    def _groups(self) -> dict[str, Group]:
        """Return the group of each rule's points."""
        placed_at = self.known.order.placed_at if self.known.order is not None else self.order.placed_at
        return {key: (rule.wallet, self._terms(key).available_at(placed_at)) for key, rule in self.rules.items()}

    def _terms(self, key: str) -> ActivationTerms:
        rule = self.rules[key]
        return terms_of(self.then, rule.wallet, rule.activation)

    def _by_group(self, points: Kept) -> dict[Group, int]:
        totals: dict[Group, int] = {}
        for key, group in self._groups().items():
            if key in points:
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
        return evaluate_again(self.then.order_rules, view, self.known.earned)


def _order_of_groups(group: Group) -> tuple[str, bool, datetime | None]:
    wallet, at = group
    return wallet, at is None, at


def spend_of(known: KnownOrder, state: OrderState, kept: Order) -> int:
    """Return what an order counts for in its member's spend: goods, less what points paid of them."""
    paid = (known.payment.amount if known.payment else 0) - _restored_amount(known, state)
    return max(kept.goods_total - paid, 0)


def _restored_amount(known: KnownOrder, state: OrderState) -> int:
    payment = known.payment
    return payment.amount * state.restored // payment.points if payment else 0


def move_points(keeper: Keeper, book: Book, before: OrderState, after: OrderState) -> tuple[Taken, ...]:
    """Write to the member's ledger what turns the points of ``before`` into those of ``after``."""
    restored = _restore(keeper, book, before, after)
    was, is_now = keeper.kept(before), keeper.kept(after)
    taken: list[Taken] = []
    for wallet in sorted({wallet for wallet, _ in was}):
        active = after.activated.get(wallet, 0) - before.activated.get(wallet, 0)
        groups = sorted((group for group in was if group[0] == wallet), key=_order_of_groups)
        less = {group: was[group] - is_now[group] for group in groups}
        for group in groups:
            if less[group] < 0:
                _give_again(keeper, book, group, -less[group])
        shares = [
            Share(keeper.own(book, group), points, max(-active, 0) if group[1] is None else 0)
            for group, points in less.items()
            if points > 0
        ]
        paid = keeper.known.payment is not None and keeper.known.payment.wallet == wallet
        claw = Clawback(wallet, shares, restored if paid else {})
        taken += _take(keeper.ruleset, book, claw, sum(less.values()))
        if active > 0 and activate(book, keeper.own(book, (wallet, None)), wallet, active):
            touch(keeper.ruleset, book, (wallet,), book.now)
    return tuple(taken)


def take_points(keeper: Keeper, book: Book, less: Mapping[Group, int]) -> tuple[Taken, ...]:
    """Take points of the order back, those of the lots that it brought first."""
    taken: list[Taken] = []
    for wallet in sorted({wallet for wallet, _ in less}):
        shares = [Share(keeper.own(book, group), points) for group, points in less.items() if group[0] == wallet]
        claw = Clawback(wallet, shares)
        taken += _take(keeper.ruleset, book, claw, claw.amount)
    return tuple(taken)


def _take(ruleset: Ruleset, book: Book, claw: Clawback, net: int) -> list[Taken]:
    """Take points back; tell of it as ``net`` points, of which some may have changed their group only."""
    if not claw.amount:
        return []
    taken = settle_shortage(ruleset, book, claw, take_back(book, claw, destination="issued"))
    return [replace(taken, points=net)] if net > 0 else []


def _give_again(keeper: Keeper, book: Book, group: Group, points: int) -> None:
    """Give points again that an earlier return took: less of the order is worth more than all of it but some."""
    own = keeper.own(book, group)
    left = give_again(book, group[0], own, points)
    if left:
        lot = book.terms_of(own[0])
        terms = LotTerms(lot.funder, lot.cost_micros, lot.earned_at, lot.available_at, lot.expires_at)
        book.earn(group[0], left, terms)


def settle_shortage(ruleset: Ruleset, book: Book, claw: Clawback, missing: int) -> Taken:
    """Deal with what the balance did not cover as the program's policy says."""
    if not missing:
        return Taken(claw.wallet, claw.amount)
    if ruleset.returns.clawback == "refuse":
        covered = claw.amount - missing
        refuse(RefusalCode.RETURN_NOT_COVERED, "", wallet=claw.wallet, needed=claw.amount, available=covered)
    if ruleset.returns.clawback == "clamp":
        return Taken(claw.wallet, claw.amount, forgiven=missing)
    book.owe(claw.wallet, missing, destination="issued")
    return Taken(claw.wallet, claw.amount, owed=missing)


def _restore(keeper: Keeper, book: Book, before: OrderState, after: OrderState) -> dict[UUID, int]:
    """Give points of the payment back, the latest earned first.

    Return all that came back by now, by lot, in that order: also in lots of grace, which have the age of their origin.
    """
    known = keeper.known
    if known.payment is None:
        return {}
    latest_first = sorted(known.uses, key=lambda use: (book.terms_of(use.lot_id).earned_at, use.lot_id), reverse=True)
    points = after.restored - before.restored
    new: tuple[UUID, ...] = ()
    if points > 0:
        uses = cut_uses(latest_first, before.restored, points)
        new = book.restore(known.payment.wallet, uses, grace_until=grace_until(keeper.ruleset, book.now))
    back = {use.lot_id: use.amount for use in cut_uses(latest_first, 0, after.restored)}
    brought = {lot_id: book.terms_of(lot_id).amount for lot_id in (*known.graces, *new) if lot_id not in back}
    mine = {lot.id for lot in book.lots(known.payment.wallet)}
    lots = sorted(
        (book.lot(lot_id) for lot_id in {**back, **brought} if lot_id in mine),
        key=lambda lot: (lot.earned_at, lot.id),
        reverse=True,
    )
    return {lot.id: back.get(lot.id) or brought[lot.id] for lot in lots}


def cut_uses(uses: list[LotUse], start: int, length: int) -> list[LotUse]:
    """Return the part of ``uses``, laid end to end, that begins after ``start`` points and is ``length`` long."""
    cut, place = [], 0
    for use in uses:
        low, high = max(start, place), min(start + length, place + use.amount)
        if low < high:
            cut.append(LotUse(use.lot_id, high - low))
        place += use.amount
    return cut


def give_back_limits(
    keeper: Keeper, member: MemberState, before: OrderState, after: OrderState
) -> tuple[dict[str, int], tuple[Take, ...]]:
    """Return the member's counters with what the order takes less from limits, and what shared ones get back.

    What a return gives again is no new use, so no cap stands in its way.
    """
    earned = as_earned(keeper.known.earned)
    day = keeper.order.placed_at.astimezone(keeper.then.zone).date()
    counters, shared = dict(member.counters), dict[str, Take]()
    for key in earned:
        was, is_now = (before.kept or earned).get(key, 0), (after.kept or earned).get(key, 0)
        by_counter = {(limit.counter_on(day), limit.per): limit for limit in keeper.rules[key].limits}
        for (name, per), limit in by_counter.items():
            less = was - is_now if limit.counts_points else (was > 0) - (is_now > 0)
            if per == "program" and less:
                shared[name] = Take(name, -less, MAX_BALANCE)
            elif per == "member" and name in counters:
                counters[name] = max(counters[name] - less, 0)
    return counters, tuple(shared.values())
