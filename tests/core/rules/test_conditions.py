"""Conditions: when they hold, what they say when they do not, and that they agree with a naive interpreter."""

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.kernel.quantities import parse_quantity
from loyalty_engine.core.rules.conditions import reads_profile
from loyalty_engine.core.rules.view import View
from tests.core.orders import VOCABULARY, Json, check, condition, line, member, miss, order, view_of

CART: Final = order(
    line(1_500, "2", category="coffee"),
    line(300, "0.75", category="tea"),
    channel="web",
    attributes={"weight": 1_250_000},
)
REGULAR: Final = member(orders=3, spend=9_000, vegan=True, birthday="2000-02-29")


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ({"fact": "order.total", "is": 1800}, True),
        ({"fact": "order.total", "is": 1801}, False),
        ({"fact": "order.total", "is_not": 1800}, False),
        ({"fact": "order.total", "in": [1, 1800]}, True),
        ({"fact": "order.total", "not_in": [1, 1800]}, False),
        ({"fact": "order.total", "at_least": 1800}, True),
        ({"fact": "order.total", "more_than": 1800}, False),
        ({"fact": "order.total", "at_most": 1800}, True),
        ({"fact": "order.total", "less_than": 1800}, False),
        ({"fact": "order.total", "exists": True}, True),
        ({"fact": "order.total", "exists": False}, False),
        ({"fact": "order.attributes.weight", "is": "1.25"}, True),
        ({"fact": "order.attributes.weight", "at_least": "1.250001"}, False),
        ({"fact": "order.attributes.weight", "more_than": 1}, True),
        ({"fact": "order.attributes.weight", "in": [1, "1.25"]}, True),
        ({"fact": "member.attributes.birthday", "at_least": "2000-02-29"}, True),
        ({"fact": "member.attributes.birthday", "less_than": "1999-12-31"}, False),
        ({"fact": "member.attributes.vegan", "is": True}, True),
        ({"lines": {}, "count": {"is": 2}}, True),
        ({"lines": {"category": ["coffee"]}, "amount": {"at_least": 1500}}, True),
        ({"lines": {"category": ["coffee"]}, "amount": {"more_than": 1500}}, False),
        ({"lines": {}, "quantity": {"at_least": "2.75"}}, True),
        ({"lines": {}, "quantity": {"less_than": 2}}, False),
        ({"lines": {"sku": ["x"]}, "count": {"is": 0}}, True),
        ({"all": [{"fact": "order.total", "is": 1800}, {"fact": "order.channel", "is": "web"}]}, True),
        ({"all": [{"fact": "order.total", "is": 1800}, {"fact": "order.channel", "is": "app"}]}, False),
        ({"any": [{"fact": "order.total", "is": 1}, {"fact": "order.channel", "is": "web"}]}, True),
        ({"any": [{"fact": "order.total", "is": 1}, {"fact": "order.channel", "is": "app"}]}, False),
        ({"not": {"fact": "order.channel", "is": "web"}}, False),
        ({"not": {"not": {"fact": "order.channel", "is": "web"}}}, True),
    ],
)
def test_a_condition_holds_or_not(written: Json, holds: bool) -> None:
    assert (miss(written, CART, REGULAR) is None) is holds


