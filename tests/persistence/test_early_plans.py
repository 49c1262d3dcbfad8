"""Plans that connections made while tables were empty: they are kept while those grow, and must do until then."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg
import pytest

from loyalty_engine.core.engine.decision import Take
from loyalty_engine.core.engine.fold import fold
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.promotions.codes import CodeRow
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.ledger import Entry, Question, gather, record
from tests.persistence.writes import enrolled

READ = "SELECT sum(idx_tup_fetch + seq_tup_read)::int FROM pg_stat_xact_user_tables WHERE relname = ANY ($1)"
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
        read = await connection.fetchval(READ, ["counter", "counter_lease"])
    await connection.close()

    assert read < 30


async def test_codes_are_reached_by_key_by_whoever_planned_before_there_were_any(fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    await connection.execute("VACUUM ANALYZE loyalty.promo_code, loyalty.code_pool")
    writer = await enrolled(connection, 1, 100_000)

    async def give(code: str) -> None:
        (part,) = writer.adjust(5).parts
        row = CodeRow(FoldedCode(code), code, "pool1", writer.member, UNTIL, is_taken=True)
        assert await record(connection, [Entry(1, fold([replace(part, codes=(row,))]))]) == [True]
        ask = Ask(1, "", None, codes=(FoldedCode(code), FoldedCode("C0DE9")), pools=("pool1", "pool2"))
        [[(_, facts)]] = await gather(connection, [Question(1, (ask,))])
        assert facts.codes[FoldedCode(code)].member_id == writer.member

    async def add(first: int, last: int) -> None:
        await connection.execute(
            "INSERT INTO loyalty.code_pool (program_id, key, kind, created_at) "
            "SELECT 1, 'pool' || n, 'vouchers', now() FROM generate_series($1::int, $2) n",
            first,
            last,
        )
        await connection.execute(
            "INSERT INTO loyalty.promo_code (program_id, code, pool, turn) "
            "SELECT 1, 'C0DE' || n, 'pool' || n % 3, n * 1000 FROM generate_series($1::int, $2) n",
            first,
            last,
        )

    await add(1, 1)
    await give("C0DE1")
    await add(2, 3000)
    async with connection.transaction():
        await give("C0DE7")
        read = await connection.fetchval(READ, ["promo_code", "code_pool"])
    await connection.close()

    assert read < 100


KEYED = ["member", "member_identity", "balance", "lot", "idempotency", "order_key", "api_client", "program"]
_MEMBERS = """
INSERT INTO loyalty.member SELECT 1, md5(n::text)::uuid, 1, 0, 'active', $1, 0, 0 FROM generate_series(1, 3000) n"""
_OTHERS = """
INSERT INTO loyalty.api_client (program_id, name, scopes) SELECT 1, 'till', '{}' FROM loyalty.member;
INSERT INTO loyalty.member_identity SELECT 1, 'card:' || id, id FROM loyalty.member;
INSERT INTO loyalty.balance SELECT 1, id, 'points', 9, 0, 0, 0 FROM loyalty.member;
INSERT INTO loyalty.idempotency SELECT 1, 1, '', id::text, id, false, '' FROM loyalty.member;
INSERT INTO loyalty.order_key SELECT 1, 'order||' || id, id, '\\x01' FROM loyalty.member;
INSERT INTO loyalty.lot SELECT 1, id, id, 'points', 9, 9, booked_at, booked_at, NULL, 'program', 0, id FROM loyalty.member
"""


async def test_members_are_reached_by_key_by_whoever_planned_before_there_were_any(fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    await connection.execute(f"VACUUM ANALYZE {', '.join('loyalty.' + table for table in KEYED)}")

    async def find(name: str, key: str) -> None:
        plain = Ask(1, "", key, identity=Identity(name), natural_key=key, wants_lots=True)
        asks = plain, replace(plain, member_id=UUID(int=7), identity=None)
        [[_, (_, facts)]] = await gather(connection, [Question(1, asks)])
        assert (facts.member, facts.order) == (None, None)

    await find("card:1", "1")
    await connection.execute(_MEMBERS, UNTIL)
    await connection.execute(_OTHERS)
    async with connection.transaction():
        name = await connection.fetchval("SELECT identity FROM loyalty.member_identity LIMIT 1")
        before = await connection.fetchval(READ, KEYED)
        await find(name, "1")
        read = await connection.fetchval(READ, KEYED) - before
    await connection.close()

    assert 4 <= read < 30
