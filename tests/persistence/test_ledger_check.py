"""The ledger check finds nothing in a healthy ledger, and names each planted fault by its check."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import pytest

from loyalty_engine.application.check_ledger import check_ledger, check_patiently
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.invariants import INVARIANTS, VIEWS, Invariant
from loyalty_engine.persistence.ledger_check import PLANNING, Report
from tests.harness.api import Api, receipt
from tests.harness.programs import MakeProgram, Program, document, owner
from tests.harness.servers import Servers
from tests.persistence import brought as faults_of_friends
from tests.persistence import lively as lively_faults
from tests.persistence.lively import Lively, live


@dataclass(frozen=True)
class Busy:
    """A program in which everything happened once."""

    program: Program
    member: str
    debtor: str


@pytest.fixture(scope="module")
async def busy(servers: Servers, new_program: MakeProgram) -> Busy:
    program = await new_program(document(unknown_card="park"))
    async with Api(servers.urls, program.admin) as api:
        member, debtor = await api.new_member(500), await api.new_member()
        await api.post_order(member, 2000, pay_with_points={"wallet": "points", "points": 200}, channel="web")
        spent = (await api.redeem(member, 100)).json()["id"]
        await api.redeem(member, 50)
        await api.cancel_redemption(spent)
        await api.adjust(member, -30)
        await api.redeem(member, 100_000)
        guest = (await api.post_order(None, 700)).json()["id"]
        await api.claim(guest, member)
        await api.post_order("card:0042", 900, receipt=receipt())
        await api.adjust(debtor, 80)
        taken = (await api.redeem(debtor, 60)).json()["id"]
        await api.adjust(debtor, -50, if_short="debt")
        await api.cancel_redemption(taken)
        activity = await api.record_activity(member)
        operation = read_id("op", activity.json()["operation_id"])
    async with owner(program.database_url) as connection:
        await connection.execute(
            "INSERT INTO loyalty.counter (program_id, key, cap, used) VALUES ($1, 'promo', 10, 3)", program.id
        )
        await connection.execute(
            "INSERT INTO loyalty.counter_use (program_id, operation_id, counter, amount) VALUES ($1, $2, 'promo', 3)",
            program.id,
            operation,
        )
        await connection.execute(
            "INSERT INTO loyalty.activity_mark (program_id, member_id, kind, mark, operation_id) "
            "SELECT program_id, member_id, kind, 'once', id FROM loyalty.activity WHERE program_id = $1",
            program.id,
        )
    return Busy(program, member, debtor)


@pytest.fixture(scope="module")
async def lively(servers: Servers, new_program: MakeProgram) -> Lively:
    return await live(servers, new_program)


@pytest.fixture(scope="module")
async def brought(new_program: MakeProgram) -> Lively:
    return await faults_of_friends.bring(new_program)


Check = Callable[[Connection, int | None], Awaitable[Report]]


async def check_with(busy: Busy, fault: str, check: Check = check_ledger) -> Report:
    """Plant a fault about the busy program's members, check, and take everything back."""
    return await plant(busy.program, fault, check, m=read_id("mem", busy.member), d=read_id("mem", busy.debtor))


async def plant(program: Program, fault: str, check: Check = check_ledger, **names: UUID) -> Report:
    """Plant a fault, check, and take everything back."""
    async with owner(program.database_url) as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        try:
            await connection.execute("SET LOCAL search_path = loyalty")
            await connection.execute(fault.format(p=program.id, **names))
            return await check(connection, program.id)
        finally:
            await transaction.rollback()


def broken(report: Report) -> set[str]:
    return {finding.name for finding in report.findings if finding.offences}


