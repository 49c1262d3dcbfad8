"""Orders as rows: the columns that reports need, the lines as JSON, and back again."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson

from loyalty_engine.core.kernel.quantities import parse_quantity, show_quantity
from loyalty_engine.core.rules.order import Line, Order, OrderReference, Receipt, ShopOrder, Tender

Json = dict[str, Any]


def show_lines(order: Order) -> str:
    """Return the lines as JSON text, absent fields left out."""
    return orjson.dumps([_show_line(line) for line in order.lines]).decode()


def show_rest(order: Order) -> str:
    """Return reference, tenders and attributes as JSON text."""
    rest: Json = {"reference": show_reference(order.reference)}
    if order.tenders:
        rest["tenders"] = [[tender.kind, tender.amount] for tender in order.tenders]
    if order.attributes:
        rest["attributes"] = dict(order.attributes)
    return orjson.dumps(rest).decode()


def show_reference(reference: OrderReference) -> Json:
    """Return the natural key's parts as the API shows them."""
    match reference:
        case ShopOrder(order_id):
            return {"order_id": order_id}
        case Receipt(location, till, day, number, kind):
            return {
                "location": location,
                "till": till,
                "business_date": day.isoformat(),
                "number": number,
                "type": kind,
            }


def read_order(row: Mapping[str, Any]) -> Order:
    """Turn a row of ``order`` as JSON into an order."""
    rest = row["rest"]
    return Order(
        reference=_read_reference(rest["reference"]),
        placed_at=datetime.fromisoformat(row["placed_at"]),
        currency=row["currency"],
        lines=tuple(read_line(raw) for raw in row["lines"]),
        channel=row["channel"],
        location=row["location"],
        shipping=row["shipping"],
        tenders=tuple(Tender(kind, amount) for kind, amount in rest.get("tenders", ())),
        attributes=rest.get("attributes", {}),
    )


def read_line(raw: Mapping[str, Any]) -> Line:
    """Turn a line as JSON into a line."""
    return Line(
        id=raw["id"],
        amount=raw["amount"],
        quantity=parse_quantity(raw["quantity"]),
        sku=raw.get("sku"),
        category=raw.get("category"),
        brand=raw.get("brand"),
        unit=raw.get("unit"),
        attributes=raw.get("attributes", {}),
        tax=raw.get("tax", 0),
    )


def _show_line(line: Line) -> Json:
    shown: Json = {"id": line.id, "amount": line.amount, "quantity": show_quantity(line.quantity)}
    for name in ("sku", "category", "brand", "unit"):
        value = getattr(line, name)
        if value is not None:
            shown[name] = value
    if line.tax:
        shown["tax"] = line.tax
    if line.attributes:
        shown["attributes"] = dict(line.attributes)
    return shown


def _read_reference(raw: Mapping[str, Any]) -> OrderReference:
    if "order_id" in raw:
        return ShopOrder(raw["order_id"])
    return Receipt(raw["location"], raw["till"], date.fromisoformat(raw["business_date"]), raw["number"], raw["type"])
