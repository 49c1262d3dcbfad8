"""A thin client of the public HTTP API: one method per business act, each with a fresh key unless one is given."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import httpx

Json = dict[str, Any]

NO_KEY: Final = "<none>"
"""Passed as ``key``: the header is left out."""

_LIMITS: Final = httpx.Limits(max_connections=100, keepalive_expiry=None)
"""Idle connections are kept: a pool that lets them go may close one that it has just given a request."""

PROBLEM: Final = "application/problem+json"


def fresh(prefix: str = "t") -> str:
    """Return a name that was never used: for keys, order ids and cards."""
    return f"{prefix}-{uuid4().hex}"


def now() -> str:
    """Return this instant as callers send it."""
    return datetime.now(UTC).isoformat()


def receipt(number: str | None = None, *, location: str = "store-1", till: str = "1", day: str = "2026-11-21") -> Json:
    """Return a till's receipt reference; its number is fresh unless given."""
    return {"location": location, "till": till, "business_date": day, "number": number or uuid4().hex[:20]}


def order_body(
    member: str | None = None, amount: int = 1000, *, lines: Sequence[Mapping[str, Any]] | None = None, **fields: object
) -> Json:
    """Return a valid order of one line of ``amount``; ``fields`` replace or add, None leaves a field out."""
    body: Json = {
        "placed_at": "2026-01-15T10:00:00+01:00",
        "currency": "EUR",
        "lines": list(lines) if lines is not None else [{"amount": amount}],
        "member": member,
        **fields,
    }
    if "receipt" not in fields and "order_id" not in fields:
        body["order_id"] = fresh("o")
    return {name: value for name, value in body.items() if value is not None}


def activity_body(member: str, kind: str = "survey_answered", **fields: object) -> Json:
    """Return a valid activity about a fresh subject; ``fields`` replace or add, None leaves a field out."""
    body = {"member": member, "kind": kind, "occurred_at": "2026-01-15T10:00:00+01:00", "subject": fresh("s"), **fields}
    return {name: value for name, value in body.items() if value is not None}


