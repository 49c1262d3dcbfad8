"""The plans of what tier sets look at, made while the tables were empty: a program begins so, and its connections keep them."""

from typing import Final
from uuid import UUID

import asyncpg
import pytest

from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.tiers.lookback import Lookback
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.partitions import make_partitions
from tests.harness.postgres import open_database
from tests.persistence.test_plans import EXPLAIN, Plans, accesses, most_rows

NOW: Final = parse_instant("2026-06-02T00:00:00Z")
LOOKING: Final = Ask(
    1,
    "",
    None,
    member_id=UUID(int=1),
    now=NOW,
    lookback=Lookback(31, True, (("points", 31),), orders_at=NOW, earned_at=NOW),
)
_BOUGHT: Final = """
INSERT INTO operation (program_id, id, kind, member_id, order_id, client_id, effective_at, booked_at, revision)
SELECT 1, id, 'order', lpad(to_hex(n), 32, '0')::uuid, id, 1, $1, $1, 1
  FROM (SELECT n, ('019e850000007000' || to_hex(n + (1::bigint << 62)))::uuid AS id FROM generate_series(1, 500) n) x
"""
_ORDERS: Final = """
INSERT INTO "order" SELECT 1, id, member_id, effective_at, 'EUR', 100, 0, 0, NULL, NULL, '[]', '{}' FROM operation
"""
_POSTINGS: Final = """
INSERT INTO posting SELECT 1, member_id, 1, id, id, 'points', 'issued', 'available', 9, id, 9, 0, 0, 0 FROM operation
"""


async def test_what_a_member_earned_costs_no_more_in_a_large_program(database_url: str) -> None:
    with open_database(database_url) as url:
        await make_partitions(url, NOW)
        connection = await asyncpg.connect(url, server_settings={"search_path": "loyalty"})
        try:
            plans = await _explained(connection)
            await connection.execute("INSERT INTO program (key) VALUES ('young')")
            await connection.execute("INSERT INTO member SELECT 1, $1, 1, 0, 'active', $2, 0, 0", UUID(int=1), NOW)
            await plans.of_gather(LOOKING)
            await connection.execute(_BOUGHT, NOW)
            await connection.execute(_ORDERS)
            await connection.execute(_POSTINGS)

            probes = await plans.of_gather(LOOKING)
        finally:
            await connection.close()

    found = accesses(probes)
    assert found["posting"] == {"posting_pkey(program_id, member_id, id)"}
    assert found["operation"] == {"operation_program_id_member_id_id_idx(program_id, member_id)"}
    assert "member_pkey(program_id, id)" in found["member"]
    assert most_rows(probes) <= 2


async def _explained(connection: "asyncpg.Connection[asyncpg.Record]") -> Plans:
    try:
        await connection.execute("LOAD 'auto_explain'")
    except asyncpg.PostgresError:
        pytest.skip("this server has no auto_explain")
    for name, value in EXPLAIN.items():
        await connection.execute(f"SET {name} = '{value}'")
    return Plans(connection)
