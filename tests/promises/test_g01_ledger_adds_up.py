"""G1: balances = sums of postings = sums of lots - debt, in every snapshot, whatever happens at the same time."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.harness.api import Api, code_of, fresh, order_body
from tests.harness.crowds import insist, size
from tests.harness.ledger import Ledger

OPERATIONS = size(500, 30_000)
SNAPSHOTS = size(8, 1_000)
PACE = OPERATIONS // SNAPSHOTS
"""Operations from one snapshot to the next."""
MEMBERS = 12
PEOPLE = 12
REFUSALS = {
    "insufficient_points",
    "points_above_share",
    "redemption_already_cancelled",
    "order_already_claimed",
    "order_already_cancelled",
    "return_exceeds_order",
    "order_line_not_found",  # it came back while the order was a guest's: who claims that gets what was left of it
    "capture_exceeds_hold",
    "hold_ended",
}
DAY_SECONDS = 86_400


@dataclass
class Bank:
    """Random customers of one program, and what their accepted acts must add up to.

    They pause when as many acts were accepted as the auditor allows so far.
    """

    api: Api
    members: list[str]
    accepted: int = 0
    allowed: int = PACE
    snapshots: int = 0
    net: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    redemptions: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any], str, bytes]] = field(default_factory=list)

    async def act(self, dice: random.Random) -> None:
        member = dice.choice(self.members[:3] if dice.random() < 0.5 else self.members)
        acts: list[Callable[[], Awaitable[None]]] = [
            lambda: self.buy(dice, member),
            lambda: self.buy(dice, member),
            lambda: self.redeem(dice, member),
            lambda: self.redeem(dice, member),
            lambda: self.take_back(dice),
            lambda: self.adjust(dice, member),
            lambda: self.claim(dice, member),
            lambda: self.bring_back(dice),
            lambda: self.bring_back(dice),
            lambda: self.hold(dice, member),
            lambda: self.end_hold(dice),
            lambda: self.give(dice, member),
            lambda: self.repeat(dice),
        ]
        await dice.choice(acts)()

    async def buy(self, dice: random.Random, member: str) -> None:
        payment = {"wallet": "points", "points": dice.choice(["max", 10, 25])} if dice.random() < 0.4 else None
        guest = dice.random() < 0.15
        amounts = [dice.randrange(3000) for _ in range(dice.randint(1, 5))]
        body = order_body(
            None if guest else member,
            lines=[{"amount": amount} for amount in amounts],
            pay_with_points=None if guest else payment,
            channel=dice.choice(["web", "pos"]),
        )
        answer = await self.send("/orders", body)
        if answer is not None:
            self.orders.append(answer["id"])
        if answer is not None and guest:
            self.guests.append(answer["id"])

    async def redeem(self, dice: random.Random, member: str) -> None:
        wallet = dice.choice(["points", "points", "cashback"])
        answer = await self.send("/redemptions", {"member": member, "wallet": wallet, "points": dice.randint(10, 60)})
        if answer is not None:
            self.redemptions.append(answer["id"])

    async def take_back(self, dice: random.Random) -> None:
        if self.redemptions:
            redemption = dice.choice(self.redemptions)
            await self.send(f"/redemptions/{redemption}/cancel", {"reason": "changed_mind"})

    async def adjust(self, dice: random.Random, member: str) -> None:
        body = {"member": member, "wallet": "points", "points": dice.choice([40, -30, -90]), "reason": "error"}
        await self.send("/adjustments", {**body, "if_short": dice.choice(["refuse", "debt"])})

    async def claim(self, dice: random.Random, member: str) -> None:
        if self.guests:
            await self.send(f"/orders/{dice.choice(self.guests)}/claim", {"member": member})

    async def bring_back(self, dice: random.Random) -> None:
        if not self.orders:
            return
        order = dice.choice(self.orders)
        if dice.random() < 0.2:
            await self.send(f"/orders/{order}/cancel", {"reason": "not_paid"})
        else:
            goods: dict[str, Any] = (
                {"lines": [{"id": "1"}]} if dice.random() < 0.5 else {"amount": dice.randint(1, 900)}
            )
            await self.send(f"/orders/{order}/returns", goods)

    async def hold(self, dice: random.Random, member: str) -> None:
        body = {"member": member, "wallet": "points", "points": dice.randint(10, 60), "hold": True}
        answer = await self.send("/redemptions", {**body, "ttl_seconds": DAY_SECONDS})
        if answer is not None:
            self.holds.append(answer["id"])

    async def end_hold(self, dice: random.Random) -> None:
        if not self.holds:
            return
        hold = dice.choice(self.holds)
        ends: list[tuple[str, dict[str, Any]]] = [
            ("capture", {}),
            ("capture", {"points": 15}),
            ("void", {"reason": "x"}),
        ]
        how, body = dice.choice(ends)
        await self.send(f"/redemptions/{hold}/{how}", body)

    async def give(self, dice: random.Random, member: str) -> None:
        other = dice.choice([found for found in self.members if found != member])
        body = {"member": member, "recipient": other, "wallet": "points", "points": dice.randint(1, 40)}
        await self.send("/transfers", {**body, "reason": "gift"})

    async def repeat(self, dice: random.Random) -> None:
        if self.sent:
            path, body, key, first = dice.choice(self.sent)
            again = await insist(self.api.post, path, body, key=key)
            assert again.content == first

    async def send(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        key = fresh("k")
        response = await insist(self.api.post, path, body, key=key)
        self.sent.append((path, body, key, response.content))
        return self.book(response)

    def book(self, response: httpx.Response) -> dict[str, Any] | None:
        if response.status_code not in {200, 201}:
            assert code_of(response) in REFUSALS, response.text
            return None
        answer: dict[str, Any] = response.json()
        assert answer["operation_id"] not in self.seen
        self.seen.add(answer["operation_id"])
        self.accepted += 1
        for wallet, points in movements(answer):
            self.net[f"{answer['member_id']}/{wallet}"] += points
        if "recipient_id" in answer:
            self.net[f"{answer['recipient_id']}/{answer['wallet']}"] += answer["points"]
        return answer


def movements(answer: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return what an accepted answer says that it moved: points that are held count as spent for so long."""
    if "taken" in answer:
        back = answer["restored"]
        taken = [(less["wallet"], less["forgiven"] - less["points"]) for less in answer["taken"]]
        return [*taken, (back["wallet"], back["points"])] if back else taken
    if "released" in answer:
        return [(answer["wallet"], answer["released"])]
    moved = [(effect["wallet"], effect["points"]) for effect in answer.get("effects", [])]
    paid = answer.get("paid_with_points")
    if paid:
        moved.append((paid["wallet"], -paid["points"]))
    if "points_restored" in answer:
        moved.append((answer["wallet"], answer["points_restored"]))
    elif "amount" in answer or "recipient_id" in answer:
        moved.append((answer["wallet"], -answer["points"]))
    elif "points" in answer:
        moved.append((answer["wallet"], answer["points"]))
    return moved