@pytest.mark.parametrize("name", ["member.orders", "member.attributes.birthday", "order.attributes.bags"])
def test_an_absent_fact_fails_all_but_the_three_that_ask_for_absence(name: str) -> None:
    value: Any = "2000-01-01" if name.endswith("birthday") else 0
    comparisons: dict[str, Any] = {
        **dict.fromkeys(["is", "is_not", "at_least", "more_than", "at_most", "less_than"], value),
        "in": [value],
        "not_in": [value],
    }
    holding = [name_ for name_, of in comparisons.items() if miss({"fact": name, name_: of}, CART) is None]
    assert holding == ["is_not", "not_in"]
    assert miss({"fact": name, "exists": True}, CART) is not None
    assert miss({"fact": name, "exists": False}, CART) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            {"fact": "order.total", "at_least": 2000},
            {
                "code": "unmet",
                "fact": "order.total",
                "operator": "at_least",
                "needed": 2000,
                "actual": 1800,
                "missing": 200,
            },
        ),
        (
            {"fact": "order.total", "more_than": 1800},
            {
                "code": "unmet",
                "fact": "order.total",
                "operator": "more_than",
                "needed": 1800,
                "actual": 1800,
                "missing": 1,
            },
        ),
        (
            {"fact": "order.total", "at_most": 1000},
            {"code": "unmet", "fact": "order.total", "operator": "at_most", "needed": 1000, "actual": 1800},
        ),
        (
            {"fact": "order.channel", "in": ["app", "till"]},
            {"code": "unmet", "fact": "order.channel", "operator": "in", "needed": ["app", "till"], "actual": "web"},
        ),
        (
            {"fact": "order.location", "is": "berlin"},
            {"code": "unmet", "fact": "order.location", "operator": "is", "needed": "berlin", "actual": None},
        ),
        (
            {"fact": "order.attributes.bags", "at_least": 2},
            {"code": "unmet", "fact": "order.attributes.bags", "operator": "at_least", "needed": 2, "actual": None},
        ),
        (
            {"fact": "order.attributes.weight", "at_least": "1.5"},
            {
                "code": "unmet",
                "fact": "order.attributes.weight",
                "operator": "at_least",
                "needed": "1.5",
                "actual": "1.25",
                "missing": "0.25",
            },
        ),
        (
            {"lines": {"category": ["coffee"]}, "quantity": {"at_least": 3}},
            {
                "code": "unmet",
                "fact": "lines.quantity",
                "lines": {"category": ["coffee"]},
                "operator": "at_least",
                "needed": 3,
                "actual": "2",
                "missing": "1",
            },
        ),
        (
            {"not": {"fact": "order.channel", "is": "web"}},
            {"code": "excluded", "condition": {"fact": "order.channel", "is": "web"}},
        ),
        (
            {"any": [{"fact": "order.channel", "is": "app"}, {"lines": {}, "count": {"is": 3}}]},
            {
                "code": "none_of",
                "misses": [
                    {"code": "unmet", "fact": "order.channel", "operator": "is", "needed": "app", "actual": "web"},
                    {"code": "unmet", "fact": "lines.count", "lines": {}, "operator": "is", "needed": 3, "actual": 2},
                ],
            },
        ),
    ],
)
def test_a_miss_says_what_was_needed_and_what_there_was(written: Json, expected: Json) -> None:
    assert miss(written, CART, REGULAR) == expected


def test_all_reports_its_first_miss_only() -> None:
    reason = miss(
        {
            "all": [
                {"fact": "order.total", "at_least": 1},
                {"fact": "order.total", "at_least": 5000},
                {"fact": "order.channel", "is": "app"},
            ]
        },
        CART,
    )
    assert reason is not None
    assert (reason["fact"], reason["missing"]) == ("order.total", 3200)


@pytest.mark.parametrize(
    "written",
    [
        {"fact": "member.attributes.vegan", "is": False},
        {"fact": "member.attributes.vegan", "is_not": True},
        {"fact": "member.attributes.birthday", "at_least": "2001-01-01"},
        {"fact": "member.attributes.birthday", "in": ["2001-01-01"]},
    ],
)
def test_a_personal_fact_does_not_show_its_value(written: Json) -> None:
    reason = miss(written, CART, REGULAR)
    assert reason is not None
    assert reason["personal"] is True
    assert reason["actual"] is None
    assert "missing" not in reason
    assert "2000-02-29" not in str(reason)


def test_a_not_over_a_personal_fact_is_marked_as_personal() -> None:
    vegan = {"fact": "member.attributes.vegan", "is": True}
    assert miss({"not": vegan}, CART, REGULAR) == {"code": "excluded", "condition": vegan, "personal": True}


@pytest.mark.parametrize(
    ("written", "reads"),
    [
        ({"fact": "member.spend", "at_least": 1}, False),
        ({"lines": {"attributes": {"cup": True}}, "count": {"is": 1}}, False),
        ({"fact": "member.attributes.vegan", "exists": True}, True),
        (
            {
                "all": [
                    {"fact": "order.total", "is": 1},
                    {"not": {"any": [{"fact": "member.attributes.vegan", "is": True}]}},
                ]
            },
            True,
        ),
    ],
)
def test_reading_member_attributes_is_visible(written: Json, reads: bool) -> None:
    assert reads_profile(condition(written), VOCABULARY) is reads


# A second opinion, as plain as can be: facts are a dictionary, lines a list of dictionaries.

COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "is": operator.eq,
    "is_not": operator.ne,
    "in": lambda actual, wanted: actual in wanted,
    "not_in": lambda actual, wanted: actual not in wanted,
    "at_least": operator.ge,
    "more_than": operator.gt,
    "at_most": operator.le,
    "less_than": operator.lt,
    "exists": lambda _, wanted: wanted,
}
DECIMALS: Final = {"order.attributes.weight", "quantity"}


def exact(name: str, value: Any) -> Any:  # noqa: ANN401  any comparand
    if name not in DECIMALS or isinstance(value, bool):
        return value
    return [Fraction(item) for item in value] if isinstance(value, list) else Fraction(value)


