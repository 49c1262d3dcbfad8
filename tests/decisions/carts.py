"""Plays promotion cases: a cart, what is known of its buyer, and what the engine makes of both, looked at and placed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Refused
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.requests import Actor, EvaluateOrder, PlaceOrder, Profile
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode
from loyalty_engine.core.memberships.membership import Membership
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.reasons import explain_promotions
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.tiers.standings import MemberTier
from tests.core.engine_cases import MEMBER, call, lot
from tests.decisions.examples import Case, read_codes, read_past, read_ruleset, read_times

Json = Mapping[str, Any]

CARTS: Final = (
    "promotion_effects",
    "promotion_units",
    "promotion_choice",
    "promotion_limits",
    "promotion_when",
    "promotion_points",
    "promotion_nudges",
    "promotion_oddities",
    "promotion_patterns",
    "code_uses",
)
"""The files whose cases are about what one cart gets."""

_MOST_SPLIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Play:
    """What the engine says of a cart that is looked at, and what it would write when the same cart is placed."""

    cart: Order
    answer: Json
    reasons: Mapping[str, Json]
    changes: Changes
    counted: Mapping[str, int]

    @property
    def total(self) -> int:
        """What is to be paid for goods and delivery."""
        found: int = self.answer["total"]
        return found

    @property
    def saves(self) -> dict[str, int]:
        """What each promotion that applies takes off lines and delivery."""
        return {key: reason["amount"] for key, reason in self.reasons.items() if reason["applied"]}

    @property
    def left(self) -> list[int]:
        """What is left to pay of each line."""
        cheaper = {line["id"]: line["amount"] for line in self.answer["lines"]}
        return [cheaper.get(line.id, line.amount) for line in self.cart.lines]

    @property
    def gifts(self) -> dict[str, dict[str, int]]:
        """Goods that the shop is to add, by promotion."""
        found: dict[str, dict[str, int]] = {}
        for gift in self.answer["gifts"]:
            found.setdefault(gift["promotion"], {})[gift["sku"]] = gift["quantity"]
        return found

    @property
    def payable(self) -> int:
        """The most minor units that points could pay of it."""
        return sum(option["amount"] for option in self.answer["payable"])

    @property
    def became(self) -> dict[str, Json]:
        """What became of each promo code."""
        return {code["code"]: code for code in self.answer["codes"]}

    def points_by(self, source: str) -> dict[str, str]:
        """Return what each ``rule``, or each ``promotion``, gives."""
        effects = [effect for effect in self.answer["effects"] if source in effect]
        return {effect[source]: f"{effect['points']} {effect['wallet']}" for effect in effects}

    @property
    def uses(self) -> dict[str, int]:
        """What the order takes from counters: from the member's own, of which so much was ``counted``, and from shared ones."""
        member = self.changes.member
        counters = {} if member is None else member.after.counters
        own = {name: count - self.counted.get(name, 0) for name, count in counters.items()}
        return {take.counter: take.amount for take in self.changes.takes} | {n: more for n, more in own.items() if more}


def play(case: Case, cart: Order, ruleset: Ruleset | None = None) -> Play:
    """Return what a cart gets where the case has its own, by the case's rules unless others are given.

    Looking and placing must say the same.
    """
    ruleset, used = ruleset or read_ruleset(case), case.get("used", {})
    buyer = _read_buyer(case, cart)
    typed, known = read_codes(case)
    facts = Facts(member=buyer, counters=used.get("program", {}), codes=known)
    member = None if buyer is None else buyer.id
    payment = Payment("points", case.get("pays_with")) if "pays_with" in case.says else None
    seen = look(ruleset, facts, EvaluateOrder(Actor(client_id=1), member, cart, payment, typed), cart.placed_at)
    assert isinstance(seen, Look), seen
    request = PlaceOrder(call(1), member, cart, payment, codes=typed)
    placed = decide(ruleset, facts, request, cart.placed_at)
    assert isinstance(placed, Accepted), placed
    _check_strict(
        decide(ruleset, facts, replace(request, codes=replace(typed, skips_unusable=False)), cart.placed_at), placed
    )
    told = placed.changes.answer
    assert {name: value for name, value in seen.answer.items() if name in told} == {
        name: value for name, value in told.items() if name in seen.answer
    }
    reasons = explain_promotions(ruleset.promotions, seen.answer["promotions"], seen.seen_by_promotions)
    by_promotion = {reason["promotion"]: reason for reason in reasons}
    return Play(cart, seen.answer, by_promotion, placed.changes, used.get("member", {}))


def _check_strict(strict: Decision, placed: Accepted) -> None:
    """Compare the order with what becomes of it when no code may be passed over."""
    unusable = [code for code in placed.changes.answer["codes"] if not code["used"]]
    if not unusable:
        assert strict == placed
        return
    assert isinstance(strict, Refused), strict
    place = placed.changes.answer["codes"].index(unusable[0])
    assert strict.refusal == Refusal(RefusalCode.PROMO_CODE_REFUSED, f"/codes/{place}", {"codes": unusable})


def as_told(case: Case, left: Sequence[int]) -> Sequence[int] | Mapping[int, int]:
    """Return what is left of lines in the form in which the case says it: one by one, or how many lines at which price."""
    return dict(Counter(left)) if isinstance(case.get("left"), dict) else left


def split_lines(case: Case) -> Json:
    """Return the case's cart as written, but with a line for each unit of what has several equal ones."""
    return {**case.get("order"), "lines": [_split(item) for item in case.get("order")["lines"]]}


def _split(item: Json) -> Json:
    quantity = item.get("quantity", "1")
    units = int(quantity) if quantity.isdecimal() else 0
    if not 1 < units <= _MOST_SPLIT or item["amount"] % units:
        return item
    return {**item, "quantity": "1", "amount": item["amount"] // units, "pieces": units}


def _read_buyer(case: Case, cart: Order) -> MemberState | None:
    """Return the member as gather would show it; None for a guest."""
    if case.get("member") is None:
        return None
    known = read_times(case.get("member"))
    profile = Profile(birthday=known.pop("birthday", None), attributes=known.pop("attributes", {}))
    balances = known.pop("balances", {})
    tiers = {key: MemberTier(tier, cart.placed_at) for key, tier in known.pop("tiers", {}).items()}
    since, until = cart.placed_at, cart.placed_at + timedelta(days=30)
    plans = {key: Membership(since, until, until, since) for key in known.pop("plans", ())}
    return MemberState(
        MEMBER,
        version=1,
        seq=0,
        status="active",
        booked_at=cart.placed_at - timedelta(days=1),
        counters=case.get("used", {}).get("member", {}),
        balances={wallet: Balance(available=amount) for wallet, amount in balances.items()},
        lots=tuple(lot(amount) for amount in balances.values()),
        profile=profile,
        history=tuple(read_past(past) for past in case.get("history", ())),
        sees_lots=True,
        tiers=tiers,
        plans=plans,
        **known,
    )
