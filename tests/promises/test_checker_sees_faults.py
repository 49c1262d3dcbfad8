"""The checker of the invariants is itself checked: each kind of fault, planted once, is seen and named."""

from typing import Final

import pytest

from tests.harness.api import Api, fresh
from tests.harness.ledger import INVARIANTS, Ledger

P: Final = "WHERE program_id = $1"
ANY_POSTING: Final = f"(SELECT min(id::text)::uuid FROM posting {P})"

UNBOLTED: Final = (("balance", "balance_amounts_check"), ("counter", "counter_used_check"))
"""What the tables themselves would refuse."""

PLANTED: Final = {
    "a balance is not the sum of its postings": f"UPDATE balance SET available = available + 1 {P}",
    "a balance is not what its last posting says": f"UPDATE posting SET available = available + 1 {P}",
    "a balance is not the sum of its lots": f"UPDATE lot SET remaining = remaining - 1 {P} AND remaining > 0",
    "what is held is not what open holds set aside": f"UPDATE balance SET held = held + 1 {P} AND held > 0",
    "what is pending is not what is left in lots that wait": f"UPDATE lot SET available_at = NULL {P} AND remaining > 0",
    "points outlived their expiry": f"UPDATE lot SET expires_at = earned_at {P} AND remaining > 0",
    "a lot is not short of what expired of it": f"UPDATE lot SET expired = 1 {P}",
    "nobody knows that something becomes due": f"UPDATE member SET due_at = NULL {P} AND due_at IS NOT NULL",
    "a member is not in the tier to which it was led": f"""
        INSERT INTO member_tier SELECT program_id, id, 'status', 'gold', now(), NULL, NULL, 'earned', '{{}}' FROM member {P}""",
    "a membership is not what the last of its moves left": f"""
        INSERT INTO member_plan SELECT program_id, id, 'club', now(), now(), now(), true, NULL, '{{}}' FROM member {P}""",
    "a hold is not what left its lots, or has no operations": f"""
        UPDATE hold SET ended_by = gen_random_uuid(), captured = 0 {P} AND ended_by IS NULL""",
    "a number that is waited for has nobody who waits": f"UPDATE order_key SET request_hash = 'x' {P} AND request_hash = ''",
    "a return waits for nothing, or was applied by nobody": f"UPDATE return_waiting SET applied_by = gen_random_uuid() {P}",
    "an order's changes are not numbered without gaps, each by an operation": f"""
        UPDATE order_change SET number = number + 1 {P}""",
    "a balance is negative": f"UPDATE balance SET available = -1 {P}",
    "a member has points and a debt": f"UPDATE balance SET debt = 1, available = 1 {P}",
    "a posting's balance does not follow from the one before": f"""
        UPDATE posting SET amount = amount + 1 {P} AND id = {ANY_POSTING}""",
    "a member's postings are not numbered without gaps": f"UPDATE posting SET seq = seq + 1 {P} AND seq > 1",
    "a posting has no member": f"DELETE FROM member {P}",
    "a lot is not its amount less its uses": f"DELETE FROM lot_use {P}",
    "a lot was not issued by a posting": f"UPDATE lot SET amount = amount + 1 {P}",
    "a lot use has no lot": f"UPDATE lot_use SET lot_id = gen_random_uuid() {P}",
    "an operation's lots do not move what its postings move": f"UPDATE lot_use SET amount = amount + 1 {P}",
    "a posting has no operation of its member": f"UPDATE operation SET member_id = gen_random_uuid() {P}",
    "an operation has no detail": f"DELETE FROM operation_detail {P}",
    "an operation has no key": f"DELETE FROM idempotency {P}",
    "a key has no outcome": f"DELETE FROM refusal {P}",
    "a refusal moved something": f"""
        UPDATE refusal SET id = (SELECT min(id::text)::uuid FROM operation {P}) {P}""",
    "a member's version is not the number of its operations": f"UPDATE member SET version = version + 1 {P}",
    "an order, its number and its operation do not belong together": f"DELETE FROM order_key {P}",
    "a claim and its order do not belong together": f"DELETE FROM order_claim {P}",
    "a reversal and its operation do not belong together": f"DELETE FROM reversal {P}",
    "a member's counters are not those of its orders": f"UPDATE member SET spend = spend + 1 {P}",
    "points are still under way": f"UPDATE posting SET destination = 'transit' {P} AND destination = 'redeemed'",
    "a counter is over its cap": "INSERT INTO counter (program_id, key, cap, used) VALUES ($1, 'limit', 1, 2)",
    "a counter is not what was taken from it": """
        INSERT INTO counter (program_id, key, cap, used) VALUES ($1, 'limit', 9, 2)""",
    "something was taken from a counter by nobody": """
        INSERT INTO counter_use (program_id, operation_id, counter, amount) VALUES ($1, gen_random_uuid(), 'limit', 2)""",
    "leases are not what open reservations hold": """
        INSERT INTO counter_lease (program_id, counter, until, amount) VALUES ($1, 'limit', now(), 2)""",
    "a reservation and its operations do not belong together": f"DELETE FROM reservation {P}",
    "an activity and its operation do not belong together": f"DELETE FROM activity {P}",
    "a mark was set by no activity": f"""
        INSERT INTO activity_mark SELECT program_id, member_id, 'own_cup', 'x', id FROM activity {P}""",
    "a referral does not give what it was rewarded with": f"""
        INSERT INTO referral (program_id, id, programme, friend_id, advocate_id, registered_at, state, reasons, proofs,
                              given, counters, changed_at)
        SELECT program_id, id, 'friends', id, id, booked_at, 'rewarded', '[]', '[]', '[]', '{{}}', booked_at FROM member {P}""",
    "an advocate does not count its friends": """
        INSERT INTO member (program_id, id, version, seq, status, booked_at, orders, spend, enrolled_at, counters)
        VALUES ($1, gen_random_uuid(), 1, 0, 'active', now(), 0, 0, now(), '{"referral/friends/friends/lifetime/": 1}')""",
}