_OPERATION: Final = (
    "INSERT INTO operation (program_id, id, kind, client_id, effective_at, booked_at, revision) "
    "VALUES ({p}, gen_random_uuid(), '?', 1, now(), now(), 1)"
)
FAULTS: Final = {
    "a balance one too high": (
        "UPDATE balance SET available = available + 1 WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'points'",
        {"balances_equal_postings", "lots_equal_balances"},
    ),
    "a debt one too high": (
        "UPDATE balance SET debt = debt + 1 WHERE program_id = {p} AND member_id = '{d}'",
        {"balances_equal_postings"},
    ),
    "a lost balance": (
        "DELETE FROM balance WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'cashback'",
        {"balances_equal_postings", "lots_equal_balances"},
    ),
    "a wrong balance behind a posting": (
        "UPDATE posting SET available = available + 1 WHERE program_id = {p} AND member_id = '{m}' AND seq = 1",
        {"postings_follow_each_other"},
    ),
    "a changed amount": (
        "UPDATE posting SET amount = amount + 1 WHERE program_id = {p} AND member_id = '{m}' AND seq = 1",
        {"balances_equal_postings", "postings_follow_each_other", "lots_equal_postings"},
    ),
    "a lost posting": (
        "DELETE FROM posting WHERE program_id = {p} AND member_id = '{m}' AND seq = 1",
        {"balances_equal_postings", "postings_follow_each_other", "lots_equal_postings", "sequences_have_no_gaps"},
    ),
    "a member that lost count": (
        "UPDATE member SET seq = seq + 1 WHERE program_id = {p} AND id = '{m}'",
        {"sequences_have_no_gaps"},
    ),
    "points that never arrived": (
        "UPDATE posting SET source = 'transit' WHERE program_id = {p} AND member_id = '{m}' AND seq = 1",
        {"transit_is_empty"},
    ),
    "a lot one too full": (
        (
            "UPDATE lot SET amount = amount + 1, remaining = remaining + 1 WHERE program_id = {p} AND member_id = '{m}' "
            "AND wallet = 'cashback'"
        ),
        {"lots_equal_balances", "lots_equal_postings"},
    ),
    "a lot spent without a use": (
        "UPDATE lot SET remaining = remaining - 1 WHERE program_id = {p} AND member_id = '{m}' AND wallet = 'cashback'",
        {"lots_equal_balances", "lots_equal_uses"},
    ),
    "a lot of a foreign operation": (
        (
            "UPDATE lot SET operation_id = gen_random_uuid() WHERE program_id = {p} AND member_id = '{m}' "
            "AND wallet = 'cashback'"
        ),
        {"lots_have_their_operation", "lots_equal_postings"},
    ),
    "a use without a lot": (
        (
            "INSERT INTO lot_use SELECT program_id, id, gen_random_uuid(), 1 FROM operation WHERE program_id = {p} "
            "AND member_id = '{m}' AND kind = 'enrolment'"
        ),
        {"uses_have_lot_and_operation"},
    ),
    "a use moved to another operation": (
        (
            "UPDATE lot_use u SET operation_id = gen_random_uuid() FROM operation o WHERE u.program_id = {p} "
            "AND o.program_id = {p} AND o.id = u.operation_id AND o.member_id = '{m}' AND o.kind = 'adjustment'"
        ),
        {"uses_have_lot_and_operation", "lots_equal_postings"},
    ),
    "a posting that names a foreign lot": (
        "UPDATE posting SET lot_id = gen_random_uuid() WHERE program_id = {p} AND member_id = '{m}' AND seq = 1",
        {"postings_have_their_operation"},
    ),
    "a lost operation": (
        "DELETE FROM operation WHERE program_id = {p} AND member_id = '{m}' AND kind = 'enrolment'",
        {"keys_lead_to_outcomes"},
    ),
    "an operation of nobody": (
        (
            "UPDATE operation SET member_id = gen_random_uuid() WHERE program_id = {p} AND member_id = '{m}' "
            "AND kind = 'enrolment'"
        ),
        {"operations_have_their_member"},
    ),
    "an identity of nobody": (
        "UPDATE member_identity SET member_id = gen_random_uuid() WHERE program_id = {p} AND member_id = '{m}'",
        {"operations_have_their_member"},
    ),
    "a forgotten reversal": (
        (
            "DELETE FROM reversal v USING operation o WHERE v.program_id = {p} AND o.program_id = {p} "
            "AND o.id = v.operation_id AND o.member_id = '{m}'"
        ),
        {"reversals_name_their_operation"},
    ),
    "an operation that reverses another one twice": (
        (
            "UPDATE operation SET reverses = (SELECT reversed_id FROM reversal WHERE program_id = {p} LIMIT 1) "
            "WHERE program_id = {p} AND member_id = '{m}' AND kind = 'enrolment'"
        ),
        {"reversals_name_their_operation"},
    ),
    "a reversal of too much": (
        (
            "UPDATE posting p SET amount = amount + 1 FROM reversal v WHERE v.program_id = {p} AND p.program_id = {p} "
            "AND p.operation_id = v.operation_id AND p.member_id = '{m}'"
        ),
        {"balances_equal_postings", "postings_follow_each_other", "lots_equal_postings", "reversals_are_opposites"},
    ),
    "a reversal into the wrong lot": (
        (
            "WITH u AS (UPDATE lot_use u SET amount = u.amount + x.change FROM ("
            "  SELECT a.operation_id, a.lot_id, CASE row_number() OVER (ORDER BY a.lot_id) WHEN 1 THEN 1 ELSE -1 END AS change"
            "    FROM lot_use a JOIN reversal v ON v.program_id = {p} AND v.operation_id = a.operation_id"
            "    JOIN lot l ON l.program_id = {p} AND l.id = a.lot_id WHERE a.program_id = {p} AND l.member_id = '{m}') x"
            "  WHERE u.program_id = {p} AND u.operation_id = x.operation_id AND u.lot_id = x.lot_id RETURNING u.lot_id, change) "
            "UPDATE lot l SET remaining = remaining - u.change FROM u WHERE l.program_id = {p} AND l.id = u.lot_id"
        ),
        {"reversals_restore_their_lots"},
    ),
    "a reversal that restored too little": (
        (
            "UPDATE lot_use u SET amount = u.amount + 1 FROM reversal v, operation o WHERE v.program_id = {p} "
            "AND u.program_id = {p} AND u.operation_id = v.operation_id AND o.program_id = {p} AND o.id = v.operation_id "
            "AND o.member_id = '{m}'"
        ),
        {"lots_equal_uses", "lots_equal_postings", "reversals_restore_their_lots"},
    ),
    "a key that leads nowhere": (
        "DELETE FROM refusal WHERE program_id = {p} AND member_id = '{m}'",
        {"keys_lead_to_outcomes"},
    ),
    "a request both refused and accepted": (
        (
            "INSERT INTO refusal SELECT program_id, id, 'x', member_id, client_id, booked_at, '{{}}' FROM operation "
            "WHERE program_id = {p} AND member_id = '{m}' AND kind = 'enrolment'"
        ),
        {"refusals_moved_nothing"},
    ),
    "an order without its number": (
        "DELETE FROM order_key WHERE program_id = {p} AND natural_key LIKE 'receipt%'",
        {"orders_have_one_key"},
    ),
    "an order under two numbers": (
        (
            "INSERT INTO order_key SELECT program_id, natural_key || 'x', order_id, request_hash FROM order_key "
            "WHERE program_id = {p} AND natural_key LIKE 'receipt%'"
        ),
        {"orders_have_one_key"},
    ),
    "a number without its order": (
        "INSERT INTO order_key VALUES ({p}, 'order||ghost', gen_random_uuid(), '')",
        {"orders_have_one_key"},
    ),
    "an order of another member than its operation": (
        "UPDATE operation SET member_id = '{d}' WHERE program_id = {p} AND kind = 'order' AND member_id IS NULL",
        {"orders_have_their_operation"},
    ),
    "an order that is lost": (
        (
            'DELETE FROM "order" b USING order_parked h WHERE b.program_id = {p} AND h.program_id = {p} '
            "AND h.order_id = b.id"
        ),
        {"orders_have_one_key", "orders_have_their_operation", "claims_are_consistent"},
    ),
    "a claim for another member": (
        "UPDATE order_claim SET member_id = '{d}' WHERE program_id = {p}",
        {"claims_are_consistent", "members_count_their_orders"},
    ),
    "a claim of an order that had its member": (
        (
            "UPDATE order_claim SET order_id = (SELECT id FROM \"order\" WHERE program_id = {p} AND member_id = '{m}') "
            "WHERE program_id = {p}"
        ),
        {"claims_are_consistent", "members_count_their_orders"},
    ),
    "an order counted twice": (
        "UPDATE member SET orders = orders + 1 WHERE program_id = {p} AND id = '{m}'",
        {"members_count_their_orders"},
    ),
    "a spend that is off by a cent": (
        "UPDATE member SET spend = spend + 1 WHERE program_id = {p} AND id = '{m}'",
        {"members_count_their_orders"},
    ),
    "an overdrawn budget": (
        "ALTER TABLE counter DROP CONSTRAINT counter_used_check; UPDATE counter SET used = 11 WHERE program_id = {p}",
        {"counters_are_within_caps", "counters_equal_uses"},
    ),
    "a budget that somebody forgot": (
        "UPDATE counter SET used = 2 WHERE program_id = {p}",
        {"counters_equal_uses"},
    ),
    "a budget that is lost": (
        "DELETE FROM counter WHERE program_id = {p}",
        {"counters_equal_uses"},
    ),
    "a use of a budget by nobody": (
        "UPDATE counter_use SET operation_id = gen_random_uuid() WHERE program_id = {p}",
        {"counter_uses_have_their_operation"},
    ),
    "an activity that is lost": (
        "DELETE FROM activity WHERE program_id = {p}",
        {"activities_have_their_operation", "marks_have_their_activity"},
    ),
    "an activity of another time than its operation": (
        "UPDATE activity SET occurred_at = occurred_at + interval '1 second' WHERE program_id = {p}",
        {"activities_have_their_operation"},
    ),
    "a lease that nobody reserved": (
        "INSERT INTO counter_lease (program_id, counter, until, amount) VALUES ({p}, 'promo', now(), 1)",
        {"leases_equal_reservations"},
    ),
    "a lease of its own that a member did not reserve": (
        "UPDATE member SET counters = '{{\"reserved/29990101T000000Z/promo\": 1}}' WHERE program_id = {p} AND id = '{m}'",
        {"members_lease_what_they_reserved"},
    ),
    "a reservation by nobody": (
        "INSERT INTO reservation VALUES ({p}, gen_random_uuid(), NULL, now(), '{{}}')",
        {"reservations_have_their_operation"},
    ),
    "an operation that lost its reservation": (
        _OPERATION.replace("?", "reservation"),
        {"reservations_have_their_operation"},
    ),
    "a reservation that was never made and ended": (
        "INSERT INTO reservation_end VALUES ({p}, gen_random_uuid(), gen_random_uuid(), 'released')",
        {"reservations_end_once"},
    ),
    "a release of nothing": (
        _OPERATION.replace("?", "release"),
        {"reservations_end_once"},
    ),
    "a voucher that nobody gave": (
        (
            "INSERT INTO code_pool (program_id, key, kind, created_at) VALUES ({p}, 'cinema', 'vouchers', now()); "
            "INSERT INTO promo_code (program_id, code, pool, operation_id) VALUES ({p}, 'F1LM', 'cinema', gen_random_uuid())"
        ),
        {"vouchers_are_given_out_once"},
    ),
    "a voucher that is lost": (
        (
            "INSERT INTO code_pool (program_id, key, kind, created_at) VALUES ({p}, 'cinema', 'vouchers', now()); "
            "INSERT INTO promo_code (program_id, code, pool) VALUES ({p}, 'F1LM', 'cinema')"
        ),
        {"vouchers_are_given_out_once"},
    ),
    "a voucher that can be given again": (
        (
            "INSERT INTO code_pool (program_id, key, kind, created_at) VALUES ({p}, 'cinema', 'vouchers', now()); "
            "INSERT INTO promo_code (program_id, code, pool, member_id, operation_id, turn) "
            "SELECT {p}, 'F1LM', 'cinema', member_id, id, 1 FROM operation WHERE program_id = {p} AND kind = 'activity' LIMIT 1"
        ),
        {"vouchers_are_given_out_once"},
    ),
    "a mark for another kind": (
        "UPDATE activity_mark SET kind = 'own_cup' WHERE program_id = {p}",
        {"marks_have_their_activity"},
    ),
}