def naively_holds(node: Json, facts: Json, lines: list[dict[str, Any]]) -> bool:
    if "all" in node:
        return all(naively_holds(child, facts, lines) for child in node["all"])
    if "any" in node:
        return any(naively_holds(child, facts, lines) for child in node["any"])
    if "not" in node:
        return not naively_holds(node["not"], facts, lines)
    if "fact" in node:
        [(compared, wanted)] = [(name, value) for name, value in node.items() if name != "fact"]
        actual = facts.get(node["fact"])
        if actual is None:
            return compared in {"is_not", "not_in"} or (compared, wanted) == ("exists", False)
        return COMPARE[compared](exact(node["fact"], actual), exact(node["fact"], wanted))
    [(measure, comparison)] = [(name, value) for name, value in node.items() if name != "lines"]
    [(compared, wanted)] = comparison.items()
    chosen = [item for item in lines if all(item.get(field) in values for field, values in node["lines"].items())]
    actual = len(chosen) if measure == "count" else sum(exact(measure, item[measure]) for item in chosen)
    return COMPARE[compared](actual, exact(measure, wanted))


SMALL: Final = st.integers(0, 4)
TENTHS: Final = st.sampled_from(["0", "0.1", "0.5", "1", "1.5"])
ORDERING: Final = ["at_least", "more_than", "at_most", "less_than", "is", "is_not"]


def comparisons(name: str, values: st.SearchStrategy[Any], operators: list[str]) -> st.SearchStrategy[Json]:
    single = st.tuples(st.sampled_from(operators), values).map(lambda pair: {"fact": name, pair[0]: pair[1]})
    several = st.tuples(st.sampled_from(["in", "not_in"]), st.lists(values, min_size=1, max_size=2)).map(
        lambda pair: {"fact": name, pair[0]: pair[1]}
    )
    return single | several | st.booleans().map(lambda wanted: {"fact": name, "exists": wanted})


LEAVES: Final = st.one_of(
    comparisons("order.total", SMALL, ORDERING),
    comparisons("member.orders", SMALL, ORDERING),
    comparisons("order.channel", st.sampled_from(["web", "app"]), ["is", "is_not"]),
    comparisons("order.attributes.weight", TENTHS, ORDERING),
    comparisons("member.attributes.birthday", st.sampled_from(["2000-01-01", "2000-01-02"]), ORDERING),
    st.builds(
        lambda chosen, measure, compared: {"lines": chosen, measure[0]: {compared: measure[1]}},
        st.fixed_dictionaries(
            {}, optional={"sku": st.just(["a", "b"]), "category": st.sampled_from([["tea"], ["tea", "coffee"]])}
        ),
        st.tuples(st.just("count"), SMALL)
        | st.tuples(st.just("amount"), SMALL)
        | st.tuples(st.just("quantity"), TENTHS),
        st.sampled_from(ORDERING),
    ),
)
CONDITIONS: Final = st.recursive(
    LEAVES,
    lambda children: (
        st.lists(children, min_size=1, max_size=3).map(lambda nodes: {"all": nodes})
        | st.lists(children, min_size=1, max_size=3).map(lambda nodes: {"any": nodes})
        | children.map(lambda node: {"not": node})
    ),
    max_leaves=6,
)
WORLDS: Final = st.fixed_dictionaries(
    {
        "channel": st.sampled_from([None, "web", "app"]),
        "weight": st.none() | TENTHS,
        "orders": st.none() | SMALL,
        "birthday": st.sampled_from([None, "2000-01-01", "2000-01-02"]),
        "lines": st.lists(
            st.fixed_dictionaries(
                {
                    "amount": SMALL,
                    "quantity": TENTHS,
                    "sku": st.sampled_from([None, "a", "b", "c"]),
                    "category": st.sampled_from([None, "tea", "coffee"]),
                }
            ),
            max_size=3,
        ),
    }
)


def as_facts(world: Json) -> Json:
    known = world["orders"] is not None
    return {
        "order.total": sum(item["amount"] for item in world["lines"]),
        "order.channel": world["channel"],
        "order.attributes.weight": world["weight"],
        "member.orders": world["orders"],
        "member.attributes.birthday": world["birthday"] if known else None,
    }


def as_view(world: Json) -> View:
    attributes = {} if world["weight"] is None else {"weight": parse_quantity(world["weight"])}
    personal: dict[str, Any] = {} if world["birthday"] is None else {"birthday": world["birthday"]}
    buyer = None if world["orders"] is None else member(orders=world["orders"], **personal)
    lines = [line(**item) for item in world["lines"]]
    return view_of(order(*lines, channel=world["channel"], attributes=attributes), buyer)


@given(CONDITIONS, WORLDS)
def test_there_is_a_miss_exactly_when_the_naive_interpreter_says_no(written: Json, world: Json) -> None:
    held = check(written)(as_view(world)) is None
    assert held is naively_holds(written, as_facts(world), world["lines"])


@given(CONDITIONS, WORLDS)
def test_the_same_order_always_gets_the_same_miss(written: Json, world: Json) -> None:
    compiled, view = check(written), as_view(world)
    assert compiled(view) == compiled(view)
    first, second = compiled(view), check(written)(as_view(world))
    assert (first and first.as_json()) == (second and second.as_json())
