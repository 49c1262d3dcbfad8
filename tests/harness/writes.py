"""One valid call of every kind of write, for promises that hold for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.harness import bonds
from tests.harness.api import Api, activity_body, fresh, order_body, receipt

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WriteCall:
    """A write ready to be sent: again, changed, or from elsewhere. Its key is its own."""

    name: str
    method: str
    path: str
    body: Json
    key: str

    async def send(
        self, api: Api, *, body: Mapping[str, Any] | None = None, key: str | None = None, path: str | None = None
    ) -> httpx.Response:
        """Send it, or with another body, key or path."""
        sent = self.body if body is None else dict(body)
        return await api.send(self.method, path or self.path, body=sent, key=key or self.key)


NAMES: Final = (
    "shop_order",
    "receipt",
    "claim",
    "activity",
    "redemption",
    "cancel",
    "adjustment",
    "enrolment",
    "member_change",
    "return",
    "named_return",
    "exchange",
    "order_cancel",
    "order_edit",
    "activation",
    "hold",
    "capture",
    "void",
    "transfer",
    "merge",
    "block",
    "unblock",
    "lot_change",
    "reversal",
    "reservation",
    "confirmation",
    "release",
    *bonds.NAMES,
)
"""All kinds of writes that move value or members, in a program with the rules of :func:`document_of_bonds`."""


async def prepare_write(name: str, api: Api) -> WriteCall:
    """Return a call that will be accepted; what it needs (members, points, orders) is made first."""
    member = await api.new_member(500)
    if name in bonds.NAMES:
        return _call(name, *await bonds.prepare_bond(name, api, member))
    match name:
        case "shop_order":
            return _call(name, "/orders", full_order(member))
        case "receipt":
            body = full_order(member, receipt=receipt())
            return _call(name, "/orders", {k: v for k, v in body.items() if k not in {"order_id", "location"}})
        case "claim":
            order = (await api.post_order(None, 1500)).json()["id"]
            return _call(name, f"/orders/{order}/claim", {"member": member})
        case "activity":
            return _call(name, "/activities", activity_body(member, location="store-1", attributes={"score": 9}))
        case "redemption":
            return _call(name, "/redemptions", {"member": member, "wallet": "points", "points": 40})
        case "cancel":
            redemption = (await api.redeem(member, 30)).json()["id"]
            return _call(name, f"/redemptions/{redemption}/cancel", {"reason": "changed_mind"})
        case "adjustment":
            body = {"member": member, "wallet": "points", "points": 25, "reason": "goodwill", "note": "Rang at noon"}
            return _call(name, "/adjustments", {**body, "if_short": "refuse"})
        case "enrolment":
            return _call(name, "/members", full_member())
        case "member_change":
            identity = f"card:{fresh('c')}"
            await api.change_member(member, add_identities=[identity])
            body = {"name": "Ben", "birthday": "1991-02-28", "attributes": {"vegan": False}}
            identities = {"add_identities": [f"card:{fresh('c')}"], "remove_identities": [identity]}
            return WriteCall(name, "PATCH", f"/members/{member}", {**body, **identities}, fresh("k"))
        case "hold":
            return _call(name, "/redemptions", {"member": member, "wallet": "points", "points": 40, "hold": True})
        case "capture" | "void":
            hold = (await api.hold(member, 60)).json()["id"]
            body = {"points": 40} if name == "capture" else {"reason": "abandoned"}
            return _call(name, f"/redemptions/{hold}/{name}", body)
        case _:
            return (
                await _prepare_correction(name, api, member)
                or await _prepare_checkout(name, api, member)
                or await _prepare_change(name, api, member)
            )


async def _prepare_correction(name: str, api: Api, member: str) -> WriteCall | None:
    """Return a call of the back office."""
    match name:
        case "transfer":
            body = {"member": member, "recipient": await api.new_member(), "wallet": "points", "points": 25}
            return _call(name, "/transfers", {**body, "reason": "gift", "note": "Asked by mail"})
        case "merge":
            body = {"absorbed": await api.new_member(30), "reason": "duplicate"}
            return _call(name, f"/members/{member}/merge", body)
        case "block":
            return _call(name, f"/members/{member}/block", {"reason": "fraud"})
        case "unblock":
            await api.block(member)
            return _call(name, f"/members/{member}/unblock", {"reason": "cleared"})
        case "lot_change":
            [lot] = (await api.get(f"/members/{member}/lots")).json()["items"]
            return _call(
                name, f"/lots/{lot['id']}/changes", {"expires_at": "2998-01-15T10:00:00Z", "reason": "goodwill"}
            )
        case "reversal":
            given = (await api.adjust(member, 25)).json()["operation_id"]
            return _call(name, f"/operations/{given}/reverse", {"reason": "mistake"})
        case _:
            return None


async def _prepare_checkout(name: str, api: Api, member: str) -> WriteCall | None:
    """Return a call about a cart that is being paid."""
    if name not in {"reservation", "confirmation", "release"}:
        return None
    cart = {**full_order(member), "ttl_seconds": 600}
    del cart["order_id"]
    held = (await api.post("/reservations", cart)).json()["id"]
    match name:
        case "reservation":
            return _call(name, "/reservations", {**cart, "replaces": held})
        case "confirmation":
            return _call(name, f"/reservations/{held}/confirm", {"order_id": fresh("o")})
        case _:
            return _call(name, f"/reservations/{held}/release", {"reason": "abandoned"})


async def _prepare_change(name: str, api: Api, member: str) -> WriteCall:
    """Return a call about an order that was accepted before."""
    number = fresh("o")
    lines = [{"id": "a", "amount": 1800, "quantity": "3"}, {"id": "b", "amount": 500}]
    paid = {"wallet": "points", "points": 50}
    placed = await api.post_order(member, lines=lines, order_id=number, shipping=490, pay_with_points=paid)
    order = f"/orders/{placed.json()['id']}"
    goods: Json = {"lines": [{"id": "a", "quantity": "1.5"}], "amount": 100, "shipping": 90}
    about = {"returned_at": "2026-01-15T10:00:00Z", "location": "store-1", "reason": "too_small"}
    match name:
        case "return":
            return _call(name, f"{order}/returns", {**goods, **about, "return_id": fresh("r")})
        case "named_return":
            return _call(name, "/returns", {**goods, **about, "order": {"order_id": number}})
        case "exchange":
            return _call(name, "/orders", full_order(member, returns=[{**goods, "order": {"order_id": number}}]))
        case "order_cancel":
            return _call(name, f"{order}/cancel", {"reason": "not_paid"})
        case "order_edit":
            edited = full_order(member)
            kept = {field: edited[field] for field in ("lines", "shipping", "tenders")}
            return _call(name, f"{order}/edits", {**kept, "reason": "customer_called"})
        case "activation":
            return _call(name, f"{order}/activations", {"lines": goods["lines"]})
        case _:
            raise KeyError(name)


def full_order(member: str, **fields: Any) -> Json:  # noqa: ANN401 - fields of an order
    """Return an order in which every field is set."""
    line = {"id": "a", "amount": 1899, "quantity": "1.5", "sku": "espresso", "category": "coffee", "brand": "Acme"}
    rest = {"unit": "kg", "tax": 124, "unit_price": 1266, "attributes": {"own_cup": True}}
    return order_body(
        member,
        lines=[{**line, **rest}, {"id": "b", "amount": 500}],
        channel="web",
        location="store-1",
        shipping=490,
        tenders=[{"kind": "card", "amount": 2000}],
        attributes={"gift_wrap": True},
        pay_with_points={"wallet": "points", "points": 50},
        **fields,
    )


def full_member() -> Json:
    """Return an enrolment in which every field is set."""
    identities = [f"card:{fresh('c')}", f"email:{fresh('e')}@example.com"]
    return {"identities": identities, "name": "Ada", "birthday": "1990-05-31", "attributes": {"vegan": True}}


def _call(name: str, path: str, body: Json) -> WriteCall:
    return WriteCall(name, "POST", path, body, fresh("k"))