async def test_every_snapshot_adds_up_while_customers_crowd(clients: Api, ledger: Ledger) -> None:
    bank = Bank(clients, [await clients.new_member(100) for _ in range(MEMBERS)])
    for member in bank.members:
        bank.net[f"{member}/points"] += 100

    async def customer(seed: int) -> None:
        dice = random.Random(seed)
        while bank.accepted < OPERATIONS or bank.snapshots < SNAPSHOTS:
            await (bank.act(dice) if bank.accepted < bank.allowed else asyncio.sleep(0.002))

    async def auditor() -> None:
        while bank.snapshots < SNAPSHOTS:
            if bank.accepted < bank.snapshots * PACE:
                await asyncio.sleep(0.002)
                continue
            before, bank.allowed = bank.accepted, (bank.snapshots + 2) * PACE
            assert await ledger.faults() == []
            bank.snapshots += bank.accepted > before  # one that saw nobody write proves little

    async with asyncio.TaskGroup() as group:
        group.create_task(auditor())
        for seed in range(PEOPLE):
            group.create_task(customer(seed))

    assert await ledger.faults() == []
    assert await ledger.misfits() == []
    assert await ledger.count("operation") == bank.accepted + 2 * MEMBERS
    told = (await clients.get("/ledger/check")).json()
    assert (told["is_sound"], told["operations"]) == (True, bank.accepted + 2 * MEMBERS)
    rows = await ledger.nets()
    assert rows == {name: net for name, net in bank.net.items() if net or name in rows}
