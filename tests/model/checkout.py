"""Carts of a naive program that are being paid: held for a while, then confirmed, let go, or forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.model.ordering import Json, Ordering
from tests.model.purchases import POINTS, Fate, Line, Purchase, Rules, gains
from tests.model.purse import Hold, Lease, Purse, RefusedError

_GRID = 10


@dataclass(eq=False)
class Cart:
    """An order that was decided and is not one yet. ``hold`` are the points that will pay."""

    order: Purchase
    purse: Purse
    lease: Lease
    hold: Hold | None = None
    ending: str | None = None

    def end(self, ending: str) -> None:
        """Hold nothing any more."""
        self.ending, self.lease.is_over = ending, True


class Checkout(Ordering):
    """Carts by name."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        super().__init__(rules, now)
        self.carts: dict[str, Cart] = {}

    def reserve(
        self,
        ident: str,
        name: str,
        lines: Sequence[Line],
        *,
        shipping: int,
        placed: datetime,
        pay: int | str | None,
        seconds: int,
        replaces: str | None = None,
        codes: Sequence[str] = (),
        is_strict: bool = False,
    ) -> Json:
        """Decide an order and hold what it takes."""
        purse = self._purse(name)
        self._open(purse)
        if replaces is not None:
            old = self._require_open(replaces, purse)
            if self._purse(old.purse.name) is not purse:
                raise RefusedError("reservation_not_found")
            self._let_go(old, purse, "replaced")
        if purse.is_blocked:
            raise RefusedError("member_blocked")
        order = Purchase("", purse, placed, list(lines), shipping)
        self._try_codes(order, codes, is_strict=is_strict)
        cart = Cart(order, purse, Lease(_round_up(purse.now + timedelta(seconds=seconds))))
        order.paid_points = 0 if pay is None else self._payment(purse, order.total, pay)
        order.paid = self.rules.value_of(order.paid_points)
        if order.paid_points:
            cart.hold = purse.hold(POINTS, order.paid_points, cart.lease.until)
        order.is_clubs = self._is_in_club(purse, order)
        order.earned = gains(order.lines, order.shipping, order.paid, is_clubs=order.is_clubs)
        self._give_mug(order, purse, cart.lease)
        self._use_codes(order, cart.lease)
        self.carts[ident] = cart
        return {**self._shown(order), "status": "reserved", "balances": purse.balances()}

    def confirm(self, ident: str, number: str) -> Json:
        """Make a cart the order that was promised."""
        cart = self.carts[ident]
        purse, order = self._purse(cart.purse.name), cart.order
        self._open(purse)
        self._require_open(ident, purse)
        cart.end("confirmed")
        order.number, order.buyer, happened = number, purse, min(order.placed, purse.now)
        if cart.hold is not None:
            purse.release(cart.hold, at=purse.now, ending="captured", captured=cart.hold.points)
            purse.touch(POINTS, happened)
            order.uses = cart.hold.uses
        order.fate = Fate(kept=dict(order.earned), left=order.total)
        order.own += self._credit(order, purse, self.rules.groups(order.earned), happened)
        for gift in order.gifts:
            purse.lose_gift(gift, cart.lease)
            purse.counts[gift, None] += 1
        self.orders[number], before = order, self._stand(purse)
        self._raise(order)
        return {**self._shown(order), "status": "credited", **self._arrive(order, before)}

    def release(self, ident: str) -> Json:
        """Let a cart go."""
        cart = self.carts[ident]
        purse = self._purse(cart.purse.name)
        self._open(purse)
        self._let_go(self._require_open(ident, purse), purse, "released")
        return {"status": "released", "balances": purse.balances()}

    def _require_open(self, ident: str, purse: Purse) -> Cart:
        cart = self.carts[ident]
        if cart.ending is not None:
            raise RefusedError("reservation_ended")
        if cart.lease.until <= purse.now:
            raise RefusedError("reservation_expired")
        return cart

    @staticmethod
    def _let_go(cart: Cart, purse: Purse, ending: str) -> None:
        cart.end(ending)
        if cart.hold is not None:
            purse.release(cart.hold, at=purse.now, ending="voided")
        for gift in cart.order.gifts:
            purse.lose_gift(gift, cart.lease)


def _round_up(at: datetime) -> datetime:
    """Return the first full ten seconds from then on."""
    seconds = -(-at.timestamp() // _GRID) * _GRID
    return datetime.fromtimestamp(seconds, UTC)
