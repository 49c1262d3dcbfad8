"""Promotions and carts for tests, written by hand or drawn, in as few words as a test can bear."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.promotions import PromotionEntry, PromotionGroup, PromotionPolicy
from loyalty_engine.core.promotions.evaluation import Promoted, promote
from loyalty_engine.core.promotions.offers import compile_promotion
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.rules.order import Line, MemberSnapshot, Order, ShopOrder
from loyalty_engine.core.rules.view import View

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Json = dict[str, Any]
_ENTRY = TypeAdapter(PromotionEntry)
MEMBER = MemberSnapshot("active", orders=0, spend=0)


def promotions(*effects: Json, choose: str = "all", groups: tuple[Json, ...] = (), **policy: str) -> Promotions:
    vocabulary = Vocabulary.of(Attributes(), {})
    rules = PromotionPolicy.model_validate({"choose": choose, **policy})
    entries = [
        _ENTRY.validate_python(effect if "effect" in effect else {"key": f"p{n}", "effect": effect})
        for n, effect in enumerate(effects)
    ]
    compiled = tuple(
        compile_promotion(entry, n, policy=rules, vocabulary=vocabulary, zone=UTC) for n, entry in enumerate(entries)
    )
    found = {group["key"]: PromotionGroup.model_validate(group) for group in groups}
    return Promotions(compiled, found, rules.choose)


def cart(*lines: tuple[int, int] | tuple[int, int, str], shipping: int = 0) -> Order:
    made = tuple(
        Line(str(n), line[0], line[1] * SCALE, category=line[2] if len(line) > 2 else None, sku=f"s{line[2:]}")
        for n, line in enumerate(lines)
    )
    return Order(ShopOrder("1"), NOW, "EUR", made, shipping=shipping)


def play(rules: Promotions, order: Order, **counted: int) -> Promoted:
    view = View(at=NOW, zone=UTC, order=order, member=MEMBER)
    return promote(rules, order, view, Counted(counted, counted))


COFFEE, JUICE = {"category": ["coffee"]}, {"category": ["juice"]}


EFFECTS = st.one_of(
    st.builds(
        lambda p, u: {"kind": "percent_off", "percent": f"{p}%", **({"units": u} if u else {})},
        st.integers(1, 100),
        st.sampled_from([None, {"cheapest": 1}, {"dearest": 2}, {"every": 2}]),
    ),
    st.builds(
        lambda a, e, of: {"kind": "amount_off", "amount": a, "each": e, "of": of},
        st.integers(1, 3000),
        st.sampled_from(["order", "line", "unit"]),
        st.sampled_from([None, JUICE]),
    ),
    st.builds(lambda p: {"kind": "unit_price", "price": p}, st.integers(0, 500)),
    st.builds(lambda p: {"kind": "total_price", "price": p}, st.integers(0, 3000)),
    st.builds(lambda p: {"kind": "shipping_off", "percent": f"{p}%"}, st.integers(1, 100)),
    st.builds(
        lambda b, g, p: {
            "kind": "buy_get",
            "buy": {"of": COFFEE, "quantity": b},
            "get": {"quantity": g},
            "percent": f"{p}%",
        },
        st.integers(1, 3),
        st.integers(1, 2),
        st.integers(1, 100),
    ),
    st.builds(
        lambda q, p: {
            "kind": "bundle",
            "parts": [{"of": COFFEE, "quantity": q}, {"of": {"category": ["coffee", "juice"]}}],
            "price": p,
        },
        st.integers(1, 2),
        st.integers(0, 900),
    ),
    st.builds(lambda n: {"kind": "gift", "sku": "s('juice',)", "quantity": n}, st.integers(1, 3)),
    st.builds(
        lambda n, per: {"kind": "gift", "sku": "s('tea',)", "quantity": n, "per_amount": per, "most": 4},
        st.integers(1, 3),
        st.integers(1, 900),
    ),
    st.builds(
        lambda p, a: {
            "kind": "stepped",
            "steps": [{"at_least": 500, "percent": f"{p}%"}, {"at_least": 1500, "amount": a}],
        },
        st.integers(1, 100),
        st.integers(1, 1000),
    ),
)
ENTRIES = st.builds(
    lambda effect, at_most, floor, priority, group: {
        "effect": effect,
        "priority": priority,
        **({"at_most": at_most} if at_most else {}),
        **({"floor": f"{floor}%"} if floor else {}),
        **({"group": group} if group else {}),
    },
    EFFECTS,
    st.none() | st.integers(1, 800),
    st.none() | st.integers(1, 100),
    st.integers(-2, 2),
    st.sampled_from([None, None, "a", "b"]),
)
LINES = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 5), st.sampled_from(["coffee", "juice", "tea"])),
    min_size=1,
    max_size=5,
)
CHOOSE = st.sampled_from(["all", "best", "first"])


def built(entries: list[Json], choose: str, inner: str, **policy: str) -> Promotions:
    named = [{"key": f"p{n}", **entry} for n, entry in enumerate(entries)]
    groups = ({"key": "a", "choose": inner}, {"key": "b", "choose": "best", "group": "a"})
    return promotions(*named, choose=choose, groups=groups, **policy)


def left_of(promoted: Promoted) -> dict[str, int]:
    """Return what is left to pay of each line, by its id."""
    joined = promoted.cart.joined
    left = {line.id: line.amount for one in promoted.cart.grouped.lines for line in joined.get(one.id, (one,))}
    for applied in promoted.applied:
        for line, off in applied.lines.items():
            left[line] -= off
    return left


def total_of(promoted: Promoted) -> int:
    """Return what is left to pay of all, shipping too."""
    return sum(promoted.cart.amounts, promoted.cart.shipping)
