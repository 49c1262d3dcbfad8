"""Publishing other ladders moves members: as the preview said, all of them, once, whatever dies meanwhile."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty_engine.application import adopt_ladders as adopting
from loyalty_engine.application import preview_ladders as previewing
from loyalty_engine.application.adopt_ladders import Adopted, adopt_ladders
from loyalty_engine.application.preview_ladders import preview_ladders
from loyalty_engine.application.publish_program import publish_as_operator
from loyalty_engine.application.world import find_zone
from loyalty_engine.core.engine.ladder_changes import Step
from loyalty_engine.core.engine.requests import GrantTier
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.program.document import Program as ProgramDocument
from loyalty_engine.core.program.parts import split
from tests.application.conftest import Engines
from tests.application.test_settle_due_points import sound
from tests.application.test_tiers_over_time import NOW, STATUS, Shop, rules
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import Program, owner

MEMBERS = size(30, 1_000)
DEARER = {
    **STATUS,
    "tiers": [
        {"key": "silver", "at_least": 6000, "privileges": {"discount": {"percent": "10%"}}},
        {"key": "gold", "at_least": 8000, "privileges": {"multipliers": [{"wallet": "points", "factor": "2"}]}},
        {"key": "platinum", "at_least": 12000, "privileges": {"discount": {"percent": "20%"}}},
    ],
}


@dataclass
class Keeper:
    """Hears how far an adoption is; stops it when it is told to."""

    heard: list[Adopted] = field(default_factory=list)

    async def keep(self, done: Adopted) -> bool:
        self.heard.append(done)
        return True


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (adopting, previewing):
        monkeypatch.setattr(room, "_PAGE", 7)


@pytest.fixture
async def shop(program: Program, engines: Engines) -> Shop:
    opened = Shop()
    await program.publish(rules(STATUS))
    opened.engine = await engines.start(clock=lambda: opened.now)
    return opened


def compiled(document: dict[str, Any], revision: int) -> Ruleset:
    return compile_ruleset(split(ProgramDocument.model_validate(document)), revision, find_zone=find_zone)


async def adopt(shop: Shop, program: Program, begin: Adopted | None = None) -> Adopted:
    keeper = Keeper()
    async with owner(program.database_url) as connection:
        more = {} if begin is None else {"begin": begin}
        done = await adopt_ladders(connection, shop.engine.rulesets, program.id, now=shop.now, keep=keeper.keep, **more)
    assert done is not None
    return done


async def town(shop: Shop) -> list[UUID]:
    """Members who bought for 30 up to 149 euros; a few were put elsewhere by hand, and some tiers have run out."""
    members = [await shop.enrol() for _ in range(MEMBERS)]
    dice = random.Random(5)
    for n, member in enumerate(members):
        await shop.buy(member, 3000 + 400 * (n % 30))
        if n % 10 == 3:
            until = NOW + timedelta(days=dice.randrange(10, 300))
            await shop.run(GrantTier(shop.engine.call(), member, "status", "gold", until, "gift"))
    shop.now = NOW + timedelta(days=150)
    return members


async def places(shop: Shop, program: Program, members: list[UUID]) -> list[str | None]:
    return [(await shop.see(program, member)).get("status") for member in members]


async def test_publishing_does_what_the_preview_says(shop: Shop, program: Program, ledger: Ledger) -> None:
    members = await town(shop)
    after = rules(DEARER)
    was = await places(shop, program, members)
    before = await ledger.fingerprint()
    async with owner(program.database_url) as connection:
        rulesets = shop.engine.rulesets
        foreseen = await preview_ladders(connection, rulesets, program.id, compiled(after, 99), now=shop.now)
    assert await ledger.fingerprint() == before

    await program.publish(after)
    done = await adopt(shop, program)

    becomes = await places(shop, program, members)
    assert foreseen.members == done.members == MEMBERS
    assert foreseen.steps == Counter(Step("status", *each) for each in zip(was, becomes, strict=True))
    assert foreseen.steps[Step("status", "gold", "platinum")] > 0
    assert await ledger.count("member_tier", "tier = 'platinum'") == becomes.count("platinum")
    assert await sound(ledger)


async def test_who_was_led_is_not_led_again(shop: Shop, program: Program, ledger: Ledger) -> None:
    await town(shop)
    await program.publish(rules(DEARER))
    first = await adopt(shop, program)
    before = await ledger.fingerprint()
    again = await adopt(shop, program)

    assert first.moved > 0
    assert (again.members, again.moved) == (MEMBERS, 0)
    assert await ledger.fingerprint() == before


async def test_a_preview_tells_what_privileges_would_cost(shop: Shop, program: Program) -> None:
    """One stays silver, which takes 10 % off from now on; one is gold, where points count twice."""
    for amount in (7000, 9000):
        await shop.buy(await shop.enrol(), amount)
    async with owner(program.database_url) as connection:
        ladders = compiled(rules({**DEARER, "tiers": DEARER["tiers"][:2]}), 99)  # type: ignore[index]  # a list
        foreseen = await preview_ladders(connection, shop.engine.rulesets, program.id, ladders, now=shop.now)

    assert foreseen.steps == {Step("status", "silver", "silver"): 1, Step("status", "silver", "gold"): 1}
    assert (foreseen.discounts, dict(foreseen.points)) == (700, {"points": 90})


async def test_sets_that_are_gone_leave_nobody_in_a_tier(shop: Shop, program: Program, ledger: Ledger) -> None:
    await shop.buy(await shop.enrol(), 9000)
    await program.publish(rules())
    assert (await adopt(shop, program)).moved == 1
    assert await ledger.count("member_tier", "tier IS NULL AND ends_at IS NULL") == 1
    shop.now = datetime(2028, 1, 1, tzinfo=UTC)
    await shop.settle(program)  # lots are not read to lead members: that nothing is due any more is found out then
    assert await ledger.count("member", "due_at IS NOT NULL") == 0
    assert await ledger.count("operation", "kind = 'tier_review'") == 1
    assert await sound(ledger)


@pytest.mark.parametrize("seed", range(size(2, 30)))
async def test_what_is_killed_goes_on_where_it_was(shop: Shop, program: Program, ledger: Ledger, seed: int) -> None:
    members = await town(shop)
    await program.publish(rules(DEARER))
    keeper, dice = Keeper(), random.Random(seed)

    for _ in range(3):
        begin = keeper.heard[-1] if keeper.heard else Adopted(UUID(int=0), 0, 0)
        async with owner(program.database_url) as connection:
            run = asyncio.create_task(
                adopt_ladders(connection, shop.engine.rulesets, program.id, now=shop.now, begin=begin, keep=keeper.keep)
            )
            buying = asyncio.gather(*(shop.buy(member, 100) for member in dice.sample(members, 3)))
            await asyncio.sleep(dice.uniform(0.01, 0.06))
            run.cancel()
            with suppress(asyncio.CancelledError):
                await run
            connection.terminate()
            await buying
    begin = keeper.heard[-1] if keeper.heard else Adopted(UUID(int=0), 0, 0)
    done = await adopt(shop, program, begin)

    assert done.members == MEMBERS
    assert (await adopt(shop, program)).moved == 0
    moved = "SELECT count(*), count(DISTINCT member_id) FROM tier_move WHERE program_id = $1 AND tier = 'platinum'"
    moves = await ledger.connection.fetchrow(moved, program.id)
    assert moves is not None
    assert moves[0] == moves[1] > 0
    assert await sound(ledger)


@pytest.mark.usefixtures("shop")
async def test_a_publication_adds_one_run(program: Program) -> None:
    """Of a publication that leaves the ladders alone nobody is moved."""
    async with owner(program.database_url) as connection:
        for document in (rules(DEARER), rules(DEARER), {**rules(DEARER), "activities": []}):
            document["earning_rules"] = document["earning_rules"][:2]
            written = ProgramDocument.model_validate(document)
            await publish_as_operator(connection, program.id, written, expected=None, note=None)
        found = await connection.fetch(
            "SELECT kind, params ->> 'revision', run_after - created_at FROM loyalty.job WHERE program_id = $1",
            program.id,
        )

    # Whoever decided by the ladders of before has recorded that by then.
    assert [tuple(row) for row in found] == [("adopt_ladders", "3", timedelta(seconds=5))]
