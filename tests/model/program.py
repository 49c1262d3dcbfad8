"""A naive program: members, orders, and everything that can be done with them, one act at a time.

An act that is refused raises :class:`RefusedError` and must change nothing: callers work on a copy.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.model.joining import Joining
from tests.model.ordering import Json, Taken
from tests.model.purchases import Rules
from tests.model.purse import Hold, Lease, Lot, Purse, RefusedError, Share, Use
from tests.model.stays import longer


@dataclass(eq=False)
class Spent:
    """Points spent outside an order."""

    purse: Purse
    wallet: str
    points: int
    uses: list[Use]
    is_cancelled: bool = False


@dataclass(eq=False)
class Reversible:
    """Something that was done by hand: an adjustment, a transfer or a merge."""

    kind: str
    purse: Purse
    wallet: str
    points: int
    uses: list[Use] = field(default_factory=list)
    brought: list[Lot] = field(default_factory=list)
    owed: int = 0
    debts: dict[str, int] = field(default_factory=dict)
    counts: Counter[tuple[str, Lease | None]] = field(default_factory=Counter)
    other: Purse | None = None
    is_reversed: bool = False


class NaiveProgram(Joining):
    """Everything that is known of one program."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        super().__init__(rules, now)
        self.spent: dict[str, Spent] = {}
        self.holds: dict[str, tuple[Purse, Hold]] = {}
        self.acts: dict[str, Reversible] = {}
        self.forgotten: set[str] = set()

    def redeem(self, ident: str, name: str, wallet: str, points: int) -> Json:
        """Spend points."""
        purse = self._spender(name, wallet, points)
        self.spent[ident] = Spent(purse, wallet, points, purse.spend(wallet, points))
        purse.touch(wallet, purse.now)
        return {"balances": purse.balances()}

    def take_back_redemption(self, ident: str) -> Json:
        """Put spent points back where they were."""
        spent = self.spent[ident]
        purse = self._purse(spent.purse.name)
        self._open(purse)
        if spent.is_cancelled:
            raise RefusedError("redemption_already_cancelled")
        spent.is_cancelled = True
        purse.restore(spent.wallet, spent.uses, self._grace(purse))
        return {"balances": purse.balances()}

    def hold(self, ident: str, name: str, wallet: str, points: int, seconds: int) -> Json:
        """Set points aside."""
        purse = self._spender(name, wallet, points)
        self.holds[ident] = purse, purse.hold(wallet, points, purse.now + timedelta(seconds=seconds))
        return {"balances": purse.balances()}

    def end_hold(self, ident: str, points: int | None) -> Json:
        """Spend a hold (None: all of it, 0: nothing); the rest goes back."""
        holder, hold = self.holds[ident]
        purse = self._purse(holder.name)
        self._open(purse)
        if hold.ending == "expired":
            raise RefusedError("hold_expired")
        if hold.ending is not None:
            raise RefusedError("hold_ended")
        captured = hold.points if points is None else points
        if captured > hold.points:
            raise RefusedError("capture_exceeds_hold")
        if captured % self.rules.step:
            raise RefusedError("points_not_in_step")  # of a part, the minimum is not asked
        purse.release(hold, at=purse.now, ending="captured" if captured else "voided", captured=captured)
        if captured:
            purse.touch(hold.wallet, purse.now)
        return {"captured": captured, "released": hold.points - captured, "balances": purse.balances()}

    def adjust(self, ident: str, name: str, wallet: str, points: int, *, owes: bool) -> Json:
        """Give or take points by hand."""
        purse = self._purse(name)
        self._open(purse)
        act = Reversible("adjustment", purse, wallet, points)
        if points > 0:
            life, now = self.rules.lives[wallet], purse.now
            act.brought = [purse.earn(wallet, points, (now, life.ready(now), life.dies(now)))]
            purse.welcome(act.brought[0])
        else:
            available = purse.available(wallet)
            if -points > available and not owes:
                raise RefusedError("insufficient_points")
            act.uses = purse.spend(wallet, min(-points, available))
            act.owed = max(-points - available, 0)
            purse.owe(wallet, act.owed)
        self.acts[ident] = act
        return {"balances": purse.balances()}

    def transfer(self, ident: str, name: str, to: str, wallet: str, points: int) -> Json:
        """Move points to somebody else; they keep their age."""
        sender, recipient = self._purse(name), self._purse(to)
        self._open(sender, recipient)
        if sender.is_blocked or recipient.is_blocked:
            raise RefusedError("member_blocked")
        if sender is recipient:
            raise RefusedError("transfer_to_self")
        uses = sender.spend(wallet, points)
        act = Reversible("transfer", sender, wallet, points, uses, other=recipient)
        for lot, amount in uses:
            self._join_slides(recipient, wallet, sender)
            act.brought.append(recipient.earn(wallet, amount, (lot.earned, lot.ready, lot.dies)))
        self.acts[ident] = act
        return {"balances": sender.balances(), "recipient_balances": recipient.balances()}

    def merge(self, ident: str, name: str, absorbed: str) -> Json:
        """Give a member all that another one has; it stands for the other one from then on."""
        target, other = self._purse(name), self._purse(absorbed)
        self._open(target, other)
        if target.is_blocked or other.is_blocked:
            raise RefusedError("member_blocked")
        if target is other:
            raise RefusedError("merge_with_self")
        if any(hold.ending is None for hold in other.holds):
            raise RefusedError("member_has_holds")
        act = Reversible("merge", target, "", 0, other=other, debts=dict(other.debts))
        before = self._stand(target)
        for lot in [lot for lot in other.lots if lot.left]:
            self._join_slides(target, lot.wallet, other)
            heir = target.earn(lot.wallet, lot.left, (lot.earned, lot.ready, lot.dies))
            lot.heirs.append(heir)
            act.uses.append((lot, lot.left))
            act.brought.append(heir)
            lot.left = 0
        for wallet, debt in act.debts.items():
            target.owe(wallet, debt)
            target.pay_debt(wallet)
        act.counts = Counter(other.counts)
        target.counts.update(other.counts)
        other.counts.clear()
        other.debts, other.merged_into = {}, target
        for plan, stay in other.stays.items():
            target.stays[plan] = longer(target.stays.get(plan), stay)
        self._lead(
            target, lambda ladder, pile, deeds: ladder.join(pile, other.piles.get(ladder.key, ()), deeds, target.now)
        )
        self.acts[ident] = act
        return {"balances": target.balances(), **self._led(before, target)}

    def reverse(self, ident: str) -> Json:
        """Book the opposite of an adjustment, a transfer or a merge."""
        act = self.acts[ident]
        purse = self._purse(act.purse.name)
        if act.kind == "merge":
            return self._unmerge(act)
        other = None if act.other is None else self._purse(act.other.name)
        self._open(purse, other)
        if act.is_reversed:
            raise RefusedError("operation_already_reversed")
        if other is purse:
            raise RefusedError("operation_not_reversible")
        act.is_reversed = True
        taken, grace = [], self._grace(purse)
        if other is not None:
            taken = [self._take_for_good(other, act.wallet, act.points, act.brought)]
            purse.restore(act.wallet, act.uses, grace)
        elif act.points > 0:
            taken = [self._take_for_good(purse, act.wallet, act.points, act.brought)]
        else:
            self._forgive(purse, act.wallet, act.owed)
            if act.uses:
                purse.restore(act.wallet, act.uses, grace)
        return {"taken": taken, "balances": purse.balances()}

    def _unmerge(self, act: Reversible) -> Json:
        target, other = act.purse, act.other
        assert other is not None
        self._open(target, other)
        if act.is_reversed:
            raise RefusedError("operation_already_reversed")
        if target.merged_into is not None:
            raise RefusedError("operation_not_reversible")
        act.is_reversed, other.merged_into, taken = True, None, []
        # what a cart held that ended meanwhile went to whom the target was then: its order is the target's
        theirs = {(kind, lease): n for (kind, lease), n in act.counts.items() if lease is None or not lease.is_over}
        target.counts -= Counter(theirs)
        other.counts = Counter(theirs)
        for wallet, debt in sorted(act.debts.items()):
            self._forgive(target, wallet, debt)
            other.owe(wallet, debt)
        for wallet in sorted({lot.wallet for lot, _ in act.uses}):
            uses = [(lot, points) for lot, points in act.uses if lot.wallet == wallet]
            brought = [lot for lot in act.brought if lot.wallet == wallet]
            taken.append(self._take_for_good(target, wallet, sum(points for _, points in uses), brought))
            until = target.slides.get(wallet)
            if until and until > target.now:
                other.slides[wallet] = max(until, other.slides.get(wallet, until))
            for lot, points in uses:
                other.get_again(lot, points)
        for wallet in self.rules.lives:
            other.pay_debt(wallet)
        return {"taken": taken, "balances": target.balances(), "recipient_balances": other.balances()}

    def forget(self, name: str) -> None:
        """Forget what a member did: what becomes of it is not told any more."""
        self.forgotten.add(name)
        self.orders = {n: order for n, order in self.orders.items() if order.buyer is None or order.buyer.name != name}
        self.spent = {n: spent for n, spent in self.spent.items() if spent.purse.name != name}
        self.carts = {n: cart for n, cart in self.carts.items() if cart.purse.name != name}
        self.holds = {n: held for n, held in self.holds.items() if held[0].name != name}
        self.acts = {
            n: act
            for n, act in self.acts.items()
            if act.kind == "merge" or name not in {act.purse.name, act.other.name if act.other else ""}
        }

    def _take_for_good(self, purse: Purse, wallet: str, points: int, brought: Sequence[Lot]) -> Taken:
        _, missing = purse.take_back(wallet, [Share(purse.find(brought), points)])
        if missing and self.rules.clawback == "refuse":
            raise RefusedError("insufficient_points")
        purse.owe(wallet, missing)
        return wallet, points, missing, 0

    def _forgive(self, purse: Purse, wallet: str, owed: int) -> None:
        debt = min(purse.debts.get(wallet, 0), owed)
        purse.owe(wallet, -debt)
        if owed > debt:
            now = purse.now
            purse.welcome(purse.earn(wallet, owed - debt, (now, now, self.rules.lives[wallet].dies(now))))

    def set_blocked(self, name: str, *, is_blocked: bool) -> Json:
        """Block a member or let it go on."""
        purse = self._purse(name)
        self._open(purse)
        if purse.is_blocked == is_blocked:
            raise RefusedError("member_already_blocked" if is_blocked else "member_not_blocked")
        purse.is_blocked = is_blocked
        return {}

    def change_lot(
        self, name: str, number: int, *, expires: datetime | str | None = "", activates: bool = False
    ) -> Json:
        """Let a lot last longer or shorter ("" leaves it alone), or be spent now."""
        purse = self._purse(name)
        self._open(purse)
        lot = purse.lots[number]
        if not lot.left:
            raise RefusedError("lot_empty")
        if activates and not lot.waits:
            raise RefusedError("lot_not_pending")
        if isinstance(expires, datetime) and expires <= purse.now:
            raise RefusedError("expiry_in_past")
        if not isinstance(expires, str):
            lot.dies = expires
        if activates:
            lot.ready, lot.waits = purse.now, False
            purse.touch(lot.wallet, purse.now)
            purse.pay_debt(lot.wallet, [lot])
        return {"balances": purse.balances()}

    def _spender(self, name: str, wallet: str, points: int) -> Purse:
        if wallet == "stamps":
            raise RefusedError("wallet_not_redeemable")
        self.rules.check(points)
        purse = self._purse(name)
        self._open(purse)
        if purse.is_blocked:
            raise RefusedError("member_blocked")
        return purse
