"""Which promotions a cart gets, what each takes off, and why the others do not.

Those that apply are played one upon the other, in the order of their priority; where they compete, each plays on the same
cart, and the one that is chosen goes on.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Final, NamedTuple

from loyalty_engine.core.earning.evaluation import Use
from loyalty_engine.core.earning.index import Seen
from loyalty_engine.core.earning.limits import NOTHING_COUNTED, Counted
from loyalty_engine.core.kernel.amounts import allocate
from loyalty_engine.core.kernel.tuples import new
from loyalty_engine.core.program.promotions import PromotionGroup
from loyalty_engine.core.promotions.cart import Cart, unjoin
from loyalty_engine.core.promotions.effects import Share, within_floor
from loyalty_engine.core.promotions.offers import Promotion, PromotionCap
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.rules.reasons import Miss, WhyNotPromoted
from loyalty_engine.core.rules.view import READERS, View

_TURN: Final = attrgetter("turn")
_POSITION: Final = attrgetter("promotion.position")


class Applied(NamedTuple):
    """What one promotion gives: minor units off each line by its id, and off shipping, which is its ``value`` together; goods
    to add; points, or the wallet of which it ``multiplies`` what earning rules give.

    ``cut`` is the limit that gave less than the ``wanted`` amount, with what was ``used`` of it before.
    """

    promotion: Promotion
    lines: Mapping[str, int]
    shipping: int
    value: int
    gifts: tuple[tuple[str, int], ...]
    points: tuple[str, int] | None
    cut: PromotionCap | None
    used: int
    wanted: int
    multiplies: str | None


class Refused(NamedTuple):
    """Why a promotion gives nothing: the miss of its condition, the limit of which so much was ``used``, the group in
    which another one was chosen, what it ``wanted`` to take off.
    """

    promotion: Promotion
    code: WhyNotPromoted
    miss: Miss | None = None
    cap: PromotionCap | None = None
    group: str | None = None
    wanted: int = 0
    used: int = 0


class Promoted(NamedTuple):
    """A cart after its promotions: what is left to pay of each line, what each gave, and why others did not.

    ``memory`` is what it takes to price the order again, ``seen`` the facts by which promotions were found.
    """

    cart: Cart
    applied: tuple[Applied, ...]
    refused: tuple[Refused, ...]
    uses: tuple[Use, ...]
    seen: Seen
    memory: tuple[PromotionMemory, ...] = ()


class _Outcome(NamedTuple):
    """The cart after some promotions, and what they gave."""

    cart: Cart
    applied: Sequence[Applied]

    @property
    def value(self) -> int:
        return sum(one.value for one in self.applied)


def promote(
    promotions: Promotions, order: Order, view: View, counted: Counted, *, codes: Collection[str] = ()
) -> Promoted:
    """Return what an order gets. ``codes`` are the keys of promotions that the customer's promo codes open."""
    play = _Play(promotions, view, counted, codes)
    found, seen = promotions.index.find(view)
    admitted = play.admit(found)
    cart, applied = play.run(admitted, Cart.of(order, view.lines if view.lines.lines is order.lines else None))
    applied = _unjoin(applied, cart)
    if not promotions.is_in_order:
        applied = sorted(applied, key=_POSITION)
    play.refused.sort(key=_POSITION)
    uses = tuple([use for one in applied for use in play.uses_of(one)]) if promotions.has_caps else ()
    return new(Promoted, (cart, tuple(applied), tuple(play.refused), uses, seen, _remember(applied, view)))


def promote_again(
    promotions: Promotions, order: Order, view: View, memory: Sequence[PromotionMemory]
) -> tuple[PromotionMemory, ...]:
    """Return what the promotions of ``memory`` give for ``order``, what is left of the one that it is the memory of.

    ``order`` and ``view`` are as the shop reported it. Nothing gives more than it did, and what did not apply then does not
    apply now. Promotions that give nothing are missing.
    """
    remembered = {one.promotion: one for one in memory}
    play = _Replay(promotions, view, remembered)
    admitted = play.admit([promotion for promotion in promotions.promotions if promotion.key in remembered])
    cart, applied = play.run(admitted, Cart.of(order))
    given = {one.promotion.key: one for one in _unjoin(applied, cart)}
    return tuple([_lessen(one, given[one.promotion]) for one in memory if one.promotion in given])


