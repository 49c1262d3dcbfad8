"""Who is reviewed in a crowd goes where it would go alone, and of both the same is kept."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from loyalty_engine.application import crowds
from loyalty_engine.core.engine.requests import GrantTier
from loyalty_engine.core.engine.tier_crowds import Waiting
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.persistence.crowds import read_crowd
from tests.application.conftest import Engines
from tests.application.test_settle_due_points import sound
from tests.application.test_tiers_over_time import STARS, STATUS, VISITS, Shop, rules
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

PAIRS = size(40, 1_000)
GRACE = {
    **STATUS,
    "metric": {"kind": "orders"},
    "lasts": {"kind": "window"},
    "grace": {"days": 40},
    "downgrade": "one_level",
    "tiers": [{"key": "bronze", "at_least": 1}, {"key": "silver", "at_least": 2}, {"key": "gold", "at_least": 3}],
}


@pytest.fixture
async def shop(program: Program, engines: Engines) -> Shop:
    opened = Shop()
    opened.engine = await engines.start(clock=lambda: opened.now)
    return opened


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> set[UUID]:
    """Those who are never reviewed in a crowd; the others, where they can be, are counted in it."""
    left: set[UUID] = set()

    async def read_others(connection: Any, program_id: int, members: Sequence[UUID], **more: Any) -> list[Waiting]:  # noqa: ANN401 - as the original has them
        return await read_crowd(connection, program_id, [member for member in members if member not in left], **more)

    monkeypatch.setattr(crowds, "read_crowd", read_others)
    return left


async def live(shop: Shop, member: UUID, seed: int) -> None:
    """Buy, bring back and be put elsewhere, over two years."""
    dice, begin = random.Random(seed), shop.now
    for _ in range(dice.randrange(1, 5)):
        days = dice.randrange(580, 605) if dice.random() < 0.3 else dice.randrange(570)  # some in the time of grace
        at = begin + timedelta(days=days)
        shop.now = max(at, shop.now)
        order = await shop.buy(member, dice.choice([2000, 5000, 10000]), at=at)
        if dice.random() < 0.2:
            await shop.bring_back(order)
    if dice.random() < 0.2:
        until = shop.now + timedelta(days=dice.randrange(1, 300))
        await shop.run(GrantTier(shop.engine.call(), member, "status", "gold", until, "gift"))
    shop.now = begin


ENDED = datetime(2028, 2, 20, tzinfo=UTC)


@pytest.mark.parametrize("lasting", [{}, {"expiry": {"kind": "after", "length": {"months": 24}}}])
@pytest.mark.parametrize("sets", [[STATUS], [GRACE], [STATUS, STARS, VISITS]])
async def test_twins_go_the_same_way(
    shop: Shop,
    program: Program,
    ledger: Ledger,
    alone: set[UUID],
    sets: list[dict[str, Any]],
    lasting: dict[str, Any],
) -> None:
    document = rules(*sets)
    document["wallets"][0] |= lasting
    await program.publish(document)
    pairs = [(await shop.enrol(), await shop.enrol()) for _ in range(PAIRS)]
    for seed, pair in enumerate(pairs):
        for member in pair:
            await live(shop, member, seed)
    alone.update(lonely for _, lonely in pairs)

    shop.now = ENDED
    await shop.settle(program)

    assert [await kept(ledger, one) for one, _ in pairs] == [await kept(ledger, other) for _, other in pairs]
    assert await sound(ledger)


async def test_those_whose_tiers_end_with_the_year_are_a_crowd(
    shop: Shop, program: Program, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await program.publish(rules(STATUS))
    for n in range(10):
        await shop.buy(await shop.enrol(), 5000 + 1000 * n)
    sizes = []
    review = crowds.review_crowd

    async def measured(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - as the original has it
        found = await review(*arguments, **more)
        sizes.append(len(found))
        return found

    monkeypatch.setattr("loyalty_engine.application.settle_due_points.review_crowd", measured)
    shop.now = ENDED

    assert await shop.settle(program) == 10
    assert sizes == [10]
    assert await ledger.count("member_tier", "tier IS NULL AND since = '2028-01-01Z'") == 10
    assert await sound(ledger)


async def test_who_was_given_a_tier_before_falls_back_to_it(shop: Shop, program: Program, ledger: Ledger) -> None:
    """Silver for good, then gold by what was bought, which ends with the year as that of many does."""
    await program.publish(rules(STATUS))
    member = await shop.enrol()
    await shop.run(GrantTier(shop.engine.call(), member, "status", "silver", None, "gift"))
    await shop.buy(member, 20000)
    shop.now = ENDED

    assert await shop.settle(program) == 1
    assert await ledger.count("member_tier", "tier = 'silver' AND how = 'granted' AND until IS NULL") == 1
    assert await sound(ledger)


async def kept(ledger: Ledger, member: UUID) -> Any:  # noqa: ANN401 - rows of several tables
    """Return all that is kept of a member's tiers and reviews, without ids."""
    fetch, key = ledger.connection.fetch, (ledger.program_id, member)
    columns = "tier_set, tier, since, until, ends_at, how, below, before, reached_at"
    places = await fetch(f"SELECT {columns} FROM member_tier WHERE program_id = $1 AND member_id = $2 ORDER BY 1", *key)
    moves = await fetch(
        f"SELECT version, {columns} FROM tier_move WHERE program_id = $1 AND member_id = $2 ORDER BY 1, 2", *key
    )
    row = await fetch("SELECT version, seq, due_at, booked_at FROM member WHERE program_id = $1 AND id = $2", *key)
    reviews = await fetch(
        "SELECT o.effective_at, o.booked_at, o.revision, d.facts, d.reasons, d.answer FROM operation o "
        "JOIN operation_detail d USING (program_id, id) "
        "WHERE o.program_id = $1 AND o.member_id = $2 AND o.kind = 'tier_review' ORDER BY 1",
        *key,
    )
    told = []
    for review in reviews:
        *rest, facts, reasons, answer = review
        shown = orjson.loads(answer)
        assert read_id("mem", shown.pop("member_id")) == member
        assert shown.pop("operation_id").startswith("op_")
        told.append((*rest, orjson.loads(facts), orjson.loads(reasons), shown))
    return [tuple(each) for rows in (places, moves, row) for each in rows], told
