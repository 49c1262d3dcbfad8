import json
from typing import Any

import pytest

from loyalty_engine.cli.demo.receipts import Form, Receipt, read_receipts, to_minor_units
from loyalty_engine.cli.failures import FailureError
from tests.cli.demo.tables import LiteralTables

TABLES = LiteralTables()


DOLLARS = Form("USD", has_department=True)


def receipts(form: Form = DOLLARS) -> list[Receipt]:
    return list(read_receipts(TABLES.read_rows(), TABLES.read_products(), form))


def body(receipt: Receipt) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(receipt.body)
    return found


@pytest.mark.parametrize(
    ("dollars", "cents"),
    [
        (0.0, 0),
        (0.29, 29),  # times a hundred it is 28.999999999999996
        (0.57, 57),
        (1.15, 115),
        (4.35, 435),
        (840.0, 84_000),
        (90_071_992_547.40, 9_007_199_254_740),
        (1.776357e-15, 0),
    ],
)
def test_dollars_become_the_cents_they_stand_for(dollars: float, cents: int) -> None:
    assert to_minor_units(dollars) == cents


def test_every_amount_up_to_a_thousand_dollars_comes_back() -> None:
    assert [to_minor_units(cents / 100) for cents in range(100_000)] == list(range(100_000))


@pytest.mark.parametrize("dollars", [0.005, 1.001, 0.30000000000000004, -1.0, float("nan"), float("inf")])
def test_what_is_no_whole_number_of_cents_is_refused(dollars: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        to_minor_units(dollars)


def test_a_basket_becomes_a_receipt_with_its_own_number_store_and_time() -> None:
    first = receipts()[0]
    assert (first.number, first.household, first.day, first.lines, first.amount) == (
        "31198570044",
        900,
        "2017-01-01",
        2,
        492,
    )
    assert body(first) == {
        "receipt": {"location": "330", "till": "1", "business_date": "2017-01-01", "number": "31198570044"},
        "placed_at": "2017-01-01T06:53:26-05:00",
        "member": "card:900",
        "currency": "USD",
        "lines": [
            {
                "sku": "11",
                "amount": 435,
                "quantity": 1,
                "category": "TROPICAL FRUIT",
                "brand": "National",
                "attributes": {"department": "PRODUCE"},
            },
            {"sku": "99", "amount": 57, "quantity": 1},
        ],
    }


def test_instants_are_utc_and_days_those_of_the_stores() -> None:
    assert [(body(receipt)["placed_at"], receipt.day) for receipt in receipts()[1:]] == [
        ("2017-03-12T03:30:00-04:00", "2017-03-12"),  # 02:30 did not exist there that night
        ("2017-07-01T23:59:59-04:00", "2017-07-01"),
        ("2017-12-31T23:01:20-05:00", "2017-12-31"),
    ]


def test_small_units_and_lines_without_quantity_or_price_stay_as_they_are() -> None:
    lines = body(receipts()[1])["lines"]
    assert [(line["quantity"], line["amount"]) for line in lines] == [(8725, 2006), (0, 0), (0, 0)]


def test_lines_keep_their_department_for_themselves_where_the_program_does_not_declare_it() -> None:
    found = receipts(Form("EUR", has_department=False))
    assert {body(receipt)["currency"] for receipt in found} == {"EUR"}
    assert [line for receipt in found for line in body(receipt)["lines"] if "attributes" in line] == []


def test_an_amount_that_is_no_money_names_its_receipt() -> None:
    broken = [row._replace(sales_value=1.001) for row in TABLES.read_rows()]
    with pytest.raises(FailureError, match=r"receipt 31198570044 has a line of 1\.001 dollars"):
        list(read_receipts(broken, {}, DOLLARS))
