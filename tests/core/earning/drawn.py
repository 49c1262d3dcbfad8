"""Draws programs and orders: rules with doors and without, limits, groups, multipliers, and lines that some of them mean."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from loyalty_engine.core.earning.base import earning_base
from loyalty_engine.core.earning.evaluation import Earned, EarningRules, evaluate_earning
from loyalty_engine.core.earning.index import Index
from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.program.reading import parse_program
from loyalty_engine.core.rules.order import MemberSnapshot, Order, Tender
from loyalty_engine.core.rules.view import View
from tests.core.orders import line, member, order

Json = dict[str, Any]

WALLETS: Final = ("points", "stamps")
CATEGORIES: Final = ("coffee", "tea", "tobacco")
SELECTIONS: Final = st.sampled_from(
    [
        {},
        {"category": ["coffee"]},
        {"category": ["coffee", "tea"]},
        {"brand": ["Acme"], "category": ["tea"]},
        {"except": {"category": ["tobacco"]}},
        {"attributes": {"cup": True}},
        {"unit": ["kg"]},
    ]
)
COMPARISONS: Final = st.sampled_from(
    [
        {"fact": "order.channel", "is": "web"},
        {"fact": "order.channel", "in": ["web", "app"]},
        {"fact": "order.channel", "is_not": "web"},
        {"fact": "order.total", "at_least": 200},
        {"fact": "order.lines", "is": 2},
        {"fact": "order.tenders", "includes": ["card"]},
        {"fact": "time.weekday", "is": "sunday"},
        {"fact": "member.exists", "is": True},
        {"fact": "member.attributes.vegan", "is": True},
        {"fact": "member.orders", "in": [0, 3]},
        {"lines": {"category": ["coffee"]}, "count": {"at_least": 1}},
        {"lines": {"category": ["tea"], "brand": ["Acme"]}, "amount": {"more_than": 50}},
        {"lines": {"category": ["tobacco"]}, "count": {"is": 0}},
        {"lines": {"attributes": {"cup": True}}, "quantity": {"at_least": "1.5"}},
    ]
)
CONDITIONS: Final = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(lambda children: {"all": children}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda children: {"any": children}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda child: {"not": child}, inner),
    ),
    max_leaves=4,
)
_POINTS: Final = st.integers(1, 30)
PLAIN: Final = st.one_of(
    st.fixed_dictionaries({"kind": st.just("fixed"), "points": _POINTS}),
    st.fixed_dictionaries(
        {"kind": st.just("per_amount"), "points": _POINTS, "per": st.sampled_from([1, 7, 100])},
        optional={"of": SELECTIONS, "full_units": st.booleans()},
    ),
    st.fixed_dictionaries({"kind": st.just("per_line"), "points": _POINTS}, optional={"of": SELECTIONS}),
    st.fixed_dictionaries(
        {"kind": st.just("per_unit"), "points": _POINTS, "per": st.sampled_from(["0.5", 1, 3])},
        optional={"of": SELECTIONS, "full_units": st.booleans()},
    ),
)
MULTIPLY: Final = st.fixed_dictionaries(
    {"kind": st.just("multiply"), "factor": st.sampled_from([2, "1.5", "1.000001", 100])}, optional={"of": SELECTIONS}
)
LIMITS: Final = st.lists(
    st.one_of(
        st.fixed_dictionaries({"per": st.just("order"), "points": _POINTS}),
        st.fixed_dictionaries({"per": st.sampled_from(["member", "program"]), "points": _POINTS}),
        st.fixed_dictionaries({"per": st.sampled_from(["member", "program"]), "times": st.integers(1, 2)}),
    ),
    max_size=2,
)
WINDOWS: Final = st.sampled_from([{"starts_at": "2026-01-01"}, {"ends_at": "2026-01-01"}])


def rules(earn: st.SearchStrategy[Json], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Draw rules without a key."""
    return st.fixed_dictionaries(
        {"wallet": st.sampled_from(WALLETS), "earn": earn},
        optional={"when": CONDITIONS, "rounding": st.sampled_from(["floor", "nearest", "ceil"]), **optional},
    )


