"""Friends over HTTP: a shop whose members bring each other, and what they do."""

from collections.abc import Mapping
from typing import Any, Final

from tests.harness.api import Api, Json

FRIENDS: Final[Mapping[str, Any]] = {
    "key": "friends",
    "link": "https://shop.example/r/{code}",
    "qualifies": {"kind": "order", "at_least": 3000, "within": {"days": 60}, "settles_after": {"days": 14}},
    "friend": {"rewards": [{"kind": "points", "wallet": "points", "points": 300}]},
    "advocate": {
        "ladder": [
            {"rewards": [{"kind": "points", "wallet": "points", "points": 500}]},
            {"from_friends": 3, "rewards": [{"kind": "points", "wallet": "points", "points": 800}]},
        ],
        "limits": [{"friends": 10, "period": "month"}],
    },
}
"""300 points for a friend whose order of 30 euros stands for 14 days; 500 for who brought it, 800 from the third on."""

WELCOME: Final[Mapping[str, Any]] = {
    "key": "welcome",
    "when": {"all": [{"fact": "member.brought_by", "is": "friends"}, {"fact": "member.orders", "is": 0}]},
    "effect": {"kind": "amount_off", "amount": 1000},
}


async def code_of_member(shop: Api, member: str) -> str:
    """Return a member's own code."""
    answer = await shop.get(f"/members/{member}/referral-code")
    assert answer.status_code == 200, answer.text
    code: str = answer.json()["code"]
    return code


async def register(shop: Api, friend: str, code: str, *, key: str | None = None, **more: Any) -> Any:  # noqa: ANN401 - a response
    """Register a friend."""
    return await shop.post("/referrals", {"member": friend, "code": code, **more}, key=key)


async def registered(shop: Api, friend: str, advocate: str, **more: Any) -> str:  # noqa: ANN401 - more fields of the body
    """Register a friend that must not be refused, and return the referral's id."""
    answer = await register(shop, friend, await code_of_member(shop, advocate), **more)
    assert answer.status_code == 201, answer.text
    referral: str = answer.json()["id"]
    return referral


async def pass_days(shop: Api, days: int) -> str:
    """Move the sandbox's clock on, and return what it shows."""
    answer = await shop.post("/program/clock", {"forward": {"days": days}})
    assert answer.status_code == 200, answer.text
    now: str = answer.json()["now"]
    return now


async def buy(shop: Api, member: str, amount: int = 5000, **fields: Any) -> Json:  # noqa: ANN401 - fields of an order
    """Let a member buy now, by the program's clock, and return the answer."""
    now = (await shop.get("/program/clock")).json()["now"]
    answer = await shop.post_order(member, amount, placed_at=now, **fields)
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def points_of(shop: Api, member: str) -> int:
    """Return what a member has, less what it owes."""
    answer = await shop.get(f"/members/{member}/balances")
    return sum(row["available"] - row["debt"] for row in answer.json()["balances"] if row["wallet"] == "points")


async def see_referral(shop: Api, referral: str) -> Json:
    """Return a referral as it stands."""
    answer = await shop.get(f"/referrals/{referral}")
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body