async def test_a_healthy_ledger_is_sound(busy: Busy) -> None:
    report = await check_with(busy, "SELECT")
    assert broken(report) == set()
    assert report.is_sound
    assert (report.totals.members, report.totals.operations) == (2, 16)
    assert {held.wallet: (held.points, held.debt) for held in report.totals.outstanding} == {
        "points": (275, 0),
        "cashback": (36, 0),
    }


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_planted_fault_is_named(busy: Busy, fault: str) -> None:
    statement, expected = FAULTS[fault]
    assert broken(await check_with(busy, statement)) == expected


async def test_a_lively_ledger_is_sound(lively: Lively) -> None:
    report = await plant(lively.program, "SELECT")
    assert broken(report) == set()
    assert (report.totals.members, report.totals.operations) == (4, 43)
    assert {held.wallet: (held.points, held.debt) for held in report.totals.outstanding} == {
        "points": (2065, 0),
        "cashback": (79, 0),
    }


@pytest.mark.parametrize("fault", lively_faults.FAULTS)
async def test_a_fault_in_a_lively_ledger_is_named(lively: Lively, fault: str) -> None:
    statement, expected = lively_faults.FAULTS[fault]
    assert broken(await plant(lively.program, statement, check_ledger, **lively.names)) == expected


async def test_a_ledger_of_friends_is_sound(brought: Lively) -> None:
    report = await plant(brought.program, "SELECT")
    assert broken(report) == set()
    assert {held.wallet: (held.points, held.debt) for held in report.totals.outstanding} == {"points": (800, 0)}


