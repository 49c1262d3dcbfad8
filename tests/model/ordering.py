"""What happens to orders of a naive program: they are placed, edited, confirmed, come back, and are void."""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.model.calendar import days_after
from tests.model.climbing import Shown
from tests.model.friends import Befriending
from tests.model.purchases import (
    POINTS,
    Back,
    Fate,
    Group,
    Line,
    Purchase,
    Rules,
    active_points,
    add_back,
    fate_of,
    gains,
    left_of,
)
from tests.model.purse import NOTHING, Lease, Lot, Purse, RefusedError, Share

Json = dict[str, Any]
Taken = tuple[str, int, int, int]
"""A wallet, and how many points were taken back, are owed, were forgiven."""


@dataclass
class Waiting:
    """A return that came before its order."""

    goods: Back
    until: datetime


class Ordering(Befriending):
    """What becomes of orders, and returns that wait for them."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        super().__init__(rules, now)
        self.waiting: dict[str, list[Waiting]] = {}
        self.pins = 0

    def place(
        self,
        number: str,
        name: str | None,
        lines: Sequence[Line],
        *,
        shipping: int = 0,
        placed: datetime | None = None,
        pay: int | str | None = None,
        exchanges: Sequence[tuple[str, Back]] = (),
        codes: Sequence[str] = (),
        is_strict: bool = False,
    ) -> Json:
        """Accept an order: goods of earlier ones come back first, points pay, the rest earns, early returns follow.

        ``is_strict`` refuses codes that give nothing.
        """
        placed = placed or self.now
        order = Purchase(number, None if name is None else self._purse(name), placed, list(lines), shipping)
        self._open(order.buyer, *[self._owner(self.orders[n]) for n, _ in exchanges if n in self.orders])
        before = self._begin(order.buyer)
        returns = [self._exchange(order, other, goods) for other, goods in exchanges]
        if order.buyer is not None and order.buyer.is_blocked:
            raise RefusedError("member_blocked")
        self._try_codes(order, codes, is_strict=is_strict)
        if order.buyer is None and pay is not None:
            raise RefusedError("member_required")
        self._settle(order, pay)
        self._use_codes(order, None)
        self.orders[number] = order
        self._raise(order)
        self._prove(order)
        return {**self._shown(order), **self._arrive(order, before, returns)}

    @staticmethod
    def _shown(order: Purchase) -> Json:
        return {
            "total": order.total,
            "due": order.total - order.paid,
            "effects": {rule: points for rule, points in order.earned.items() if points},
            "gifts": len(order.gifts),
            "codes": order.codes,
        }

    def _arrive(self, order: Purchase, before: Shown, returns: Sequence[Json] = ()) -> Json:
        """Let returns follow that had waited for an order."""
        waiting = [early.goods for early in self.waiting.pop(order.number, []) if self.now < early.until]
        matched = [done for goods in waiting if (done := self._match(order, goods)) is not None]
        for done in (*returns, *matched):
            done.pop("tiers", None)  # the order's answer tells what came of all
        return {
            "returns": [*returns, *matched],
            **self._conclude(order.buyer, before),
        }

    def _settle(self, order: Purchase, pay: int | str | None) -> None:
        if order.buyer is None:
            return
        buyer, happened = order.buyer, min(order.placed, order.buyer.booked)
        if pay is not None:
            order.paid_points = self._payment(buyer, order.total, pay)
            order.paid = self.rules.value_of(order.paid_points)
        if order.paid_points:
            order.uses = buyer.spend(POINTS, order.paid_points)
            buyer.touch(POINTS, happened)
        order.is_clubs = self._is_in_club(buyer, order)
        order.earned = gains(order.lines, order.shipping, order.paid, is_clubs=order.is_clubs)
        self._give_mug(order, buyer)
        order.fate = Fate(kept=dict(order.earned), left=order.total)
        order.own += self._credit(order, buyer, self.rules.groups(order.earned), happened)

    @staticmethod
    def _is_in_club(buyer: Purse, order: Purchase) -> bool:
        """Tell whether somebody was in the club when it bought, as far as is known by now."""
        return "club" in buyer.stays and buyer.stays["club"].gave(order.placed)

    def _give_mug(self, order: Purchase, buyer: Purse, lease: Lease | None = None) -> None:
        if buyer.gifts_at("mug", buyer.now) < self.rules.mugs:
            order.gifts.add("mug")
            buyer.counts["mug", lease] += 1

    @staticmethod
    def _take_mug(order: Purchase, purse: Purse) -> None:
        if "mug" in order.gifts:
            order.gifts.remove("mug")
            purse.lose_gift("mug", None)

    def _try_codes(self, order: Purchase, codes: Sequence[str], *, is_strict: bool) -> None:
        """Tell which codes can be used: a tote for members, once each, and pins for all, as long as there are some."""
        buyer = order.buyer
        has_tote = buyer is None or buyer.gifts_at("tote", buyer.now) > 0
        usable = {"tote": not has_tote, "pins": self.pins < self.rules.pins}
        order.codes = {code: usable[code] for code in codes}
        if is_strict and not all(order.codes.values()):
            raise RefusedError("promo_code_refused")

    def _use_codes(self, order: Purchase, lease: Lease | None) -> None:
        for code in [code for code, is_used in order.codes.items() if is_used]:
            order.gifts.add(code)
            if code == "pins":
                self.pins += 1
            elif order.buyer is not None:
                order.buyer.counts[code, lease] += 1

    def _void_codes(self, order: Purchase) -> None:
        if self.rules.codes_stay:
            return
        for code in order.gifts - {"mug"}:
            if code == "pins":
                self.pins -= 1
            elif order.buyer is not None:
                self._purse(order.buyer.name).lose_gift(code, None)

    def _payment(self, buyer: Purse, total: int, wish: int | str) -> int:
        available = buyer.available(POINTS)
        if isinstance(wish, str):
            return self.rules.most(available, total)
        self.rules.check(wish)
        if wish > self.rules.most(wish, total):
            raise RefusedError("points_above_share")
        if wish > available:
            raise RefusedError("insufficient_points")
        return wish

    def _credit(self, order: Purchase, purse: Purse, groups: Mapping[Group, int], at: datetime) -> list[Lot]:
        """Add one lot for each wallet and way of waiting."""
        lots = []
        for (wallet, waits), points in sorted(groups.items()):
            if points <= 0:
                continue
            life = self.rules.lives[wallet]
            lot = purse.earn(wallet, points, (at, None if waits else life.ready(at), life.dies(at)))
            lot.is_special = waits
            purse.welcome(lot)
            lots.append(lot)
            order.counted[wallet] += points
        return lots

    def _exchange(self, sale: Purchase, number: str, goods: Back) -> Json:
        if number not in self.orders:
            self._wait(number, goods, self.now if sale.buyer is None else sale.buyer.now)
            return {"status": "waiting"}
        order = self.orders[number]
        if order.buyer is not None and self._owner(order) is not sale.buyer:
            raise RefusedError("return_of_foreign_order")
        return self._give_back(order, add_back(order, goods))

    def _match(self, order: Purchase, goods: Back) -> Json | None:
        """Apply goods that came before their order; what cannot be is let go, and the order stands."""
        try_to_give_back, trial = copy.deepcopy((self._give_back, order))
        try:
            try_to_give_back(trial, add_back(trial, goods))
        except RefusedError:
            return None
        return self._give_back(order, add_back(order, goods))

    def give_back(self, number: str, goods: Back) -> Json:
        """Accept goods of an order back; before it arrives they wait."""
        if number not in self.orders:
            self._wait(number, goods, self.now)
            return {"status": "waiting"}
        order = self.orders[number]
        self._open(self._owner(order))
        before = self._begin(self._owner(order))
        answer = self._give_back(order, add_back(order, goods))
        return {**answer, **self._conclude(self._owner(order), before)}

    def _wait(self, number: str, goods: Back, since: datetime) -> None:
        """Keep goods for their order, from the moment on at which that was booked: not before its buyer's last one."""
        until = days_after(since, self.rules.waiting_days)
        self.waiting.setdefault(number, []).append(Waiting(goods, until))

    def cancel(self, number: str) -> Json:
        """Void an order: all that is left of it comes back."""
        order = self.orders[number]
        self._open(self._owner(order))
        before = self._begin(self._owner(order))
        if order.fate.is_gone:
            raise RefusedError("order_already_cancelled")
        back = Back(dict(order.back.pieces), order.back.amount, order.shipping)
        for line in order.lines:
            back.pieces[line.id] = line.quantity
        answer = self._give_back(order, back, is_void=True)
        return {**answer, **self._conclude(self._owner(order), before)}

    def _give_back(self, order: Purchase, back: Back, *, is_void: bool = False) -> Json:
        stood = self._stand(self._owner(order))
        before, order.back = order.fate, back
        order.fate = fate_of(self.rules, order, back, is_void=is_void)
        after, taken = order.fate, []
        if after.is_gone and not before.is_gone:
            self._void_codes(order)
        if order.buyer is not None:
            taken = self._move(order, self._purse(order.buyer.name), before, after)
            if after.is_gone and not before.is_gone:
                self._take_mug(order, self._purse(order.buyer.name))
        self._lower(order)
        self._prove(order)
        worth = order.paid * (after.restored - before.restored) // order.paid_points if order.paid_points else 0
        return {
            "status": "cancelled" if is_void else "applied",
            "refund": after.refunded - before.refunded,
            "value": after.refunded - before.refunded + worth,
            "restored": after.restored - before.restored,
            "taken": taken,
            "left": after.left,
            "balances": self._purse(order.buyer.name).balances() if order.buyer else {},
            **self._led(stood, self._owner(order)),
        }

    def _move(self, order: Purchase, purse: Purse, before: Fate, after: Fate) -> list[Taken]:
        """Book the difference: points that paid come back, points that were earned go."""
        restored = self._restore(order, purse, before, after)
        was, is_now, earned = (self.rules.groups(rules) for rules in (before.kept, after.kept, order.earned))
        taken: list[Taken] = []
        for wallet in sorted({wallet for wallet, _ in earned}):
            less = {group: was.get(group, 0) - is_now.get(group, 0) for group in sorted(earned) if group[0] == wallet}
            last = restored if wallet == POINTS else NOTHING
            gone = {group: earned[group] - was.get(group, 0) for group in less}
            waited = purse.unconfirmed(wallet) - self._waiting(order, purse, max(less), before)
            if min(less.values()) < 0:
                self._give_again(order, purse, less=less, gone=gone, restored=last)
            active = after.active.get(wallet, 0) - before.active.get(wallet, 0)
            shares = [
                Share(own_of(order, group, purse), max(points, 0), max(-active, 0) if self.rules.waits(group) else 0)
                for group, points in less.items()
            ]
            taken += self._take(order, purse, wallet, shares, sum(less.values()), last)
            waited += self._waiting(order, purse, max(less), after)
            self._confirm_points(order, purse, max(less), purse.unconfirmed(wallet) - waited)
        return taken

    def _give_again(
        self,
        order: Purchase,
        purse: Purse,
        *,
        less: Mapping[Group, int],
        gone: Mapping[Group, int],
        restored: Mapping[Lot, int],
    ) -> None:
        """Give points again that earlier returns took: the rest of an order can be worth a point more than before."""
        wallet = max(less)[0]
        shares = []
        for group, points in less.items():
            own = own_of(order, group, purse)
            lent = sum(order.taken[lot] for lot in own) - gone[group]
            shares.append(Share(own, max(-points, 0), lent=max(lent, 0)))
        taken = {lot: order.taken[lot] for lot in purse.lots if lot.wallet == wallet}
        given, new = purse.give_again(wallet, shares, restored, taken, self._owed(order, purse, wallet, gone))
        order.taken.subtract(given)
        order.counted[wallet] += sum(share.points for share in shares)
        order.parts += new

    @staticmethod
    def _owed(order: Purchase, purse: Purse, wallet: str, gone: Mapping[Group, int]) -> int:
        """Return how many of the points that an order gives less its buyer did not have."""
        less = sum(points for group, points in gone.items() if group[0] == wallet)
        return max(less - sum(order.taken[lot] for lot in purse.lots if lot.wallet == wallet), 0)

    def _waiting(self, order: Purchase, purse: Purse, group: Group, fate: Fate) -> int:
        """Return how many points of an order wait to be confirmed: those that others lack are the first to go."""
        if not self.rules.waits(group):
            return 0
        kept = self.rules.groups(fate.kept).get(group, 0)
        gone = self.rules.groups(order.earned)[group] - kept
        lent = max(sum(order.taken[lot] for lot in own_of(order, group, purse)) - gone, 0)
        return max(kept - lent - fate.active.get(group[0], 0), 0)

    def _confirm_points(self, order: Purchase, purse: Purse, group: Group, points: int) -> None:
        """Let more points be spent that waited for a confirmation, or fewer."""
        own = own_of(order, group, purse)
        if points > 0 and any(lot.waits and lot.left for lot in own):
            split = purse.activate(own, group[0], points)
            purse.touch(group[0], purse.now)
        elif points < 0:
            split = purse.deactivate(own, -points)
        else:
            return
        if order.is_confirming:
            order.own += split
        else:
            order.parts += split

    def _take(
        self,
        order: Purchase,
        purse: Purse,
        wallet: str,
        shares: Sequence[Share],
        net: int,
        restored: Mapping[Lot, int] = NOTHING,
    ) -> list[Taken]:
        if not any(share.points for share in shares):
            return []
        haul, missing = purse.take_back(wallet, shares, restored)
        order.taken.update(haul)
        order.counted[wallet] -= sum(share.points for share in shares)
        if missing and self.rules.clawback == "refuse":
            raise RefusedError("return_not_covered")
        if missing and self.rules.clawback == "clamp":
            order.counted[wallet] += missing
            return [(wallet, net, 0, missing)] if net > 0 else []
        purse.owe(wallet, missing)
        return [(wallet, net, missing, 0)] if net > 0 else []

    def _restore(self, order: Purchase, purse: Purse, before: Fate, after: Fate) -> dict[Lot, int]:
        """Give back points that paid, the youngest first; return all that came back so far, by lot, in that order."""
        uses = sorted(order.uses, key=lambda use: (use[0].earned, use[0].number), reverse=True)
        laid = [lot for lot, points in uses for _ in range(points)]
        if after.restored > before.restored:
            more = Counter(laid[before.restored : after.restored])
            debt = purse.debts.get(POINTS, 0)
            was, earned = self.rules.groups(before.kept), self.rules.groups(order.earned)
            gone = {group: points - was.get(group, 0) for group, points in earned.items()}
            of_others = max(debt - self._owed(order, purse, POINTS, gone), 0)
            back = purse.restore(POINTS, list(more.items()), self._grace(purse))
            order.graces += [lot for lot in back if lot not in more]
            here = [lot for lot, points in zip(back, more.values(), strict=True) for _ in range(points)]
            order.taken.update(here[of_others : debt - purse.debts.get(POINTS, 0)])
        came = {lot: lot.amount for lot in order.graces if lot.wallet == POINTS}
        came.update(Counter(laid[: after.restored]))
        came = {lot: points for lot, points in came.items() if lot in purse.lots}
        return {lot: came[lot] for lot in sorted(came, key=lambda lot: (lot.earned, lot.number), reverse=True)}

    def activate(self, number: str, lines: Mapping[str, int] | None) -> Json:
        """Confirm an order, or some pieces (-1: the rest) of its lines."""
        order = self.orders[number]
        purse = self._owner(order)
        if purse is None:
            raise RefusedError("member_not_found")
        self._open(purse)
        stood = self._begin(purse)
        self._confirm(order, lines)
        before = order.fate
        after = Fate(**vars(before))
        after.active = active_points(self.rules, order, left_of(order, order.back), order.back, before.kept)
        order.fate = after
        order.is_confirming = True
        self._move(order, purse, before, after)
        order.is_confirming = False
        more = {w: n - before.active.get(w, 0) for w, n in after.active.items() if n > before.active.get(w, 0)}
        return {"activated": more, "balances": self._conclude(purse, stood)["balances"]}

    def _confirm(self, order: Purchase, lines: Mapping[str, int] | None) -> None:
        if lines is None:
            order.confirmed = None
        if order.confirmed is None:
            return
        whole = {line.id: line.quantity for line in order.lines}
        for line, pieces in (lines or {}).items():
            if line not in whole:
                raise RefusedError("order_line_not_found")
            so_far = order.confirmed.get(line, 0)
            if not pieces or (pieces > 0 and not whole[line]):
                continue
            order.confirmed[line] = whole[line] if pieces < 0 else min(so_far + pieces, whole[line])

    def edit(self, number: str, lines: Sequence[Line], shipping: int) -> Json:
        """Replace the goods of an order of which nothing came back or was confirmed."""
        order = self.orders[number]
        self._open(self._owner(order))
        before = self._begin(self._owner(order))
        if order.back != Back() or order.confirmed != {}:
            raise RefusedError("order_not_editable")
        if sum(line.amount for line in lines) + shipping < order.paid:
            raise RefusedError("order_below_payment")
        order.lines, order.shipping = list(lines), shipping
        purse = self._owner(order)
        if purse is None:
            return {"total": order.total, "effects": {}, "gifts": len(order.gifts), "taken": [], "balances": {}}
        order.is_clubs = self._is_in_club(purse, order)
        earned = gains(lines, shipping, order.paid, is_clubs=order.is_clubs)
        self._take_mug(order, purse)
        self._give_mug(order, purse)
        taken = self._earn_otherwise(order, purse, earned)
        order.fate, order.taken = Fate(kept=dict(earned), left=order.total), Counter()
        self._lower(order)
        self._raise(order)
        self._prove(order)
        return {
            "total": order.total,
            "effects": earned,
            "gifts": len(order.gifts),
            "taken": taken,
            **self._conclude(purse, before),
        }

    def _earn_otherwise(self, order: Purchase, purse: Purse, earned: dict[str, int]) -> list[Taken]:
        """Book what the order earns more, then what it earns less."""
        before, after = self.rules.groups(order.earned), self.rules.groups(earned)
        more = {group: points - before.get(group, 0) for group, points in after.items()}
        less = {group: points - after.get(group, 0) for group, points in before.items()}
        own = {group: own_of(order, group, purse) for group in less}
        order.earned = earned
        order.own += self._credit(order, purse, more, min(order.placed, purse.now))
        taken = []
        for wallet in sorted({wallet for wallet, _ in less}):
            shares = [Share(own[g], max(n, 0)) for g, n in sorted(less.items()) if g[0] == wallet]
            taken += self._take(order, purse, wallet, shares, sum(share.points for share in shares))
        return taken


def own_of(order: Purchase, group: Group, purse: Purse) -> list[Lot]:
    """Return the lots that hold what a group of points brought."""
    return purse.find(lot for lot in [*order.own, *order.parts] if (lot.wallet, lot.is_special) == group)
