"""Plans that connections made while tables were empty: they are kept while those grow, and must do until then."""

from dataclasses import replace
from datetime import datetime

import asyncpg
import pytest

from loyalty_engine.core.engine.decision import Take
from loyalty_engine.core.engine.fold import fold
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.persistence.ledger import Entry, record
from tests.persistence.writes import enrolled

READ = "SELECT sum(idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname IN ('counter', 'counter_lease')"
UNTIL = parse_instant("2030-01-01T00:00:00Z")


@pytest.mark.parametrize("until", [None, UNTIL])
async def test_counters_are_reached_by_key_by_whoever_planned_before_there_were_any(
    fresh_url: str, until: datetime | None
) -> None:
    connection = await asyncpg.connect(fresh_url)
    await connection.execute("VACUUM ANALYZE loyalty.counter, loyalty.counter_lease")
    writer = await enrolled(connection, 1, 100_000)

    async def take(key: str, amount: int) -> None:
        (part,) = writer.adjust(5).parts
        taken = Take(key, amount, 9, until)
        assert await record(connection, [Entry(1, fold([replace(part, takes=(taken,))]))]) == [True]

    await take("first", 2)
    await take("first", -1)
    await connection.execute(
        "INSERT INTO loyalty.counter (program_id, key, used, cap) SELECT 1, 'c' || n, 1, 9 FROM generate_series(1, 2000) n"
    )
    await connection.execute(
        "INSERT INTO loyalty.counter_lease SELECT 1, 'c' || n, $1, 1 FROM generate_series(1, 2000) n", UNTIL
    )
    async with connection.transaction():
        await take("c7", 2)
        await take("c7", -1)
        read = await connection.fetchval(READ)
    await connection.close()

    assert read < 30