@pytest.mark.parametrize("fault", faults_of_friends.FAULTS)
async def test_a_fault_in_a_ledger_of_friends_is_named(brought: Lively, fault: str) -> None:
    statement, expected = faults_of_friends.FAULTS[fault]
    assert broken(await plant(brought.program, statement, check_ledger, **brought.names)) == expected


def test_every_check_is_tested_by_a_fault() -> None:
    planted = [*FAULTS.values(), *lively_faults.FAULTS.values(), *faults_of_friends.FAULTS.values()]
    assert {invariant.name for invariant in INVARIANTS} == {name for _, names in planted for name in names}


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
async def test_a_program_of_unknown_size_is_not_joined_row_by_row(busy: Busy, invariant: Invariant) -> None:
    """Of a program that PostgreSQL never counted it believes that it is empty, and that any plan will do."""
    async with owner(busy.program.database_url) as connection, connection.transaction():
        await connection.execute(PLANNING)
        plan = await connection.fetch("EXPLAIN " + VIEWS + invariant.sql, 999_999)
    assert "Nested Loop" not in "\n".join(row[0] for row in plan)


async def test_examples_name_ids_only(busy: Busy) -> None:
    report = await check_with(busy, FAULTS["a member that lost count"][0])
    examples = [example for finding in report.findings for example in finding.examples]
    assert examples == [{"program_id": str(busy.program.id), "member_id": busy.member}]


async def test_a_report_reads_as_text(busy: Busy) -> None:
    lines: list[str] = []
    await check_with(busy, FAULTS["a member that lost count"][0], partial(check_patiently, tell=lines.append))
    assert lines[0] == "ok    balances_equal_postings"
    assert "FAIL  sequences_have_no_gaps: 1 offences. " in "\n".join(lines)
    assert lines[-1] == "The ledger is broken: 1 checks failed."


async def test_all_programs_are_checked_at_once(busy: Busy) -> None:
    async with owner(busy.program.database_url) as connection:
        report = await check_ledger(connection, None)
    assert busy.program.id in {held.program_id for held in report.totals.outstanding}
