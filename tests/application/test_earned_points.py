"""What members earned is read for as long as it counts, whatever was booked before, late or by clocks that are ahead."""

import random
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import pytest

from loyalty_engine.core.engine.requests import MergeMembers, RecordActivity
from tests.application.conftest import Engines
from tests.application.test_tiers_over_time import DAY, NOW, STARS, Shop, rules
from tests.harness.api import fresh
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

DAYS = (1, 7, 31, 92, 200)
SEEDS = range(size(3, 40))


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_window_is_what_a_lifetime_holds_of_it(
    program: Program, engines: Engines, ledger: Ledger, seed: int
) -> None:
    shop, dice = Shop(), random.Random(seed)
    await program.publish(rules(STARS))
    shop.engine = await engines.start(clock=lambda: shop.now)
    members = [await shop.enrol() for _ in range(3)]
    placed = []
    for _ in range(40):
        shop.now += timedelta(days=dice.choice([0, 1, 5, 20]))
        member = dice.choice(members)
        at = shop.now + dice.choice([timedelta(), timedelta(minutes=4), -3 * DAY, -40 * DAY])
        placed.append(await shop.buy(member, dice.choice([1000, 5000]), at=max(at, NOW)))
        if dice.random() < 0.4:
            await shop.bring_back(placed.pop(dice.randrange(len(placed))))
        if dice.random() < 0.3:
            await shop.run(RecordActivity(shop.engine.call(), member, "survey_answered", shop.now, fresh("s")))
    await shop.run(MergeMembers(shop.engine.call(), members[0], members[1], "same person"))

    for member in members:
        whole = await earned(ledger, member, None, shop.now)
        assert whole == await earned(ledger, member, None, shop.now, version=7) != []
        for days in DAYS:
            for at in (shop.now, shop.now - 50 * DAY, shop.now + 1 * DAY):
                held = [each for each in whole if each[0] >= at - days * DAY]
                assert await earned(ledger, member, days, at) == held


async def earned(
    ledger: Ledger, member: UUID, days: int | None, at: datetime, *, version: int = 8
) -> list[tuple[datetime, int]]:
    """Return what a member earned since so many days before a moment."""
    read = f"SELECT loyalty.read_earned_v{version}($1, $2, ARRAY['points'], $3, $4)"
    found = await ledger.connection.fetchval(read, ledger.program_id, member, [days], at)
    moved = orjson.loads(found)["points"] if found else []
    return [(datetime.fromisoformat(moment), points) for moment, points in moved]
