"""G18: what a superuser does to the rows behind the engine's back is found and named.

The application's own role cannot do any of it: see ``tests/persistence/test_rights.py``.
"""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.invariants import ANSWERS, INVARIANTS
from loyalty_engine.persistence.ledger_check import check_rows
from loyalty_engine.persistence.rebuild import rebuild_members
from tests.harness.programs import MakeProgram
from tests.harness.servers import Servers
from tests.persistence.lively import Lively, live

LAST: Final = "(SELECT max(seq) FROM posting WHERE program_id = {p} AND member_id = '{m}')"
FIRST: Final = "program_id = {p} AND member_id = '{m}' AND seq = 1"

TAMPERS: Final = {
    "points are added to a balance": (
        "UPDATE balance SET available = available + 100 WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'points'",
        "rebuilt balance.available",
    ),
    "a balance is deleted": (
        "DELETE FROM balance WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'points'",
        "balances_equal_postings",
    ),
    "points are added to a balance and to a lot": (
        (
            "WITH more AS (UPDATE lot SET amount = amount + 9, remaining = remaining + 9 WHERE program_id = {p} AND id = "
            "(SELECT id FROM lot WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'points' ORDER BY id LIMIT 1)) "
            "UPDATE balance SET available = available + 9 WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'points'"
        ),
        "lots_equal_postings",
    ),
    "the amount of a posting is changed": (
        f"UPDATE posting SET amount = amount + 1 WHERE {FIRST}",
        "postings_follow_each_other",
    ),
    "the amount of a posting and the balances after it are changed": (
        (
            "UPDATE posting SET amount = amount + CASE seq WHEN 1 THEN 5 ELSE 0 END, available = available + 5 "
            "WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'points'"
        ),
        "answers_equal_postings",
    ),
    "the last posting is deleted": (
        f"DELETE FROM posting WHERE program_id = {{p}} AND member_id = '{{m}}' AND seq = {LAST}",
        "rebuilt member.seq",
    ),
    "a posting is invented": (
        (
            "INSERT INTO posting SELECT program_id, member_id, seq + 1, gen_random_uuid(), operation_id, wallet, 'adjusted', "
            "'available', 7, NULL, available + 7, pending, held, debt FROM posting WHERE program_id = {p} AND "
            f"member_id = '{{m}}' AND seq = {LAST}"
        ),
        "sequences_have_no_gaps",
    ),
    "an identical twin of a posting is forged": (
        (
            "INSERT INTO posting SELECT program_id, member_id, seq, gen_random_uuid(), operation_id, wallet, source, "
            f"destination, amount, lot_id, available, pending, held, debt FROM posting WHERE {FIRST}"
        ),
        "sequences_have_no_gaps",
    ),
    "a posting is moved to another member": (
        f"UPDATE posting SET member_id = '{{a}}' WHERE {FIRST}",
        "postings_have_their_operation",
    ),
    "a posting is moved to another operation": (
        (
            "UPDATE posting SET operation_id = (SELECT min(id::text)::uuid FROM operation WHERE program_id = {p} AND "
            f"member_id = '{{m}}') WHERE program_id = {{p}} AND member_id = '{{m}}' AND seq = {LAST}"
        ),
        "lots_equal_postings",
    ),
    "a posting comes from another account": (
        f"UPDATE posting SET source = 'transit' WHERE {FIRST}",
        "transit_is_empty",
    ),
    "the sequence of a member is shifted": (
        "UPDATE posting SET seq = seq + 1000 WHERE program_id = {p} AND member_id = '{m}'",
        "sequences_have_no_gaps",
    ),
    "two lots change places": (
        (
            "UPDATE lot_use u SET lot_id = (SELECT id FROM lot WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'points' "
            "AND id NOT IN (SELECT lot_id FROM lot_use WHERE program_id = {p}) ORDER BY id LIMIT 1) WHERE program_id = {p} AND (operation_id, lot_id) = (SELECT operation_id, lot_id "
            "FROM lot_use WHERE program_id = {p} AND amount > 1 ORDER BY operation_id, lot_id LIMIT 1)"
        ),
        "lots_equal_uses",
    ),
    "the lots that two postings name change places": (
        (
            "UPDATE posting SET lot_id = (SELECT lot_id FROM posting WHERE program_id = {p} AND member_id = '{m}' AND "
            "wallet = 'points' AND source = 'issued' ORDER BY seq DESC LIMIT 1) "
            f"WHERE {FIRST}"
        ),
        "lots_were_earned_by_postings",
    ),
    "what is left of a lot is changed": (
        "UPDATE lot SET remaining = remaining - 1 WHERE program_id = {p} AND member_id = '{m}' AND remaining > 0",
        "rebuilt lot.remaining",
    ),
    "a member is put into another tier": (
        "UPDATE member_tier SET tier = 'gold' WHERE program_id = {p} AND member_id = '{m}'",
        "rebuilt tier.tier",
    ),
    "a tier lasts longer": (
        "UPDATE member_tier SET until = until + interval '1 year' WHERE program_id = {p} AND member_id = '{m}'",
        "tiers_are_where_members_were_led",
    ),
    "a member is put into another tier, and so is what led there": (
        (
            "UPDATE member_tier SET tier = 'gold', below = '{{silver}}' WHERE program_id = {p} AND member_id = '{m}'; "
            "UPDATE tier_move SET tier = 'gold', below = '{{silver}}' WHERE program_id = {p} AND member_id = '{m}'"
        ),
        "answers_tell_where_members_were_led",
    ),
    "expired points live again": (
        "UPDATE lot SET expires_at = NULL, expired = 0, remaining = expired WHERE program_id = {p} AND expired > 0",
        "lots_tell_what_expired",
    ),
    "a counter is set back": (
        (
            "WITH took AS (INSERT INTO counter_use SELECT program_id, id, 'budget', 3 FROM operation "
            "WHERE program_id = {p} AND kind = 'enrolment' ORDER BY id LIMIT 1) INSERT INTO counter VALUES ({p}, 'budget', 9, 2)"
        ),
        "rebuilt counter.used",
    ),
    "the total of an order is changed": (
        (
            'UPDATE "order" SET goods_total = goods_total + 100 WHERE program_id = {p} AND goods_total = 700 '
            "OR program_id = {p} AND goods_total = 4000"
        ),
        "members_count_their_orders",
    ),
    "an order counts for more": (
        "UPDATE member SET spend = spend + 100 WHERE program_id = {p} AND id = '{m}'",
        "rebuilt member.spend",
    ),
    "an order belongs to another member": (
        "UPDATE \"order\" SET member_id = '{a}' WHERE program_id = {p} AND member_id = '{m}'",
        "orders_have_their_operation",
    ),
    "a return is taken out of what became of an order": (
        "UPDATE order_change SET spend = spend + 1000, is_gone = false WHERE program_id = {p}",
        "rebuilt member.spend",
    ),
    "an operation is deleted": (
        "DELETE FROM operation WHERE program_id = {p} AND kind = 'adjustment' AND member_id = '{m}'",
        "rebuilt member.version",
    ),
    "an operation is of another kind": (
        "UPDATE operation SET kind = 'redemption' WHERE program_id = {p} AND kind = 'capture'",
        "holds_have_their_operations",
    ),
    "an operation was booked at another time": (
        "UPDATE operation SET booked_at = booked_at - interval '1 year' WHERE program_id = {p} AND kind = 'adjustment'",
        "answers_tell_their_operation",
    ),
    "an operation happened at another time": (
        "UPDATE operation SET effective_at = effective_at - interval '1 day' WHERE program_id = {p} AND kind = 'order'",
        "answers_tell_their_operation",
    ),
    "a blocked member is let in": (
        "UPDATE member SET status = 'blocked' WHERE program_id = {p} AND id = '{m}'",
        "rebuilt member.status",
    ),
    "a merge is forgotten": (
        "UPDATE member SET status = 'active', merged_into = NULL WHERE program_id = {p} AND id = '{a}'",
        "merges_are_in_force",
    ),
    "a hold that ended is open again": (
        "UPDATE hold SET ended_by = NULL, captured = NULL WHERE program_id = {p} AND captured > 0",
        "held_equals_holds",
    ),
    "all keys are forgotten": (
        "TRUNCATE idempotency",
        "operations_have_their_key",
    ),
    "a key leads to another operation": (
        (
            "UPDATE idempotency SET outcome_id = (SELECT min(id::text)::uuid FROM operation WHERE program_id = {p}) "
            "WHERE program_id = {p} AND NOT is_refusal"
        ),
        "operations_have_their_key",
    ),
}


