"""Batches of orders: a till's journal in one call, answered order by order, safe to send again."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from tests.harness.api import NO_KEY, Api, code_of, fresh, order_body, pointers_of, receipt
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]


async def send(api: Api, orders: Sequence[Any], **fields: object) -> httpx.Response:
    return await api.send("POST", "/orders/batch", body={"orders": list(orders), **fields}, key=NO_KEY)


async def results(api: Api, orders: Sequence[Any], **fields: object) -> list[Json]:
    answer = await send(api, orders, **fields)
    assert answer.status_code == 200, answer.text
    told: list[Json] = answer.json()["results"]
    assert [result["index"] for result in told] == list(range(len(orders)))
    return told


def bought(member: str | None, number: str | None = None, amount: int = 1000, **fields: Any) -> Json:  # noqa: ANN401 - any field of an order
    return order_body(member, amount, receipt=receipt(number), **fields)


async def test_every_order_gets_the_answer_that_it_would_get_alone(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member()
    orders = [bought(member, amount=100 * n) for n in range(1, 6)]

    told = await results(clients, orders)
    alone = [await clients.post("/orders", order) for order in orders]

    assert [(one["status"], one["code"], one["replayed"]) for one in told] == [(201, None, False)] * 5
    assert [one["body"] for one in told] == [answer.json() for answer in alone]
    assert [answer.headers["idempotent-replayed"] for answer in alone] == ["true"] * 5
    assert (await ledger.nets())[f"{member}/points"] == 15
    assert await ledger.faults() == []


async def test_orders_of_one_member_are_booked_as_they_were_sent(clients: Api) -> None:
    member = await clients.new_member()

    told = await results(clients, [bought(member) for _ in range(40)])

    assert [one["body"]["balances"][0]["available"] for one in told] == list(range(10, 410, 10))


async def test_a_batch_sent_again_whole_or_in_part_answers_the_same(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(3)]
    orders = [bought(members[n % 3], amount=100 * n) for n in range(1, 13)]

    first = await results(clients, orders)
    again = await results(clients, orders)
    part = await results(clients, orders[4:9])

    assert [one["replayed"] for one in (*again, *part)] == [True] * 17
    assert [one["body"] for one in again] == [one["body"] for one in first]
    assert [one["body"] for one in part] == [one["body"] for one in first[4:9]]
    assert await ledger.count("order") == 12
    assert sum((await ledger.nets()).values()) == 78


async def test_one_bad_order_hurts_no_other(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    blocked = await client.new_member()
    await client.block(blocked)
    good = bought(member)
    bad: list[Any] = [
        {**good, "lines": []},
        {**good, "lines": [{"amount": 1.5}]},
        {**good, "surprise": 1},
        {**good, "receipt": {**good["receipt"], "number": "a\x00b"}},
        {**good, "idempotency_key": ""},
        "no order",
        None,
        bought(member, location="elsewhere"),
        bought(blocked),
        bought(member, currency="USD"),
    ]

    told = await results(client, [good, *bad, bought(member)])

    assert [one["status"] for one in told] == [201, *[422] * 8, 409, 422, 201]
    assert [one["code"] for one in told[1:-1]] == ["validation_failed"] * 8 + ["member_blocked", "currency_mismatch"]
    pointers = [[fault["pointer"] for fault in one["body"]["errors"]] for one in told[1:9]]
    assert pointers == [
        ["/orders/1/lines"],
        ["/orders/2/lines/0/amount"],
        ["/orders/3/surprise"],
        ["/orders/4/receipt/number"],
        ["/orders/5/idempotency_key"],
        ["/orders/6"],
        ["/orders/7"],
        ["/orders/8/location"],
    ]
    assert {one["body"]["status"] == one["status"] for one in told[1:-1]} == {True}
    assert (await ledger.nets())[f"{member}/points"] == 20
    assert await ledger.faults() == []


async def test_an_order_twice_in_a_batch_is_booked_once(clients: Api, ledger: Ledger) -> None:
    member, number = await clients.new_member(), fresh()[:20]
    twin = bought(member, number)

    told = await results(clients, [twin, bought(member), twin, bought(member, number, 2000)])

    assert [(one["status"], one["code"], one["replayed"]) for one in told] == [
        (201, None, False),
        (201, None, False),
        (201, None, True),
        (409, "order_exists", False),
    ]
    assert told[2]["body"] == told[0]["body"]
    assert (await ledger.nets())[f"{member}/points"] == 20


async def test_an_own_key_is_kept_as_the_header_would_be(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member()
    order, other = bought(member), bought(member)

    first = await results(clients, [{**order, "idempotency_key": "k-1"}])
    reused = await results(clients, [{**other, "idempotency_key": "k-1"}])
    alone = await clients.post("/orders", order, key="k-1")

    assert (reused[0]["status"], reused[0]["code"]) == (422, "idempotency_key_reused")
    assert alone.json() == first[0]["body"]
    assert await ledger.count("order") == 1


async def test_what_was_refused_without_a_key_is_judged_anew(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    await client.block(member)
    order = bought(member)

    refused = await results(client, [order])
    await client.post(f"/members/{member}/unblock", {"reason": "mistake"})
    accepted = await results(client, [order])

    assert (refused[0]["status"], refused[0]["code"]) == (409, "member_blocked")
    assert (accepted[0]["status"], accepted[0]["replayed"]) == (201, False)
    assert await ledger.faults() == []


async def test_a_till_speaks_for_itself_alone(client: Api, program: Program, ledger: Ledger) -> None:
    till, member = client.acting_as(program.till), await client.new_member()
    foreign = order_body(member, receipt=receipt(till="2"))

    told = await results(till, [bought(member), foreign])

    assert [(one["status"], one["code"]) for one in told] == [(201, None), (403, "till_mismatch")]
    assert await ledger.count("order") == 1


async def test_an_unknown_card_is_enrolled_once(clients: Api, ledger: Ledger) -> None:
    card = f"card:{fresh('c')}"

    for together in (False, True):
        told = await results(clients, [bought(card) for _ in range(5)], all_or_nothing=together)
        assert [one["status"] for one in told] == [201] * 5

    assert await ledger.count("member") == 1
    assert sum((await ledger.nets()).values()) == 100
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/orders"),
        ({"orders": []}, "/orders"),
        ({"orders": {}}, "/orders"),
        ({"orders": None}, "/orders"),
        ({"orders": [1] * 501}, "/orders"),
        ({"orders": [1], "all_or_nothing": "yes"}, "/all_or_nothing"),
        ({"orders": [1], "more": 1}, "/more"),
        ([], ""),
        (7, ""),
    ],
)
async def test_what_is_no_batch_is_refused_as_a_whole(quiet: Api, body: object, pointer: str) -> None:
    answer = await quiet.send("POST", "/orders/batch", body=body)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [pointer])


@pytest.mark.parametrize("cut", [1, 100, -1, -2])
async def test_a_batch_cut_half_way_does_nothing(quiet: Api, cut: int) -> None:
    whole = json.dumps({"orders": [bought("card:cut") for _ in range(20)]}).encode()

    answer = await quiet.send("POST", "/orders/batch", content=whole[:cut])

    assert (answer.status_code, code_of(answer)) == (400, "malformed_json")


async def test_a_name_twice_anywhere_refuses_the_batch(quiet: Api) -> None:
    order = json.dumps(bought("card:twice"))[:-1] + ', "currency": "USD"}'

    answer = await quiet.send("POST", "/orders/batch", content=f'{{"orders": [{order}]}}'.encode())

    assert (answer.status_code, code_of(answer)) == (400, "duplicate_name")


async def test_a_connection_lost_amid_the_batch_does_nothing(quiet: Api, server: str) -> None:
    body = json.dumps({"orders": [bought("card:lost") for _ in range(20)]}).encode()
    host, port = server.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /v1/orders/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {quiet.token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body[:-1])
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.3)

    assert await reader.read() == b""


async def test_five_hundred_orders_of_many_lines_fit(clients: Api, ledger: Ledger) -> None:
    """A journal of five megabytes: far beyond what other routes take."""
    members = [await clients.new_member() for _ in range(10)]
    lines = [{"sku": f"sku-{n:04}", "category": "groceries", "amount": 100, "brand": "x" * 60} for n in range(80)]
    orders = [order_body(members[n % 10], lines=lines, receipt=receipt(str(n))) for n in range(500)]
    assert 5_000_000 < len(json.dumps(orders)) < 8_000_000

    told = await results(clients, orders)

    assert {one["status"] for one in told} == {201}
    assert sum((await ledger.nets()).values()) == 500 * 80
    assert await ledger.faults() == []


async def test_a_larger_body_is_refused(quiet: Api) -> None:
    answer = await quiet.send("POST", "/orders/batch", content=b" " * (8 * 1024 * 1024 + 1))

    assert (answer.status_code, code_of(answer)) == (413, "body_too_large")


async def test_all_are_booked_in_one_write(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(7)]
    orders = [bought(members[n % 7], amount=100 * n) for n in range(1, 50)]

    told = await results(clients, orders, all_or_nothing=True)
    again = await results(clients, orders, all_or_nothing=True)
    alone = await clients.post("/orders", orders[0])

    assert [(one["status"], one["replayed"]) for one in told] == [(201, False)] * 49
    assert [one["body"] for one in again] == [one["body"] for one in told]
    assert {one["replayed"] for one in again} == {True}
    assert alone.json() == told[0]["body"]
    writes = await ledger.connection.fetchval(
        "SELECT count(DISTINCT transaction) FROM operation WHERE program_id = $1 AND kind = 'order'", ledger.program_id
    )
    assert writes == 1
    assert sum((await ledger.nets()).values()) == sum(range(1, 50))
    assert await ledger.faults() == []


def told_of(answer: httpx.Response) -> list[Mapping[str, Any]]:
    """Return the results of a batch that was not booked."""
    assert (answer.status_code, code_of(answer)) == (422, "batch_not_booked")
    told: list[Mapping[str, Any]] = answer.json()["details"]["results"]
    return told


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"currency": "USD"}, "currency_mismatch"),
        ({"lines": []}, "validation_failed"),
        ({"returns": [{"order": {"order_id": "W-1"}, "amount": 1}]}, "validation_failed"),
        ({"pay_with_points": {"wallet": "points", "points": 50}}, "insufficient_points"),
    ],
)
async def test_nothing_is_booked_when_one_of_all_is_not_accepted(
    clients: Api, ledger: Ledger, bad: Json, code: str
) -> None:
    member = await clients.new_member()
    before = await ledger.counts()

    told = told_of(
        await send(clients, [bought(member), {**bought(member), **bad}, bought(member)], all_or_nothing=True)
    )

    assert [(one["status"], one["code"]) for one in told][::2] == [(424, "not_booked")] * 2
    assert told[1]["code"] == code
    assert await ledger.counts() == before


async def test_points_earned_by_one_order_of_all_pay_the_next(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member()
    wish: Json = {"pay_with_points": {"wallet": "points", "points": 50}}

    told = await results(clients, [bought(member, amount=5000), bought(member, **wish)], all_or_nothing=True)

    assert told[1]["body"]["paid_with_points"] == {"wallet": "points", "points": 50, "amount": 50}
    assert await ledger.faults() == []


async def test_twins_among_all_are_booked_once_and_rivals_stop_it(clients: Api, ledger: Ledger) -> None:
    member, number = await clients.new_member(), fresh()[:20]
    twin = bought(member, number)

    rival = told_of(await send(clients, [twin, bought(member, number, 2000)], all_or_nothing=True))
    told = await results(clients, [twin, twin], all_or_nothing=True)

    assert [one["code"] for one in rival] == ["not_booked", "order_exists"]
    assert [one["replayed"] for one in told] == [False, True]
    assert told[0]["body"] == told[1]["body"]
    assert (await ledger.nets())[f"{member}/points"] == 10


async def test_a_shared_limit_is_kept_among_all(clients: Api, new_program: MakeProgram) -> None:
    rules = document()
    rules["earning_rules"] = [
        {
            "key": "first",
            "wallet": "points",
            "earn": {"kind": "fixed", "points": 5},
            "limits": [{"per": "program", "times": 3}],
        }
    ]
    program = await new_program(rules)
    api = clients.acting_as(program.admin)
    members = [await api.new_member() for _ in range(3)]

    told = await results(api, [bought(members[n % 3]) for n in range(6)], all_or_nothing=True)

    assert [len(one["body"]["effects"]) for one in told] == [1, 1, 1, 0, 0, 0]
    async with Ledger.open(program) as ledger:
        assert await ledger.faults() == []


async def test_rival_batches_of_all_end_well(clients: Api, ledger: Ledger) -> None:
    """They change the same members in different orders, beside tills that do the same one by one."""
    members = [await clients.new_member() for _ in range(8)]
    batches = [[bought(members[(n * step) % 8]) for n in range(16)] for step in (1, 3, 5, 7)]

    answers = await asyncio.gather(
        *(results(clients, batch, all_or_nothing=True) for batch in batches),
        *(results(clients, [bought(member) for member in members]) for _ in range(3)),
    )

    assert {one["status"] for answer in answers for one in answer} == {201}
    assert sum((await ledger.nets()).values()) == (4 * 16 + 3 * 8) * 10
    assert await ledger.faults() == []
