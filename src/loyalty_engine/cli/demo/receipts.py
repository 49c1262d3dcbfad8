"""Receipts: the data's lines put together into the requests that a till would send.

The amount of a line is ``sales_value``: what the store took for it, after its own discounts and before any of ours. A
manufacturer's coupon is a way of paying and is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from loyalty_engine.cli.demo.columns import Product, Row
from loyalty_engine.cli.failures import FailureError
from loyalty_engine.core.program.document import Program

DEPARTMENT: Final = "department"
"""The line attribute that says where in the store a line belongs, for programs that declare it as text."""

_STORES_ZONE: Final = ZoneInfo("America/New_York")
_TILL: Final = "1"
"""The data does not name tills."""

_RESIDUE: Final = 1e-9
_UNKNOWN: Final = Product(None, None, None)


@dataclass(frozen=True, slots=True)
class Form:
    """What depends on the program: the currency of the amounts, and whether lines may say their department."""

    currency: str
    has_department: bool

    @classmethod
    def of(cls, program: Program) -> "Form":
        """Return the form that a program accepts."""
        declared = program.attributes.line.get(DEPARTMENT)
        return cls(program.program.currency, declared is not None and declared.type == "text")


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt, ready to be sent; ``amount`` is the sum of its ``lines`` lines in minor units."""

    number: str
    household: int
    day: str
    lines: int
    amount: int
    body: bytes


def read_receipts(rows: Iterable[Row], products: Mapping[int, Product], form: Form) -> Iterator[Receipt]:
    """Yield the receipts of ``rows``, whose lines stand together."""
    for _, basket in groupby(rows, key=attrgetter("basket_id")):
        yield _receipt(list(basket), products, form)


def to_minor_units(dollars: float) -> int:
    """Return the whole cents that ``dollars`` stands for; raise ``ValueError`` when it stands for none.

    Exact: the value is the very float that is nearest to the answer's decimal, and no two amounts share one. In 20
    lines a cancelled sum left a residue below 1e-14, which is nothing.
    """
    cents = round(dollars * 100)
    if cents < 0 or (cents / 100 != dollars and abs(dollars) > _RESIDUE):
        raise ValueError(dollars)
    return cents


def card_of(household: int) -> str:
    """Return the card by which the tills know a household."""
    return f"card:{household}"


def _receipt(basket: list[Row], products: Mapping[int, Product], form: Form) -> Receipt:
    first = basket[0]
    number = str(first.basket_id)
    placed_at = first.transaction_timestamp.replace(tzinfo=UTC).astimezone(_STORES_ZONE)
    day = placed_at.date().isoformat()
    try:
        lines = [_line(row, products.get(row.product_id, _UNKNOWN), form) for row in basket]
    except ValueError as error:
        raise FailureError(
            f"receipt {number} has a line of {error} dollars, which is no whole number of cents"
        ) from error
    body = {
        "receipt": {"location": str(first.store_id), "till": _TILL, "business_date": day, "number": number},
        "placed_at": placed_at.isoformat(),
        "member": card_of(first.household_id),
        "currency": form.currency,
        "lines": lines,
    }
    amount = sum(line["amount"] for line in lines)
    # The copy has the size of the text; orjson's own bytes keep room to spare, which a year of them would pay dearly.
    return Receipt(number, first.household_id, day, len(lines), amount, bytes(memoryview(orjson.dumps(body))))


def _line(row: Row, product: Product, form: Form) -> dict[str, Any]:
    line: dict[str, Any] = {
        "sku": str(row.product_id),
        "amount": to_minor_units(row.sales_value),
        "quantity": row.quantity,
    }
    if product.category:
        line["category"] = product.category
    if product.brand:
        line["brand"] = product.brand
    if form.has_department and product.department:
        line["attributes"] = {DEPARTMENT: product.department}
    return line
