"""G10: an operation is visible as a whole or not at all."""

import asyncio

import pytest

from loyalty_engine.core.kernel.ids import read_id
from tests.harness.api import Api
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

READS = size(400, 100_000)
MEMBERS = 4
READERS = 4
ROUNDS = 25
"""How long a member is written for; then a new one takes its place, so that reading does not take ever longer."""

HALF_APPLIED = """
SELECT m.id::text || ': ' || concat_ws(', ', m.version, m.seq, p.last, p.n, b.available, p.available, l.points, o.n, d.n)
  FROM member m
 CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(x.seq), 0) AS last,
                            coalesce((array_agg(x.available ORDER BY x.seq DESC))[1], 0) AS available
                       FROM posting x WHERE x.program_id = m.program_id AND x.member_id = m.id) p
 CROSS JOIN LATERAL (SELECT coalesce(sum(x.available), 0) AS available
                       FROM balance x WHERE x.program_id = m.program_id AND x.member_id = m.id) b
 CROSS JOIN LATERAL (SELECT coalesce(sum(x.remaining), 0) AS points
                       FROM lot x
                      WHERE x.program_id = m.program_id AND x.member_id = m.id AND x.remaining > 0) l
 CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE x.kind = 'order') AS orders
                       FROM operation x WHERE x.program_id = m.program_id AND x.member_id = m.id) o
  LEFT JOIN (SELECT x.member_id, count(*) AS n FROM "order" x JOIN order_key k
                 ON k.program_id = x.program_id AND k.order_id = x.id
              WHERE x.program_id = $1 AND x.member_id = ANY($2)
                AND x.id > (SELECT y FROM unnest($2::uuid[]) y ORDER BY y LIMIT 1)
              GROUP BY x.member_id) d ON d.member_id = m.id
 WHERE m.program_id = $1 AND m.id = ANY($2)
   AND NOT (m.seq = p.last AND m.seq = p.n AND b.available = p.available AND b.available = l.points
            AND m.version = o.n AND m.orders = o.orders AND m.orders = coalesce(d.n, 0))
"""
"""Each member's row, postings, balance, lots, operations and orders, seen by one statement, must tell one story.

Ids grow with time, so no order of a member is older than the oldest of them.
"""


async def test_no_reader_sees_half_an_operation(clients: Api, program: Program, ledger: Ledger) -> None:
    members = [await clients.new_member(100) for _ in range(MEMBERS)]
    reads = 0

    async def write(number: int) -> None:
        rounds = 0
        while reads < READS:
            rounds += 1
            if rounds % ROUNDS == 0:
                members[number % MEMBERS] = await clients.new_member(100)
            await write_for(members[number % MEMBERS], {"wallet": "points", "points": 10} if number % 2 else None)

    async def write_for(member: str, payment: object) -> None:
        answer = await clients.post_order(member, 1500, pay_with_points=payment)
        assert answer.status_code in {201, 409}, answer.text
        redemption = await clients.redeem(member, 12)
        if redemption.status_code == 201:
            await clients.cancel_redemption(redemption.json()["id"])
            await clients.redeem(member, 20)

    async def read() -> None:
        nonlocal reads
        async with Ledger.open(program) as rows:
            while reads < READS:
                seen = [read_id("mem", member) for member in members]
                assert await rows.connection.fetch(HALF_APPLIED, program.id, seen) == []
                reads += 1

    async with asyncio.TaskGroup() as group:
        for number in range(2 * MEMBERS):
            group.create_task(write(number))
        for _ in range(READERS):
            group.create_task(read())

    assert await ledger.faults() == []
    assert await ledger.misfits() == []


@pytest.mark.parametrize("missing", ["posting", "balance", "lot", "operation", '"order"', "order_key"])
async def test_the_reader_would_see_half_an_operation(
    client: Api, program: Program, ledger: Ledger, missing: str
) -> None:
    member = await client.new_member()
    await client.post_order(member, 1500)
    transaction = ledger.connection.transaction()
    await transaction.start()

    await ledger.connection.execute(f"DELETE FROM {missing} WHERE program_id = $1", program.id)
    seen = await ledger.connection.fetch(HALF_APPLIED, program.id, [read_id("mem", member)])
    await transaction.rollback()

    assert len(seen) == 1
    assert await ledger.connection.fetch(HALF_APPLIED, program.id, [read_id("mem", member)]) == []