MANY: Final = {"limits": LIMITS, "window": WINDOWS, "active": st.booleans(), "priority": st.integers(-1, 1)}
GROUPS: Final = [
    {"key": "best", "choose": "best"},
    {"key": "first", "choose": "first", "group": "best"},
    {"key": "all", "choose": "all", "group": "best", "priority": 1},
    {"key": "factors", "choose": "best"},
]
PLAIN_RULES: Final = rules(PLAIN, group=st.sampled_from(["best", "first", "all"]), **MANY)
MULTIPLIERS: Final = rules(MULTIPLY, group=st.just("factors"), **MANY)
RULES: Final = st.lists(st.one_of(PLAIN_RULES, PLAIN_RULES, MULTIPLIERS), max_size=8)
POLICIES: Final = st.fixed_dictionaries(
    {},
    optional={
        "base": st.sampled_from(["net_of_points", "gross"]),
        "tax": st.sampled_from(["included", "excluded"]),
        "shipping": st.booleans(),
        "excluded": st.just({"category": ["tobacco"]}),
        "choose": st.sampled_from(["all", "best", "first"]),
        "rounding": st.sampled_from(["floor", "nearest", "ceil"]),
    },
)
LINES: Final = st.lists(
    st.builds(
        lambda amount, tax, quantity, fields: line(amount, quantity, tax=min(tax, amount), **fields),
        st.integers(0, 300),
        st.sampled_from([0, 0, 19]),
        st.sampled_from(["0", "0.5", "1", "2"]),
        st.fixed_dictionaries(
            {},
            optional={
                "category": st.sampled_from(CATEGORIES),
                "brand": st.sampled_from(["Acme", "Bolt"]),
                "unit": st.just("kg"),
                "attributes": st.sampled_from([{"cup": True}, {"cup": False}]),
            },
        ),
    ),
    min_size=1,
    max_size=5,
).map(lambda found: [item._replace(id=str(place)) for place, item in enumerate(found)])
ORDERS: Final = st.builds(
    lambda lines, shipping, tenders, channel: order(*lines, shipping=shipping, tenders=tenders, channel=channel),
    LINES,
    st.sampled_from([0, 290]),
    st.sampled_from([(), (Tender("card", 10),), (Tender("gift_card", 90),)]),
    st.sampled_from([None, "web", "app"]),
)
MEMBERS: Final = st.sampled_from([None, member(), member(orders=3, vegan=True)])


def compile_rules(
    drawn: list[Json],
    *,
    policy: Json | None = None,
    groups: list[Json] | None = None,
    unknown_card: str = "enrol",
    promotions: Sequence[Json] = (),
) -> tuple[Ruleset, EarningRules]:
    """Compile a program of these rules and promotions; they are called r0, r1 and p0, p1 and so on.

    Three points pay two cents.
    """
    program = parse_program(
        {
            "version": 1,
            "program": {"name": "Drawn", "currency": "EUR", "time_zone": "UTC", "unknown_card": unknown_card},
            "attributes": {"member": {"vegan": {"type": "boolean"}}, "line": {"cup": {"type": "boolean"}}},
            "wallets": [
                {"key": key, "unit": "points", "redeem": {"points": 3, "amount": 2, "step": 3}} for key in WALLETS
            ],
            "earning_groups": GROUPS if groups is None else groups,
            "earning_rules": [{"key": f"r{place}", **rule} for place, rule in enumerate(drawn)],
            "promotion_groups": [{"key": "a", "choose": "best"}, {"key": "b", "choose": "first", "group": "a"}],
            "promotions": [{"key": f"p{place}", **promotion} for place, promotion in enumerate(promotions)],
            "policies": {"earning": policy or {}},
        }
    )
    assert isinstance(program, Program), program
    ruleset = compile_ruleset(split(program), 1, find_zone=ZoneInfo)
    return ruleset, ruleset.order_rules


def view_of(ruleset: Ruleset, bought: Order, by: MemberSnapshot | None = None, paid: int = 0) -> View:
    """Return an order as rules see it; points paid for it as far as it costs so much."""
    paid = min(paid, bought.goods_total + bought.shipping)
    base = earning_base(ruleset.base, bought, paid)
    return View(at=bought.placed_at, zone=ruleset.zone, order=bought, member=by, base=base, paid_with_points=paid)


def without_index(compiled: EarningRules) -> EarningRules:
    """Return the same rules, of which each is always looked at."""
    return replace(compiled, index=Index([(rule, None) for rule in compiled.rules if rule.is_active]))


def used(points: int, times: int, count: int) -> Counted:
    """Return counters of which so much is used, for so many rules."""
    counters = {
        f"earning/r{place}/{what}/lifetime/": amount
        for place in range(count)
        for what, amount in (("points", points), ("times", times))
    }
    return Counted(counters, counters)


def amounts(earned: Earned) -> dict[str, int]:
    """Return what each rule gave."""
    return {grant.rule: grant.amount for grant in earned.grants}


def evaluate(drawn: list[Json], bought: Order, *, policy: Json | None = None, paid: int = 0) -> Earned:
    """Return what an order of a guest earns under a program of these rules."""
    ruleset, compiled = compile_rules(drawn, policy=policy)
    return evaluate_earning(compiled, view_of(ruleset, bought, paid=paid))
