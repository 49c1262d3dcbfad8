"""What stands on an order, whoever sends it: its number, its lines, and how it was paid."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.fields import Amount, Attributes, Body, Code, DayField, QuantityField, Text
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.order import Line, Receipt, Tender


class ReceiptBody(Body):
    """A till's receipt: accepted once under these five parts, whatever the idempotency key."""

    location: Code = Field(description="The store.", examples=["berlin-1"])
    till: Code = Field(description="The till in the store.", examples=["3"])
    business_date: DayField = Field(description="The business date as the till has it.", examples=["2026-11-21"])
    number: Code = Field(description="The receipt's number as printed; leading zeros matter.", examples=["000123"])
    type: Literal["sale"] = Field(default="sale", description="What kind of receipt it is.", examples=["sale"])

    def as_reference(self) -> Receipt:
        """Return the number under which the core knows it."""
        return Receipt(self.location, self.till, self.business_date, self.number, self.type)


class LineBody(Body):
    """One position of an order."""

    id: Code | None = Field(
        default=None, description="The shop's own id of the line; its position by default.", examples=["1"]
    )
    amount: Amount = Field(description="The line's total in minor units, before our discounts.", examples=[499])
    quantity: QuantityField = Field(
        default=SCALE, description="Pieces, or a decimal text of a unit.", examples=["1.25"]
    )
    sku: Text | None = Field(default=None, description="Stock-keeping unit.", examples=["4006381333931"])
    category: Text | None = Field(default=None, description="Category of goods.", examples=["coffee"])
    brand: Text | None = Field(default=None, description="Brand.", examples=["Acme"])
    unit: Code | None = Field(default=None, description="Unit of the quantity.", examples=["kg"])
    tax: Amount = Field(default=0, description="The part of the amount that is tax.", examples=[80])
    unit_price: Amount | None = Field(default=None, description="For information only.", examples=[399])
    attributes: Attributes = Field(
        default_factory=dict, description="Declared attributes.", examples=[{"own_cup": True}]
    )


class TenderBody(Body):
    """How a part of the order was paid."""

    kind: Code = Field(description="Kind of payment.", examples=["card"])
    amount: Amount = Field(description="Minor units.", examples=[499])


def as_lines(bodies: Sequence[LineBody]) -> tuple[Line, ...]:
    """Return the core's lines; raise :class:`ProblemError` for an id that stands twice and for more tax than amount."""
    lines = tuple(
        [
            Line(
                line.id or str(number),
                line.amount,
                line.quantity,
                line.sku,
                line.category,
                line.brand,
                line.unit,
                line.attributes,
                line.tax,
            )
            for number, line in enumerate(bodies, start=1)
        ]
    )
    if len({line.id for line in lines}) < len(lines) or [line for line in lines if line.tax > line.amount]:
        raise ProblemError("validation_failed", errors=[_first_fault(lines)])
    return lines


def _first_fault(lines: Sequence[Line]) -> Fault:
    seen: set[str] = set()
    for position, line in enumerate(lines):
        if line.id in seen:
            return Fault(f"/lines/{position}/id", "duplicate_line_id", "stands on an earlier line")
        if line.tax > line.amount:
            return Fault(f"/lines/{position}/tax", "tax_above_amount", "is more than the line's amount")
        seen.add(line.id)
    raise AssertionError


def as_tenders(bodies: Sequence[TenderBody]) -> tuple[Tender, ...]:
    """Return the core's tenders."""
    return tuple([Tender(tender.kind, tender.amount) for tender in bodies])
