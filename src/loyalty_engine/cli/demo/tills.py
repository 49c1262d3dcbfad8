"""Tills: so many callers at once, each with its own connection, that take from one pile until it is empty."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import orjson

from loyalty_engine.cli.demo.calls import Place, Till
from loyalty_engine.cli.demo.receipts import Receipt, card_of

T = TypeVar("T")
Advance = Callable[[], None]
"""Called after each piece of work, for whoever shows the progress."""

_P50: Final = 0.50
_P99: Final = 0.99


@dataclass(frozen=True, slots=True)
class Credit:
    """One effect of a receipt: what a rule credited in a wallet."""

    rule: str
    wallet: str
    points: int


@dataclass(slots=True)
class Replay:
    """What became of the receipts: ``credits`` are theirs in the same order, latencies in seconds as the tills saw them."""

    seconds: float
    repeated: int
    credits: list[tuple[Credit, ...]]
    latencies: list[float] = field(repr=False)

    @property
    def per_second(self) -> float:
        """Receipts answered per second."""
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        """The median latency in seconds."""
        return self._percentile(_P50)

    @property
    def p99(self) -> float:
        """The latency in seconds that one receipt of a hundred exceeded."""
        return self._percentile(_P99)

    def _percentile(self, share: float) -> float:
        ascending = sorted(self.latencies)
        return ascending[min(int(len(ascending) * share), len(ascending) - 1)]


async def replay(place: Place, receipts: Sequence[Receipt], tills: int, advance: Advance) -> Replay:
    """Send every receipt, in the order given as far as tills that do not wait for each other keep one.

    Raises ``FailureError`` at the first one that is refused.
    """
    found = Replay(0.0, 0, [()] * len(receipts), [])

    async def send(till: Till, piece: tuple[int, Receipt]) -> None:
        position, receipt = piece
        began = time.perf_counter()
        answer = await till.post("/orders", receipt.body, f"receipt-{receipt.number}")
        found.latencies.append(time.perf_counter() - began)
        order = answer.expect(f"receipt {receipt.number}")
        found.repeated += answer.is_repeated
        found.credits[position] = tuple(
            Credit(effect["rule"], effect["wallet"], effect["points"])
            for effect in order["effects"]
            if effect["type"] == "grant_points"
        )
        advance()

    began = time.perf_counter()
    await share(place, enumerate(receipts), tills, send)
    found.seconds = time.perf_counter() - began
    return found


async def enrol(place: Place, households: Iterable[int], tills: int, advance: Advance) -> Mapping[int, str]:
    """Make a member of every household that is none yet, and return the members' ids."""
    members: dict[int, str] = {}

    async def send(till: Till, household: int) -> None:
        card = card_of(household)
        answer = await till.post("/members", orjson.dumps({"identities": [card]}), f"enrol-{household}")
        if answer.code == "identity_taken":  # by somebody whose key was another one
            answer = await till.get(f"/members/{card}")
        members[household] = answer.expect(f"household {household}")["id"]
        advance()

    await share(place, households, tills, send)
    return members


async def read_balances(
    place: Place, members: Mapping[int, str], tills: int, advance: Advance
) -> Mapping[int, Mapping[str, int]]:
    """Return what each household owns in each wallet that it ever used, less what it owes."""
    balances: dict[int, Mapping[str, int]] = {}

    async def send(till: Till, member: tuple[int, str]) -> None:
        household, member_id = member
        answer = await till.get(f"/members/{member_id}/balances")
        balances[household] = {
            row["wallet"]: row["available"] + row["pending"] + row["held"] - row["debt"]
            for row in answer.expect(f"the balance of household {household}")["balances"]
        }
        advance()

    await share(place, members.items(), tills, send)
    return balances


async def share(place: Place, pile: Iterable[T], tills: int, work: Callable[[Till, T], Awaitable[None]]) -> None:
    """Have so many tills take from ``pile`` until it is empty; the first failure ends all of them."""
    rest = iter(pile)

    async def serve() -> None:
        async with Till(place) as till:
            for piece in rest:
                await work(till, piece)

    tasks = [asyncio.create_task(serve()) for _ in range(tills)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
