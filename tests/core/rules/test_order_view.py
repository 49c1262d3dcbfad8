"""What rules see of an order: every fact by its name, and measures of lines."""

from typing import Any, Final

import pytest

from loyalty_engine.core.program.facts import FACTS
from loyalty_engine.core.rules.selections import compile_selection, measure_of
from loyalty_engine.core.rules.view import READERS, View, reader_of
from tests.core.orders import RECEIPT, VOCABULARY, line, member, order, selection, view_of

FULL: Final = order(
    line(1250, "2"),
    line(99, "0.5"),
    channel="web",
    location="berlin",
    shipping=490,
    attributes={"slot": "evening", "weight": 1_250_000, "bags": 3},
)
REGULAR: Final = member(orders=7, spend=12_345, vegan=True, birthday="2000-02-29")


def read(name: str, view: View) -> object:
    return reader_of(VOCABULARY.facts[name])(view)


def test_registry_and_view_name_the_same_facts() -> None:
    assert {fact.name for fact in FACTS} == set(READERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order.total", 1349),
        ("order.lines", 2),
        ("order.shipping", 490),
        ("order.currency", "EUR"),
        ("order.channel", "web"),
        ("order.location", "berlin"),
        ("order.till", None),
        ("order.attributes.slot", "evening"),
        ("order.attributes.weight", 1_250_000),
        ("order.attributes.bags", 3),
        ("member.exists", True),
        ("member.status", "active"),
        ("member.orders", 7),
        ("member.spend", 12_345),
        ("member.attributes.vegan", True),
        ("member.attributes.birthday", "2000-02-29"),
    ],
)
def test_a_fact_is_read_from_the_order_and_its_member(name: str, value: object) -> None:
    assert read(name, view_of(FULL, REGULAR)) == value


def test_every_fact_of_the_vocabulary_is_read_above() -> None:
    assert len(VOCABULARY.facts) == 16


def test_a_guest_has_no_member_fact_but_that_he_is_none() -> None:
    guest = view_of(FULL, None)
    facts = {name: read(name, guest) for name in VOCABULARY.facts if name.startswith("member.")}
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
