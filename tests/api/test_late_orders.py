"""Orders that arrive late: which rules decide, and that everybody can see which."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.harness.api import Api, available, fresh, order_body
from tests.harness.ledger import Ledger
from tests.harness.programs import EVER, MakeProgram, Program, document

THEN = "2026-03-01T12:00:00Z"
CHANGE = datetime(2026, 4, 1, tzinfo=UTC)
SINCE = "2026-04-01T00:00:00Z"


def doubled() -> dict[str, Any]:
    body = document()
    body["earning_rules"][0]["earn"]["points"] = 2
    return body


async def test_a_receipt_of_before_earns_by_the_rules_of_its_time(
    clients: Api, program: Program, ledger: Ledger
) -> None:
    await program.publish(doubled(), since=CHANGE)
    member = await clients.new_member()

    before = (await clients.post_order(member, 1000, placed_at=THEN)).json()
    since = (await clients.post_order(member, 1000, placed_at=SINCE)).json()

    assert [(answer["revision"], answer["effects"][0]["points"]) for answer in (before, since)] == [(1, 10), (2, 20)]
    operation = (await clients.get(f"/operations/{before['operation_id']}")).json()
    assert (operation["revision"], operation["effective_at"]) == (1, THEN)
    explained = (await clients.get(f"/operations/{before['operation_id']}/explanation")).json()
    assert [reason["amount"] for reason in explained["reasons"] if reason["rule"] == "base"] == [10]
    assert await ledger.faults() == []


async def test_each_time_has_its_revision_and_the_first_is_for_all_before(
    clients: Api, program: Program, ledger: Ledger
) -> None:
    await program.publish(doubled(), since=CHANGE)
    tripled = doubled()
    tripled["earning_rules"][0]["earn"]["points"] = 3
    await program.publish(tripled, since=CHANGE + timedelta(days=30))
    await ledger.connection.execute(
        "UPDATE program_revision SET published_at = $2 WHERE program_id = $1 AND number = 1",
        program.id,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    member = await clients.new_member()
    times = [
        "2019-05-05T00:00:00Z",
        THEN,
        "2026-03-31T23:59:59.999Z",
        SINCE,
        "2026-04-30T23:59:59Z",
        "2026-05-01T00:00:00Z",
    ]

    answers = [(await clients.post_order(member, 1000, placed_at=at)).json() for at in times]

    assert [answer["revision"] for answer in answers] == [1, 1, 1, 2, 2, 3]


async def test_orders_of_several_times_in_one_turn_have_each_their_rules(
    client: Api, program: Program, ledger: Ledger
) -> None:
    await program.publish(doubled(), since=CHANGE)
    member = await client.new_member()
    answers = await asyncio.gather(
        *(client.post_order(member, 1000, placed_at=at) for _ in range(6) for at in (THEN, SINCE))
    )

    assert {(x.json()["revision"], x.json()["effects"][0]["points"]) for x in answers} == {(1, 10), (2, 20)}
    assert (await ledger.nets())[f"{member}/points"] == 6 * 30
    assert await ledger.faults() == []


async def test_an_evaluation_looks_by_the_rules_of_its_time(clients: Api, program: Program) -> None:
    await program.publish(doubled(), since=CHANGE)
    member = await clients.new_member()

    looks = [(await clients.evaluate(member, 1000, placed_at=at)).json() for at in (THEN, SINCE)]

    assert [(found["revision"], found["effects"][0]["points"]) for found in looks] == [(1, 10), (2, 20)]


async def test_a_claim_earns_by_the_rules_of_when_the_order_was_placed(
    clients: Api, program: Program, ledger: Ledger
) -> None:
    await program.publish(doubled(), since=CHANGE)
    member = await clients.new_member()
    guest = (await clients.post_order(None, 1000, placed_at=THEN)).json()

    claimed = (await clients.claim(guest["id"], member)).json()

    assert (claimed["revision"], available(claimed)) == (1, 10)
    assert await ledger.faults() == []


async def test_a_return_of_a_late_receipt_takes_what_that_earned(
    clients: Api, program: Program, ledger: Ledger
) -> None:
    """Also where the return came first, and waited."""
    await program.publish(doubled(), since=CHANGE)
    member, number = await clients.new_member(), fresh("o")
    lines = [{"id": "a", "amount": 1000}, {"id": "b", "amount": 500}]
    await clients.post("/returns", {"order": {"order_id": number}, "lines": [{"id": "b"}]})

    order = await clients.post("/orders", order_body(member, lines=lines, order_id=number, placed_at=THEN))
    back = (await clients.take_back(order.json()["id"], "a")).json()

    assert (order.json()["revision"], order.json()["effects"][0]["points"], available(order.json())) == (1, 15, 10)
    assert available(back) == 0
    assert await ledger.faults() == []


async def test_a_wallet_that_is_gone_gets_nothing_and_the_explanation_says_so(
    clients: Api, new_program: MakeProgram
) -> None:
    stamped = document()
    stamped["earning_rules"].append({"key": "stamp", "wallet": "stamps", "earn": {"kind": "fixed", "points": 1}})
    program = await new_program(stamped)
    without = document()
    del without["wallets"][2]
    await program.publish(without, since=CHANGE)
    api = clients.acting_as(program.admin)
    member = await api.new_member()

    order = (await api.post_order(member, 1000, placed_at=THEN)).json()

    assert [effect["rule"] for effect in order["effects"]] == ["base"]
    explained = (await api.get(f"/operations/{order['operation_id']}/explanation")).json()
    reasons = {reason["rule"]: reason["code"] for reason in explained["reasons"]}
    assert reasons["stamp"] == "wallet_gone"
    async with Ledger.open(program) as ledger:
        assert await ledger.faults() == []


async def test_revisions_in_another_money_are_passed_over(clients: Api, program: Program) -> None:
    """A program may change its currency while nothing has happened; what is told of before then counts in today's."""
    assert EVER < CHANGE
    await program.publish(document(currency="CHF"), since=CHANGE)

    order = await clients.post_order(await clients.new_member(), 1000, placed_at=THEN, currency="CHF")

    assert (order.status_code, order.json()["revision"]) == (201, 2)
