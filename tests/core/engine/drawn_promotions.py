"""Draws promotions of every kind that takes something off or gives points: with conditions, caps, limits and groups."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.core.earning.drawn import CONDITIONS, SELECTIONS

Json = dict[str, Any]

_PERCENTS: Final = st.sampled_from(["1%", "10%", "33.3%", "50%", "100%"])
_AMOUNTS: Final = st.sampled_from([1, 7, 50, 99, 300])
_OF: Final = SELECTIONS.map(lambda selection: {"of": selection})


def _effects(kind: str, *, optional: Json | None = None, **needed: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"kind": st.just(kind), **needed}, optional=optional or {})


_UNITS: Final = st.sampled_from([{"cheapest": 1}, {"dearest": 1}, {"every": 2}])
EFFECTS: Final = st.one_of(
    _effects("percent_off", percent=_PERCENTS, optional={"of": SELECTIONS, "units": _UNITS}),
    _effects("amount_off", amount=_AMOUNTS, optional={"of": SELECTIONS, "each": st.sampled_from(["line", "unit"])}),
    _effects("unit_price", price=_AMOUNTS, optional={"of": SELECTIONS}),
    _effects("total_price", price=_AMOUNTS, optional={"of": SELECTIONS}),
    _effects("shipping_off", optional={"percent": _PERCENTS}),
    _effects(
        "stepped",
        steps=st.just([{"at_least": 50, "percent": "10%"}, {"at_least": 250, "amount": 90}]),
        optional={"of": SELECTIONS},
    ),
    _effects("buy_get", buy=st.just({"quantity": 1}), get=st.just({"quantity": 1}), percent=_PERCENTS),
    _effects("bundle", parts=st.just([{"of": {"category": ["coffee"]}}, {}]), price=_AMOUNTS),
    _effects("gift", sku=st.just("sample"), quantity=st.just(1), optional={"per_amount": st.just(100)}),
    _effects(
        "points_times",
        wallet=st.sampled_from(["points", "stamps"]),
        factor=st.sampled_from(["1.5", 2, 3]),
        optional={"of": SELECTIONS},
    ),
    _effects("points", wallet=st.sampled_from(["points", "stamps"]), points=st.integers(1, 40)),
)
FEW: Final = st.sampled_from(
    [
        {"fact": "order.total", "at_least": 200},
        {"fact": "order.lines", "at_least": 2},
        {"fact": "order.lines", "in": [1, 3]},
        {"lines": {}, "quantity": {"at_least": "3"}},
    ]
)
"""Conditions that fail, or hold only then, when goods come back."""

LIMITS: Final = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"per": st.sampled_from(["member", "location", "program"]), "amount": st.sampled_from([20, 150, 5000])},
            optional={"partial": st.just(True), "period": st.just("month")},
        ),
        st.fixed_dictionaries({"per": st.sampled_from(["member", "program"]), "times": st.integers(1, 2)}),
    ),
    max_size=2,
)
GROUPS: Final = [
    {"key": "offers", "choose": "best"},
    {"key": "first", "choose": "first", "group": "offers"},
    {"key": "all", "choose": "all", "group": "offers", "priority": 1},
]
PROMOTIONS: Final = st.lists(
    st.fixed_dictionaries(
        {"effect": EFFECTS},
        optional={
            "when": st.one_of(FEW, FEW, CONDITIONS),
            "limits": LIMITS,
            "group": st.sampled_from(["offers", "first", "all"]),
            "priority": st.integers(-1, 1),
            "at_most": st.sampled_from([30, 200]),
            "floor": st.sampled_from(["10%", "50%"]),
            "rounding": st.sampled_from(["floor", "nearest", "ceil"]),
        },
    ),
    min_size=1,
    max_size=5,
).map(lambda drawn: [{"key": f"p{place}", **promotion} for place, promotion in enumerate(drawn)])
POLICIES: Final = st.fixed_dictionaries(
    {}, optional={"choose": st.sampled_from(["all", "best", "first"]), "percent_of": st.just("list")}
)


@st.composite
def with_promotions(draw: st.DrawFn, programs: st.SearchStrategy[Json]) -> Json:
    """Draw a program with promotions, and what becomes of their discounts when goods come back."""
    program = draw(programs)
    policies = program["policies"]
    discounts = draw(st.sampled_from(["proportional", "recomputed"]))
    returns = {**policies["returns"], "discounts": discounts}
    return {
        **program,
        "promotion_groups": GROUPS,
        "promotions": draw(PROMOTIONS),
        "policies": {**policies, "returns": returns, "promotions": draw(POLICIES)},
    }
