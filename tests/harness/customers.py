"""Customers: callers who do all that a shop does, in a drawn order, and who insist when they do not hear."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.core.referrals.codes import code_of
from tests.harness.api import fresh, order_body
from tests.harness.codes import share_code
from tests.harness.histories import Entry, History
from tests.harness.programs import document
from tests.harness.subscribers import CHANCES as PLAN_CHANCES
from tests.harness.subscribers import PAID, PLANS, Subscriptions

Json = dict[str, Any]
Act = tuple[str, Json]

MEMBERS: Final = 24
ADVOCATES: Final = 3
START: Final = 2_000
_PAUSE_SECONDS: Final = 0.15
_SULK_SECONDS: Final = 0.4

CODE: Final = "SPRING"
SOLD: Final[Json] = {
    **document(time_zone="UTC"),
    "activities": [*document()["activities"], PAID],
    "plans": PLANS,
    "promotions": [
        {"key": "spring", "opened_by": "code", "effect": {"kind": "percent_off", "percent": "5%"}},
        {
            "key": "tea",
            "when": {"lines": {"category": ["tea"]}, "count": {"at_least": 1}},
            "effect": {"kind": "amount_off", "amount": 50},
            "limits": [{"per": "program", "times": 100}, {"per": "member", "times": 6}],
        },
    ],
    "tier_sets": [
        {
            "key": "status",
            "metric": {"kind": "spend"},
            "window": {"kind": "rolling", "length": {"months": 1}},
            "lasts": {"kind": "length", "length": {"months": 1}},
            "tiers": [
                {"key": "level_1", "at_least": 8_000, "plan": "club"},
                {
                    "key": "level_2",
                    "at_least": 20_000,
                    "privileges": {
                        "multipliers": [{"wallet": "points", "factor": 2}],
                        "discount": {"percent": "1%"},
                    },
                },
            ],
        },
        {
            "key": "often",
            "metric": {"kind": "points_earned", "wallet": "points"},
            "window": {"kind": "lifetime"},
            "tiers": [{"key": f"level_{n}", "at_least": 60 * n} for n in range(1, 8)],
        },
    ],
    "referrals": [
        {
            "key": "friends",
            "qualifies": {"kind": "order", "at_least": 1_000},
            "friend": {"rewards": [{"kind": "points", "wallet": "points", "points": 30}]},
            "advocate": {
                "ladder": [
                    {"rewards": [{"kind": "points", "wallet": "points", "points": 50}]},
                    {"from_friends": 3, "rewards": [{"kind": "points", "wallet": "points", "points": 80}]},
                ],
                "limits": [{"friends": 20}],
            },
        }
    ],
}
"""The program of the shop: so few may have its two promotions, one of them with a promo code, that customers compete for them.

