"""What a plan says of promotions that compete, proven by playing them."""

import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import FaultCode
from loyalty_engine.core.program.promotion_rivals import find_losers
from loyalty_engine.core.program.promotions import PromotionEntry, PromotionGroup, PromotionPolicy
from loyalty_engine.core.promotions.evaluation import Promoted, promote
from loyalty_engine.core.promotions.offers import compile_promotion
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from loyalty_engine.core.rules.view import View

Json = dict[str, Any]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENTRIES = TypeAdapter(list[PromotionEntry])
GROUPS = TypeAdapter(list[PromotionGroup])


def play(
    entries: list[PromotionEntry], groups: dict[str, PromotionGroup], policy: PromotionPolicy, order: Order
) -> Promoted:
    vocabulary = Vocabulary.of(Attributes())
    compiled = tuple(
        compile_promotion(entry, place, policy=policy, vocabulary=vocabulary, zone=UTC)
        for place, entry in enumerate(entries)
    )
    view = View(at=NOW, zone=UTC, order=order)
    return promote(Promotions(compiled, groups, policy.choose), order, view, Counted({}, {}))


SELECTIONS = st.sampled_from([None, {"category": ["tea"]}, {"category": ["tea", "coffee"]}])
EFFECTS = st.one_of(
    st.builds(
        lambda percent, of, units: {"kind": "percent_off", "percent": f"{percent}%", "of": of, "units": units},
        st.sampled_from([5, 10, 100]),
        SELECTIONS,
        st.sampled_from([None, None, {"cheapest": 1}]),
    ),
    st.builds(
        lambda minor, of, each: {"kind": "amount_off", "amount": minor, "of": of, "each": each},
        st.sampled_from([2_000, 20_000]),
        SELECTIONS,
        st.sampled_from(["order", "line", "unit"]),
    ),
    st.builds(
        lambda kind, price, of: {"kind": kind, "price": price, "of": of},
        st.sampled_from(["unit_price", "total_price"]),
        st.sampled_from([2_000, 20_000]),
        SELECTIONS,
    ),
    st.sampled_from([{"kind": "shipping_off"}, {"kind": "shipping_off", "amount": 300}]),
    st.just({"kind": "points", "wallet": "points", "points": 7}),
    st.sampled_from([{"kind": "gift", "sku": "1"}, {"kind": "gift", "sku": "1", "per_amount": 90_000}]),
)
WHENS = st.sampled_from(
    [None, None, {"fact": "order.total", "at_least": 100_000}, {"fact": "order.total", "more_than": 200_000}]
)
OFFERS = st.builds(
    lambda effect, when, priority, group, at_most: {
        "effect": effect,
        "when": when,
        "priority": priority,
        "group": group,
        "at_most": at_most,
    },
    EFFECTS,
    WHENS,
    st.integers(-1, 1),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from([None, None, 3_000]),
)
CHOOSE = st.sampled_from(["all", "best", "first"])
AMOUNTS = st.integers(10, 250).map(lambda hundreds: hundreds * 1_000)
"""Goods of which a share is never a few cents only."""
LINES = st.lists(
    st.tuples(AMOUNTS, st.integers(1, 3), st.sampled_from(["tea", "coffee", "cake"])),
    min_size=1,
    max_size=4,
)
FIVE = {"kind": "percent_off", "percent": "5%"}


@settings(deadline=None, max_examples=200)
@given(
    st.lists(OFFERS, min_size=2, max_size=5),
    st.tuples(CHOOSE, CHOOSE, CHOOSE),
    st.sampled_from([None, "a"]),
    st.sampled_from(["rest", "list"]),
    LINES,
)
@example([{"effect": FIVE}, {"effect": FIVE}], ("best", "all", "all"), None, "rest", [(10_000, 1, "tea")])
def test_a_loser_is_never_chosen_or_only_for_its_place(
    offers: list[Json],
    choose: tuple[str, str, str],
    above_b: str | None,
    percent_of: str,
    lines: list[tuple[int, int, str]],
) -> None:
    entries = ENTRIES.validate_python([{"key": f"p{n}", **offer} for n, offer in enumerate(offers)])
    made = [{"key": "a", "choose": choose[1]}, {"key": "b", "choose": choose[2], "group": above_b}]
    groups = {group.key: group for group in GROUPS.validate_python(made)}
    policy = PromotionPolicy.model_validate({"choose": choose[0], "percent_of": percent_of})
    goods = tuple(Line(str(n), c, q * SCALE, category=k, sku=str(n)) for n, (c, q, k) in enumerate(lines))
    order = Order(ShopOrder("1"), NOW, "EUR", goods, shipping=490)

    promoted = play(entries, groups, policy, order)

    given = {one.promotion.position: one.value for one in promoted.applied}
    outdone = {one.promotion.position: one.wanted for one in promoted.refused if one.code == "outdone"}
    for fault in find_losers(entries, groups, policy):
        loser, winner = (int(place) for place in re.findall(r"/promotions/(\d)", fault.pointer + fault.message))
        if fault.code == FaultCode.NEVER_FIRST:
            assert loser not in given
        elif loser in given:  # it stands before the other one, which would have saved as much
            assert outdone[winner] <= given[loser]