def _remember(applied: Sequence[Applied], view: View) -> tuple[PromotionMemory, ...]:
    memory = []
    for promotion, lines, shipping, _, _, points, _, _, _, multiplies in applied:
        held, wallet, given = "", multiplies or "", 0
        if promotion.must_remember and promotion.recall is not None:
            held = promotion.recall().remember(view)
        if points is not None:
            wallet, given = points
        memory.append(new(PromotionMemory, (promotion.key, lines, shipping, given, wallet, held)))
    return tuple(memory)


def _lessen(memory: PromotionMemory, again: Applied) -> PromotionMemory:
    points = again.points[1] if again.points is not None else 0
    return memory._replace(lines=again.lines, shipping=again.shipping, points=min(points, memory.points))


def _unjoin(applied: Sequence[Applied], cart: Cart) -> Sequence[Applied]:
    """Return what was given, for lines as the shop sent them."""
    if not cart.joined:
        return applied
    sent = unjoin([one.lines for one in applied], cart.joined)
    return [one._replace(lines=lines) for one, lines in zip(applied, sent, strict=True)]


class _Play:
    """Plays the promotions of one order."""

    __slots__ = ("_codes", "_counted", "_inside", "_promotions", "_view", "refused")

    def __init__(self, promotions: Promotions, view: View, counted: Counted, codes: Collection[str]) -> None:
        self.refused: list[Refused] = []
        self._promotions = promotions
        self._view = view
        self._counted = counted
        self._codes = codes
        self._inside: dict[str | None, list[tuple[int, int, Promotion | PromotionGroup]]] = {}

    def admit(self, found: Iterable[Promotion]) -> list[Promotion]:
        """Return those that may play; refuse the others."""
        admitted = []
        for promotion in found:
            refused = self._refuse(promotion)
            if refused is None:
                admitted.append(promotion)
            else:
                self.refused.append(refused)
        return admitted

    def _refuse(self, promotion: Promotion) -> Refused | None:
        if not promotion.is_for_all:
            refused = self._bar(promotion)
            if refused is not None:
                return refused
        miss = None if promotion.check is None else promotion.check(self._view)
        return None if miss is None else Refused(promotion, "condition_failed", miss)

    def _bar(self, promotion: Promotion) -> Refused | None:
        """Refuse a promotion that is closed, or not for this buyer, whatever its condition says."""
        view = self._view
        if promotion.needs_code and promotion.key not in self._codes:
            return Refused(promotion, "code_needed")
        if promotion.opening is not None and not promotion.opening(view.at, view.local):
            return Refused(promotion, "not_open")
        if not promotion.is_for(view):
            return Refused(promotion, "not_for_this_buyer")
        if promotion.needs_member and view.member is None:
            return Refused(promotion, "member_required")
        return None

    def _enter(self, promotion: Promotion) -> None:
        """Enter a promotion into its group, and each group of which nobody was yet into the group of which it is a part."""
        inside = self._inside
        child: Promotion | PromotionGroup = promotion
        place = promotion.position
        while True:
            group = child.group
            is_known = group in inside
            # Neighbours play by priority and place: that does not hang on who else applies, so that a replay keeps it.
            inside.setdefault(group, []).append((-child.priority, place, child))
            if is_known or group is None:
                return
            child, place = self._promotions.groups[group], self._promotions.firsts[group]

    def run(self, admitted: list[Promotion], cart: Cart) -> _Outcome:
        """Play those that were admitted."""
        if self._promotions.is_flat:
            if not self._promotions.is_in_order:
                admitted.sort(key=_TURN)
            return self._play_all(admitted, cart)
        for promotion in admitted:
            self._enter(promotion)
        return self._play_group(None, cart)

    def _play_group(self, key: str | None, cart: Cart) -> _Outcome:
        children = [child for _, _, child in sorted(self._inside.get(key, ()))]
        choose = self._promotions.choose if key is None else self._promotions.groups[key].choose
        if choose == "all":
            return self._play_all(children, cart)
        outcomes = [self._play_all([child], cart) for child in children]
        offers = [outcome for outcome in outcomes if outcome.applied]
        if not offers:
            return _Outcome(cart, ())
        chosen = offers[0] if choose == "first" else max(offers, key=lambda outcome: outcome.value)
        for outcome in offers:
            if outcome is not chosen:
                self.refused += [
                    Refused(one.promotion, "outdone", group=key, wanted=one.value) for one in outcome.applied
                ]
        return chosen

    def _play_all(self, children: Iterable[Promotion | PromotionGroup], cart: Cart) -> _Outcome:
        """Play one upon the other."""
        applied: list[Applied] = []
        for child in children:
            if isinstance(child, PromotionGroup):
                cart, more = self._play_group(child.key, cart)
                applied += more
                continue
            cart, one = (
                self._play_one(child, cart) if child.share is None else self._share_out(child, child.share, cart)
            )
            if one is not None:
                applied.append(one)
        return new(_Outcome, (cart, applied))

    def _share_out(self, promotion: Promotion, share: Share, cart: Cart) -> tuple[Cart, Applied | None]:
        """Return the same as :meth:`_play_one` of a promotion that only takes something off slices."""
        places, offs = share(cart)
        wanted = sum(offs)
        if not wanted:
            self.refused.append(Refused(promotion, "nothing_to_discount"))
            return cart, None
        after, lines = cart.pay_less(places, offs, 0)
        return after, new(Applied, (promotion, lines, 0, wanted, (), None, None, 0, wanted, None))

    def _play_one(self, promotion: Promotion, cart: Cart) -> tuple[Cart, Applied | None]:
        """Return the cart after one promotion, and what that gives; None: nothing, and it is refused."""
        wish = promotion.effect(cart)
        if promotion.floor is not None:
            wish = within_floor(promotion.floor, wish)
        after, places, offs, shipping_off, gifts, points, multiplies, issues = wish
        wanted = sum(offs) + shipping_off
        if not (wanted or gifts or points or multiplies or issues):
            self.refused.append(Refused(promotion, "nothing_to_discount"))
            return cart, None
        most, cut = self._room(promotion, wanted)
        used = 0 if cut is None else self._used(cut)
        if most is None:
            self.refused.append(Refused(promotion, "limit_reached", cap=cut, wanted=wanted, used=used))
            return cart, None
        if most < wanted:
            *offs, shipping_off = allocate(most, [*offs, shipping_off])
        after, lines = after.pay_less(places, offs, shipping_off)
        what = lines, shipping_off, most, gifts, points
        return after, new(Applied, (promotion, *what, cut, used, wanted, multiplies))

    def _room(self, promotion: Promotion, wanted: int) -> tuple[int | None, PromotionCap | None]:
        """Return how much a promotion may take off, None: it may not apply; and the limit that says so."""
        most = wanted if promotion.at_most is None else min(wanted, promotion.at_most)
        if not promotion.caps:
            return most, None
        tightest: PromotionCap | None = None
        for cap in promotion.caps:  # those that cut come first: what they leave may be little enough for the others
            room = cap.cap - self._used(cap)
            if room <= 0 or (cap.counts_amount and room < most and not cap.partial):
                return None, cap
            if cap.counts_amount and room < most:
                most, tightest = room, cap
        return most, tightest

    def _used(self, cap: PromotionCap) -> int:
        name = cap.counter_on(self._day, self._location)
        return (self._counted.member if cap.per == "member" else self._counted.shared).get(name, 0)

    def uses_of(self, applied: Applied) -> Iterable[Use]:
        """Yield what a promotion takes from its limits; two limits of one counter take once, under the tighter cap."""
        tightest: dict[str, PromotionCap] = {}
        for cap in applied.promotion.caps:
            name = cap.counter_on(self._day, self._location)
            if name not in tightest or cap.cap < tightest[name].cap:
                tightest[name] = cap
        for name, cap in tightest.items():
            amount = applied.value if cap.counts_amount else 1
            if amount:
                yield Use(name, amount, cap.cap, cap.per != "member")

    @property
    def _day(self) -> date:
        return self._view.local.date()

    @property
    def _location(self) -> str | None:
        found: Any = READERS["order.location"](self._view)
        return None if found is None else str(found)


class _Replay(_Play):
    """Plays promotions again, of which it remembers what they gave."""

    __slots__ = ("_remembered",)

    def __init__(self, promotions: Promotions, view: View, remembered: Mapping[str, PromotionMemory]) -> None:
        super().__init__(promotions, view, NOTHING_COUNTED, ())
        self._remembered = remembered

    def _refuse(self, promotion: Promotion) -> Refused | None:
        """Tell whether the condition still holds. It was open, and for this buyer."""
        held = self._remembered[promotion.key].held
        if promotion.recall is None or promotion.recall().holds(self._view, held):
            return None
        return Refused(promotion, "condition_failed")

    def _share_out(self, promotion: Promotion, share: Share, cart: Cart) -> tuple[Cart, Applied | None]:  # noqa: ARG002 - its effect knows
        return self._play_one(promotion, cart)

    def _room(self, promotion: Promotion, wanted: int) -> tuple[int | None, PromotionCap | None]:
        """Return no more than what it took off, whatever room its limits would have by now."""
        return min(wanted, self._remembered[promotion.key].value), None