@pytest.fixture
async def busy_ledger(client: Api, ledger: Ledger) -> Ledger:
    """A program in which everything happened once."""
    member = await client.new_member(100)
    redemption = (await client.redeem(member, 30)).json()["id"]
    await client.cancel_redemption(redemption)
    await client.redeem(member, 40)
    await client.redeem(member, 4000)
    await client.post_order(member, 2500, channel="web")
    guest = (await client.post_order(None, 1500)).json()["id"]
    await client.claim(guest, member)
    await client.adjust(member, -500, if_short="debt")
    await client.record_activity(member)
    await _go_on_living(client)
    return ledger


async def _go_on_living(client: Api) -> None:
    """Points are held, goods come back, a return waits for its order, and a cart is reserved."""
    member = await client.new_member(100)
    await client.post("/reservations", {"member": member, "currency": "EUR", "lines": [{"amount": 500}]})
    await client.hold(member, 40)
    order = (await client.post_order(member, lines=[{"id": "a", "amount": 900}, {"id": "b", "amount": 500}])).json()[
        "id"
    ]
    await client.take_back(order, "a")
    await client.post("/returns", {"order": {"order_id": fresh("w")}, "amount": 500})


@pytest.mark.parametrize("name", INVARIANTS)
async def test_a_planted_fault_is_seen(busy_ledger: Ledger, name: str) -> None:
    assert await busy_ledger.faults() == []

    transaction = busy_ledger.connection.transaction()
    await transaction.start()
    for table, constraint in UNBOLTED:
        await busy_ledger.connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    changed = await busy_ledger.connection.execute(PLANTED[name], busy_ledger.program_id)
    faults = await busy_ledger.faults()
    await transaction.rollback()

    assert not changed.endswith(" 0")
    assert name in {fault.partition(":")[0] for fault in faults}
    assert await busy_ledger.faults() == []


async def test_the_api_sees_it_too(client: Api, busy_ledger: Ledger) -> None:
    sound = (await client.get("/ledger/check")).json()
    change = f"UPDATE balance SET available = available + $2 {P}"
    await busy_ledger.connection.execute(change, busy_ledger.program_id, 1)
    broken = (await client.get("/ledger/check")).json()
    await busy_ledger.connection.execute(change, busy_ledger.program_id, -1)  # all programs may be checked later

    assert (sound["is_sound"], broken["is_sound"]) == (True, False)
    assert [check["offences"] for check in sound["checks"] if check["offences"]] == []
    assert sum(check["offences"] for check in broken["checks"]) > 0
