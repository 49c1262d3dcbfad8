"""Orders as rows: the columns that reports need, the lines as JSON, and back again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.kernel.quantities import parse_quantity, show_quantity
from loyalty_engine.core.promotions.codes import CodeMemory
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.rules.order import Line, Order, OrderReference, Receipt, ShopOrder, Tender
from loyalty_engine.persistence.codes import show_code_memory

Json = dict[str, Any]


def show_lines(lines: Iterable[Line]) -> list[Json]:
    """Return lines, absent fields left out."""
    return [_show_line(line) for line in lines]


def show_rest(
    order: Order,
    earned: Sequence[RuleMemory] = (),
    promoted: Sequence[PromotionMemory] = (),
    *,
    codes: Sequence[CodeMemory] = (),
    reservation_id: UUID | None = None,
) -> Json:
    """Return what has no column of its own: reference, tenders, attributes, what rules, promotions and codes remember, and
    the reservation that the order was confirmed from.
    """
    rest: Json = {"reference": show_reference(order.reference)}
    if order.tenders:
        rest["tenders"] = [[tender.kind, tender.amount] for tender in order.tenders]
    if order.attributes:
        rest["attributes"] = dict(order.attributes)
    if earned:
        rest["earned"] = show_memory(earned)
    if order.shipping_off:
        rest["shipping_off"] = order.shipping_off
    if promoted:
        rest["promoted"] = show_promoted(promoted)
    if codes:
        rest["codes"] = show_code_memory(codes)
    if reservation_id is not None:
        rest["reservation"] = str(reservation_id)
    return rest


def show_order(order: Order) -> Json:
    """Return a whole order in the form of its row, for :func:`read_order`."""
    return {
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "shipping": order.shipping,
        "channel": order.channel,
        "location": order.location,
        "lines": show_lines(order.lines),
        "rest": show_rest(order),
    }


def show_memory(memory: Iterable[RuleMemory]) -> list[list[Any]]:
    """Return what rules remember: [rule, amount], and a third with what is not as usual."""
    shown: list[list[Any]] = []
    for rule, amount, outdone, held in memory:
        rest: Json = {"outdone": True} if outdone else {}
        if held:
            rest["held"] = held
        shown.append([rule, amount, rest] if rest else [rule, amount])
    return shown


def read_memory(raw: Iterable[Sequence[Any]]) -> tuple[RuleMemory, ...]:
    """Turn what :func:`show_memory` returned into memory again."""
    return tuple(RuleMemory(rule, amount, **(rest[0] if rest else {})) for rule, amount, *rest in raw)


def show_promoted(promoted: Iterable[PromotionMemory]) -> list[Json]:
    """Return what promotions remember; what is nothing is left out."""
    return [{name: value for name, value in one._asdict().items() if value} for one in promoted]


def read_promoted(raw: Iterable[Mapping[str, Any]]) -> tuple[PromotionMemory, ...]:
    """Turn what :func:`show_promoted` returned into memory again."""
    return tuple(PromotionMemory(**{"lines": {}, **one}) for one in raw)


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
        shipping_off=rest.get("shipping_off", 0),
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
        off=raw.get("off", 0),
    )


def _show_line(line: Line) -> Json:
    shown: Json = {"id": line.id, "amount": line.amount, "quantity": show_quantity(line.quantity)}
    for name in ("sku", "category", "brand", "unit"):
        value = getattr(line, name)
        if value is not None:
            shown[name] = value
    if line.tax:
        shown["tax"] = line.tax
    if line.off:
        shown["off"] = line.off
    if line.attributes:
        shown["attributes"] = dict(line.attributes)
    return shown


def _read_reference(raw: Mapping[str, Any]) -> OrderReference:
    if "order_id" in raw:
        return ShopOrder(raw["order_id"])
    return Receipt(raw["location"], raw["till"], date.fromisoformat(raw["business_date"]), raw["number"], raw["type"])