What they buy leads up its ladders, and what they bring back down again; so does a plan that they pay for. A few advocates bring all friends.
"""

CHANCES: Final = {
    "order": 24,
    "paid_order": 9,
    "same_order": 5,
    "batch": 4,
    "guest_order": 3,
    "claim": 3,
    "redeem": 10,
    "greedy_redeem": 4,
    "cancel_redemption": 6,
    "hold": 9,
    "capture": 7,
    "void": 3,
    "take_back": 7,
    "cancel_order": 6,
    "transfer": 7,
    "adjust": 8,
    "reserve": 12,
    "replace": 4,
    "confirm": 9,
    "release": 3,
    "enrol": 8,
    "register": 5,
    "bring": 8,
    "activity": 3,
    "repeat": 14,
    **PLAN_CHANCES,
}


@dataclass(slots=True)
class Shop:
    """What all customers know: whom and what they may ask about. Several may ask about the same thing at once."""

    history: History
    members: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)
    redemptions: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    sent_orders: list[Json] = field(default_factory=list)
    reservations: list[tuple[str, Json]] = field(default_factory=list)
    """Each with its cart."""
    subscriptions: Subscriptions = field(default_factory=Subscriptions)

    async def open(self) -> None:
        """Enrol the first members and give them points, so that there is something to do, and make the promo code."""
        limits = [{"per": "code", "times": 60}, {"per": "member", "times": 4}]
        await share_code(self.history.api, CODE, "spring", limits=limits)
        for _ in range(MEMBERS):
            await self.tell("/members", {"identities": [f"card:{fresh('c')}"]})
        for member in self.members:
            await self.tell("/adjustments", _adjustment(member, START))

    async def tell(self, path: str, body: Json) -> Entry:
        """Send a request and learn from its answer."""
        entry = await self.history.send(path, body)
        self.learn(entry)
        return entry

    async def tell_batch(self, orders: Sequence[Json], *, all_or_nothing: bool) -> list[Entry]:
        """Send orders together and learn from their answers."""
        entries = await self.history.send_batch(orders, all_or_nothing=all_or_nothing)
        for entry in entries:
            self.learn(entry)
        return entries

    def learn(self, entry: Entry) -> None:
        """Keep the ids that an accepted request brought, for later ones."""
        outcome = entry.outcome
        if outcome is None or not outcome.is_accepted:
            return
        answer = json.loads(outcome.content)
        match entry.path:
            case "/members":
                self.members.append(answer["id"])
            case "/reservations":
                self.reservations.append((answer["id"], entry.body))
            case path if path == "/orders" or path.endswith("/confirm"):
                (self.orders if answer["member_id"] else self.guests).append(answer["id"])
            case "/redemptions":
                (self.holds if entry.body.get("hold") else self.redemptions).append(answer["id"])
            case path:
                self.subscriptions.learn(path, entry.body)


async def visit(shop: Shop, dice: random.Random, until: asyncio.Event) -> None:
    """Do one thing after the other until it is time to go."""
    while not until.is_set():
        if not await _do_something(shop, dice):
            await asyncio.sleep(dice.uniform(0, _SULK_SECONDS))
        await asyncio.sleep(dice.uniform(0, _PAUSE_SECONDS))


async def _do_something(shop: Shop, dice: random.Random) -> bool:
    """Do one thing; tell whether its outcome is known."""
    kind = dice.choices([*CHANCES], [*CHANCES.values()])[0]
    if kind == "repeat":
        entry = dice.choice(shop.history.entries)
        await shop.history.repeat(entry)
        shop.learn(entry)
        return entry.outcome is not None
    if kind == "batch":
        drawn = [_draw_order(shop, dice, "order", dice.choice(shop.members))[1] for _ in range(dice.randint(2, 5))]
        sent = await shop.tell_batch(drawn, all_or_nothing=dice.random() < 0.5)
        return all(entry.outcome is not None for entry in sent)
    act = _draw(shop, dice, kind)
    if act is None:
        return True
    entry = await shop.tell(*act)
    if entry.outcome is None and dice.random() < 0.5:
        await shop.history.repeat(entry)
        shop.learn(entry)
    return entry.outcome is not None


def _draw(shop: Shop, dice: random.Random, kind: str) -> Act | None:
    """Return a request of a kind; None when there is nothing that it could be about."""
    member = dice.choice(shop.members)
    match kind:
        case "order" | "paid_order" | "guest_order":
            return _draw_order(shop, dice, kind, member)
        case "same_order":
            return ("/orders", dice.choice(shop.sent_orders)) if shop.sent_orders else None
        case "claim":
            return _about(dice, shop.guests, "/orders/{}/claim", {"member": member})
        case "redeem" | "greedy_redeem":
            points = dice.randint(10, 60) if kind == "redeem" else 10_000_000
            return "/redemptions", {"member": member, "wallet": "points", "points": points}
        case "hold":
            body = {"member": member, "wallet": "points", "points": dice.randint(10, 60), "hold": True}
            return "/redemptions", body
        case "transfer":
            recipient = dice.choice([other for other in shop.members if other != member])
            body = {"member": member, "recipient": recipient, "wallet": "points", "points": dice.randint(1, 40)}
            return "/transfers", {**body, "reason": "gift"}
        case "adjust":
            return "/adjustments", _adjustment(member, dice.choice([-30, -20, 25, 40]))
        case "enrol":
            return "/members", {"identities": [f"card:{fresh('c')}"]}
        case "register" | "bring":
            return _draw_friend(shop, dice, kind)
        case "activity":
            body = {"member": member, "kind": "survey_answered", "occurred_at": "2026-01-15T10:00:00+01:00"}
            return "/activities", {**body, "subject": f"s{dice.randint(1, 40)}"}
        case "reserve":
            return _draw_cart(dice, member if dice.random() < 0.8 else None)
        case _ if kind in PLAN_CHANCES:
            return shop.subscriptions.draw(dice, kind, member)
        case "replace" | "confirm" | "release":
            return _draw_end(shop, dice, kind) if shop.reservations else None
        case _:
            return _draw_undoing(shop, dice, kind)


def _draw_friend(shop: Shop, dice: random.Random, kind: str) -> Act:
    """Register one of the newest members, or let it buy on the recommendation of somebody, who has a few of them at once."""
    code = code_of(read_id("mem", dice.choice(shop.members[:ADVOCATES])))
    friend = dice.choice(shop.members[-6:])
    if kind == "register":
        return "/referrals", {"member": friend, "code": code}
    body = order_body(
        friend, dice.randint(800, 3_000), placed_at=datetime.now(UTC).isoformat(), brought_by={"code": code}
    )
    shop.sent_orders.append(body)
    return "/orders", body


def _draw_cart(dice: random.Random, member: str | None) -> Act:
    """Reserve a cart for a while that may be too short to pay."""
    body: Json = {"currency": "EUR", "lines": [{"amount": dice.randint(500, 5_000), "category": "tea"}]}
    body |= {
        "ttl_seconds": dice.choice([10, 20, 900]),
        "codes": [CODE] * (dice.random() < 0.5),
        "unusable_codes": "skip",
    }
    if member is not None:
        body |= {"member": member}
    if member is not None and dice.random() < 0.5:
        body |= {"pay_with_points": {"wallet": "points", "points": dice.choice(["max", 20])}}
    return "/reservations", body


def _draw_end(shop: Shop, dice: random.Random, kind: str) -> Act:
    """End one of the newest reservations, which others may end, too. Its order has one number, whoever pays."""
    reservation, cart = dice.choice(shop.reservations[-20:])
    match kind:
        case "replace":
            path, body = _draw_cart(dice, cart.get("member"))
            return path, {**body, "replaces": reservation}
        case "confirm":
            return f"/reservations/{reservation}/confirm", {"order_id": f"web-{reservation}"}
        case _:
            return f"/reservations/{reservation}/release", {"reason": "abandoned"}


def _draw_order(shop: Shop, dice: random.Random, kind: str, member: str) -> Act:
    amount = dice.randint(200, 9_000)
    more: Json = {"channel": "web"} if dice.random() < 0.3 else {}
    if kind == "paid_order":
        more["pay_with_points"] = {"wallet": "points", "points": dice.randint(10, amount // 10)}
    body = order_body(
        None if kind == "guest_order" else member, amount, placed_at=datetime.now(UTC).isoformat(), **more
    )
    shop.sent_orders.append(body)
    return "/orders", body


def _draw_undoing(shop: Shop, dice: random.Random, kind: str) -> Act | None:
    match kind:
        case "capture":
            body = {} if dice.random() < 0.5 else {"points": dice.randint(1, 10)}
            return _about(dice, shop.holds, "/redemptions/{}/capture", body)
        case "void":
            return _about(dice, shop.holds, "/redemptions/{}/void", {"reason": "abandoned"})
        case "cancel_redemption":
            return _about(dice, shop.redemptions, "/redemptions/{}/cancel", {"reason": "changed_mind"})
        case "cancel_order":
            return _about(dice, shop.orders, "/orders/{}/cancel", {"reason": "not_paid"})
        case "take_back":
            return _about(dice, shop.orders, "/orders/{}/returns", {"amount": dice.randint(1, 900)})
        case _:
            raise AssertionError(kind)


def _about(dice: random.Random, ids: list[str], path: str, body: Json) -> Act | None:
    """Return a request about one of the newest of some things, which others may have in mind, too."""
    return (path.format(dice.choice(ids[-40:])), body) if ids else None


def _adjustment(member: str, points: int) -> Json:
    return {"member": member, "wallet": "points", "points": points, "reason": "goodwill"}
