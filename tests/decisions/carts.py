"""Plays promotion cases: a cart, what is known of its buyer, and what promotions make of both."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.engine.attributes import with_decimals
from loyalty_engine.core.promotions.evaluation import Promoted, Promotions, Refused, promote
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.rules.view import View
from tests.decisions.examples import Case, read_counted, read_order, read_ruleset, read_view

Json = Mapping[str, Any]

CARTS: Final = (
    "promotion_effects",
    "promotion_units",
    "promotion_choice",
    "promotion_limits",
    "promotion_when",
    "promotion_oddities",
    "promotion_patterns",
)
"""The files whose cases are about what one cart gets."""

_MOST_SPLIT: Final = 1_000


def read_cart(case: Case, lines: Sequence[Json] | None = None) -> Order:
    """Return the case's cart, with other ``lines`` where these are given."""
    said = case.get("order")
    return with_decimals(read_ruleset(case), read_order(said if lines is None else {**said, "lines": lines}))


def play(case: Case, cart: Order) -> Promoted:
    """Return what a cart gets where the case has its own, when every promotion is looked at."""
    ruleset = read_ruleset(case)
    known, view = ruleset.promotions, read_view(case, ruleset)
    promotions = Promotions(tuple(replace(one, door=None) for one in known.promotions), known.groups, known.choose)
    seen = View(at=view.at, zone=view.zone, order=cart, member=view.member, history=view.history)
    return promote(promotions, cart, seen, Counted(*read_counted(case)))


def saves_of(promoted: Promoted) -> dict[str, int]:
    """Return what each promotion takes off lines and shipping."""
    return {one.promotion.key: one.value for one in promoted.applied}


def left_of(cart: Order, promoted: Promoted, case: Case) -> list[int] | dict[int, int]:
    """Return what is left to pay of each line, in the form in which the case says it."""
    left = [promoted.lines[line.id] for line in cart.lines]
    return dict(Counter(left)) if isinstance(case.get("left"), dict) else left


def reasons_of(case: Case, promoted: Promoted) -> dict[str, Json]:
    """Return why promotions give nothing, or less than they would."""
    ruleset = read_ruleset(case)
    shown: dict[str, Json] = {one.promotion.key: {"code": one.code, **_why(one)} for one in promoted.refused}
    shown |= {one.key: {"code": "inactive"} for one in ruleset.promotions.promotions if not one.is_active}
    return json.loads(json.dumps(shown))  # type: ignore[no-any-return]  # reasons by promotion


def split_lines(case: Case) -> list[Json]:
    """Return the lines of the case's cart, those of several equal units as a line for each unit."""
    return [_split(item) for item in case.get("order")["lines"]]


def _split(item: Json) -> Json:
    quantity = item.get("quantity", "1")
    units = int(quantity) if quantity.isdecimal() else 0
    if not 1 < units <= _MOST_SPLIT or item["amount"] % units:
        return item
    return {**item, "quantity": "1", "amount": item["amount"] // units, "pieces": units}


def _why(refused: Refused) -> Json:
    if refused.cap is not None:
        return {"limit": {"limit": refused.cap.written, "wanted": refused.wanted}}
    if refused.code == "outdone":
        return {"outdone": {"group": refused.group, "wanted": refused.wanted}}
    return {} if refused.miss is None else {"miss": refused.miss.as_json()}
