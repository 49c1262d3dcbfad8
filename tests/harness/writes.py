"""One valid call of every kind of write, for promises that hold for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

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
)
"""All kinds of writes that move value or members."""


async def prepare_write(name: str, api: Api) -> WriteCall:
    """Return a call that will be accepted; what it needs (members, points, orders) is made first."""
    member = await api.new_member(500)
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