@pytest.fixture(scope="module")
async def lively(servers: Servers, new_program: MakeProgram) -> Lively:
    return await live(servers, new_program)


@pytest.fixture
async def superuser(lively: Lively) -> AsyncIterator[Connection]:
    """Whoever installed the database. What it does is taken back afterwards."""
    connection = await asyncpg.connect(lively.program.database_url)
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    await connection.execute("SET LOCAL search_path = loyalty")
    yield connection
    await transaction.rollback()
    await connection.close()


async def find(connection: Connection, program_id: int) -> set[str]:
    """Return the names of all that ``loyalty check --rebuild`` finds."""
    report = await check_rows(connection, program_id, invariants=[*INVARIANTS, *ANSWERS])
    found = {finding.name for finding in report.findings if finding.offences}
    async for misfit in rebuild_members(connection, program_id):
        found.add(f"rebuilt {misfit.difference.figure.of}.{misfit.difference.figure.column}")
    return found


async def test_nothing_is_found_where_nobody_tampered(superuser: Connection, lively: Lively) -> None:
    assert await find(superuser, lively.program.id) == set()


@pytest.mark.parametrize("tamper", TAMPERS)
async def test_tampering_is_found_and_named(superuser: Connection, lively: Lively, tamper: str) -> None:
    statement, name = TAMPERS[tamper]
    changed = await superuser.execute(statement.format(p=lively.program.id, **lively.names))

    assert not changed.endswith(" 0"), changed
    assert name in await find(superuser, lively.program.id)
