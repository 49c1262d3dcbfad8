"""What rules see of an order: every fact by its name, and measures of lines."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.program.activities import ActivityKind
from loyalty_engine.core.program.facts import FACTS, Vocabulary
from loyalty_engine.core.rules.order import Activity, Tender
from loyalty_engine.core.rules.selections import compile_selection, measure_of
from loyalty_engine.core.rules.view import READERS, View, reader_of
from tests.core.orders import ATTRIBUTES, RECEIPT, VOCABULARY, line, member, order, selection, view_of

FULL: Final = order(
    line(1250, "2"),
    line(99, "0.5"),
    channel="web",
    location="berlin",
    shipping=490,
    tenders=(Tender("card", 1000), Tender("voucher", 839)),
    attributes={"slot": "evening", "weight": 1_250_000, "bags": 3},
)
REGULAR: Final = member(orders=7, spend=12_345, vegan=True, birthday="2000-02-29")._replace(
    birthday=date(2000, 2, 29),
    enrolled_at=datetime(2026, 1, 1, tzinfo=UTC),
    first_order_at=datetime(2026, 5, 1, 23, 59, tzinfo=UTC),
    last_order_at=datetime(2026, 5, 30, 0, 0, tzinfo=UTC),
    balances={"points": 40},
    id=UUID("019eb0a4-0000-7000-8000-000000000001"),
    tiers={"status": "gold"},
    levels={"status": 2, "stars": 0},
    entitlements=("delivery", "lounge"),
    plans=("club",),
    referrals=2,
    brought_by="friends",
)
TIER_SETS: Final = {"status": ["silver", "gold"], "stars": ["one"]}
WORDS: Final = Vocabulary.of(ATTRIBUTES, ["points", "stamps"], tier_sets=TIER_SETS)
SURVEY: Final = Vocabulary.of(
    ATTRIBUTES,
    ["points"],
    ActivityKind.model_validate({"key": "survey", "attributes": {"score": {"type": "integer"}}}),
    tier_sets=TIER_SETS,
)

FACTS_OF_ORDERS: Final = {
    "order.total": 1349,
    "order.lines": 2,
    "order.shipping": 490,
    "order.currency": "EUR",
    "order.channel": "web",
    "order.location": "berlin",
    "order.till": None,
    "order.tenders": ("card", "voucher"),
    "order.paid_with_points": 200,
    "order.attributes.slot": "evening",
    "order.attributes.weight": 1_250_000,
    "order.attributes.bags": 3,
}
FACTS_OF_TIMES_AND_MEMBERS: Final = {
    "time.date": "2026-05-31",
    "time.month": 5,
    "time.day": 31,
    "time.weekday": "sunday",
    "time.clock": "12:00",
    "member.exists": True,
    "member.id": "mem_01ktra8000e008000000000001",
    "member.status": "active",
    "member.orders": 7,
    "member.spend": 12_345,
    "member.days_since_first_order": 30,
    "member.days_since_last_order": 1,
    "member.days_since_enrolment": 150,
    "member.age": 26,
    "member.entitlements": ("delivery", "lounge"),
    "member.plans": ("club",),
    "member.tiers.status": "gold",
    "member.levels.status": 2,
    "member.tiers.stars": None,
    "member.levels.stars": 0,
    "member.referrals": 2,
    "member.brought_by": "friends",
    "member.attributes.vegan": True,
    "member.attributes.birthday": "2000-02-29",
    "member.balances.points": 40,
}
FACTS_OF_ACTIVITIES: Final = {
    "activity.subject": "s-1",
    "activity.location": "berlin",
    "activity.attributes.score": 9,
}


def read(name: str, view: View) -> object:
    return reader_of(WORDS.facts[name])(view)


def test_registry_and_view_name_the_same_facts() -> None:
    assert {fact.name for fact in FACTS} == set(READERS)


def test_each_fact_is_read_from_the_order_and_its_member() -> None:
    view = View(at=FULL.placed_at, zone=UTC, order=FULL, member=REGULAR, paid_with_points=200)
    expected = {**FACTS_OF_ORDERS, **FACTS_OF_TIMES_AND_MEMBERS, "member.balances.stamps": 0}
    assert {name: reader_of(fact)(view) for name, fact in WORDS.facts.items()} == expected


def test_each_fact_is_read_from_the_activity_and_its_member() -> None:
    activity = Activity("survey", "s-1", "berlin", {"score": 9})
    view = View(at=FULL.placed_at, zone=UTC, activity=activity, member=REGULAR)
    expected = {**FACTS_OF_ACTIVITIES, **FACTS_OF_TIMES_AND_MEMBERS}
    assert {name: reader_of(fact)(view) for name, fact in SURVEY.facts.items()} == expected


def test_times_are_told_as_clocks_of_the_program_show_them() -> None:
    at = datetime(2026, 12, 31, 10, 59, 59, 999_999, tzinfo=UTC)
    view = view_of(order(placed_at=at), zone="Pacific/Kiritimati")
    times = {name: read(name, view) for name in WORDS.facts if name.startswith("time.")}
    assert times == {
        "time.date": "2027-01-01",
        "time.month": 1,
        "time.day": 1,
        "time.weekday": "friday",
        "time.clock": "00:59",
    }


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(2000, 2, 29), "2026-02-27T12:00:00Z", 25),
        (date(2000, 2, 29), "2026-02-28T12:00:00Z", 26),
        (date(2000, 2, 29), "2028-02-28T12:00:00Z", 27),
        (date(2000, 2, 29), "2028-02-29T12:00:00Z", 28),
        (date(2026, 5, 31), "2026-05-31T12:00:00Z", 0),
        (date(2026, 6, 1), "2026-05-31T12:00:00Z", None),
    ],
)
def test_a_year_of_age_is_full_on_the_birthday(born: date, on: str, age: int | None) -> None:
    view = view_of(order(placed_at=parse_instant(on)), member()._replace(birthday=born))
    assert read("member.age", view) == age


def test_days_are_counted_in_the_program_s_calendar_and_never_below_zero() -> None:
    last = datetime(2026, 5, 30, 21, 59, tzinfo=UTC)
    someone = member()._replace(last_order_at=last)
    assert read("member.days_since_last_order", view_of(order(), someone, zone="Europe/Berlin")) == 1
    minute_later = someone._replace(last_order_at=last + timedelta(minutes=1))
    assert read("member.days_since_last_order", view_of(order(), minute_later, zone="Europe/Berlin")) == 0
    late = order(placed_at=last - timedelta(days=3))
    assert read("member.days_since_last_order", view_of(late, someone)) == 0


def test_a_guest_has_no_member_fact_but_that_he_is_none() -> None:
    guest = view_of(FULL, None)
    facts = {name: read(name, guest) for name in WORDS.facts if name.startswith("member.")}
    assert facts.pop("member.exists") is False
    assert set(facts.values()) == {None}


def test_a_receipt_brings_its_till_and_its_store() -> None:
    view = view_of(order(line(), reference=RECEIPT), None)
    assert read("order.till", view) == "till-2"
    assert read("order.location", view) == "store-1"


def test_a_location_of_the_order_goes_before_the_store_of_its_till() -> None:
    assert read("order.location", view_of(order(reference=RECEIPT, location="kiosk"), None)) == "kiosk"


@pytest.mark.parametrize("value", [1, "true", "3"])
def test_an_attribute_of_another_type_than_declared_is_absent(value: Any) -> None:  # noqa: ANN401  any wrong type
    view = view_of(order(attributes={"bags": True, "weight": "1.25"}), member(vegan=value))
    assert read("member.attributes.vegan", view) is None
    assert read("order.attributes.bags", view) is None
    assert read("order.attributes.weight", view) is None


LINES: Final = order(
    line(100, "1", sku="a", category="coffee", brand="Acme", unit="piece", attributes={"cup": True}),
    line(250, "0.5", sku="b", category="coffee", unit="kg", attributes={"cup": False, "size": 1}),
    line(0, "3", sku="c", category="tea", brand="Acme", attributes={"cup": 1, "litres": 500_000}),
    line(40, "0"),
)


@pytest.mark.parametrize(
    ("written", "count", "quantity", "amount", "net"),
    [
        ({}, 4, 4_500_000, 390, 300),
        ({"sku": ["a", "c"]}, 2, 4_000_000, 100, 90),
        ({"category": ["coffee"]}, 2, 1_500_000, 350, 260),
        ({"category": ["coffee", "tea"], "brand": ["Acme"]}, 2, 4_000_000, 100, 90),
        ({"category": ["coffee"], "brand": ["Acme"], "unit": ["kg"]}, 0, 0, 0, 0),
        ({"unit": ["kg", "piece"]}, 2, 1_500_000, 350, 260),
        ({"attributes": {"cup": True}}, 1, 1_000_000, 100, 90),
        ({"attributes": {"cup": [True, False]}}, 2, 1_500_000, 350, 260),
        ({"attributes": {"size": 1}}, 1, 500_000, 250, 170),
        ({"attributes": {"litres": "0.5"}}, 1, 3_000_000, 0, 0),
        ({"attributes": {"cup": False, "size": [1, 2]}}, 1, 500_000, 250, 170),
        ({"sku": ["none"]}, 0, 0, 0, 0),
    ],
)
def test_a_selection_is_measured(written: dict[str, Any], count: int, quantity: int, amount: int, net: int) -> None:
    selected = compile_selection(selection(written), VOCABULARY)
    view = view_of(LINES, None, net=(90, 170, 0, 40))
    assert measure_of(selected, "count")(view.lines) == count
    assert measure_of(selected, "quantity")(view.lines) == quantity
    assert measure_of(selected, "amount")(view.lines) == amount
    assert measure_of(selected, "amount")(view.base) == net


def test_without_points_paid_the_net_is_the_gross() -> None:
    view = view_of(LINES)
    assert view.total == 390
    assert view.base is view.lines


def test_an_order_without_lines_measures_zero() -> None:
    view = view_of(order(), None, net=())
    coffee = compile_selection(selection({"category": ["coffee"]}), VOCABULARY)
    assert measure_of(coffee, "amount")(view.lines) == 0
    assert measure_of(coffee, "count")(view.base) == 0


def test_lines_are_grouped_once_per_field_whichever_rules_ask() -> None:
    view = view_of(LINES, None)
    for written in (
        {"category": ["coffee"]},
        {"category": ["tea", "wine"]},
        {"category": ["coffee"], "brand": ["Acme"]},
    ):
        measure_of(compile_selection(selection(written), VOCABULARY), "amount")(view.lines)
    groups = view.lines.groups
    assert list(groups) == ["category"]
    assert {value: len(lines) for value, lines in groups["category"].items()} == {"coffee": 2, "tea": 1, None: 1}
    measure_of(compile_selection(selection({"category": ["beer"]}), VOCABULARY), "amount")(view.lines)
    assert view.lines.groups["category"] is groups["category"]