class Api:
    """Calls the API as one client. ``urls`` of several processes are taken in turn."""

    def __init__(self, urls: str | Sequence[str], token: str, *, timeout_seconds: float = 30.0) -> None:
        self._urls = (urls,) if isinstance(urls, str) else tuple(urls)
        self._turn = 0
        self.token = token
        self.http = httpx.AsyncClient(trust_env=False, timeout=timeout_seconds, limits=_LIMITS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    def acting_as(self, token: str) -> "Api":
        """Return a client with another token over the same connections."""
        other = object.__new__(type(self))
        other._urls, other._turn, other.token, other.http = self._urls, 0, token, self.http
        return other

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content: bytes | None = None,
        key: str | None = NO_KEY,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request to ``/v1``; ``content`` goes out as it is. ``key`` None means a fresh one."""
        self._turn += 1
        url = self._urls[self._turn % len(self._urls)]
        sent = {"authorization": f"Bearer {self.token}", **(headers or {})}
        if key != NO_KEY:
            sent["idempotency-key"] = key or fresh("k")
        if content is not None:
            sent.setdefault("content-type", "application/json")
        encoded = httpx.Headers(sent, encoding="utf-8")
        if content is not None:
            return await self.http.request(method, f"{url}/v1{path}", content=content, headers=encoded)
        return await self.http.request(method, f"{url}/v1{path}", json=body, headers=encoded)

    async def get(self, path: str) -> httpx.Response:
        """Read a resource."""
        return await self.send("GET", path)

    async def post(self, path: str, body: object, *, key: str | None = None) -> httpx.Response:
        """Post a body under a fresh key, or under ``key``."""
        return await self.send("POST", path, body=body, key=key)

    async def post_order(
        self,
        member: str | None = None,
        amount: int = 1000,
        *,
        key: str | None = None,
        **fields: Any,  # noqa: ANN401 - any field of an order
    ) -> httpx.Response:
        """Place an order of one line, see :func:`order_body`."""
        return await self.post("/orders", order_body(member, amount, **fields), key=key)

    async def evaluate(self, member: str | None = None, amount: int = 1000, **fields: Any) -> httpx.Response:  # noqa: ANN401 - any field of a cart
        """Evaluate the same kind of order."""
        return await self.send("POST", "/evaluations", body=order_body(member, amount, **fields))

    async def enrol(self, *identities: str, key: str | None = None, **profile: object) -> httpx.Response:
        """Enrol a member; without identities under a fresh card."""
        body = {"identities": list(identities) or [f"card:{uuid4().hex}"], **profile}
        return await self.post("/members", body, key=key)

    async def new_member(self, points: int = 0) -> str:
        """Enrol a member with so many points and return its id."""
        answer = await self.enrol()
        assert answer.status_code == 201, answer.text
        member: str = answer.json()["id"]
        if points:
            given = await self.adjust(member, points)
            assert given.status_code == 201, given.text
        return member

    async def change_member(self, member: str, *, key: str | None = None, **changes: object) -> httpx.Response:
        """Change a member."""
        return await self.send("PATCH", f"/members/{member}", body=changes, key=key)

    async def redeem(
        self, member: str, points: int, *, wallet: str = "points", key: str | None = None
    ) -> httpx.Response:
        """Spend points."""
        return await self.post("/redemptions", {"member": member, "wallet": wallet, "points": points}, key=key)

    async def cancel_redemption(
        self, redemption: str, *, reason: str = "changed_mind", key: str | None = None
    ) -> httpx.Response:
        """Take a redemption back."""
        return await self.post(f"/redemptions/{redemption}/cancel", {"reason": reason}, key=key)

    async def adjust(
        self, member: str, points: int, *, wallet: str = "points", key: str | None = None, **fields: object
    ) -> httpx.Response:
        """Correct a balance."""
        body = {"member": member, "wallet": wallet, "points": points, "reason": "goodwill", **fields}
        return await self.post("/adjustments", body, key=key)

    async def record_activity(
        self, member: str, kind: str = "survey_answered", *, key: str | None = None, **fields: object
    ) -> httpx.Response:
        """Report an activity about a subject that was never named, see :func:`activity_body`."""
        return await self.post("/activities", activity_body(member, kind, **fields), key=key)

    async def take_back(self, order: str, *lines: str, key: str | None = None, **fields: object) -> httpx.Response:
        """Return goods of an order: whole lines by their ids, or what ``fields`` say."""
        body = {**({"lines": [{"id": line} for line in lines]} if lines else {}), **fields}
        return await self.post(f"/orders/{order}/returns", body, key=key)

    async def cancel_order(self, order: str, *, reason: str = "not_paid", key: str | None = None) -> httpx.Response:
        """Void an order."""
        return await self.post(f"/orders/{order}/cancel", {"reason": reason}, key=key)

    async def hold(
        self, member: str, points: int, *, wallet: str = "points", key: str | None = None, **fields: object
    ) -> httpx.Response:
        """Set points aside."""
        body = {"member": member, "wallet": wallet, "points": points, "hold": True, **fields}
        return await self.post("/redemptions", body, key=key)

    async def capture(self, hold: str, points: int | None = None, *, key: str | None = None) -> httpx.Response:
        """Spend a hold, or so many points of it."""
        return await self.post(f"/redemptions/{hold}/capture", {} if points is None else {"points": points}, key=key)

    async def void(self, hold: str, *, reason: str = "abandoned", key: str | None = None) -> httpx.Response:
        """Let a hold go."""
        return await self.post(f"/redemptions/{hold}/void", {"reason": reason}, key=key)

    async def transfer(
        self, member: str, recipient: str, points: int, *, key: str | None = None, **fields: object
    ) -> httpx.Response:
        """Move points to another member."""
        body = {"member": member, "recipient": recipient, "wallet": "points", "points": points, "reason": "gift"}
        return await self.post("/transfers", {**body, **fields}, key=key)

    async def merge(self, member: str, absorbed: str, *, key: str | None = None) -> httpx.Response:
        """Merge another member into one."""
        return await self.post(f"/members/{member}/merge", {"absorbed": absorbed, "reason": "duplicate"}, key=key)

    async def block(self, member: str, *, key: str | None = None) -> httpx.Response:
        """Block a member."""
        return await self.post(f"/members/{member}/block", {"reason": "fraud"}, key=key)

    async def reverse(self, operation: str, *, reason: str = "mistake", key: str | None = None) -> httpx.Response:
        """Reverse an operation."""
        return await self.post(f"/operations/{operation}/reverse", {"reason": reason}, key=key)

    async def claim(self, order: str, member: str, *, key: str | None = None) -> httpx.Response:
        """Claim a guest's or a parked order."""
        return await self.post(f"/orders/{order}/claim", {"member": member}, key=key)


def code_of(response: httpx.Response) -> str:
    """Return the problem's code; fail when the answer is no problem document."""
    assert response.headers["content-type"] == PROBLEM, response.text
    body = response.json()
    assert body["status"] == response.status_code
    code: str = body["code"]
    return code


def pointers_of(response: httpx.Response) -> list[str]:
    """Return where the faults of a problem lie."""
    return [fault["pointer"] for fault in response.json()["errors"]]


def available(answer: Mapping[str, Any], wallet: str = "points") -> int:
    """Return the available balance that an answer shows."""
    found: list[int] = [row["available"] for row in answer["balances"] if row["wallet"] == wallet]
    return found[0] if found else 0
